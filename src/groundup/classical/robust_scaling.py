r"""Scaling that outliers do not move, and scaling of rows in place of columns.

A mean and a deviation follow a single wild value as far as it goes; the median and the distance
between quartiles do not (Huber, "Robust Statistics", 1981). NaN counts as missing.
"""

import warnings
from statistics import NormalDist
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Transformer
from groundup.classical.feature_names import KeepsNames
from groundup.classical.scaling import without_zeros
from groundup.classical.validation import check_array, check_fit, check_predict
from groundup.swap import replaceable

Floats = NDArray[np.float64]


class RobustScaler(KeepsNames, Transformer):
    r"""$z = (x - \text{median}) / (q_{high} - q_{low})$ of each column.

    `quantile_range`: (low, high) in percent. With `unit_variance` the width is divided by that of
    the standard normal distribution, so that normal data come out with variance 1. Learned:
    `center_`, `scale_`. Left out: sparse matrices, work in place.
    """

    tag_settings: ClassVar[dict[str, bool]] = {"allow_nan": True}
    center_: Floats | None
    scale_: Floats | None

    def __init__(
        self,
        *,
        with_centering: bool = True,
        with_scaling: bool = True,
        quantile_range: tuple[float, float] = (25.0, 75.0),
        unit_variance: bool = False,
    ) -> None:
        self.with_centering = with_centering
        self.with_scaling = with_scaling
        self.quantile_range = quantile_range
        self.unit_variance = unit_variance

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn median and width of the columns of X (samples x features). `y` is ignored."""
        low, high = self.quantile_range
        if not 0 <= low <= high <= 100:
            raise ValueError(
                f"Invalid quantile range: {self.quantile_range}; wanted 0 <= low <= high <= 100"
            )
        array = check_fit(self, X, allow_nan=True)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)  # they stay NaN
            quantiles = np.nanpercentile(array, [low, 50, high], axis=0)
        self.center_ = quantiles[1] if self.with_centering else None
        self.scale_ = None
        if self.with_scaling:
            self.scale_ = without_zeros(quantiles[2] - quantiles[0])
            if self.unit_variance:
                normal = NormalDist()
                self.scale_ /= normal.inv_cdf(high / 100) - normal.inv_cdf(low / 100)
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """(X - center_) / scale_."""
        array = check_predict(self, X, allow_nan=True)
        if self.with_centering:
            array = array - self.center_
        return array / self.scale_ if self.with_scaling else array.copy()

    def inverse_transform(self, X: ArrayLike) -> Floats:
        """X scale_ + center_."""
        array = check_predict(self, X, allow_nan=True)
        if self.with_scaling:
            array = array * self.scale_
        return array + self.center_ if self.with_centering else array.copy()


@replaceable
def unit_rows(X: Floats, norm: str = "l2") -> Floats:
    r"""Each row divided by its norm: "l1" $\sum |x|$, "l2" $\sqrt{\sum x^2}$, "max" $\max |x|$.

    A row whose norm is below 10 roundings of 1 is left as it is. Raises ValueError for other words.
    """
    if norm not in ("l1", "l2", "max"):
        raise ValueError(f"norm is {norm!r}; it may be 'l1', 'l2' or 'max'")
    if norm == "max":
        sizes = np.abs(X).max(axis=1)
    elif norm == "l1":
        sizes = np.abs(X).sum(axis=1)
    else:
        sizes = np.sqrt(np.einsum("nf,nf->n", X, X))
    scaled: Floats = X / without_zeros(sizes)[:, None]
    return scaled


class Normalizer(KeepsNames, Transformer):
    """Each row (not column) with norm 1, so that only its direction counts. Learns nothing."""

    tag_settings: ClassVar[dict[str, bool]] = {"requires_fit": False}

    def __init__(self, norm: str = "l2") -> None:
        self.norm = norm

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Check X; there is nothing to learn."""
        check_fit(self, X)
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """The rows of X, each divided by its norm."""
        is_fitted = hasattr(self, "n_features_in_")
        return unit_rows(check_predict(self, X) if is_fitted else check_array(X), self.norm)
