"""Symmetric eigenvalues against LAPACK; Weyl: a backward error E moves none by more than ||E||."""

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.linalg import lapack
from tests.maths.decomposition_family import KINDS, largest, matrices

from groundup.maths.jacobi import jacobi_eigen, tournament
from groundup.maths.special_matrices import wilkinson
from groundup.maths.symmetric_eigen import (
    symmetric_eigen,
    symmetric_eigenvalues,
    tridiagonalize,
    wilkinson_shift,
)

EPS = np.finfo(float).eps
BOTH = pytest.mark.parametrize("decompose", [symmetric_eigen, jacobi_eigen])


@pytest.mark.reference
@BOTH
@pytest.mark.parametrize("A", KINDS["symmetric"].values(), ids=KINDS["symmetric"])
def test_values_are_lapacks(decompose, A):
    scale = largest(A)
    wanted = np.linalg.eigvalsh(A / scale)
    allowed = 10 * max(len(A), 1) * EPS * np.linalg.norm(A / scale)
    assert decompose(A).values / scale == pytest.approx(wanted, rel=0, abs=allowed)
    assert symmetric_eigenvalues(A) / scale == pytest.approx(wanted, rel=0, abs=allowed)


@BOTH
@settings(max_examples=40)
@given(A=matrices("symmetric"))
def test_vectors_belong_to_their_values(decompose, A):
    A = A / largest(A)
    values, vectors = decompose(A)
    allowed = 20 * max(len(A), 1) * EPS * np.linalg.norm(A)
    assert A @ vectors == pytest.approx(vectors * values, rel=0, abs=allowed)
    assert values.sum() == pytest.approx(np.trace(A), rel=0, abs=allowed)


@pytest.mark.parametrize("A", KINDS["symmetric"].values(), ids=KINDS["symmetric"])
def test_the_tridiagonal_form_has_the_same_values(A):
    _, d, e = tridiagonalize(A)
    T = np.diag(d) + np.diag(e, 1) + np.diag(e, -1) if len(A) else A
    scale = largest(A)
    allowed = 20 * max(len(A), 1) * EPS * np.linalg.norm(A / scale)
    wanted = np.linalg.eigvalsh(A / scale)
    assert np.linalg.eigvalsh(T / scale) == pytest.approx(wanted, rel=0, abs=allowed)


def test_jacobi_keeps_the_small_eigenvalues_of_a_definite_matrix():
    """Demmel and Veselic: n eps cond(B) relative, for A = DBD. QR loses what is below eps ||A||.

    Of a 2 x 2 the product of eigenvalues is the determinant, and the larger is known to eps. For
    8 x 8, D goes from 1 to 1e-7, the eigenvalues from 1 to 1e-14, and B has condition 9.
    """
    d, b = 1e-20, 0.5
    A = np.array([[1.0, b * d], [b * d, d * d]])
    wanted = d * d * (1 - b * b)  # the determinant over the larger one, 1 + O(d^2)
    assert jacobi_eigen(A).values[0] == pytest.approx(wanted, rel=10 * EPS, abs=0)
    scales = 10.0 ** -np.arange(8)
    graded = np.outer(scales, scales) * (0.5 * np.eye(8) + 0.5)
    # as the reference: Cholesky is componentwise accurate here, and so are its singular values
    factor = np.linalg.cholesky(graded)
    reference = np.sort(jacobi_eigen_from_factor(factor))
    assert jacobi_eigen(graded).values == pytest.approx(reference, rel=1e-13, abs=0)


def jacobi_eigen_from_factor(L):
    """Squares of the singular values of a column-scaled L', by LAPACK's own Jacobi (gejsv)."""
    sva, _, _, work, _, info = lapack.dgejsv(L.T, joba=0, jobu=3, jobv=3, jobr=0, jobt=0, jobp=0)
    assert info == 0
    return (sva * work[0] / work[1]) ** 2


def test_wilkinsons_pairs_are_told_apart():
    """The two largest eigenvalues of W21+ agree to 14 digits and are different."""
    values = symmetric_eigenvalues(wilkinson(21))
    assert values[-1] == pytest.approx(10.746194182903393, rel=1e-14, abs=0)
    assert values[-1] - values[-2] == pytest.approx(0.0, abs=2e-13)


def test_the_shift_is_the_nearer_eigenvalue():
    assert wilkinson_shift(1.0, 0.0, 3.0) == 3.0
    assert wilkinson_shift(0.0, 1.0, 0.0) == -1.0
    assert wilkinson_shift(2.0, 1.0, 0.0) == pytest.approx(1 - np.sqrt(2))
    assert wilkinson_shift(0.0, 0.0, 0.0) == 0.0


@pytest.mark.parametrize("n", range(9))
def test_everyone_meets_everyone_once(n):
    rounds = list(tournament(n))
    pairs = [(int(p), int(q)) for ps, qs in rounds for p, q in zip(ps, qs, strict=True)]
    assert sorted(pairs) == [(p, q) for p in range(n) for q in range(p + 1, n)]
    for ps, qs in rounds:
        assert len({*ps, *qs}) == 2 * len(ps)
