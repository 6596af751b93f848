"""Grids and samples of parameters are scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import model_selection

from groundup.classical.parameter_grid import ParameterGrid, ParameterSampler, draw_without_repeats

grids = st.dictionaries(
    st.sampled_from("abc"), st.lists(st.integers(0, 9), min_size=1, max_size=4), max_size=3
)


@pytest.mark.reference
@given(st.lists(grids, min_size=1, max_size=2))
def test_grids_are_scikit_learns(tables):
    ours, theirs = ParameterGrid(tables), model_selection.ParameterGrid(tables)
    assert len(ours) == len(theirs)
    assert list(ours) == list(theirs)


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore:The total space")
@given(st.lists(grids, min_size=1, max_size=2), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_samples_of_lists_are_scikit_learns_and_differ(tables, n, seed):
    ours = ParameterSampler(tables, n, random_state=seed)
    theirs = model_selection.ParameterSampler(tables, n, random_state=seed)
    assert len(ours) == len(theirs)
    assert list(ours) == list(theirs)


@pytest.mark.reference
@given(st.integers(0, 2**32 - 1))
def test_samples_of_distributions_are_scikit_learns(seed):
    tables = [{"C": stats.loguniform(1e-3, 1e3), "kind": ["a", "b", "c"]}, {"D": stats.uniform()}]
    ours = ParameterSampler(tables, 5, random_state=seed)
    assert list(ours) == list(model_selection.ParameterSampler(tables, 5, random_state=seed))
    assert len(ours) == 5


@given(st.integers(1, 500), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_draws_do_not_repeat(total, share, seed):
    count = max(1, int(share * total))
    drawn = draw_without_repeats(total, count, np.random.RandomState(seed))
    assert len(set(drawn.tolist())) == len(drawn) == count
    assert set(drawn.tolist()) <= set(range(total))


def test_every_number_is_as_likely_whatever_the_way_it_is_drawn():
    for total, count in ((200, 1), (200, 100), (200, 199)):
        draws = np.random.RandomState(0)
        seen = np.zeros(total)
        for _ in range(2000):
            seen[draw_without_repeats(total, count, draws)] += 1
        expected = 2000 * count / total
        # a binomial count lies within 5 standard deviations of its mean, 600 times over
        deviation = np.sqrt(expected * (1 - count / total))
        assert np.abs(seen - expected).max() <= 5 * deviation + 1


def test_too_small_a_space_warns():
    with pytest.warns(UserWarning, match="total space of parameters 2 is smaller than n_iter=5"):
        assert len(list(ParameterSampler({"a": [1, 2]}, 5))) == 2


@pytest.mark.parametrize(
    ("grid", "problem", "message"),
    [
        ({"a": 1}, TypeError, "needs to be a list"),
        ({"a": "text"}, TypeError, "needs to be a list"),
        ({"a": np.ones((2, 2))}, TypeError, "of one dimension"),
        ({"a": []}, ValueError, "non-empty sequence"),
        ([1], TypeError, "is not a dict"),
    ],
)
def test_what_is_no_grid_is_refused(grid, problem, message):
    with pytest.raises(problem, match=message):
        ParameterGrid(grid)


def test_values_may_be_tuples_or_none():
    grid = {"ngram_range": [(1, 1), (1, 2)], "norm": [None, "l2"]}
    assert len(list(ParameterGrid(grid))) == 4
    assert len(list(ParameterSampler(grid, 4))) == 4


def test_what_is_no_distribution_is_refused():
    with pytest.raises(TypeError, match="not iterable or a distribution"):
        ParameterSampler({"a": 1}, 2)
