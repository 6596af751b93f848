import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from groundup.classical.kernel_functions import linear_kernel, rbf_kernel
from groundup.classical.smo import (
    choose_pair,
    free_ways,
    intercept_and_residual,
    smo,
    solve,
)
from groundup.swap import Replacement, replaced


def problem(seed, n, doubled=False):
    """The dual of random samples: a kernel matrix, signs, scores and bounds."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    K = rbf_kernel(X, X, 0.5)
    if doubled:
        y = np.sin(X[:, 0]) + 0.1 * rng.normal(size=n)
        signs = np.repeat([1.0, -1.0], n)
        return K, signs, np.concatenate([y - 0.1, y + 0.1]), rng.uniform(0.1, 5, 2 * n)
    signs = np.where(X[:, 0] + 0.5 * rng.normal(size=n) > 0, 1.0, -1.0)
    return K, signs, signs.copy(), rng.uniform(0.1, 5, n)


def objective(alpha, K, signs, scores):
    beta = (signs * alpha).reshape(-1, len(K)).sum(axis=0)
    return 0.5 * beta @ K @ beta - scores @ (signs * alpha)


@given(st.integers(0, 9999), st.integers(2, 40), st.booleans())
@settings(max_examples=40)
def test_the_end_is_feasible_and_keeps_the_conditions_of_the_optimum(seed, n, doubled):
    K, signs, scores, bounds = problem(seed, n, doubled)
    dual = solve(K, signs, scores, bounds, 1e-9, 10**6)
    assert dual.converged
    assert dual.residual <= 1e-9
    assert ((dual.alpha >= 0) & (dual.alpha <= bounds)).all()
    assert abs(signs @ dual.alpha) < 1e-13 * (1 + dual.steps) * bounds.max()  # an ulp a step
    beta = (signs * dual.alpha).reshape(-1, len(K)).sum(axis=0)
    fresh = scores - np.tile(K @ beta, len(signs) // len(K))
    b, residual = intercept_and_residual(dual.alpha, fresh, signs, bounds)
    drift = 1e-15 * (10 + dual.steps) * bounds.max()  # a rounding of the scores a step
    assert residual <= 1e-9 + drift
    assert abs(b - dual.intercept) <= 1e-9 + drift


@pytest.mark.reference
@pytest.mark.parametrize("doubled", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_no_point_that_scipy_finds_is_lower(seed, doubled):
    K, signs, scores, bounds = problem(seed, 12, doubled)
    dual = solve(K, signs, scores, bounds, 1e-10, 10**6)
    ours = objective(dual.alpha, K, signs, scores)
    judge = minimize(
        objective,
        np.zeros(len(signs)),
        args=(K, signs, scores),
        bounds=list(zip(np.zeros(len(signs)), bounds, strict=True)),
        constraints={"type": "eq", "fun": lambda alpha: signs @ alpha},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    # the duality gap is below the residual times the sum of bounds; SLSQP stops within 1e-8
    assert ours <= judge.fun + 1e-10 * bounds.sum()
    assert judge.fun <= ours + 1e-6


@pytest.mark.parametrize("doubled", [False, True])
def test_both_paths_take_the_same_steps(doubled):
    K, signs, scores, bounds = problem(7, 30, doubled)
    fast = solve(K, signs, scores, bounds, 1e-6, 10**6)
    alpha, _, steps = smo(K, signs, scores, bounds, 1e-6, 10**6)
    assert steps == fast.steps
    np.testing.assert_allclose(alpha, fast.alpha, atol=1e-12)


def test_every_step_lowers_the_objective():
    K, signs, scores, bounds = problem(3, 25)
    alphas = [smo(K, signs, scores, bounds, 1e-9, steps)[0] for steps in range(60)]
    values = [objective(alpha, K, signs, scores) for alpha in alphas]
    assert np.diff(values).max() <= 1e-14


def test_the_pair_is_the_best_second_order_one():
    K, signs, scores, bounds = problem(5, 20)
    alpha, scores, _ = smo(K, signs, scores, bounds, 1e-9, 9)
    may_rise, may_fall = free_ways(alpha, signs, bounds)
    i, j, missed = choose_pair(K, scores, may_rise, may_fall)
    assert scores[i] == scores[may_rise].max()
    assert missed == scores[i] - scores[may_fall].min()
    gains = {
        t: (scores[i] - scores[t]) ** 2 / (K[i, i] + K[t, t] - 2 * K[i, t])
        for t in np.flatnonzero(may_fall)
        if scores[t] < scores[i]
    }
    assert j == max(gains, key=gains.get)


def test_equal_rows_of_both_classes_end_at_their_bounds():
    X = np.ones((4, 2))
    signs = np.array([1.0, -1.0, 1.0, -1.0])
    dual = solve(linear_kernel(X, X), signs, signs, np.full(4, 2.0), 1e-6, 1000)
    assert dual.converged
    assert dual.alpha.tolist() == [2.0] * 4
    assert dual.intercept == 0.0


def test_giving_up_is_told():
    K, signs, scores, bounds = problem(0, 30)
    dual = solve(K, signs, scores, bounds, 1e-9, 3)
    assert not dual.converged
    assert dual.steps == 3
    assert dual.residual > 1e-9


def test_a_replaced_choice_runs():
    seen = []

    def the_worst_two(K, scores, may_rise, may_fall):
        seen.append(1)
        i = int(np.argmax(np.where(may_rise, scores, -np.inf)))
        j = int(np.argmin(np.where(may_fall, scores, np.inf)))
        return i, j, float(scores[i] - scores[j])

    K, signs, scores, bounds = problem(1, 20)
    best = solve(K, signs, scores, bounds, 1e-8, 10**5)
    part = "classical.smo:choose_pair"
    stand_in = Replacement(part=part, file="", name="", sha256="", function=the_worst_two)
    with replaced([stand_in]):
        other = solve(K, signs, scores, bounds, 1e-8, 10**5)
    assert len(seen) == other.steps + 1
    np.testing.assert_allclose(other.alpha, best.alpha, atol=1e-5)  # same optimum, by first order
