r"""The logistic loss: what a linear score says about a class, and what being wrong costs.

Two classes: $p = \sigma(z) = 1 / (1 + e^{-z})$ and the loss $\ln(1 + e^z) - y z$ with y in {0, 1}.
More classes: $p_k = e^{z_k} / \sum_l e^{z_l}$ and $\ln \sum_l e^{z_l} - z_y$. Both are the
negative log-likelihood of the class, convex in z, and both have the slope $p - y$: what was
predicted less what happened (Bishop, "Pattern Recognition and Machine Learning", 2006, sections
4.3.2 to 4.3.4).

Scores stand class by class, k x n, because sums over classes are then sums of long rows.
"""

import numpy as np
from numpy.typing import NDArray

from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def sigmoid(z: Floats) -> Floats:
    r"""$1 / (1 + e^{-z})$, without overflow: from $e^{-|z|}$, which is at most 1."""
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, small) / (1.0 + small)


@replaceable
def binary_loss(z: Floats, y: Floats) -> tuple[Floats, Floats]:
    r"""$\ln(1 + e^z) - y z$ for each sample, and its slope $\sigma(z) - y$; all of shape (n,).

    $\ln(1 + e^z) = \max(z, 0) + \ln(1 + e^{-|z|})$ neither overflows nor rounds to 0.
    """
    small = np.exp(-np.abs(z))
    losses = np.maximum(z, 0.0) + np.log1p(small) - y * z
    return losses, np.where(z >= 0, 1.0, small) / (1.0 + small) - y


@replaceable
def multinomial_loss(scores: Floats, targets: Floats) -> tuple[Floats, Floats]:
    r"""$\ln \sum_l e^{z_l} - z_y$ for each sample (n,), and its slopes $p_k - y_k$ (k x n).

    `targets` (k x n) are 1 for the sample's class and else 0. The largest score is taken away
    first, which changes nothing and keeps exponentials below 1.
    """
    shifted = scores - scores.max(axis=0)
    exponentials = np.exp(shifted)
    totals = exponentials.sum(axis=0)
    losses = np.log(totals) - np.einsum("kn,kn->n", shifted, targets)
    exponentials /= totals
    exponentials -= targets
    return losses, exponentials


def log_probabilities(scores: Floats) -> Floats:
    """The logarithm of each class's probability, n x k, from decisions of shape (n,) or n x k."""
    if scores.ndim == 1:
        scores = np.column_stack([np.zeros_like(scores), scores])
    shifted = scores - scores.max(axis=1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


class LogisticObjective:
    r"""$\sum_i s_i \ell(W x_i + b, y_i) + \frac{\lambda}{2} \|W\|^2$ as a function of (W, b).

    `X`: n x f; `targets`: k x n, of one row where there are two classes; `weights`: s (n,);
    `l2`: lambda. Coefficients are one vector of k blocks of f, or f + 1 with an intercept, which is
    last and has no penalty. What was computed at a point is kept until another is asked for.
    """

    def __init__(
        self, X: Floats, targets: Floats, weights: Floats, l2: float, fit_intercept: bool
    ) -> None:
        self.rows = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X
        self.targets = targets
        self.weights = weights
        self.penalised = np.arange(self.rows.shape[1]) < X.shape[1]
        self.penalties = l2 * self.penalised
        self.seen: tuple[Floats, float, Floats] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Classes (1 for two) x coefficients of each."""
        return len(self.targets), self.rows.shape[1]

    def look(self, x: Floats) -> tuple[float, Floats]:
        """The value, and the losses' slopes (k x n), at coefficients x."""
        if self.seen is None or not np.array_equal(self.seen[0], x):
            W = x.reshape(self.shape)
            scores = W @ self.rows.T
            if len(W) == 1:
                losses, slopes = binary_loss(scores[0], self.targets[0])
                slopes = slopes[None]
            else:
                losses, slopes = multinomial_loss(scores, self.targets)
            value = float(self.weights @ losses) + float(self.penalties @ (W * W).sum(axis=0)) / 2
            self.seen = x.copy(), value, slopes
        return self.seen[1:]

    def value(self, x: Floats) -> float:
        """The objective at coefficients x."""
        return self.look(x)[0]

    def gradient(self, x: Floats) -> Floats:
        r"""$\sum_i s_i (p_i - y_i) x_i^T + \lambda W$, flat."""
        slopes = self.look(x)[1] * self.weights
        result: Floats = (slopes @ self.rows + self.penalties * x.reshape(self.shape)).ravel()
        return result

    def hessian(self, x: Floats, l1: float = 0.0) -> Floats:
        r"""Blocks $X^T \mathrm{diag}(s_i p_{ik} (\delta_{kl} - p_{il})) X$, with lambda added.

        With more than two classes the same shift of all classes' coefficients changes nothing but
        their penalty. Those without penalty (an `l1` elsewhere is one) are given a curvature in
        that flat direction: no Newton step goes along it.
        """
        p = self.look(x)[1] + self.targets
        k, size = self.shape
        H = np.empty((k, size, k, size))
        for a in range(k):
            for b in range(a + 1):
                curvature = self.weights * p[a] * ((a == b) - p[b])
                H[a, :, b] = self.rows.T @ (curvature[:, None] * self.rows)
                H[b, :, a] = H[a, :, b]
            H[a, :, a] += np.diag(self.penalties)
        if k > 1:
            flat = np.flatnonzero(self.penalties + l1 * self.penalised == 0)
            for j in flat:
                H[:, j, :, j] += self.weights.sum() / k**2
        return H.reshape(k * size, k * size)
