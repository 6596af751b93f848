import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import tree as judge
from tests.classical.tree_data import numbers, table

from groundup.classical.decision_tree import DecisionTreeRegressor
from groundup.classical.tree_pruning import pruned, pruning_path, worth_of_branches
from groundup.classical.tree_structure import LEAF


@pytest.mark.reference
@pytest.mark.parametrize("seed", range(3))
def test_prices_and_trees_are_scikit_learns(seed):
    X = table(seed)
    y = numbers(X, seed)
    same = {"min_samples_leaf": 5, "random_state": 0}
    ours = DecisionTreeRegressor(**same).cost_complexity_pruning_path(X, y)
    theirs = judge.DecisionTreeRegressor(**same).cost_complexity_pruning_path(X, y)
    for name, values in ours.items():
        np.testing.assert_allclose(
            values, theirs[name], atol=1e-13
        )  # sums of 200 terms below 1/200
    prices = ours["ccp_alphas"]
    for price in (prices[1:] + prices[:-1])[::4] / 2:
        our_tree = DecisionTreeRegressor(ccp_alpha=price, **same).fit(X, y).tree_
        their_tree = judge.DecisionTreeRegressor(ccp_alpha=price, **same).fit(X, y).tree_
        for name in ("children_left", "children_right", "feature", "n_node_samples"):
            assert np.array_equal(getattr(our_tree, name), getattr(their_tree, name)), name


@given(st.integers(0, 9999), st.floats(0, 0.2))
@settings(max_examples=20)
def test_no_branch_that_is_left_costs_more_than_the_price(seed, price):
    X = table(seed, 60)
    whole = DecisionTreeRegressor().fit(X, numbers(X)).tree_
    tree = pruned(whole, price)
    cost = tree.impurity * tree.weighted_n_node_samples / tree.weighted_n_node_samples[0]
    for node in np.flatnonzero(tree.children_left != LEAF):
        last = node
        while tree.children_right[last] != LEAF:
            last = tree.children_right[last]
        branch = np.arange(node, last + 1)
        leaves = branch[tree.children_left[branch] == LEAF]
        assert (cost[node] - cost[leaves].sum()) / (len(leaves) - 1) > price


@given(st.integers(0, 9999))
@settings(max_examples=20)
def test_the_path_ends_in_the_root_and_costs_only_rise(seed):
    X = table(seed, 40)
    tree = DecisionTreeRegressor(min_samples_leaf=3).fit(X, numbers(X)).tree_
    prices, cut, costs = pruning_path(tree)
    assert prices == sorted(prices) or np.diff(prices).min() > -1e-15  # rounding of equal prices
    assert np.diff(costs).min() > -1e-15
    assert cut[-1] == 0
    assert pruned(tree, np.inf).node_count == 1


def test_a_leaf_has_no_branch_to_cut():
    worth = worth_of_branches(np.array([1.0, 0.5]), np.array([0.4, 0.5]), np.array([3, 1]))
    assert worth.tolist() == [0.3, np.inf]
