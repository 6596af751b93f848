"""Condition numbers against NumPy, and bounds that must hold for the errors they speak of."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.maths.conditioning import (
    backward_error,
    componentwise_backward_error,
    condition_number,
    estimated_inverse_norm,
    forward_error_bound,
    growth_factor,
    skeel_condition,
)
from groundup.maths.lu import solve
from groundup.maths.special_matrices import growing, hilbert

EPS = np.finfo(float).eps
SEED = st.integers(0, 2**32)


@pytest.mark.reference
@given(SEED, st.integers(1, 8), st.sampled_from([1, 2, math.inf]), st.integers(-150, 150))
def test_condition_numbers_are_numpys(seed, n, p, power):
    """A condition number has itself as its relative condition (Higham 2002, section 7.6)."""
    A = np.random.default_rng(seed).standard_normal((n, n))
    wanted = np.linalg.cond(A, p)
    assert condition_number(A * 10.0**power, p) == pytest.approx(
        wanted, rel=50 * n * EPS * wanted, abs=0
    )


def test_known_condition_numbers():
    assert condition_number(np.eye(3)) == 1.0
    assert condition_number(np.diag([1.0, 1e-200])) == pytest.approx(1e200)
    assert condition_number(np.zeros((2, 2))) == math.inf
    assert condition_number(np.ones((2, 2)), 1) == math.inf
    assert condition_number([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]) == 1.0
    assert condition_number(hilbert(6)) == pytest.approx(1.495105864e7, rel=1e-6, abs=0)


@given(SEED, st.integers(1, 8))
def test_the_backward_error_is_what_the_change_needs(seed, n):
    """Rigal and Gaches give the change itself: E = theta ||A|| r z' / ||r|| solves exactly."""
    rng = np.random.default_rng(seed)
    A, b, x = rng.standard_normal((n, n)), rng.standard_normal(n), rng.standard_normal(n)
    r = b - A @ x
    norm_A, norm_x = np.abs(A).sum(1).max(), np.abs(x).max()
    eta = backward_error(A, b, x)
    scale = norm_A * norm_x + np.abs(b).max()
    top = np.abs(x).argmax()
    z = np.zeros(n)
    z[top] = np.sign(x[top])
    E, f = norm_A / scale * np.outer(r, z), -np.abs(b).max() / scale * r
    assert (A + E) @ x == pytest.approx(b + f, abs=1e-12)
    assert np.abs(E).sum(1).max() == pytest.approx(eta * norm_A)
    assert np.abs(f).max() == pytest.approx(eta * np.abs(b).max())
    assert eta <= componentwise_backward_error(A, b, x) * (1 + 1e-12)


@settings(max_examples=50)
@given(SEED, st.integers(1, 10))
def test_solutions_have_tiny_backward_errors_and_bounded_forward_ones(seed, n):
    rng = np.random.default_rng(seed)
    A, wanted = rng.standard_normal((n, n)), rng.standard_normal(n)
    b = A @ wanted  # itself rounded: n eps more
    x = solve(A, b)
    assert backward_error(A, b, x) <= 10 * n * EPS
    bound = forward_error_bound(A, b, x)
    rounded_b = np.abs(np.linalg.inv(A)) @ (n * EPS * np.abs(A) @ np.abs(wanted))
    error = np.abs(x - wanted).max() / np.abs(x).max()
    assert error <= bound + 2 * rounded_b.max() / np.abs(x).max()
    assert bound <= 50 * n * EPS * condition_number(A, math.inf)


def test_the_condition_predicts_the_digits_lost():
    """Hilbert's 8 x 8 has condition 1e10: ten of sixteen digits go, though the residual is tiny."""
    A = hilbert(8)
    b = A @ np.ones(8)
    x = solve(A, b)
    assert backward_error(A, b, x) < 1e-15
    error = np.abs(x - 1).max()
    assert 1e-12 < error < 1e-5
    assert error < forward_error_bound(A, b, x) * 2


@given(SEED, st.integers(1, 7))
def test_skeels_number_ignores_row_scale(seed, n):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, n))
    D = 2.0 ** rng.integers(-40, 40, n)
    wanted = skeel_condition(A)
    assert skeel_condition(D[:, None] * A) == pytest.approx(
        wanted, rel=100 * n * EPS * wanted**2, abs=0
    )
    assert wanted <= condition_number(A, math.inf) * (1 + 1e-9)


@pytest.mark.reference
@settings(max_examples=60)
@given(SEED, st.integers(1, 9))
def test_hagers_estimate_is_a_lower_bound_and_near(seed, n):
    A = np.random.default_rng(seed).standard_normal((n, n))
    wanted = np.linalg.norm(np.linalg.inv(A), 1)
    slack = 50 * n * EPS * np.linalg.cond(A)
    assert wanted / 10 <= estimated_inverse_norm(A) <= wanted * (1 + slack)


def test_hagers_estimate_is_mostly_exact():
    """Higham (2002, section 15.3) reports nine of ten for small random matrices."""
    matrices = [np.random.default_rng(seed).standard_normal((6, 6)) for seed in range(100)]
    norms = [np.linalg.norm(np.linalg.inv(A), 1) for A in matrices]
    near = [
        estimated_inverse_norm(A) > 0.999 * norm for A, norm in zip(matrices, norms, strict=True)
    ]
    assert sum(near) >= 75


def test_growth():
    assert growth_factor(growing(12)) == 2.0**11
    assert growth_factor(np.eye(3)) == 1.0
    assert growth_factor(np.zeros((2, 2))) == growth_factor(np.zeros((0, 0))) == 1.0


def test_corners_and_bad_input():
    assert backward_error(np.zeros((2, 2)), [0.0, 0.0], [0.0, 0.0]) == 0.0
    assert componentwise_backward_error(np.zeros((1, 1)), [0.0], [1.0]) == 0.0
    assert componentwise_backward_error([[1.0]], [2.0], [1.0]) == pytest.approx(1 / 3)
    assert skeel_condition(np.ones((2, 2))) == math.inf
    assert estimated_inverse_norm(np.zeros((0, 0))) == 0.0
    with pytest.raises(ValueError, match="no condition number"):
        condition_number(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="p is 3; wanted 1, 2 or inf"):
        condition_number(np.eye(2), 3)
    with pytest.raises(ValueError, match="square"):
        condition_number(np.ones((2, 3)), 1)
    with pytest.raises(ValueError, match="x is zero"):
        forward_error_bound(np.eye(2), [1.0, 1.0], [0.0, 0.0])
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        forward_error_bound(np.ones((2, 2)), [1.0, 1.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="b has 3"):
        backward_error(np.eye(2), np.ones(3), np.ones(2))
