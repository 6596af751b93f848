"""Dummies against scikit-learn's."""

import numpy as np
import pytest
from sklearn import dummy
from tests.classical.compliance import compliance

from groundup.classical.dummy import DummyClassifier, DummyRegressor
from groundup.classical.estimator import NotFittedError

RANDOM = "other draws for other rows: scikit-learn excuses its DummyClassifier from it too"


@compliance(DummyClassifier(), DummyRegressor(), DummyRegressor(strategy="median"))
def test_conventions(estimator, check):
    check(estimator)


@compliance(
    DummyClassifier(strategy="stratified", random_state=0),
    excused={
        "DummyClassifier": {
            "check_methods_sample_order_invariance": RANDOM,
            "check_methods_subset_invariance": RANDOM,
        }
    },
)
def test_conventions_of_drawn_classes(estimator, check):
    check(estimator)


@pytest.mark.reference
@pytest.mark.parametrize(
    "strategy", ["prior", "most_frequent", "stratified", "uniform", "constant"]
)
@pytest.mark.parametrize("weighted", [True, False])
def test_classes_are_scikit_learns(strategy, weighted):
    rng = np.random.default_rng(0)
    X, y = np.zeros((40, 1)), rng.choice(["a", "b", "c"], 40, p=[0.2, 0.5, 0.3])
    weights = rng.uniform(0, 2, 40) if weighted else None
    options = {"strategy": strategy, "random_state": 3, "constant": "c"}
    ours = DummyClassifier(**options).fit(X, y, weights)
    theirs = dummy.DummyClassifier(**options).fit(X, y, weights)
    assert ours.predict(X).tolist() == theirs.predict(X).tolist()
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X))
    np.testing.assert_allclose(ours.class_prior_, theirs.class_prior_)
    assert ours.score(X, y) == theirs.score(X, y)


@pytest.mark.reference
@pytest.mark.parametrize("options", [{}, {"strategy": "median"}, {"strategy": "quantile",
                         "quantile": 0.8}, {"strategy": "constant", "constant": 3}])  # fmt: skip
def test_numbers_are_scikit_learns(options):
    rng = np.random.default_rng(0)
    X, y, weights = np.zeros((21, 1)), rng.normal(size=21), rng.uniform(0.1, 2, 21)
    ours, theirs = DummyRegressor(**options), dummy.DummyRegressor(**options)
    for given in (None, weights):
        wanted = theirs.fit(X, y, given).predict(X)
        np.testing.assert_allclose(ours.fit(X, y, given).predict(X), wanted)
    if "constant" not in options:
        several = np.column_stack([y, -y])
        wanted = theirs.fit(X, several).predict(X)
        np.testing.assert_allclose(ours.fit(X, several).predict(X), wanted)


def test_x_may_be_anything_with_rows():
    assert DummyClassifier().fit(["red", None], [1, 1]).predict(["x", "y", "z"]).tolist() == [1] * 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: DummyClassifier(strategy="x").fit([[1]], [1]), "strategy is 'x'"),
        (lambda: DummyClassifier(strategy="constant", constant=2).fit([[1]], [1]), "must be pres"),
        (lambda: DummyClassifier().fit([[1]], [1, 2]), "inconsistent numbers"),
        (lambda: DummyRegressor(strategy="x").fit([[1]], [1]), "strategy is 'x'"),
        (lambda: DummyRegressor(strategy="quantile").fit([[1]], [1]), "desired quantile"),
        (lambda: DummyRegressor(strategy="constant").fit([[1]], [1]), "Constant target value"),
        (lambda: DummyRegressor().fit([[1]], [np.nan]), "y contains NaN"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_nothing_is_known_before_fit():
    for model in (DummyClassifier(), DummyRegressor()):
        with pytest.raises(NotFittedError):
            model.predict([[1]])
