"""Fit, drop the column that weighs least, and again: recursive feature elimination.

Unlike tests of single columns it judges each column together with the others, at the price of a fit
for each step. Source: Guyon, Weston, Barnhill and Vapnik, "Gene selection for cancer classification
using support vector machines" (2002).
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.composition import Forwarding, kind_of
from groundup.classical.cross_validation import check_cv, same_rows
from groundup.classical.estimator import clone
from groundup.classical.feature_selection import FeatureSelector, Mask
from groundup.classical.scoring import Scoring, scorers_of
from groundup.classical.splitting import Split
from groundup.classical.validation import check_fit, check_target

Floats = NDArray[np.float64]
Judge = Callable[[Any, NDArray[np.int64]], None]


def importances_of(estimator: Any, getter: Any = "auto") -> Floats:
    """`coef_` or `feature_importances_` of a fitted estimator, or what the getter names or gives.

    A getter is a path such as "named_steps.ridge.coef_", or a function of the estimator.
    """
    if callable(getter):
        return np.asarray(getter(estimator), np.float64)
    if getter != "auto":
        found = estimator
        for name in getter.split("."):
            found = found[name] if isinstance(found, dict) else getattr(found, name)
        return np.asarray(found, np.float64)
    for name in ("coef_", "feature_importances_"):
        if hasattr(estimator, name):
            return np.asarray(getattr(estimator, name), np.float64)
    raise ValueError(
        f"when `importance_getter=='auto'`, the underlying estimator {type(estimator).__name__} "
        "should have `coef_` or `feature_importances_` attribute. Either pass a fitted estimator "
        "to feature selector or call fit before calling transform."
    )


class RFE(FeatureSelector, Forwarding):
    """Drops the `step` least important columns at a time until `n_features_to_select` are left.

    Importance is the square of the coefficient, summed over outputs. `n_features_to_select`: a
    number, a share, or None for half. `step`: a number of columns, or a share of all of them.
    `predict` and the others ask `estimator_`, which is fitted on the columns kept.

    Learned: `support_`, `ranking_` (1 for those kept, higher the earlier a column was dropped),
    `n_features_`, `estimator_`.
    """

    def __init__(
        self,
        estimator: Any,
        *,
        n_features_to_select: float | None = None,
        step: float = 1,
        importance_getter: Any = "auto",
    ) -> None:
        self.estimator = estimator
        self.n_features_to_select = n_features_to_select
        self.step = step
        self.importance_getter = importance_getter

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Drop columns of X (samples x features) one step after another."""
        array = check_fit(self, X, min_features=2)
        target = check_target(self, y, multi_output=True)
        self.support_, self.ranking_ = self.eliminate(array, target, self._wanted(array.shape[1]))
        self.n_features_ = int(self.support_.sum())
        self.estimator_ = clone(self.estimator).fit(array[:, self.support_], target)
        return self

    def _wanted(self, n_features: int) -> int:
        asked = self.n_features_to_select
        if asked is None:
            return n_features // 2
        is_share = isinstance(asked, float | np.floating)
        if not (0 < asked <= 1 if is_share else asked >= 1):
            raise ValueError(
                f"n_features_to_select is {asked!r}; it may be None, a share in (0, 1], or a number"
            )
        return int(n_features * asked) if is_share else min(int(asked), n_features)

    def eliminate(
        self, X: Floats, y: NDArray[Any], wanted: int, judge: Judge | None = None
    ) -> tuple[Mask, NDArray[np.int64]]:
        """(mask of the columns kept, rank of each); `judge` sees each fitted estimator."""
        n_features = X.shape[1]
        if not self.step > 0:
            raise ValueError(f"step is {self.step!r}; it must be above 0")
        step = int(max(1, self.step * n_features)) if self.step < 1 else int(self.step)
        support, ranking = np.ones(n_features, bool), np.ones(n_features, np.int64)
        while True:
            kept = np.flatnonzero(support)
            if judge is None and len(kept) <= wanted:
                return support, ranking
            estimator = clone(self.estimator).fit(X[:, kept], y)
            if judge is not None:
                judge(estimator, kept)
            if len(kept) <= wanted:
                return support, ranking
            weights = importances_of(estimator, self.importance_getter) ** 2
            order = np.argsort(weights if weights.ndim == 1 else weights.sum(axis=0))
            support[kept[order[: min(step, len(kept) - wanted)]]] = False
            ranking[~support] += 1

    def support_mask(self) -> Mask:
        """The columns that are left."""
        return self.support_

    def inner(self, method: str) -> Any:
        """The estimator fitted on the columns kept; before `fit` the one that is copied."""
        return getattr(self, "estimator_", self.estimator)

    def moved(self, X: Any) -> Any:
        """The columns of X that are kept."""
        return self.transform(X)

    @property
    def kind(self) -> str | None:  # type: ignore[override]
        """What the estimator is."""
        return kind_of(self.estimator)

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """The estimator's score on the columns kept."""
        return float(self.estimator_.score(self.transform(X), y))

    def __sklearn_tags__(self) -> Any:
        tags = self.estimator.__sklearn_tags__()
        tags.transformer_tags = super().__sklearn_tags__().transformer_tags
        tags.target_tags.required = True
        for tag in (tags.classifier_tags, tags.regressor_tags):
            if tag is not None:
                tag.poor_score = True  # half the columns are dropped, whatever they tell
        return tags


