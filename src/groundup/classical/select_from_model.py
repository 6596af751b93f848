"""Columns that a fitted model uses: weights that L1 leaves above 0, or large importances."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.cross_validation import fit_rows
from groundup.classical.estimator import clone, require_fitted
from groundup.classical.feature_selection import FeatureSelector, Mask
from groundup.classical.recursive_elimination import importances_of
from groundup.classical.validation import check_fit

Floats = NDArray[np.float64]


class SelectFromModel(FeatureSelector):
    """Keeps the columns whose importance in `estimator` is at least the threshold.

    Importance is the size of the coefficient; over several outputs, the norm of the given order.
    `threshold`: a number, "mean", "median", or a multiple such as "1.25*mean"; None is 1e-5 for a
    model with an L1 penalty (Tibshirani's lasso, 1996, which leaves exact zeros) and else "mean".
    `max_features`: at most so many, the most important ones; a function of X may give the number.
    With `prefit` the estimator has been fitted before. Learned: `estimator_`, `threshold_`.
    """

    def __init__(
        self,
        estimator: Any,
        *,
        threshold: Any = None,
        prefit: bool = False,
        norm_order: float = 1,
        max_features: Any = None,
        importance_getter: Any = "auto",
    ) -> None:
        self.estimator = estimator
        self.threshold = threshold
        self.prefit = prefit
        self.norm_order = norm_order
        self.max_features = max_features
        self.importance_getter = importance_getter

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Fit a copy of the estimator on X (samples x features) and y."""
        array = check_fit(self, X)
        self._most = self._most_features(array)
        if self.prefit:
            require_fitted(self.estimator)
            self.estimator_ = self.estimator
        else:
            self.estimator_ = fit_rows(clone(self.estimator), array, y)
        return self

    def _most_features(self, array: Floats) -> int | None:
        most = self.max_features(array) if callable(self.max_features) else self.max_features
        if most is None:
            return None
        if not isinstance(most, int | np.integer) or not 0 <= most <= array.shape[1]:
            raise ValueError(
                f"max_features is {most!r}; it must be a whole number from 0 to the number of "
                f"features ({array.shape[1]})"
            )
        return int(most)

    def _importances(self) -> Floats:
        weights = importances_of(self.estimator_, self.importance_getter)
        if weights.ndim == 1:
            return np.abs(weights)
        sizes: Floats = np.linalg.norm(weights, axis=0, ord=self.norm_order)
        return sizes

    @property
    def threshold_(self) -> float:
        """The number that an importance must reach."""
        require_fitted(self, "estimator_")
        return threshold_of(self.threshold, self._importances(), self.estimator)

    def support_mask(self) -> Mask:
        """Importances of at least the threshold, and at most so many."""
        importances = self._importances()
        mask: Mask = importances >= self.threshold_
        if self._most is not None:
            order = np.argsort(-importances, kind="stable")
            mask[order[self._most :]] = False
        return mask

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = self.estimator.__sklearn_tags__()
        tags.input_tags.allow_nan = False
        tags.target_tags.required = inner.target_tags.required
        return tags


def threshold_of(threshold: Any, importances: Floats, estimator: Any) -> float:
    """The number that a threshold means. Raises ValueError for words it does not know."""
    if threshold is None:
        threshold = 1e-5 if has_l1_penalty(estimator) else "mean"
    if not isinstance(threshold, str):
        return float(threshold)
    factor, star, word = threshold.rpartition("*")
    known = {"mean": float(np.mean(importances)), "median": float(np.median(importances))}
    if word.strip() not in known:
        raise ValueError(
            f"Expected threshold='mean' or threshold='median' or a multiple such as '1.25*mean', "
            f"got {threshold!r}"
        )
    return float(factor if star else 1) * known[word.strip()]


def has_l1_penalty(estimator: Any) -> bool:
    """Whether it is a lasso, or its penalty (or its mix of penalties) is L1 alone."""
    only_l1 = (
        getattr(estimator, "penalty", None) == "l1" or getattr(estimator, "l1_ratio", None) == 1
    )
    return only_l1 or "Lasso" in type(estimator).__name__
