"""Random splits are scikit-learn's at the same seed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import model_selection

from groundup.classical import random_splitting
from groundup.classical.random_splitting import (
    RepeatedKFold,
    ShuffleSplit,
    StratifiedShuffleSplit,
    proportional_counts,
    sizes_of_split,
    train_test_split,
)


def pairs(splitter, *data):
    return [(train.tolist(), test.tolist()) for train, test in splitter.split(*data)]


sizes = st.one_of(st.none(), st.floats(0.05, 0.9), st.integers(1, 30))


@pytest.mark.reference
@settings(max_examples=80)
@given(
    n=st.integers(3, 40),
    seed=st.integers(0, 2**32 - 1),
    test=sizes,
    train=sizes,
    rows=st.booleans(),
)
def test_random_splits_are_scikit_learns(n, seed, test, train, rows):
    rng = np.random.default_rng(seed)
    X, y, groups = np.zeros((n, 1)), rng.integers(3, size=n), rng.integers(6, size=n)
    options = {"test_size": test, "train_size": train, "random_state": seed}
    for name in ("ShuffleSplit", "StratifiedShuffleSplit", "GroupShuffleSplit"):
        ours = getattr(random_splitting, name)(2, **options)
        theirs = getattr(model_selection, name)(2, **options)
        data = (X, y, groups) if name == "GroupShuffleSplit" else (X, y)
        try:
            wanted = pairs(theirs, *data)
        except ValueError:
            with pytest.raises(ValueError, match=r"should be|will be empty|have only 1"):
                pairs(ours, *data)
        else:
            assert pairs(ours, *data) == wanted
            assert ours.get_n_splits() == theirs.get_n_splits()


@pytest.mark.reference
@given(n=st.integers(8, 40), seed=st.integers(0, 2**32 - 1), stratified=st.booleans())
@settings(max_examples=30)
def test_one_split_is_scikit_learns(n, seed, stratified):
    X, y = np.arange(3 * n).reshape(n, 3), np.arange(n) % 2
    options = {"random_state": seed, "stratify": y if stratified else None}
    ours = train_test_split(X, y, list(range(n)), **options)
    theirs = model_selection.train_test_split(X, y, list(range(n)), **options)
    assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert isinstance(ours[-1], list)


@pytest.mark.reference
def test_frames_and_order_are_kept():
    frame = pd.DataFrame({"a": range(9)})
    train, test = train_test_split(frame, test_size=2, shuffle=False)
    assert train["a"].tolist() == list(range(7))
    assert test["a"].tolist() == [7, 8]


@pytest.mark.reference
@pytest.mark.parametrize("name", ["RepeatedKFold", "RepeatedStratifiedKFold"])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_repeats_are_scikit_learns(name, seed):
    options = {"n_splits": 3, "n_repeats": 2, "random_state": seed}
    y = np.arange(20) % 2
    ours = getattr(random_splitting, name)(**options)
    assert pairs(ours, y, y) == pairs(getattr(model_selection, name)(**options), y, y)
    assert ours.get_n_splits() == 6


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=6), st.floats(0, 1), st.integers(0, 2**32 - 1)
)
def test_proportional_counts_lie_within_one_of_the_exact(counts, share, seed):
    counts = np.array(counts)
    total = int(share * counts.sum())
    parts = proportional_counts(counts, total, np.random.RandomState(seed))
    assert parts.sum() == total
    assert (np.abs(parts - counts / counts.sum() * total) < 1 + 1e-9).all()
    assert (parts <= counts).all()


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (train_test_split, "At least one array"),
        (lambda: train_test_split([1, 2], [1]), r"inconsistent numbers of samples: \[2, 1\]"),
        (lambda: train_test_split([1, 2], shuffle=False, stratify=[1, 2]), "shuffle=False"),
        (lambda: train_test_split([1]), "train set will be empty"),
        (lambda: sizes_of_split(10, 1.0, None), "test_size=1.0 should be"),
        (lambda: sizes_of_split(10, None, 10), "train_size=10 should be"),
        (lambda: sizes_of_split(10, 6, 6), "= 12, should be smaller"),
        (lambda: list(StratifiedShuffleSplit().split([1, 2])), "should not be None"),
        (lambda: RepeatedKFold(n_repeats=0), "must be greater than 0"),
    ],
)
def test_what_cannot_be_split_is_refused(split, message):
    with pytest.raises(ValueError, match=message):
        split()


def test_fresh_draws_differ():
    first, second = (pairs(ShuffleSplit(1), range(50)) for _ in range(2))
    assert first != second
