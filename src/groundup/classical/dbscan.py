r"""DBSCAN: clusters are where rows lie dense, of any shape; what lies sparse is noise.

A row is a *core* if at least `min_samples` rows (itself counted) are within `eps` of it. Cores
within `eps` of each other belong to one cluster; a row that is no core but within `eps` of one is
on that cluster's border; all others are noise, labelled -1 (Ester, Kriegel, Sander and Xu, "A
density-based algorithm for discovering clusters in large spatial databases with noise", 1996). The
clusters of cores do not depend on the order of rows; a border row goes to the first of its
clusters.

Left out: trees for the search of neighbours. A sweep along the widest feature leaves out far pairs.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.distances import blocks, pairwise_distances, refuse_overflow
from groundup.classical.estimator import Clusterer
from groundup.classical.linkage import check_distances
from groundup.classical.parameter_values import check_number, check_whole
from groundup.classical.validation import check_fit, check_sample_weight
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
NOISE = -1
"""The label of a row that belongs to no cluster."""
_ROWS = 128


def neighbourhoods(X: Floats, eps: float, metric: str = "euclidean") -> list[Integers]:
    """For each row of X the rows within `eps` of it, itself among them, in ascending order.

    `metric`: one that `pairwise_distances` knows, or "precomputed" (X is n x n distances).
    """
    if metric == "euclidean":
        return _euclidean_neighbourhoods(X, eps)
    found: list[Integers] = []
    for rows in blocks(len(X), len(X)):
        is_given = metric == "precomputed"
        distances = X[rows] if is_given else pairwise_distances(X[rows], X, metric)
        found += [np.flatnonzero(near) for near in distances <= eps]
    return found


def _euclidean_neighbourhoods(X: Floats, eps: float) -> list[Integers]:
    """The same by a sweep: rows that differ by more than `eps` in one feature need no look."""
    feature = int(np.argmax(X.max(axis=0) - X.min(axis=0)))
    order = np.argsort(X[:, feature], kind="stable")
    swept = X[order]
    place = swept[:, feature]
    reach = eps + 4 * np.finfo(np.float64).eps * (eps + np.abs(place).max())  # with its rounding
    found: list[Integers] = [np.empty(0, np.int64)] * len(X)
    for start in range(0, len(X), _ROWS):
        rows = swept[start : start + _ROWS]
        low = int(np.searchsorted(place, rows[0, feature] - reach, side="left"))
        high = int(np.searchsorted(place, rows[-1, feature] + reach, side="right"))
        for row, near in enumerate(rows_within(rows, swept[low:high], eps), start):
            found[order[row]] = np.sort(order[low:high][near])
    return found


def rows_within(X: Floats, Y: Floats, eps: float) -> NDArray[np.bool_]:
    r"""Whether $\|x - y\| \le \epsilon$ for each row of X (n x f) and of Y (m x f), n x m.

    $\|x\|^2 - 2 x \cdot y + \|y\|^2$ is fast; it is off by less than 8 (f + 2) roundings of the
    largest $\|x\|^2 + \|y\|^2$. The pairs that are nearer than that to the border are measured
    again, by their differences.
    """
    origin = Y.mean(axis=0)
    left, right = X - origin, Y - origin
    left_norms = np.einsum("nf,nf->n", left, left)
    right_norms = np.einsum("mf,mf->m", right, right)
    largest = float(left_norms.max() + right_norms.max())
    margin = 8 * (X.shape[1] + 2) * np.finfo(np.float64).eps * largest
    excess = left @ right.T
    excess *= -2.0
    excess += right_norms
    excess += left_norms[:, None] - eps**2
    near: NDArray[np.bool_] = excess <= 0
    i, j = np.nonzero(np.abs(excess, out=excess) <= margin)
    near[i, j] = np.sqrt(((X[i] - Y[j]) ** 2).sum(axis=1)) <= eps
    return near


@replaceable
def connected_labels(neighbours: list[Integers], is_core: NDArray[np.bool_]) -> Integers:
    """The cluster of each row, (n,); NOISE where there is none.

    Clusters are numbered by their first core. Each is grown from it, one ring of neighbours after
    another, through cores only.
    """
    labels = np.full(len(neighbours), NOISE, np.int64)
    cluster = 0
    for start in np.flatnonzero(is_core):
        if labels[start] != NOISE:
            continue
        ring = np.array([start], np.int64)
        labels[start] = cluster
        while len(ring):
            reached = np.unique(np.concatenate([neighbours[core] for core in ring]))
            fresh = reached[labels[reached] == NOISE]
            labels[fresh] = cluster
            ring = fresh[is_core[fresh]]
        cluster += 1
    return labels


class DBSCAN(Clusterer):
    """Density-based clusters with noise, as scikit-learn's.

    `eps`: how far neighbours may be; `min_samples`: the (weight of) rows within it that make a row
    a core; `metric`: euclidean, manhattan, cosine ..., or precomputed.

    Learns `labels_` (-1 is noise), `core_sample_indices_` and `components_` (the core rows).
    Raises ValueError for eps of 0 or less and min_samples below 1.
    Left out: `algorithm`, `leaf_size`, `p`, negative weights. Time grows as n^2 where rows lie
    close, memory as the number of neighbours.
    """

    core_sample_indices_: Integers
    components_: Floats

    def __init__(
        self, eps: float = 0.5, *, min_samples: int = 5, metric: str = "euclidean"
    ) -> None:
        self.eps = eps
        self.min_samples = min_samples
        self.metric = metric

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Cluster the rows of X (n x f, or n x n distances). `y` is ignored.

        A row's weight counts in its neighbours' density.
        """
        rows: Floats = check_fit(self, X)
        refuse_overflow(rows)
        check_number(self, "eps")
        if self.eps == 0:
            raise ValueError("eps is 0; it must be a distance above 0")
        check_whole(self, "min_samples")
        if self.metric == "precomputed" and len(rows) > 1:
            rows = check_distances(rows)
        weights = check_sample_weight(sample_weight, rows)
        neighbours = neighbourhoods(rows, self.eps, self.metric)
        density = np.array([weights[near].sum() for near in neighbours])
        is_core = density >= self.min_samples
        self.labels_ = connected_labels(neighbours, is_core)
        self.core_sample_indices_ = np.flatnonzero(is_core)
        self.components_ = rows[is_core].copy()
        return self
