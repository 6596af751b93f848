"""The nearest rows by brute force; the plain twin is `groundup.classical.neighbor_search.nearest`.

A matrix product gives all squared distances within a bound of rounding, and only rows that could be
among the nearest by that bound are measured exactly: so the result is that of the direct formula.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from groundup.kernels.kd_tree import _power_distance, _root, insert

_QUERIES, _POINTS = 128, 512  # half a megabyte of distances stays in the cache


def nearest(
    X: NDArray[np.float64], Y: NDArray[np.float64], k: int, p: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distances and numbers of the k rows of Y (m x f) nearest to each row of X (n x f)."""
    distances, numbers = np.full((len(X), k), np.inf), np.full((len(X), k), len(Y))
    origin = Y.mean(axis=0)
    left, right = X - origin, Y - origin
    left_norms = np.einsum("nf,nf->n", left, left)
    right_norms = np.einsum("nf,nf->n", right, right)
    if p != 2 or not np.isfinite(left_norms.max() + right_norms.max()):
        _directly(X, Y, p, distances, numbers)
        return distances, numbers
    transposed = np.ascontiguousarray(right.T)
    slack = 4.0 * (X.shape[1] + 4) * np.finfo(float).eps * (left_norms + right_norms.max())
    for start in range(0, len(X), _QUERIES):
        rows = slice(start, start + _QUERIES)
        some = np.ascontiguousarray(-2.0 * left[rows])
        for first in range(0, len(Y), _POINTS):
            products = some @ transposed[:, first : first + _POINTS]
            norms = right_norms[first : first + _POINTS]
            bound = slack[rows] - left_norms[rows]
            _filter((X[rows], Y), products, norms, bound, first, distances[rows], numbers[rows])
    return np.sqrt(distances), numbers


@numba.njit(cache=True, nogil=True)
def _filter(data, products, norms, bound, first, distances, numbers):
    X, Y = data
    last = distances.shape[1] - 1
    for row in range(len(products)):
        best, names, some = distances[row], numbers[row], products[row]
        limit = best[last] + bound[row]
        for column in range(len(norms)):
            if some[column] + norms[column] <= limit:
                number = first + column
                insert(best, names, _power_distance(X[row], Y[number], 2.0), number)
                limit = best[last] + bound[row]


@numba.njit(cache=True, nogil=True)
def _directly(X, Y, p, distances, numbers):
    for row in range(len(X)):
        for number in range(len(Y)):
            distance = _power_distance(X[row], Y[number], p)
            insert(distances[row], numbers[row], distance, number)
        for place in range(distances.shape[1]):
            distances[row, place] = _root(distances[row, place], p)


def kernels() -> tuple[Any, ...]:
    """What is compiled on first use."""
    return _filter, _directly, _power_distance, _root, insert
