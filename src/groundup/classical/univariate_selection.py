r"""Each column alone against the target: F tests, chi-square, and selectors that keep the best.

Fast and blind: a column that tells something only together with another is dropped, and of two
equal ones both are kept. p-values come from the distributions of `groundup.maths`.
"""

import warnings
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.encoding import one_hot
from groundup.classical.feature_selection import FeatureSelector, Mask
from groundup.classical.validation import (
    as_numbers,
    check_array,
    check_fit,
    check_target,
    refuse_non_finite,
)
from groundup.maths.incomplete_beta import log_incomplete_beta
from groundup.maths.incomplete_gamma import gamma_upper
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Scores = tuple[Floats, Floats]


def f_survival(f: Floats, numerator: int, denominator: int) -> Floats:
    r"""$P(F > f) = I_x(d_2 / 2, d_1 / 2)$ with $x = d_2 / (d_2 + d_1 f)$, 1 - x taken directly."""
    total = denominator + numerator * f
    with np.errstate(invalid="ignore"):
        rest = np.where(np.isinf(f), 1.0, numerator * f / total)
    tail = log_incomplete_beta(denominator / 2, numerator / 2, denominator / total, rest)[0]
    return np.exp(tail)


def chi_square_survival(x: Floats, freedom: int) -> Floats:
    r"""$P(\chi^2_k > x) = Q(k/2, x/2)$, the upper regularised incomplete gamma function."""
    return gamma_upper(freedom / 2, x / 2)


