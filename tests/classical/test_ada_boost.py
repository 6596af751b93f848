import numpy as np
import pytest
from sklearn import ensemble as judge
from sklearn import tree as judge_tree
from tests.classical.compliance import compliance
from tests.classical.tree_data import classes, numbers, table

from groundup.classical import ada_boost as ours
from groundup.classical.ada_boost import AdaBoostClassifier, AdaBoostRegressor, say_of_model
from groundup.classical.decision_tree import DecisionTreeClassifier, DecisionTreeRegressor
from groundup.classical.neighbors import KNeighborsClassifier
from groundup.swap import Replacement, replaced

DRAWN = (
    "rows are drawn by their weights, and a row of weight 2 and the row twice give other draws for "
    "one seed; scikit-learn excuses its own so"
)


@compliance(
    AdaBoostClassifier(n_estimators=5, random_state=0),
    AdaBoostRegressor(n_estimators=5, random_state=0),
    excused={"AdaBoostRegressor": {"check_sample_weight_equivalence_on_dense_data": DRAWN}},
)
def test_conventions(estimator, check):
    check(estimator)


CLOSE = {"rtol": 1e-9, "atol": 1e-11}  # each round multiplies the rounding of 300 weights' sums


@pytest.mark.reference
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("learning_rate", [1.0, 0.4])
def test_every_stage_is_scikit_learns(k, learning_rate):
    X, new = table(0, n=300), table(1)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, len(X))
    same = {"n_estimators": 20, "learning_rate": learning_rate, "random_state": 0}
    depth = {"max_depth": k - 1}
    one = ours.AdaBoostClassifier(DecisionTreeClassifier(**depth), **same)
    other = judge.AdaBoostClassifier(judge_tree.DecisionTreeClassifier(**depth), **same)
    for each in (one, other):
        each.fit(X, classes(X, k), sample_weight=weights)
    assert len(one.estimators_) == len(other.estimators_)
    np.testing.assert_allclose(one.estimator_weights_, other.estimator_weights_, **CLOSE)
    np.testing.assert_allclose(one.estimator_errors_, other.estimator_errors_, **CLOSE)
    np.testing.assert_allclose(one.feature_importances_, other.feature_importances_, **CLOSE)
    for name in ("predict_proba", "predict_log_proba", "decision_function"):
        mine, theirs = getattr(one, name)(new), getattr(other, name)(new)
        np.testing.assert_allclose(mine, theirs, **CLOSE)
    for mine, theirs in zip(one.staged_predict(new), other.staged_predict(new), strict=True):
        assert np.array_equal(mine, theirs)
    assert np.array_equal(one.predict(new), other.predict(new))


@pytest.mark.reference
@pytest.mark.parametrize("loss", ["linear", "square", "exponential"])
def test_numbers_are_predicted_as_well_as_by_scikit_learn(loss):
    X, new = table(0, n=400), table(1, n=400)
    means = []
    for each in (ours, judge):
        models = [
            each.AdaBoostRegressor(n_estimators=20, loss=loss, random_state=i) for i in range(6)
        ]
        scores = [model.fit(X, numbers(X)).score(new, numbers(new, 1)) for model in models]
        means.append(np.mean(scores))
    assert abs(means[0] - means[1]) < 0.05  # one score's deviation is 0.02
    assert means[0] > 0.2


def test_a_perfect_model_ends_it():
    X = np.arange(10.0)[:, None]
    model = AdaBoostClassifier(n_estimators=4).fit(X, X[:, 0] > 4)
    assert len(model.estimators_) == 1
    assert model.estimator_weights_.tolist() == [1, 0, 0, 0]
    assert model.estimator_errors_.tolist() == [0, 1, 1, 1]
    regressor = AdaBoostRegressor(n_estimators=4, random_state=0).fit(X, np.full(10, 3.0))
    assert len(regressor.estimators_) == 1
    assert regressor.predict([[50.0]]).tolist() == [3.0]
    assert len(list(regressor.staged_predict(X))) == 1


def test_more_models_make_fewer_errors():
    X = table(0, n=300)
    y = classes(X)
    model = AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=60).fit(X, y)
    wrong = [np.mean(labels != y) for labels in model.staged_predict(X)]
    assert wrong[-1] < 0.5 * wrong[0]


def test_what_is_worse_than_guessing_is_refused():
    X = np.zeros((4, 1))
    with pytest.raises(ValueError, match="worse than random"):
        AdaBoostClassifier().fit(X, [0, 1, 0, 1])


def test_a_say_is_zero_for_a_guess_and_can_be_replaced():
    assert say_of_model(0.5, 2, 1.0) == 0.0
    assert abs(say_of_model(0.75, 4, 1.0)) < 1e-15

    def always_one(error, n_classes, learning_rate):
        return 1.0

    part = "classical.ada_boost:say_of_model"
    stand_in = Replacement(part=part, file="", name="", sha256="", function=always_one)
    with replaced([stand_in]):
        model = AdaBoostClassifier(n_estimators=3).fit(table(0), classes(table(0)))
    assert model.estimator_weights_.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (AdaBoostClassifier(n_estimators=0), "n_estimators is 0"),
        (AdaBoostClassifier(learning_rate=0.0), "learning_rate is 0.0"),
        (AdaBoostRegressor(loss="cubic"), "known are: linear, square, exponential"),
        (AdaBoostClassifier(KNeighborsClassifier()), "doesn't support sample_weight"),
    ],
)
def test_bad_parameters_are_refused(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit([[1.0], [2.0], [3.0]], [0, 1, 0])


def test_models_without_importances_have_none():
    class Plain(DecisionTreeRegressor):
        @property
        def feature_importances_(self):
            raise AttributeError("none")

    model = AdaBoostRegressor(Plain(), n_estimators=2, random_state=0).fit(
        table(0), numbers(table(0))
    )
    assert not hasattr(model, "feature_importances_")
