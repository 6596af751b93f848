"""Which parameters do best under cross-validation: all points of a grid, or some drawn at random.

The best score found is the maximum of noisy numbers, so it is too good: judge the search itself by
`cross_val_score(search, X, y)`, which is nested cross-validation. Left out: parallel jobs,
successive halving, `fit` parameters.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.composition import Forwarded, Forwarding, kind_of
from groundup.classical.cross_validation import (
    Fold,
    check_cv,
    fit_and_score,
    fit_rows,
    same_rows,
    warn_of_failures,
)
from groundup.classical.estimator import clone, require_fitted
from groundup.classical.feature_names import Names
from groundup.classical.parameter_grid import ParameterGrid, Parameters, ParameterSampler
from groundup.classical.scoring import scorers_of

Floats = NDArray[np.float64]
Report = Callable[[int, int, Parameters, Fold], None]


class CandidateSearch(Forwarding):
    """What searches share: each candidate is judged on the same folds, the best is fitted on all.

    A member says which `candidates` there are. After `fit` it answers like `best_estimator_`.

    Learned: `cv_results_`, a table as a dictionary of columns: `params`, `param_NAME`,
    `mean_test_score`, `std_test_score`, `rank_test_score`, `split0_test_score` ..., times, and with
    several scores `_NAME` in place of `_score`; `best_index_`, `best_params_`, `best_score_`,
    `best_estimator_`, `refit_time_`, `scorer_`, `n_splits_`, `multimetric_`; and `errors_`: for
    each candidate what each of its fits failed with, or None.
    """

    transform = Forwarded()
    inverse_transform = Forwarded()
    estimator: Any
    scoring: Any
    refit: Any
    cv: Any
    error_score: Any
    return_train_score: bool = False

    def candidates(self) -> Iterable[Parameters]:
        """The parameters to try."""
        raise AssertionError(f"{type(self).__name__} does not say what it tries")

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        groups: ArrayLike | None = None,
        report: Report | None = None,
    ) -> Self:
        """Judge all candidates, then fit the best one on all rows.

        `report` is called after each fit with (fits done, fits in all, candidate, what came of it).
        Raises ValueError where no candidate could be fitted at all.
        """
        X, y, groups = same_rows(X, y, groups)
        scores = scorers_of(self.estimator, self.scoring)
        self._check_refit(list(scores))
        splitter = check_cv(self.cv, y, classifier=kind_of(self.estimator) == "classifier")
        splits = list(splitter.split(X, y, groups))
        candidates = list(self.candidates())
        total = len(splits) * len(candidates)
        if not total:
            raise ValueError("No fits were performed: there are no candidates, or no splits")
        folds: list[Fold] = []
        for candidate in candidates:
            for split in splits:
                estimator = clone(self.estimator).set_params(**clone(dict(candidate)))
                fold = fit_and_score(
                    estimator,
                    X,
                    y,
                    split,
                    scores,
                    on_train=self.return_train_score,
                    error_score=self.error_score,
                )
                fold.estimator = None  # a search keeps the best one alone
                folds.append(fold)
                if report is not None:
                    report(len(folds), total, candidate, fold)
        warn_of_failures(folds, self.error_score)
        self.n_splits_ = len(splits)
        self.multimetric_ = not (len(scores) == 1 and "score" in scores)
        self.scorer_: Any = scores if self.multimetric_ else scores["score"]
        self.cv_results_ = results_table(candidates, folds, list(scores))
        each = [folds[i : i + len(splits)] for i in range(0, total, len(splits))]
        self.errors_ = [[fold.error for fold in some] for some in each]
        return self._choose(X, y)

    def _check_refit(self, names: list[str]) -> None:
        is_one = names == ["score"]
        if not is_one and self.refit not in (False, *names) and not callable(self.refit):
            raise ValueError(
                "For multi-metric scoring, the parameter refit must be set to a scorer key or a "
                "callable to refit an estimator with the best parameter setting on the whole data; "
                f"the keys are {names}. If this is not needed, refit should be set to False "
                f"explicitly. {self.refit!r} was passed."
            )

    def _choose(self, X: Any, y: Any) -> Self:
        if self.refit is False and self.multimetric_:
            return self
        name = self.refit if self.multimetric_ else "score"
        if callable(self.refit):
            self.best_index_ = int(self.refit(self.cv_results_))
            if not 0 <= self.best_index_ < len(self.cv_results_["params"]):
                raise IndexError("best_index_ index out of range")
        else:
            self.best_index_ = int(self.cv_results_[f"rank_test_{name}"].argmin())
            self.best_score_: float = self.cv_results_[f"mean_test_{name}"][self.best_index_]
        self.best_params_: Parameters = self.cv_results_["params"][self.best_index_]
        if self.refit is False:
            return self
        best = clone(self.estimator).set_params(**clone(dict(self.best_params_)))
        start = time.perf_counter()
        self.best_estimator_ = fit_rows(best, X, y)
        self.refit_time_ = time.perf_counter() - start
        return self

    def inner(self, method: str) -> Any:
        """The best estimator, and before `fit` the one that will be copied."""
        return getattr(self, "best_estimator_", self.estimator)

    def moved(self, X: Any) -> Any:
        """X, once there is a best estimator. Raises AttributeError if it was not wanted."""
        if hasattr(self, "cv_results_") and not hasattr(self, "best_estimator_"):
            raise AttributeError(
                f"This {type(self).__name__} instance was initialized with `refit=False`: it has "
                "parameters, and no estimator that could answer"
            )
        require_fitted(self, "best_estimator_")
        return X

    def score(self, X: Any, y: Any = None) -> float:
        """The score that the search maximised, of the best estimator on these rows."""
        self.moved(X)
        if not self.multimetric_:
            return float(self.scorer_(self.best_estimator_, X, y))
        name = next(iter(self.scorer_)) if callable(self.refit) else self.refit
        return float(self.scorer_[name](self.best_estimator_, X, y))

    @property
    def n_features_in_(self) -> int:
        """The features that the best estimator saw."""
        count: int = self.best_estimator_.n_features_in_
        return count

    @property
    def feature_names_in_(self) -> Names:
        """The column names that the best estimator saw."""
        names: Names = self.best_estimator_.feature_names_in_
        return names

    @property
    def kind(self) -> str | None:  # type: ignore[override]
        """What the estimator is."""
        return kind_of(self.estimator)

    def __sklearn_tags__(self) -> Any:
        return self.estimator.__sklearn_tags__()


def results_table(
    candidates: list[Parameters], folds: list[Fold], names: list[str]
) -> dict[str, Any]:
    """The columns of `cv_results_` from the folds, candidate after candidate."""

    def by_split(values: list[float]) -> Floats:
        return np.array(values, np.float64).reshape(len(candidates), -1)

    table: dict[str, Any] = {}
    for key in ("fit_time", "score_time"):
        times = by_split([getattr(fold, key) for fold in folds])
        table[f"mean_{key}"], table[f"std_{key}"] = times.mean(axis=1), times.std(axis=1)
    for name in sorted({name for candidate in candidates for name in candidate}):
        values = np.ma.MaskedArray(np.empty(len(candidates), dtype=object), mask=True)
        for i, candidate in enumerate(candidates):
            if name in candidate:
                values[i] = candidate[name]
        table[f"param_{name}"] = values
    table["params"] = candidates
    for part in ("test", "train"):
        if part == "train" and not folds[0].train:
            continue
        for name in names:
            scores = by_split([getattr(fold, part)[name] for fold in folds])
            for i, column in enumerate(scores.T):
                table[f"split{i}_{part}_{name}"] = column
            table[f"mean_{part}_{name}"] = scores.mean(axis=1)
            table[f"std_{part}_{name}"] = scores.std(axis=1)
            if part == "test":
                table[f"rank_test_{name}"] = ranks(scores.mean(axis=1))
    return table


def ranks(scores: Floats) -> NDArray[np.int32]:
    """1 for the greatest score; equal scores share the best rank, and NaN is last."""
    known = np.where(np.isnan(scores), -np.inf, scores)
    better = known[None, :] > known[:, None]
    place: NDArray[np.int32] = (better.sum(axis=1) + 1).astype(np.int32)
    return place


class GridSearchCV(CandidateSearch):
    """Every point of a grid: `param_grid` is {name: list of values}, or a list of such grids.

    `scoring`, `cv`: see `cross_validate`. `refit`: False, or the name of a score where there are
    several, or a function of `cv_results_` that gives the best index. `error_score`: the score of a
    fit that fails, or "raise".
    """

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        scoring: Any = None,
        refit: Any = True,
        cv: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
    ) -> None:
        self.estimator = estimator
        self.param_grid = param_grid
        self.scoring = scoring
        self.refit = refit
        self.cv = cv
        self.error_score = error_score
        self.return_train_score = return_train_score

    def candidates(self) -> Iterable[Parameters]:
        """The points of the grid."""
        return ParameterGrid(self.param_grid)


class RandomizedSearchCV(CandidateSearch):
    """`n_iter` candidates drawn from lists and distributions, see `ParameterSampler`.

    The others as `GridSearchCV`. Left out: `return_train_score`.
    """

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int = 10,
        scoring: Any = None,
        refit: Any = True,
        cv: Any = None,
        random_state: Any = None,
        error_score: Any = np.nan,
    ) -> None:
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.scoring = scoring
        self.refit = refit
        self.cv = cv
        self.random_state = random_state
        self.error_score = error_score

    def candidates(self) -> Iterable[Parameters]:
        """The candidates drawn."""
        return ParameterSampler(
            self.param_distributions, self.n_iter, random_state=self.random_state
        )