class RFECV(RFE):
    """RFE with as many columns as do best under cross-validation, of equals the fewest.

    Elimination runs in every fold, so the choice of columns is judged on rows it has not seen.
    Learned besides: `cv_results_` with `n_features`, `mean_test_score`, `std_test_score` and
    `split0_test_score` ... for each number of columns, rising.
    """

    def __init__(
        self,
        estimator: Any,
        *,
        step: float = 1,
        min_features_to_select: int = 1,
        cv: Any = None,
        scoring: Any = None,
        importance_getter: Any = "auto",
    ) -> None:
        self.estimator = estimator
        self.step = step
        self.min_features_to_select = min_features_to_select
        self.cv = cv
        self.scoring = scoring
        self.importance_getter = importance_getter

    def fit(
        self, X: ArrayLike, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Self:
        """Choose how many columns of X (samples x features) to keep, and keep those of all rows."""
        array = check_fit(self, X, min_features=2)
        target = check_target(self, y, multi_output=True)
        same_rows(array, target)
        score = next(iter(scorers_of(self.estimator, self.scoring).values()))
        splitter = check_cv(self.cv, target, classifier=kind_of(self.estimator) == "classifier")
        table = [
            self._scores_by_size(array, target, split, score)
            for split in splitter.split(array, target, groups)
        ]
        sizes = sorted(table[0])
        scores = np.array([[found[size] for size in sizes] for found in table])
        self.cv_results_ = {"n_features": np.array(sizes), "mean_test_score": scores.mean(axis=0),
                            "std_test_score": scores.std(axis=0)}  # fmt: skip
        self.cv_results_ |= {f"split{i}_test_score": row for i, row in enumerate(scores)}
        best = sizes[int(np.argmax(scores.sum(axis=0)))]
        self.support_, self.ranking_ = self.eliminate(array, target, best)
        self.n_features_ = best
        self.estimator_ = clone(self.estimator).fit(array[:, self.support_], target)
        return self

    def _scores_by_size(
        self, X: Floats, y: NDArray[Any], split: Split, score: Scoring
    ) -> dict[int, float]:
        """What the columns left score on the test rows, by how many are left."""
        train, test = split
        found: dict[int, float] = {}

        def judge(estimator: Any, kept: NDArray[np.int64]) -> None:
            found[len(kept)] = score(estimator, X[np.ix_(test, kept)], y[test])

        self.eliminate(X[train], y[train], self.min_features_to_select, judge)
        return found
