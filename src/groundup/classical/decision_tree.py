"""Decision trees with scikit-learn's conventions; how they grow is in `tree_growing`.

Other than in scikit-learn features stay in double precision (there: float32), so that thresholds
may differ in the eighth digit; and of equally good questions the first is taken, not a random one.
Text has to be encoded first, and missing values filled.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Classifier, Estimator, Regressor, require_fitted
from groundup.classical.impurity import CRITERIA
from groundup.classical.tree_growing import grown, sorted_columns
from groundup.classical.tree_pruning import pruned, pruning_path
from groundup.classical.tree_structure import GrowthRules, Tree, feature_importances
from groundup.classical.validation import (
    check_fit_classes,
    check_fit_target,
    check_predict,
    check_sample_weight,
    random_generator,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
NO_LIMIT = 2**31 - 1


class DecisionTree(Estimator):
    """What both trees share: their parameters, and what a grown tree can be asked."""

    tree_: Tree
    criterion: str
    max_depth: int | None
    min_samples_split: int | float
    min_samples_leaf: int | float
    max_features: Any
    min_impurity_decrease: float
    ccp_alpha: float
    n_features_in_: int

    @property
    def feature_importances_(self) -> Floats:
        """Each feature's share of the decrease of impurity, summing to 1."""
        require_fitted(self, "tree_")
        return feature_importances(self.tree_, self.n_features_in_)

    def apply(self, X: ArrayLike) -> Integers:
        """The number of the leaf that each row of X (n x f) ends in."""
        rows = check_predict(self, X)
        return self.tree_.apply(rows)

    def get_depth(self) -> int:
        """The questions on the longest way to a leaf."""
        require_fitted(self, "tree_")
        return self.tree_.max_depth

    def get_n_leaves(self) -> int:
        """How many leaves there are."""
        require_fitted(self, "tree_")
        return self.tree_.n_leaves

    def grow(self, X: Floats, targets: Floats, weights: Floats, n_classes: int, rng: Any) -> None:
        """Grow `tree_` from rows X (n x f) and prune it."""
        rules = growth_rules(self, X.shape, n_classes)
        if not np.isfinite(self.ccp_alpha) or self.ccp_alpha < 0:
            raise ValueError(f"ccp_alpha is {self.ccp_alpha}; it is a finite number from 0 up")
        self.tree_ = grown(*sorted_columns(X), targets, weights, rules, random_generator(rng))
        if self.ccp_alpha > 0:
            self.tree_ = pruned(self.tree_, self.ccp_alpha)


