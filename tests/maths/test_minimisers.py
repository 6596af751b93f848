"""The list of checks that every minimiser without constraints passes."""

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.minimisers_family import FAMILY, Quadratic, Rosenbrock

from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.quasi_newton import lbfgs

MEMBERS = pytest.mark.parametrize("name", FAMILY)
SEEDS = st.integers(0, 2**31)


@MEMBERS
@settings(max_examples=8)
@given(seed=SEEDS)
def test_it_finds_the_minimum_of_a_convex_quadratic(name, seed):
    solve, falls, _ = FAMILY[name]
    problem = Quadratic(seed)
    solution = solve(problem, problem.start, tolerance=1e-6)
    assert solution.converged, solution.message
    # |x - x*| <= |g| / mu with mu = 1 and |g|_2 <= sqrt(5) 1e-6
    assert np.abs(solution.x - problem.best).max() <= 2.3e-6
    assert solution.value == pytest.approx(problem.value(solution.x), abs=1e-13)
    assert len(solution.trace) == solution.iterations + 1
    if falls:
        # each step may rise by the rounding that the line search forgives
        assert (np.diff(solution.trace) <= 1e-13 * (1 + np.abs(solution.trace[1:]))).all()


@pytest.mark.reference
@pytest.mark.parametrize("name", [name for name, (_, _, can) in FAMILY.items() if can])
def test_it_follows_rosenbrocks_valley_as_scipy_does(name):
    problem = Rosenbrock()
    solution = FAMILY[name][0](problem, problem.start, tolerance=1e-6, steps=20_000)
    theirs = scipy.optimize.minimize(problem.value, problem.start, jac=problem.gradient, tol=1e-8)
    assert solution.converged, solution.message
    # the Hessian's smallest eigenvalue at the minimum is 0.4: |x - x*| <= sqrt(2) 1e-6 / 0.4
    assert solution.x == pytest.approx(problem.best, abs=4e-6)
    assert solution.x == pytest.approx(theirs.x, abs=1e-5)


@MEMBERS
def test_it_stays_at_the_optimum(name):
    problem = Quadratic(0)
    solution = FAMILY[name][0](problem, problem.best)
    assert solution.converged
    assert solution.iterations == 0
    assert solution.x == pytest.approx(problem.best, abs=1e-15)


@MEMBERS
@pytest.mark.parametrize(
    ("start", "words"),
    [
        ([np.nan, 1.0], "start holds NaN or infinity"),
        ([np.inf, 1.0], "start holds NaN or infinity"),
        ([], "start has shape"),
        ([[1.0, 2.0]], "start has shape"),
        (["a", "b"], "start has dtype"),
        ([1j, 0], "start has dtype complex"),
        ([1e200, 1.0], "not finite at the start"),
    ],
)
def test_it_refuses_a_bad_start(name, start, words):
    with pytest.raises(ValueError, match=words), np.errstate(over="ignore", invalid="ignore"):
        FAMILY[name][0](Rosenbrock(), start)


@MEMBERS
def test_it_reports_that_it_did_not_arrive(name):
    problem = Rosenbrock()
    with pytest.warns(ConvergenceWarning, match=r"after 2 steps|out of range") as caught:
        solution = FAMILY[name][0](problem, problem.start, steps=2)
    assert not solution.converged
    assert solution.iterations <= 2
    assert solution.message == str(caught[0].message)
    assert np.isfinite(solution.x).all()


@MEMBERS
def test_it_leaves_its_input_alone_and_takes_integers(name):
    problem = Quadratic(1, size=2)
    start = np.array([3, -2])
    solution = FAMILY[name][0](problem, start)
    assert start.tolist() == [3, -2]
    assert solution.converged
    assert solution.x.dtype == np.float64


@MEMBERS
def test_it_refuses_functions_of_the_wrong_shape(name):
    problem = Quadratic(2, size=3)
    problem.gradient = lambda x: np.zeros((3, 1))
    with pytest.raises(ValueError, match=r"the gradient has shape \(3, 1\); wanted \(3,\)"):
        FAMILY[name][0](problem, problem.start)
    problem = Quadratic(2, size=3)
    problem.value = lambda x: x
    with pytest.raises(ValueError, match="wanted one number"):
        FAMILY[name][0](problem, problem.start)
    with pytest.raises(ValueError, match="tolerance is 0"):
        FAMILY[name][0](Quadratic(2), Quadratic(2).start, tolerance=0)


@MEMBERS
def test_it_says_so_where_there_is_no_minimum(name):
    class Slope:
        value = staticmethod(lambda x: float(x.sum()))
        gradient = staticmethod(np.ones_like)
        hessian = staticmethod(lambda x: np.zeros((x.size, x.size)))

    with pytest.warns(ConvergenceWarning):
        solution = FAMILY[name][0](Slope(), np.zeros(3), steps=100)
    assert not solution.converged


@pytest.mark.parametrize("name", ["bfgs", "lbfgs", "conjugate gradient", "newton", "trust region"])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_a_large_constant_hides_the_last_digits_and_it_still_arrives(name, offset):
    problem = Quadratic(3, kappa=1e4)
    plain = problem.value
    problem.value = lambda x: plain(x) + offset
    solution = FAMILY[name][0](problem, 10 * problem.start, tolerance=1e-6)
    assert solution.converged, solution.message
    # what is left of f is below its rounding, 64 eps (1e3 + the terms of the sum)
    assert plain(solution.x) - plain(problem.best) <= 64 * 2.3e-16 * (offset + 1e3)


@pytest.mark.reference
def test_lbfgs_is_torchs_in_the_number_of_steps_and_the_minimum():
    problem = Rosenbrock()
    point = torch.tensor(problem.start, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [point],
        line_search_fn="strong_wolfe",
        max_iter=200,
        tolerance_grad=1e-8,
        tolerance_change=0,
    )

    def closure():
        optimizer.zero_grad()
        loss = (1 - point[0]) ** 2 + 100 * (point[1] - point[0] ** 2) ** 2
        loss.backward()
        return loss

    optimizer.step(closure)
    ours = lbfgs(problem.value, problem.gradient, problem.start, tolerance=1e-8)
    assert ours.x == pytest.approx(point.detach().numpy(), abs=1e-6)
    assert ours.iterations <= 2 * optimizer.state[point]["n_iter"]


@pytest.mark.reference
@settings(max_examples=15)
@given(seed=SEEDS, name=st.sampled_from(["bfgs", "lbfgs", "newton", "trust region"]))
def test_logistic_regression_is_scipys(seed, name):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(40, 3)), rng.choice([-1.0, 1.0], size=40)

    class Logistic:
        def value(self, w):
            return np.logaddexp(0, -y * (X @ w)).sum() + w @ w / 2

        def gradient(self, w):
            return w - X.T @ (y / (1 + np.exp(y * (X @ w))))

        def hessian(self, w):
            p = 1 / (1 + np.exp(-X @ w))
            return np.eye(3) + (X.T * (p * (1 - p))) @ X

    problem = Logistic()
    ours = FAMILY[name][0](problem, np.zeros(3), tolerance=1e-7)
    theirs = scipy.optimize.minimize(problem.value, np.zeros(3), jac=problem.gradient, tol=1e-7)
    # the penalty makes f strongly convex with mu = 1: both are within |g| of the minimum
    assert ours.converged
    assert ours.x == pytest.approx(theirs.x, abs=1e-6)
