"""How scores change with more rows, and with one parameter: is it too little data, or too stiff?

Where the training and the test score meet and both are poor, the model is too stiff (bias): more
rows will not help. Where they stay apart, it is too flexible for so few rows (variance): more rows
or more regularisation will.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.composition import kind_of
from groundup.classical.cross_validation import (
    Fold,
    check_cv,
    fit_and_score,
    same_rows,
    warn_of_failures,
)
from groundup.classical.estimator import clone
from groundup.classical.random_states import random_state_of
from groundup.classical.scoring import scorers_of

Floats = NDArray[np.float64]
Sizes = NDArray[np.int64]
TENTHS = (0.1, 0.325, 0.55, 0.775, 1.0)


def learning_curve(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    train_sizes: ArrayLike = TENTHS,
    cv: Any = None,
    scoring: Any = None,
    shuffle: bool = False,
    random_state: Any = None,
) -> tuple[Sizes, Floats, Floats]:
    """(rows trained on, training scores, test scores), scores as sizes x folds.

    `train_sizes`: shares of the largest training set in (0, 1], or numbers of rows. The smaller
    sets are the first rows of the larger ones; `shuffle` mixes them first, which a sorted table
    needs. Sizes that come out equal are taken once. Raises ValueError for sizes beyond the rows.
    """
    X, y = same_rows(X, y)
    scores = scorers_of(estimator, scoring)
    splitter = check_cv(cv, y, classifier=kind_of(estimator) == "classifier")
    splits = list(splitter.split(X, y))
    sizes = rows_to_train(train_sizes, len(splits[0][0]))
    if shuffle:
        draws = random_state_of(random_state)
        splits = [(draws.permutation(train), test) for train, test in splits]
    folds = [
        fit_and_score(clone(estimator), X, y, (train[:size], test), scores, on_train=True)
        for train, test in splits
        for size in sizes
    ]
    return sizes, *_tables(folds, len(sizes))


def rows_to_train(train_sizes: ArrayLike, most: int) -> Sizes:
    """Numbers of rows, rising and different, from shares or numbers of at most `most`."""
    asked = np.asarray(train_sizes)
    if asked.ndim != 1 or asked.size == 0:
        raise ValueError(f"train_sizes should be a list of numbers, got {train_sizes!r}")
    if asked.dtype.kind == "f":
        if asked.min() <= 0 or asked.max() > 1:
            raise ValueError(
                "train_sizes has been interpreted as fractions of the maximum number of training "
                f"samples and must be within (0, 1], but is within [{asked.min()}, {asked.max()}]."
            )
        asked = np.clip((asked * most).astype(np.int64), 1, most)
    elif asked.min() <= 0 or asked.max() > most:
        raise ValueError(
            "train_sizes has been interpreted as absolute numbers of training samples and must be "
            f"within (0, {most}], but is within [{asked.min()}, {asked.max()}]."
        )
    return np.unique(asked).astype(np.int64)


def validation_curve(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    param_name: str,
    param_range: Any,
    cv: Any = None,
    scoring: Any = None,
) -> tuple[Floats, Floats]:
    """(training scores, test scores) for each value of one parameter, as values x folds."""
    X, y = same_rows(X, y)
    scores = scorers_of(estimator, scoring)
    splitter = check_cv(cv, y, classifier=kind_of(estimator) == "classifier")
    values = list(param_range)
    folds = [
        fit_and_score(
            clone(estimator).set_params(**{param_name: clone(value)}),
            X,
            y,
            split,
            scores,
            on_train=True,
        )
        for split in list(splitter.split(X, y))
        for value in values
    ]
    return _tables(folds, len(values))


def _tables(folds: list[Fold], points: int) -> tuple[Floats, Floats]:
    """Scores as points x splits, from folds split after split."""
    warn_of_failures(folds, np.nan)
    train, test = (
        np.array([next(iter(part.values())) for part in parts]).reshape(-1, points).T
        for parts in ([fold.train for fold in folds], [fold.test for fold in folds])
    )
    return train, test
