"""Predictions that do not look at X: what any model must beat."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Classifier, Regressor, require_fitted
from groundup.classical.random_states import random_state_of
from groundup.classical.splitting import as_table, row_count
from groundup.classical.validation import check_sample_weight, check_target, refuse_non_finite

Floats = NDArray[np.float64]


class DummyClassifier(Classifier):
    """The commonest class, a given one, or classes drawn at random.

    `strategy`: "prior" or "most_frequent", which differ in their probabilities (the shares of the
    classes, or 1 and 0), "constant", "stratified" (drawn with their shares) or "uniform". X may be
    anything with rows. Learned: `classes_`, `class_prior_`, `n_classes_`. Left out: several
    outputs.
    """

    tag_settings: ClassVar[dict[str, bool]] = {"poor_score": True, "no_validation": True}

    def __init__(
        self, *, strategy: str = "prior", random_state: Any = None, constant: Any = None
    ) -> None:
        self.strategy = strategy
        self.random_state = random_state
        self.constant = constant

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn the shares of the classes y, counting each sample with its weight."""
        known = ("prior", "most_frequent", "constant", "stratified", "uniform")
        if self.strategy not in known:
            raise ValueError(f"strategy is {self.strategy!r}; it may be one of {known}")
        target, weights = _target_and_weights(self, X, y, sample_weight)
        self.classes_, numbers = np.unique(target, return_inverse=True)
        self.n_classes_ = len(self.classes_)
        shares = np.bincount(numbers.reshape(-1), weights=weights)
        self.class_prior_: Floats = shares / shares.sum()
        if self.strategy == "constant" and self.constant not in self.classes_.tolist():
            raise ValueError(
                "The constant target value must be present in the training data. You provided "
                f"constant={self.constant!r}. Possible values are: {self.classes_.tolist()}."
            )
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """A class for each row."""
        require_fitted(self, "classes_")
        if self.strategy == "uniform":
            draws = random_state_of(self.random_state)
            chosen = draws.randint(self.n_classes_, size=row_count(as_table(X)))
        else:
            chosen = self.predict_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[chosen]
        return labels

    def predict_proba(self, X: Any) -> Floats:
        """Rows x classes: 1 for the class given or drawn; shares for "prior" and "uniform"."""
        require_fitted(self, "classes_")
        n = row_count(as_table(X))
        if self.strategy == "stratified":
            drawn = random_state_of(self.random_state).multinomial(1, self.class_prior_, size=n)
            return drawn.astype(np.float64)
        row: Floats = np.zeros(self.n_classes_)
        if self.strategy == "prior":
            row = self.class_prior_
        elif self.strategy == "uniform":
            row += 1 / self.n_classes_
        elif self.strategy == "constant":
            row[self.classes_ == self.constant] = 1.0
        else:
            row[self.class_prior_.argmax()] = 1.0
        return np.tile(row, (n, 1))

    def predict_log_proba(self, X: Any) -> Floats:
        """The logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))


class DummyRegressor(Regressor):
    """By `strategy`: the "mean", "median" or a "quantile" of y, or a "constant".

    X may be anything with rows. Learned: `constant_`, 1 x outputs. A weighted quantile is the
    smallest value with at least that share of the weight at or below it.
    """

    tag_settings: ClassVar[dict[str, bool]] = {
        "poor_score": True, "no_validation": True, "multi_output": True,
    }  # fmt: skip

    def __init__(
        self,
        *,
        strategy: str = "mean",
        constant: ArrayLike | None = None,
        quantile: float | None = None,
    ) -> None:
        self.strategy = strategy
        self.constant = constant
        self.quantile = quantile

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn the number for each column of y, counting each sample with its weight."""
        target, weights = _target_and_weights(self, X, y, sample_weight, several=True)
        numbers = target.astype(np.float64)
        refuse_non_finite(numbers, "y")
        self.n_outputs_ = 1 if numbers.ndim == 1 else numbers.shape[1]
        self._is_flat = numbers.ndim == 1
        self.constant_ = self._constants(numbers.reshape(len(numbers), -1), weights)[None, :]
        return self

    def _constants(self, y: Floats, weights: Floats | None) -> Floats:
        if self.strategy == "mean":
            return np.asarray(np.average(y, axis=0, weights=weights), np.float64)
        if self.strategy in ("median", "quantile"):
            share = 0.5 if self.strategy == "median" else self.quantile
            if share is None or not 0 <= share <= 1:
                raise ValueError(
                    "When using `strategy='quantile', you have to specify the desired quantile in "
                    f"the range [0, 1], got {share!r}."
                )
            if weights is None:
                return np.percentile(y, 100 * share, axis=0)
            return np.array([_weighted_quantile(column, weights, share) for column in y.T])
        if self.strategy != "constant":
            raise ValueError(
                f"strategy is {self.strategy!r}; it may be 'mean', 'median', 'quantile' or "
                "'constant'"
            )
        given = np.atleast_1d(np.asarray(self.constant if self.constant is not None else [],
                                         np.float64)).reshape(-1)  # fmt: skip
        if len(given) != y.shape[1]:
            raise ValueError(
                f"Constant target value should have shape ({y.shape[1]}, 1); got {self.constant!r}"
            )
        return given

    def predict(self, X: Any) -> Floats:
        """The number, for each row."""
        require_fitted(self, "constant_")
        rows = np.tile(self.constant_, (row_count(as_table(X)), 1))
        return rows[:, 0] if self._is_flat else rows


def _weighted_quantile(values: Floats, weights: Floats, share: float) -> float:
    kept = weights > 0
    order = np.argsort(values[kept], kind="stable")
    heaped = np.cumsum(weights[kept][order])
    place = int(np.searchsorted(heaped, share * heaped[-1]))
    return float(values[kept][order][min(place, len(order) - 1)])


def _target_and_weights(
    estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, several: bool = False
) -> tuple[NDArray[Any], Floats | None]:
    target = check_target(estimator, y, multi_output=several)
    counts = [row_count(as_table(X)), len(target)]
    if counts[0] != counts[1] or counts[0] == 0:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {counts}")
    return target, None if sample_weight is None else check_sample_weight(sample_weight, target)
