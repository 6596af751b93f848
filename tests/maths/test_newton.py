"""Newton's method for minima and roots, and its trust region."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.minimisers_family import Quadratic, Rosenbrock

from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.newton import newton, newton_direction, newton_root
from groundup.maths.trust_region import steihaug, trust_region

SEEDS = st.integers(0, 2**31)


@settings(max_examples=30)
@given(SEEDS, st.floats(0, 6))
def test_one_step_on_a_convex_quadratic(seed, decades):
    problem = Quadratic(seed, kappa=10.0**decades)
    # the step is exact but for kappa eps: a gradient of 1e-8 is left at most
    solution = newton(
        problem.value, problem.gradient, problem.start, problem.hessian, tolerance=1e-8
    )
    assert solution.converged
    assert solution.iterations == 1


@settings(max_examples=40)
@given(SEEDS)
def test_the_direction_goes_down_whatever_the_hessian(seed):
    rng = np.random.default_rng(seed)
    H, g = rng.normal(size=(4, 4)) * 10.0 ** rng.integers(-6, 6), rng.normal(size=4)
    assert newton_direction(H + H.T, g) @ g < 0
    assert newton_direction(np.zeros((4, 4)), g) @ g < 0
    convex = H @ H.T + np.linalg.norm(H) ** 2 * np.eye(4)
    assert newton_direction(convex, g) == pytest.approx(-np.linalg.solve(convex, g), rel=1e-10)


def test_right_digits_double():
    problem = Rosenbrock()
    trace = newton(problem.value, problem.gradient, problem.start, problem.hessian).trace
    # f is about the square of the distance; quadratic convergence squares it once more
    assert trace[-1] < trace[-2] ** 1.5 < 1e-6


def test_it_leaves_a_saddle_and_finds_a_minimum():
    def f(x):
        return x[0] ** 2 - x[1] ** 2 + x[1] ** 4 / 4

    def gradient(x):
        return np.array([2 * x[0], -2 * x[1] + x[1] ** 3])

    def hessian(x):
        return np.diag([2.0, -2 + 3 * x[1] ** 2])

    for solution in (
        newton(f, gradient, [1.0, 1e-3], hessian),
        trust_region(f, gradient, [1.0, 1e-3], lambda x, v: hessian(x) @ v),
    ):
        assert solution.x == pytest.approx([0, 2**0.5], abs=1e-7)


@settings(max_examples=40)
@given(SEEDS, st.floats(1e-3, 10))
def test_a_steihaug_step_stays_inside_and_beats_the_cauchy_point(seed, radius):
    rng = np.random.default_rng(seed)
    H, g = rng.normal(size=(5, 5)), rng.normal(size=5)
    H = H + H.T
    p = steihaug(g, lambda v: H @ v, radius)
    assert np.linalg.norm(p) <= radius * (1 + 1e-12)
    curvature = g @ H @ g
    norm = np.linalg.norm(g)
    longest = radius / norm
    cauchy = -(longest if curvature <= 0 else min(longest, norm**2 / curvature)) * g
    model = [g @ s + s @ H @ s / 2 for s in (p, cauchy)]
    assert model[0] <= model[1] + 1e-12


@pytest.mark.reference
@settings(max_examples=25)
@given(SEEDS)
def test_roots_are_scipys(seed):
    rng = np.random.default_rng(seed)
    A, b = np.eye(3) * 4 + rng.uniform(-1, 1, size=(3, 3)), rng.normal(size=3)

    def F(x):
        return A @ x + np.sin(x) - b

    def J(x):
        return A + np.diag(np.cos(x))

    ours = newton_root(F, J, np.zeros(3))
    theirs = scipy.optimize.root(F, np.zeros(3), jac=J, tol=1e-12)
    assert ours.converged
    # |J^-1| <= 1 here: the root is off by no more than |F|
    assert ours.x == pytest.approx(theirs.x, abs=1e-9)
    assert (np.diff(ours.trace) < 0).all()


def test_a_root_where_newtons_full_steps_diverge():
    solution = newton_root(lambda x: np.arctan(x), lambda x: np.diag(1 / (1 + x**2)), [3.0])
    assert solution.x == pytest.approx([0], abs=1e-10)


def test_no_root_is_reported():
    with pytest.warns(ConvergenceWarning, match="has a minimum"):
        solution = newton_root(lambda x: x**2 + 1, lambda x: np.diag(2 * x), [1.0])
    assert not solution.converged
    with pytest.warns(ConvergenceWarning, match="no root after 1 steps"):
        newton_root(lambda x: x**3, lambda x: np.diag(3 * x**2), [1.0], steps=1)
    with pytest.warns(ConvergenceWarning, match="Jacobian is not finite"):
        newton_root(lambda x: x - 5, lambda x: np.array([[np.nan]]), [1.0])


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"Hessian has shape \(1, 2\)"):
        newton(lambda x: x @ x, lambda x: 2 * x, [1.0, 2.0], lambda x: np.ones((1, 2)))
    with pytest.raises(ValueError, match="finite"):
        newton(lambda x: x @ x, lambda x: 2 * x, [1.0, 2.0], lambda x: np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match="F is not finite"):
        newton_root(lambda x: x * np.nan, lambda x: np.eye(1), [1.0])
    with pytest.raises(ValueError, match="radius is 0"):
        trust_region(np.sum, np.ones_like, [1.0], lambda x, v: v, radius=0)
