"""Stratified folds of groups are scikit-learn's; the others stand in test_splitting.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import model_selection

from groundup.classical.group_splitting import StratifiedGroupKFold, evenly_placed


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore:The least populated")
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(8, 60),
    k=st.integers(2, 4),
    shuffle=st.booleans(),
)
@settings(max_examples=40)
def test_folds_are_scikit_learns_and_groups_stay_whole(seed, n, k, shuffle):
    rng = np.random.default_rng(seed)
    y, groups = rng.integers(3, size=n), rng.integers(8, size=n)
    options = {"shuffle": shuffle, "random_state": seed if shuffle else None}
    ours = StratifiedGroupKFold(k, **options)
    theirs = model_selection.StratifiedGroupKFold(k, **options)
    try:
        wanted = [(a.tolist(), b.tolist()) for a, b in theirs.split(y, y, groups)]
    except ValueError:
        with pytest.raises(ValueError, match=r"annot be|Cannot have"):
            list(ours.split(y, y, groups))
        return
    found = [(a.tolist(), b.tolist()) for a, b in ours.split(y, y, groups)]
    assert found == wanted
    for train, test in found:
        assert not set(groups[train]) & set(groups[test])


def test_equal_groups_give_equal_shares():
    counts = np.tile([3.0, 1.0], (6, 1))
    fold = evenly_placed(counts, np.arange(6), 3)
    assert np.bincount(fold).tolist() == [2, 2, 2]


def test_too_few_groups_are_refused():
    with pytest.raises(ValueError, match="number of groups: 1"):
        list(StratifiedGroupKFold(2).split([0, 1, 0, 1], [0, 1, 0, 1], [5, 5, 5, 5]))
