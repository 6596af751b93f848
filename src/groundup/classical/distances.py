r"""Distances between rows: all pairs of them, or each row's nearest.

There are two ways to get $\|x - y\|^2$. The direct one sums $(x_f - y_f)^2$: its relative error is
a few roundings. The fast one expands it, $\|x\|^2 - 2 x \cdot y + \|y\|^2$, so that a matrix
product does the work; but its error is a few roundings of $\|x\|^2 + \|y\|^2$, so that small
distances between long rows are noise (Golub and Van Loan, "Matrix Computations", 2013, section
2.7, on cancellation). `euclidean_distances` is direct; `squared_distances_by_product` is fast, and
meant for where distances are only compared, as in k-means.

Left out: sparse rows, weights of features, the Mahalanobis distance.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.validation import check_array
from groundup.swap import replaceable

Floats = NDArray[np.float64]
METRICS = ("euclidean", "sqeuclidean", "manhattan", "chebyshev", "cosine")
"""What `pairwise_distances` knows."""
_BLOCK = 1 << 16  # numbers in a block: half a megabyte stays in the cache


def pairwise_distances(
    X: ArrayLike, Y: ArrayLike | None = None, metric: str = "euclidean"
) -> Floats:
    """The distance of each row of X (n x f) from each row of Y (m x f), or of X: n x m.

    Raises ValueError for an unknown metric, other numbers of features, NaN and infinity.
    """
    functions = {
        "euclidean": euclidean_distances,
        "sqeuclidean": squared_euclidean_distances,
        "manhattan": manhattan_distances,
        "chebyshev": chebyshev_distances,
        "cosine": cosine_distances,
    }
    if metric not in functions:
        raise ValueError(f"metric is {metric!r}; known are: {', '.join(METRICS)}")
    return functions[metric](X, Y)


def euclidean_distances(X: ArrayLike, Y: ArrayLike | None = None) -> Floats:
    r"""$\sqrt{\sum_f (x_f - y_f)^2}$, as accurate for near rows as for far ones."""
    squared = squared_euclidean_distances(X, Y)
    np.sqrt(squared, out=squared)
    return squared


@replaceable
def squared_euclidean_distances(X: ArrayLike, Y: ArrayLike | None = None) -> Floats:
    r"""$\sum_f (x_f - y_f)^2$ summed directly; zero exactly where rows are equal."""
    left, right = _two(X, Y)
    result = np.zeros((len(left), len(right)))
    for rows in blocks(*result.shape):
        for x, y in zip(left[rows].T, right.T, strict=True):
            difference = x[:, None] - y
            difference *= difference
            result[rows] += difference
    return result


@replaceable
def squared_distances_by_product(X: ArrayLike, Y: ArrayLike) -> Floats:
    r"""$\|x\|^2 - 2 x \cdot y + \|y\|^2$, never below zero.

    Both sets are first moved so that the mean of Y is the origin, which takes away the error that a
    far-off origin would bring. What is left is below $4 f \epsilon (\|x\|^2 + \|y\|^2)$ of the
    moved rows.
    """
    left, right = _two(X, Y)
    origin = right.mean(axis=0)
    left, right = left - origin, right - origin
    result: Floats = left @ right.T
    result *= -2.0
    result += np.einsum("nf,nf->n", left, left)[:, None]
    result += np.einsum("mf,mf->m", right, right)
    np.maximum(result, 0.0, out=result)
    return result


def manhattan_distances(X: ArrayLike, Y: ArrayLike | None = None) -> Floats:
    r"""$\sum_f |x_f - y_f|$."""
    left, right = _two(X, Y)
    result = np.zeros((len(left), len(right)))
    for rows in blocks(*result.shape):
        for x, y in zip(left[rows].T, right.T, strict=True):
            result[rows] += np.abs(x[:, None] - y)
    return result


def chebyshev_distances(X: ArrayLike, Y: ArrayLike | None = None) -> Floats:
    r"""$\max_f |x_f - y_f|$."""
    left, right = _two(X, Y)
    result = np.zeros((len(left), len(right)))
    for rows in blocks(*result.shape):
        for x, y in zip(left[rows].T, right.T, strict=True):
            np.maximum(result[rows], np.abs(x[:, None] - y), out=result[rows])
    return result


@replaceable
def cosine_distances(X: ArrayLike, Y: ArrayLike | None = None) -> Floats:
    r"""$1 - x \cdot y / (\|x\| \|y\|)$, in [0, 2]; a row of zeros is at 1 from all but zeros.

    From itself a row is exactly 0 away. Not a metric: the triangle inequality does not hold.
    """
    left, right = _two(X, Y)
    result = np.clip(1.0 - _unit_rows(left) @ _unit_rows(right).T, 0.0, 2.0)
    if Y is None:
        np.fill_diagonal(result, 0.0)
    return result


def nearest_rows(X: ArrayLike, Y: ArrayLike) -> tuple[NDArray[np.int64], Floats]:
    """For each row of X the number of the nearest row of Y (the first of equals), and how far.

    Euclidean, by blocks: memory stays at n + m numbers however many pairs there are.
    """
    left, right = _two(X, Y)
    nearest, distance = np.empty(len(left), np.int64), np.empty(len(left))
    for rows in blocks(len(left), len(right)):
        squared = squared_euclidean_distances(left[rows], right)
        nearest[rows] = squared.argmin(axis=1)
        distance[rows] = np.sqrt(squared.min(axis=1))
    return nearest, distance


def refuse_overflow(X: Floats) -> None:
    """ValueError where the squares of differences, summed over all of X, could be infinite."""
    most = np.sqrt(np.finfo(np.float64).max / (4 * max(1, X.size)))
    largest = max(float(X.max(initial=0.0)), -float(X.min(initial=0.0)))
    if largest > most:
        raise ValueError(
            f"X holds numbers as large as {largest:.3g}, and sums of their squares overflow; scale "
            f"X to below {most:.3g}"
        )


def blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of so many rows that a block of rows x columns stays in the cache."""
    step = max(1, _BLOCK // max(1, columns))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def _two(X: ArrayLike, Y: ArrayLike | None) -> tuple[Floats, Floats]:
    first = check_array(X)
    second = first if Y is None else check_array(Y, name="Y")
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"X has {first.shape[1]} features and Y {second.shape[1]}; distances need the same ones"
        )
    return first, second


def _unit_rows(X: Floats) -> Floats:
    largest = np.abs(X).max(axis=1, keepdims=True)
    scaled = X / np.where(largest == 0, 1.0, largest)  # no square over- or underflows
    norms = np.sqrt(np.einsum("nf,nf->n", scaled, scaled))[:, None]
    unit: Floats = scaled / np.where(norms == 0, 1.0, norms)
    return unit
