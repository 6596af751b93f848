r"""Impurity: how mixed the targets of some samples are, zero where they are all alike.

A tree asks the question that leaves the least impurity. Each function takes *sums* over samples,
so that the sums of one side of a split, taken from those of the whole, give the other side's:

- of classes: the weight of each class, (..., k);
- of numbers: $\sum w$, $\sum w y$ and $\sum w y^2$, (..., 3), of targets near zero, as they are
  once the node's mean is taken away (otherwise the variance is a difference of big numbers).

Gini's impurity is the variance of the classes' indicator vectors, so the two go together (Breiman,
Friedman, Olshen and Stone, "Classification and Regression Trees", 1984, sections 4.3 and 8.3).
Left out: absolute error and Poisson deviance.
"""

import numpy as np
from numpy.typing import NDArray

from groundup.swap import replaceable

Floats = NDArray[np.float64]
CRITERIA = ("gini", "entropy", "squared_error")
"""The names, in the order of the numbers that the kernels know them by."""


@replaceable
def gini(sums: Floats) -> Floats:
    r"""$1 - \sum_k p_k^2$: how often two samples drawn at random are of different classes."""
    shares = sums / sums.sum(axis=-1, keepdims=True)
    result: Floats = 1.0 - np.square(shares).sum(axis=-1)
    return result


@replaceable
def entropy(sums: Floats) -> Floats:
    r"""$-\sum_k p_k \log_2 p_k$: the bits it takes to say which class a sample is of."""
    shares = sums / sums.sum(axis=-1, keepdims=True)
    logs = np.log2(np.where(shares > 0, shares, 1.0))
    result: Floats = -(shares * logs).sum(axis=-1)
    return np.abs(result)  # no minus zero


@replaceable
def variance(sums: Floats) -> Floats:
    r"""$\sum w y^2 / \sum w - (\sum w y / \sum w)^2$: the squared error of guessing the mean."""
    mean = sums[..., 1] / sums[..., 0]
    return np.maximum(sums[..., 2] / sums[..., 0] - mean**2, 0.0)


def impurity(criterion: int, sums: Floats) -> Floats:
    """The impurity of that number in `CRITERIA`, of the sums (..., k): shape (...)."""
    return (gini, entropy, variance)[criterion](sums)


def sums_of_each(
    criterion: int, targets: Floats, weights: Floats, n_classes: int, center: float = 0.0
) -> Floats:
    """What each sample adds to the sums, (n, k). `center` is taken from numeric targets."""
    if CRITERIA[criterion] == "squared_error":
        moved = targets - center
        return np.stack([weights, weights * moved, weights * moved**2], axis=1)
    return np.equal(targets[:, None], np.arange(n_classes)) * weights[:, None]


def weight_of(criterion: int, sums: Floats) -> Floats:
    """The weight of the samples that the sums (..., k) are over: shape (...)."""
    total: Floats = sums[..., 0] if CRITERIA[criterion] == "squared_error" else sums.sum(axis=-1)
    return total
