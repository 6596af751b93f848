"""k-means: k clusters, each the rows that are nearer to its centre than to any other.

The algorithm, from its start to its end, is in `groundup.classical.lloyd`.
"""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.component_names import NumbersColumns
from groundup.classical.distances import euclidean_distances, refuse_overflow
from groundup.classical.estimator import Clusterer
from groundup.classical.lloyd import Clustering, chosen_step, inertia, k_means_plus_plus, lloyd
from groundup.classical.parameter_values import check_number, check_whole
from groundup.classical.scikit_learn import as_caught_there
from groundup.classical.validation import (
    check_array,
    check_fit,
    check_predict,
    check_sample_weight,
    random_generator,
)
from groundup.maths.convergence import ConvergenceWarning

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class KMeans(Clusterer, NumbersColumns):
    """k-means by Lloyd's algorithm, as scikit-learn's.

    `n_clusters`: k; `init`: "k-means++", "random", an array (k x f) or a function of
    (X, n_clusters, random_state); `n_init`: runs, of which the one of least inertia is kept, where
    "auto" is 10 for random starts and functions, else 1; `tol`: movement of the centres to stop at,
    relative to the mean variance of the features; `random_state`: seed or generator.

    Learns `cluster_centers_` (k x f), `labels_`, `inertia_`, `n_iter_`. `transform` gives the
    distances to the centres. Warns (ConvergenceWarning) when `max_iter` was too little and when the
    data hold fewer than k different rows. Raises ValueError for more clusters than rows.
    Left out: Elkan's bounds, float32 arithmetic, sparse X.
    """

    output_columns = "cluster_centers_"
    cluster_centers_: Floats
    inertia_: float
    n_iter_: int

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        n_init: int | str = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Cluster the rows of X (n x f). `y` is ignored."""
        rows = check_fit(self, X)
        refuse_overflow(rows)
        weights = check_sample_weight(sample_weight, rows)
        check_whole(self, "n_clusters", "max_iter")
        check_number(self, "tol")
        refuse_too_many_clusters(self.n_clusters, len(rows))
        rng = random_generator(self.random_state)
        mean = rows.mean(axis=0)
        centred = rows - mean  # distances lose fewer digits near the origin
        tolerance = self.tol * float(centred.var(axis=0).mean())
        best: Clustering | None = None
        for _ in range(self._runs()):
            centers = self._start(rows, weights, rng) - mean
            run = lloyd(centred, weights, centers, max_iter=self.max_iter, tol=tolerance)
            if best is None or run.inertia < best.inertia:
                best = run
        assert best is not None, "there is at least one run"
        self._warn(best)
        self.cluster_centers_ = best.centers + mean
        self.labels_, self.inertia_, self.n_iter_ = best.labels, best.inertia, best.iterations
        return self

    def _runs(self) -> int:
        if self.n_init == "auto":
            is_name = isinstance(self.init, str)
            return 10 if callable(self.init) or (is_name and self.init == "random") else 1
        check_whole(self, "n_init")
        assert not isinstance(self.n_init, str), "it was checked to be a number"
        return 1 if not (isinstance(self.init, str) or callable(self.init)) else self.n_init

    def _start(self, X: Floats, weights: Floats, rng: np.random.Generator) -> Floats:
        k = self.n_clusters
        if isinstance(self.init, str):
            if self.init == "k-means++":
                chosen = k_means_plus_plus(X - X.mean(axis=0), k, rng, weights)
            elif self.init == "random":
                enough = np.count_nonzero(weights) >= k
                chosen = rng.choice(
                    len(X), k, replace=False, p=weights / weights.sum() if enough else None
                )
            else:
                raise ValueError(f"init is {self.init!r}; known are 'k-means++' and 'random'")
            start: Floats = X[chosen]
            return start
        given: Any = self.init(X, k, random_state=rng) if callable(self.init) else self.init
        centers: Floats = check_array(given, name="init")
        if centers.shape != (k, X.shape[1]):
            raise ValueError(
                f"The shape of the initial centers {centers.shape} does not match "
                f"{k} clusters of {X.shape[1]} features"
            )
        return centers

    def _warn(self, run: Clustering) -> None:
        found = len(np.unique(run.labels))
        message = ""
        if found < self.n_clusters:
            message = (
                f"Number of distinct clusters ({found}) found smaller than n_clusters "
                f"({self.n_clusters}). Possibly due to duplicate points in X; ask for fewer."
            )
        elif not run.converged:
            message = (
                f"k-means did not converge in max_iter={self.max_iter} steps; "
                "raise max_iter, or tol if centres may be rougher"
            )
        if message:
            warnings.warn(message, as_caught_there(ConvergenceWarning), stacklevel=3)

    def predict(self, X: ArrayLike) -> Integers:
        """The number of the nearest centre to each row."""
        rows = check_predict(self, X)
        mean = self.cluster_centers_.mean(axis=0)
        step = chosen_step()
        return step(rows - mean, np.ones(len(rows)), self.cluster_centers_ - mean)[0]

    def transform(self, X: ArrayLike) -> Floats:
        """The distance of each row to each centre, n x k."""
        return euclidean_distances(check_predict(self, X), self.cluster_centers_)

    def score(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Minus the inertia of X, so that more is better."""
        rows = check_predict(self, X)
        weights = check_sample_weight(sample_weight, rows)
        return -inertia(rows, weights, self.cluster_centers_, self.predict(rows))


def refuse_too_many_clusters(n_clusters: int, n_samples: int) -> None:
    """ValueError unless there are as many rows as clusters."""
    if n_samples < n_clusters:
        raise ValueError(
            f"n_samples={n_samples} should be >= n_clusters={n_clusters}; "
            "ask for fewer clusters or give more rows"
        )
