import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from tests.classical.tree_data import classes, numbers, rules, table

from groundup.classical.impurity import CRITERIA, impurity, sums_of_each, weight_of
from groundup.classical.tree_growing import best_split, grown, middle, sorted_columns
from groundup.classical.tree_structure import LEAF
from groundup.swap import Replacement, replaced

pytestmark = pytest.mark.slow  # seconds in all, for `make test`

CRITERION = st.sampled_from(CRITERIA)


def targets_for(criterion, X, seed):
    return numbers(X, seed) if criterion == "squared_error" else classes(X, 3, seed).astype(float)


def grow(X, y, weights=None, seed=0, **changed):
    weights = np.ones(len(X)) if weights is None else weights
    rng = np.random.default_rng(seed)
    return grown(*sorted_columns(X), y, weights, rules(**changed), rng)


def rows_of_nodes(tree, X):
    """The rows that come through each node."""
    inside = {0: np.arange(len(X))}
    for node in range(tree.node_count):
        if tree.children_left[node] != LEAF:
            rows = inside[node]
            left = X[rows, tree.feature[node]] <= tree.threshold[node]
            inside[tree.children_left[node]] = rows[left]
            inside[tree.children_right[node]] = rows[~left]
    return inside


@given(st.integers(0, 9999), st.integers(2, 12), CRITERION, st.integers(1, 3))
@settings(max_examples=60)
def test_the_best_split_is_the_best_of_all(seed, n, criterion, least):
    rng = np.random.default_rng(seed)
    values = np.sort(rng.integers(6, size=n).astype(float))
    number = CRITERIA.index(criterion)
    targets = rng.normal(size=n) if number == 2 else rng.integers(3, size=n).astype(float)
    sums = sums_of_each(number, targets, rng.uniform(0.5, 2, n), 3)

    def cost(part):
        total = part.sum(axis=0)
        return weight_of(number, total) * impurity(number, total)

    allowed = [c for c in range(least, n - least + 1) if 0 < c < n and values[c - 1] < values[c]]
    gains = [cost(sums) - cost(sums[:c]) - cost(sums[c:]) for c in allowed]
    count, gain = best_split(values, sums, number, least)
    if not allowed:
        assert (count, gain) == (0, -np.inf)
    else:
        assert count in allowed
        # sums of 12 terms below 2 x 9, in two orders
        np.testing.assert_allclose(gain, max(gains), atol=1e-13)


@pytest.mark.reference
@given(st.integers(0, 9999), CRITERION, st.booleans())
@settings(max_examples=25)
def test_no_question_of_scikit_learns_is_better(seed, criterion, is_weighted):
    """At every node its best question lowers the impurity as much: whichever is asked of equals."""
    X = table(seed, n=60, f=3)
    y = targets_for(criterion, X, seed)
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.1, 3, len(X)) if is_weighted else np.ones(len(X))
    tree = grow(X, y, weights, criterion=criterion)
    judge = DecisionTreeRegressor if criterion == "squared_error" else DecisionTreeClassifier
    for node, rows in rows_of_nodes(tree, X).items():
        assert tree.n_node_samples[node] == len(rows)
        np.testing.assert_allclose(tree.weighted_n_node_samples[node], weights[rows].sum())
        if tree.children_left[node] == LEAF:
            assert len(np.unique(y[rows])) == 1
            continue
        stump = judge(criterion=criterion, max_depth=1).fit(X[rows], y[rows], weights[rows]).tree_

        def left_over(t, at, children):
            return sum(t.impurity[c] * t.weighted_n_node_samples[c] for c in children(t, at))

        def both(t, at):
            return t.children_left[at], t.children_right[at]

        # theirs: a difference of sums of squares up to 60 x 3 x 20, so 60 eps 3600
        atol = 60 * 2.3e-16 * 3600
        np.testing.assert_allclose(tree.impurity[node], stump.impurity[0], atol=atol)
        ours, theirs = left_over(tree, node, both), left_over(stump, 0, both)
        np.testing.assert_allclose(ours, theirs, atol=atol)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("changed", [{}, {"max_features": 2}, {"random_thresholds": True}])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_the_plain_path_grows_what_the_kernel_grows(criterion, changed, is_weighted):
    X = table(5, n=150, f=4)
    y = targets_for(criterion, X, 5)
    weights = np.ones(len(X))
    if is_weighted:
        weights = np.random.default_rng(1).integers(0, 3, len(X)) * 0.7
    changed = {"criterion": criterion, "min_samples_leaf": 8, **changed}
    fast = grow(X, y, weights, **changed)
    with replaced([standing_in("best_split", best_split.slot.original)]):
        plain = grow(X, y, weights, **changed)
    for name in ("children_left", "children_right", "feature", "n_node_samples", "threshold"):
        assert np.array_equal(getattr(fast, name), getattr(plain, name)), name
    for name in ("impurity", "weighted_n_node_samples", "value"):
        # means and sums of 150 numbers below 20: 150 eps 20
        np.testing.assert_allclose(getattr(fast, name), getattr(plain, name), atol=7e-13)


