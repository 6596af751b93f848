"""LU, solve, determinant and inverse against NumPy and SciPy."""

import math

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st
from tests.maths.decomposition_family import KINDS, MATRICES

from groundup.maths import special_matrices as special
from groundup.maths.lu import determinant, inverse, log_determinant, lu, parity, solve

EPS = np.finfo(float).eps
SEED = st.integers(0, 2**32)


@pytest.mark.reference
@pytest.mark.parametrize("A", [MATRICES[name] for name in ("random", "tall", "wide", "growing")])
def test_the_factors_are_scipys(A):
    """Pivots are unique where no two candidates tie, and then so is LU."""
    permutation, lower, upper = lu(A)
    P, L, U = scipy.linalg.lu(A)
    assert np.array_equal(np.eye(len(A))[permutation].T, P)
    assert lower == pytest.approx(L, abs=1e-14)
    assert upper == pytest.approx(U, rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("A", MATRICES.values(), ids=MATRICES)
def test_no_multiplier_exceeds_one(A):
    assert np.abs(lu(A).lower).max(initial=0.0) <= 1


@pytest.mark.reference
@given(SEED, st.integers(1, 12), st.integers(0, 3), st.integers(-150, 150))
def test_solutions_are_numpys_to_the_condition(seed, n, k, power):
    """Forward error: two backward stable solvers differ by at most 2 c n eps cond(A) ||x||."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, n))
    b = rng.standard_normal((n, k) if k else n)
    x, wanted = solve(A * 10.0**power, b), np.linalg.solve(A, b) / 10.0**power
    allowed = 20 * n * EPS * np.linalg.cond(A) * np.abs(wanted).max()
    assert x == pytest.approx(wanted, rel=0, abs=allowed)


@pytest.mark.parametrize("n", [4, 8, 12, 30])
def test_the_backward_error_stays_small_on_the_worst_conditioned(n):
    A = special.hilbert(n)
    b = np.ones(n)
    x = solve(A, b)
    assert np.abs(b - A @ x).max() <= 10 * n * EPS * (np.abs(A) @ np.abs(x)).max()


@pytest.mark.reference
@given(SEED, st.integers(0, 9))
def test_determinants_are_numpys(seed, n):
    A = np.random.default_rng(seed).standard_normal((n, n))
    # each computed pivot belongs to a matrix n eps away: relative error c n^2 eps cond(A)
    allowed = 20 * max(n, 1) ** 2 * EPS * (np.linalg.cond(A) if n else 1)
    assert determinant(A) == pytest.approx(np.linalg.det(A), rel=allowed, abs=0)
    sign, logarithm = log_determinant(A)
    assert sign == np.linalg.slogdet(A)[0]
    assert logarithm == pytest.approx(np.linalg.slogdet(A)[1], abs=allowed)


@given(SEED, st.integers(1, 6))
def test_the_determinant_multiplies(seed, n):
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal((2, n, n))
    allowed = 50 * n**2 * EPS * (np.linalg.cond(A) + np.linalg.cond(B) + np.linalg.cond(A @ B))
    assert determinant(A @ B) == pytest.approx(determinant(A) * determinant(B), rel=allowed, abs=0)
    assert determinant(A.T) == pytest.approx(determinant(A), rel=allowed, abs=0)


def test_whole_numbers_have_exact_small_determinants():
    assert determinant([[2, 1], [1, 1]]) == 1.0
    assert determinant([[0, 1], [1, 0]]) == -1.0
    assert determinant(np.full((3, 3), 7)) == 0.0
    assert determinant(np.array([[200, 0], [0, 200]], dtype=np.uint8)) == 40000.0
    assert determinant(np.zeros((0, 0))) == 1.0


def test_a_determinant_between_numbers_that_overflow_is_found():
    """NumPy multiplies from the left: 1e200 * 1e200 is infinite already."""
    pivots = np.diag([1e200, 1e200, 1e-200, 1e-200])
    assert determinant(pivots) == pytest.approx(1.0, rel=1e-14, abs=0)
    assert determinant(np.diag([1e200, -1e200])) == -math.inf
    assert determinant(np.diag([1e-200, 1e-200])) == 0.0
    assert log_determinant(np.diag([1e200, -1e200])) == pytest.approx((-1.0, 400 * math.log(10)))


def test_singular_matrices():
    A = np.array([[1.0, 2.0], [2.0, 4.0]])
    assert log_determinant(A) == (0.0, -math.inf)
    for function in (inverse, lambda A: solve(A, [1.0, 1.0])):
        with pytest.raises(np.linalg.LinAlgError, match=r"singular.*least_squares\.by_svd"):
            function(A)


@pytest.mark.reference
@pytest.mark.parametrize("A", [MATRICES["random"], MATRICES["orthogonal"], np.eye(0)])
def test_the_inverse_is_numpys(A):
    condition = np.linalg.cond(A) if A.size else 1.0
    wanted = np.linalg.inv(A)
    allowed = 20 * max(len(A), 1) * EPS * condition * np.abs(wanted).max(initial=0.0)
    assert inverse(A) == pytest.approx(wanted, rel=0, abs=allowed)


def test_the_inverse_of_hilberts_matrix_is_known_exactly():
    """Forward error n eps cond: cond(H_6) is 1.5e7, so 9 digits are right."""
    assert inverse(special.hilbert(6)) == pytest.approx(special.inverse_hilbert(6), rel=1e-8, abs=0)


@pytest.mark.parametrize("A", KINDS["square"].values(), ids=KINDS["square"])
def test_the_sign_of_the_determinant_agrees_with_its_logarithm(A):
    sign, logarithm = log_determinant(A)
    if -700 < logarithm < 700:
        assert determinant(A) == pytest.approx(sign * math.exp(logarithm), rel=1e-11, abs=0)


@given(st.permutations(range(7)))
def test_parity_is_the_determinant_of_the_permutation(order):
    assert parity(order) == round(np.linalg.det(np.eye(7)[order]))


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="is not a permutation"):
        parity([0, 2, 2])
    with pytest.raises(ValueError, match="square"):
        solve(np.ones((2, 3)), [1.0, 2.0])
    with pytest.raises(ValueError, match="wanted 2 rows"):
        solve(np.eye(2), np.ones(3))
    with pytest.raises(ValueError, match="NaN or infinity"):
        determinant([[np.nan]])
