r"""k-medoids: k rows that stand for all others, under any distance.

$\min_{M, |M| = k} \sum_i \min_{m \in M} d(x_i, x_m)$. The centre of a cluster is one of its rows,
so the result can be shown, distances need not come from coordinates, and as they are not squared a
far-off row pulls less than in k-means. PAM (Kaufman and Rousseeuw, "Finding groups in data", 1990,
chapter 2) builds a start greedily, then swaps a medoid for another row while that helps. All n k
swaps are valued at once (Schubert and Rousseeuw, "Faster k-medoids clustering", 2019). Memory is
n^2 distances.
"""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.distances import pairwise_distances, refuse_overflow
from groundup.classical.estimator import Clusterer
from groundup.classical.k_means import refuse_too_many_clusters
from groundup.classical.linkage import check_distances
from groundup.classical.parameter_values import check_whole
from groundup.classical.scikit_learn import as_caught_there
from groundup.classical.validation import check_fit, check_predict
from groundup.maths.convergence import ConvergenceWarning
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@replaceable
def greedy_medoids(distances: Floats, n_clusters: int) -> Integers:
    """Rows chosen one by one, each time the one that lowers the sum of distances most (BUILD)."""
    chosen = np.empty(n_clusters, np.int64)
    nearest = np.full(len(distances), np.inf)
    for place in range(n_clusters):
        with_each = np.minimum(nearest[:, None], distances).sum(axis=0)
        with_each[chosen[:place]] = np.inf
        chosen[place] = int(np.argmin(with_each))
        nearest = np.minimum(nearest, distances[:, chosen[place]])
    return chosen


@replaceable
def swap_gains(distances: Floats, medoids: Integers) -> Floats:
    r"""What the sum of distances changes by, k x n, when medoid m goes and row j comes.

    With $d_1, d_2$ a row's distances to its nearest and second nearest medoid, j's coming changes
    the sum by $\sum_i \min(d_{ij}, d_{1i}) - d_{1i}$, and m's going then by
    $\sum_{i \text{ of } m} \min(d_{ij}, d_{2i}) - \min(d_{ij}, d_{1i})$, as only the rows of m lose
    their nearest: one matrix product gives all of these sums.
    """
    to_medoids = distances[:, medoids]
    labels = to_medoids.argmin(axis=1)
    belongs = labels == np.arange(len(medoids))[:, None]
    first = to_medoids[np.arange(len(labels)), labels]
    second = np.where(belongs.T, np.inf, to_medoids).min(axis=1)
    if len(medoids) == 1:
        second = distances.max(axis=1)  # none other is there: the newcomer takes every row
    with_first = np.minimum(distances, first[:, None])
    with_second = np.minimum(distances, second[:, None])
    gains: Floats = belongs.astype(np.float64) @ (with_second - with_first)
    gains += with_first.sum(axis=0) - first.sum()
    return gains


class KMedoids(Clusterer):
    """k rows that stand for all others, by PAM.

    `n_clusters`: k; `metric`: euclidean, manhattan, cosine ... or precomputed; `max_iter`: swaps at
    most. Nothing is random. Learns `medoid_indices_`, `cluster_centers_` (those rows; None with
    precomputed distances), `labels_`, `inertia_` (the sum of distances, not squared), `n_iter_`.
    Warns (ConvergenceWarning) when `max_iter` was too little. The names are those of
    scikit-learn-extra; scikit-learn has no such estimator.
    """

    medoid_indices_: Integers
    cluster_centers_: Floats | None
    inertia_: float
    n_iter_: int

    def __init__(
        self, n_clusters: int = 8, *, metric: str = "euclidean", max_iter: int = 300
    ) -> None:
        self.n_clusters = n_clusters
        self.metric = metric
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Cluster the rows of X (n x f, or n x n distances). `y` is ignored."""
        rows: Floats = check_fit(self, X)
        refuse_overflow(rows)
        check_whole(self, "n_clusters", "max_iter")
        refuse_too_many_clusters(self.n_clusters, len(rows))
        is_given = self.metric == "precomputed"
        distances = (
            check_distances(rows) if is_given else pairwise_distances(rows, None, self.metric)
        )
        medoids = greedy_medoids(distances, self.n_clusters)
        rounding = float(np.finfo(np.float64).eps * distances.sum())
        self.n_iter_, converged = 0, False
        while not converged and self.n_iter_ < self.max_iter:
            self.n_iter_ += 1
            gains = swap_gains(distances, medoids)
            out, into = np.unravel_index(np.argmin(gains), gains.shape)
            converged = bool(gains[out, into] >= -rounding)
            if not converged:
                medoids[out] = into
        if not converged:
            warnings.warn(
                f"k-medoids did not converge in max_iter={self.max_iter} swaps; raise max_iter",
                as_caught_there(ConvergenceWarning),
                stacklevel=2,
            )
        to_medoids = distances[:, medoids]
        self.medoid_indices_ = medoids
        self.labels_ = to_medoids.argmin(axis=1)
        self.inertia_ = float(to_medoids.min(axis=1).sum())
        self.cluster_centers_ = None if is_given else rows[medoids].copy()
        return self

    def predict(self, X: ArrayLike) -> Integers:
        """The number of the nearest medoid to each row; X is n x (rows of fit) if precomputed."""
        rows: Floats = check_predict(self, X)
        if self.cluster_centers_ is None:
            distances = rows[:, self.medoid_indices_]
        else:
            distances = pairwise_distances(rows, self.cluster_centers_, self.metric)
        labels: Integers = distances.argmin(axis=1)
        return labels
