import numpy as np
import pytest
from tests.classical.tree_data import classes, numbers, rules, table

from groundup.classical.impurity import CRITERIA
from groundup.classical.tree_growing import grow_tree, sorted_columns
from groundup.kernels import tree_descent, tree_growing


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("n", [1, 2, 3, 300])
@pytest.mark.parametrize("changed", [{"max_depth": 1}, {"min_samples_leaf": 12, "max_features": 3}])
def test_both_twins_grow_the_same_tree(criterion, n, changed):
    X = table(n, n)
    y = numbers(X) if criterion == "squared_error" else classes(X, 3).astype(float)
    weights = np.random.default_rng(n).uniform(0.5, 2, n)
    columns, order = sorted_columns(X)
    arguments = (columns, order, y, weights, rules(criterion, **changed))
    fast = tree_growing.grow_tree(*arguments, np.random.default_rng(0))
    plain = grow_tree(*arguments, np.random.default_rng(0))
    assert np.array_equal(fast[0], plain[0])
    assert np.array_equal(fast[1][:, 0], plain[1][:, 0])
    for one, other in zip(fast[1:], plain[1:], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)  # sums of 300 terms below 20


def test_the_order_that_is_given_stays():
    X = table(0)
    columns, order = sorted_columns(X)
    before = order.copy()
    weights, rng = np.ones(len(X)), np.random.default_rng(0)
    tree_growing.grow_tree(columns, order, classes(X).astype(float), weights, rules(), rng)
    assert np.array_equal(order, before)


def test_what_is_compiled_is_named():
    assert tree_growing.kernels()
    assert tree_descent.kernels()
