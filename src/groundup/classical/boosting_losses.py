r"""Losses for gradient boosting: where to start, which way is down, and how far to step in a leaf.

A model is a raw score F (n x k): the prediction itself, the log-odds of the second of two classes
(k = 1), or one score a class. The *residual* is minus the loss's derivative by F, what the next
tree is to predict. The *leaf step* is what then lowers the loss most in each leaf, exactly or by
one Newton step (Friedman, "Greedy function approximation: a gradient boosting machine", 2001,
sections 4.1, 4.3, 4.5 and 4.6). Left out: Huber's and the quantile loss, the exponential loss.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from groundup.swap import replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Loss(Protocol):
    """What boosting asks of a loss. `y` is n x k: numbers, or 1 for the class that it is."""

    def start(self, y: Floats, weights: Floats) -> Floats:
        """The best constant score, (k,)."""

    def residuals(self, y: Floats, raw: Floats) -> Floats:
        """Minus the derivative of the loss by the score, n x k."""

    def leaf_steps(
        self, missing: Floats, residuals: Floats, weights: Floats, leaves: Integers
    ) -> Floats | None:
        """How far to step in each leaf, from y - F and the residuals (n,), of one output.

        None says that the mean of the residuals is right, which the tree holds already.
        """

    def value(self, y: Floats, raw: Floats, weights: Floats) -> float:
        """The mean loss."""


class SquaredError:
    r"""$(y - F)^2$: the residual is $y - F$, and the best step its mean."""

    def start(self, y: Floats, weights: Floats) -> Floats:
        """The mean."""
        return np.atleast_1d(np.average(y, axis=0, weights=weights))

    def residuals(self, y: Floats, raw: Floats) -> Floats:
        """$y - F$."""
        return y - raw

    def leaf_steps(
        self, missing: Floats, residuals: Floats, weights: Floats, leaves: Integers
    ) -> Floats | None:
        """The means, which the tree holds already."""
        return None

    def value(self, y: Floats, raw: Floats, weights: Floats) -> float:
        """The weighted mean of $(y - F)^2$."""
        return float(np.average(np.square(y - raw)[:, 0], weights=weights))


class AbsoluteError:
    r"""$|y - F|$: the residual is the sign of $y - F$, and the best step its median."""

    def start(self, y: Floats, weights: Floats) -> Floats:
        """The median."""
        return np.array([weighted_median(y[:, 0], weights)])

    def residuals(self, y: Floats, raw: Floats) -> Floats:
        """1 where F is too low, else -1."""
        return np.where(y >= raw, 1.0, -1.0)

    def leaf_steps(
        self, missing: Floats, residuals: Floats, weights: Floats, leaves: Integers
    ) -> Floats | None:
        """The median of $y - F$ in each leaf."""
        steps = np.zeros(int(leaves.max()) + 1)
        for leaf in np.unique(leaves):
            inside = leaves == leaf
            steps[leaf] = weighted_median(missing[inside], weights[inside])
        return steps

    def value(self, y: Floats, raw: Floats, weights: Floats) -> float:
        """The weighted mean of $|y - F|$."""
        return float(np.average(np.abs(y - raw)[:, 0], weights=weights))


class LogLoss:
    r"""$-\log p(y)$, with p the sigmoid of the one score, or the softmax of k scores.

    The residual is $y - p$. Newton's step in a leaf is $\sum w (y - p) / \sum w p (1 - p)$, for k
    scores times $(k - 1) / k$ (Friedman, Hastie and Tibshirani, "Additive logistic regression",
    2000). `value` of two classes is twice the loss, the deviance, as scikit-learn's `train_score_`.
    """

    def start(self, y: Floats, weights: Floats) -> Floats:
        """The log-odds of the classes' shares; of k classes the logarithms, less their mean."""
        tiny = float(np.finfo(np.float64).eps)
        shares = np.clip(np.average(y, axis=0, weights=weights), tiny, 1 - tiny)
        if len(shares) == 1:
            return np.log(shares / (1 - shares))
        logs = np.log(shares)
        return np.asarray(logs - logs.mean())

    def residuals(self, y: Floats, raw: Floats) -> Floats:
        """$y - p$."""
        return y - probabilities(raw)

    def leaf_steps(
        self, missing: Floats, residuals: Floats, weights: Floats, leaves: Integers
    ) -> Floats | None:
        """Newton's step in each leaf; 0 where all are sure."""
        slope = np.bincount(leaves, weights * residuals)
        size = np.abs(residuals)  # p or 1 - p, whichever the class is
        curvature = np.bincount(leaves, weights * size * (1 - size))
        is_flat = curvature <= 1e-150 * np.bincount(leaves, weights)
        return np.where(is_flat, 0.0, slope / np.where(is_flat, 1.0, curvature))

    def value(self, y: Floats, raw: Floats, weights: Floats) -> float:
        r"""The deviance of two classes, the mean of $-\log p(y)$ of more."""
        if y.shape[1] == 1:
            signed = np.where(y[:, 0] > 0.5, -raw[:, 0], raw[:, 0])
            return float(2 * np.average(np.logaddexp(0, signed), weights=weights))
        largest = raw.max(axis=1)
        total = np.log(np.exp(raw - largest[:, None]).sum(axis=1)) + largest
        return float(np.average(total - (y * raw).sum(axis=1), weights=weights))


@replaceable
def probabilities(raw: Floats) -> Floats:
    """The sigmoid of one score (n x 1), or the softmax of k scores (n x k)."""
    if raw.shape[1] == 1:
        small = np.exp(-np.abs(raw))  # at most 1: it does not overflow
        return np.where(raw >= 0, 1.0, small) / (1.0 + small)
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    result: Floats = powers / powers.sum(axis=1, keepdims=True)
    return result


@replaceable
def weighted_median(values: Floats, weights: Floats) -> float:
    """The least of the values at which half of the weight is reached."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    place = np.searchsorted(cumulative, 0.5 * cumulative[-1])
    return float(values[order[min(place, len(values) - 1)]])
