"""Do signals fade or grow from layer to layer? The size of values and gradients, layer by layer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundup.autograd.module import Module
from groundup.autograd.tensor import Tensor


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One layer's result on a batch."""

    layer: int
    """Its number from the input."""
    value: float
    """Root mean square of its values."""
    gradient: float
    """Root mean square of the loss's gradient with respect to them."""
    dead: float
    """The share of its features that are 0 for the whole batch."""


def signals(
    layers: Sequence[Callable[[Tensor], Tensor]],
    x: Tensor,
    loss: Callable[[Tensor], Tensor],
) -> list[Signal]:
    """Run x through the layers and the loss back; the size of every layer's values and gradients.

    With factors below 1 gradients vanish, above 1 they explode: in a chain of L layers by the power
    of L (Hochreiter, 1991; Bengio et al., "Learning long-term dependencies with gradient descent is
    difficult", 1994). Gradients of parameters are added to as by any `backward`.
    """
    results = []
    for layer in layers:
        x = layer(x)
        if x.requires_grad:
            x.retain_grad()
        results.append(x)
    loss(x).backward()
    return [
        Signal(
            layer=number,
            value=_size(result.data),
            gradient=0.0 if result.grad is None else _size(result.grad.data),
            dead=float((result.data == 0).all(0).mean()),
        )
        for number, result in enumerate(results)
    ]


def gradient_norms(module: Module) -> dict[str, float]:
    """The Euclidean norm of each parameter's gradient, by its path; 0 where there is none."""
    return {
        name: 0.0 if parameter.grad is None else float(np.linalg.norm(parameter.grad.data))
        for name, parameter in module.named_parameters()
    }


def clip_gradients(module: Module, limit: float) -> float:
    r"""Scale all gradients by $\min(1, c / \lVert g \rVert)$, in place; the norm before.

    The norm is that of all gradients together, as one vector. Pascanu et al., "On the difficulty of
    training recurrent neural networks" (2013), section 3.2. ValueError if the limit is not
    positive, or the norm is not finite: then no scale helps.
    """
    if not limit > 0:
        raise ValueError(f"the limit of the norm is {limit}; it must be above 0")
    found = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    norm = float(np.sqrt(sum(float(np.vdot(g.data, g.data)) for g in found)))
    if not np.isfinite(norm):
        raise ValueError(f"the gradients' norm is {norm}; lower the learning rate, or look for NaN")
    if norm > limit:
        for g in found:
            g.data *= np.asarray(limit / norm, g.data.dtype)
    return norm


def _size(array: Any) -> float:
    return float(np.sqrt(np.mean(np.square(array, dtype=np.float64))))
