"""Folds are scikit-learn's very folds, keep their promises, and refuse what cannot be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import model_selection

from groundup.classical.group_splitting import GroupKFold, LeaveOneGroupOut, balanced_folds
from groundup.classical.splitting import (
    KFold,
    LeaveOneOut,
    StratifiedKFold,
    TimeSeriesSplit,
    fold_sizes,
    rows_of,
)


def pairs(splitter, *data):
    return [(train.tolist(), test.tolist()) for train, test in splitter.split(*data)]


@pytest.mark.reference
@settings(max_examples=60)
@given(
    n=st.integers(2, 60),
    k=st.integers(2, 6),
    shuffle=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
    classes=st.integers(1, 4),
)
@pytest.mark.filterwarnings("ignore:The least populated class")
def test_folds_are_scikit_learns(n, k, shuffle, seed, classes):
    rng = np.random.default_rng(seed)
    X, y, groups = rng.normal(size=(n, 1)), rng.integers(classes, size=n), rng.integers(8, size=n)
    options = {"shuffle": shuffle, "random_state": seed if shuffle else None}
    for kind in (KFold, StratifiedKFold, GroupKFold):
        ours = kind(k, **options)
        theirs = getattr(model_selection, kind.__name__)(k, **options)
        assert ours.get_n_splits(X, y, groups) == theirs.get_n_splits(X, y, groups)
        data = (X, y, groups) if kind is GroupKFold else (X, y)
        try:
            wanted = pairs(theirs, *data)
        except ValueError:
            with pytest.raises(ValueError, match="annot"):
                pairs(ours, *data)
            continue
        got = pairs(ours, *data)
        assert got == wanted
        assert sorted(row for _, test in got for row in test) == list(range(n))  # each tests once


@pytest.mark.reference
@given(n=st.integers(2, 30), seed=st.integers(0, 1000))
def test_leaving_out_is_scikit_learns(n, seed):
    groups = np.random.default_rng(seed).integers(4, size=n)
    X = np.zeros((n, 2))
    assert pairs(LeaveOneOut(), X) == pairs(model_selection.LeaveOneOut(), X)
    assert LeaveOneOut().get_n_splits(X) == n
    if len(set(groups)) > 1:
        data = (X, None, groups)
        assert pairs(LeaveOneGroupOut(), *data) == pairs(model_selection.LeaveOneGroupOut(), *data)
        assert LeaveOneGroupOut().get_n_splits(groups=groups) == len(set(groups))


@pytest.mark.reference
@given(
    n=st.integers(2, 60),
    k=st.integers(2, 6),
    longest=st.one_of(st.none(), st.integers(1, 20)),
    size=st.one_of(st.none(), st.integers(1, 8)),
    gap=st.integers(0, 5),
)
def test_splits_in_time_are_scikit_learns(n, k, longest, size, gap):
    options = {"max_train_size": longest, "test_size": size, "gap": gap}
    X = np.zeros((n, 1))
    try:
        wanted = pairs(model_selection.TimeSeriesSplit(k, **options), X)
    except ValueError:
        with pytest.raises(ValueError, match=r"Cannot have|Too many splits"):
            pairs(TimeSeriesSplit(k, **options), X)
        return
    got = pairs(TimeSeriesSplit(k, **options), X)
    assert got == wanted
    assert all(max(train, default=-1) < min(test) for train, test in got)  # never the future


@given(n=st.integers(0, 200), k=st.integers(1, 20))
def test_fold_sizes_are_as_equal_as_can_be(n, k):
    sizes = fold_sizes(n, k)
    assert sizes.sum() == n
    assert sizes.max() - sizes.min() <= 1


@given(st.lists(st.integers(1, 9), min_size=1, max_size=7), st.integers(2, 3))
def test_greedy_folds_are_within_a_third_of_the_best(sizes, k):
    fold = balanced_folds(np.array(sizes), k)
    fullest = np.bincount(fold, weights=sizes, minlength=k).max()
    assert fullest <= 4 / 3 * _best(sizes, k)


def _best(sizes, k):
    reached = {(0,) * k}
    for size in sizes:
        reached = {
            tuple(sorted((*filled[:i], filled[i] + size, *filled[i + 1 :])))
            for filled in reached
            for i in range(k)
        }
    return min(max(filled) for filled in reached)


def test_shares_of_classes_differ_by_one_row_at_most():
    y = np.array(["a"] * 17 + ["b"] * 8)
    tests = [y[test] for _, test in StratifiedKFold(4, shuffle=True, random_state=1).split(y, y)]
    for label in "ab":
        counts = [(test == label).sum() for test in tests]
        assert max(counts) - min(counts) <= 1


def test_a_rare_class_warns():
    with pytest.warns(UserWarning, match="only 1 members, which is less than n_splits=2"):
        list(StratifiedKFold(2).split([0, 0, 0, 1], [0, 0, 0, 1]))


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (lambda: KFold(1), "at least one train/test split"),
        (lambda: KFold(2.0), "must be a whole number"),
        (lambda: KFold(True), "must be a whole number"),
        (lambda: KFold(2, shuffle=1), "shuffle must be True or False"),
        (lambda: KFold(2, random_state=1), "has no effect since shuffle is False"),
        (lambda: list(KFold(3).split([1, 2])), "n_splits=3 greater than"),
        (lambda: TimeSeriesSplit(2, test_size=0), "test_size is 0"),
        (lambda: TimeSeriesSplit(2, max_train_size=0), "max_train_size is 0"),
        (lambda: TimeSeriesSplit(2, gap=-1), "gap is -1"),
        (lambda: list(KFold(3).split(5)), "X should have rows, got 5"),
        (lambda: list(StratifiedKFold(2).split([1, 2])), "The 'y' parameter should not be None"),
        (lambda: list(StratifiedKFold(2).split([1, 2], [0.5, 1])), "Got continuous"),
        (lambda: list(StratifiedKFold(2).split([1, 2], [0, 1])), "members in each class"),
        (lambda: list(GroupKFold(2).split([1, 2])), "The 'groups' parameter should not be None"),
        (lambda: list(GroupKFold(2).split([1, 2], groups=[1, 1])), "number of groups: 1"),
        (lambda: list(GroupKFold(2).split([1, 2], groups=[1])), "inconsistent numbers"),
        (lambda: list(LeaveOneOut().split([1])), "with n_samples=1"),
        (lambda: list(LeaveOneGroupOut().split([1, 2], None, [1, 1])), "fewer than 2 unique"),
    ],
)
def test_what_cannot_be_split_is_refused(split, message):
    with pytest.raises(ValueError, match=message):
        split()


def test_rows_keep_the_kind_of_their_table():
    assert rows_of(["a", "b", "c"], np.array([2, 0])) == ["c", "a"]
    assert rows_of(np.array([5, 6, 7]), np.array([2, 0])).tolist() == [7, 5]
    assert repr(KFold(3)) == "KFold(n_splits=3, shuffle=False, random_state=None)"