class DecisionTreeClassifier(Classifier, DecisionTree):
    """A tree of questions that ends in classes, as scikit-learn's.

    `criterion`: gini, entropy (or log_loss, the same); `max_depth`: None is no limit;
    `min_samples_split`, `min_samples_leaf`: counts, or shares of all samples; `max_features`: a
    count, a share, "sqrt", "log2" or None (all), drawn anew for each node with `random_state`;
    `min_impurity_decrease`: see `GrowthRules`; `ccp_alpha`: the price of a leaf in pruning.

    Learns `tree_`, `classes_`, `n_classes_`, `max_features_`, `feature_importances_`. Raises
    ValueError for parameters out of range.
    Left out: `splitter` (best), `class_weight` (pass `sample_weight`), `max_leaf_nodes`,
    `min_weight_fraction_leaf`, monotonic constraints, several outputs, missing values.
    """

    n_classes_: int
    max_features_: int

    def __init__(
        self,
        *,
        criterion: str = "gini",
        max_depth: int | None = None,
        min_samples_split: int | float = 2,
        min_samples_leaf: int | float = 1,
        max_features: Any = None,
        random_state: Any = None,
        min_impurity_decrease: float = 0.0,
        ccp_alpha: float = 0.0,
    ) -> None:
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.random_state = random_state
        self.min_impurity_decrease = min_impurity_decrease
        self.ccp_alpha = ccp_alpha

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Grow the tree from rows X (n x f) and their classes y (n,)."""
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        self.n_classes_ = len(self.classes_)
        self.max_features_ = count_of_features(self.max_features, rows.shape[1])
        self.grow(rows, numbers.astype(np.float64), weights, self.n_classes_, self.random_state)
        return self

    def predict_proba(self, X: ArrayLike) -> Floats:
        """The shares of the classes in each row's leaf, n x k."""
        rows = check_predict(self, X)
        return self.tree_.predict(rows)

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """The logarithms of `predict_proba`, minus infinity for a class that is not in the leaf."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most frequent class of each row's leaf, the first of equals."""
        most_likely = self.predict_proba(X).argmax(axis=1)
        chosen: NDArray[Any] = self.classes_[most_likely]
        return chosen

    def cost_complexity_pruning_path(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> dict[str, Floats]:
        """The prices `ccp_alphas` at which the tree loses branches, and its `impurities` then."""
        unpruned = DecisionTreeClassifier(**(self.get_params() | {"ccp_alpha": 0.0}))
        return path_of_prices(unpruned.fit(X, y, sample_weight).tree_)


class DecisionTreeRegressor(Regressor, DecisionTree):
    """A tree of questions that ends in numbers, the means of the leaves, as scikit-learn's.

    Parameters and what is learned are those of `DecisionTreeClassifier`; `criterion` is
    squared_error (or friedman_mse, which chooses the same questions).
    Left out besides: absolute error, Poisson deviance.
    """

    max_features_: int

    def __init__(
        self,
        *,
        criterion: str = "squared_error",
        max_depth: int | None = None,
        min_samples_split: int | float = 2,
        min_samples_leaf: int | float = 1,
        max_features: Any = None,
        random_state: Any = None,
        min_impurity_decrease: float = 0.0,
        ccp_alpha: float = 0.0,
    ) -> None:
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.random_state = random_state
        self.min_impurity_decrease = min_impurity_decrease
        self.ccp_alpha = ccp_alpha

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Grow the tree from rows X (n x f) and numbers y (n,)."""
        rows, target = check_fit_target(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        self.max_features_ = count_of_features(self.max_features, rows.shape[1])
        self.grow(rows, target, weights, 1, self.random_state)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """The mean of each row's leaf, (n,)."""
        rows = check_predict(self, X)
        return self.tree_.predict(rows)[:, 0]

    def cost_complexity_pruning_path(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> dict[str, Floats]:
        """The prices `ccp_alphas` at which the tree loses branches, and its `impurities` then."""
        unpruned = DecisionTreeRegressor(**(self.get_params() | {"ccp_alpha": 0.0}))
        return path_of_prices(unpruned.fit(X, y, sample_weight).tree_)


def path_of_prices(tree: Tree) -> dict[str, Floats]:
    """The path of a tree's pruning, in scikit-learn's form."""
    prices, impurities = pruning_path(tree)[::2]
    return {"ccp_alphas": np.array(prices), "impurities": np.array(impurities)}


def growth_rules(settings: Any, shape: tuple[int, ...], n_classes: int) -> GrowthRules:
    """The rules that an estimator's parameters mean for X of that shape (n, f).

    Raises ValueError for what is out of range.
    """
    samples, features = shape
    names = {"log_loss": "entropy", "friedman_mse": "squared_error"}
    criterion = names.get(settings.criterion, settings.criterion)
    known = CRITERIA[:2] if isinstance(settings, Classifier) else CRITERIA[2:]
    if criterion not in known:
        raise ValueError(f"criterion is {settings.criterion!r}; known are: {', '.join(known)}")
    depth = NO_LIMIT if settings.max_depth is None else settings.max_depth
    if not _is_whole(depth) or depth < 1:
        raise ValueError(f"max_depth is {depth!r}; it is None or a whole number from 1 up")
    if not settings.min_impurity_decrease >= 0:
        raise ValueError(
            f"min_impurity_decrease is {settings.min_impurity_decrease}; it is at least 0"
        )
    least_split = _count_of_samples("min_samples_split", settings.min_samples_split, samples, 2)
    return GrowthRules(
        criterion=CRITERIA.index(criterion),
        n_classes=n_classes,
        max_depth=int(min(depth, NO_LIMIT)),
        min_samples_split=least_split,
        min_samples_leaf=_count_of_samples(
            "min_samples_leaf", settings.min_samples_leaf, samples, 1
        ),
        max_features=count_of_features(settings.max_features, features),
        min_impurity_decrease=float(settings.min_impurity_decrease),
        random_thresholds=bool(getattr(settings, "random_thresholds", False)),
    )


def _count_of_samples(name: str, given: Any, samples: int, least: int) -> int:
    if _is_whole(given) and given >= least:
        return int(given)
    if isinstance(given, float | np.floating) and 0 < given <= 1:
        return max(least, int(np.ceil(given * samples)))
    raise ValueError(
        f"{name} is {given!r}; it is a whole number from {least} up, or a share of all samples "
        "above 0.0 and at most 1.0"
    )


def count_of_features(given: Any, features: int) -> int:
    """How many features are looked at for a split: a count, a share, "sqrt", "log2" or None."""
    if given is None:
        return features
    if isinstance(given, str) and given in ("sqrt", "log2"):
        root = np.sqrt(features) if given == "sqrt" else np.log2(features)
        return max(1, int(root))
    if _is_whole(given) and 1 <= given <= features:
        return int(given)
    if isinstance(given, float | np.floating) and 0 < given <= 1:
        return max(1, int(given * features))
    raise ValueError(
        f"max_features is {given!r}; it is a count from 1 to {features}, a share above 0.0 and at "
        "most 1.0, 'sqrt', 'log2' or None"
    )


def _is_whole(given: Any) -> bool:
    return isinstance(given, int | np.integer) and not isinstance(given, bool)
