"""Cholesky and LDL' against NumPy; it fails exactly when the matrix is not positive definite."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.maths.decomposition_family import DEFINITE

from groundup.maths.cholesky import cholesky, is_positive_definite, ldl, solve_positive_definite
from groundup.maths.special_matrices import hilbert

EPS = np.finfo(float).eps


@pytest.mark.reference
@pytest.mark.parametrize("A", DEFINITE.values(), ids=DEFINITE)
def test_it_is_numpys(A):
    """The factor moves by about n eps cond(A) relative to its norm (Higham 2002, section 10.3)."""
    wanted = np.linalg.cholesky(A)
    condition = np.linalg.cond(A) if A.size else 1.0
    allowed = 10 * max(len(A), 1) * EPS * condition * np.abs(wanted).max(initial=0.0)
    assert cholesky(A) == pytest.approx(wanted, rel=0, abs=allowed)


@given(st.integers(0, 2**32), st.integers(1, 8))
def test_it_raises_if_and_only_if_an_eigenvalue_is_not_positive(seed, n):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, n))
    A = A + A.T + rng.uniform(0, 4 * np.sqrt(n)) * np.eye(n)
    smallest = np.linalg.eigvalsh(A)[0]
    # within n eps ||A|| of zero rounding decides
    if abs(smallest) > 20 * n * EPS * np.linalg.norm(A):
        assert is_positive_definite(A) == (smallest > 0)


@pytest.mark.parametrize(
    "A", [[[0.0]], [[-1.0]], [[1.0, 2.0], [2.0, 1.0]], np.zeros((3, 3)), np.ones((3, 3))]
)
def test_indefinite_and_singular_matrices_are_refused(A):
    assert not is_positive_definite(A)
    with pytest.raises(np.linalg.LinAlgError, match=r"not positive definite: pivot \d is"):
        cholesky(A)


@pytest.mark.reference
@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(0, 3))
def test_solutions_are_numpys(seed, n, k):
    rng = np.random.default_rng(seed)
    B = rng.standard_normal((n, n + 2))
    A, b = B @ B.T, rng.standard_normal((n, k) if k else n)
    wanted = np.linalg.solve(A, b)
    allowed = 20 * n * EPS * np.linalg.cond(A) * np.abs(wanted).max()
    assert solve_positive_definite(A, b) == pytest.approx(wanted, rel=0, abs=allowed)


@given(st.integers(0, 2**32), st.integers(1, 6))
def test_the_pivots_of_ldl_have_the_signs_of_the_eigenvalues(seed, n):
    """Sylvester's law of inertia; a diagonal that dominates keeps every leading block regular."""
    rng = np.random.default_rng(seed)
    A = rng.uniform(-1, 1, (n, n)) / n
    A = A + A.T + np.diag(rng.choice([-4.0, 4.0], n))
    L, d = ldl(A)
    assert (L * d) @ L.T == pytest.approx(A, abs=20 * n * EPS * np.abs(A).max())
    assert (d > 0).sum() == (np.linalg.eigvalsh(A) > 0).sum()


def test_ldl_says_where_it_ends():
    with pytest.raises(np.linalg.LinAlgError, match="leading 1 x 1 block is singular"):
        ldl([[0.0, 1.0], [1.0, 0.0]])
    with pytest.raises(np.linalg.LinAlgError, match="leading 2 x 2 block is singular"):
        ldl(np.outer([0.1, 0.7, 0.3], [0.1, 0.7, 0.3]))


def test_hilbert_is_definite_as_far_as_numbers_reach():
    assert is_positive_definite(hilbert(12))
    with pytest.raises(ValueError, match="not symmetric"):
        is_positive_definite([[1.0, 2.0], [0.0, 1.0]])
