"""A GPT's weights under Hugging Face's names and in its layout, and back.

Hugging Face's GPT-2 keeps the matrices of its blocks as inputs x outputs, and those of query, key
and value side by side in one; all others are named differently, and no more.
"""

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from groundup.checkpoints.huggingface_architectures import architecture
from groundup.models.gpt_config import GPTConfig

_LLAMA_NAMES = {
    "embedding": "model.embed_tokens",
    "norm": "model.norm",
    "head": "lm_head",
    "blocks.#.attention_norm": "model.layers.#.input_layernorm",
    "blocks.#.attention.query": "model.layers.#.self_attn.q_proj",
    "blocks.#.attention.key": "model.layers.#.self_attn.k_proj",
    "blocks.#.attention.value": "model.layers.#.self_attn.v_proj",
    "blocks.#.attention.output": "model.layers.#.self_attn.o_proj",
    "blocks.#.attention.query_norm": "model.layers.#.self_attn.q_norm",
    "blocks.#.attention.key_norm": "model.layers.#.self_attn.k_norm",
    "blocks.#.feed_forward_norm": "model.layers.#.post_attention_layernorm",
    "blocks.#.feed_forward.gate": "model.layers.#.mlp.gate_proj",
    "blocks.#.feed_forward.up": "model.layers.#.mlp.up_proj",
    "blocks.#.feed_forward.down": "model.layers.#.mlp.down_proj",
}
_GPT2_NAMES = {
    "embedding": "transformer.wte",
    "position": "transformer.wpe",
    "norm": "transformer.ln_f",
    "head": "lm_head",
    "blocks.#.attention_norm": "transformer.h.#.ln_1",
    # query, key and value stand side by side in one matrix, in this order
    "blocks.#.attention.query": "transformer.h.#.attn.c_attn",
    "blocks.#.attention.key": "transformer.h.#.attn.c_attn",
    "blocks.#.attention.value": "transformer.h.#.attn.c_attn",
    "blocks.#.attention.output": "transformer.h.#.attn.c_proj",
    "blocks.#.feed_forward_norm": "transformer.h.#.ln_2",
    "blocks.#.feed_forward.up": "transformer.h.#.mlp.c_fc",
    "blocks.#.feed_forward.down": "transformer.h.#.mlp.c_proj",
}
_FUSED = ("query", "key", "value")


def weights_to_hf(config: GPTConfig, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our `state_dict` under Hugging Face's names, and in its layout."""
    kind = architecture(config)
    result: dict[str, Tensor] = {}
    for ours, tensor in weights.items():
        theirs = _their_name(kind, ours)
        if _is_transposed(theirs, tensor):
            tensor = tensor.T
        fused = [result[theirs], tensor] if theirs in result else [tensor]
        result[theirs] = torch.cat(fused, -1) if len(fused) > 1 else tensor
    return {name: tensor.contiguous() for name, tensor in result.items()}


def weights_from_hf(
    config: GPTConfig, names: Iterable[str], weights: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The inverse of `weights_to_hf`; `names` are those of our `state_dict`."""
    kind = architecture(config)
    result = {}
    for ours in names:
        theirs = _their_name(kind, ours)
        tensor = weights[theirs]
        if ".c_attn." in theirs:
            tensor = tensor.chunk(3, -1)[_FUSED.index(ours.split(".")[-2])]
        result[ours] = (tensor.T if _is_transposed(theirs, tensor) else tensor).contiguous()
    return result


def _their_name(kind: str, ours: str) -> str:
    stem, _, leaf = ours.rpartition(".")
    number = re.search(r"\d+", stem)
    pattern = re.sub(r"\d+", "#", stem)
    theirs = (_GPT2_NAMES if kind == "gpt2" else _LLAMA_NAMES)[pattern]
    return f"{theirs.replace('#', number[0] if number else '')}.{leaf}"


def _is_transposed(theirs: str, tensor: Tensor) -> bool:
    """GPT-2 keeps the matrices of its blocks as inputs x outputs."""
    return theirs.startswith("transformer.h.") and tensor.ndim == 2
