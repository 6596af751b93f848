r"""k-means on a few rows at a time: for data that are many, or never all there at once.

Each centre is the mean of all rows it ever got: after a batch it moves towards the mean of the
batch's rows by their share of all it has seen, so steps shrink as 1 / seen (Sculley, "Web-scale
k-means clustering", 2010). The inertia ends a little above that of Lloyd's algorithm.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.distances import refuse_overflow
from groundup.classical.k_means import KMeans, refuse_too_many_clusters
from groundup.classical.lloyd import chosen_step, inertia
from groundup.classical.parameter_values import check_number, check_whole
from groundup.classical.scikit_learn import as_caught_there
from groundup.classical.validation import (
    check_fit,
    check_predict,
    check_sample_weight,
    random_generator,
)
from groundup.maths.convergence import ConvergenceWarning
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_REASSIGNMENT_RATIO = 0.01


@replaceable
def mini_batch_step(
    centers: Floats, seen: Floats, sums: Floats, totals: Floats
) -> tuple[Floats, Floats]:
    r"""The centres (k x f) and the weights they have seen (k,) after a batch.

    $c \leftarrow (N c + \sum_i w_i x_i) / (N + \sum_i w_i)$ over the rows of the batch that are
    nearest to c, of which `sums` and `totals` are the sums. A centre that got none stays.
    """
    now_seen = seen + totals
    moved = (centers * seen[:, None] + sums) / np.where(now_seen > 0, now_seen, 1.0)[:, None]
    return np.where((totals > 0)[:, None], moved, centers), now_seen


@dataclass
class Patience:
    """When to stop: the smoothed inertia of batches has not fallen for so many of them."""

    share: float
    """How much a new batch counts in the moving average, in (0, 1]."""
    batches: int | None
    """So many; None for never."""
    smoothed: float | None = None
    """The moving average."""
    least: float = np.inf
    """The least it has been."""
    waited: int = 0
    """Batches since then."""

    def is_over(self, batch_inertia: float) -> bool:
        """Take the next batch's mean inertia into account."""
        before = batch_inertia if self.smoothed is None else self.smoothed
        self.smoothed = before + self.share * (batch_inertia - before)
        self.waited = 0 if self.smoothed < self.least else self.waited + 1
        self.least = min(self.least, self.smoothed)
        return self.batches is not None and self.waited >= self.batches


