r"""Discriminant analysis: each class is a normal cloud, and Bayes' theorem draws the borders.

$\ln P(c \mid x) = \ln \pi_c - \frac12 \ln |\Sigma_c| -
\frac12 (x - \mu_c)^T \Sigma_c^{-1} (x - \mu_c)$ up to a constant. With one covariance for all
classes the squares cancel and borders are planes (linear, LDA); with one for each they are conics
(quadratic, QDA). LDA is also a projection: k - 1 directions in which the class means spread most,
compared with the clouds (Fisher, "The use of multiple measurements in taxonomic problems", 1936;
Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2009, section 4.3).
"""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Classifier, Transformer
from groundup.classical.linear_classifier import LinearClassifier
from groundup.classical.logistic_loss import log_probabilities
from groundup.classical.naive_bayes import checked_priors
from groundup.classical.validation import check_fit_classes, check_predict
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@replaceable
def class_means(X: Floats, numbers: Integers, n_classes: int) -> Floats:
    """The mean of each class's rows, k x f."""
    belongs = (np.arange(n_classes)[:, None] == numbers).astype(np.float64)
    means: Floats = belongs @ X / belongs.sum(axis=1, keepdims=True)
    return means


@replaceable
def within_whitening(residuals: Floats, tol: float = 1e-4) -> Floats:
    r"""The A (f x r) with $A^T \Sigma A = I$, $\Sigma = R^T R / n$ the likeliest covariance.

    `residuals`: R, rows less their class's means (n x f). Features are first scaled to a deviation
    of 1; directions whose deviation is then at most `tol` are left out. The covariance itself is
    never formed, which would square its condition.
    """
    deviations = residuals.std(axis=0)
    deviations = np.where(deviations == 0, 1.0, deviations)
    _, s, axes = np.linalg.svd(
        residuals / deviations / np.sqrt(len(residuals)), full_matrices=False
    )
    kept = s > tol
    whitening: Floats = (axes[kept] / deviations).T / s[kept]
    return whitening


@replaceable
def discriminant_axes(
    means: Floats, priors: Floats, whitening: Floats, tol: float = 1e-4
) -> tuple[Floats, Floats]:
    """The directions in which whitened class means spread most (f x r), and their shares (r,).

    They are the principal axes of the means (k x f), each weighted by its prior.
    """
    spread = np.sqrt(priors)[:, None] * ((means - priors @ means) @ whitening)
    _, s, axes = np.linalg.svd(spread, full_matrices=False)
    kept = s > tol * s[0] if len(s) else np.zeros(0, bool)
    total = float((s**2).sum())
    shares = s**2 / (total if total > 0 else 1.0)
    return whitening @ axes[kept].T, shares


class LinearDiscriminantAnalysis(LinearClassifier, Transformer):
    """LDA by the singular value decomposition, as scikit-learn's default solver.

    `priors`: of the classes, else their shares; `n_components`: directions that `transform` keeps,
    at most min(k - 1, f); `store_covariance`: also learn `covariance_`; `tol`: see
    `within_whitening`.

    Learns `coef_`, `intercept_`, `means_`, `priors_`, `xbar_` (the mean by the priors),
    `scalings_`, `explained_variance_ratio_`. Left out: the solvers lsqr and eigen with `shrinkage`
    and `covariance_estimator`.
    """

    means_: Floats
    priors_: Floats
    xbar_: Floats
    scalings_: Floats
    explained_variance_ratio_: Floats
    covariance_: Floats

    def __init__(
        self,
        *,
        priors: ArrayLike | None = None,
        n_components: int | None = None,
        store_covariance: bool = False,
        tol: float = 1e-4,
    ) -> None:
        self.priors = priors
        self.n_components = n_components
        self.store_covariance = store_covariance
        self.tol = tol

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn from X (n x f) and the classes y (n,)."""
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        k = len(self.classes_)
        if len(rows) <= k:
            raise ValueError(
                "The number of samples must be more than the number of classes: "
                f"got {len(rows)} samples of {k} classes"
            )
        most = min(k - 1, rows.shape[1])
        self._max_components = most if self.n_components is None else self.n_components
        if not 1 <= self._max_components <= most:
            raise ValueError(
                f"n_components cannot be larger than min(n_features, n_classes - 1) = {most}, "
                f"nor below 1; got {self.n_components}"
            )
        self.priors_ = class_priors(self.priors, numbers, k)
        self.means_ = class_means(rows, numbers, k)
        residuals = rows - self.means_[numbers]
        if self.store_covariance:
            shares = (self.priors_ / np.bincount(numbers))[numbers]
            self.covariance_ = (residuals.T * shares) @ residuals
        whitening = within_whitening(residuals, self.tol)
        self._set_planes(whitening)
        return self

    def _set_planes(self, whitening: Floats) -> None:
        k = len(self.classes_)
        self.xbar_ = self.priors_ @ self.means_
        self.scalings_, shares = discriminant_axes(self.means_, self.priors_, whitening, self.tol)
        self.explained_variance_ratio_ = shares[: self._max_components]
        if (shares > 0).any() and self.scalings_.shape[1] == 0:
            warnings.warn("the class means do not differ; no direction is kept", stacklevel=3)
        where = (self.means_ - self.xbar_) @ self.scalings_
        with np.errstate(divide="ignore"):  # a prior of 0 is a class that is never chosen
            heights = np.log(self.priors_) - 0.5 * (where**2).sum(axis=1)
        coef = where @ self.scalings_.T
        intercept = heights - coef @ self.xbar_
        if k == 2:
            coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        self.coef_, self.intercept_ = coef, intercept

    def transform(self, X: ArrayLike) -> Floats:
        """Coordinates along the discriminant axes, n x n_components."""
        rows: Floats = check_predict(self, X)
        coordinates: Floats = (rows - self.xbar_) @ self.scalings_
        return coordinates[:, : self._max_components]

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        r"""$\ln P(c \mid x)$, n x k."""
        return log_probabilities(self.decision_function(X))

    def predict_proba(self, X: ArrayLike) -> Floats:
        r"""$P(c \mid x)$, n x k."""
        return np.exp(self.predict_log_proba(X))


def class_priors(priors: Any, numbers: Integers, n_classes: int) -> Floats:
    """Given priors, checked; else the classes' shares of the samples."""
    if priors is not None:
        return checked_priors(priors, n_classes)
    shares: Floats = np.bincount(numbers, minlength=n_classes) / len(numbers)
    return shares


