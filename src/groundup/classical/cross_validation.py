r"""How well an estimator does on rows that it has not seen, from the rows there are.

k times over, a fresh copy is fitted on k - 1 parts and judged on the one left out. The mean of the
k scores estimates the score of a model that is fitted on $n (k - 1) / k$ rows; their spread says
less than it seems, because training sets overlap (Bengio and Grandvalet, "No unbiased estimator of
the variance of k-fold cross-validation", 2004). Everything that is learned must be learned inside:
put scaling and selection into a pipeline.

A score used for choosing is too good afterwards. Nested cross-validation is `cross_val_score` of a
search: the inner folds choose, the outer ones judge (Cawley and Talbot, 2010).

Left out: parallel jobs, `fit` parameters, verbosity.
"""

import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.composition import kind_of
from groundup.classical.estimator import clone
from groundup.classical.scikit_learn import as_caught_there
from groundup.classical.scoring import Scoring, scorers_of
from groundup.classical.splitting import KFold, Split, StratifiedKFold, as_table, row_count, rows_of

Floats = NDArray[np.float64]
FAILURES = (
    ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RuntimeError, MemoryError,
)  # fmt: skip
"""What a fit may fail with and be scored `error_score` for."""


class FitFailedWarning(RuntimeWarning):
    """Some fits failed; their scores are `error_score`."""


@dataclass(kw_only=True)
class Fold:
    """What came of one fit and its test."""

    test: dict[str, float]
    """Scores on the rows left out."""
    train: dict[str, float] = field(default_factory=dict)
    """Scores on the rows fitted on, if asked for."""
    fit_time: float = 0.0
    """Seconds."""
    score_time: float = 0.0
    """Seconds."""
    estimator: Any = None
    """The fitted copy; None if it failed."""
    error: str | None = None
    """What it failed with."""


class _ListedSplits:
    def __init__(self, splits: Iterable[Split]) -> None:
        self.splits = list(splits)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        return iter(self.splits)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        return len(self.splits)


def check_cv(cv: Any = 5, y: ArrayLike | None = None, *, classifier: bool = False) -> Any:
    """A splitter from a number of folds (None: 5), a list of (train, test), or a splitter.

    A number means stratified folds for a classifier with classes in one column, else plain ones.
    """
    cv = 5 if cv is None else cv
    if isinstance(cv, int | np.integer):
        target = None if y is None else np.asarray(y)
        is_stratified = (
            classifier
            and target is not None
            and (target.ndim == 1 or target.shape[1] == 1)
            and not (target.dtype.kind == "f" and (target != np.floor(target)).any())
        )
        return StratifiedKFold(int(cv)) if is_stratified else KFold(int(cv))
    if hasattr(cv, "split") and not isinstance(cv, str):
        return cv
    if isinstance(cv, str) or not isinstance(cv, Iterable):
        raise ValueError(
            "Expected `cv` as an integer, a cross-validation object (with a split method), or an "
            f"iterable. Got {cv!r}."
        )
    return _ListedSplits(cv)


def fit_and_score(
    estimator: Any,
    X: Any,
    y: Any,
    split: Split,
    scores: dict[str, Scoring],
    *,
    on_train: bool = False,
    error_score: Any = np.nan,
) -> Fold:
    """Fit this very estimator on the training rows and judge it on the test rows.

    A failure is kept and scored `error_score`, unless that is "raise".
    """
    train, test = split
    start = time.perf_counter()
    try:
        fit_rows(estimator, rows_of(X, train), None if y is None else rows_of(y, train))
    except FAILURES as problem:
        if isinstance(error_score, str):
            raise
        took = time.perf_counter() - start
        failed = dict.fromkeys(scores, float(error_score))
        error = f"{type(problem).__name__}: {problem}"
        return Fold(test=failed, train=failed if on_train else {}, fit_time=took, error=error)
    fitted = time.perf_counter()
    judged = _scores(estimator, X, y, test, scores, error_score)
    scored = time.perf_counter()
    return Fold(
        test=judged,
        train=_scores(estimator, X, y, train, scores, error_score) if on_train else {},
        fit_time=fitted - start,
        score_time=scored - fitted,
        estimator=estimator,
    )


def fit_rows(estimator: Any, X: Any, y: Any) -> Any:
    """`fit` with y where there is one, or where the estimator should say that it needs one."""
    is_supervised = kind_of(estimator) in ("classifier", "regressor")
    return estimator.fit(X, y) if y is not None or is_supervised else estimator.fit(X)


def _scores(
    estimator: Any, X: Any, y: Any, rows: Any, scores: dict[str, Scoring], error_score: Any
) -> dict[str, float]:
    some, target = rows_of(X, rows), None if y is None else rows_of(y, rows)
    result = {}
    for name, score in scores.items():
        try:
            result[name] = float(score(estimator, some, target))
        except FAILURES as problem:
            if isinstance(error_score, str):
                raise
            warnings.warn(
                f"Scoring failed. The score on this train-test partition for these parameters will "
                f"be set to {error_score}. Details: {type(problem).__name__}: {problem}",
                stacklevel=3,
            )
            result[name] = float(error_score)
    return result


