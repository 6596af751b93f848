"""Numbers at the border: arrays from outside become finite float64 arrays, or a ValueError.

Also what a function from outside gives back: its shape and type are checked, its values are not,
for a line search may well step to where a function is infinite and come back.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Scalar = Callable[[Floats], float]
"""A function from a point of shape (n,) to a number."""
Field = Callable[[Floats], Floats]
"""A function from a point of shape (n,) to an array, as a gradient is."""


def real_array(values: ArrayLike, name: str) -> Floats:
    """A fresh float64 copy of real numbers of any shape; ValueError, naming `name`, otherwise."""
    given = np.asarray(values)
    if given.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {given.dtype}; wanted real numbers")
    return given.astype(np.float64)


def finite_array(values: ArrayLike, name: str) -> Floats:
    """A fresh float64 copy of finite real numbers of any shape; ValueError otherwise."""
    array = real_array(values, name)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity; wanted finite numbers")
    return array


def finite_vector(values: ArrayLike, name: str, *, size: int | None = None) -> Floats:
    """A fresh float64 copy of a finite real vector, shape (n,).

    Raises ValueError, naming `name`, when it is not one-dimensional, not finite, not real, or has
    not `size` entries (any number from 1 up where `size` is None).
    """
    array = finite_array(values, name)
    if array.ndim != 1 or (size is None and array.size == 0):
        raise ValueError(f"{name} has shape {array.shape}; wanted one dimension, not empty")
    if size is not None and array.size != size:
        raise ValueError(f"{name} has {array.size} entries; wanted {size}")
    return array


def number_at(function: Scalar, x: Floats) -> float:
    """The function at x, as a float that may be NaN or infinite; ValueError if it is no number.

    NumPy's warnings of overflow are silent here and below, for the caller looks at the value.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        value = real_array(function(x), "the value of the function")
    if value.size != 1:
        raise ValueError(f"the function returned shape {value.shape}; wanted one number")
    return float(value.item())


def vector_at(
    field: Field, x: Floats, name: str = "the gradient", size: int | None = None
) -> Floats:
    """The field at x, shape (size,), by default that of x; ValueError if it has another shape."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        value = real_array(field(x), name)
    wanted = x.size if size is None else size
    if value.shape != (wanted,):
        raise ValueError(f"{name} has shape {value.shape}; wanted ({wanted},)")
    return value


def matrix_at(field: Field, x: Floats, name: str, rows: int) -> Floats:
    """The field at x, shape (rows, n); ValueError if it has another shape."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        value = real_array(field(x), name)
    if value.shape != (rows, x.size):
        raise ValueError(f"{name} has shape {value.shape}; wanted ({rows}, {x.size})")
    return value


def positive(value: float, name: str) -> float:
    """The value as a float; ValueError unless it is finite and above 0."""
    number = real_array(value, name)
    if number.size != 1 or not np.isfinite(number).all() or not (number > 0).all():
        raise ValueError(f"{name} is {value}; wanted a finite number above 0")
    return float(number.item())
