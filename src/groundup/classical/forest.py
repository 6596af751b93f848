r"""Random forests: many trees, each of another sample of the rows, and their mean.

The mean of B trees of variance $\sigma^2$ and correlation $\rho$ has the variance
$\rho \sigma^2 + (1 - \rho) \sigma^2 / B$: more trees take away the second part, and trees that
differ more the first. They differ as each grows from a *bootstrap* sample (n rows drawn with
replacement) and looks at a random part of the features at each node (Breiman, "Random forests",
2001). Extremely random trees draw the thresholds too, and take all rows (Geurts, Ernst, Wehenkel,
"Extremely randomized trees", 2006).

A tree never saw about $1/e = 37 \%$ of the rows. Predicted by just the trees that did not see them,
these *out-of-bag* rows tell how good the forest is without a test set.
"""

import warnings
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.decision_tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    growth_rules,
)
from groundup.classical.estimator import Classifier, Estimator, Regressor, require_fitted
from groundup.classical.tree_growing import grown, sorted_columns
from groundup.classical.tree_structure import Tree, feature_importances
from groundup.classical.validation import (
    check_fit_classes,
    check_fit_target,
    check_predict,
    check_sample_weight,
    random_generator,
)
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@replaceable
def bootstrap_counts(weights: Floats, rng: np.random.Generator) -> Floats:
    """How often each of n rows is among n drawn with replacement, in proportion to its weight."""
    n = len(weights)
    shares = None if np.all(weights == weights[0]) else weights / weights.sum()
    drawn = rng.integers(n, size=n) if shares is None else rng.choice(n, size=n, p=shares)
    return np.bincount(drawn, minlength=n).astype(np.float64)


class Forest(Estimator):
    """What all forests share: growing the trees, and taking the mean of what they say."""

    random_thresholds: ClassVar[bool] = False
    n_estimators: int
    criterion: str
    max_depth: int | None
    min_samples_leaf: int | float
    max_features: Any
    bootstrap: bool
    oob_score: bool
    random_state: Any
    min_samples_split: ClassVar[int] = 2
    min_impurity_decrease: ClassVar[float] = 0.0
    n_features_in_: int
    estimators_: list[Any]
    estimators_samples_: list[Integers]

    @property
    def feature_importances_(self) -> Floats:
        """The mean of the trees' importances, summing to 1; zeros where no tree asks anything."""
        require_fitted(self, "estimators_")
        trees = [each.tree_ for each in self.estimators_ if each.tree_.node_count > 1]
        if not trees:
            return np.zeros(self.n_features_in_)
        shares = [feature_importances(tree, self.n_features_in_) for tree in trees]
        mean: Floats = np.mean(shares, axis=0)
        return mean / mean.sum() if mean.sum() > 0 else mean

    def apply(self, X: ArrayLike) -> Integers:
        """The leaf of each row in each tree, n x trees."""
        rows = check_predict(self, X)
        return np.stack([each.tree_.apply(rows) for each in self.estimators_], axis=1)

    def grow(self, X: Floats, targets: Floats, weights: Floats, n_classes: int) -> list[Tree]:
        """The trees; the rows that each was grown from are kept in `estimators_samples_`."""
        if not isinstance(self.n_estimators, int | np.integer) or self.n_estimators < 1:
            raise ValueError(f"n_estimators is {self.n_estimators!r}; at least 1 tree is needed")
        if self.oob_score and not self.bootstrap:
            raise ValueError("Out of bag estimation only available if bootstrap=True")
        rng = random_generator(self.random_state)
        rules = growth_rules(self, X.shape, n_classes)
        columns, order = sorted_columns(X)
        trees, self.estimators_samples_ = [], []
        for _ in range(self.n_estimators):
            counts = bootstrap_counts(weights, rng) if self.bootstrap else weights
            trees.append(grown(columns, order, targets, counts, rules, rng))
            repeats = counts.astype(np.int64) if self.bootstrap else np.ones(len(X), np.int64)
            self.estimators_samples_.append(np.repeat(np.arange(len(X)), repeats))
        return trees

    def mean_of_trees(self, X: Floats) -> Floats:
        """The mean of what the trees predict, n x k."""
        total: Floats = self.estimators_[0].tree_.predict(X)
        for each in self.estimators_[1:]:
            total += each.tree_.predict(X)
        total /= len(self.estimators_)
        return total

    def out_of_bag(self, X: Floats) -> Floats:
        """The mean of what the trees that did not see a row predict of it, n x k; NaN for none."""
        total = np.zeros((len(X), self.estimators_[0].tree_.value.shape[2]))
        count = np.zeros(len(X))
        for each, seen in zip(self.estimators_, self.estimators_samples_, strict=True):
            unseen = np.setdiff1d(np.arange(len(X)), seen)
            total[unseen] += each.tree_.predict(X[unseen])
            count[unseen] += 1
        if not count.all():
            warnings.warn(
                "Some inputs do not have OOB scores. This probably means too few trees were used "
                "to compute any reliable OOB estimates; raise n_estimators.",
                UserWarning,
                stacklevel=3,
            )
        with np.errstate(invalid="ignore"):
            return total / count[:, None]


