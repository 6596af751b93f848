import numpy as np
import pytest
from sklearn import tree as judge
from tests.classical.compliance import compliance
from tests.classical.tree_data import classes, numbers, table

from groundup.classical.decision_tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    count_of_features,
)

PARTS = ("children_left", "children_right", "feature", "n_node_samples")


@compliance(
    DecisionTreeClassifier(random_state=0),
    DecisionTreeClassifier(criterion="entropy", max_features="sqrt", random_state=0),
    DecisionTreeRegressor(random_state=0),
    DecisionTreeRegressor(ccp_alpha=0.01, max_features=0.5, random_state=0),
)
def test_conventions(estimator, check):
    check(estimator)


SAME = [
    {"max_depth": 3},
    {"min_samples_leaf": 15},
    {"min_samples_leaf": 0.05, "min_samples_split": 0.2},
    {"min_samples_split": 60, "min_samples_leaf": 9},
    {"min_impurity_decrease": 0.005, "min_samples_leaf": 9},
    {"ccp_alpha": 0.01, "min_samples_leaf": 9},
]


@pytest.mark.reference
@pytest.mark.parametrize("changed", SAME, ids=str)
@pytest.mark.parametrize("criterion", ["gini", "entropy", "squared_error"])
def test_the_tree_is_scikit_learns(changed, criterion):
    X = table(1, n=400)
    weights = np.random.default_rng(3).uniform(0.5, 1.5, len(X))  # so that no two splits are equal
    settings = {"criterion": criterion, "random_state": 0, **changed}
    if criterion == "squared_error":
        ours, theirs, y = DecisionTreeRegressor, judge.DecisionTreeRegressor, numbers(X)
    else:
        ours, theirs, y = DecisionTreeClassifier, judge.DecisionTreeClassifier, classes(X, 3)
    one = ours(**settings).fit(X, y, sample_weight=weights)
    other = theirs(**settings).fit(X, y, sample_weight=weights)
    for name in PARTS:
        assert np.array_equal(getattr(one.tree_, name), getattr(other.tree_, name)), name
    assert np.array_equal(one.tree_.threshold, other.tree_.threshold)  # halves of float32: exact
    # sums of 400 terms of size 10, in another order
    close = {"rtol": 1e-11, "atol": 1e-12}
    np.testing.assert_allclose(one.tree_.impurity, other.tree_.impurity, **close)
    np.testing.assert_allclose(one.tree_.value, other.tree_.value, **close)
    np.testing.assert_allclose(one.feature_importances_, other.feature_importances_, **close)
    new = table(2, n=100)
    assert np.array_equal(one.apply(new), other.apply(new))
    np.testing.assert_allclose(one.predict(new), other.predict(new), **close)
    assert one.get_depth() == other.get_depth()
    assert one.get_n_leaves() == other.get_n_leaves()
    if criterion != "squared_error":
        np.testing.assert_allclose(one.predict_proba(new), other.predict_proba(new), **close)
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(
                one.predict_log_proba(new), other.predict_log_proba(new), rtol=1e-9, atol=1e-12
            )


@pytest.mark.parametrize("seed", range(3))
def test_a_tree_without_limits_knows_its_rows_by_heart(seed):
    X = table(seed)
    y = classes(X, 4, seed)
    assert DecisionTreeClassifier().fit(X, y).score(X, y) == 1.0
    assert DecisionTreeRegressor().fit(X, numbers(X)).score(X, numbers(X)) == 1.0


def test_scaling_a_feature_changes_no_prediction():
    X, new = table(0), table(1)
    scale = np.array([1.0, 1e3, 2.0**-30, 8.0])
    y = classes(X, 3)
    one = DecisionTreeClassifier().fit(X, y).predict(new)
    assert np.array_equal(one, DecisionTreeClassifier().fit(X * scale, y).predict(new * scale))


def test_log_loss_is_entropy_and_friedmans_error_the_squared_one():
    X = table(0)
    one = DecisionTreeClassifier(criterion="log_loss").fit(X, classes(X))
    other = DecisionTreeClassifier(criterion="entropy").fit(X, classes(X))
    assert np.array_equal(one.tree_.threshold, other.tree_.threshold)
    one = DecisionTreeRegressor(criterion="friedman_mse").fit(X, numbers(X))
    other = DecisionTreeRegressor().fit(X, numbers(X))
    assert np.array_equal(one.tree_.threshold, other.tree_.threshold)


def test_equal_rows_of_different_classes_share_a_leaf():
    tree = DecisionTreeClassifier().fit(np.ones((4, 2)), ["b", "a", "b", "b"])
    assert tree.get_n_leaves() == 1
    assert tree.get_depth() == 0
    assert tree.predict([[5.0, 5.0]]).tolist() == ["b"]
    assert tree.predict_proba([[0.0, 0.0]]).tolist() == [[0.25, 0.75]]
    assert tree.predict_log_proba([[0.0, 0.0]])[0, 0] == np.log(0.25)


def test_one_row_makes_a_leaf():
    tree = DecisionTreeRegressor().fit([[1.0, 2.0]], [3])
    assert tree.predict([[7.0, 7.0]]).tolist() == [3.0]
    assert tree.feature_importances_.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("given", "count"),
    [(None, 10), ("sqrt", 3), ("log2", 3), (4, 4), (0.25, 2), (0.01, 1), (1.0, 10)],
)
def test_how_many_features_are_looked_at(given, count):
    assert count_of_features(given, 10) == count


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"criterion": "squared_error"}, "known are: gini, entropy"),
        ({"max_depth": 0}, "max_depth is 0"),
        ({"max_depth": 2.5}, "max_depth is 2.5"),
        ({"min_samples_split": 1}, "min_samples_split is 1; it is a whole number from 2 up"),
        ({"min_samples_leaf": 0}, "min_samples_leaf is 0"),
        ({"min_samples_leaf": 1.5}, "min_samples_leaf is 1.5"),
        ({"max_features": 3}, "a count from 1 to 2"),
        ({"max_features": "all"}, "max_features is 'all'"),
        ({"max_features": True}, "max_features is True"),
        ({"min_impurity_decrease": -1}, "min_impurity_decrease is -1"),
        ({"min_impurity_decrease": np.nan}, "min_impurity_decrease is nan"),
        ({"ccp_alpha": -0.1}, "ccp_alpha is -0.1"),
        ({"ccp_alpha": np.nan}, "ccp_alpha is nan"),
    ],
)
def test_parameters_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DecisionTreeClassifier(**settings).fit([[1.0, 2.0], [2.0, 1.0]], [0, 1])


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="one class"):
        DecisionTreeClassifier().fit([[1.0], [2.0]], [1, 1])