def standing_in(name, function):
    part = f"classical.tree_growing:{name}"
    return Replacement(part=part, file="", name=name, sha256="", function=function)


def test_a_replaced_best_split_runs():
    def in_the_middle(values, sums, criterion, min_samples_leaf):
        return len(values) // 2, 1.0

    X = np.arange(8.0)[:, None]
    with replaced([standing_in("best_split", in_the_middle)]):
        tree = grow(X, np.array([0.0, 1, 0, 1, 0, 0, 0, 1]))
    assert tree.threshold[0] == 3.5


def test_sixteen_rows_of_exclusive_or_are_told_apart():
    X = np.array(list(itertools.product([0.0, 1.0], repeat=4)))
    y = X.sum(axis=1) % 2
    assert np.array_equal(grow(X, y).predict(X).argmax(axis=1), y)  # no first question helps


@given(st.floats(-1e308, 1e308), st.floats(-1e308, 1e308))
def test_the_middle_parts_any_two_numbers(one, other):
    below, above = min(one, other), max(one, other)
    if below < above:
        assert below <= middle(below, above) < above


@pytest.mark.parametrize(
    ("below", "above"), [(1.0, np.nextafter(1.0, 2)), (0.0, 5e-324), (-1.7e308, 1.7e308)]
)
def test_neighbours_and_extremes_are_parted(below, above):
    X = np.array([[below], [above]])
    tree = grow(X, np.array([0.0, 1.0]))
    assert tree.node_count == 3
    assert tree.apply(X).tolist() == [1, 2]


def test_tiny_differences_count():
    """scikit-learn takes values closer than 1e-7 for equal; these hold all there is to know."""
    X = np.arange(10.0)[:, None] * 1e-12
    y = (np.arange(10) > 3).astype(float)
    assert grow(X, y).n_leaves == 2


def test_a_constant_target_far_from_zero_is_a_leaf():
    tree = grow(table(0, 50), np.full(50, 1e8 + 0.1), criterion="squared_error")
    assert tree.node_count == 1
    assert tree.impurity[0] == 0


def test_constant_features_are_looked_past():
    X = np.zeros((20, 30))
    X[:, 17] = np.arange(20)
    y = (np.arange(20) >= 10).astype(float)
    for seed in range(10):
        assert grow(X, y, seed=seed, max_features=1).feature[0] == 17
    assert grow(X[:, :5], y).node_count == 1


def test_rows_of_weight_zero_are_not_there():
    X, weights = table(3, 100), np.random.default_rng(0).integers(0, 2, 100).astype(float)
    y = classes(X, 3).astype(float)
    one = grow(X, y, weights)
    other = grow(X[weights > 0], y[weights > 0])
    assert np.array_equal(one.threshold, other.threshold)
    assert np.array_equal(one.n_node_samples, other.n_node_samples)


@pytest.mark.parametrize("scale", [2.0**-900, 2.0**-60, 2.0**400])
def test_the_scale_of_weights_and_targets_changes_no_question(scale):
    X = table(0, 80)
    for criterion, y in (("squared_error", numbers(X)), ("gini", classes(X).astype(float))):
        plain = grow(X, y, criterion=criterion)
        weighted = grow(X, y, np.full(len(X), scale), criterion=criterion)
        assert np.array_equal(weighted.threshold, plain.threshold)
        assert np.array_equal(weighted.weighted_n_node_samples, scale * plain.n_node_samples)
    y = numbers(X)
    plain, scaled = (
        grow(X, y, criterion="squared_error"),
        grow(X, y * scale, criterion="squared_error"),
    )
    assert np.array_equal(scaled.threshold, plain.threshold)
    assert np.array_equal(scaled.value, plain.value * scale)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_weights_too_small_to_count_beside_others_do_no_harm(criterion):
    X = np.arange(6.0)[:, None]
    y = np.array([0.0, 1, 0, 1, 0, 1])
    weights = np.array([1.0, 1e-300, 1e-30, 1.0, 1e-320, 1e-20])
    tree = grow(X, y, weights, criterion=criterion)
    with replaced([standing_in("best_split", best_split.slot.original)]):
        plain = grow(X, y, weights, criterion=criterion)
    for each in (tree, plain):
        assert np.isfinite(each.value).all()
        assert each.n_node_samples[0] == 6
