"""Bagging: the mean of models that each learned from another sample of the rows.

What one model makes of the chance in its sample, the mean forgets (Breiman, "Bagging predictors",
1996); a random part of the features for each model makes them differ more (Ho, "The random subspace
method for constructing decision forests", 1998). See `forest` for trees, which is faster.
"""

import inspect
import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.decision_tree import DecisionTreeClassifier, DecisionTreeRegressor
from groundup.classical.estimator import Classifier, Estimator, Regressor, clone
from groundup.classical.validation import (
    check_fit_classes,
    check_fit_target,
    check_predict,
    check_sample_weight,
    random_generator,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Bagging(Estimator):
    """What both share: drawing rows and features, and fitting a model to each draw."""

    estimator: Any
    n_estimators: int
    max_samples: int | float
    max_features: int | float
    bootstrap: bool
    bootstrap_features: bool
    oob_score: bool
    random_state: Any
    n_features_in_: int
    estimators_: list[Any]
    estimators_samples_: list[Integers]
    estimators_features_: list[Integers]

    def bag(self, X: Floats, y: NDArray[Any], weights: Floats, usual: Any) -> None:
        """Fit the models to rows X (n x f) and targets y (n,)."""
        if not isinstance(self.n_estimators, int | np.integer) or self.n_estimators < 1:
            raise ValueError(f"n_estimators is {self.n_estimators!r}; at least 1 model is needed")
        if self.oob_score and not self.bootstrap:
            raise ValueError("Out of bag estimation only available if bootstrap=True")
        rows = _count("max_samples", self.max_samples, len(X), self.bootstrap)
        columns = _count("max_features", self.max_features, X.shape[1], self.bootstrap_features)
        rng = random_generator(self.random_state)
        shares = weights / weights.sum()
        if not self.bootstrap and np.count_nonzero(shares) < rows:
            raise ValueError(
                f"max_samples asks for {rows} rows without replacement, and only "
                f"{np.count_nonzero(shares)} have a weight above 0"
            )
        self.estimators_, self.estimators_samples_, self.estimators_features_ = [], [], []
        for _ in range(self.n_estimators):
            features = rng.choice(X.shape[1], columns, replace=self.bootstrap_features)
            drawn = self._drawn(y, rows, shares, rng)
            model = clone(usual if self.estimator is None else self.estimator)
            if "random_state" in model.get_params(deep=False):
                model.set_params(random_state=int(rng.integers(2**31)))
            self.estimators_.append(_fitted(model, X[:, features], y, drawn))
            self.estimators_samples_.append(drawn)
            self.estimators_features_.append(features)

    def _drawn(
        self, y: NDArray[Any], rows: int, shares: Floats, rng: np.random.Generator
    ) -> Integers:
        """Rows for one model; of a classifier from two classes at least, if 100 draws give that."""
        drawn = rng.choice(len(y), rows, replace=self.bootstrap, p=shares)
        for _ in range(100):
            if self.kind == "regressor" or (y[drawn] != y[drawn[0]]).any():
                break
            drawn = rng.choice(len(y), rows, replace=self.bootstrap, p=shares)
        return drawn

    def mean_of_models(self, X: Floats, outputs: int) -> Floats:
        """The mean of what the models say, n x outputs."""
        total = np.zeros((len(X), outputs))
        for model, features in zip(self.estimators_, self.estimators_features_, strict=True):
            total += self.said_by(model, X[:, features])
        return total / len(self.estimators_)

    def out_of_bag(self, X: Floats, outputs: int) -> Floats:
        """The mean of what the models that did not see a row say, n x outputs; NaN for none."""
        total, count = np.zeros((len(X), outputs)), np.zeros(len(X))
        parts = (self.estimators_, self.estimators_samples_, self.estimators_features_)
        for model, seen, features in zip(*parts, strict=True):
            unseen = np.setdiff1d(np.arange(len(X)), seen)
            if len(unseen):
                total[unseen] += self.said_by(model, X[np.ix_(unseen, features)])
                count[unseen] += 1
        if not count.all():
            warnings.warn(
                "Some inputs do not have OOB scores. This probably means too few estimators were "
                "used to compute any reliable oob estimates; raise n_estimators.",
                UserWarning,
                stacklevel=3,
            )
        with np.errstate(invalid="ignore"):
            return total / count[:, None]

    def said_by(self, model: Any, X: Floats) -> Floats:
        """What one model says of rows with its own features, n x outputs."""
        raise AssertionError(f"{type(self).__name__} does not say what a model says")


def _fitted(model: Any, X: Floats, y: NDArray[Any], drawn: Integers) -> Any:
    """Drawn rows count as often as they were drawn; a model that takes no weights gets them so."""
    if "sample_weight" in inspect.signature(model.fit).parameters:
        counts = np.bincount(drawn, minlength=len(X)).astype(np.float64)
        return model.fit(X, y, sample_weight=counts)
    return model.fit(X[drawn], y[drawn])


def _count(name: str, given: Any, population: int, repeats: bool) -> int:
    if isinstance(given, float | np.floating) and 0 < given <= 1:
        return max(1, int(given * population))
    is_whole = isinstance(given, int | np.integer) and not isinstance(given, bool)
    if is_whole and given >= 1 and (repeats or given <= population):
        return int(given)
    raise ValueError(
        f"{name} is {given!r}; it is a share above 0.0 and at most 1.0, or a count from 1 up, at "
        f"most {population} where each may be drawn once"
    )


class BaggingClassifier(Classifier, Bagging):
    """Bagged classifiers, as scikit-learn's: the mean of their probabilities, or of their votes.

    `estimator`: the model, None is a decision tree; `max_samples`, `max_features`: how many rows
    and features each model gets, counts or shares; `bootstrap`, `bootstrap_features`: whether they
    may be drawn more than once; `oob_score`: whether rows are scored by the models that did not see
    them. Rows of more weight are drawn more often.

    Learns `estimators_`, `estimators_samples_`, `estimators_features_`, `classes_`, and with
    `oob_score` `oob_score_` and `oob_decision_function_`. Left out: `warm_start`, `n_jobs`.
    """

    oob_score_: float
    oob_decision_function_: Floats

    def __init__(
        self,
        estimator: Any = None,
        n_estimators: int = 10,
        *,
        max_samples: int | float = 1.0,
        max_features: int | float = 1.0,
        bootstrap: bool = True,
        bootstrap_features: bool = False,
        oob_score: bool = False,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.max_features = max_features
        self.bootstrap = bootstrap
        self.bootstrap_features = bootstrap_features
        self.oob_score = oob_score
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the models to rows X (n x f) and their classes y (n,)."""
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        self.n_classes_ = len(self.classes_)
        self.bag(rows, self.classes_[numbers], weights, DecisionTreeClassifier())
        if self.oob_score:
            self.oob_decision_function_ = shares = self.out_of_bag(rows, self.n_classes_)
            best = np.where(np.isnan(shares), 0.0, shares).argmax(axis=1)
            self.oob_score_ = float(np.mean(best == numbers))
        return self

    def said_by(self, model: Any, X: Floats) -> Floats:
        """Probabilities, or 1 for the class that is predicted, of all classes."""
        shares = np.zeros((len(X), self.n_classes_))
        if hasattr(model, "predict_proba"):
            shares[:, np.searchsorted(self.classes_, model.classes_)] = model.predict_proba(X)
        else:
            shares[np.arange(len(X)), np.searchsorted(self.classes_, model.predict(X))] = 1
        return shares

    def predict_proba(self, X: ArrayLike) -> Floats:
        """The mean of the models' probabilities, n x k."""
        rows = check_predict(self, X)
        return self.mean_of_models(rows, self.n_classes_)

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """The logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of the largest mean probability, the first of equals."""
        best = self.predict_proba(X).argmax(axis=1)
        chosen: NDArray[Any] = self.classes_[best]
        return chosen


class BaggingRegressor(Regressor, Bagging):
    """Bagged regressors, as scikit-learn's: the mean of their predictions.

    Parameters and what is learned are those of `BaggingClassifier`, with `oob_prediction_`.
    """

    oob_score_: float
    oob_prediction_: Floats

    def __init__(
        self,
        estimator: Any = None,
        n_estimators: int = 10,
        *,
        max_samples: int | float = 1.0,
        max_features: int | float = 1.0,
        bootstrap: bool = True,
        bootstrap_features: bool = False,
        oob_score: bool = False,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.max_features = max_features
        self.bootstrap = bootstrap
        self.bootstrap_features = bootstrap_features
        self.oob_score = oob_score
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the models to rows X (n x f) and numbers y (n,)."""
        rows, target = check_fit_target(self, X, y)
        self.bag(rows, target, check_sample_weight(sample_weight, rows), DecisionTreeRegressor())
        if self.oob_score:
            predicted = self.out_of_bag(rows, 1)[:, 0]
            self.oob_prediction_ = np.where(np.isnan(predicted), 0.0, predicted)
            missed = np.square(target - self.oob_prediction_).sum()
            spread = np.square(target - target.mean()).sum()
            self.oob_score_ = float(1 - missed / spread) if spread > 0 else 0.0
        return self

    def said_by(self, model: Any, X: Floats) -> Floats:
        """The model's predictions, n x 1."""
        return np.asarray(model.predict(X), np.float64)[:, None]

    def predict(self, X: ArrayLike) -> Floats:
        """The mean of the models' predictions, (n,)."""
        rows = check_predict(self, X)
        return self.mean_of_models(rows, 1)[:, 0]