@replaceable
def cloud(rows: Floats, reg_param: float = 0.0) -> tuple[Floats, Floats]:
    r"""The variances (r,) of a class's rows along its principal axes (f x r).

    $(1 - \lambda) s_j^2 / n + \lambda$ with $\lambda$ the `reg_param`, r = min(n, f).
    """
    _, s, axes = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    return (1 - reg_param) * s**2 / len(rows) + reg_param, axes.T


class QuadraticDiscriminantAnalysis(Classifier):
    """QDA by the singular value decomposition, as scikit-learn's default solver.

    `priors`: of the classes, else their shares; `reg_param`: lambda in [0, 1], which makes clouds
    rounder; `tol`: a variance at most that is none.

    Learns `means_`, `priors_`, and of each class `scalings_` (likeliest variances) and `rotations_`
    (axes).
    Raises ValueError for a class of one sample, LinAlgError for a class whose cloud is flat. Left
    out: the solver eigen with `shrinkage`, `covariance_estimator`, `store_covariance`.
    """

    means_: Floats
    priors_: Floats
    scalings_: list[Floats]
    rotations_: list[Floats]

    def __init__(
        self, *, priors: ArrayLike | None = None, reg_param: float = 0.0, tol: float = 1e-4
    ) -> None:
        self.priors = priors
        self.reg_param = reg_param
        self.tol = tol

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn from X (n x f) and the classes y (n,)."""
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        if not 0 <= self.reg_param <= 1:
            raise ValueError(f"reg_param is {self.reg_param}; it must be in [0, 1]")
        k, f = len(self.classes_), rows.shape[1]
        self.priors_ = class_priors(self.priors, numbers, k)
        self.means_ = class_means(rows, numbers, k)
        self.scalings_, self.rotations_ = [], []
        for c in range(k):
            of_class = rows[numbers == c]
            if len(of_class) < 2:
                raise ValueError(
                    f"y has only 1 sample in class {self.classes_[c]}, covariance is ill "
                    "defined; give more samples"
                )
            with np.errstate(over="ignore"):
                variances, axes = cloud(of_class, self.reg_param)
            if not np.isfinite(variances).all():
                raise ValueError(
                    "the variance of a feature is beyond all numbers; scale the features"
                )
            if (variances > self.tol).sum() < f:
                raise np.linalg.LinAlgError(
                    f"The covariance matrix of class {self.classes_[c]} is not full rank: "
                    f"{len(of_class)} samples, {f} features; raise reg_param, or drop features "
                    "that depend on others"
                )
            self.scalings_.append(variances)
            self.rotations_.append(axes)
        return self

    def _log_joint(self, X: ArrayLike) -> Floats:
        rows: Floats = check_predict(self, X)
        with np.errstate(divide="ignore"):  # a prior of 0 is a class that is never chosen
            priors = np.log(self.priors_)
        columns = []
        for c, prior in enumerate(priors):
            along = (rows - self.means_[c]) @ self.rotations_[c]
            squared = (along**2 / self.scalings_[c]).sum(axis=1)
            columns.append(prior - 0.5 * (squared + np.log(self.scalings_[c]).sum()))
        return np.column_stack(columns)

    def decision_function(self, X: ArrayLike) -> Floats:
        r"""$\ln P(c, x)$ up to a constant, n x k; of two classes the second's less the first's."""
        joint = self._log_joint(X)
        return joint[:, 1] - joint[:, 0] if joint.shape[1] == 2 else joint

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most likely class of each row."""
        best = self._log_joint(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[best]
        return labels

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        r"""$\ln P(c \mid x)$, n x k."""
        return log_probabilities(self._log_joint(X))

    def predict_proba(self, X: ArrayLike) -> Floats:
        r"""$P(c \mid x)$, n x k."""
        return np.exp(self.predict_log_proba(X))
