"""Transfer learning: what one task taught is kept for another that has few examples.

A body is trained on a task with much data; on the new task its last layer is replaced, and the body
is frozen, or moves less the deeper a layer lies. Yosinski et al., "How transferable are features in
deep neural networks?" (2014); Howard and Ruder, "Universal language model fine-tuning" (2018).
"""

from collections.abc import Sequence

import numpy as np

from groundup.autograd.linear import Linear
from groundup.autograd.module import Module
from groundup.autograd.tensor import Tensor


def freeze(model: Module, *names: str) -> list[str]:
    """Stop training the parameters whose paths begin with one of `names` (none: all); their paths.

    ValueError for a name that no parameter has.
    """
    paths = [path for path, _ in model.named_parameters()]
    for name in names:
        if not any(_is_below(path, name) for path in paths):
            raise ValueError(f"no parameter's path begins with {name!r}; there are: {paths}")
    frozen = []
    for path, parameter in model.named_parameters():
        if not names or any(_is_below(path, name) for name in names):
            parameter.requires_grad_(False)
            frozen.append(path)
    return frozen


def _is_below(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}.")


def replace_head(
    model: Module, outputs: int, *, rng: np.random.Generator, name: str = "head"
) -> Linear:
    """A fresh linear layer in place of the one called `name`; trained even if all else is frozen.

    TypeError unless the model has a linear layer of that name.
    """
    old = getattr(model, name, None)
    if not isinstance(old, Linear):
        raise TypeError(f"{type(model).__name__} has no linear layer {name!r}")
    new = Linear(old.weight.shape[1], outputs, rng=rng, has_bias=old.bias is not None)
    setattr(model, name, new)
    return new


def discriminative_rates(
    layers: Sequence[Module], decay: float = 2.6
) -> list[tuple[list[Tensor], float]]:
    r"""Groups for an optimizer: the last layer has the whole rate, each before it 1/d of the next.

    `layers` from the input to the output. Howard and Ruder (2018), section 3.2.
    """
    if not decay >= 1:
        raise ValueError(f"decay is {decay}; a layer's rate is that of the next over it, 1 or more")
    count = len(layers)
    return [
        (list(layer.parameters()), decay ** -(count - 1 - place))
        for place, layer in enumerate(layers)
    ]


def unfreeze_gradually(layers: Sequence[Module], stage: int) -> None:
    """Train the last `stage` layers only (stage 1: the last), the others are frozen."""
    for place, layer in enumerate(layers):
        layer.requires_grad_(place >= len(layers) - stage)
