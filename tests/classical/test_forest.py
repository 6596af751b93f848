import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import ensemble as judge
from sklearn.datasets import load_breast_cancer, load_diabetes
from tests.classical.compliance import compliance
from tests.classical.tree_data import classes, numbers, table

from groundup.classical.decision_tree import DecisionTreeClassifier, DecisionTreeRegressor
from groundup.classical.forest import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    bootstrap_counts,
)
from groundup.swap import Replacement, replaced

DRAWN = (
    "a row of weight 2 and the row twice are equal in distribution, but not for one seed; "
    "scikit-learn excuses its own forests so"
)
EXCUSES = {
    "RandomForestClassifier": DRAWN,
    "RandomForestRegressor": DRAWN,
}


@compliance(
    RandomForestClassifier(5, random_state=0),
    RandomForestRegressor(5, random_state=0),
    ExtraTreesClassifier(5, random_state=0),
    ExtraTreesRegressor(5, random_state=0),
    excused={
        name: {"check_sample_weight_equivalence_on_dense_data": reason}
        for name, reason in EXCUSES.items()
    },
)
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.reference
@pytest.mark.parametrize("criterion", ["gini", "entropy"])
def test_classes_are_found_as_often_as_by_scikit_learn(criterion):
    """Accuracy on 269 unseen rows: the standard error of the difference is below 0.02."""
    X, y = load_breast_cancer(return_X_y=True)
    same = {"n_estimators": 40, "criterion": criterion, "random_state": 0}
    pairs = [
        (RandomForestClassifier, judge.RandomForestClassifier),
        (ExtraTreesClassifier, judge.ExtraTreesClassifier),
    ]
    for ours, theirs in pairs:
        scores = [
            each(**same).fit(X[:300], y[:300]).score(X[300:], y[300:]) for each in (ours, theirs)
        ]
        assert abs(scores[0] - scores[1]) < 0.05
        assert scores[0] > 0.9


@pytest.mark.reference
def test_numbers_are_predicted_as_well_as_by_scikit_learn():
    X, y = load_diabetes(return_X_y=True)
    same = {"n_estimators": 40, "min_samples_leaf": 5, "random_state": 0}
    pairs = [
        (RandomForestRegressor, judge.RandomForestRegressor),
        (ExtraTreesRegressor, judge.ExtraTreesRegressor),
    ]
    for ours, theirs in pairs:
        scores = [
            each(**same).fit(X[:250], y[:250]).score(X[250:], y[250:]) for each in (ours, theirs)
        ]
        assert abs(scores[0] - scores[1]) < 0.05  # of seeds 0..9 theirs has the deviation 0.01
        assert scores[0] > 0.3


@pytest.mark.reference
def test_extremely_random_trees_are_as_big_as_scikit_learns():
    """Mean nodes of 60 trees; one tree's deviation is below 5 %, so that of the means below 1 %."""
    X = table(0, n=500)
    y = classes(X)
    nodes = [
        np.mean([each.tree_.node_count for each in kind(60, random_state=0).fit(X, y).estimators_])
        for kind in (ExtraTreesClassifier, judge.ExtraTreesClassifier)
    ]
    assert abs(nodes[0] / nodes[1] - 1) < 0.04


def test_without_chance_all_trees_are_the_tree():
    X = table(0)
    settings = {"bootstrap": False, "max_features": None, "random_state": 0}
    forest = RandomForestClassifier(3, **settings).fit(X, classes(X))
    tree = DecisionTreeClassifier().fit(X, classes(X))
    assert np.array_equal(forest.predict_proba(X), tree.predict_proba(X))
    np.testing.assert_allclose(forest.feature_importances_, tree.feature_importances_)
    regressor = RandomForestRegressor(3, **settings).fit(X, numbers(X))
    tree = DecisionTreeRegressor().fit(X, numbers(X))
    np.testing.assert_allclose(regressor.predict(X), tree.predict(X))


def test_a_forest_says_the_mean_of_its_trees():
    X, new = table(0), table(1)
    forest = RandomForestClassifier(7, random_state=1).fit(X, classes(X, 3))
    mean = np.mean([tree.predict_proba(new) for tree in forest.estimators_], axis=0)
    np.testing.assert_allclose(forest.predict_proba(new), mean)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(forest.predict_log_proba(new), np.log(mean))
    assert forest.apply(new).shape == (200, 7)
    assert np.array_equal(forest.apply(new)[:, 2], forest.estimators_[2].apply(new))


