"""Attention: each query takes a mean of the values, weighted by how well it matches the keys.

Legend: B sequence, H head, T query, S key, D head width, G heads that share one key head.
"""

import math

from torch import Tensor

from groundup.layers.masks import causal_mask
from groundup.swap import replaceable


@replaceable
def attend(
    q_BHTD: Tensor,
    k_BHSD: Tensor,
    v_BHSD: Tensor,
    mask_TS: Tensor | None = None,
    causal: bool = False,
    softcap: float | None = None,
) -> Tensor:
    r"""$\mathrm{softmax}(q k^T / \sqrt D)\, v$, for every head; returns B x H x T x D.

    `mask_TS`: True where query t may look at key s (any shape that broadcasts to B x H x T x S).
    `causal`: also forbid keys after the query, where query t stands at position S - T + t.
    `softcap` c: scores become $c \tanh(\mathrm{score} / c)$ before the mask.
    With fewer key heads than heads, each key head serves H / H_k heads that follow each other.
    A query that may look at no key has no mean to take: its row is NaN.

    From Vaswani et al., "Attention Is All You Need" (2017), section 3.2; grouped heads: Ainslie et
    al., "GQA" (2023); softcap: Gemma 2 (2024), section 2. Leaves out dropout. Its fast twin is
    `kernels.attention.attend`.
    """
    G = q_BHTD.shape[-3] // k_BHSD.shape[-3]
    k_BHSD, v_BHSD = share_heads(k_BHSD, G), share_heads(v_BHSD, G)
    scores_BHTS = q_BHTD @ k_BHSD.transpose(-2, -1) / math.sqrt(q_BHTD.shape[-1])
    if softcap is not None:
        scores_BHTS = (scores_BHTS / softcap).tanh() * softcap
    if causal:
        T, S = scores_BHTS.shape[-2:]
        scores_BHTS = scores_BHTS.masked_fill(~causal_mask(T, S, q_BHTD.device), -math.inf)
    if mask_TS is not None:
        scores_BHTS = scores_BHTS.masked_fill(~mask_TS, -math.inf)
    return scores_BHTS.softmax(-1) @ v_BHSD


def share_heads(x_BHSD: Tensor, G: int) -> Tensor:
    """Each head G times in a row: B x H x S x D to B x (H * G) x S x D."""
    return x_BHSD if G == 1 else x_BHSD.repeat_interleave(G, -3)
