"""Splits that keep groups whole: rows of one person, document or machine never train and test.

Rows of a group resemble each other. Cut apart, they let a model recognise the group in place of the
thing, and the score is too good: it leaks. At an integer seed the folds are scikit-learn's.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.random_states import random_state_of
from groundup.classical.splitting import (
    KFold,
    Rows,
    Splitter,
    StratifiedKFold,
    class_numbers,
    row_count,
)
from groundup.swap import replaceable


class GroupKFold(KFold):
    """k folds of whole groups: a group never trains and tests at once.

    Without `shuffle` the largest group goes first, each to the fold that has the fewest rows; with
    it the groups are shuffled and cut into k. Raises ValueError for fewer groups than folds.
    """

    def test_rows(self, X: Any, y: Any, groups: Any) -> Iterator[Rows]:
        """The rows of the groups of fold 0, of fold 1, ..."""
        names, numbers = group_numbers(groups, row_count(X))
        if self.n_splits > len(names):
            raise ValueError(
                f"Cannot have number of splits n_splits={self.n_splits} greater than the number "
                f"of groups: {len(names)}."
            )
        if self.shuffle:
            order = random_state_of(self.random_state).permutation(len(names))
            for some in np.array_split(order, self.n_splits):
                yield np.flatnonzero(np.isin(numbers, some))
            return
        fold = balanced_folds(np.bincount(numbers), self.n_splits)
        for i in range(self.n_splits):
            yield np.flatnonzero(fold[numbers] == i)


@replaceable
def balanced_folds(sizes: Rows, n_folds: int) -> Rows:
    """The fold of each group: the largest group first, each to the fold with the fewest rows.

    The greedy rule of Graham, "Bounds on multiprocessing timing anomalies" (1969): the fullest fold
    is within a third of the best possible.
    """
    filled = np.zeros(n_folds, np.int64)
    fold = np.zeros(len(sizes), np.int64)
    for group in np.argsort(sizes, kind="stable")[::-1]:
        fold[group] = np.argmin(filled)
        filled[fold[group]] += sizes[group]
    return fold


def group_numbers(groups: ArrayLike | None, n_rows: int) -> tuple[NDArray[Any], Rows]:
    """The different groups, and the number of each row's; ValueError without groups."""
    if groups is None:
        raise ValueError("The 'groups' parameter should not be None.")
    names, numbers = np.unique(np.asarray(groups), return_inverse=True)
    if numbers.size != n_rows:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: [{n_rows}, "
            f"{numbers.size}]"
        )
    return names, numbers.reshape(-1)


class StratifiedGroupKFold(StratifiedKFold):
    """k folds of whole groups, with the shares of the classes as equal as the groups allow.

    Groups of the most uneven class counts are placed first, each in the fold that leaves the folds'
    shares of the classes most alike. With `shuffle`, groups that are as uneven go in random order.
    """

    def test_rows(self, X: Any, y: Any, groups: Any) -> Iterator[Rows]:
        """The rows of the groups of fold 0, of fold 1, ..."""
        class_numbers(y)  # refuses what are no classes
        classes = np.unique(np.asarray(y), return_inverse=True)[1].reshape(-1)
        names, numbers = group_numbers(groups, row_count(X))
        if self.n_splits > len(names):
            raise ValueError(
                f"Cannot have number of splits n_splits={self.n_splits} greater than the number "
                f"of groups: {len(names)}."
            )
        self.refuse_rare_classes(np.bincount(classes))
        counts = np.zeros((len(names), int(classes.max()) + 1))
        np.add.at(counts, (numbers, classes), 1)
        order = np.arange(len(names))
        if self.shuffle:
            random_state_of(self.random_state).shuffle(order)
        order = order[np.argsort(-counts[order].std(axis=1), kind="stable")]
        fold = evenly_placed(counts, order, self.n_splits)
        for i in range(self.n_splits):
            yield np.flatnonzero(fold[numbers] == i)


@replaceable
def evenly_placed(counts: NDArray[np.float64], order: Rows, n_folds: int) -> Rows:
    """The fold of each group (counts: groups x classes), placed in that order.

    A group goes where the deviation between folds of each class's share, averaged over the classes,
    is then least; of folds that are as good, where the fewest rows are.
    """
    totals = counts.sum(axis=0)
    filled = np.zeros((n_folds, len(totals)))
    fold = np.zeros(len(counts), np.int64)
    for group in order:
        best, least = 0, np.inf
        for i in range(n_folds):
            filled[i] += counts[group]
            uneven = float((filled / totals).std(axis=0).mean())
            filled[i] -= counts[group]
            is_emptier = filled[i].sum() < filled[best].sum()
            if uneven < least or (np.isclose(uneven, least) and is_emptier):
                best, least = i, uneven
        filled[best] += counts[group]
        fold[group] = best
    return fold


class LeaveOneGroupOut(Splitter):
    """Every group tests once; the others train."""

    def test_rows(self, X: Any, y: Any, groups: Any) -> Iterator[Rows]:
        """The rows of one group after another."""
        names, numbers = group_numbers(groups, row_count(X))
        if len(names) < 2:
            raise ValueError(
                f"The groups parameter contains fewer than 2 unique groups ({names}). "
                "LeaveOneGroupOut expects at least 2."
            )
        for group in range(len(names)):
            yield np.flatnonzero(numbers == group)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """As many as there are groups."""
        size = np.size(groups) if groups is not None else 0
        return len(group_numbers(groups, int(size))[0])
