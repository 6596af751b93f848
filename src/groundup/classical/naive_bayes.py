r"""Naive Bayes: Bayes' theorem, as if features were independent once the class is known.

$P(c \mid x) \propto P(c) \prod_f P(x_f \mid c)$. The assumption is wrong for almost all data, and
the most likely class often right all the same; probabilities are too sure (Domingos and Pazzani,
"On the optimality of the simple Bayesian classifier under zero-one loss", 1997). Fitting is
counting, so data may come in batches (`partial_fit`).

Here features are normal in each class, $x_f \sim N(\mu_{cf}, \sigma^2_{cf})$; counts and bits are
in `groundup.classical.discrete_naive_bayes`.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.batches import check_batch
from groundup.classical.estimator import Classifier
from groundup.classical.validation import check_fit_classes, check_predict, check_sample_weight
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@replaceable
def log_posterior(joint: Floats) -> Floats:
    r"""$\ln P(c \mid x)$ from $\ln P(c, x)$, n x k: less the logarithm of the sum over classes.

    The largest is taken away first, so that no exponential over- or underflows.
    """
    largest = joint.max(axis=1, keepdims=True)
    total = largest + np.log(np.exp(joint - largest).sum(axis=1, keepdims=True))
    result: Floats = joint - total
    return result


@replaceable
def normal_log_likelihood(X: Floats, mean: Floats, variance: Floats) -> Floats:
    r"""$-\frac12 \sum_f (\ln 2 \pi \sigma_f^2 + (x_f - \mu_f)^2 / \sigma_f^2)$ of rows, (n,)."""
    constant = float(np.log(2 * np.pi * variance).sum())
    result: Floats = -0.5 * (constant + ((X - mean) ** 2 / variance).sum(axis=1))
    return result


@replaceable
def merged_moments(
    first: tuple[float, Floats, Floats], second: tuple[float, Floats, Floats]
) -> tuple[float, Floats, Floats]:
    r"""Weight, mean and variance of two groups together, from those of each.

    $\sigma^2 = (n_1 \sigma_1^2 + n_2 \sigma_2^2 + \frac{n_1 n_2}{n} (\mu_1 - \mu_2)^2) / n$: Chan,
    Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances"
    (1979).
    """
    (n1, mean1, var1), (n2, mean2, var2) = first, second
    n = n1 + n2
    if n == 0:
        return first
    mean = mean1 + (n2 / n) * (mean2 - mean1)
    variance = (n1 * var1 + n2 * var2 + (n1 * n2 / n) * (mean1 - mean2) ** 2) / n
    return n, mean, variance


class NaiveBayes(Classifier):
    """What the members share; each gives `log_joint` and learns from batches in `learn`."""

    def learn(self, X: Floats, numbers: Integers, weights: Floats, first: bool) -> None:
        """Learn from a batch: rows, their class numbers and weights. `first`: forget the rest."""
        raise AssertionError(f"{type(self).__name__} does not say how it learns")

    def log_joint(self, X: Floats) -> Floats:
        r"""$\ln P(c, x)$ up to a constant of the row, n x k, for rows that are checked."""
        raise AssertionError(f"{type(self).__name__} does not say how it predicts")

    def prepared(self, X: NDArray[Any]) -> Floats:
        """The rows as the model wants them."""
        return X

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from X (n x f) and the classes y (n,)."""
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        self.learn(self.prepared(rows), numbers, weights, True)
        return self

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from one more batch; the first call must name all `classes` that will come.

        Raises ValueError where it does not, and for a class that was not named.
        """
        rows, numbers, first = check_batch(self, X, y, classes)
        weights = check_sample_weight(sample_weight, rows)
        self.learn(self.prepared(rows), numbers, weights, first)
        return self

    def predict_joint_log_proba(self, X: ArrayLike) -> Floats:
        r"""$\ln P(c, x)$, n x k."""
        return self.log_joint(self.prepared(check_predict(self, X)))

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        r"""$\ln P(c \mid x)$, n x k."""
        return log_posterior(self.predict_joint_log_proba(X))

    def predict_proba(self, X: ArrayLike) -> Floats:
        r"""$P(c \mid x)$, n x k."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most likely class of each row."""
        best = self.predict_joint_log_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[best]
        return labels


