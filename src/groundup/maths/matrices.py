"""What a matrix must be before an algorithm starts: square, symmetric, of a safe size.

The decompositions of this room check their input here and then work on a float64 copy of their own.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.maths.finite import finite_array

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
EPS = float(np.finfo(np.float64).eps)
"""The distance from 1 to the next float64, 2^-52: twice the largest rounding error of one step."""
TINY = 1e-150
"""Nothing beside a matrix of size one: an iteration may call it zero; its square is safe."""


def finite_matrix(
    values: ArrayLike, name: str = "A", *, rows: int | None = None, columns: int | None = None
) -> Floats:
    """A fresh float64 copy of a finite real matrix, shape (m, n); either may be 0.

    It is laid out row by row, since sums in another order are rounded differently. Raises
    ValueError, naming `name`, for anything else, or other numbers of `rows` or `columns`.
    """
    matrix = finite_array(values, name)
    if matrix.ndim != 2:
        raise ValueError(f"{name} has shape {matrix.shape}; wanted a matrix")
    for size, wanted, what in zip(matrix.shape, (rows, columns), ("rows", "columns"), strict=True):
        if wanted not in (None, size):
            raise ValueError(f"{name} has shape {matrix.shape}; wanted {wanted} {what}")
    return np.ascontiguousarray(matrix)


def square_matrix(values: ArrayLike, name: str = "A", *, size: int | None = None) -> Floats:
    """A fresh float64 copy of a finite real matrix, shape (n, n); n may be 0.

    Raises ValueError, naming `name`, for anything else, or where it has not `size` rows.
    """
    matrix = finite_matrix(values, name, columns=size)
    rows, columns = matrix.shape
    if rows != columns:
        raise ValueError(f"{name} has shape {matrix.shape}; wanted a square matrix")
    return matrix


def symmetric_matrix(
    values: ArrayLike,
    name: str = "A",
    *,
    size: int | None = None,
    tolerance: float = 100 * EPS,
) -> Floats:
    """The symmetric part (A + A') / 2 of a matrix that is symmetric up to rounding, shape (n, n).

    Raises ValueError when an entry and its mirror image differ by more than `tolerance` max|A|:
    LAPACK would read one triangle and never notice the other. A Hessian by differences needs more
    than the default, 1e-8 say.
    """
    matrix = square_matrix(values, name, size=size)
    half = 0.5 * matrix  # halved first: the sum of two large entries may overflow
    skew = np.abs(half - half.T).max(initial=0.0)
    if skew > tolerance / 2 * np.abs(matrix).max(initial=0.0):
        raise ValueError(
            f"{name} is not symmetric (it differs from its transpose by up to {2 * skew:.3g}); "
            f"wanted {name} = {name}', pass ({name} + {name}.T) / 2 if that is meant"
        )
    return half + half.T


def right_sides(values: ArrayLike, rows: int, name: str = "b") -> tuple[Floats, bool]:
    """One or several right-hand sides as columns, shape (rows, k), and whether it was one vector.

    Raises ValueError, naming `name`, unless the shape is (rows,) or (rows, k).
    """
    given = np.asarray(values)
    if given.ndim == 1:
        return finite_matrix(given[:, None], name, rows=rows), True
    return finite_matrix(given, name, rows=rows), False


def unit_scale(matrix: Floats) -> tuple[Floats, int]:
    """The matrix times 2^-e, with its largest entry in [1/2, 1), and e.

    A power of two changes no digit, and what is near one can be squared without overflow. The zero
    and the empty matrix come back with e = 0. (Entries 10^308 times smaller than the largest are
    lost, far below the rounding error of any algorithm that looks at the whole matrix.)
    """
    exponent = int(np.frexp(np.abs(matrix).max(initial=0.0))[1])
    return np.ldexp(matrix, -exponent), exponent


def rescaled(values: Floats, exponent: int | Integers) -> Floats:
    """The values times 2^exponent: `unit_scale` undone. Infinite beyond float64's range."""
    with np.errstate(over="ignore"):
        result: Floats = np.ldexp(values, exponent)
    return result


def whole_number(value: int, name: str, low: int | None = None, high: int | None = None) -> int:
    """The value as a Python int; ValueError unless it is a whole number from low to high."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or (low is not None and value < low) or (high is not None and value > high):
        bounds = "" if low is None else f", {low} or more"
        bounds = bounds if high is None else f", from {low} to {high}"
        raise ValueError(f"{name} is {value!r}; wanted a whole number{bounds}")
    return int(value)


def real_number(value: float, name: str) -> float:
    """The value as a finite Python float; ValueError for anything else."""
    number = finite_array(value, name)
    if number.ndim:
        raise ValueError(f"{name} has shape {number.shape}; wanted one number")
    return float(number)
