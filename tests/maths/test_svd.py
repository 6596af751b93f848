"""Singular values against LAPACK: right to n eps s_1; by Jacobi each right to itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import lapack
from tests.maths.decomposition_family import EVERY, largest, matrices

from groundup.maths.jacobi import jacobi_svd
from groundup.maths.special_matrices import hilbert
from groundup.maths.svd import bidiagonalize, singular_values, svd

EPS = np.finfo(float).eps
BOTH = pytest.mark.parametrize("decompose", [svd, jacobi_svd])


@pytest.mark.reference
@BOTH
@pytest.mark.parametrize("A", EVERY.values(), ids=EVERY)
def test_values_are_lapacks(decompose, A):
    scale = largest(A)
    wanted = np.linalg.svd(A / scale, compute_uv=False)
    allowed = 10 * max(*A.shape, 1) * EPS * np.linalg.norm(A / scale)
    assert decompose(A).s / scale == pytest.approx(wanted, rel=0, abs=allowed)
    assert singular_values(A) / scale == pytest.approx(wanted, rel=0, abs=allowed)


@BOTH
@settings(max_examples=40)
@given(A=matrices())
def test_the_right_vectors_are_orthonormal_and_go_to_the_left_ones(decompose, A):
    A = A / largest(A)
    U, s, Vt = decompose(A)
    n = max(*A.shape, 1)
    assert Vt @ Vt.T == pytest.approx(np.eye(len(s)), abs=10 * n * EPS)
    assert pytest.approx(U * s, rel=0, abs=20 * n * EPS * np.linalg.norm(A)) == A @ Vt.T


@pytest.mark.reference
@pytest.mark.parametrize("falls_by", [0.5, 0.7, 0.8])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_values_that_fall_into_rounding_noise(falls_by, is_reversed):
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.normal(size=(m, 80)))[0] for m in (100, 80))
    graded = np.diag(falls_by ** np.arange(80.0)) + np.diag(falls_by ** np.arange(79.0), 1)
    for A in (U * falls_by ** np.arange(80.0) @ V.T, graded):
        A = A[::-1, ::-1] if is_reversed else A
        found = svd(A)
        allowed = 80 * EPS * np.linalg.norm(A, 2)
        assert found.s == pytest.approx(np.linalg.svd(A, compute_uv=False), rel=0, abs=allowed)
        assert found.U * found.s @ found.Vt == pytest.approx(A, rel=0, abs=allowed)


@BOTH
def test_shapes(decompose):
    for m, n in [(5, 3), (3, 5), (4, 4), (1, 6), (0, 3), (3, 0)]:
        U, s, Vt = decompose(np.ones((m, n)))
        k = min(m, n)
        assert (U.shape, s.shape, Vt.shape) == ((m, k), (k,), (k, n))


@pytest.mark.reference
@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 8))
def test_jacobi_is_right_to_every_digit_where_columns_are_of_different_size(seed, n):
    """A = B D: relative error n eps cond(B), whatever D. LAPACK's gejsv has the same promise."""
    rng = np.random.default_rng(seed)
    B = rng.standard_normal((n + 2, n))
    B /= np.linalg.norm(B, axis=0)
    A = B * 10.0 ** -rng.integers(0, 140, n)
    sva, _, _, work, _, info = lapack.dgejsv(A, joba=0, jobu=3, jobv=3, jobr=0, jobt=0, jobp=0)
    assert info == 0
    allowed = 10 * n * EPS * np.linalg.cond(B)
    assert jacobi_svd(A).s == pytest.approx(sva * work[0] / work[1], rel=allowed, abs=0)


def test_jacobi_keeps_what_is_too_small_to_be_squared():
    """Orthonormal columns times D: the singular values are D, down to 1e-280 of the largest."""
    Q = np.linalg.qr(np.random.default_rng(2).standard_normal((7, 5)))[0]
    wanted = 10.0 ** -np.array([0.0, 70, 140, 210, 280])
    U, s, Vt = jacobi_svd(Q * wanted)
    assert s == pytest.approx(wanted, rel=50 * EPS, abs=0)
    assert pytest.approx(np.eye(5), abs=50 * EPS) == U.T @ U
    assert np.abs(Vt) == pytest.approx(np.eye(5), abs=50 * EPS)


def test_hilberts_smallest_value_is_known():
    """cond(H_8) = 1.52575755666e10 (Higham 2002, table 28.1); s_8 is good to eps / s_8 = 2e-6."""
    s = svd(hilbert(8)).s
    assert s[0] / s[-1] == pytest.approx(1.52575755666e10, rel=1e-5, abs=0)


@pytest.mark.parametrize(
    ("d", "e"),
    [
        ([1.0, 0.0, 2.0], [1.0, 1.0]),
        ([0.0, 1.0, 2.0], [1.0, 1.0]),
        ([1.0, 2.0, 0.0], [1.0, 1.0]),
        ([0.0, 0.0, 0.0], [1.0, 1.0]),
        ([1.0, 1e-200, 1.0], [1e-100, 1.0]),
        ([1e-160, 1e-170, 0.0], [1e-150, 1.0]),
    ],
)
def test_zeros_and_specks_on_the_diagonal(d, e):
    A = np.diag(d) + np.diag(e, 1)
    U, s, Vt = svd(A)
    assert (U * s) @ Vt == pytest.approx(A, abs=20 * EPS)
    assert s == pytest.approx(np.linalg.svd(A, compute_uv=False), abs=20 * EPS)


def test_bidiagonal_factors_have_two_diagonals():
    A = np.random.default_rng(3).standard_normal((6, 4))
    U, d, e, V = bidiagonalize(A)
    B = U.T @ A @ V
    assert pytest.approx(np.diag(d) + np.diag(e, 1), abs=1e-14) == B
