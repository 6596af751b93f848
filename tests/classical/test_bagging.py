import numpy as np
import pytest
from sklearn import ensemble as judge
from sklearn import tree as judge_tree
from tests.classical.compliance import compliance
from tests.classical.tree_data import classes, numbers, table

from groundup.classical.bagging import BaggingClassifier, BaggingRegressor
from groundup.classical.decision_tree import DecisionTreeClassifier, DecisionTreeRegressor
from groundup.classical.neighbors import KNeighborsClassifier
from groundup.classical.svm import SVC

DRAWN = (
    "rows are drawn by their weights, and a row of weight 2 and the row twice give other draws for "
    "one seed; scikit-learn excuses its own so"
)
EXCUSE = {"check_sample_weight_equivalence_on_dense_data": DRAWN}


@compliance(
    BaggingClassifier(random_state=0),
    BaggingClassifier(KNeighborsClassifier(2), 4, max_features=0.8, random_state=0),
    BaggingRegressor(random_state=0),
    excused={"BaggingClassifier": EXCUSE, "BaggingRegressor": EXCUSE},
)
def test_conventions(estimator, check):
    check(estimator)


def test_each_model_is_the_model_of_its_draw():
    X, new = table(0, n=80), table(1, n=30)
    model = BaggingRegressor(n_estimators=4, max_samples=0.6, max_features=3, random_state=0)
    model.fit(X, numbers(X))
    said = []
    for rows, columns in zip(model.estimators_samples_, model.estimators_features_, strict=True):
        assert len(rows) == 48
        assert len(set(columns)) == 3
        counts = np.bincount(rows, minlength=len(X))
        alone = DecisionTreeRegressor().fit(X[:, columns], numbers(X), sample_weight=counts)
        said.append(alone.predict(new[:, columns]))
    np.testing.assert_allclose(model.predict(new), np.mean(said, axis=0))


@pytest.mark.reference
def test_without_chance_it_is_scikit_learns():
    X, new = table(0), table(1)
    same = {"n_estimators": 3, "bootstrap": False, "random_state": 0}
    one = BaggingRegressor(DecisionTreeRegressor(min_samples_leaf=20), **same).fit(X, numbers(X))
    other = judge.BaggingRegressor(judge_tree.DecisionTreeRegressor(min_samples_leaf=20), **same)
    np.testing.assert_allclose(one.predict(new), other.fit(X, numbers(X)).predict(new))


@pytest.mark.reference
def test_it_learns_as_well_as_scikit_learns():
    X, new = table(0, n=400), table(1, n=400)
    means = []
    for kind in (BaggingClassifier, judge.BaggingClassifier):
        models = [kind(n_estimators=40, oob_score=True, random_state=seed) for seed in range(5)]
        scores = [(m.fit(X, classes(X)).score(new, classes(new)), m.oob_score_) for m in models]
        means.append(np.mean(scores, axis=0))
    assert np.abs(means[0] - means[1]).max() < 0.03  # one score's deviation is 0.01


def test_out_of_bag_rows_are_judged_by_models_that_did_not_see_them():
    X = table(0, n=40)
    settings = {"oob_score": True, "max_features": 2, "random_state": 0}
    model = BaggingClassifier(n_estimators=30, **settings).fit(X, classes(X))
    parts = (model.estimators_, model.estimators_samples_, model.estimators_features_)
    for row in range(len(X)):
        unseen = [
            tree.predict_proba(X[[row]][:, columns])[0]
            for tree, seen, columns in zip(*parts, strict=True)
            if row not in seen
        ]
        np.testing.assert_allclose(model.oob_decision_function_[row], np.mean(unseen, axis=0))
    regressor = BaggingRegressor(n_estimators=30, **settings).fit(X, numbers(X))
    assert regressor.oob_score_ < regressor.score(X, numbers(X))


def test_models_without_probabilities_vote():
    X = table(0, n=60)
    model = BaggingClassifier(SVC(), 5, random_state=0).fit(X, classes(X, 3))
    shares = model.predict_proba(X)
    assert set(np.round(shares.ravel() * 5, 9)) <= {0, 1, 2, 3, 4, 5}
    assert np.array_equal(model.predict(X), model.classes_[shares.argmax(axis=1)])


def test_a_rare_class_that_no_draw_holds_has_no_share():
    X = np.arange(40.0)[:, None]
    y = np.array(["a", "b"] * 19 + ["c", "c"])
    model = BaggingClassifier(DecisionTreeClassifier(), 3, max_samples=4, random_state=1).fit(X, y)
    assert model.predict_proba(X).shape == (40, 3)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    with np.errstate(divide="ignore"):
        assert model.predict_log_proba(X).max() <= 0
    neighbours = BaggingClassifier(KNeighborsClassifier(1), 3, max_samples=2, random_state=1)
    assert neighbours.fit(X, y).predict_proba(X).shape == (40, 3)


def test_too_few_models_for_out_of_bag_rows_warn():
    with pytest.warns(UserWarning, match="raise n_estimators"):
        BaggingRegressor(n_estimators=1, oob_score=True).fit(table(0), numbers(table(0)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_estimators": 0}, "n_estimators is 0"),
        ({"max_samples": 0}, "max_samples is 0"),
        ({"max_samples": 1.5}, "max_samples is 1.5"),
        ({"max_features": 2}, "max_features is 2"),
        ({"max_samples": 4, "bootstrap": False}, "max_samples is 4"),
        ({"bootstrap": False, "oob_score": True}, "only available if bootstrap=True"),
    ],
)
def test_parameters_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        BaggingClassifier(**settings).fit([[1.0], [2.0], [3.0]], [0, 1, 0])


def test_weights_too_few_for_a_draw_without_repeats_are_refused():
    with pytest.raises(ValueError, match="only 2 have a weight above 0"):
        BaggingRegressor(bootstrap=False).fit([[1.0], [2.0], [3.0]], [0, 1, 0], [1.0, 1.0, 0.0])
