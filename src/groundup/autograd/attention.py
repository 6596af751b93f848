"""Attention as a layer of the NumPy engine, for networks that look back at a sequence.

Legend: B sequence, T query, S key, C width.
"""

import math
from typing import Any

import numpy as np

from groundup.autograd import functions
from groundup.autograd.linear import Linear
from groundup.autograd.module import Module
from groundup.autograd.tensor import Tensor


class Attention(Module):
    r"""Several heads of attention between two sequences, and the four products around them.

    $\mathrm{softmax}(q k^T / \sqrt{D})\, v$ in each head, heads laid side by side, then mixed.
    Vaswani et al., "Attention is all you need" (2017), section 3.2.2. Queries come from `x`, keys
    and values from `memory` (x itself where it is None).
    """

    def __init__(self, C: int, heads: int, *, rng: np.random.Generator) -> None:
        super().__init__()
        if C % heads:
            raise ValueError(f"{heads} heads do not divide a width of {C}")
        self.heads = heads
        self.query, self.key = Linear(C, C, rng=rng), Linear(C, C, rng=rng)
        self.value, self.output = Linear(C, C, rng=rng), Linear(C, C, rng=rng)

    def forward(self, x: Tensor, memory: Tensor | None = None, mask: Any = None) -> Tensor:
        """B x T x C (and B x S x C) to B x T x C; `mask` True where t may look at s."""
        memory = x if memory is None else memory
        q, k, v = (
            layer(source).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, source in ((self.query, x), (self.key, memory), (self.value, memory))
        )
        mixed = functions.attend(q, k, v, mask, scale=1 / math.sqrt(q.shape[-1]))
        return self.output(mixed.transpose(1, 2).flatten(2))