@given(st.integers(0, 9999))
@settings(max_examples=5)
def test_each_tree_is_the_tree_of_its_sample(seed):
    X = table(seed, n=60)
    y = numbers(X)
    forest = RandomForestRegressor(3, random_state=seed).fit(X, y)
    for tree, rows in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        assert len(rows) == len(X)
        alone = DecisionTreeRegressor().fit(X, y, sample_weight=np.bincount(rows, minlength=len(X)))
        assert np.array_equal(alone.tree_.threshold, tree.tree_.threshold)


def test_out_of_bag_rows_are_judged_by_the_trees_that_did_not_see_them():
    X = table(0, n=50)
    y = classes(X)
    forest = RandomForestClassifier(40, oob_score=True, random_state=0).fit(X, y)
    for row in range(len(X)):
        unseen = [
            tree.predict_proba(X[[row]])[0]
            for tree, seen in zip(forest.estimators_, forest.estimators_samples_, strict=True)
            if row not in seen
        ]
        np.testing.assert_allclose(forest.oob_decision_function_[row], np.mean(unseen, axis=0))
    assert forest.oob_score_ == np.mean(forest.oob_decision_function_.argmax(axis=1) == y)
    regressor = RandomForestRegressor(40, oob_score=True, random_state=0).fit(X, numbers(X))
    missed = np.mean((regressor.oob_prediction_ - numbers(X)) ** 2) / np.var(numbers(X))
    np.testing.assert_allclose(regressor.oob_score_, 1 - missed)


@pytest.mark.reference
def test_the_out_of_bag_score_is_scikit_learns():
    X = table(0, n=1000)
    y = classes(X)
    same = {"n_estimators": 60, "oob_score": True, "random_state": 0}
    ours = RandomForestClassifier(**same).fit(X, y).oob_score_
    theirs = judge.RandomForestClassifier(**same).fit(X, y).oob_score_
    assert abs(ours - theirs) < 0.03  # two samples of trees on the same 1000 rows


def test_too_few_trees_for_out_of_bag_rows_warn():
    X = table(0, n=30)
    with pytest.warns(UserWarning, match="raise n_estimators"):
        forest = RandomForestClassifier(1, oob_score=True, random_state=0).fit(X, classes(X))
    assert 0 <= forest.oob_score_ <= 1


def test_same_seed_same_forest_other_seed_another():
    X = table(0)
    y = classes(X)
    one, same, other = (
        RandomForestClassifier(5, random_state=seed).fit(X, y).predict_proba(X)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_rows_are_drawn_in_proportion_to_their_weights():
    """Chi-square of 4 cells over 40,000 draws; 25 is exceeded once in 60,000 (3 degrees)."""
    rng, weights = np.random.default_rng(0), np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    counts = sum(bootstrap_counts(weights, rng) for _ in range(8000))
    expected = 40_000 * weights / 10
    assert counts[0] == 0
    assert ((counts - expected)[1:] ** 2 / expected[1:]).sum() < 25
    assert bootstrap_counts(np.ones(9), rng).sum() == 9


def test_a_replaced_bootstrap_runs():
    def all_the_first(weights, rng):
        return np.eye(len(weights))[0] * len(weights)

    stand_in = Replacement(
        part="classical.forest:bootstrap_counts",
        file="",
        name="",
        sha256="",
        function=all_the_first,
    )
    with replaced([stand_in]):
        forest = RandomForestRegressor(2).fit([[1.0], [2.0]], [5.0, 7.0])
    assert forest.predict([[2.0]]).tolist() == [5.0]


def test_constant_features_matter_nothing():
    X = np.zeros((20, 3))
    forest = RandomForestClassifier(3, random_state=0).fit(X, np.arange(20) % 2)
    assert forest.feature_importances_.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_estimators": 0}, "n_estimators is 0"),
        ({"n_estimators": 1.5}, "n_estimators is 1.5"),
        ({"bootstrap": False, "oob_score": True}, "only available if bootstrap=True"),
        ({"criterion": "absolute_error"}, "known are: gini, entropy"),
        ({"max_features": 7}, "a count from 1 to 2"),
    ],
)
def test_parameters_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RandomForestClassifier(**settings).fit([[1.0, 2.0], [2.0, 1.0]], [0, 1])
