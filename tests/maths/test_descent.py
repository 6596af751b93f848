"""The driver of descent, and the rates that theory promises."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.minimisers_family import Quadratic, Rosenbrock

from groundup.maths import descent as d
from groundup.maths import descent_rules as rules
from groundup.maths.convergence import ConvergenceWarning
from groundup.optimizers.adam import adam_step
from groundup.optimizers.sgd import sgd_step

SEEDS = st.integers(0, 2**31)
KAPPAS = st.floats(2, 100)


def errors(problem, rule, steps):
    x, state, out = problem.start, None, []
    for t in range(1, steps + 1):
        out.append(np.linalg.norm(x - problem.best))
        x, state = rule(x, problem.gradient(x), state, t)
    return np.array(out)


@settings(max_examples=30)
@given(SEEDS, KAPPAS)
def test_gradient_descent_contracts_by_kappa_minus_one_over_kappa_plus_one(seed, kappa):
    problem = Quadratic(seed, kappa=kappa)
    rate, factor = d.best_gradient_rate(*d.curvature_range(problem.A))
    assert factor == pytest.approx((kappa - 1) / (kappa + 1), rel=1e-9)
    error = errors(problem, partial(rules.gradient_descent, lr=rate), 30)
    # each step multiplies by I - rate A, of norm exactly `factor`; rounding adds eps kappa |x|
    assert (error[1:] <= factor * error[:-1] + 1e-12).all()


def test_the_factor_is_reached_in_the_two_extreme_directions():
    problem = Quadratic(0, kappa=50.0)
    values, vectors = np.linalg.eigh(problem.A)
    rate, factor = d.best_gradient_rate(values[0], values[-1])
    problem.start = problem.best + vectors[:, 0] + vectors[:, -1]
    error = errors(problem, partial(rules.gradient_descent, lr=rate), 20)
    assert error[1:] / error[:-1] == pytest.approx(factor, rel=1e-9)


@settings(max_examples=20)
@given(SEEDS, KAPPAS)
def test_momentum_contracts_by_the_root_of_kappa(seed, kappa):
    problem = Quadratic(seed, kappa=kappa)
    rate, mu, factor = d.best_momentum(*d.curvature_range(problem.A))
    assert factor == pytest.approx((kappa**0.5 - 1) / (kappa**0.5 + 1), rel=1e-9)
    error = errors(problem, partial(rules.momentum, lr=rate, mu=mu), 60)
    # per eigenvalue a 2x2 map with both roots of modulus at most `factor`: |error_k| is at most
    # (1 + 2k) factor^k |error_0|, the k for a Jordan block at the ends of the spectrum
    k = np.arange(60)
    assert (error <= (1 + 2 * k) * factor**k * error[0] * np.sqrt(5) + 1e-11).all()


@settings(max_examples=30)
@given(SEEDS, KAPPAS)
def test_the_step_one_over_L_falls_by_g_squared_over_2L(seed, kappa):
    problem = Quadratic(seed, kappa=kappa)
    _, L = d.curvature_range(problem.A)
    with pytest.warns(ConvergenceWarning, match="after 5 steps"):
        solution = d.smooth_descent(
            problem.value, problem.gradient, problem.start, L, steps=5, tolerance=1e-300
        )
    x, rule = problem.start, partial(rules.gradient_descent, lr=1 / L)
    for before, after in zip(solution.trace, solution.trace[1:], strict=False):
        g = problem.gradient(x)
        # a fall is a difference of values that are right to about 10 eps |f|
        assert after <= before - g @ g / (2 * L) + 1e-14 * (1 + abs(before))
        x, _ = rule(x, g, None, 1)


def test_twice_that_step_diverges_and_says_so():
    problem = Quadratic(0)
    rule = partial(rules.gradient_descent, lr=2.1 / 10)
    with pytest.warns(ConvergenceWarning, match="take a smaller rate"):
        solution = d.descend(
            problem.value, problem.gradient, problem.start, rule=rule, steps=100_000
        )
    assert not solution.converged
    assert np.isfinite(solution.x).all()
    assert solution.trace[-1] > solution.trace[0]


def test_nesterovs_momentum_beats_gradient_descent_on_a_bad_condition():
    problem = Quadratic(0, kappa=1000.0)
    slow = d.smooth_descent(problem.value, problem.gradient, problem.start, 1000.0, steps=50_000)
    mu = (1000**0.5 - 1) / (1000**0.5 + 1)
    rule = partial(rules.nesterov, lr=1 / 1000, mu=mu)
    fast = d.descend(problem.value, problem.gradient, problem.start, rule=rule)
    assert slow.converged
    assert fast.converged
    assert fast.iterations < slow.iterations / 5


def test_the_functions_of_the_room_optimizers_run_in_the_driver():
    problem = Rosenbrock()

    def adam(p, g, state, t):
        state = (np.zeros_like(p), np.zeros_like(p)) if state is None else state
        return adam_step(p, g, state, t, lr=0.01)

    def momentum(p, g, state, t):
        state = np.zeros_like(p) if state is None else state
        return sgd_step(p, g, state, lr=5e-4, momentum=0.9)

    for rule, ours in [
        (adam, partial(rules.adam, lr=0.01)),
        (momentum, partial(rules.momentum, lr=5e-4, mu=0.9)),
    ]:
        pair = [
            d.descend(
                problem.value, problem.gradient, problem.start, rule=r, tolerance=1e-4, steps=20_000
            )
            for r in (rule, ours)
        ]
        assert pair[0].converged
        assert pair[0].x == pytest.approx(pair[1].x, abs=1e-9)
        assert pair[0].x == pytest.approx([1, 1], abs=4e-4)


@pytest.mark.filterwarnings("ignore::groundup.maths.convergence.ConvergenceWarning")
@settings(max_examples=15)
@given(SEEDS)
def test_rmsprop_with_a_fixed_rate_comes_as_close_as_its_rate(seed):
    problem = Quadratic(seed)
    rule = partial(rules.rmsprop, lr=0.01)
    solution = d.descend(problem.value, problem.gradient, problem.start, rule=rule, steps=3000)
    # its steps need not shrink with the gradient: it may circle within a few rates of the minimum
    assert np.abs(solution.x - problem.best).max() <= 0.05


@settings(max_examples=20)
@given(SEEDS)
def test_the_smoothness_of_least_squares_is_the_largest_eigenvalue(seed):
    A = np.random.default_rng(seed).normal(size=(6, 3))
    L = d.smoothness_of_least_squares(A)
    assert d.curvature_range(A.T @ A)[1] == pytest.approx(L, rel=1e-12)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="wanted 0 < smallest <= largest"):
        d.best_gradient_rate(0.0, 1.0)
    with pytest.raises(ValueError, match="wanted 0 < smallest <= largest"):
        d.best_momentum(2.0, 1.0)
    with pytest.raises(ValueError, match="smoothness is -1"):
        d.smooth_descent(np.sum, np.ones_like, [1.0], -1.0)
    with pytest.raises(ValueError, match="wanted a matrix"):
        d.smoothness_of_least_squares([1.0])
    with pytest.raises(ValueError, match="not symmetric"):
        d.curvature_range([[1, 2], [3, 4]])
