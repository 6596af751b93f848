"""Ridge regression against scikit-learn and its own equations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import linear_model
from tests.classical.compliance import compliance

from groundup.classical.linear import LinearRegression
from groundup.classical.ridge import (
    Ridge,
    RidgeClassifier,
    ridge_by_normal_equations,
    ridge_by_svd,
    ridge_trace,
)


@compliance(Ridge(), Ridge(solver="svd"), RidgeClassifier(), RidgeClassifier(alpha=0.1))
def test_conventions(estimator, check):
    check(estimator)


def problem(seed, n, f, outputs=None):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, f)) + rng.normal(size=f)
    y = X @ rng.normal(size=(f,) if outputs is None else (f, outputs))
    return X, y + 0.1 * rng.normal(size=y.shape) + 3


@pytest.mark.reference
@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 50),
    f=st.integers(1, 60),
    outputs=st.sampled_from([None, 1, 3]),
    alpha=st.sampled_from([1e-3, 1.0, 1e3]),
    solver=st.sampled_from(["auto", "cholesky", "svd"]),
    weighted=st.booleans(),
)
def test_it_is_scikit_learns(seed, n, f, outputs, alpha, solver, weighted):
    X, y = problem(seed, n, f, outputs)
    weights = np.random.default_rng(seed).uniform(0.5, 2, n) if weighted else None
    ours = Ridge(alpha, solver=solver).fit(X, y, weights)
    theirs = linear_model.Ridge(alpha, solver=solver).fit(X, y, weights)
    assert ours.coef_.shape == theirs.coef_.shape
    assert np.shape(ours.intercept_) == np.shape(theirs.intercept_)
    # condition of X'X + alpha I is below |X|^2 / alpha + 1 < 3e6 here: 3e6 eps = 7e-10, and the
    # coefficients are below 100
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-7)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-6)


@pytest.mark.reference
@pytest.mark.parametrize("solver", ["auto", "cholesky", "svd"])
def test_each_output_may_have_its_penalty(solver):
    X, y = problem(0, 30, 5, 3)
    ours = Ridge([0.1, 1.0, 10.0], solver=solver).fit(X, y)
    theirs = linear_model.Ridge([0.1, 1.0, 10.0], solver="svd").fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-12)
    assert ours.solver_ == "svd"
    same = Ridge([2.0, 2.0, 2.0]).fit(X, y)
    assert same.solver_ == "cholesky"
    np.testing.assert_allclose(same.coef_, Ridge(2.0).fit(X, y).coef_)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 30), f=st.integers(1, 30))
def test_both_solvers_meet_the_normal_equations(seed, n, f):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, f)), rng.normal(size=(n, 2))
    for solve in (ridge_by_normal_equations, ridge_by_svd):
        W = solve(X, Y, 0.5)
        # sums of n products, |X'X| below 200 and its condition below 400
        assert np.abs(X.T @ (X @ W - Y) + 0.5 * W).max() < 1e-11


def test_no_penalty_is_least_squares():
    X, y = problem(1, 30, 4)
    model = Ridge(0).fit(X, y)
    assert model.solver_ == "svd"
    np.testing.assert_allclose(model.coef_, LinearRegression().fit(X, y).coef_, atol=1e-12)
    doubled = np.column_stack([X, X])
    with_copies = Ridge(0).fit(doubled, y)
    np.testing.assert_allclose(with_copies.coef_, np.tile(model.coef_ / 2, 2), atol=1e-12)


def test_a_singular_matrix_falls_back_to_the_svd():
    X = np.zeros((4, 2))
    model = Ridge(0, solver="cholesky").fit(X, [1, 2, 3, 4])
    assert model.solver_ == "svd"
    assert model.coef_.tolist() == [0, 0]
    assert model.intercept_ == 2.5


def test_copies_of_a_feature_share_its_coefficient():
    X, y = problem(2, 40, 1)
    model = Ridge(1).fit(np.column_stack([X, X, X]), y)
    np.testing.assert_allclose(model.coef_, model.coef_[0], rtol=1e-10)


def test_the_trace_shrinks_to_zero_and_ends_as_ridge():
    X, y = problem(3, 40, 6)
    alphas = np.logspace(-3, 6, 25)
    trace = ridge_trace(X, y, alphas)
    norms = np.linalg.norm(trace, axis=1)
    assert (np.diff(norms) < 0).all()
    assert norms[-1] < 0.01 * norms[0]
    for alpha, row in zip(alphas, trace, strict=True):
        np.testing.assert_allclose(row, Ridge(alpha).fit(X, y).coef_, rtol=1e-8)
    with pytest.raises(ValueError, match=r"one target a row is wanted: 40"):
        ridge_trace(X, y[:3], alphas)


@pytest.mark.reference
@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.integers(2, 4),
    class_weight=st.sampled_from([None, "balanced", {0: 2.0, 1: 0.5}]),
)
def test_the_classifier_is_scikit_learns(seed, classes, class_weight):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(40, 3)), rng.integers(classes, size=40)
    y[:classes] = np.arange(classes)
    ours = RidgeClassifier(0.5, class_weight=class_weight).fit(X, y)
    theirs = linear_model.RidgeClassifier(0.5, class_weight=class_weight).fit(X, y)
    np.testing.assert_allclose(ours.coef_, np.atleast_2d(theirs.coef_), atol=1e-9)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-9)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-9)
    assert (ours.predict(X) == theirs.predict(X)).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": -1}, "at least 0"),
        ({"alpha": np.nan}, "finite"),
        ({"alpha": [1.0, 2.0]}, "Number of targets and number of penalties"),
        ({"solver": "magic"}, "known are: auto, cholesky, svd"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Ridge(**settings).fit([[1.0], [2.0]], [1.0, 2.0])


def test_class_weights_that_cannot_be_are_refused():
    for weights, message in (
        ("even", "'balanced'"),
        ([1, 2], "dictionary"),
        ({5: 1}, "names 5"),
        ({0: -1}, "at least 0"),
    ):
        with pytest.raises(ValueError, match=message):
            RidgeClassifier(class_weight=weights).fit([[1.0], [2.0]], [0, 1])


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="at least two classes"):
        RidgeClassifier().fit([[1.0], [2.0]], [1, 1])
