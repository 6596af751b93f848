"""Least squares against numpy.linalg.lstsq; the residual is orthogonal to the columns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from groundup.maths.least_squares import (
    by_normal_equations,
    by_qr,
    by_svd,
    ridge,
    sensitivity,
    weighted,
)
from groundup.maths.special_matrices import vandermonde

EPS = np.finfo(float).eps
SEED = st.integers(0, 2**32)
FULL_RANK = pytest.mark.parametrize("solve", [by_normal_equations, by_qr, by_svd])


def problem(seed, m, n, k=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, n)), rng.standard_normal((m, k) if k else m)


@pytest.mark.reference
@FULL_RANK
@settings(max_examples=40)
@given(SEED, st.integers(1, 6), st.integers(0, 6), st.integers(0, 3), st.integers(-70, 70))
def test_they_are_numpys(solve, seed, n, more, k, power):
    """Error eps times the condition, squared for the normal equations (Higham, section 20.4)."""
    A, b = problem(seed, n + more, n, k)
    fit = solve(A * 10.0**power, b)
    wanted = np.linalg.lstsq(A, b)[0] / 10.0**power
    condition = np.linalg.cond(A) ** 2
    size = np.linalg.norm(wanted) + np.linalg.norm(b) / np.linalg.norm(A) / 10.0**power
    assert fit.rank == n
    assert fit.x == pytest.approx(wanted, rel=0, abs=50 * (n + more) * EPS * condition * size)
    assert fit.residual.shape == b.shape


@FULL_RANK
@given(SEED, st.integers(1, 5), st.integers(0, 5))
def test_the_residual_is_orthogonal_to_the_columns(solve, seed, n, more):
    A, b = problem(seed, n + more, n)
    residual = solve(A, b).residual
    allowed = 50 * (n + more) * EPS * np.linalg.norm(A) * np.linalg.norm(b) * np.linalg.cond(A)
    assert np.abs(A.T @ residual).max() <= allowed


@pytest.mark.reference
@settings(max_examples=60)
@given(SEED, st.integers(1, 7), st.integers(1, 7), st.integers(0, 5))
def test_the_svd_gives_the_shortest_solution_of_any_rank(seed, m, n, r):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, r)) @ rng.standard_normal((r, n))
    b = rng.standard_normal(m)
    wanted, _, kept, s = np.linalg.lstsq(A, b, rcond=1e-10)
    fit = by_svd(A, b, rtol=1e-10)
    assert fit.rank == kept
    condition = s[0] / s[kept - 1] if kept else 1.0
    allowed = 100 * max(m, n) * EPS * condition**2 * (np.linalg.norm(wanted) + 1)
    assert fit.x == pytest.approx(wanted, rel=0, abs=allowed)


def test_the_normal_equations_lose_half_the_digits():
    """cond is 1e8 or so: QR keeps 8 digits, A'A has condition 1e16 and keeps none, or fails."""
    A = vandermonde(np.linspace(0, 1, 20), 11)
    wanted = np.ones(11)
    assert by_qr(A, A @ wanted).x == pytest.approx(wanted, rel=1e-7, abs=0)
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        by_normal_equations(vandermonde(np.linspace(0, 1, 20), 16), np.ones(20))
    error = np.abs(by_normal_equations(A, A @ wanted).x - 1).max()
    assert error > 100 * np.abs(by_qr(A, A @ wanted).x - 1).max()


@pytest.mark.reference
@given(SEED, st.integers(1, 6), st.integers(1, 6), st.floats(1e-3, 1e3))
def test_ridge_is_scikit_learns(seed, m, n, penalty):
    A, b = problem(seed, m, n)
    wanted = Ridge(alpha=penalty, fit_intercept=False, solver="cholesky").fit(A, b).coef_
    # scikit-learn forms A'A + penalty I: its condition bounds the difference
    condition = (np.linalg.norm(A) ** 2 + penalty) / penalty
    cancelled = np.linalg.norm(A) * np.linalg.norm(b) / penalty  # A'b may cancel, in both
    allowed = 50 * (m + n) * EPS * (condition * np.linalg.norm(wanted) + cancelled)
    assert ridge(A, b, penalty).x == pytest.approx(wanted, rel=0, abs=allowed)


