r"""Gradient boosting: each tree is grown to predict what the trees before it still get wrong.

$F_m(x) = F_{m-1}(x) + \nu \, h_m(x)$, where the tree $h_m$ is fitted to minus the derivative of the
loss, and the learning rate $\nu$ keeps each step small, so that many trees share the work
(Friedman, "Greedy function approximation: a gradient boosting machine", 2001; a random part of the
rows for each tree: "Stochastic gradient boosting", 2002). The losses are in `boosting_losses`.

The features are sorted once, for all trees.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.boosting_losses import (
    AbsoluteError,
    LogLoss,
    Loss,
    SquaredError,
    probabilities,
)
from groundup.classical.decision_tree import DecisionTreeRegressor, growth_rules
from groundup.classical.estimator import Classifier, Estimator, Regressor, require_fitted
from groundup.classical.tree_growing import grown, sorted_columns
from groundup.classical.tree_structure import Tree
from groundup.classical.validation import (
    check_fit_classes,
    check_fit_target,
    check_predict,
    check_sample_weight,
    random_generator,
)

Floats = NDArray[np.float64]


class GradientBoosting(Estimator):
    """What both boosted models share: the stages of trees, and the sum of what they say."""

    loss: str
    learning_rate: float
    n_estimators: int
    subsample: float
    max_depth: int | None
    min_samples_leaf: int | float
    max_features: Any
    random_state: Any
    losses: ClassVar[dict[str, type[Loss]]] = {}
    n_features_in_: int
    estimators_: NDArray[Any]
    train_score_: Floats
    start_: Floats
    n_trees_per_iteration_: int

    @property
    def feature_importances_(self) -> Floats:
        """Each feature's share of the decrease of squared error in all trees, summing to 1."""
        require_fitted(self, "estimators_")
        total = np.zeros(self.n_features_in_)
        for each in self.estimators_.ravel():
            asks = each.tree_.feature >= 0
            np.add.at(total, each.tree_.feature[asks], each.tree_.importances()[asks])
        if total.sum() > 0:
            total /= total.sum()
        return total

    def boost(self, X: Floats, y: Floats, weights: Floats) -> None:
        """Grow `n_estimators` stages on rows X (n x f) and targets y (n x k)."""
        self._check_parameters()
        loss = self.losses[self.loss]()
        rng = random_generator(self.random_state)
        rules = growth_rules(_regression_tree(self), X.shape, 1)
        table = sorted_columns(X)
        self.n_trees_per_iteration_ = y.shape[1]
        self.start_ = loss.start(y, weights)
        raw = np.tile(self.start_, (len(X), 1))
        self.estimators_ = np.empty((self.n_estimators, y.shape[1]), dtype=object)
        self.train_score_ = np.empty(self.n_estimators)
        for stage in range(self.n_estimators):
            used = self._part_of(weights, rng)
            residuals = loss.residuals(y, raw)
            for k in range(y.shape[1]):
                tree = grown(*table, residuals[:, k], used, rules, rng)
                leaves = tree.apply(X)
                inside = used > 0
                steps = loss.leaf_steps(
                    (y - raw)[inside, k], residuals[inside, k], used[inside], leaves[inside]
                )
                tree = _with_steps(tree, steps, y.shape[1])
                raw[:, k] += self.learning_rate * tree.value[leaves, 0, 0]
                self.estimators_[stage, k] = self._as_estimator(tree)
            inside = used > 0
            self.train_score_[stage] = loss.value(y[inside], raw[inside], used[inside])

    def _part_of(self, weights: Floats, rng: np.random.Generator) -> Floats:
        if self.subsample == 1:
            return weights
        count = max(1, int(self.subsample * len(weights)))
        used = np.zeros_like(weights)
        while not used.any():  # weights may be zero
            chosen = rng.choice(len(weights), count, replace=False)
            used[chosen] = weights[chosen]
        return used

    def _check_parameters(self) -> None:
        if self.loss not in self.losses:
            raise ValueError(f"loss is {self.loss!r}; known are: {', '.join(self.losses)}")
        if not isinstance(self.n_estimators, int | np.integer) or self.n_estimators < 1:
            raise ValueError(f"n_estimators is {self.n_estimators!r}; at least 1 tree is needed")
        if not 0 <= self.learning_rate < np.inf:
            raise ValueError(f"learning_rate is {self.learning_rate}; it is a number from 0 up")
        if not 0 < self.subsample <= 1:
            raise ValueError(f"subsample is {self.subsample}; it is above 0 and at most 1")

    def _as_estimator(self, tree: Tree) -> DecisionTreeRegressor:
        one = _regression_tree(self)
        one.tree_, one.n_features_in_ = tree, self.n_features_in_
        return one

    def staged_raw(self, X: ArrayLike) -> Iterator[Floats]:
        """The raw scores (n x k) after each stage."""
        rows = check_predict(self, X)
        raw = np.tile(self.start_, (len(rows), 1))
        for stage in self.estimators_:
            for k, each in enumerate(stage):
                raw[:, k] += self.learning_rate * each.tree_.predict(rows)[:, 0]
            yield raw.copy()

    def raw(self, X: ArrayLike) -> Floats:
        """The raw scores (n x k) after the last stage."""
        rows = check_predict(self, X)
        raw = np.tile(self.start_, (len(rows), 1))
        for stage in self.estimators_:
            for k, each in enumerate(stage):
                raw[:, k] += self.learning_rate * each.tree_.predict(rows)[:, 0]
        return raw


