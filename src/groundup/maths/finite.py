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


def finite_matrix(values: ArrayLike, name: str, *, columns: int | None = None) -> Floats:
    """A fresh float64 copy of a finite real matrix, with `columns` columns if that is given.

    It may have no rows. Raises ValueError, naming `name`, for anything else.
    """
    array = finite_array(values, name)
    if array.ndim != 2 or array.shape[1] == 0 or columns not in (None, array.shape[1]):
        wanted = "(rows, columns)" if columns is None else f"(rows, {columns})"
        raise ValueError(f"{name} has shape {array.shape}; wanted {wanted}")
    return array


def square_matrix(values: ArrayLike, name: str, *, size: int | None = None) -> Floats:
    """A fresh float64 copy of a finite real square matrix, of `size` rows if that is given."""
    array = finite_matrix(values, name, columns=size)
    if array.shape[0] != array.shape[1]:
        raise ValueError(f"{name} has shape {array.shape}; wanted as many rows as columns")
    return array


def symmetric_matrix(values: ArrayLike, name: str, *, size: int | None = None) -> Floats:
    """A fresh, exactly symmetric float64 copy; ValueError where the two halves differ.

    They may differ by rounding, 1e-8 max|A|; then their mean is taken.
    """
    array = square_matrix(values, name, size=size)
    if np.abs(array - array.T).max() > 1e-8 * np.abs(array).max():
        raise ValueError(f"{name} is not symmetric; pass (A + A.T) / 2 if that is what is meant")
    return (array + array.T) / 2


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