def test_ridge_tends_to_the_shortest_solution_and_to_zero():
    A, b = np.ones((3, 2)), np.array([1.0, 2.0, 3.0])
    # off by penalty / s^2 = 2e-7 on purpose, and by eps ||A|| ||r|| / penalty = 1e-9 for the zero s
    assert ridge(A, b, 1e-6).x == pytest.approx(by_svd(A, b).x, rel=3e-7, abs=0)
    assert np.abs(ridge(A, b, 1e12).x).max() < 1e-10


@pytest.mark.reference
@given(SEED, st.integers(1, 5), st.integers(1, 5))
def test_weights_are_repetitions(seed, n, more):
    A, b = problem(seed, n + more, n)
    times = np.random.default_rng(seed).integers(0, 4, n + more)
    again = by_svd(np.repeat(A, times, axis=0), np.repeat(b, times), rtol=1e-8)
    if again.rank == n and np.linalg.cond(np.repeat(A, times, axis=0)) < 1e4:
        assert weighted(A, b, times).x == pytest.approx(again.x, rel=1e-6, abs=1e-6)
    same = weighted(A, b, np.ones(n + more))
    assert same.x == pytest.approx(by_svd(A, b).x, abs=1e-15 * np.linalg.cond(A) ** 2 * 100)


@given(SEED, st.integers(2, 5), st.integers(1, 4))
def test_sensitivity_bounds_what_a_small_change_does(seed, n, more):
    """First order: relative changes of 1e-8 grow at most so, give or take 1 %."""
    A, b = problem(seed, n + more, n)
    if np.linalg.cond(A) > 1e3:
        return
    from_b, from_A = sensitivity(A, b)
    x = by_svd(A, b).x
    rng = np.random.default_rng(seed + 1)
    db, dA = rng.standard_normal(b.shape), rng.standard_normal(A.shape)
    db *= 1e-8 * np.linalg.norm(b) / np.linalg.norm(db)
    dA *= 1e-8 * np.linalg.norm(A, 2) / np.linalg.norm(dA, 2)
    slack = 1.01 * 1e-8 * np.linalg.norm(x) + 1e-13 * np.linalg.norm(x) * np.linalg.cond(A) ** 2
    assert np.linalg.norm(by_svd(A, b + db).x - x) <= from_b * slack
    assert np.linalg.norm(by_svd(A + dA, b).x - x) <= from_A * slack


def test_sensitivity_of_degenerate_problems_is_infinite():
    assert sensitivity(np.ones((3, 2)), [1.0, 2.0, 3.0]) == (np.inf, np.inf)
    assert sensitivity([[1.0], [0.0]], [0.0, 1.0]) == (np.inf, np.inf)
    assert sensitivity(np.eye(2), [3.0, 4.0]) == pytest.approx((1.0, 1.0))


def test_bad_input_is_refused():
    for columns in (np.ones((3, 2)), np.ones((1, 2)), np.array([[1.0, 0.0], [0.0, 0.0]])):
        with pytest.raises(np.linalg.LinAlgError, match=r"2 columns of A depend on each other"):
            by_qr(columns, np.ones(len(columns)))
    with pytest.raises(ValueError, match="penalty is 0"):
        ridge(np.eye(2), [1.0, 1.0], 0)
    with pytest.raises(ValueError, match="weights go down to -1"):
        weighted(np.eye(2), [1.0, 1.0], [1.0, -1.0])
    with pytest.raises(ValueError, match="wanted 2 rows"):
        by_svd(np.eye(2), np.ones(3))
    with pytest.raises(ValueError, match="b holds NaN"):
        by_qr(np.eye(2), [1.0, np.nan])
    assert by_svd(np.zeros((0, 2)), np.zeros(0)).x == pytest.approx([0.0, 0.0])
    assert by_qr(np.zeros((2, 0)), np.ones(2)).x.shape == (0,)


def test_columns_of_very_different_size_are_independent():
    """A rank by size alone would drop the small one; `by_qr` measures each beside itself."""
    A = np.array([[1.0, 0.0], [0.0, 1e-200], [0.0, 0.0]])
    assert by_qr(A, [1.0, 1e-200, 5.0]).x == pytest.approx([1.0, 1.0])
