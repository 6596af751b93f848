"""Dropout: while training, features are left out at random, so that none is relied on alone."""

import numpy as np

from groundup.autograd.module import Module
from groundup.autograd.tensor import Tensor
from groundup.swap import replaceable


class Dropout(Module):
    r"""While training each number is 0 with probability p, and the rest are $1/(1-p)$ as large.

    So the expected value stays. Srivastava et al., "Dropout" (2014), with the scaling at training
    time. `rng` draws the masks. ValueError unless 0 <= p < 1.
    """

    def __init__(self, p: float, *, rng: np.random.Generator) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"the share of numbers dropped is {p}; it must be from 0 to below 1")
        self.p = p
        self.rng = rng

    def forward(self, x: Tensor) -> Tensor:
        """The same shape; in evaluation x itself."""
        if not self.training or self.p == 0:
            return x
        return dropout(x, self.p, self.rng)


@replaceable
def dropout(x: Tensor, p: float, rng: np.random.Generator) -> Tensor:
    r"""$x \odot m / (1 - p)$ with a mask m that is 0 with probability p, else 1."""
    keep = rng.random(x.shape, dtype=np.float32) >= p
    return x * (keep * np.asarray(1 / (1 - p), x.dtype))
