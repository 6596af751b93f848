import numpy as np
import pytest
from sklearn import ensemble as judge
from tests.classical.compliance import compliance
from tests.classical.tree_data import classes, numbers, table

from groundup.classical import gradient_boosting as ours
from groundup.classical.gradient_boosting import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
)

EQUAL = (
    "the first residuals of a class are all the same, so that many questions are equally good, and "
    "rounding, which differs between a row of weight 2 and the row twice, decides; scikit-learn "
    "excuses its own so"
)


@compliance(
    GradientBoostingClassifier(n_estimators=5, random_state=0),
    GradientBoostingRegressor(n_estimators=5, random_state=0),
    GradientBoostingRegressor(loss="absolute_error", n_estimators=20, random_state=0),
    excused={
        "GradientBoostingClassifier": {"check_sample_weight_equivalence_on_dense_data": EQUAL}
    },
)
def test_conventions(estimator, check):
    check(estimator)


SAME = {"n_estimators": 25, "max_depth": 3, "min_samples_leaf": 12, "random_state": 0}
# each stage's leaf steps carry the rounding of sums of 400 terms, and the next stages build on them
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def weights_for(X):
    return np.random.default_rng(7).uniform(0.5, 1.5, len(X))


@pytest.mark.reference
@pytest.mark.parametrize(
    ("loss", "is_weighted"),
    [("squared_error", False), ("squared_error", True), ("absolute_error", True)],
)
def test_numbers_are_predicted_as_by_scikit_learn(loss, is_weighted):
    X, new = table(0, n=401), table(1)
    weights = weights_for(X) if is_weighted else None
    both = [
        each.GradientBoostingRegressor(loss=loss, **SAME).fit(X, numbers(X), sample_weight=weights)
        for each in (judge, ours)
    ]
    compare(*both, new)


def compare(theirs, one, new):
    np.testing.assert_allclose(one.train_score_, theirs.train_score_, **CLOSE)
    np.testing.assert_allclose(one.feature_importances_, theirs.feature_importances_, **CLOSE)
    for mine, other in zip(one.staged_predict(new), theirs.staged_predict(new), strict=True):
        np.testing.assert_allclose(mine, other, **CLOSE)
    np.testing.assert_allclose(one.predict(new), theirs.predict(new), **CLOSE)
    assert one.estimators_.shape == theirs.estimators_.shape


@pytest.mark.reference
@pytest.mark.parametrize("k", [2, 3, 5])
def test_classes_are_predicted_as_by_scikit_learn(k):
    """With weights, as else many questions are equally good and scikit-learn asks a random one."""
    X, new = table(0, n=401), table(1)
    weights = weights_for(X)
    theirs, one = [
        each.GradientBoostingClassifier(**SAME).fit(X, classes(X, k), sample_weight=weights)
        for each in (judge, ours)
    ]
    compare(theirs, one, new)
    np.testing.assert_allclose(one.decision_function(new), theirs.decision_function(new), **CLOSE)
    np.testing.assert_allclose(one.predict_proba(new), theirs.predict_proba(new), **CLOSE)
    np.testing.assert_allclose(one.predict_log_proba(new), theirs.predict_log_proba(new), **CLOSE)
    for name in ("staged_predict_proba", "staged_decision_function"):
        mine, other = list(getattr(one, name)(new))[-1], list(getattr(theirs, name)(new))[-1]
        np.testing.assert_allclose(mine, other, **CLOSE)


@pytest.mark.reference
def test_part_of_the_rows_for_each_tree_learns_as_well():
    X, new = table(0, n=1000), table(1, n=1000)
    same = {"subsample": 0.5, "n_estimators": 60}
    means = []
    for each in (judge, ours):
        models = [each.GradientBoostingRegressor(**same, random_state=seed) for seed in range(8)]
        scores = [model.fit(X, numbers(X)).score(new, numbers(new, 1)) for model in models]
        means.append(np.mean(scores))
    assert abs(means[0] - means[1]) < 0.04  # one score's deviation is 0.03, a mean's 0.01
    assert means[1] > 0.6


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_each_stage_lowers_the_loss_of_the_rows_it_learned_from(loss):
    X = table(0)
    model = GradientBoostingRegressor(loss=loss, n_estimators=30).fit(X, numbers(X))
    assert np.diff(model.train_score_).max() <= 0
    model = GradientBoostingClassifier(n_estimators=30).fit(X, classes(X))
    assert np.diff(model.train_score_).max() <= 0


def test_without_steps_it_says_the_start():
    X = table(0)
    model = GradientBoostingRegressor(learning_rate=0.0, n_estimators=2).fit(X, numbers(X))
    np.testing.assert_allclose(model.predict(X), numbers(X).mean())
    model = GradientBoostingClassifier(learning_rate=0.0, n_estimators=2).fit(
        X, [0] * 50 + [1] * 150
    )
    np.testing.assert_allclose(model.predict_proba(X), [[0.25, 0.75]] * 200)


def test_a_constant_target_is_learned_without_a_question():
    model = GradientBoostingRegressor(n_estimators=3).fit(table(0), np.full(200, 7.5))
    assert (model.predict(table(1)) == 7.5).all()
    assert model.feature_importances_.tolist() == [0, 0, 0, 0]


def test_what_is_told_apart_wholly_stays_finite():
    X = np.arange(20.0)[:, None]
    model = GradientBoostingClassifier(n_estimators=300, learning_rate=1.0).fit(X, X[:, 0] > 9)
    assert np.isfinite(model.decision_function(X)).all()
    assert model.score(X, X[:, 0] > 9) == 1.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "deviance"}, "known are: log_loss"),
        ({"n_estimators": 0}, "n_estimators is 0"),
        ({"learning_rate": -0.1}, "learning_rate is -0.1"),
        ({"learning_rate": np.inf}, "learning_rate is inf"),
        ({"subsample": 0.0}, "subsample is 0.0"),
        ({"subsample": 1.1}, "subsample is 1.1"),
        ({"max_depth": 0}, "max_depth is 0"),
    ],
)
def test_parameters_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        GradientBoostingClassifier(**settings).fit([[1.0, 2.0], [2.0, 1.0]], [0, 1])


def test_a_class_without_weight_is_no_class():
    with pytest.raises(ValueError, match="minimum of 2 classes"):
        GradientBoostingClassifier().fit([[1.0], [2.0]], [0, 1], sample_weight=[1.0, 0.0])
