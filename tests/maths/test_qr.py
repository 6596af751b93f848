"""QR against NumPy and SciPy; the family's list holds what every decomposition must."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st
from tests.maths.decomposition_family import MATRICES, matrices

from groundup.maths.qr import apply_q, givens_qr, pivoted_qr, qr, rank_by_qr, reflect_to_triangle
from groundup.maths.special_matrices import hilbert

EPS = np.finfo(float).eps
SHAPES = pytest.mark.parametrize("name", ["random", "tall", "wide", "column", "row", "3 x 0"])


@pytest.mark.reference
@SHAPES
@pytest.mark.parametrize("mode", ["reduced", "full"])
def test_it_is_numpys_with_the_same_signs(name, mode):
    """Q and R move by n eps cond(A) at most; the conditions are below 100 here."""
    A = MATRICES[name]
    Q, R = qr(A, mode)
    wanted = np.linalg.qr(A, "complete" if mode == "full" else "reduced")
    assert pytest.approx(wanted.Q, abs=1e-12) == Q
    assert pytest.approx(wanted.R, abs=1e-12) == R


@given(matrices("tall"))
def test_the_triangle_is_choleskys(A):
    """R'R = A'A, up to the rounding of both, n eps ||A||^2."""
    A = A / (np.abs(A).max(initial=0.0) or 1.0)
    for factor in (qr, givens_qr):
        R = factor(A).R
        allowed = 20 * max(*A.shape, 1) * EPS * (A**2).sum()
        assert pytest.approx(A.T @ A, rel=0, abs=allowed) == R.T @ R


@pytest.mark.reference
@pytest.mark.parametrize("name", ["random", "tall", "wide"])
def test_pivoting_is_scipys(name):
    A = MATRICES[name]
    Q, R, permutation = pivoted_qr(A)
    wanted_Q, wanted_R, wanted = scipy.linalg.qr(A, mode="economic", pivoting=True)
    assert np.array_equal(permutation, wanted)
    assert pytest.approx(wanted_Q, abs=1e-12) == Q
    assert pytest.approx(wanted_R, abs=1e-12) == R


@given(matrices())
def test_the_pivots_descend(A):
    diagonal = np.abs(np.diag(pivoted_qr(A).R))
    assert np.all(diagonal[1:] <= diagonal[:-1] * (1 + 100 * EPS))


@pytest.mark.reference
@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 9), st.integers(0, 9))
def test_the_rank_is_revealed(seed, m, n, rank):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, rank)) @ rng.standard_normal((rank, n))
    assert rank_by_qr(A, rtol=1e-10) == np.linalg.matrix_rank(A, rtol=1e-10)


def test_the_rank_of_nothing_is_zero():
    assert rank_by_qr(np.zeros((3, 3))) == 0
    assert rank_by_qr(np.zeros((0, 3))) == 0
    assert rank_by_qr(np.eye(3) * 1e-200) == 3


@SHAPES
def test_reflections_multiply_like_q(name):
    A = MATRICES[name]
    reflections, R = reflect_to_triangle(A)
    full = qr(A, "full")
    block = np.arange(2.0 * len(A)).reshape(len(A), 2)
    assert apply_q(reflections, block) == pytest.approx(full.Q @ block, abs=1e-12)
    assert apply_q(reflections, block, transpose=True) == pytest.approx(full.Q.T @ block, abs=1e-12)
    assert np.array_equal(R, full.R)


def test_q_is_orthogonal_where_gram_schmidt_is_not():
    Q = qr(hilbert(12)).Q
    assert np.abs(Q.T @ Q - np.eye(12)).max() <= 12 * EPS * 10


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="mode is 'complete'; wanted 'reduced' or 'full'"):
        qr(np.eye(2), "complete")
