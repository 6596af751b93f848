"""One block of a GPT: attention and feed-forward, each reading a norm of the stream it adds to.

Legend: B sequence, T new token, S token in sight (cached and new), C width, H head, K key head,
D head width, P = D / 2 rotated pairs.
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from groundup.kernels.attention import attend as attend_fast
from groundup.layers.attention import attend
from groundup.layers.feed_forward import FeedForward
from groundup.layers.masks import causal_mask, window_mask
from groundup.layers.normalization import LayerNorm, RMSNorm
from groundup.layers.positions import rotate
from groundup.models.gpt_config import GPTConfig
from groundup.swap import is_replaced

Rotation = tuple[Tensor, Tensor]
"""Cosines and sines (T x P) of the new tokens' positions."""


class Cache(Protocol):
    """Keys and values of the tokens read so far (as `inference.cache.KVCache`)."""

    length: int
    """Tokens read so far."""

    def append(self, layer: int, k_BHTD: Tensor, v_BHTD: Tensor) -> tuple[Tensor, Tensor]:
        """Keep those of T new tokens; return those of all S = length + T."""
        ...

    def advance(self, count: int) -> None:
        """Every layer has appended `count` tokens."""
        ...


class Attention(nn.Module):
    """Attention's four products, its optional norms, and the choice of a twin."""

    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        C, D = config.width, config.head_size
        queries, keys = config.heads * D, config.key_head_count * D
        has_bias = config.attention_bias != "none"
        self.query = nn.Linear(C, queries, bias=has_bias)
        self.key = nn.Linear(C, keys, bias=has_bias)
        self.value = nn.Linear(C, keys, bias=has_bias)
        self.output = nn.Linear(queries, C, bias=config.attention_bias == "all")
        self.query_norm = self.key_norm = None
        if config.qk_norm:
            plain = config.norms == "plain"
            self.query_norm = RMSNorm(D, eps=config.norm_eps, plain=plain)
            self.key_norm = RMSNorm(D, eps=config.norm_eps, plain=plain)
        self.layer = layer
        self.head_width = D
        self.window = config.window_of(layer)
        self.softcap = config.attention_softcap
        self.plain = config.attention == "plain"

    def project(self, x_BTC: Tensor, rotation: Rotation | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B x H x T x D), keys and values (B x K x T x D), normalized and rotated."""
        split = (*x_BTC.shape[:-1], -1, self.head_width)
        q_BTHD, k_BTKD = self.query(x_BTC).view(split), self.key(x_BTC).view(split)
        v_BTKD = self.value(x_BTC).view(split)
        if self.query_norm is not None and self.key_norm is not None:
            q_BTHD, k_BTKD = self.query_norm(q_BTHD), self.key_norm(k_BTKD)
        if rotation is not None:
            q_BTHD, k_BTKD = rotate(q_BTHD, *rotation), rotate(k_BTKD, *rotation)
        return q_BTHD.transpose(1, 2), k_BTKD.transpose(1, 2), v_BTKD.transpose(1, 2)

    def mask(self, T: int, S: int, device: torch.device) -> Tensor | None:
        """The mask beside causality: None, or that of a window that S tokens outgrow."""
        if self.window is None or self.window >= S:
            return None
        return window_mask(T, S, self.window, device)

    def forward(
        self, x_BTC: Tensor, rotation: Rotation | None, cache: Cache | None = None
    ) -> Tensor:
        """What each token gathers from those in its sight (B x T x C)."""
        q_BHTD, k_BKSD, v_BKSD = self.project(x_BTC, rotation)
        if cache is not None:
            k_BKSD, v_BKSD = cache.append(self.layer, k_BKSD, v_BKSD)
        output: Tensor = self.output(self.mix(q_BHTD, k_BKSD, v_BKSD))
        return output

    def mix(
        self, q_BHTD: Tensor, k_BKSD: Tensor, v_BKSD: Tensor, mask_B1TS: Tensor | None = None
    ) -> Tensor:
        """The last T of S tokens look at those before; their heads side by side (B x T x H D).

        `mask_B1TS` says who sees whom instead, where sequences of several lengths lie in B rows.
        """
        is_causal = mask_B1TS is None
        if mask_B1TS is None:
            mask_B1TS = self.mask(q_BHTD.shape[-2], k_BKSD.shape[-2], q_BHTD.device)
        is_mine = is_replaced(attend) or is_replaced(causal_mask)
        twin = attend if self.plain or is_mine else attend_fast
        mixed_BHTD = twin(q_BHTD, k_BKSD, v_BKSD, mask_B1TS, is_causal, self.softcap)
        return mixed_BHTD.transpose(1, 2).flatten(2)


class Block(nn.Module):
    """Attention, then feed-forward, each added to what came in."""

    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        self.attention_norm = normalization(config)
        self.attention = Attention(config, layer)
        self.feed_forward_norm = normalization(config)
        self.feed_forward = FeedForward(
            config.width,
            config.hidden_width,
            activation=config.activation,
            has_bias=config.mlp_bias,
        )

    def forward(
        self, x_BTC: Tensor, rotation: Rotation | None, cache: Cache | None = None
    ) -> Tensor:
        """The residual stream after this block (B x T x C)."""
        x_BTC = x_BTC + self.attention(self.attention_norm(x_BTC), rotation, cache)
        result: Tensor = x_BTC + self.feed_forward(self.feed_forward_norm(x_BTC))
        return result


def normalization(config: GPTConfig) -> RMSNorm | LayerNorm:
    """The norm that the config names, over the width."""
    C, eps, plain = config.width, config.norm_eps, config.norms == "plain"
    if config.norm == "rms":
        return RMSNorm(C, eps=eps, plain=plain)
    return LayerNorm(C, eps=eps, has_bias=config.norm_bias, plain=plain)
