"""Lagrange multipliers and the augmented Lagrangian, against SciPy and problems solved by hand."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.maths.augmented_lagrangian import augmented_lagrangian
from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.kkt import kkt_residuals
from groundup.maths.lagrange import newton_kkt

SEEDS = st.integers(0, 2**31)


def by_kkt(f, g, c, J, start, **settings_):
    return newton_kkt(f, g, c, J, start, **settings_)


def by_multipliers(f, g, c, J, start, **settings_):
    return augmented_lagrangian(f, g, start, equality=(c, J), **settings_)


BOTH = pytest.mark.parametrize("solve", [by_kkt, by_multipliers])
CIRCLE = (lambda x: np.array([x @ x - 2]), lambda x: 2 * x[np.newaxis])
SUM = (lambda x: x.sum(), np.ones_like)


@BOTH
@settings(max_examples=25)
@given(angle=st.floats(0, 6.28), radius=st.floats(0.2, 4))
def test_the_nearest_corner_of_a_circle(solve, angle, radius):
    # min x + y on x^2 + y^2 = 2: at (-1, -1), where 1 + 2 y x = 0 and so y = 1/2
    start = radius * np.array([np.cos(angle), np.sin(angle)])
    if abs(start[0] - start[1]) < 1e-6:
        return  # on the line through the maximum, which is stationary too
    solution = solve(*SUM, *CIRCLE, start)
    assert solution.converged, solution.message
    assert solution.x == pytest.approx([-1, -1], abs=1e-5)
    assert solution.equality == pytest.approx([0.5], abs=1e-5)
    assert solution.value == pytest.approx(-2, abs=1e-5)


@BOTH
def test_the_most_entropy_is_the_uniform_distribution(solve):
    # min sum p log p with sum p = 1: p = 1/n, where log p + 1 + y = 0 and so y = log n - 1
    solution = solve(
        lambda p: float((p * np.log(p)).sum()) if (p > 0).all() else np.inf,
        lambda p: np.log(p) + 1,
        lambda p: np.array([p.sum() - 1]),
        lambda p: np.ones((1, p.size)),
        [0.1, 0.2, 0.3, 0.4],
    )
    assert solution.x == pytest.approx([0.25] * 4, abs=1e-6)
    assert solution.equality == pytest.approx([np.log(4) - 1], abs=1e-5)


def hock_schittkowski_77():
    """Two equalities in five variables; the optimum 0.24150513 is in their collection (1981)."""

    def f(x):
        return (
            (x[0] - 1) ** 2
            + (x[0] - x[1]) ** 2
            + (x[2] - 1) ** 2
            + (x[3] - 1) ** 4
            + (x[4] - 1) ** 6
        )

    def g(x):
        return np.array(
            [
                2 * (x[0] - 1) + 2 * (x[0] - x[1]),
                -2 * (x[0] - x[1]),
                2 * (x[2] - 1),
                4 * (x[3] - 1) ** 3,
                6 * (x[4] - 1) ** 5,
            ]
        )

    def c(x):
        return np.array(
            [
                x[0] ** 2 * x[3] + np.sin(x[3] - x[4]) - 2 * 2**0.5,
                x[1] + x[2] ** 4 * x[3] ** 2 - 8 - 2**0.5,
            ]
        )

    def J(x):
        turn = np.cos(x[3] - x[4])
        return np.array(
            [
                [2 * x[0] * x[3], 0, 0, x[0] ** 2 + turn, -turn],
                [0, 1, 4 * x[2] ** 3 * x[3] ** 2, 2 * x[2] ** 4 * x[3], 0],
            ]
        )

    return f, g, c, J, np.full(5, 2.0)


@pytest.mark.reference
@BOTH
def test_hock_and_schittkowski_77_is_slsqps(solve):
    f, g, c, J, start = hock_schittkowski_77()
    solution = solve(f, g, c, J, start)
    theirs = scipy.optimize.minimize(
        f,
        start,
        jac=g,
        constraints={"type": "eq", "fun": c, "jac": J},
        method="SLSQP",
        options={"ftol": 1e-12},
    )
    assert solution.converged
    assert solution.value == pytest.approx(0.24150513, abs=1e-6)
    assert solution.value == pytest.approx(theirs.fun, abs=1e-6)
    assert solution.x == pytest.approx(theirs.x, abs=1e-3)
    found = kkt_residuals(
        g(solution.x),
        equality=c(solution.x),
        equality_jacobian=J(solution.x),
        equality_multipliers=solution.equality,
    )
    assert found.largest <= 1e-6


@pytest.mark.reference
@settings(max_examples=20)
@given(SEEDS)
def test_the_largest_eigenvalue_is_a_constrained_maximum(seed):
    # max x'Ax on the unit sphere: x an eigenvector, the multiplier its eigenvalue
    root = np.random.default_rng(seed).normal(size=(4, 4))
    A = root + root.T
    start = np.random.default_rng(seed + 1).normal(size=4)
    solution = newton_kkt(
        lambda x: -x @ A @ x,
        lambda x: -2 * A @ x,
        lambda x: np.array([x @ x - 1]),
        lambda x: 2 * x[np.newaxis],
        start,
        hessian=lambda x, y: -2 * A + 2 * y[0] * np.eye(4),
    )
    assert solution.converged
    values = np.linalg.eigvalsh(A)
    # it is convex along the constraint at the end, so no eigenvector but the last will do
    assert solution.equality[0] == pytest.approx(values[-1], abs=1e-6)
    assert -solution.value == pytest.approx(values[-1], abs=1e-6)


@settings(max_examples=25)
@given(SEEDS)
def test_one_step_for_a_quadratic_with_linear_constraints(seed):
    rng = np.random.default_rng(seed)
    root, A, b = rng.normal(size=(4, 4)), rng.normal(size=(2, 4)), rng.normal(size=2)
    P, q = root @ root.T + np.eye(4), rng.normal(size=4)
    solution = newton_kkt(
        lambda x: x @ P @ x / 2 + q @ x,
        lambda x: P @ x + q,
        lambda x: A @ x - b,
        lambda x: A,
        rng.normal(size=4),
        hessian=lambda x, y: P,
    )
    assert solution.converged
    assert solution.iterations == 1


@settings(max_examples=20)
@given(st.floats(0.5, 4))
def test_a_multiplier_is_the_price_of_its_constraint(t):
    def least(area):
        # the least perimeter of a rectangle of that area
        return newton_kkt(
            lambda x: 2 * x.sum(),
            lambda x: np.full(2, 2.0),
            lambda x: np.array([x[0] * x[1] - area]),
            lambda x: np.array([[x[1], x[0]]]),
            [1.0, 1.5],
        )

    solution = least(t)
    assert solution.x == pytest.approx([t**0.5] * 2, abs=1e-6)
    # d(4 sqrt t)/dt = 2 / sqrt t = -y
    assert -solution.equality[0] == pytest.approx(2 / t**0.5, abs=1e-6)
    slope = (least(t + 1e-4).value - least(t - 1e-4).value) / 2e-4
    assert slope == pytest.approx(-solution.equality[0], abs=1e-5)


@pytest.mark.reference
def test_rosenbrock_in_a_disc_is_trust_constrs():
    f, g = scipy.optimize.rosen, scipy.optimize.rosen_der
    disc = (lambda x: np.array([x @ x - 1]), lambda x: 2 * x[np.newaxis])
    ours = augmented_lagrangian(f, g, [0.0, 0.0], inequality=disc)
    theirs = scipy.optimize.minimize(
        f,
        [0.0, 0.0],
        jac=g,
        method="trust-constr",
        constraints=scipy.optimize.NonlinearConstraint(disc[0], -np.inf, 0, jac=disc[1]),
        options={"gtol": 1e-10, "xtol": 1e-12},
    )
    assert ours.converged
    assert ours.x == pytest.approx(theirs.x, abs=1e-5)
    assert ours.inequality == pytest.approx(theirs.v[0], abs=1e-3)


def test_an_idle_inequality_has_no_price():
    ours = augmented_lagrangian(
        lambda x: x @ x,
        lambda x: 2 * x,
        [3.0, 1.0],
        inequality=(lambda x: np.array([x[0] - 5.0]), lambda x: np.array([[1.0, 0]])),
    )
    assert ours.inequality.tolist() == [0]
    assert ours.x == pytest.approx([0, 0], abs=1e-6)


def test_contradictions_are_reported():
    never = (lambda x: np.array([x @ x + 1]), lambda x: 2 * x[np.newaxis])
    with pytest.warns(ConvergenceWarning):
        assert newton_kkt(*SUM, *never, [1.0, 2.0]).status == "stopped"
    with pytest.warns(ConvergenceWarning, match="cannot be met"):
        solution = augmented_lagrangian(
            lambda x: x @ x, lambda x: 2 * x, [1.0, 2.0], equality=never
        )
    assert solution.status == "infeasible"


@BOTH
def test_non_convergence_is_reported(solve):
    with pytest.warns(ConvergenceWarning, match="after 1 steps"):
        assert not solve(*SUM, *CIRCLE, [3.0, 1.0], steps=1).converged


@BOTH
def test_bad_input_is_refused(solve):
    with pytest.raises(ValueError, match="start holds NaN"):
        solve(*SUM, *CIRCLE, [np.nan, 1.0])
    with pytest.raises(ValueError, match="Jacobian has shape"):
        solve(*SUM, CIRCLE[0], lambda x: x, [1.0, 1.0])
    with pytest.raises(ValueError, match="tolerance is -1"):
        solve(*SUM, *CIRCLE, [1.0, 1.0], tolerance=-1)
    start = np.array([1, 0])
    solve(*SUM, *CIRCLE, start)
    assert start.tolist() == [1, 0]


def test_bad_input_of_each():
    with pytest.raises(ValueError, match="not finite at the start"):
        newton_kkt(lambda x: np.inf, np.ones_like, *CIRCLE, [1.0, 1.0])
    with pytest.raises(ValueError, match="there is no constraint"):
        augmented_lagrangian(*SUM, [1.0])
