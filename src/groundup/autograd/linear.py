"""Linear layers and embeddings: the parameters of a product, and a table of rows.

Legend: C inputs, F outputs, V rows of a table, `...` any leading dimensions.
"""

from typing import Any

import numpy as np

from groundup.autograd import functions
from groundup.autograd.initialization import torch_default
from groundup.autograd.module import Module, Parameter
from groundup.autograd.tensor import Tensor


class Linear(Module):
    r"""$x W^T + b$, with W of F x C; begins as torch's. The same as `torch.nn.Linear`."""

    weight: Parameter
    bias: Parameter | None

    def __init__(self, C: int, F: int, *, rng: np.random.Generator, has_bias: bool = True) -> None:
        super().__init__()
        self.weight = Parameter(torch_default((F, C), rng, C))
        self.bias = Parameter(torch_default((F,), rng, C)) if has_bias else None

    def forward(self, x: Any) -> Tensor:
        """... x C to ... x F. ValueError for another number of inputs."""
        C = self.weight.shape[1]
        if x.shape[-1] != C:
            raise ValueError(f"this layer has {C} inputs, and is given {x.shape[-1]}")
        result: Tensor = functions.linear(x, self.weight, self.bias)
        return result


class Embedding(Module):
    """A row of C numbers for each of V ids, normal at first. The same as `torch.nn.Embedding`."""

    weight: Parameter

    def __init__(self, V: int, C: int, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.weight = Parameter(rng.standard_normal((V, C)).astype(np.float32))

    def forward(self, ids: Any) -> Tensor:
        """Integers of any shape to their rows, one dimension more. IndexError for a wrong id."""
        numbers = ids.data if isinstance(ids, Tensor) else np.asarray(ids)
        if numbers.dtype.kind not in "iu":
            raise TypeError(f"an embedding is looked up by integers, and these are {numbers.dtype}")
        if numbers.size and (numbers.min() < 0 or numbers.max() >= len(self.weight)):
            raise IndexError(
                f"ids from {numbers.min()} to {numbers.max()} do not all name one of the "
                f"{len(self.weight)} rows"
            )
        return self.weight[numbers]
