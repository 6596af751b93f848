"""The decoder-only transformer as one function of its weights, for either engine.

`models.gpt.GPT` is a module of torch that keeps caches and chooses fast twins. Here the same model
is what it is on paper: a function of a dictionary of weights (by the names of `GPT.state_dict`),
written with the functions of `groundup.layers`. Given torch's tensors it is differentiated by
torch, given Tensors of `groundup.autograd` by our own engine, and the numbers are the same.

Legend: B sequence, T position, C width, H head, K key head, D head width, V vocabulary.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from groundup.autograd.module import Parameter
from groundup.layers.attention import attend
from groundup.layers.feed_forward import feed_forward
from groundup.layers.losses import cross_entropy
from groundup.layers.masks import window_mask
from groundup.layers.normalization import layer_norm, rms_norm
from groundup.layers.positions import rotary_tables, rotate
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig

Weights = Mapping[str, Any]


def gpt_logits(weights: Weights, config: GPTConfig, tokens_BT: Any) -> Any:
    """B x T x V: the logits of the token after each token.

    The weights are tensors of one engine and one type. Raises ValueError beyond the context.
    """
    T = tokens_BT.shape[-1]
    if config.context < T:
        raise ValueError(f"{T} tokens do not fit a context of {config.context}")
    x_BTC = weights["embedding.weight"][tokens_BT]
    if config.positions == "learned":
        x_BTC = x_BTC + weights["position.weight"][:T]
    for layer in range(config.depth):
        block = f"blocks.{layer}."
        x_BTC = x_BTC + _attention(
            weights, config, layer, _norm(weights, config, x_BTC, block + "attention_norm")
        )
        normed_BTC = _norm(weights, config, x_BTC, block + "feed_forward_norm")
        x_BTC = x_BTC + _feed_forward(weights, config, block + "feed_forward.", normed_BTC)
    head = weights["embedding.weight" if config.tied else "head.weight"]
    logits_BTV = _norm(weights, config, x_BTC, "norm") @ head.T
    cap = config.softcap
    return logits_BTV if cap is None else (logits_BTV / cap).tanh() * cap


def gpt_loss(weights: Weights, config: GPTConfig, tokens_BT: Any, targets_BT: Any) -> Any:
    """Mean cross-entropy in nats over the targets that are not -100."""
    logits_BTV = gpt_logits(weights, config, tokens_BT)
    return cross_entropy(logits_BTV.flatten(0, 1), targets_BT.flatten())


def array_weights(model: GPT) -> dict[str, Parameter]:
    """A model's weights as parameters of the NumPy engine: copies, in the model's type."""
    return {
        name: Parameter(np.array(tensor.detach().cpu().numpy()))
        for name, tensor in model.state_dict().items()
    }


def _norm(weights: Weights, config: GPTConfig, x_BTC: Any, name: str) -> Any:
    weight = weights[f"{name}.weight"]
    if config.norm == "rms":
        return rms_norm(x_BTC, weight, config.norm_eps)
    return layer_norm(x_BTC, weight, weights.get(f"{name}.bias"), config.norm_eps)


def _linear(weights: Weights, name: str, x_BTC: Any) -> Any:
    result = x_BTC @ weights[f"{name}.weight"].T
    bias = weights.get(f"{name}.bias")
    return result if bias is None else result + bias


def _attention(weights: Weights, config: GPTConfig, layer: int, x_BTC: Any) -> Any:
    """What each token gathers from those before it."""
    name = f"blocks.{layer}.attention"
    T, D = x_BTC.shape[1], config.head_size
    split = (*x_BTC.shape[:2], -1, D)
    q_BTHD, k_BTKD, v_BTKD = (
        _linear(weights, f"{name}.{part}", x_BTC).reshape(split)
        for part in ("query", "key", "value")
    )
    if config.qk_norm:
        q_BTHD = rms_norm(q_BTHD, weights[f"{name}.query_norm.weight"], config.norm_eps)
        k_BTKD = rms_norm(k_BTKD, weights[f"{name}.key_norm.weight"], config.norm_eps)
    if config.positions == "rotary":
        tables = rotary_tables(T, D, base=config.rotary_base, scaling=config.rotary_scaling)
        cos_TP, sin_TP = (table.to(_torch_type(x_BTC)) for table in tables)
        q_BTHD, k_BTKD = rotate(q_BTHD, cos_TP, sin_TP), rotate(k_BTKD, cos_TP, sin_TP)
    window = config.window_of(layer)
    mask_TS = None if window is None or window >= T else window_mask(T, T, window)
    mixed_BHTD = attend(
        q_BTHD.transpose(1, 2),
        k_BTKD.transpose(1, 2),
        v_BTKD.transpose(1, 2),
        mask_TS,
        True,
        config.attention_softcap,
    )
    return _linear(weights, f"{name}.output", mixed_BHTD.transpose(1, 2).flatten(2))


def _torch_type(x: Any) -> torch.dtype:
    return x.dtype if isinstance(x.dtype, torch.dtype) else getattr(torch, str(x.dtype))


def _feed_forward(weights: Weights, config: GPTConfig, name: str, x_BTC: Any) -> Any:
    return feed_forward(
        x_BTC,
        weights[f"{name}up.weight"],
        weights[f"{name}down.weight"],
        weights.get(f"{name}gate.weight"),
        weights.get(f"{name}up.bias"),
        weights.get(f"{name}down.bias"),
        config.activation,
    )
