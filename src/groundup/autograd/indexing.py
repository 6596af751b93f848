"""Differentiation rules of picking elements, and of adding elements where they were picked.

Each is the other's gradient: what was picked twice is added twice.
"""

from typing import Any

import numpy as np

from groundup.autograd.rule import Array, Rule

Index = Any
"""What NumPy takes between brackets: integers, slices, None, ..., integer and boolean arrays."""


def getitem(x: Array, index: Index) -> Array:
    """x[index]."""
    return x[index]


def put_back(g: Array, index: Index, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape` with g added at `index`."""
    result = np.zeros(shape, g.dtype)
    if isinstance(index, np.ndarray) and index.dtype.kind in "iu":
        add_rows(result, index, g)
    elif has_arrays(index):
        np.add.at(result, index, g)
    else:
        result[index] = g
    return result


def has_arrays(index: Index) -> bool:
    """Whether an index may name an element twice: it has arrays or lists in it."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, np.ndarray | list) for part in parts)


def add_rows(result: Array, rows: Array, g: Array) -> None:
    """Add row i of g (rows.shape + rest) to `result[rows[i]]`, in place: equal rows in one sum."""
    if rows.size == 0:
        return
    flat_rows = rows.reshape(-1) % len(result)  # -1 and the last are one row
    flat = g.reshape(flat_rows.size, -1)
    order = np.argsort(flat_rows, kind="stable")
    ordered = flat_rows[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sums = np.add.reduceat(flat[order], starts, axis=0)
    rest = result.shape[1:]
    result[ordered[starts]] += sums.reshape(-1, *rest)


def gather(x: Array, dim: int, index: Array) -> Array:
    """Result[i, j, k] = x[i, index[i, j, k], k] for dim 1, and so on; index may be smaller."""
    return x[_full_index(dim, index)]


def scatter_add(g: Array, dim: int, index: Array, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape` with g added where `gather` would have taken it."""
    result = np.zeros(shape, g.dtype)
    if index.shape[dim] == 1:  # no element twice
        result[_full_index(dim, index)] = g
    else:
        np.add.at(result, _full_index(dim, index), g)
    return result


def _full_index(dim: int, index: Array) -> tuple[Array, ...]:
    grid = list(np.ogrid[tuple(slice(size) for size in index.shape)])
    grid[dim] = index
    return tuple(grid)


def masked_fill(x: Array, mask: Array, value: Any) -> Array:
    """`value` where the mask is True, else x."""
    return np.where(mask, np.asarray(value, x.dtype), x)


INDEXING = {
    "getitem": Rule(
        getitem,
        (lambda xp, g, y, x, index: xp.put_back(g, index=index, shape=x.shape),),
    ),
    "put_back": Rule(
        put_back,
        (lambda xp, g, y, x, index, shape: xp.getitem(g, index=index),),
    ),
    "gather": Rule(
        gather,
        (lambda xp, g, y, x, dim, index: xp.scatter_add(g, dim=dim, index=index, shape=x.shape),),
    ),
    "scatter_add": Rule(
        scatter_add,
        (lambda xp, g, y, x, dim, index, shape: xp.gather(g, dim=dim, index=index),),
    ),
    "masked_fill": Rule(
        masked_fill,
        (lambda xp, g, y, x, mask, value: xp.masked_fill(g, mask=mask, value=0.0),),
    ),
}
