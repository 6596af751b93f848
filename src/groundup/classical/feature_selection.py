"""Which columns to keep: what all selectors share, and the simplest one, by variance."""

import warnings
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Transformer, require_fitted
from groundup.classical.feature_names import Names, input_names
from groundup.classical.scaling import column_moments
from groundup.classical.validation import check_array, check_fit, check_predict

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class FeatureSelector(Transformer):
    """Keeps some columns. A member's `fit` learns what its `support_mask` tells."""

    def support_mask(self) -> Mask:
        """True for each column that is kept."""
        raise AssertionError(f"{type(self).__name__} does not say what it keeps")

    def get_support(self, indices: bool = False) -> NDArray[Any]:
        """A mask of the columns kept, or their numbers."""
        require_fitted(self)
        mask = self.support_mask()
        return np.flatnonzero(mask) if indices else mask

    def transform(self, X: ArrayLike) -> Floats:
        """The columns of X that are kept; with a warning if that is none."""
        allows_nan = self.tag_settings.get("allow_nan", False)
        array = check_predict(self, X, allow_nan=allows_nan)
        mask = self.support_mask()
        if not mask.any():
            warnings.warn(
                "No features were selected: either the data is too noisy or the selection test too "
                "strict.",
                stacklevel=2,
            )
        return np.ascontiguousarray(array[:, mask])

    def inverse_transform(self, X: ArrayLike) -> Floats:
        """The columns back in their places, with 0 in those that were left out."""
        mask = self.get_support()
        array = check_array(X, allow_nan=True)
        if array.shape[1] != mask.sum():
            raise ValueError(
                f"X has {array.shape[1]} features and {type(self).__name__} selected {mask.sum()}: "
                "X has a different shape than during fitting."
            )
        full = np.zeros((len(array), len(mask)))
        full[:, mask] = array
        return full

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Names:
        """The names of the columns kept."""
        names: Names = input_names(self, input_features)[self.get_support()]
        return names


class VarianceThreshold(FeatureSelector):
    """Keeps columns whose variance is above the threshold: with 0, those that are not constant.

    For a threshold of 0 the smaller of variance and range counts, so that rounding does not make a
    constant vary. NaN is left out. Learned: `variances_`. Raises ValueError if no column is left.
    """

    tag_settings: ClassVar[dict[str, bool]] = {"allow_nan": True}
    variances_: Floats

    def __init__(self, threshold: float = 0.0) -> None:
        self.threshold = threshold

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn the variances of the columns of X (samples x features). `y` is ignored."""
        if not self.threshold >= 0:
            raise ValueError(f"threshold is {self.threshold!r}; it must be 0 or more")
        array = check_fit(self, X, allow_nan=True)
        self.variances_ = column_moments(array, np.ones(len(array)))[2]
        if self.threshold == 0:
            spread = np.fmax.reduce(array) - np.fmin.reduce(array)
            self.variances_ = np.fmin(self.variances_, spread)
        if not self.support_mask().any():
            only = " (X contains only one sample)" if len(array) == 1 else ""
            raise ValueError(
                f"No feature in X meets the variance threshold {self.threshold:.5f}{only}"
            )
        return self

    def support_mask(self) -> Mask:
        """Where the variance is above the threshold."""
        mask: Mask = self.variances_ > self.threshold
        return mask
