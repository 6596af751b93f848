r"""AdaBoost: each model learns from what the models before it got wrong, which counts for more.

For classes: a model of weighted error e, of k classes, has the say
$a = \nu (\log \frac{1 - e}{e} + \log (k - 1))$, and the weight of every sample it got wrong is
multiplied by $\exp(a)$ (Freund and Schapire, "A decision-theoretic generalization of on-line
learning and an application to boosting", 1997; for k classes Zhu, Zou, Rosset and Hastie,
"Multi-class AdaBoost", 2009: SAMME). For numbers: Drucker, "Improving regressors using boosting
techniques", 1997 (AdaBoost.R2).
"""

import inspect
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.boosting_losses import probabilities, weighted_median
from groundup.classical.decision_tree import DecisionTreeClassifier, DecisionTreeRegressor
from groundup.classical.estimator import Classifier, Estimator, Regressor, clone, require_fitted
from groundup.classical.validation import (
    check_fit_classes,
    check_fit_target,
    check_predict,
    check_sample_weight,
    random_generator,
)
from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def say_of_model(error: float, n_classes: int, learning_rate: float) -> float:
    r"""$\nu (\log \frac{1 - e}{e} + \log (k - 1))$: above zero where better than guessing."""
    return float(learning_rate * (np.log((1 - error) / error) + np.log(n_classes - 1)))


class AdaBoost(Estimator):
    """What both share: the models, each with a weight and an error."""

    estimator: Any
    n_estimators: int
    learning_rate: float
    random_state: Any
    estimators_: list[Any]
    estimator_weights_: Floats
    estimator_errors_: Floats
    n_features_in_: int

    @property
    def feature_importances_(self) -> Floats:
        """The mean of the models' importances, by their weights.

        Raises AttributeError where the models have none.
        """
        require_fitted(self, "estimators_")
        each = np.array([model.feature_importances_ for model in self.estimators_])
        weights = self.estimator_weights_[: len(each)]
        return np.asarray(weights @ each / weights.sum())

    def check_parameters(self) -> None:
        """Raise ValueError for parameters out of range."""
        if not isinstance(self.n_estimators, int | np.integer) or self.n_estimators < 1:
            raise ValueError(f"n_estimators is {self.n_estimators!r}; at least 1 model is needed")
        if not 0 < self.learning_rate < np.inf:
            raise ValueError(f"learning_rate is {self.learning_rate}; it is a number above 0")

    def new_model(self, usual: Any, rng: np.random.Generator) -> Any:
        """A model that has learned nothing, with a seed of its own where it takes one."""
        model = clone(usual if self.estimator is None else self.estimator)
        if "random_state" in model.get_params(deep=False):
            model.set_params(random_state=int(rng.integers(2**31)))
        return model

    def keep(self, models: list[Any], says: list[float], errors: list[float]) -> None:
        """Keep the models; rounds that did not happen have the weight 0 and the error 1."""
        missing = self.n_estimators - len(models)
        self.estimators_ = models
        self.estimator_weights_ = np.array(says + [0.0] * missing)
        self.estimator_errors_ = np.array(errors + [1.0] * missing)


