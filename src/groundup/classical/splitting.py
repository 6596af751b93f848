r"""Which rows train and which test: the splits of cross-validation.

A model is judged on rows it has not seen. Each splitter yields pairs (train, test) of row numbers;
at an integer seed they are scikit-learn's very splits, so that scores can be compared.

- rows that are alike and independent: `KFold`, or `StratifiedKFold` to keep the classes' shares;
- rows of one person, document or machine: `GroupKFold` of `group_splitting`, else the test leaks
  into the training;
- rows in time: `TimeSeriesSplit`, which never trains on the future.

Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning" (2009), section
7.10. Left out: predefined splits, leaving p out.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.random_states import random_state_of
from groundup.swap import replaceable

Rows = NDArray[np.int64]
Split = tuple[Rows, Rows]


def row_count(X: Any) -> int:
    """The number of rows of an array, a list or a data frame."""
    shape = getattr(X, "shape", None)
    is_scalar = shape is not None and len(shape) == 0
    if is_scalar or not hasattr(X, "__len__"):
        raise ValueError(f"X should have rows, got {X!r}")
    return int(shape[0]) if shape is not None else len(X)


def as_table(X: Any) -> Any:
    """X if its rows can be counted and taken, else as an array; TypeError for a sparse matrix."""
    if hasattr(X, "toarray"):
        raise TypeError(
            "Sparse data was passed, but dense data is required. Use '.toarray()' to convert to a "
            "dense numpy array."
        )
    is_table = hasattr(X, "iloc") or isinstance(X, np.ndarray | list | tuple)
    return X if X is None or is_table else np.asarray(X)


def rows_of(X: Any, rows: NDArray[Any]) -> Any:
    """Those rows of an array, a data frame or a list, as the same kind of thing."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X[rows] if hasattr(X, "shape") else [X[int(row)] for row in rows]