class RandomForestClassifier(Classifier, Forest):
    """A random forest that votes for classes, as scikit-learn's.

    `n_estimators`: trees; `criterion`, `max_depth`, `min_samples_leaf`, `max_features`: see
    `DecisionTreeClassifier`; `bootstrap`: whether each tree has its own sample of the rows, in
    which rows of more weight are drawn more often; `oob_score`: whether out-of-bag rows are scored.

    Learns `estimators_`, `classes_`, `estimators_samples_`, and with `oob_score` `oob_score_` and
    `oob_decision_function_`. Warns where a row was seen by all trees.
    Left out: `min_samples_split`, `max_samples`, `class_weight`, `warm_start`, `n_jobs`, and the
    limits that `DecisionTreeClassifier` leaves out.
    """

    oob_score_: float
    oob_decision_function_: Floats

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        criterion: str = "gini",
        max_depth: int | None = None,
        min_samples_leaf: int | float = 1,
        max_features: Any = "sqrt",
        bootstrap: bool = True,
        oob_score: bool = False,
        random_state: Any = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.bootstrap = bootstrap
        self.oob_score = oob_score
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Grow the forest from rows X (n x f) and their classes y (n,)."""
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        self.n_classes_ = len(self.classes_)
        trees = self.grow(rows, numbers.astype(np.float64), weights, self.n_classes_)
        self.estimators_ = [self._as_estimator(tree) for tree in trees]
        if self.oob_score:
            self.oob_decision_function_ = shares = self.out_of_bag(rows)
            known = ~np.isnan(shares[:, 0])
            hits = np.argmax(np.where(known[:, None], shares, 0.0), axis=1) == numbers
            self.oob_score_ = float(hits.mean())
        return self

    def _as_estimator(self, tree: Tree) -> DecisionTreeClassifier:
        one = DecisionTreeClassifier(
            criterion=self.criterion,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
        )
        one.tree_, one.n_features_in_ = tree, self.n_features_in_
        one.classes_, one.n_classes_ = np.arange(self.n_classes_), self.n_classes_
        return one

    def predict_proba(self, X: ArrayLike) -> Floats:
        """The mean of the trees' shares of the classes, n x k."""
        rows = check_predict(self, X)
        return self.mean_of_trees(rows)

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """The logarithms of `predict_proba`, minus infinity for a class no leaf holds."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of the largest mean share, the first of equals."""
        most_likely = self.predict_proba(X).argmax(axis=1)
        chosen: NDArray[Any] = self.classes_[most_likely]
        return chosen


class RandomForestRegressor(Regressor, Forest):
    """A random forest that predicts numbers, as scikit-learn's.

    Parameters and what is learned are those of `RandomForestClassifier`, with `oob_prediction_`;
    all features are looked at by default.
    """

    oob_score_: float
    oob_prediction_: Floats

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        criterion: str = "squared_error",
        max_depth: int | None = None,
        min_samples_leaf: int | float = 1,
        max_features: Any = 1.0,
        bootstrap: bool = True,
        oob_score: bool = False,
        random_state: Any = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.bootstrap = bootstrap
        self.oob_score = oob_score
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Grow the forest from rows X (n x f) and numbers y (n,)."""
        rows, target = check_fit_target(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        trees = self.grow(rows, target, weights, 1)
        self.estimators_ = [self._as_estimator(tree) for tree in trees]
        if self.oob_score:
            predicted = self.out_of_bag(rows)[:, 0]
            self.oob_prediction_ = np.where(np.isnan(predicted), 0.0, predicted)
            missed = np.square(target - self.oob_prediction_).sum()
            spread = np.square(target - target.mean()).sum()
            self.oob_score_ = float(1 - missed / spread) if spread > 0 else 0.0
        return self

    def _as_estimator(self, tree: Tree) -> DecisionTreeRegressor:
        one = DecisionTreeRegressor(
            criterion=self.criterion,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
        )
        one.tree_, one.n_features_in_ = tree, self.n_features_in_
        return one

    def predict(self, X: ArrayLike) -> Floats:
        """The mean of the trees' predictions, (n,)."""
        rows = check_predict(self, X)
        return self.mean_of_trees(rows)[:, 0]


class ExtraTreesClassifier(RandomForestClassifier):
    """Trees whose thresholds are drawn: for each feature one, between its least and largest value.

    Parameters are those of `RandomForestClassifier`, without bootstrap by default.
    """

    random_thresholds = True

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        criterion: str = "gini",
        max_depth: int | None = None,
        min_samples_leaf: int | float = 1,
        max_features: Any = "sqrt",
        bootstrap: bool = False,
        oob_score: bool = False,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            n_estimators,
            criterion=criterion,
            max_depth=max_depth,
            min_samples_leaf=min_samples_leaf,
            max_features=max_features,
            bootstrap=bootstrap,
            oob_score=oob_score,
            random_state=random_state,
        )


class ExtraTreesRegressor(RandomForestRegressor):
    """Trees whose thresholds are drawn, for numbers; see `ExtraTreesClassifier`."""

    random_thresholds = True

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        criterion: str = "squared_error",
        max_depth: int | None = None,
        min_samples_leaf: int | float = 1,
        max_features: Any = 1.0,
        bootstrap: bool = False,
        oob_score: bool = False,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            n_estimators,
            criterion=criterion,
            max_depth=max_depth,
            min_samples_leaf=min_samples_leaf,
            max_features=max_features,
            bootstrap=bootstrap,
            oob_score=oob_score,
            random_state=random_state,
        )
