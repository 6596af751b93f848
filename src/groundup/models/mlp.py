"""The multilayer perceptron: linear layers with an activation between them.

$h_0 = x$, $h_l = f(W_l h_{l-1} + b_l)$, $y = W_L h_{L-1} + b_L$. With one hidden layer it can come
as near as wished to any continuous function (Cybenko, 1989; Hornik, 1991); without an activation it
is one linear map, however deep. A single layer, the perceptron, cannot even learn XOR (Minsky and
Papert, 1969). Legend: B example, C inputs, F outputs.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from groundup.autograd.dropout import Dropout
from groundup.autograd.initialization import he_normal, orthogonal, xavier_normal
from groundup.autograd.linear import Linear
from groundup.autograd.module import Module
from groundup.autograd.normalization import BatchNorm
from groundup.autograd.tensor import Tensor

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": Tensor.relu,
    "leaky_relu": Tensor.leaky_relu,
    "sigmoid": Tensor.sigmoid,
    "tanh": Tensor.tanh,
    "gelu": Tensor.gelu,
    "silu": Tensor.silu,
    "none": lambda x: x,
}
INITIALIZATIONS: dict[str, Callable[..., Any]] = {
    "he": he_normal,
    "xavier": xavier_normal,
    "orthogonal": orthogonal,
    "large": lambda shape, rng: rng.standard_normal(shape).astype(np.float32),
    "small": lambda shape, rng: (0.01 * rng.standard_normal(shape)).astype(np.float32),
}
"""By name; "large" and "small" show what happens without one that fits."""


class MLP(Module):
    """Layers of the given sizes, from inputs to outputs.

    `activation`: relu, leaky_relu, sigmoid, tanh, gelu, silu, none; `initialization`: he, xavier,
    orthogonal, large, small, or None for torch's. `dropout` and `batch_norm` act on every hidden
    layer, batch norm before the activation. ValueError for names that do not exist.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        rng: np.random.Generator,
        activation: str = "relu",
        initialization: str | None = "he",
        dropout: float = 0.0,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes are {tuple(sizes)}; wanted inputs, ..., outputs, each above 0")
        self.activation = _named(activation, ACTIVATIONS, "activation")
        self.layers = [Linear(C, F, rng=rng) for C, F in itertools.pairwise(sizes)]
        if initialization is not None:
            begin = _named(initialization, INITIALIZATIONS, "initialization")
            for layer in self.layers:
                layer.weight.data = begin(layer.weight.shape, rng)
                assert layer.bias is not None, "an MLP's layers have biases"
                layer.bias.data = np.zeros_like(layer.bias.data)
        self.norms = [BatchNorm(F) for F in sizes[1:-1]] if batch_norm else []
        self.dropout = Dropout(dropout, rng=rng)

    def forward(self, x_BC: Tensor) -> Tensor:
        """B x inputs to B x outputs."""
        for step in self.steps():
            x_BC = step(x_BC)
        return x_BC

    def steps(self) -> list[Callable[[Tensor], Tensor]]:
        """The layers in order, as `autograd.signals` looks at them."""
        steps: list[Callable[[Tensor], Tensor]] = []
        for number, layer in enumerate(self.layers):
            steps.append(layer)
            if number < len(self.layers) - 1:
                steps += [*self.norms[number : number + 1], self.activation, self.dropout]
        return steps


def _named(name: str, table: dict[str, Any], what: str) -> Any:
    if name not in table:
        raise ValueError(f"there is no {what} {name!r}; there are: {', '.join(table)}")
    return table[name]