def checked_priors(priors: Any, n_classes: int) -> Floats:
    """Given priors as an array; ValueError unless there is one a class, none negative, sum 1."""
    given = np.asarray(priors, np.float64)
    if given.shape != (n_classes,):
        raise ValueError(
            f"Number of priors must match number of classes: got {given.shape}, wanted "
            f"({n_classes},)"
        )
    if not (given >= 0).all():
        raise ValueError(f"Priors must be non-negative, got {given}")
    if not np.isclose(given.sum(), 1.0):
        raise ValueError(f"The sum of the priors should be 1, got {given.sum()}")
    return given


class GaussianNB(NaiveBayes):
    """Naive Bayes of features that are normal in each class, as scikit-learn's.

    `priors`: of the classes, else their shares; `var_smoothing`: this share of the largest variance
    of any feature is added to all variances (the share of 1, where no feature varies).

    Learns `theta_` and `var_` (k x f: means, and variances with what is added), `epsilon_` (that),
    `class_count_`, `class_prior_`. Left out: sparse X.
    """

    theta_: Floats
    var_: Floats
    class_count_: Floats
    class_prior_: Floats
    epsilon_: float

    def __init__(self, *, priors: ArrayLike | None = None, var_smoothing: float = 1e-9) -> None:
        self.priors = priors
        self.var_smoothing = var_smoothing

    def learn(self, X: Floats, numbers: Integers, weights: Floats, first: bool) -> None:
        """Merge each class's moments with those of the batch."""
        if not (np.isfinite(self.var_smoothing) and self.var_smoothing >= 0):
            raise ValueError(f"var_smoothing is {self.var_smoothing}; it must be at least 0")
        shape = len(self.classes_), X.shape[1]
        if first:
            self.theta_, self.var_ = np.zeros(shape), np.zeros(shape)
            self.class_count_ = np.zeros(shape[0])
        else:
            self.var_ = self.var_ - self.epsilon_
        with np.errstate(over="ignore"):
            largest = float(X.var(axis=0).max())
        if not np.isfinite(largest):
            raise ValueError("the variance of a feature is beyond all numbers; scale the features")
        self.epsilon_ = self.var_smoothing * (largest if largest > 0 else 1.0)
        for k in np.unique(numbers):
            of_class = numbers == k
            before = float(self.class_count_[k]), self.theta_[k], self.var_[k]
            batch = _moments(X[of_class], weights[of_class])
            self.class_count_[k], self.theta_[k], self.var_[k] = merged_moments(before, batch)
        self.var_ = self.var_ + self.epsilon_
        if self.priors is None:
            self.class_prior_ = self.class_count_ / self.class_count_.sum()
        else:
            self.class_prior_ = checked_priors(self.priors, shape[0])

    def log_joint(self, X: Floats) -> Floats:
        r"""$\ln P(c) + \sum_f \ln N(x_f; \mu_{cf}, \sigma^2_{cf})$."""
        with np.errstate(divide="ignore"):  # a class that never came has a prior of 0
            priors = np.log(self.class_prior_)
        return np.column_stack(
            [
                prior + normal_log_likelihood(X, mean, variance)
                for prior, mean, variance in zip(priors, self.theta_, self.var_, strict=True)
            ]
        )


def _moments(X: Floats, weights: Floats) -> tuple[float, Floats, Floats]:
    """Weight, mean and variance of rows; zeros where nothing weighs."""
    total = float(weights.sum())
    if total == 0:
        return 0.0, np.zeros(X.shape[1]), np.zeros(X.shape[1])
    mean = weights @ X / total
    return total, mean, weights @ (X - mean) ** 2 / total