def warn_of_failures(folds: list[Fold], error_score: Any) -> None:
    """A FitFailedWarning with the first error; ValueError if every fit failed."""
    errors = [fold.error for fold in folds if fold.error is not None]
    if not errors:
        return
    if len(errors) == len(folds):
        raise ValueError(
            f"All the {len(folds)} fits failed. It is very likely that your model is "
            f"misconfigured. You can try to debug the error by setting error_score='raise'. The "
            f"first: {errors[0]}"
        )
    warnings.warn(
        f"{len(errors)} fits failed out of a total of {len(folds)}. Their scores are set to "
        f"{error_score}. The first: {errors[0]}",
        as_caught_there(FitFailedWarning),
        stacklevel=3,
    )


def cross_validate(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: ArrayLike | None = None,
    scoring: Any = None,
    cv: Any = None,
    return_train_score: bool = False,
    return_estimator: bool = False,
) -> dict[str, Any]:
    """Scores and times of each fold: `test_score` (or `test_NAME`), `fit_time`, `score_time` ...

    `scoring`: see `scorers_of` in `groundup.classical.scoring`. `cv`: see `check_cv`. The estimator
    itself stays as it is; copies are fitted. A fold whose fit fails has the score NaN, with a
    warning; if all fail, ValueError.
    """
    X, y, groups = same_rows(X, y, groups)
    scores = scorers_of(estimator, scoring)
    splitter = check_cv(cv, y, classifier=kind_of(estimator) == "classifier")
    folds = [
        fit_and_score(clone(estimator), X, y, split, scores, on_train=return_train_score)
        for split in splitter.split(X, y, groups)
    ]
    warn_of_failures(folds, np.nan)
    result: dict[str, Any] = {
        "fit_time": np.array([fold.fit_time for fold in folds]),
        "score_time": np.array([fold.score_time for fold in folds]),
    }
    if return_estimator:
        result["estimator"] = [fold.estimator for fold in folds]
    for name in scores:
        result[f"test_{name}"] = np.array([fold.test[name] for fold in folds])
        if return_train_score:
            result[f"train_{name}"] = np.array([fold.train[name] for fold in folds])
    return result


def same_rows(*tables: Any) -> list[Any]:
    """The tables, of which rows can be taken; ValueError unless all have equally many."""
    found = [as_table(table) for table in tables]
    counts = [row_count(table) for table in found if table is not None]
    if len(set(counts)) > 1:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {counts}")
    return found


def cross_val_score(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: ArrayLike | None = None,
    scoring: Any = None,
    cv: Any = None,
) -> Floats:
    """One score for each fold, see `cross_validate`."""
    if isinstance(scoring, list | tuple | set | dict):
        raise ValueError("cross_val_score takes one score; use cross_validate for several")
    found = cross_validate(estimator, X, y, groups=groups, scoring=scoring, cv=cv)
    scores: Floats = found["test_score"]
    return scores


def cross_val_predict(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: ArrayLike | None = None,
    cv: Any = None,
    method: str = "predict",
) -> NDArray[Any]:
    """For each row the answer of the copy that was not fitted on it.

    For looking at errors and for stacking; a score of these answers together is not the mean of
    the folds' scores. Answers by class have a column for each class of y; where a fold's training
    rows lack a class it has probability 0 there, log-probability or decision the least there is.
    Raises ValueError unless each row tests exactly once.
    """
    X, y, groups = same_rows(X, y, groups)
    splitter = check_cv(cv, y, classifier=kind_of(estimator) == "classifier")
    splits = list(splitter.split(X, y, groups))
    tested = np.concatenate([test for _, test in splits])
    if not np.array_equal(np.sort(tested), np.arange(row_count(X))):
        raise ValueError("cross_val_predict only works for partitions: each row tests once")
    by_class = method != "predict" and y is not None and kind_of(estimator) == "classifier"
    classes = np.unique(np.asarray(y)) if by_class else None
    answers = [_answers(clone(estimator), X, y, split, method, classes) for split in splits]
    joined = np.concatenate(answers)
    result = np.empty_like(joined)
    result[tested] = joined
    return result


def _answers(
    estimator: Any, X: Any, y: Any, split: Split, method: str, classes: NDArray[Any] | None
) -> NDArray[Any]:
    train, test = split
    fit_rows(estimator, rows_of(X, train), None if y is None else rows_of(y, train))
    answer = np.asarray(getattr(estimator, method)(rows_of(X, test)))
    if classes is None or len(estimator.classes_) == len(classes):
        return answer
    known = np.searchsorted(classes, estimator.classes_)
    if answer.ndim == 1 or answer.shape[1] != len(known):
        raise ValueError(
            f"a fold's training rows have {len(known)} of the {len(classes)} classes, so that its "
            f"{method} has another shape; use StratifiedKFold or fewer folds"
        )
    least = 0.0 if method == "predict_proba" else np.finfo(np.float64).min
    wide = np.full((len(answer), len(classes)), least)
    wide[:, known] = answer
    return wide