class AdaBoostClassifier(Classifier, AdaBoost):
    """Boosted classifiers, as scikit-learn's (SAMME).

    `estimator`: the model, whose `fit` takes `sample_weight`; None is a tree of one question;
    `n_estimators`: the most models; `learning_rate`: how much each counts; `random_state`: of the
    models. It stops early where a model makes no error, or is no better than guessing.

    Learns `estimators_`, `estimator_weights_`, `estimator_errors_`, `classes_`. Raises ValueError
    where the first model is no better than guessing, or takes no weights.
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_estimators: int = 50,
        learning_rate: float = 1.0,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Boost on rows X (n x f) and their classes y (n,)."""
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        weights = weights / weights.sum()
        self.check_parameters()
        self.n_classes_, labels = len(self.classes_), self.classes_[numbers]
        rng = random_generator(self.random_state)
        models: list[Any] = []
        says: list[float] = []
        errors: list[float] = []
        for _ in range(self.n_estimators):
            model = self.new_model(DecisionTreeClassifier(max_depth=1), rng)
            if "sample_weight" not in inspect.signature(model.fit).parameters:
                raise ValueError(f"{type(model).__name__} doesn't support sample_weight.")
            model.fit(rows, labels, sample_weight=weights)
            wrong = model.predict(rows) != labels
            error = float(weights @ wrong)
            if error >= 1 - 1 / self.n_classes_ and not models:
                raise ValueError(
                    "BaseClassifier in AdaBoostClassifier ensemble is worse than random, ensemble "
                    "can not be fit; take a model that learns more."
                )
            if error >= 1 - 1 / self.n_classes_:
                break
            say = say_of_model(error, self.n_classes_, self.learning_rate) if error > 0 else 1.0
            models, says, errors = [*models, model], [*says, say], [*errors, error]
            if error <= 0:
                break
            weights = np.where(wrong, weights * np.exp(say), weights)
            weights /= weights.sum()
        self.keep(models, says, errors)
        return self

    def staged_decision_function(self, X: ArrayLike) -> Iterator[Floats]:
        """What `decision_function` is after each model."""
        rows = check_predict(self, X)
        total, says = np.zeros((len(rows), self.n_classes_)), 0.0
        for model, say in zip(self.estimators_, self.estimator_weights_, strict=False):
            chosen = np.equal(model.predict(rows)[:, None], self.classes_)
            total += np.where(chosen, say, -say / (self.n_classes_ - 1))
            says += say
            scores = total / says
            yield scores[:, 1] - scores[:, 0] if self.n_classes_ == 2 else scores

    def decision_function(self, X: ArrayLike) -> Floats:
        """The votes, weighted, n x k; of two classes those for the second less the first, (n,)."""
        *_, last = self.staged_decision_function(X)
        return last

    def _classes_of(self, scores: Floats) -> NDArray[Any]:
        best = scores > 0 if scores.ndim == 1 else scores.argmax(axis=1)
        chosen: NDArray[Any] = self.classes_[best.astype(np.int64)]
        return chosen

    def _shares_of(self, scores: Floats) -> Floats:
        if scores.ndim == 1:
            return probabilities(np.stack([-scores, scores], axis=1) / 2)
        return probabilities(scores / (self.n_classes_ - 1))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of the most weighted votes."""
        return self._classes_of(self.decision_function(X))

    def staged_predict(self, X: ArrayLike) -> Iterator[NDArray[Any]]:
        """The predictions after each model."""
        for scores in self.staged_decision_function(X):
            yield self._classes_of(scores)

    def predict_proba(self, X: ArrayLike) -> Floats:
        """The softmax of the votes over k - 1, n x k (Zhu et al., equation 15)."""
        return self._shares_of(self.decision_function(X))

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """The logarithms of `predict_proba`."""
        return np.asarray(np.log(self.predict_proba(X)))


class AdaBoostRegressor(Regressor, AdaBoost):
    r"""Boosted regressors, as scikit-learn's (AdaBoost.R2): the weighted median of the models.

    Each model learns from n rows drawn by their weights. A sample's loss is its error over the
    largest, as it is (`loss` linear), squared (square), or 1 - exp(-it) (exponential); with e the
    weighted mean loss and $\beta = e / (1 - e)$, weights are multiplied by $\beta^{1 - loss}$.
    `estimator`: None is a tree of depth 3; the others as `AdaBoostClassifier`'s.
    """

    losses: ClassVar[tuple[str, ...]] = ("linear", "square", "exponential")

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_estimators: int = 50,
        learning_rate: float = 1.0,
        loss: str = "linear",
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.loss = loss
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Boost on rows X (n x f) and numbers y (n,)."""
        rows, target = check_fit_target(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        weights = weights / weights.sum()
        self.check_parameters()
        if self.loss not in self.losses:
            raise ValueError(f"loss is {self.loss!r}; known are: {', '.join(self.losses)}")
        rng = random_generator(self.random_state)
        models: list[Any] = []
        says: list[float] = []
        errors: list[float] = []
        for _ in range(self.n_estimators):
            drawn = rng.choice(len(rows), len(rows), p=weights)
            model = self.new_model(DecisionTreeRegressor(max_depth=3), rng)
            model.fit(rows[drawn], target[drawn])
            losses = self._losses(np.abs(model.predict(rows) - target), weights > 0)
            error = float(weights @ losses)
            if error >= 0.5 and models:
                break
            is_last = not 0 < error < 0.5
            beta = error / (1 - error)
            say = 1.0 if is_last else self.learning_rate * float(np.log(1 / beta))
            models, says, errors = [*models, model], [*says, say], [*errors, error]
            if is_last:
                break
            weights = weights * beta ** ((1 - losses) * self.learning_rate)
            weights /= weights.sum()
        self.keep(models, says, errors)
        return self

    def _losses(self, errors: Floats, counts: NDArray[np.bool_]) -> Floats:
        largest = errors[counts].max()
        share = errors / largest if largest > 0 else errors
        if self.loss == "square":
            return share**2
        return 1 - np.exp(-share) if self.loss == "exponential" else share

    def _median(self, rows: Floats, count: int) -> Floats:
        each = np.array([model.predict(rows) for model in self.estimators_[:count]])
        says = self.estimator_weights_[:count]
        return np.array([weighted_median(column, says) for column in each.T])

    def predict(self, X: ArrayLike) -> Floats:
        """The weighted median of the models' predictions, (n,)."""
        rows = check_predict(self, X)
        return self._median(rows, len(self.estimators_))

    def staged_predict(self, X: ArrayLike) -> Iterator[Floats]:
        """The predictions after each model."""
        rows = check_predict(self, X)
        for count in range(1, len(self.estimators_) + 1):
            yield self._median(rows, count)
