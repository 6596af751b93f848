import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeRegressor
from tests.classical.tree_data import numbers, rules, table

from groundup.classical.tree_growing import grown, sorted_columns
from groundup.classical.tree_structure import LEAF, UNDEFINED, feature_importances, find_leaves
from groundup.swap import Replacement, replaced


def tree_of(seed, n=80, **changed):
    X = table(seed, n)
    settings = rules("squared_error", **changed)
    rng = np.random.default_rng(seed)
    return X, grown(*sorted_columns(X), numbers(X), np.ones(n), settings, rng)


@given(st.integers(0, 9999), st.integers(1, 9))
@settings(max_examples=20)
def test_the_arrays_are_a_tree(seed, depth):
    X, tree = tree_of(seed, max_depth=depth)
    inner = tree.children_left != LEAF
    children = np.concatenate([tree.children_left[inner], tree.children_right[inner]])
    assert sorted(children) == list(range(1, tree.node_count))
    assert np.array_equal(tree.children_left[inner], np.flatnonzero(inner) + 1)
    assert (tree.feature[~inner] == UNDEFINED).all()
    assert (tree.threshold[~inner] == UNDEFINED).all()
    assert tree.n_leaves == (~inner).sum() == tree.node_count - inner.sum()
    assert tree.max_depth == tree.depths().max() <= depth
    counts = tree.n_node_samples
    left, right = tree.children_left[inner], tree.children_right[inner]
    assert np.array_equal(counts[inner], counts[left] + counts[right])
    assert np.array_equal(
        np.bincount(tree.apply(X), minlength=tree.node_count)[~inner], counts[~inner]
    )


@given(st.integers(0, 9999))
@settings(max_examples=20)
def test_both_ways_down_end_in_the_same_leaves(seed):
    tree = tree_of(seed)[1]
    new = table(seed + 1, 50)
    plain = find_leaves(tree.children_left, tree.children_right, tree.feature, tree.threshold, new)
    assert np.array_equal(tree.apply(new), plain)


def test_a_replaced_way_down_runs():
    X, tree = tree_of(0)

    def stay(children_left, children_right, feature, threshold, X):
        return np.zeros(len(X), np.int64)

    stand_in = Replacement(
        part="classical.tree_structure:find_leaves", file="", name="stay", sha256="", function=stay
    )
    with replaced([stand_in]):
        assert (tree.apply(X) == 0).all()


@pytest.mark.reference
def test_importances_are_scikit_learns():
    X, tree = tree_of(4, n=400, max_depth=6, min_samples_leaf=20)
    judge = DecisionTreeRegressor(max_depth=6, min_samples_leaf=20, random_state=0).fit(
        X, numbers(X)
    )
    ours = feature_importances(tree, 4)
    np.testing.assert_allclose(ours, judge.feature_importances_, atol=1e-12)
    np.testing.assert_allclose(ours.sum(), 1.0)


def test_a_tree_that_asks_nothing_finds_nothing_important():
    _, tree = tree_of(0, min_samples_split=1000)
    assert feature_importances(tree, 4).tolist() == [0, 0, 0, 0]
