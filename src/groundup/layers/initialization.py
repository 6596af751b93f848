r"""How a transformer's weights begin.

| weight | begins as |
|---|---|
| token and position embeddings, untied head | normal, `embedding_std` |
| query, key, value, gate, up | normal, `std`; if that is None, $1 / \sqrt{\text{inputs}}$ |
| attention output, down (they write to the stream) | the same over $\sqrt{2L}$ for L blocks, or 0 |
| biases | 0 |
| gains of norms | 1 |

The $\sqrt{2L}$ keeps the sum of 2L written vectors at the size of one (Radford et al., "Language
Models are Unsupervised Multitask Learners", 2019, section 2.3). With zeros each block begins as the
identity (Zhang et al., "Fixup Initialization", 2019; Yang et al., "Tensor Programs V", 2022).
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

Residual = Literal["scaled", "zero"]


@torch.no_grad()
def initialize(
    parameter: Tensor, *, std: float | None, generator: torch.Generator | None = None
) -> None:
    r"""Fill a matrix (outputs x inputs) from a normal of mean 0; `std` None: $1/\sqrt{inputs}$.

    0 gives zeros and draws nothing.
    """
    wanted = 1 / math.sqrt(parameter.shape[-1]) if std is None else std
    if wanted == 0:
        parameter.zero_()
    else:
        parameter.normal_(0.0, wanted, generator=generator)


def initialize_linear(
    layer: nn.Linear,
    *,
    std: float | None,
    shrink: float = 1.0,
    generator: torch.Generator | None = None,
) -> None:
    """Weights from a normal, times `shrink`; bias 0."""
    base = 1 / math.sqrt(layer.in_features) if std is None else std
    initialize(layer.weight, std=base * shrink, generator=generator)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def residual_shrink(kind: Residual, depth: int) -> float:
    """The factor for the layers that write to the residual stream of `depth` blocks."""
    return 0.0 if kind == "zero" else 1 / math.sqrt(2 * depth)
