"""Calibration against scikit-learn; that probabilities mean what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from sklearn import calibration, linear_model, naive_bayes
from sklearn.calibration import _sigmoid_calibration
from sklearn.metrics import log_loss
from tests.classical.compliance import compliance

from groundup.classical.calibration import (
    CalibratedClassifierCV,
    platt_scaling,
    temperature_scaling,
)
from groundup.classical.linear_svm import LinearSVC
from groundup.classical.logistic import LogisticRegression
from groundup.classical.naive_bayes import GaussianNB


@compliance(
    CalibratedClassifierCV(LogisticRegression(), cv=3),
    CalibratedClassifierCV(LogisticRegression(), cv=3, method="isotonic", ensemble=False),
    CalibratedClassifierCV(LogisticRegression(), cv=3, method="temperature"),
)
def test_conventions(estimator, check):
    check(estimator)


def problem(seed, n=150, classes=2):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    X = np.column_stack([X, X[:, :2]])  # naive Bayes counts these twice, and is too sure
    y = (X[:, :4] @ rng.normal(size=(4, classes)) + rng.gumbel(size=(n, classes))).argmax(axis=1)
    y[: 10 * classes] = np.repeat(np.arange(classes), 10)
    return X, y


@pytest.mark.reference
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.1, 1.0, 1000.0]))
def test_platts_numbers_are_scikit_learns(seed, scale):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=60)
    positive = (scores + rng.normal(size=60) > 0).astype(float)
    positive[:2] = 0, 1
    weights = rng.uniform(0.2, 2, 60)
    slope, intercept = platt_scaling(scale * scores, positive, weights)
    a, b = _sigmoid_calibration(scale * scores, positive, weights)
    # theirs stops at slopes of 1e-6 of a sum whose curvature is near 10 (scaled scores: 0.1 and up)
    assert slope == pytest.approx(-a, rel=1e-3, abs=1e-4 / scale)
    assert intercept == pytest.approx(-b, rel=1e-3, abs=1e-4)
    targets = np.where(
        positive > 0,
        (weights @ positive + 1) / (weights @ positive + 2),
        1 / (weights @ (1 - positive) + 2),
    )
    errors = weights * (special.expit(slope * scale * scores + intercept) - targets)
    assert abs(errors.sum()) < 1e-9
    assert abs(errors @ scores) < 1e-9


def test_separate_classes_and_equal_scores_do_no_harm():
    slope, intercept = platt_scaling(np.array([-1.0, 1.0]), np.array([0.0, 1.0]), np.ones(2))
    np.testing.assert_allclose(special.expit(slope * np.array([-1, 1]) + intercept), [1 / 3, 2 / 3])
    slope, intercept = platt_scaling(np.zeros(3), np.array([0.0, 1.0, 1.0]), np.ones(3))
    assert special.expit(intercept) == pytest.approx((1 / 3 + 2 * 3 / 4) / 3)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), truth=st.sampled_from([0.2, 1.0, 5.0]))
def test_the_temperature_is_a_minimum(seed, truth):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(200, 3))
    numbers = (logits / truth + rng.gumbel(size=(200, 3))).argmax(axis=1)

    def cost(T):
        return -special.log_softmax(logits / T, axis=1)[np.arange(200), numbers].mean()

    found = temperature_scaling(logits, numbers, np.ones(200))
    assert np.exp(-10.001) < found < np.exp(10.001)
    others = np.clip(found * np.array([0.5, 0.99, 1.01, 2.0]), np.exp(-10), np.exp(10))
    assert cost(found) <= min(map(cost, others)) + 1e-12


def test_a_perfect_order_has_a_temperature_within_its_bounds():
    logits, numbers = np.array([[1.0, -1.0], [-1.0, 1.0]]), np.array([0, 1])
    coldest = temperature_scaling(logits, numbers, np.ones(2))
    assert np.exp(-10.1) <= coldest < 0.2
    wrong = temperature_scaling(logits, 1 - numbers, np.ones(2))
    assert 10 < wrong <= np.exp(10.1)


@pytest.mark.reference
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
@pytest.mark.parametrize("ensemble", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_scikit_learns(classes, method, ensemble, weighted):
    X, y = problem(1, classes=classes)
    weights = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    settings = {"method": method, "ensemble": ensemble, "cv": 3}
    for ours, theirs in (
        (GaussianNB(), naive_bayes.GaussianNB()),
        (
            LogisticRegression(tol=1e-10),
            linear_model.LogisticRegression(solver="newton-cholesky", tol=1e-10),
        ),
    ):
        one = CalibratedClassifierCV(ours, **settings).fit(X, y, weights)
        other = calibration.CalibratedClassifierCV(theirs, **settings).fit(X, y, weights)
        # their searches stop at slopes of 1e-6: probabilities differ by about 1e-4 at most
        np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), rtol=0, atol=5e-4)
        assert len(one.calibrated_classifiers_) == len(other.calibrated_classifiers_)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_too_sure_a_classifier_becomes_honest(method):
    """Naive Bayes on features that repeat: the log loss on new rows falls."""
    X, y = problem(2, 3000)
    train, test = slice(0, 1500), slice(1500, None)
    raw = GaussianNB().fit(X[train], y[train])
    calibrated = CalibratedClassifierCV(GaussianNB(), method=method).fit(X[train], y[train])
    before = log_loss(y[test], raw.predict_proba(X[test]))
    after = log_loss(y[test], calibrated.predict_proba(X[test]))
    assert after < before


def test_a_machine_without_probabilities_gets_them():
    X, y = problem(3)
    words = np.array(["no", "yes"])[y]
    model = CalibratedClassifierCV(LinearSVC(random_state=0)).fit(X, words)
    table = model.predict_proba(X)
    np.testing.assert_allclose(table.sum(axis=1), 1, rtol=1e-12)
    assert set(model.predict(X)) <= {"no", "yes"}
    assert model.score(X, words) > 0.7
    assert np.array_equal(table, CalibratedClassifierCV().fit(X, words).predict_proba(X))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "magic"}, "known are: sigmoid, isotonic, temperature"),
        ({"ensemble": "some"}, "known are: True, False"),
        ({"cv": 20}, "less than 20 examples"),
        ({"cv": [(np.array([0, 1]), np.array([2]))]}, "stratified cv"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    X, y = np.arange(8.0)[:, None], np.array([0, 1, 2, 1, 0, 2, 1, 0])
    with pytest.raises(ValueError, match=message):
        CalibratedClassifierCV(GaussianNB(), **settings).fit(X, y)