@replaceable
def f_classif(X: ArrayLike, y: ArrayLike) -> Scores:
    r"""(F, p) of one-way analysis of variance for each column of X (n x f) by the k classes of y.

    $F = \frac{\sum_c n_c (\bar x_c - \bar x)^2 / (k - 1)}{\sum_c \sum_{i \in c} (x_i - \bar x_c)^2
    / (n - k)}$: how far the classes' means lie apart, in units of the spread inside them (Fisher
    1925). Deviations are taken before squaring, so a mean far from 0 costs no digits. A constant
    column has F = NaN, with a warning; one that is constant within classes F = infinity, p = 0.
    """
    array, numbers, counts = _classes(X, y)
    n, k = len(array), len(counts)
    if k < 2 or n <= k:
        raise ValueError(f"{n} samples of {k} classes cannot be compared; wanted n > k >= 2")
    middle = array.mean(axis=0)
    shifted = array - middle
    means = one_hot(numbers, k).T @ shifted / counts[:, None]
    between = (counts[:, None] * means**2).sum(axis=0) / (k - 1)
    inside = shifted - means[numbers]
    within = np.einsum("nf,nf->f", inside, inside) / (n - k)
    is_constant = array.max(axis=0) == array.min(axis=0)
    if is_constant.any():
        warnings.warn(f"Features {np.flatnonzero(is_constant)} are constant.", stacklevel=3)
    by_class = [array[numbers == c] for c in range(k)]
    flat = np.all([rows.max(axis=0) == rows.min(axis=0) for rows in by_class], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        f = between / np.where(flat, 0.0, within)
    f[is_constant] = np.nan
    return f, f_survival(f, k - 1, n - k)


def _classes(X: ArrayLike, y: ArrayLike) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    array, target = check_array(X), np.asarray(y)
    _refuse_lengths(array, target)
    if target.dtype.kind == "f":
        refuse_non_finite(target, "y")
    _, numbers, counts = np.unique(target, return_inverse=True, return_counts=True)
    return array, numbers.reshape(-1), counts


def _refuse_lengths(array: Floats, target: NDArray[Any]) -> None:
    if target.ndim == 0 or len(target) != len(array):
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: [{len(array)}, "
            f"{target.size}]"
        )


@replaceable
def r_regression(X: ArrayLike, y: ArrayLike) -> Floats:
    r"""Pearson's correlation of each column of X (n x f) with y: 0 where either is constant.

    $r = \frac{\sum_i (x_i - \bar x)(y_i - \bar y)}{\sqrt{\sum_i (x_i - \bar x)^2
    \sum_i (y_i - \bar y)^2}}$
    """
    array = check_array(X)
    target = as_numbers(np.asarray(y), "y", np.float64).reshape(-1)
    refuse_non_finite(target, "y")
    _refuse_lengths(array, target)
    x, t = array - array.mean(axis=0), target - target.mean()
    varies = (array.max(axis=0) > array.min(axis=0)) & (target.max() > target.min())
    size = np.sqrt(np.einsum("nf,nf->f", x, x) * (t @ t))
    r: Floats = np.where(varies, t @ x / np.where(size == 0, 1.0, size), 0.0)
    return np.clip(r, -1.0, 1.0)


@replaceable
def f_regression(X: ArrayLike, y: ArrayLike) -> Scores:
    r"""(F, p) of a straight line from each column alone: $F = r^2 (n - 2) / (1 - r^2)$.

    A constant column (or target) has F = 0 and p = 1; a perfect line the largest float and p = 0.
    """
    r = r_regression(X, y)
    freedom = np.size(y) - 2
    if freedom < 1:
        raise ValueError(f"{np.size(y)} samples are too few for an F test; wanted 3 or more")
    with np.errstate(divide="ignore"):
        f = r**2 / ((1 - r) * (1 + r)) * freedom
    p = f_survival(f, 1, freedom)
    return np.minimum(f, np.finfo(np.float64).max), p


@replaceable
def chi2(X: ArrayLike, y: ArrayLike) -> Scores:
    r"""(chi-square, p) of counts X (n x f, none negative) by the k classes of y.

    $\chi^2 = \sum_c (O_c - E_c)^2 / E_c$, where $O_c$ is a column's sum over class c and $E_c$ its
    whole sum times the share of the class. k - 1 degrees of freedom (Pearson 1900). A column that
    is 0 throughout has NaN.
    """
    array, numbers, counts = _classes(X, y)
    if (array < 0).any():
        raise ValueError("Input X must be non-negative: chi2 compares counts.")
    if len(counts) < 2:
        raise ValueError("y holds one class; chi2 compares two or more")
    observed = one_hot(numbers, len(counts)).T @ array
    expected = np.outer(counts / counts.sum(), array.sum(axis=0))
    with np.errstate(invalid="ignore"):
        statistic: Floats = ((observed - expected) ** 2 / expected).sum(axis=0)
    return statistic, chi_square_survival(statistic, len(counts) - 1)


class UnivariateSelector(FeatureSelector):
    """Learns `scores_` and, if the function gives them, `pvalues_`, from each column alone."""

    tag_settings: ClassVar[dict[str, bool]] = {"required": True}
    score_func: Callable[..., Any]
    scores_: Floats
    pvalues_: Floats | None

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Score the columns of X (samples x features) against y."""
        array, target = check_fit(self, X), check_target(self, y)
        self.check_setting(array.shape[1])
        found = self.score_func(array, target)
        self.scores_, self.pvalues_ = found if isinstance(found, tuple) else (found, None)
        return self

    def check_setting(self, n_features: int) -> None:
        """Raise ValueError for a setting that cannot be."""

    def known_scores(self) -> Floats:
        """The scores, with the least number there is for NaN."""
        return np.where(np.isnan(self.scores_), np.finfo(np.float64).min, self.scores_)

    def known_pvalues(self) -> Floats:
        """The p-values; ValueError where the function gives none."""
        if self.pvalues_ is None:
            raise ValueError(
                f"{type(self).__name__} needs p-values, and the score function gives scores alone"
            )
        return self.pvalues_


class SelectKBest(UnivariateSelector):
    """Keeps the k columns of the highest scores, of equal ones the later; "all" keeps all."""

    def __init__(self, score_func: Callable[..., Any] = f_classif, *, k: int | str = 10) -> None:
        self.score_func = score_func
        self.k = k

    def check_setting(self, n_features: int) -> None:
        """Warn if there are fewer columns than k."""
        if self.k == "all":
            return
        if not isinstance(self.k, int | np.integer) or self.k < 0:
            raise ValueError(f"k is {self.k!r}; it may be 'all' or a whole number of 0 or more")
        if self.k > n_features:
            warnings.warn(
                f"k={self.k} is greater than n_features={n_features}. All the features will be "
                "returned.",
                stacklevel=3,
            )

    def support_mask(self) -> Mask:
        """The k highest scores."""
        mask = np.zeros(len(self.scores_), bool)
        count = len(mask) if isinstance(self.k, str) else min(int(self.k), len(mask))
        order = np.argsort(self.known_scores(), kind="stable")
        mask[order[len(mask) - count :]] = True
        return mask


class SelectPercentile(UnivariateSelector):
    """Keeps the given percentage of the columns, those of the highest scores."""

    def __init__(
        self, score_func: Callable[..., Any] = f_classif, *, percentile: float = 10
    ) -> None:
        self.score_func = score_func
        self.percentile = percentile

    def check_setting(self, n_features: int) -> None:
        """A percentage lies in [0, 100]."""
        if not 0 <= self.percentile <= 100:
            raise ValueError(f"percentile is {self.percentile!r}; it must lie between 0 and 100")

    def support_mask(self) -> Mask:
        """Scores above the percentile, and of those on it as many as there is room for."""
        scores = self.known_scores()
        if self.percentile in (0, 100):
            return np.full(len(scores), self.percentile == 100)
        edge = np.percentile(scores, 100 - self.percentile)
        mask = scores > edge
        room = int(len(scores) * self.percentile / 100) - int(mask.sum())
        mask[np.flatnonzero(scores == edge)[: max(room, 0)]] = True
        return mask


class SelectFpr(UnivariateSelector):
    """Keeps columns with p below alpha: of those that tell nothing, a share alpha is kept."""

    def __init__(self, score_func: Callable[..., Any] = f_classif, *, alpha: float = 5e-2) -> None:
        self.score_func = score_func
        self.alpha = alpha

    def check_setting(self, n_features: int) -> None:
        """A level lies in [0, 1]."""
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha is {self.alpha!r}; it must lie between 0 and 1")

    def support_mask(self) -> Mask:
        """Where p < alpha."""
        mask: Mask = self.known_pvalues() < self.alpha
        return mask


class SelectFdr(SelectFpr):
    """Keeps columns so that of those kept a share of at most alpha tells nothing, on average.

    The rule of Benjamini and Hochberg (1995): the i-th smallest p is compared with alpha i / f.
    """

    def support_mask(self) -> Mask:
        """All p up to the largest that lies under its line."""
        p = self.known_pvalues()
        rising = np.sort(p)
        under = rising[rising <= self.alpha / len(p) * np.arange(1, len(p) + 1)]
        mask: Mask = p <= under.max() if len(under) else np.zeros(len(p), bool)
        return mask


class SelectFwe(SelectFpr):
    """Keeps columns with p below alpha / f: the chance of keeping any useless one is alpha."""

    def support_mask(self) -> Mask:
        """Where p < alpha / f (Bonferroni)."""
        p = self.known_pvalues()
        mask: Mask = p < self.alpha / len(p)
        return mask
