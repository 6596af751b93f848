"""Curve fits against SciPy's least_squares and curve_fit."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.nonlinear_least_squares import (
    gauss_newton,
    levenberg_marquardt,
    parameter_covariance,
)

SEEDS = st.integers(0, 2**31)
BOTH = pytest.mark.parametrize("fit", [gauss_newton, levenberg_marquardt])


class Decay:
    """a exp(-b t) + c, measured with noise."""

    def __init__(self, seed, noise=0.05):
        rng = np.random.default_rng(seed)
        self.t = np.linspace(0, 4, 30)
        self.truth = rng.uniform([1, 0.5, -1], [3, 1.5, 1])
        self.y = self.curve(self.t, *self.truth) + noise * rng.normal(size=30)
        self.start = np.array([2.0, 1.0, 0.0])

    @staticmethod
    def curve(t, a, b, c):
        return a * np.exp(-b * t) + c

    def residuals(self, x):
        return self.curve(self.t, *x) - self.y

    def jacobian(self, x):
        fall = np.exp(-x[1] * self.t)
        return np.stack([fall, -x[0] * self.t * fall, np.ones_like(fall)], axis=1)


@pytest.mark.reference
@BOTH
@settings(max_examples=25)
@given(SEEDS)
def test_a_decay_is_fitted_as_by_scipy(fit, seed):
    problem = Decay(seed)
    ours = fit(problem.residuals, problem.jacobian, problem.start)
    theirs, covariance = scipy.optimize.curve_fit(
        problem.curve,
        problem.t,
        problem.y,
        p0=problem.start,
        jac=lambda t, *x: problem.jacobian(x),
        ftol=1e-14,
        xtol=1e-14,
        gtol=1e-14,
    )
    assert ours.converged
    # cosines of 1e-8 and residuals of 0.3: off by 1e-8 * 0.3 / (smallest singular value > 0.1)
    assert ours.x == pytest.approx(theirs, abs=1e-6)
    assert (np.diff(ours.trace) < 0).all()
    ours_covariance = parameter_covariance(problem.jacobian(ours.x), problem.residuals(ours.x))
    assert ours_covariance == pytest.approx(covariance, rel=1e-4)


@pytest.mark.reference
@BOTH
@settings(max_examples=25)
@given(SEEDS)
def test_a_line_is_fitted_in_one_step(fit, seed):
    rng = np.random.default_rng(seed)
    A, b = rng.normal(size=(8, 3)), rng.normal(size=8)
    settings_ = {"damping": 1e-12} if fit is levenberg_marquardt else {}
    ours = fit(lambda x: A @ x - b, lambda x: A, np.zeros(3), **settings_)
    assert ours.iterations <= 2
    assert ours.x == pytest.approx(np.linalg.lstsq(A, b, rcond=None)[0], abs=1e-6)


def rosenbrock(x):
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def rosenbrock_jacobian(x):
    return np.array([[-20 * x[0], 10.0], [-1.0, 0]])


@BOTH
def test_rosenbrock_as_squares_takes_a_few_steps(fit):
    solution = fit(rosenbrock, rosenbrock_jacobian, [-1.2, 1.0])
    assert solution.converged
    assert solution.x == pytest.approx([1, 1], abs=1e-7)
    assert solution.iterations < 40


def test_marquardt_survives_a_jacobian_without_full_rank_and_the_units_of_x():
    # only the sum of both parameters is determined
    solution = levenberg_marquardt(
        lambda x: np.array([x.sum() - 3, 2 * (x.sum() - 3)]),
        lambda x: np.array([[1.0, 1], [2, 2]]),
        [5.0, 1.0],
    )
    assert solution.converged
    assert solution.x.sum() == pytest.approx(3)
    problem, units = Decay(0), np.array([1e6, 1e-3, 1.0])
    plain = levenberg_marquardt(problem.residuals, problem.jacobian, problem.start)
    scaled = levenberg_marquardt(
        lambda x: problem.residuals(x * units),
        lambda x: problem.jacobian(x * units) * units,
        problem.start / units,
    )
    assert scaled.iterations == plain.iterations
    assert scaled.x * units == pytest.approx(plain.x, rel=1e-6)


@BOTH
def test_the_perfect_start_stays(fit):
    solution = fit(rosenbrock, rosenbrock_jacobian, [1.0, 1.0])
    assert solution.iterations == 0
    assert solution.value == 0


@BOTH
def test_bad_input_is_refused(fit):
    with pytest.raises(ValueError, match="start holds NaN"):
        fit(rosenbrock, rosenbrock_jacobian, [np.nan, 1.0])
    with pytest.raises(ValueError, match="the residuals have shape"):
        fit(lambda x: 1.0, rosenbrock_jacobian, [0.0, 1.0])
    with pytest.raises(ValueError, match="the Jacobian has shape"):
        fit(rosenbrock, lambda x: np.ones(2), [0.0, 1.0])
    with pytest.raises(ValueError, match="not finite at the start"):
        fit(lambda x: x * np.inf, lambda x: np.eye(2), [1.0, 1.0])
    with pytest.raises(ValueError, match="tolerance is 0"):
        fit(rosenbrock, rosenbrock_jacobian, [0.0, 1.0], tolerance=0)


@BOTH
def test_non_convergence_is_reported(fit):
    with pytest.warns(ConvergenceWarning, match="not settled after 2 steps"):
        assert not fit(rosenbrock, rosenbrock_jacobian, [-1.2, 1.0], steps=2).converged


def test_a_wrong_jacobian_is_reported():
    with pytest.warns(ConvergenceWarning, match="check the Jacobian"):
        gauss_newton(rosenbrock, lambda x: -rosenbrock_jacobian(x), [-1.2, 1.0])


def test_covariances_that_do_not_exist():
    with pytest.raises(np.linalg.LinAlgError, match="lacks full rank"):
        parameter_covariance([[1.0, 1], [1, 1], [1, 1]], [1.0, 2, 3])
    with pytest.raises(ValueError, match="m > n"):
        parameter_covariance([[1.0, 1], [1, 1]], [1.0, 2])
