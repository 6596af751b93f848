"""Substitution against SciPy; its error is componentwise small (Higham 2002, theorem 8.5)."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from groundup.maths.triangular import solve_lower, solve_upper

EPS = np.finfo(float).eps


def triangle(seed, n):
    """Well conditioned: a dominant diagonal."""
    rng = np.random.default_rng(seed)
    return np.tril(rng.uniform(-1, 1, (n, n)), -1) / max(n, 1) + np.diag(rng.uniform(1, 2, n))


@pytest.mark.reference
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 3), st.booleans())
def test_both_are_scipys(seed, n, k, unit):
    L = triangle(seed, n)
    rng = np.random.default_rng(seed)
    b = rng.standard_normal((n, k) if k else n)
    for ours, A, lower in ((solve_lower, L, True), (solve_upper, L.T, False)):
        x = ours(A, b, unit_diagonal=unit)
        wanted = scipy.linalg.solve_triangular(A, b, lower=lower, unit_diagonal=unit)
        # two solutions of componentwise backward error n eps, cond below 10 here
        assert x == pytest.approx(wanted, rel=20 * n * EPS, abs=20 * n * EPS)


@given(st.integers(0, 2**32), st.integers(1, 12))
def test_every_residual_is_small_beside_its_own_row(seed, n):
    """|b - Lx| <= n eps |L||x|, row by row, also where L is nearly singular."""
    rng = np.random.default_rng(seed)
    L = np.tril(rng.standard_normal((n, n)))
    b = rng.standard_normal(n)
    x = solve_lower(L, b)
    assert np.all(np.abs(b - L @ x) <= 2 * (n + 1) * EPS * (np.abs(L) @ np.abs(x) + np.abs(b)))


def test_the_other_triangle_is_not_read():
    A = np.array([[2.0, 99.0], [1.0, 4.0]])
    assert np.array_equal(solve_lower(A, [2.0, 5.0]), [1.0, 1.0])
    assert np.array_equal(solve_upper(A.T, [3.0, 4.0]), [1.0, 1.0])


def test_no_equation_has_no_unknown():
    assert solve_lower(np.zeros((0, 0)), np.zeros(0)).shape == (0,)
    assert solve_upper(np.zeros((0, 0)), np.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize("solve", [solve_lower, solve_upper])
def test_bad_input_is_refused(solve):
    with pytest.raises(np.linalg.LinAlgError, match="entry 1 of the diagonal is zero"):
        solve(np.diag([1.0, 0.0]), [1.0, 1.0])
    assert np.array_equal(solve(np.diag([1.0, 0.0]), [1.0, 2.0], unit_diagonal=True), [1.0, 2.0])
    with pytest.raises(ValueError, match="square"):
        solve(np.ones((2, 3)), [1.0, 1.0])
    with pytest.raises(ValueError, match="wanted 2 rows"):
        solve(np.eye(2), [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="b holds NaN"):
        solve(np.eye(2), [1.0, np.nan])
