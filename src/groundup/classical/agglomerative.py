"""Hierarchical clustering with scikit-learn's conventions; the algorithm is in `linkage`."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.distances import refuse_overflow
from groundup.classical.estimator import Clusterer
from groundup.classical.linkage import cut, linkage
from groundup.classical.parameter_values import check_number, check_whole
from groundup.classical.validation import check_fit

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class AgglomerativeClustering(Clusterer):
    """Clusters that come from merging the nearest two until enough are left, as scikit-learn's.

    `n_clusters`: how many are left; or None, and merges stop below `distance_threshold`.
    `metric`: euclidean, manhattan, cosine ..., or precomputed; `linkage`: ward, complete, average
    or single. `compute_distances`: keep `distances_` also where no threshold is given.

    Learns `labels_` (clusters numbered by their first rows), `n_clusters_`, `n_leaves_`,
    `children_` ((n - 1) x 2, the merged clusters) and `distances_` (their heights). Raises
    ValueError for fewer than two rows, more clusters than rows, and when not exactly one of
    `n_clusters` and `distance_threshold` is given.
    Left out: `connectivity`, `memory`, `compute_full_tree` (it always is).
    """

    n_clusters_: int
    n_leaves_: int
    n_connected_components_: int
    children_: Integers
    distances_: Floats

    def __init__(
        self,
        n_clusters: int | None = 2,
        *,
        metric: str = "euclidean",
        linkage: str = "ward",
        distance_threshold: float | None = None,
        compute_distances: bool = False,
    ) -> None:
        self.n_clusters = n_clusters
        self.metric = metric
        self.linkage = linkage
        self.distance_threshold = distance_threshold
        self.compute_distances = compute_distances

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Cluster the rows of X (n x f, or n x n distances). `y` is ignored."""
        rows: Floats = check_fit(self, X, min_samples=2)
        refuse_overflow(rows)
        if (self.n_clusters is None) == (self.distance_threshold is None):
            raise ValueError(
                "Exactly one of n_clusters and distance_threshold has to be set, and the other "
                f"needs to be None; they are {self.n_clusters} and {self.distance_threshold}"
            )
        if self.n_clusters is not None:
            check_whole(self, "n_clusters")
        else:
            check_number(self, "distance_threshold")
        tree = linkage(rows, self.linkage, self.metric)
        count = self.n_clusters
        if count is None:
            threshold = np.float64(self.distance_threshold or 0.0)
            count = int(np.count_nonzero(tree[:, 2] >= threshold)) + 1
        self.labels_ = cut(tree, count)
        self.n_clusters_, self.n_leaves_, self.n_connected_components_ = count, len(rows), 1
        self.children_ = tree[:, :2].astype(np.int64)
        if self.compute_distances or self.distance_threshold is not None:
            self.distances_ = tree[:, 2].copy()
        return self
