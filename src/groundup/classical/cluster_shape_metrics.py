"""How compact and how far apart clusters are, judged by the data alone.

They favour round clusters of equal size: use them to compare runs of one method, not methods of
different kinds. Sources: Rousseeuw, "Silhouettes" (1987); Davies and Bouldin (1979); Calinski and
Harabasz (1974). Left out: other distances than those of `distances.pairwise_distances`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.distances import blocks, pairwise_distances
from groundup.classical.metric_targets import Floats, as_labels, refuse_lengths
from groundup.classical.validation import check_array
from groundup.swap import replaceable


def _clusters(X: ArrayLike, labels: ArrayLike) -> tuple[Floats, NDArray[np.intp], int]:
    """The rows, the number of each row's cluster, and how many clusters there are."""
    array, names = check_array(X), as_labels(labels, "labels")
    refuse_lengths(array, names)
    known, numbers = np.unique(names, return_inverse=True)
    if not 2 <= len(known) <= len(array) - 1:
        raise ValueError(
            f"Number of labels is {len(known)}. Valid values are 2 to n_samples - 1 (inclusive)"
        )
    return array, numbers, len(known)


@replaceable
def silhouette_samples(X: ArrayLike, labels: ArrayLike, *, metric: str = "euclidean") -> Floats:
    """(b - a) / max(a, b) for each row (samples,), in [-1, 1].

    a is the mean distance from the other rows of its cluster, b the least mean distance from the
    rows of another one; 1 is well inside, 0 on a border, negative in the wrong cluster; 0 alone.
    Distances are made block by block: O(n^2) time, O(n) memory.
    """
    array, numbers, count = _clusters(X, labels)
    sizes = np.bincount(numbers)
    member = np.eye(count)[numbers]
    values = np.zeros(len(array))
    for rows in blocks(len(array), len(array)):
        sums = pairwise_distances(array[rows], array, metric) @ member
        own = numbers[rows]
        here = np.arange(len(own))
        inside = sums[here, own] / np.maximum(sizes[own] - 1, 1)
        means = sums / sizes
        means[here, own] = np.inf
        outside = means.min(axis=1)
        larger = np.maximum(inside, outside)
        shares = (outside - inside) / np.where(larger > 0, larger, 1)
        values[rows] = np.where(sizes[own] > 1, shares, 0)
    return values


def silhouette_score(X: ArrayLike, labels: ArrayLike, *, metric: str = "euclidean") -> float:
    """The mean silhouette of all rows."""
    return float(silhouette_samples(X, labels, metric=metric).mean())


def _centers(array: Floats, numbers: NDArray[np.intp], count: int) -> Floats:
    return np.array([array[numbers == k].mean(axis=0) for k in range(count)])


@replaceable
def davies_bouldin_score(X: ArrayLike, labels: ArrayLike) -> float:
    r"""The mean over clusters of $\max_{j \ne i} (s_i + s_j) / d_{ij}$; small is good, 0 the least.

    s is the mean distance of a cluster's rows from its centre, d that of two centres.
    """
    array, numbers, count = _clusters(X, labels)
    centers = _centers(array, numbers, count)
    away = np.linalg.norm(array - centers[numbers], axis=1)
    spread = np.bincount(numbers, away) / np.bincount(numbers)
    apart = pairwise_distances(centers)
    if np.allclose(spread, 0) or np.allclose(apart, 0):
        return 0.0
    apart[apart == 0] = np.inf
    return float(((spread[:, None] + spread) / apart).max(axis=1).mean())


@replaceable
def calinski_harabasz_score(X: ArrayLike, labels: ArrayLike) -> float:
    r"""$\frac{B / (k-1)}{W / (n-k)}$: variance between k clusters over that within; large is good.

    It is the F statistic of an analysis of variance with the clusters as groups; 1 if W is 0.
    """
    array, numbers, count = _clusters(X, labels)
    centers = _centers(array, numbers, count)
    within = float(((array - centers[numbers]) ** 2).sum())
    between = float(np.bincount(numbers) @ ((centers - array.mean(axis=0)) ** 2).sum(axis=1))
    if within == 0:
        return 1.0
    return between / (count - 1) * (len(array) - count) / within
