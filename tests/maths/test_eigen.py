"""Eigenvalues and eigenvectors of any real matrix against LAPACK's geev."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from tests.maths.decomposition_family import KINDS, largest, matrices

from groundup.maths.eigen import balance, eigen, eigenvalues, schur_eigenvalues
from groundup.maths.schur import real_schur
from groundup.maths.special_matrices import companion, jordan_block

EPS = np.finfo(float).eps
SQUARE = pytest.mark.parametrize("A", KINDS["square"].values(), ids=KINDS["square"])


def farthest(ours, theirs):
    """The largest distance between eigenvalues that are paired as well as can be."""
    if not len(ours):
        return 0.0
    distances = np.abs(ours[:, None] - theirs)
    return distances[linear_sum_assignment(distances)].max()


@SQUARE
def test_vectors_belong_to_their_values(A):
    """Residual c n eps ||A||: the pair is exact for a matrix that near to A."""
    scale = largest(A)
    values, vectors = eigen(A)
    residual = (A / scale) @ vectors - vectors * (values / scale)
    allowed = 10 * max(len(A), 1) * EPS * np.linalg.norm(A / scale)
    assert np.abs(residual).max(initial=0.0) <= allowed
    assert np.linalg.norm(vectors, axis=0) == pytest.approx(np.ones(len(A)), rel=10 * EPS, abs=0)


@settings(max_examples=60)
@given(matrices("square"))
def test_vectors_of_random_matrices(A):
    A = A / largest(A)
    values, vectors = eigen(A)
    allowed = 20 * max(len(A), 1) * EPS * np.linalg.norm(A)
    assert np.abs(A @ vectors - vectors * values).max(initial=0.0) <= allowed
    assert abs(values.sum() - np.trace(A)) <= allowed


@pytest.mark.reference
@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 9))
def test_values_are_lapacks_to_their_condition(seed, n):
    """Bauer and Fike: a backward error E moves them by at most cond(V) ||E||."""
    A = np.random.default_rng(seed).standard_normal((n, n))
    theirs, vectors = np.linalg.eig(A)
    allowed = 20 * n * EPS * np.linalg.norm(A) * np.linalg.cond(vectors)
    assert farthest(eigenvalues(A), theirs) <= allowed
    assert farthest(eigen(A).values, theirs) <= allowed


@pytest.mark.reference
@pytest.mark.parametrize("n", [2, 4, 7])
def test_a_jordan_block_is_hard_to_the_n_th_root(n):
    """A change of eps moves the n-fold eigenvalue by eps^(1/n); after a similarity it shows."""
    Q = np.linalg.qr(np.random.default_rng(n).standard_normal((n, n)))[0]
    values = eigenvalues(Q @ jordan_block(2.0, n) @ Q.T)
    assert np.abs(values - 2).max() <= (100 * n * EPS) ** (1 / n)
    assert values.mean() == pytest.approx(2.0, rel=20 * n * EPS, abs=0)


@SQUARE
def test_complex_values_come_in_exact_pairs_and_real_ones_have_real_vectors(A):
    values, vectors = eigen(A)
    assert values.dtype == vectors.dtype == np.complex128
    for k in np.flatnonzero(values.imag > 0):
        assert values[k + 1] == values[k].conjugate()
        assert np.array_equal(vectors[:, k + 1], vectors[:, k].conj())
    assert not vectors[:, values.imag == 0].imag.any()


@pytest.mark.reference
def test_roots_of_a_polynomial():
    """The companion matrix of (x - 1) ... (x - 6): simple roots, condition of about 1e4."""
    roots = eigenvalues(companion(np.poly(np.arange(1, 7))))
    assert farthest(roots, np.arange(1, 7)) <= 1e4 * 6 * EPS * 720
    square_roots_of_minus_one = eigenvalues([[0.0, -1.0], [1.0, 0.0]])
    assert sorted(square_roots_of_minus_one, key=lambda z: z.imag) == [-1j, 1j]


def test_balancing_is_exact_and_lets_small_entries_count():
    """A = [[1, 1e100], [1e-100, 1]] has eigenvalues 0 and 2; unbalanced, it looks like [[1, 1]]."""
    A = np.array([[1.0, 1e100], [1e-100, 1.0]])
    B, powers = balance(A)
    D = 2.0**powers
    assert np.array_equal(B, A * D / D[:, None])
    for values in (eigenvalues(A), eigen(A).values):
        assert np.sort(values.real) == pytest.approx([0.0, 2.0], abs=1e-14)


@SQUARE
def test_balancing_changes_nothing_but_the_scale(A):
    A = A / largest(A)
    B, powers = balance(A)
    D = np.exp2(powers.astype(float))
    assert pytest.approx(A * D / D[:, None], rel=1e-15, abs=0) == B
    rows, columns = np.abs(B - np.diag(np.diag(B))).sum(1), np.abs(B - np.diag(np.diag(B))).sum(0)
    both = (rows > 0) & (columns > 0)
    assert np.all(np.abs(np.log2(rows[both] / columns[both])) <= 3)


def test_vectors_that_grow_beyond_all_numbers_are_scaled_down():
    """Each step of the back substitution divides by eps: 30 of them would reach 10^470."""
    values, vectors = eigen(jordan_block(0.0, 30))
    assert not values.any()
    assert np.abs(vectors[0]) == pytest.approx(np.ones(30))


def test_values_of_a_given_schur_form():
    T = real_schur(np.kron(np.eye(2), [[1.0, 2.0], [-2.0, 1.0]])).T
    assert farthest(schur_eigenvalues(T), np.array([1 + 2j, 1 - 2j] * 2)) <= 20 * EPS


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="square"):
        eigen(np.ones((2, 3)))
    with pytest.raises(ValueError, match="NaN or infinity"):
        eigenvalues([[np.nan]])
    with pytest.raises(ValueError, match="complex128"):
        eigenvalues([[1j]])
    assert eigenvalues(np.zeros((0, 0))).shape == (0,)
