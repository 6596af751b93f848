r"""Columns on one scale: standard scores, a fixed range, or the largest size.

Distances, penalties and gradient steps treat all columns alike, so a column in grams drowns one in
tons. Each scaler learns numbers of the columns from the training rows alone and applies those same
numbers to later rows. NaN counts as missing: it is left out in `fit` and kept in `transform`. A
constant column is divided by 1.

`partial_fit` takes the rows in portions and ends with the numbers of one `fit` on all of them. Left
out: sparse matrices, and work in place (`copy=False`).
"""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Transformer
from groundup.classical.feature_names import KeepsNames
from groundup.classical.validation import check_fit, check_predict, check_sample_weight
from groundup.swap import replaceable

Floats = NDArray[np.float64]
_EPS = float(np.finfo(np.float64).eps)


@replaceable
def column_moments(X: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    r"""(count, mean, variance) of each column of X, rows weighted, NaN left out.

    $n = \sum_i w_i$, $\mu = \sum_i w_i x_i / n$, $\sigma^2 = \sum_i w_i (x_i - \mu)^2 / n$, in two
    passes, so that a mean far from 0 costs no digits. The small sum of what rounding left in the
    deviations is taken out again (Chan, Golub and LeVeque, "Algorithms for computing the sample
    variance", 1983, eq. 1.7). A column with nothing in it has mean and variance NaN.
    """
    gaps = np.isnan(X)
    some = bool(gaps.any())
    count = weights @ ~gaps if some else np.full(X.shape[1], weights.sum())
    with np.errstate(invalid="ignore"):
        mean = weights @ (np.where(gaps, 0.0, X) if some else X) / count
        deviations = X - mean
        if some:
            deviations[gaps] = 0.0
        rest = weights @ deviations
        variance = (weights @ deviations**2 - rest**2 / count) / count
    return count, mean, np.maximum(variance, 0.0)


@replaceable
def merge_moments(
    first: tuple[Floats, Floats, Floats], second: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    r"""The (count, mean, variance) of two sets of rows from those of each.

    With $n = n_1 + n_2$ and $\delta = \mu_2 - \mu_1$: $\mu = \mu_1 + \delta n_2 / n$ and
    $n \sigma^2 = n_1 \sigma_1^2 + n_2 \sigma_2^2 + \delta^2 n_1 n_2 / n$ (Chan, Golub and LeVeque,
    1983, eq. 2.1). A set without rows changes nothing.
    """
    (n1, mean1, var1), (n2, mean2, var2) = first, second
    n = n1 + n2
    with np.errstate(invalid="ignore"):
        delta = mean2 - mean1
        mean = mean1 + delta * n2 / n
        variance = (n1 * var1 + n2 * var2 + delta**2 * n1 * n2 / n) / n
    mean = np.where(n1 == 0, mean2, np.where(n2 == 0, mean1, mean))
    variance = np.where(n1 == 0, var2, np.where(n2 == 0, var1, variance))
    return n, mean, variance


def without_zeros(scale: Floats) -> Floats:
    """The scale to divide by: 1 where it is below 10 roundings of 1, so where nothing varies."""
    return np.where(scale < 10 * _EPS, 1.0, scale)


class StandardScaler(KeepsNames, Transformer):
    r"""$z = (x - \mu) / \sigma$: each column with mean 0 and variance 1.

    A column counts as constant where its variance is within the error of computing it,
    $\sigma^2 \le n \epsilon \sigma^2 + (n \mu \epsilon)^2$.

    Learned: `mean_`, `var_` (the population's, divided by n), `scale_` (their root), and
    `n_samples_seen_`: the rows, or the sum of their weights; where some are missing, by column.
    """

    tag_settings: ClassVar[dict[str, bool]] = {"allow_nan": True}
    mean_: Floats | None
    var_: Floats | None
    scale_: Floats | None

    def __init__(self, *, with_mean: bool = True, with_std: bool = True) -> None:
        self.with_mean = with_mean
        self.with_std = with_std

    def fit(
        self, X: ArrayLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Learn mean and deviation of the columns of X (samples x features). `y` is ignored."""
        forget(self, "_moments")
        return self.partial_fit(X, y, sample_weight)

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Take in more rows. Raises ValueError for another number of features than before."""
        array = check_more(self, X, "_moments", allow_nan=True)
        weights = check_sample_weight(sample_weight, array)
        moments = column_moments(array, weights)
        if hasattr(self, "_moments"):
            moments = merge_moments(self._moments, moments)
        self._moments: tuple[Floats, Floats, Floats] = moments
        count, mean, variance = moments
        self.n_samples_seen_ = _one_if_equal(count, whole=sample_weight is None)
        self.mean_ = mean if self.with_mean or self.with_std else None
        self.var_ = variance if self.with_std else None
        self.scale_ = _deviation(count, mean, variance) if self.with_std else None
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """(X - mean_) / scale_."""
        array = check_predict(self, X, allow_nan=True)
        if self.with_mean:
            array = array - self.mean_
        return array / self.scale_ if self.with_std else array.copy()

    def inverse_transform(self, X: ArrayLike) -> Floats:
        """X scale_ + mean_: what `transform` was given."""
        array = check_predict(self, X, allow_nan=True)
        if self.with_std:
            array = array * self.scale_
        return array + self.mean_ if self.with_mean else array.copy()


def _deviation(count: Floats, mean: Floats, variance: Floats) -> Floats:
    error = count * _EPS * variance + (count * mean * _EPS) ** 2
    return np.where(variance <= error, 1.0, np.sqrt(variance))


def _one_if_equal(count: Floats, whole: bool) -> Any:
    counts = count.astype(np.int64) if whole and (count == np.floor(count)).all() else count
    return counts[0] if (counts == counts[0]).all() else counts


class MinMaxScaler(KeepsNames, Transformer):
    r"""$z = a + (b - a) (x - \min) / (\max - \min)$: each column in [a, b].

    Later rows may fall outside unless `clip`. Learned: `data_min_`, `data_max_`, `data_range_`,
    `scale_` and `min_` with z = x scale_ + min_, `n_samples_seen_`.
    """

    tag_settings: ClassVar[dict[str, bool]] = {"allow_nan": True}
    data_min_: Floats
    data_max_: Floats

    def __init__(self, feature_range: tuple[float, float] = (0, 1), *, clip: bool = False) -> None:
        self.feature_range = feature_range
        self.clip = clip

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn the range of the columns of X (samples x features). `y` is ignored."""
        forget(self, "n_samples_seen_")
        return self.partial_fit(X, y)

    def partial_fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Take in more rows. Raises ValueError for a range that is none."""
        low, high = self.feature_range
        if low >= high:
            raise ValueError(
                f"Minimum of desired feature range must be smaller than maximum. Got "
                f"{self.feature_range}."
            )
        array = check_more(self, X, "n_samples_seen_", allow_nan=True)
        smallest, largest = np.fmin.reduce(array), np.fmax.reduce(array)
        if hasattr(self, "n_samples_seen_"):
            smallest = np.fmin(self.data_min_, smallest)
            largest = np.fmax(self.data_max_, largest)
        self.n_samples_seen_: int = getattr(self, "n_samples_seen_", 0) + len(array)
        self.data_min_, self.data_max_ = smallest, largest
        self.data_range_ = largest - smallest
        self.scale_ = (high - low) / without_zeros(self.data_range_)
        self.min_ = low - smallest * self.scale_
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """X scale_ + min_, cut off at the range's ends if `clip`."""
        array: Floats = check_predict(self, X, allow_nan=True) * self.scale_ + self.min_
        return np.clip(array, *self.feature_range) if self.clip else array

    def inverse_transform(self, X: ArrayLike) -> Floats:
        """(X - min_) / scale_."""
        array: Floats = (check_predict(self, X, allow_nan=True) - self.min_) / self.scale_
        return array


class MaxAbsScaler(KeepsNames, Transformer):
    r"""$z = x / \max |x|$: each column in [-1, 1], with 0 left where it is.

    Learned: `max_abs_`, `scale_` (the same, and 1 where it is 0), `n_samples_seen_`.
    """

    tag_settings: ClassVar[dict[str, bool]] = {"allow_nan": True}
    max_abs_: Floats

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn the largest size of each column of X (samples x features). `y` is ignored."""
        forget(self, "n_samples_seen_")
        return self.partial_fit(X, y)

    def partial_fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Take in more rows."""
        array = check_more(self, X, "n_samples_seen_", allow_nan=True)
        largest = np.fmax.reduce(np.abs(array))
        if hasattr(self, "n_samples_seen_"):
            largest = np.fmax(self.max_abs_, largest)
        self.n_samples_seen_: int = getattr(self, "n_samples_seen_", 0) + len(array)
        self.max_abs_ = largest
        self.scale_ = without_zeros(largest)
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """X / scale_."""
        array: Floats = check_predict(self, X, allow_nan=True) / self.scale_
        return array

    def inverse_transform(self, X: ArrayLike) -> Floats:
        """X scale_."""
        array: Floats = check_predict(self, X, allow_nan=True) * self.scale_
        return array


def forget(estimator: Transformer, attribute: str) -> None:
    """Take away what an earlier fit left, so that the next portion is the first."""
    if hasattr(estimator, attribute):
        delattr(estimator, attribute)


def check_more(
    estimator: Transformer, X: ArrayLike, attribute: str, **options: Any
) -> NDArray[Any]:
    """X for the first portion, or as many features as before for a later one."""
    is_later = hasattr(estimator, attribute)
    return (
        check_predict(estimator, X, **options) if is_later else check_fit(estimator, X, **options)
    )