class MiniBatchKMeans(KMeans):
    """k-means by random batches, as scikit-learn's.

    `n_clusters`, `init`: as of KMeans; `n_init`: starts, of which the best on a sample is taken,
    where "auto" is 3 for random starts, else 1; `batch_size`: rows a step; `max_iter`: passes over
    the data at most; `max_no_improvement`: steps without progress to stop after; `tol`: relative
    movement of the centres to stop at, where 0 means never. Every 10 k rows a centre that has seen
    less than a hundredth of what the largest has is moved to a random row.

    `fit` learns what KMeans does, and `n_steps_`; `partial_fit` takes one batch after another.
    Left out: `init_size` (3 batches) and `reassignment_ratio` (0.01).
    """

    n_steps_: int

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        max_iter: int = 100,
        batch_size: int = 1024,
        tol: float = 0.0,
        max_no_improvement: int | None = 10,
        n_init: int | str = "auto",
        random_state: Any = None,
    ) -> None:
        super().__init__(
            n_clusters,
            init=init,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            random_state=random_state,
        )
        self.batch_size = batch_size
        self.max_no_improvement = max_no_improvement

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Cluster the rows of X (n x f). `y` is ignored."""
        rows: Floats = check_fit(self, X)
        refuse_overflow(rows)
        weights = check_sample_weight(sample_weight, rows)
        self._check_sizes(len(rows))
        rng = random_generator(self.random_state)
        size = min(self.batch_size, len(rows))
        self._begin(rows, weights, rng)
        limit = self.tol * float(rows.var(axis=0).mean())
        patience = Patience(min(1.0, 2 * size / (len(rows) + 1)), self.max_no_improvement)
        steps = self.max_iter * len(rows) // size
        for step in range(1, steps + 1):
            batch = rng.integers(len(rows), size=size)
            before = self.cluster_centers_
            cost = self._step(rows[batch], weights[batch], rng)
            moved = float(((self.cluster_centers_ - before) ** 2).sum())
            if step > 1 and (patience.is_over(cost / size) or (limit > 0 and moved <= limit)):
                break
        self.n_steps_, self.n_iter_ = step, -(-step * size // len(rows))
        self.labels_ = self.predict(rows)
        self.inertia_ = inertia(rows, weights, self.cluster_centers_, self.labels_)
        self._tell()
        return self

    def partial_fit(
        self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """One step on the rows of X as a batch; the first call also chooses the start from it."""
        is_first = not hasattr(self, "cluster_centers_")
        rows: Floats = check_fit(self, X) if is_first else check_predict(self, X)
        refuse_overflow(rows)
        weights = check_sample_weight(sample_weight, rows)
        if is_first:
            self._check_sizes(len(rows))
            self._rng = random_generator(self.random_state)
            self._begin(rows, weights, self._rng)
            self.n_steps_ = 0
        elif not hasattr(self, "_rng"):  # it was fitted before
            self._rng = random_generator(self.random_state)
        self._step(rows, weights, self._rng)
        self.n_steps_ += 1
        self.labels_ = self.predict(rows)
        self.inertia_ = inertia(rows, weights, self.cluster_centers_, self.labels_)
        return self

    def _check_sizes(self, n_samples: int) -> None:
        check_whole(self, "n_clusters", "max_iter", "batch_size")
        check_number(self, "tol")
        if self.max_no_improvement is not None:
            check_whole(self, "max_no_improvement", least=0)
        refuse_too_many_clusters(self.n_clusters, n_samples)

    def _runs(self) -> int:
        runs = super()._runs()
        return 3 if self.n_init == "auto" and runs == 10 else runs

    def _begin(self, rows: Floats, weights: Floats, rng: np.random.Generator) -> None:
        """Of some starts on a sample of three batches, the one of least inertia on another one."""
        size = max(3 * self.batch_size, 3 * self.n_clusters)
        sample = np.arange(len(rows))
        if size < len(rows):
            sample = rng.choice(len(rows), size, replace=False)
        if np.count_nonzero(weights[sample]) == 0:
            sample = np.flatnonzero(weights)
        starts = [self._start(rows[sample], weights[sample], rng) for _ in range(self._runs())]
        step = chosen_step()
        costs = [
            inertia(rows[sample], weights[sample], c, step(rows[sample], weights[sample], c)[0])
            for c in starts
        ]
        self.cluster_centers_ = starts[int(np.argmin(costs))].copy()
        self._seen, self._since = np.zeros(self.n_clusters), 0

    def _step(self, batch: Floats, weights: Floats, rng: np.random.Generator) -> float:
        """Move the centres; the inertia of the batch before that."""
        mean = batch.mean(axis=0)
        centers = self.cluster_centers_ - mean
        labels, sums, totals = chosen_step()(batch - mean, weights, centers)
        cost = inertia(batch, weights, self.cluster_centers_, labels)
        moved, self._seen = mini_batch_step(centers, self._seen, sums, totals)
        self.cluster_centers_ = moved + mean
        self._since += len(batch)
        if (self._seen == 0).any() or self._since >= 10 * self.n_clusters:
            self._since = 0
            self._reassign(batch, weights, rng)
        return cost

    def _reassign(self, batch: Floats, weights: Floats, rng: np.random.Generator) -> None:
        candidates = np.flatnonzero(weights)
        starved = np.flatnonzero(self._seen < _REASSIGNMENT_RATIO * self._seen.max())
        most = min(len(batch) // 2, len(candidates))
        starved = starved[np.argsort(self._seen[starved], kind="stable")][:most]
        if len(starved):
            chosen = rng.choice(candidates, len(starved), replace=False)
            self.cluster_centers_[starved] = batch[chosen]
            fed = np.setdiff1d(np.arange(self.n_clusters), starved)
            self._seen[starved] = self._seen[fed].min()  # or they would be moved again at once

    def _tell(self) -> None:
        found = len(np.unique(self.labels_))
        if found < self.n_clusters:
            warnings.warn(
                f"Number of distinct clusters ({found}) found smaller than n_clusters "
                f"({self.n_clusters}). Possibly due to duplicate points in X; ask for fewer.",
                as_caught_there(ConvergenceWarning),
                stacklevel=3,
            )
