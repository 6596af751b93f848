"""What statistics are given: numbers, samples, counts and probabilities, checked once at the door.

Each function returns clean float64 (or int) values or raises ValueError in one sentence.
"""

import operator
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Seed = np.random.Generator | int | None
"""A generator, a seed for a fresh one, or None for fresh entropy."""
ALTERNATIVES = ("two-sided", "less", "greater")


def real(values: ArrayLike, name: str) -> Floats:
    """Real numbers of any shape as float64; NaN and infinity pass. ValueError for anything else."""
    given = np.asarray(values)
    if given.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {given.dtype}; wanted real numbers")
    return given.astype(np.float64)


def broadcast(*values: ArrayLike) -> tuple[Floats, ...]:
    """The values as float64 arrays of one common shape (NumPy's broadcasting rules)."""
    arrays = [real(value, "an argument") for value in values]
    return tuple(np.broadcast_arrays(*arrays))


def parameter(
    values: ArrayLike, name: str, *, low: float = -np.inf, high: float = np.inf
) -> Floats:
    """Finite parameters of a distribution, any shape, each strictly between `low` and `high`."""
    array = real(values, name)
    if not (np.isfinite(array) & (array > low) & (array < high)).all():
        raise ValueError(f"{name} is {_few(array)}; wanted finite numbers between {low} and {high}")
    return array


def whole_parameter(values: ArrayLike, name: str, *, low: int = 0) -> Floats:
    """Whole numbers of at least `low`, any shape, as float64 (exact up to 2^53)."""
    array = parameter(values, name)
    if not ((array == np.floor(array)) & (array >= low)).all():
        raise ValueError(f"{name} is {_few(array)}; wanted whole numbers of at least {low}")
    return array


def share_parameter(values: ArrayLike, name: str) -> Floats:
    """Probabilities in [0, 1], any shape."""
    array = real(values, name)
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError(f"{name} is {_few(array)}; wanted probabilities between 0 and 1")
    return array


def sample(values: ArrayLike, name: str = "sample", *, least: int = 1) -> Floats:
    """A finite one-dimensional sample of at least `least` values, shape (n,), a fresh copy."""
    array = real(values, name).copy()
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; wanted one dimension")
    if array.size < least:
        raise ValueError(f"{name} has {array.size} values; wanted at least {least}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity; leave those values out first")
    return array


def pairs(x: ArrayLike, y: ArrayLike, *, least: int = 2) -> tuple[Floats, Floats]:
    """Two finite samples of equal length, whose values belong together pair by pair."""
    first, second = sample(x, "x", least=least), sample(y, "y", least=least)
    if first.size != second.size:
        raise ValueError(f"x has {first.size} values and y {second.size}; pairs need as many")
    return first, second


def whole(value: float, name: str, *, low: int = 0) -> int:
    """One whole number (20 or 20.0) of at least `low`, as a Python int (which cannot overflow)."""
    whole_float = isinstance(value, float) and value.is_integer()
    try:
        number = int(value) if whole_float else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(f"{name} is {value!r}; wanted a whole number") from None
    if number < low:
        raise ValueError(f"{name} is {number}; wanted at least {low}")
    return number


def proportion(value: float, name: str) -> float:
    """One number strictly between 0 and 1, such as a confidence of 0.95."""
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value}; it must lie between 0 and 1")
    return float(value)


def check_alternative(alternative: str) -> None:
    """ValueError unless it is one of "two-sided", "less", "greater"."""
    if alternative not in ALTERNATIVES:
        raise ValueError(f"alternative is {alternative!r}; wanted one of {', '.join(ALTERNATIVES)}")


def generator(rng: Seed) -> np.random.Generator:
    """The generator itself, or a fresh one from a seed."""
    return rng if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)


def pointwise(function: Callable[..., Floats], where: NDArray[np.bool_], *arrays: Floats) -> Floats:
    """The function on the points where it applies, NaN elsewhere; arrays share one shape."""
    result = np.full(where.shape, np.nan)
    fill(result, where, function, *arrays)
    return result


def fill(
    result: Floats, where: NDArray[np.bool_], function: Callable[..., Floats], *arrays: Floats
) -> None:
    """Write the function's values in place where it applies; it is not called for no points."""
    if where.any():
        result[where] = function(*(array[where] for array in arrays))


def _few(array: Floats) -> str:
    return str(array) if array.size <= 4 else f"an array that begins {array.flat[0]}"