def _regression_tree(settings: GradientBoosting) -> DecisionTreeRegressor:
    return DecisionTreeRegressor(
        max_depth=settings.max_depth,
        min_samples_leaf=settings.min_samples_leaf,
        max_features=settings.max_features,
    )


def _with_steps(tree: Tree, steps: Floats | None, outputs: int) -> Tree:
    if steps is None:
        return tree
    leaves = np.flatnonzero(tree.children_left < 0)
    value = tree.value.copy()
    value[leaves, 0, 0] = steps[leaves] * ((outputs - 1) / outputs if outputs > 1 else 1.0)
    return replace(tree, value=value)


class GradientBoostingRegressor(Regressor, GradientBoosting):
    """Boosted trees that predict numbers, as scikit-learn's.

    `loss`: squared_error or absolute_error; `learning_rate`: how much of each tree counts;
    `n_estimators`: trees; `subsample`: the share of the rows that each tree is grown from, drawn
    without replacement; `max_depth`, `min_samples_leaf`, `max_features`: see
    `DecisionTreeRegressor`; `random_state`: seed or generator.

    Learns `estimators_` (stages x 1), `train_score_` (the loss of the rows used, after each stage),
    `start_` (the constant that it starts from), `feature_importances_`. Raises ValueError for
    parameters out of range.
    Left out: `criterion`, `init`, `min_samples_split`, early stopping, `warm_start`, `ccp_alpha`,
    and the limits that `DecisionTreeRegressor` leaves out.
    """

    losses: ClassVar[dict[str, type[Loss]]] = {
        "squared_error": SquaredError,
        "absolute_error": AbsoluteError,
    }

    def __init__(
        self,
        *,
        loss: str = "squared_error",
        learning_rate: float = 0.1,
        n_estimators: int = 100,
        subsample: float = 1.0,
        max_depth: int | None = 3,
        min_samples_leaf: int | float = 1,
        max_features: Any = None,
        random_state: Any = None,
    ) -> None:
        self.loss = loss
        self.learning_rate = learning_rate
        self.n_estimators = n_estimators
        self.subsample = subsample
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Grow the trees from rows X (n x f) and numbers y (n,)."""
        rows, target = check_fit_target(self, X, y)
        self.boost(rows, target[:, None], check_sample_weight(sample_weight, rows))
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """The sum of the trees' predictions, (n,)."""
        return self.raw(X)[:, 0]

    def staged_predict(self, X: ArrayLike) -> Iterator[Floats]:
        """The predictions after each stage."""
        for raw in self.staged_raw(X):
            yield raw[:, 0]


class GradientBoostingClassifier(Classifier, GradientBoosting):
    """Boosted trees that predict classes, as scikit-learn's: one tree a stage and class.

    Of two classes one tree a stage is enough. Parameters are those of `GradientBoostingRegressor`;
    `loss` is log_loss.
    """

    losses: ClassVar[dict[str, type[Loss]]] = {"log_loss": LogLoss}

    def __init__(
        self,
        *,
        loss: str = "log_loss",
        learning_rate: float = 0.1,
        n_estimators: int = 100,
        subsample: float = 1.0,
        max_depth: int | None = 3,
        min_samples_leaf: int | float = 1,
        max_features: Any = None,
        random_state: Any = None,
    ) -> None:
        self.loss = loss
        self.learning_rate = learning_rate
        self.n_estimators = n_estimators
        self.subsample = subsample
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Grow the trees from rows X (n x f) and their classes y (n,)."""
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        present = np.unique(numbers[weights > 0])
        if len(present) < 2:
            raise ValueError(
                f"y contains {len(present)} class after sample_weight trimmed classes with zero "
                "weights, while a minimum of 2 classes are required."
            )
        self.n_classes_ = len(self.classes_)
        if self.n_classes_ == 2:
            target = numbers[:, None].astype(np.float64)
        else:
            target = np.eye(self.n_classes_)[numbers]
        self.boost(rows, target, weights)
        return self

    def decision_function(self, X: ArrayLike) -> Floats:
        """The raw scores: n x k, or of two classes the log-odds of the second, (n,)."""
        raw = self.raw(X)
        return raw[:, 0] if raw.shape[1] == 1 else raw

    def predict_proba(self, X: ArrayLike) -> Floats:
        """The probability of each class, n x k."""
        return _both(probabilities(self.raw(X)))

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """The logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most likely class; of two equally likely ones the second, as in scikit-learn."""
        return self._classes_of(self.raw(X))

    def _classes_of(self, raw: Floats) -> NDArray[Any]:
        best = raw[:, 0] >= 0 if raw.shape[1] == 1 else raw.argmax(axis=1)
        chosen: NDArray[Any] = self.classes_[best.astype(np.int64)]
        return chosen

    def staged_decision_function(self, X: ArrayLike) -> Iterator[Floats]:
        """The raw scores (n x k; of two classes n x 1) after each stage."""
        yield from self.staged_raw(X)

    def staged_predict_proba(self, X: ArrayLike) -> Iterator[Floats]:
        """The probabilities after each stage."""
        for raw in self.staged_raw(X):
            yield _both(probabilities(raw))

    def staged_predict(self, X: ArrayLike) -> Iterator[NDArray[Any]]:
        """The most likely classes after each stage."""
        for raw in self.staged_raw(X):
            yield self._classes_of(raw)


def _both(shares: Floats) -> Floats:
    if shares.shape[1] == 1:
        return np.concatenate([1 - shares, shares], axis=1)
    return shares