class Splitter:
    """Splits by test folds: a member says which rows test each time, the others train."""

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[Split]:
        """(train, test) row numbers of X, once for each fold, both ascending."""
        every = np.arange(row_count(X))
        for test in self.test_rows(X, y, groups):
            is_test = np.zeros(len(every), bool)
            is_test[test] = True
            yield every[~is_test], every[is_test]

    def test_rows(self, X: Any, y: Any, groups: Any) -> Iterator[Rows]:
        """The rows that test in each fold."""
        raise AssertionError(f"{type(self).__name__} does not say which rows test")

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many folds `split` yields."""
        return self.n_splits

    n_splits: int

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({settings})"


@replaceable
def fold_sizes(n_rows: int, n_folds: int) -> Rows:
    """As equal as can be: the first n mod k folds have one row more than the others."""
    sizes = np.full(n_folds, n_rows // n_folds)
    sizes[: n_rows % n_folds] += 1
    return sizes


class KFold(Splitter):
    """k folds of neighbouring rows, or of shuffled ones; each row tests once.

    Raises ValueError for fewer than 2 folds, for more folds than rows, and for a `random_state`
    without `shuffle`, which would do nothing.
    """

    def __init__(
        self, n_splits: int = 5, *, shuffle: bool = False, random_state: Any = None
    ) -> None:
        if isinstance(n_splits, bool) or not isinstance(n_splits, int | np.integer):
            raise ValueError(f"The number of folds must be a whole number, got {n_splits!r}")
        if n_splits < 2:
            raise ValueError(
                f"k-fold cross-validation requires at least one train/test split by setting "
                f"n_splits=2 or more, got n_splits={n_splits}."
            )
        if not isinstance(shuffle, bool | np.bool_):
            raise ValueError(f"shuffle must be True or False; got {shuffle!r}")
        if not shuffle and random_state is not None:
            raise ValueError(
                "Setting a random_state has no effect since shuffle is False. You should leave "
                "random_state to its default (None), or set shuffle=True."
            )
        self.n_splits = int(n_splits)
        self.shuffle = shuffle
        self.random_state = random_state

    def test_rows(self, X: Any, y: Any, groups: Any) -> Iterator[Rows]:
        """One fold of rows after another."""
        n = row_count(X)
        refuse_more_folds_than(self.n_splits, n)
        order = np.arange(n)
        if self.shuffle:
            random_state_of(self.random_state).shuffle(order)
        yield from np.split(order, np.cumsum(fold_sizes(n, self.n_splits))[:-1])


def refuse_more_folds_than(n_splits: int, n_rows: int) -> None:
    """ValueError if there are fewer rows than folds."""
    if n_splits > n_rows:
        raise ValueError(
            f"Cannot have number of splits n_splits={n_splits} greater than the number of "
            f"samples: n_samples={n_rows}."
        )


class StratifiedKFold(KFold):
    """k folds with the shares of the classes that all rows have, up to one row a class.

    Raises ValueError where every class has fewer rows than there are folds.
    """

    def test_rows(self, X: Any, y: Any, groups: Any) -> Iterator[Rows]:
        """The rows of fold 0, of fold 1, ..."""
        numbers = class_numbers(y)
        refuse_more_folds_than(self.n_splits, row_count(X))
        fold = self._fold_of_each(numbers)
        for i in range(self.n_splits):
            yield np.flatnonzero(fold == i)

    def refuse_rare_classes(self, counts: Rows) -> None:
        """ValueError if every class has fewer rows than folds, a warning if one has."""
        if (counts < self.n_splits).all():
            raise ValueError(
                f"n_splits={self.n_splits} cannot be greater than the number of members in each "
                "class."
            )
        if counts.min() < self.n_splits:
            warnings.warn(
                f"The least populated class in y has only {counts.min()} members, which is less "
                f"than n_splits={self.n_splits}.",
                stacklevel=2,
            )

    def _fold_of_each(self, numbers: Rows) -> Rows:
        counts = np.bincount(numbers)
        self.refuse_rare_classes(counts)
        # dealing the sorted classes round the folds gives each fold its share of each class
        dealt = np.sort(numbers)
        shares = [
            np.bincount(dealt[i :: self.n_splits], minlength=len(counts)) for i in self._folds
        ]
        draws = random_state_of(self.random_state) if self.shuffle else None
        fold = np.empty(len(numbers), np.int64)
        for k in range(len(counts)):
            folds = np.repeat(self._folds, [share[k] for share in shares])
            if draws is not None:
                draws.shuffle(folds)
            fold[numbers == k] = folds
        return fold

    @property
    def _folds(self) -> range:
        return range(self.n_splits)


def class_numbers(y: ArrayLike | None) -> Rows:
    """0, 1, ... for the classes in the order in which they first appear.

    Raises ValueError without y, for a y of several columns, and for one of fractions.
    """
    if y is None:
        raise ValueError("The 'y' parameter should not be None: stratified splits keep its classes")
    target = np.asarray(y)
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    is_continuous = target.dtype.kind == "f" and bool((target != np.floor(target)).any())
    if target.ndim != 1 or is_continuous:
        raise ValueError(
            "Supported target types are: ('binary', 'multiclass'). Got "
            f"{'continuous' if is_continuous else f'an array of shape {target.shape}'} instead."
        )
    _, first, numbers = np.unique(target, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return rank[numbers.reshape(-1)]


class LeaveOneOut(Splitter):
    """Every row tests once, alone: the least biased estimate, at the price of n fits."""

    def test_rows(self, X: Any, y: Any, groups: Any) -> Iterator[Rows]:
        """One row after another."""
        n = row_count(X)
        if n < 2:
            raise ValueError(f"Cannot perform LeaveOneOut with n_samples={n}; it needs 2 or more.")
        yield from np.arange(n)[:, None]

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """As many as X has rows."""
        return row_count(X)


class TimeSeriesSplit(Splitter):
    """Train on the past, test on what comes next; the past grows from fold to fold.

    Of n rows, fold i of k tests the `test_size` rows (n // (k + 1)) that end n - (k - i) test_size
    rows from the start. `gap`: rows left out before each test; `max_train_size`: of the past, at
    most the last so many. Raises ValueError where the rows are too few.
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        max_train_size: int | None = None,
        test_size: int | None = None,
        gap: int = 0,
    ) -> None:
        KFold(n_splits)  # the same is refused
        for name, value in (("max_train_size", max_train_size), ("test_size", test_size)):
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be 1 or more rows, or None")
        if gap < 0:
            raise ValueError(f"gap is {gap}; it must be 0 or more rows")
        self.n_splits = n_splits
        self.max_train_size = max_train_size
        self.test_size = test_size
        self.gap = gap

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[Split]:
        """(train, test) row numbers of X, in the order of time."""
        n, k = row_count(X), self.n_splits
        if k + 1 > n:
            raise ValueError(
                f"Cannot have number of folds={k + 1} greater than the number of samples={n}."
            )
        size = n // (k + 1) if self.test_size is None else self.test_size
        if n - self.gap - size * k <= 0:
            raise ValueError(
                f"Too many splits={k} for number of samples={n} with test_size={size} and "
                f"gap={self.gap}."
            )
        every = np.arange(n)
        for start in range(n - k * size, n - size + 1, size):
            end = start - self.gap
            first = 0 if self.max_train_size is None else max(0, end - self.max_train_size)
            yield every[first:end], every[start : start + size]
