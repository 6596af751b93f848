"""Splits drawn at random: one, several, stratified, by groups, and k folds again and again.

At an integer seed they are scikit-learn's very splits. Unlike folds, random test sets overlap.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.group_splitting import group_numbers
from groundup.classical.random_states import random_state_of
from groundup.classical.splitting import (
    KFold,
    Rows,
    Split,
    Splitter,
    StratifiedKFold,
    row_count,
    rows_of,
)
from groundup.swap import replaceable


def train_test_split(
    *arrays: Any,
    test_size: float | None = None,
    train_size: float | None = None,
    random_state: Any = None,
    shuffle: bool = True,
    stratify: ArrayLike | None = None,
) -> list[Any]:
    """Each array's training and test rows: [X_train, X_test, y_train, y_test, ...].

    A size is a share of the rows or a number of them; without one, a quarter tests. `stratify`: the
    classes whose shares both parts keep. Without `shuffle` the last rows test. Raises ValueError
    for arrays of different lengths, for impossible sizes, and for `stratify` without `shuffle`.
    """
    if not arrays:
        raise ValueError("At least one array required as input")
    lengths = [row_count(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {lengths}")
    n_train, n_test = sizes_of_split(lengths[0], test_size, train_size, default=0.25)
    if shuffle:
        kind = ShuffleSplit if stratify is None else StratifiedShuffleSplit
        splitter = kind(1, test_size=n_test, train_size=n_train, random_state=random_state)
        train, test = next(splitter.split(arrays[0], stratify))
    elif stratify is not None:
        raise ValueError("Stratified train/test split is not implemented for shuffle=False")
    else:
        train, test = np.arange(n_train), np.arange(n_train, n_train + n_test)
    return [rows_of(array, rows) for array in arrays for rows in (train, test)]


def sizes_of_split(
    n_rows: int, test_size: float | None, train_size: float | None, default: float = 0.1
) -> tuple[int, int]:
    """(train, test) rows from whole numbers, shares of all, or None for what the other leaves.

    A share of the test is rounded up, one of the training down. Raises ValueError for sizes that
    are no share and no number of rows, that exceed the rows together, or leave none to train.
    """
    for size, which in ((test_size, "test"), (train_size, "train")):
        if size is None:
            continue
        is_share = isinstance(size, float | np.floating)
        if not (0 < size < 1 if is_share else 0 < size < n_rows):
            raise ValueError(
                f"{which}_size={size} should be either positive and smaller than the number of "
                f"samples {n_rows} or a float in the (0, 1) range"
            )
    if test_size is None and train_size is None:
        test_size = default
    test = _rows_of(test_size, n_rows, math.ceil)
    train = _rows_of(train_size, n_rows, math.floor)
    shares = [size for size in (test_size, train_size) if isinstance(size, float | np.floating)]
    if sum(shares) > 1:
        raise ValueError(
            f"The sum of test_size and train_size = {sum(shares)}, should be in the (0, 1) range. "
            "Reduce test_size and/or train_size."
        )
    n_test = n_rows - (train or 0) if test is None else test
    n_train = n_rows - n_test if train is None else train
    if n_train + n_test > n_rows:
        raise ValueError(
            f"The sum of train_size and test_size = {n_train + n_test}, should be smaller than "
            f"the number of samples {n_rows}. Reduce test_size and/or train_size."
        )
    if n_train == 0:
        raise ValueError(
            f"With n_samples={n_rows}, test_size={test_size} and train_size={train_size}, the "
            "resulting train set will be empty. Adjust any of the aforementioned parameters."
        )
    return n_train, n_test


def _rows_of(size: float | None, n_rows: int, rounded: Any) -> int | None:
    if size is None:
        return None
    return int(rounded(size * n_rows)) if isinstance(size, float | np.floating) else int(size)


class ShuffleSplit(Splitter):
    """`n_splits` times the rows in random order, cut into test and train."""

    default_test_size = 0.1

    def __init__(
        self,
        n_splits: int = 10,
        *,
        test_size: float | None = None,
        train_size: float | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_splits = n_splits
        self.test_size = test_size
        self.train_size = train_size
        self.random_state = random_state

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[Split]:
        """(train, test) row numbers of X, in random order."""
        n = row_count(X)
        n_train, n_test = self.sizes(n)
        draws = random_state_of(self.random_state)
        for _ in range(self.n_splits):
            order = draws.permutation(n)
            yield order[n_test : n_test + n_train], order[:n_test]

    def sizes(self, n_rows: int) -> tuple[int, int]:
        """(train, test) rows of so many."""
        return sizes_of_split(n_rows, self.test_size, self.train_size, self.default_test_size)


class GroupShuffleSplit(ShuffleSplit):
    """`n_splits` times the groups in random order, cut into test and train.

    The sizes count groups, not rows; without one, a fifth of the groups tests.
    """

    default_test_size = 0.2

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[Split]:
        """(train, test) row numbers of X, no group in both."""
        names, numbers = group_numbers(groups, row_count(X))
        for train, test in super().split(names):
            yield np.flatnonzero(np.isin(numbers, train)), np.flatnonzero(np.isin(numbers, test))


class StratifiedShuffleSplit(ShuffleSplit):
    """`n_splits` random splits that both keep the shares of the classes.

    Raises ValueError for a class of one row, and for parts smaller than the number of classes.
    """

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[Split]:
        """(train, test) row numbers of X, in random order."""
        n_train, n_test = self.sizes(row_count(X))
        classes, numbers, counts = _classes_to_split(y)
        for size, name in ((n_train, "train_size"), (n_test, "test_size")):
            if size < len(classes):
                raise ValueError(
                    f"The {name} = {size} should be greater or equal to the number of classes = "
                    f"{len(classes)}"
                )
        members = np.split(np.argsort(numbers, kind="stable"), np.cumsum(counts)[:-1])
        draws = random_state_of(self.random_state)
        for _ in range(self.n_splits):
            trains = proportional_counts(counts, n_train, draws)
            tests = proportional_counts(counts - trains, n_test, draws)
            train: list[Rows] = []
            test: list[Rows] = []
            for rows, a, b in zip(members, trains, tests, strict=True):
                mixed = rows[draws.permutation(len(rows))]
                train.append(mixed[:a])
                test.append(mixed[a : a + b])
            yield draws.permutation(np.concatenate(train)), draws.permutation(np.concatenate(test))


def _classes_to_split(y: ArrayLike | None) -> tuple[NDArray[Any], Rows, Rows]:
    if y is None:
        raise ValueError("The 'y' parameter should not be None: stratified splits keep its classes")
    classes, numbers, counts = np.unique(np.asarray(y), return_inverse=True, return_counts=True)
    if counts.min() < 2:
        raise ValueError(
            "The least populated classes in y have only 1 member, which is too few. The minimum "
            "number of groups for any class cannot be less than 2. Classes with too few members "
            f"are: {classes[counts < 2].tolist()}"
        )
    return classes, numbers.reshape(-1), counts


@replaceable
def proportional_counts(counts: Rows, total: int, draws: np.random.RandomState) -> Rows:
    """`total` shared out in proportion to the counts: whole parts, then the largest remainders.

    Equal remainders are drawn for (the method of Hamilton, for the likeliest sample of that size).
    """
    exact = counts / counts.sum() * total
    parts = np.floor(exact)
    remainders = exact - parts
    left = int(total - parts.sum())
    for remainder in np.unique(remainders)[::-1]:
        if left <= 0:
            break
        tied = np.flatnonzero(remainders == remainder)
        chosen = draws.choice(tied, size=min(len(tied), left), replace=False)
        parts[chosen] += 1
        left -= len(chosen)
    shared: Rows = parts.astype(np.int64)
    return shared


class RepeatedKFold(Splitter):
    """Shuffled k folds, `n_repeats` times over: the spread of a score over ways to cut the data."""

    folds: type[KFold] = KFold

    def __init__(self, *, n_splits: int = 5, n_repeats: int = 10, random_state: Any = None) -> None:
        if n_repeats < 1:
            raise ValueError(f"Number of repetitions must be greater than 0, got {n_repeats}.")
        self.n_splits = n_splits
        self.n_repeats = n_repeats
        self.random_state = random_state

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[Split]:
        """(train, test) row numbers of X, all folds of one cut after another."""
        draws = random_state_of(self.random_state)
        for _ in range(self.n_repeats):
            yield from self.folds(self.n_splits, shuffle=True, random_state=draws).split(X, y)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """`n_splits` times `n_repeats`."""
        return self.n_splits * self.n_repeats


class RepeatedStratifiedKFold(RepeatedKFold):
    """Shuffled stratified k folds, `n_repeats` times over."""

    folds = StratifiedKFold
