"""Linear conjugate gradients against direct solving and SciPy; its theory as tests."""

import numpy as np
import pytest
import scipy.sparse.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.minimisers_family import Quadratic

from groundup.maths.conjugate_gradient import conjugate_gradient
from groundup.maths.convergence import ConvergenceWarning

SEEDS = st.integers(0, 2**31)


@pytest.mark.reference
@settings(max_examples=40)
@given(SEEDS, st.integers(1, 20), st.floats(0, 8))
def test_the_residual_is_small_and_the_solution_is_the_direct_one(seed, size, decades):
    problem = Quadratic(seed, size=size, kappa=10.0**decades)
    solution = conjugate_gradient(problem.A, problem.b, steps=100 * size)
    assert solution.converged, solution.message
    # backward error: 1e-10 |b|, or rounding of A x; forward error at most kappa times that
    kappa, size_x = problem.kappa, np.linalg.norm(problem.best)
    residual = np.linalg.norm(problem.A @ solution.x - problem.b)
    assert residual <= 1e-10 * np.linalg.norm(problem.b) + 1e-12 * kappa * size_x
    assert np.linalg.norm(solution.x - problem.best) <= residual + 1e-12 * kappa * size_x
    assert (np.diff(solution.trace) <= 1e-12 * (1 + np.abs(solution.trace[1:]))).all()
    theirs, _ = scipy.sparse.linalg.cg(problem.A, problem.b, rtol=1e-10, maxiter=100 * size)
    bound = 2e-10 * np.linalg.norm(problem.b) + 1e-12 * kappa * size_x
    assert np.linalg.norm(solution.x - theirs) <= bound


@settings(max_examples=30)
@given(SEEDS, st.integers(1, 12), st.integers(1, 4))
def test_as_many_steps_as_there_are_different_eigenvalues(seed, size, different):
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(size, size)))[0]
    values = np.resize([1.0, 2.0, 5.0, 7.0][:different], size)
    A = (basis * values) @ basis.T
    solution = conjugate_gradient((A + A.T) / 2, rng.normal(size=size))
    assert solution.converged
    assert solution.iterations <= different


@settings(max_examples=30)
@given(SEEDS, st.floats(2, 1e4))
def test_the_error_falls_as_chebyshev_promises(seed, kappa):
    problem = Quadratic(seed, size=15, kappa=kappa)
    f_best = problem.value(problem.best)
    solution = conjugate_gradient(problem.A, problem.b)
    root = kappa**0.5
    k = np.arange(solution.trace.size)
    # ||x_k - x*||_A^2 / 2 = f(x_k) - f*
    bound = 4 * ((root - 1) / (root + 1)) ** (2 * k) * (solution.trace[0] - f_best)
    assert (solution.trace - f_best <= bound + 1e-12 * abs(f_best)).all()


def test_a_preconditioner_saves_steps_and_functions_will_do():
    rng = np.random.default_rng(0)
    scale = np.geomspace(1, 1e6, 60)
    noise = rng.normal(size=(60, 60))
    A = np.diag(scale) + 0.1 * noise @ noise.T
    b = rng.normal(size=60)
    plain = conjugate_gradient(A, b, steps=2000)
    better = conjugate_gradient(lambda x: A @ x, b, precondition=lambda r: r / np.diag(A))
    assert better.converged
    assert better.iterations < plain.iterations / 2
    assert better.x == pytest.approx(np.linalg.solve(A, b), abs=1e-8)


def test_it_starts_where_it_is_told():
    problem = Quadratic(0)
    assert conjugate_gradient(problem.A, problem.b, start=problem.best).iterations <= 1
    assert conjugate_gradient(problem.A, np.zeros(5)).x.tolist() == [0] * 5
    assert conjugate_gradient([[2]], [4]).x == pytest.approx([2])


@pytest.mark.filterwarnings("ignore::groundup.maths.convergence.ConvergenceWarning")
def test_bad_input_is_refused():
    with pytest.raises(np.linalg.LinAlgError, match="A is not positive definite"):
        conjugate_gradient([[1.0, 0], [0, -1]], [1.0, 2.0])
    with pytest.raises(np.linalg.LinAlgError, match="preconditioner is not positive definite"):
        conjugate_gradient(np.eye(2), [1.0, 2.0], precondition=lambda r: -r)
    with pytest.raises(ValueError, match="A is not symmetric"):
        conjugate_gradient([[1.0, 2], [0, 1]], [1.0, 2.0])
    with pytest.raises(ValueError, match="wanted"):
        conjugate_gradient(np.eye(3), [1.0, 2.0])
    with pytest.raises(ValueError, match="b holds NaN"):
        conjugate_gradient(np.eye(1), [np.nan])
    with pytest.raises(ValueError, match="the product A x has shape"):
        conjugate_gradient(lambda x: x[:1], [1.0, 2.0])


def test_it_says_when_steps_run_out():
    problem = Quadratic(0, kappa=1e6)
    with pytest.warns(ConvergenceWarning, match="precondition, or raise steps"):
        assert not conjugate_gradient(problem.A, problem.b, steps=2).converged
