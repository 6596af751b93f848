r"""Lloyd's algorithm: k centres, each row near to one of them.

$\min_{c_1 \dots c_k} \sum_i w_i \min_j \|x_i - c_j\|^2$, the *inertia*. Lloyd's algorithm (Lloyd,
"Least squares quantization in PCM", 1982) repeats two steps, neither of which can raise it: give
each row to its nearest centre; move each centre to the mean of its rows. It ends in a local
minimum, so the start matters: k-means++ (Arthur and Vassilvitskii, "k-means++: the advantages of
careful seeding", 2007) is within O(log k) of the best, in expectation.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundup.classical.distances import blocks
from groundup.swap import is_replaced, replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@replaceable
def k_means_plus_plus(
    X: Floats, n_clusters: int, rng: np.random.Generator, sample_weight: Floats | None = None
) -> Integers:
    r"""The numbers of `n_clusters` rows of X (n x f) to start from, far from one another.

    The first is drawn at random. Each further one is drawn with probability proportional to
    $w_i D_i^2$, the squared distance to the nearest one so far; of $2 + \lfloor \ln k \rfloor$
    such draws the one that leaves the least inertia is kept (the greedy variant of the paper's
    conclusion). X should be centred: distances come from a matrix product.
    """
    weights = np.ones(len(X)) if sample_weight is None else sample_weight
    trials = 2 + int(np.log(n_clusters))
    norms = np.einsum("nf,nf->n", X, X)

    def squared_distances(rows: Integers) -> Floats:
        squared: Floats = norms[rows][:, None] - 2.0 * (X[rows] @ X.T) + norms
        squared[np.arange(len(rows)), rows] = 0.0  # what rounding left there could be drawn again
        return np.maximum(squared, 0.0, out=squared)

    chosen = np.empty(n_clusters, np.int64)
    chosen[0] = rng.choice(len(X), p=weights / weights.sum())
    nearest = squared_distances(chosen[:1])[0]
    for place in range(1, n_clusters):
        cumulative = np.cumsum(weights * nearest)
        draws = rng.random(trials) * cumulative[-1]
        candidates = np.minimum(np.searchsorted(cumulative, draws), len(X) - 1)
        with_each = np.minimum(nearest, squared_distances(candidates))
        best = int(np.argmin(with_each @ weights))
        chosen[place], nearest = candidates[best], with_each[best]
    return chosen


@replaceable
def lloyd_step(X: Floats, weights: Floats, centers: Floats) -> tuple[Integers, Floats, Floats]:
    r"""Each row's nearest centre, and what each centre's rows sum to.

    Returns the labels (n,), the weighted sums of rows (k x f) and the sums of weights (k,). As
    $\|x - c\|^2 = \|x\|^2 - 2 x \cdot c + \|c\|^2$, the nearest centre has the least
    $\|c\|^2 / 2 - x \cdot c$; of equals the first is taken. The fast twin is
    `groundup.kernels.lloyd.lloyd_step`.
    """
    half_norms = 0.5 * np.einsum("kf,kf->k", centers, centers)
    labels = np.argmin(half_norms - X @ centers.T, axis=1)
    belongs = (labels == np.arange(len(centers))[:, None]) * weights
    return labels, belongs @ X, belongs.sum(axis=1)


def next_centers(
    X: Floats, weights: Floats, centers: Floats, step: tuple[Integers, Floats, Floats]
) -> Floats:
    """The mean of each centre's rows, from what `lloyd_step` returned.

    A centre that has no rows moves to the row that is farthest from its own centre, which is taken
    out of that centre's mean: so no cluster stays empty while there are enough different rows.
    """
    labels, sums, totals = step[0], step[1].copy(), step[2].copy()
    empty = np.flatnonzero(totals == 0)
    if len(empty):
        distances = ((X - centers[labels]) ** 2).sum(axis=1)
        farthest = np.argsort(-distances, kind="stable")[: len(empty)]
        if distances[farthest[0]] > 0:
            for center, row in zip(empty, farthest, strict=False):
                moved = weights[row] * X[row]
                sums[labels[row]] -= moved
                totals[labels[row]] -= weights[row]
                sums[center], totals[center] = moved, weights[row]
    means = sums / np.where(totals > 0, totals, 1.0)[:, None]
    return np.where((totals > 0)[:, None], means, means[np.argmax(totals)])


@dataclass(frozen=True, kw_only=True)
class Clustering:
    """What one run of Lloyd's algorithm ends in."""

    centers: Floats
    """k x f."""
    labels: Integers
    """The nearest of those centres to each row, (n,)."""
    inertia: float
    """The weighted sum of squared distances."""
    iterations: int
    """Steps taken."""
    converged: bool
    """Whether the labels stayed, or the centres moved less than asked for."""


def lloyd(
    X: Floats, weights: Floats, centers: Floats, *, max_iter: int = 300, tol: float = 0.0
) -> Clustering:
    """Lloyd's algorithm from the given centres.

    It stops when no label changes, or when the centres' squared moves sum to at most `tol`.
    """
    step_function = chosen_step()
    old_labels = np.full(len(X), -1, np.int64)
    converged = labels_stay = False
    iterations = 0
    while iterations < max_iter and not converged:
        iterations += 1
        step = step_function(X, weights, centers)
        new_centers = next_centers(X, weights, centers, step)
        moved = float(((new_centers - centers) ** 2).sum())
        labels_stay = np.array_equal(step[0], old_labels)
        converged = labels_stay or moved <= tol
        centers, old_labels = new_centers, step[0]
    labels = old_labels if labels_stay else step_function(X, weights, centers)[0]
    return Clustering(
        centers=centers,
        labels=labels,
        inertia=inertia(X, weights, centers, labels),
        iterations=iterations,
        converged=converged,
    )


def chosen_step() -> Callable[[Floats, Floats, Floats], tuple[Integers, Floats, Floats]]:
    """The compiled `lloyd_step`, or a learner's own where one stands in."""
    if is_replaced(lloyd_step):
        return lloyd_step
    from groundup.kernels import lloyd as fast  # compiles on first use, so not on import

    return fast.lloyd_step


def inertia(X: Floats, weights: Floats, centers: Floats, labels: Integers) -> float:
    r"""$\sum_i w_i \|x_i - c_{l_i}\|^2$, summed directly."""
    total = 0.0
    for rows in blocks(*X.shape):
        difference = X[rows] - centers[labels[rows]]
        total += float(np.einsum("nf,nf,n->", difference, difference, weights[rows]))
    return total
