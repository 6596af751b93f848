"""The real Schur and Hessenberg forms: structure, and SciPy's as a judge of what is unique."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.decomposition_family import KINDS, matrices

from groundup.maths.schur import hessenberg, real_schur
from groundup.maths.special_matrices import companion

EPS = np.finfo(float).eps
SQUARE = pytest.mark.parametrize("A", KINDS["square"].values(), ids=KINDS["square"])


def check_blocks(T):
    """Zero below the first subdiagonal; no two blocks overlap; 2 x 2 blocks have complex pairs."""
    assert not np.tril(T, -2).any()
    beside = np.flatnonzero(np.diag(T, -1))
    assert np.all(np.diff(beside) > 1)
    for k in beside:
        (a, b), (c, d) = T[k : k + 2, k : k + 2] / np.abs(T[k : k + 2, k : k + 2]).max()
        # (a - d)^2 + 4 bc < 0; for a double eigenvalue only rounding says on which side of 0 it is
        assert b * c < 0
        assert (a - d) ** 2 + 4 * b * c <= 8 * EPS * (a - d) ** 2


@SQUARE
def test_blocks_are_single_or_complex_pairs(A):
    check_blocks(real_schur(A).T)
    assert not np.tril(hessenberg(A).H, -2).any()


@settings(max_examples=60)
@given(matrices("square"))
def test_blocks_of_random_matrices(A):
    check_blocks(real_schur(A).T)


@pytest.mark.reference
def test_hessenberg_is_scipys():
    """Unique once the first column of Q is e1, up to signs, and LAPACK's signs are ours."""
    A = np.random.default_rng(0).standard_normal((7, 7))
    H, Q = scipy.linalg.hessenberg(A, calc_q=True)
    assert pytest.approx(H, abs=1e-13) == hessenberg(A).H
    assert pytest.approx(Q, abs=1e-13) == hessenberg(A).Q


@pytest.mark.parametrize("n", [3, 4, 5, 8, 13])
def test_cyclic_shifts_need_the_exceptional_shift(n):
    """Their own shifts leave the companion matrices of x^n = 1 as they are, for ever."""
    coefficients = np.zeros(n + 1)
    coefficients[[0, -1]] = 1, -1
    for A in (companion(coefficients), np.eye(n)[np.roll(np.arange(n), 1)]):
        Q, T = real_schur(A)
        assert pytest.approx(A, abs=20 * n * EPS) == Q @ T @ Q.T
        check_blocks(T)


def test_a_triangle_is_left_alone():
    A = np.triu(np.random.default_rng(1).standard_normal((5, 5)))
    Q, T = real_schur(A)
    assert np.array_equal(Q, np.eye(5))
    assert np.array_equal(T, A)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(3, 12))
def test_sparse_matrices_of_zeros_and_ones(seed, n):
    """Full of defective eigenvalues, on which shifts that cancel to rounding error never end."""
    rng = np.random.default_rng(seed)
    A = rng.integers(0, 2, (n, n)) * (rng.random((n, n)) < 0.3) / 2
    Q, T = real_schur(A)
    check_blocks(T)
    assert pytest.approx(A, abs=10 * n * EPS * (np.linalg.norm(A) + 1e-300)) == Q @ T @ Q.T
