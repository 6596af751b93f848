"""The nearest rows by brute force: measure all, keep the k nearest.

It costs n m f steps for n queries, m rows and f features, whatever the data are like. Of equally
near rows the one of the lower number comes first, as in `groundup.classical.kd_tree`.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.classical.distances import blocks
from groundup.classical.kd_tree import minkowski
from groundup.swap import is_replaced, replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@replaceable
def nearest(X: Floats, Y: Floats, k: int, p: float) -> tuple[Floats, Integers]:
    """Distances and numbers (n x k) of the k rows of Y (m x f) nearest to each row of X (n x f).

    Minkowski's distance with exponent p. The fast twin, `groundup.kernels.neighbor_search.nearest`,
    gives the same.
    """
    distances, numbers = np.empty((len(X), k)), np.empty((len(X), k), np.int64)
    for row, x in enumerate(X):
        every = minkowski(Y - x, p)
        numbers[row] = np.argsort(every, kind="stable")[:k]
        distances[row] = every[numbers[row]]
    return distances, numbers


def within(X: Floats, Y: Floats, radius: float, p: float) -> tuple[Integers, Floats, Integers]:
    """All rows of Y within the radius of each row of X: how many, distances, numbers one by one."""
    counts = np.zeros(len(X), np.int64)
    distances, numbers = [np.empty(0)], [np.empty(0, np.int64)]
    for row, x in enumerate(X):
        every = np.concatenate([minkowski(Y[some] - x, p) for some in blocks(*Y.shape)])
        near = np.flatnonzero(every <= radius)
        counts[row] = len(near)
        distances.append(every[near])
        numbers.append(near)
    return counts, np.concatenate(distances), np.concatenate(numbers)


def find_nearest(X: Floats, Y: Floats, k: int, p: float) -> tuple[Floats, Integers]:
    """`nearest`, by the compiled twin where no function of a learner's stands in."""
    if is_replaced(nearest) or is_replaced(minkowski):
        return nearest(X, Y, k, p)
    queries, rows = (np.require(each, requirements=["C", "W"]) for each in (X, Y))
    found: tuple[Floats, Integers] = _compiled()(queries, rows, k, p)
    return found


@functools.cache
def _compiled() -> Callable[..., Any]:
    from groundup.kernels import compiled, neighbor_search  # compile on first use: not on import

    compiled.are_ready(*neighbor_search.kernels())  # clears what was made from an older k-d tree
    return neighbor_search.nearest
