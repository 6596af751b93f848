"""Poisson regression against scikit-learn and statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import linear_model
from sklearn.metrics import mean_poisson_deviance
from tests.classical.compliance import compliance

from groundup.classical.generalised_linear import (
    PoissonObjective,
    PoissonRegressor,
    poisson_deviance,
    poisson_loss,
)
from groundup.maths.convergence import ConvergenceWarning


@compliance(PoissonRegressor(), PoissonRegressor(solver="newton-cholesky"))
def test_conventions(estimator, check):
    check(estimator)


def problem(seed, n=80, f=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, f))
    y = rng.poisson(np.exp(X @ rng.normal(size=f) * 0.5 + 0.5)).astype(float)
    y[0] = 1.0
    return X, y


@pytest.mark.reference
@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    alpha=st.sampled_from([0.01, 1.0, 10.0]),
    solver=st.sampled_from(["lbfgs", "newton-cholesky"]),
    fit_intercept=st.booleans(),
    weighted=st.booleans(),
)
def test_it_is_scikit_learns(seed, alpha, solver, fit_intercept, weighted):
    X, y = problem(seed)
    weights = np.random.default_rng(seed).uniform(0.1, 2, len(y)) if weighted else None
    settings = {"alpha": alpha, "fit_intercept": fit_intercept}
    ours = PoissonRegressor(solver=solver, tol=1e-10, max_iter=1000, **settings)
    theirs = linear_model.PoissonRegressor(solver="newton-cholesky", tol=1e-12, **settings)
    ours.fit(X, y, weights)
    theirs.fit(X, y, weights)
    # slopes of 1e-10 over a curvature of at least 0.01
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-7)
    assert ours.intercept_ == pytest.approx(theirs.intercept_, abs=1e-7)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6)
    score = ours.score(X, y, weights)
    assert score == pytest.approx(theirs.score(X, y, weights), abs=1e-6)


@pytest.mark.reference
def test_without_penalty_it_is_statsmodels_glm():
    X, y = problem(1, 300)
    ours = PoissonRegressor(alpha=0, solver="newton-cholesky", tol=1e-12).fit(X, y)
    theirs = sm.GLM(y, sm.add_constant(X), family=sm.families.Poisson()).fit(tol=1e-13)
    np.testing.assert_allclose(np.append(ours.intercept_, ours.coef_), theirs.params, rtol=1e-8)
    mean = ours.predict(X)
    assert poisson_deviance(y, mean, np.ones(300)) * 300 == pytest.approx(theirs.deviance)


@pytest.mark.reference
@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0.01, 20)), min_size=1, max_size=9))
def test_the_deviance_is_scikit_learns(pairs):
    y, mean = np.array(pairs, float).T
    got = poisson_deviance(y, mean, np.ones(len(y)))
    assert got == pytest.approx(mean_poisson_deviance(y, mean), rel=1e-9, abs=1e-12)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_gradient_and_hessian_are_differences(seed):
    X, y = problem(seed, 20)
    objective = PoissonObjective(X, y, np.full(20, 0.05), np.full(3, 0.1))
    rng = np.random.default_rng(seed)
    x, way, step = 0.3 * rng.normal(size=3), rng.normal(size=3), 1e-5
    ahead, behind = x + step * way, x - step * way
    # step^2 times a third derivative below 1e3, and eps / step
    slope = (objective.value(ahead) - objective.value(behind)) / (2 * step)
    assert objective.gradient(x) @ way == pytest.approx(slope, abs=1e-6)
    bend = (objective.gradient(ahead) - objective.gradient(behind)) / (2 * step)
    np.testing.assert_allclose(objective.hessian(x) @ way, bend, rtol=0, atol=1e-6)


def test_an_intercept_alone_learns_the_mean():
    model = PoissonRegressor(alpha=1e6, tol=1e-12).fit([[1.0], [2.0], [3.0]], [1.0, 5.0, 0.0])
    np.testing.assert_allclose(model.predict([[1.0], [9.0]]), 2.0, rtol=1e-5)


def test_the_mean_of_predictions_is_the_mean_of_counts():
    """The slope along the intercept, which has no penalty, is zero."""
    X, y = problem(2)
    model = PoissonRegressor(tol=1e-12).fit(X, y)
    assert model.predict(X).mean() == pytest.approx(y.mean(), abs=1e-10)


def test_large_features_do_not_overflow_the_search():
    X = np.array([[1000.0], [-1000.0], [500.0], [0.0]])
    for solver in ("lbfgs", "newton-cholesky"):
        model = PoissonRegressor(alpha=1e-3, solver=solver, max_iter=1000).fit(X, [9, 0, 4, 2])
        assert np.isfinite(model.predict(X)).all()
    losses, _ = poisson_loss(np.array([1e4]), np.array([1.0]))
    assert losses[0] == np.inf


def test_steps_that_were_too_few_are_told():
    X, y = problem(3)
    with pytest.warns(ConvergenceWarning, match="raise max_iter=1"):
        PoissonRegressor(max_iter=1, tol=1e-10).fit(X, y)


def test_a_constant_target_scores_one_or_zero():
    model = PoissonRegressor().fit([[0.0], [0.0]], [3.0, 3.0])
    assert model.score([[0.0], [0.0]], [3.0, 3.0]) in (0.0, 1.0)
    assert model.score([[0.0], [0.0]], [5.0, 5.0]) == 0.0


@pytest.mark.parametrize(
    ("settings", "y", "message"),
    [
        ({}, [-1.0, 2.0], "none may be negative"),
        ({}, [0.0, 0.0], "one must be above 0"),
        ({"alpha": -1}, [1.0, 2.0], "at least 0"),
        ({"solver": "magic"}, [1.0, 2.0], "known are: lbfgs, newton-cholesky"),
        ({"max_iter": 0}, [1.0, 2.0], "max_iter >= 1"),
    ],
)
def test_bad_input_is_refused(settings, y, message):
    with pytest.raises(ValueError, match=message):
        PoissonRegressor(**settings).fit([[1.0], [2.0]], y)
