"""Values made for eyes: what a step returns and what a trace's variables hold.

Arrays are NumPy's, torch's or the house's own tensors. Everything is bounded: at most 12 x 16
cells, 144 numbers in more dimensions, 2,000 characters of text, 12 items of a list.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.course.lesson_parts import Value

_ROWS, _COLUMNS, _CELLS = 12, 16, 144
_LONGEST_TEXT = 2000
_MOST_ITEMS = 12


def value(name: str, given: Any) -> Value:
    """One value, by its name."""
    array = _array(given)
    if array is None and _are_records(given):
        columns = tuple(map(str, given[0]))
        rows = tuple(tuple(_text(row[column]) for column in columns) for row in given)
        return Value(name=name, kind=f"{len(rows)} rows", text="", rows=rows, columns=columns)
    if array is None:
        return Value(name=name, kind=type(given).__name__, text=_text(given))
    kind = _kind(given, array)
    if array.ndim == 0:
        return Value(name=name, kind=kind, text=number(array.item()))
    flat = array.reshape(array.shape[_leading_ones(array) :])
    if 1 <= flat.ndim <= 2 and _fits(flat):
        return Value(name=name, kind=kind, text="", rows=_table(np.atleast_2d(flat)))
    if flat.ndim > 2 and 0 < flat.size <= _CELLS and _fits(_stacked(flat)):
        return Value(name=name, kind=kind, text="", rows=_blocks(flat))
    return Value(name=name, kind=kind, text=_summary(array))


def values(returned: Any) -> list[Value]:
    """What a step returns: a dict with words as keys is several values, all else is one."""
    if isinstance(returned, Mapping) and all(isinstance(key, str) for key in returned):
        return [value(key, one) for key, one in list(returned.items())[:_ROWS]]
    return [value("", returned)]


def number(given: int | float | complex) -> str:
    """A number with four digits that count, or all those before the point."""
    if isinstance(given, int):  # and bool
        return str(given)
    if isinstance(given, complex):
        return f"{given:.4g}"
    if not math.isfinite(given):
        return "NaN" if math.isnan(given) else "∞" if given > 0 else "-∞"
    return f"{given:.0f}" if 1e4 <= abs(given) < 1e7 else f"{given:.4g}"


def _are_records(given: Any) -> bool:
    """Whether it is a short list of dicts with the same words as keys: a table."""
    if not isinstance(given, list) or not 0 < len(given) <= _ROWS:
        return False
    if not all(isinstance(row, Mapping) and list(row) == list(given[0]) for row in given):
        return False
    return all(isinstance(key, str) for key in given[0]) and len(given[0]) <= _COLUMNS


def _array(given: Any) -> NDArray[Any] | None:
    """As a NumPy array; None for what is none. A half-precision number is widened."""
    if isinstance(given, np.ndarray | np.generic):
        return np.asarray(given) if np.asarray(given).dtype.kind in "biufc" else None
    if not (hasattr(given, "detach") and hasattr(given, "shape") and hasattr(given, "dtype")):
        return None
    plain = given.detach()
    if hasattr(plain, "cpu"):  # torch's
        plain = plain.cpu()
        is_narrow = plain.dtype.is_floating_point and plain.dtype.itemsize < 4
        return (plain.float() if is_narrow else plain).numpy()  # type: ignore[no-any-return]
    return np.asarray(plain.data)


def _kind(given: Any, array: NDArray[Any]) -> str:
    name = str(getattr(given, "dtype", array.dtype)).removeprefix("torch.")
    shape = " x ".join(map(str, array.shape))
    return f"{name} {shape}".strip()


def _leading_ones(array: NDArray[Any]) -> int:
    """How many dimensions of size 1 stand in front of the last two (a batch of one, one head)."""
    count = 0
    while array.ndim - count > 2 and array.shape[count] == 1:
        count += 1
    return count


def _fits(array: NDArray[Any]) -> bool:
    rows, columns = np.atleast_2d(array).shape[-2:]
    return bool(0 < rows <= _ROWS and 0 < columns <= _COLUMNS)


def _table(array: NDArray[Any]) -> tuple[tuple[str, ...], ...]:
    if array.dtype.kind == "b":
        return tuple(tuple("✓" if one else "·" for one in row) for row in array)
    show = _fixed if _is_even(array) else number
    return tuple(tuple(show(one.item()) for one in row) for row in array)


def _blocks(array: NDArray[Any]) -> tuple[tuple[str, ...], ...]:
    """Of three dimensions or more: rows below each other, a first cell where a block begins."""
    rows = _table(_stacked(array))
    height = array.shape[-2]
    places = [", ".join(map(str, place)) for place in np.ndindex(array.shape[:-2])]
    starts = {number * height: f"[{place}]" for number, place in enumerate(places)}
    return tuple((starts.get(number, ""), *row) for number, row in enumerate(rows))


def _is_even(array: NDArray[Any]) -> bool:
    """Whether three decimals show all that is there."""
    if array.dtype.kind != "f":
        return False
    sizes = np.abs(array[np.isfinite(array) & (array != 0)])
    return bool(sizes.size == 0 or (sizes.max() < 1000 and sizes.min() >= 0.001))


def _fixed(given: float) -> str:
    return f"{given:.3f}" if math.isfinite(given) else number(given)


def _stacked(array: NDArray[Any]) -> NDArray[Any]:
    return array.reshape(-1, array.shape[-1])


def _summary(array: NDArray[Any]) -> str:
    if array.size == 0:
        return "empty"
    if array.dtype.kind == "b":
        return f"{int(array.sum())} of {array.size} true"
    if array.dtype.kind == "c":
        return f"{array.size} complex numbers"
    known = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    odd = array.size - known.size
    said = [f"{odd} of {array.size} not finite"] if odd else []
    if known.size:
        low, mean, high = known.min().item(), known.mean(dtype=float).item(), known.max().item()
        said.insert(0, f"from {number(low)} to {number(high)}, mean {number(mean)}")
    return "; ".join(said)


def _text(given: Any) -> str:
    if isinstance(given, str):
        text = given
    elif isinstance(given, int | float | complex | np.number):
        text = number(given.item() if isinstance(given, np.number) else given)
    elif isinstance(given, list | tuple | set | frozenset) and not hasattr(given, "_fields"):
        text = _items(given)
    else:
        text = repr(given)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} ..."


def _items(given: Any) -> str:
    """A collection's first items, numbers short."""
    shown = [_text(one) if not isinstance(one, str) else repr(one) for one in _first(given)]
    if len(given) > _MOST_ITEMS:
        shown.append(f"... ({len(given)} in all)")
    opened, closed = ("[", "]") if isinstance(given, list) else ("(", ")")
    if isinstance(given, set | frozenset):
        opened, closed = "{", "}"
    return f"{opened}{', '.join(shown)}{closed}"


def _first(given: Any) -> list[Any]:
    ordered = sorted(given, key=repr) if isinstance(given, set | frozenset) else list(given)
    return ordered[:_MOST_ITEMS]
