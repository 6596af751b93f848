"""Rank, ranges, null spaces, projections and angles against NumPy and SciPy."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.decomposition_family import EVERY, largest

from groundup.maths.subspaces import (
    are_independent,
    coordinates,
    null_basis,
    orthogonal_complement,
    principal_angles,
    project,
    projector,
    range_basis,
    rank,
)

EPS = np.finfo(float).eps
SEED = st.integers(0, 2**32)
SIDE = st.integers(1, 8)


def of_rank(seed, m, n, r):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, r)) @ rng.standard_normal((r, n))


@pytest.mark.reference
@pytest.mark.parametrize("A", EVERY.values(), ids=EVERY)
def test_rank_is_numpys(A):
    """On a singular value at the very threshold two rounded SVDs may differ: none is there."""
    wanted = np.linalg.matrix_rank(A / largest(A)) if A.size else 0
    assert rank(A) == wanted
    assert are_independent(A) == (wanted == A.shape[1])


@pytest.mark.reference
@settings(max_examples=60)
@given(SEED, SIDE, SIDE, st.integers(0, 8), st.integers(-150, 150))
def test_the_four_subspaces_are_scipys(seed, m, n, r, power):
    A = of_rank(seed, m, n, r)
    kept = np.linalg.matrix_rank(A, rtol=1e-10)
    pairs = [
        (range_basis(A * 10.0**power, 1e-10), scipy.linalg.orth(A, rcond=1e-10)),
        (null_basis(A * 10.0**power, 1e-10), scipy.linalg.null_space(A, rcond=1e-10)),
        (null_basis(A.T, 1e-10), scipy.linalg.null_space(A.T, rcond=1e-10)),
        (orthogonal_complement(A, 1e-10), scipy.linalg.null_space(A.T, rcond=1e-10)),
    ]
    assert [ours.shape[1] for ours, _ in pairs] == [kept, n - kept, m - kept, m - kept]
    gap = (
        np.linalg.svd(A, compute_uv=False)[:kept].min(initial=np.inf) / np.linalg.norm(A, 2)
        if kept
        else 1
    )
    for ours, theirs in pairs:
        # two bases of one subspace have one projector, up to eps over the gap of singular values
        assert ours @ ours.T == pytest.approx(theirs @ theirs.T, abs=50 * max(m, n) * EPS / gap)
        assert ours.T @ ours == pytest.approx(np.eye(ours.shape[1]), abs=1e-13)


@settings(max_examples=40)
@given(SEED, SIDE, SIDE, st.integers(0, 4))
def test_projections(seed, m, n, k):
    A = of_rank(seed, m, n, min(m, n))
    x = np.random.default_rng(seed).standard_normal((m, k) if k else m)
    near = project(x, A)
    assert near.shape == x.shape
    allowed = 100 * max(m, n) * EPS * np.linalg.norm(x) + 1e-300
    assert np.abs(range_basis(A).T @ (x - near)).max(initial=0.0) <= allowed
    P = projector(A)
    assert pytest.approx(P, abs=1e-13) == P @ P
    assert np.array_equal(P, P.T)
    assert np.trace(P) == pytest.approx(rank(A))
    assert P @ x == pytest.approx(near, abs=allowed)


@given(SEED, SIDE)
def test_coordinates_in_a_basis(seed, n):
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((n + 2, n)))[0] * rng.uniform(1, 2, n)
    c = rng.standard_normal(n)
    assert coordinates(basis @ c, basis) == pytest.approx(c, abs=1e-12)


@pytest.mark.reference
@settings(max_examples=60)
@given(SEED, st.integers(2, 8), SIDE, SIDE)
def test_principal_angles_are_scipys(seed, m, j, k):
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal((m, min(j, m))), rng.standard_normal((m, min(k, m)))
    wanted = scipy.linalg.subspace_angles(A, B)[::-1]
    condition = np.linalg.cond(A) + np.linalg.cond(B)
    # SciPy takes some angles that are zero from their cosine; that is 1 up to 20 m eps
    allowed = np.sqrt(40 * m * EPS) + 50 * m * EPS * condition
    assert principal_angles(A, B) == pytest.approx(wanted, abs=allowed)


@pytest.mark.parametrize("small", [1e-12, 1e-9, 1e-4])
def test_small_angles_are_right(small):
    """The cosine of 1e-9 is 1: the sine decides."""
    A = np.eye(4)[:, :2]
    B = np.array([[1.0, 0.0], [0.0, np.cos(small)], [0.0, np.sin(small)], [0.0, 0.0]])
    assert principal_angles(A, B) == pytest.approx([0.0, small], rel=1e-6, abs=1e-15)


@given(SEED, st.integers(2, 6), st.integers(1, 6))
def test_the_angles_of_shared_and_turned_directions_are_exact(seed, m, k):
    """B is A with each basis vector turned by its own angle into a direction of its own."""
    k = min(k, m)
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((2 * m, 2 * m)))[0]
    turns = np.sort(rng.choice([0.0, 1e-9, 1e-3, 0.5, np.pi / 2], k))
    A, B = Q[:, :k], Q[:, :k] * np.cos(turns) + Q[:, m : m + k] * np.sin(turns)
    mixed = B @ np.linalg.qr(rng.standard_normal((k, k)))[0]
    assert principal_angles(A, mixed) == pytest.approx(turns, abs=50 * m * EPS)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="rtol is 2"):
        rank(np.eye(2), 2)
    with pytest.raises(ValueError, match="x has shape"):
        project([1.0, 2.0], np.eye(3))
    with pytest.raises(ValueError, match="3 and 2 numbers"):
        principal_angles(np.eye(3), np.eye(2))
    with pytest.raises(ValueError, match="not in the span"):
        coordinates([0.0, 0.0, 1.0], np.eye(3)[:, :2])
    with pytest.raises(np.linalg.LinAlgError, match="depend on each other"):
        coordinates([1.0, 1.0], np.ones((2, 2)))
    assert null_basis(np.zeros((2, 3))).shape == (3, 3)
    assert range_basis(np.zeros((2, 3))).shape == (2, 0)
