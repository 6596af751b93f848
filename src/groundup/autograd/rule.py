r"""What the engine must know of an operation: its value, and how a gradient passes back through it.

For $y = f(x_1, ..., x_n)$ and a loss $l$, the *vector-Jacobian product* of input i turns
$g = \partial l / \partial y$ into $\partial l / \partial x_i = g^T \, \partial y / \partial x_i$.
It is written once and runs on two kinds of values: on NumPy arrays for a gradient, and on Tensors
where the gradient itself is to be differentiated. Therefore it uses operators and `xp` only, which
holds every operation of the table by name, for the kind of values at hand.

Names and settings are torch's. Legend of a rule: `g` the gradient of the result, `y` the result,
then the inputs and the settings as they were given.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.swap import replaceable

Array = NDArray[Any]
Vjp = Callable[..., Any]
"""(xp, g, y, *inputs, **settings) -> the gradient of one input, before broadcasting is undone."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An operation of which each input has its own vector-Jacobian product.

    With `of_each`, there are any number of inputs and one function for all of them: it is given
    the input's number before `xp`. An input without a rule passes no gradient.
    """

    forward: Callable[..., Any]
    """(*arrays, **settings) -> array."""
    vjps: tuple[Vjp, ...]
    """One for each input that can have a gradient."""
    of_each: bool = False


@dataclass(frozen=True, slots=True)
class FusedRule:
    """An operation whose inputs share the work of their gradients, and what is kept for it.

    Used where a composition of small operations would be slow. Second derivatives go through
    `plain`, the same function of Tensors, composed of operations of the table.
    """

    forward: Callable[..., tuple[Array, Any]]
    """(*arrays, **settings) -> (array, what the gradient needs)."""
    backward: Callable[..., tuple[Any, ...]]
    """(g, y, kept, *arrays, wanted, **settings) -> the gradient of each input, or None.

    `wanted` says of each input whether its gradient is needed.
    """
    plain: Callable[..., Any]
    """(xp, *tensors, **settings) -> tensor; tests hold it against `forward` and `backward`."""


@replaceable
def unbroadcast(xp: Any, g: Any, shape: tuple[int, ...]) -> Any:
    """Sum g over the dimensions that broadcasting added or stretched, back to `shape`.

    Where an input was repeated, its gradient is the sum over the copies.
    """
    extra = g.ndim - len(shape)
    stretched = [extra + i for i, size in enumerate(shape) if size == 1 and g.shape[extra + i] != 1]
    if extra or stretched:
        g = xp.sum(g, dim=(*range(extra), *stretched), keepdim=True)
    return g if g.shape == shape else xp.reshape(g, shape=shape)


def kept_shape(shape: tuple[int, ...], dim: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with ones in the reduced dimensions."""
    reduced = {axis % len(shape) for axis in dim}
    return tuple(1 if axis in reduced else size for axis, size in enumerate(shape))


def as_float(array: Array) -> Array:
    """Integers and booleans as float64; floating arrays as they are."""
    return array if array.dtype.kind in "fc" else array.astype(np.float64)
