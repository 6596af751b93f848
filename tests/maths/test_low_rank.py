"""Eckart and Young: no matrix of rank k is nearer; the pseudo-inverse against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.decomposition_family import MATRICES, largest, matrices

from groundup.maths.low_rank import low_rank, pseudo_inverse, rank_for_energy

EPS = np.finfo(float).eps
SEED = st.integers(0, 2**32)


@settings(max_examples=50)
@given(matrices(), SEED, st.integers(0, 8))
def test_the_errors_are_as_reported_and_no_other_matrix_is_nearer(A, seed, k):
    A = A / largest(A)
    k = min(k, *A.shape)
    near = low_rank(A, k)
    missed = A - near.left @ near.right
    allowed = 20 * max(*A.shape, 1) * EPS * np.linalg.norm(A)
    assert np.linalg.norm(missed) == pytest.approx(near.frobenius_error, abs=allowed)
    if A.size:
        assert np.linalg.norm(missed, 2) == pytest.approx(near.spectral_error, abs=allowed)
        rng = np.random.default_rng(seed)
        other = rng.standard_normal((len(A), k))
        best_with_other = other @ np.linalg.lstsq(other, A)[0] if k else 0 * A
        assert np.linalg.norm(A - best_with_other) >= near.frobenius_error - allowed


@pytest.mark.reference
@given(SEED, st.integers(1, 9), st.floats(0, 1))
def test_the_rank_for_an_energy_is_the_first_that_has_it(seed, n, share):
    s = np.sort(np.random.default_rng(seed).uniform(0.1, 1, n))[::-1]
    k = rank_for_energy(s, share)
    energy = np.cumsum(s**2) / (s**2).sum()
    assert k == 0 if share == 0 else k >= 1
    assert k == 0 or energy[k - 1] >= share - 1e-14
    assert k <= 1 or energy[k - 2] < share + 1e-14


def test_energy_corners():
    assert rank_for_energy([3.0, 2.0, 0.0], 1.0) == 2
    assert rank_for_energy([0.0, 0.0], 1.0) == 0
    assert rank_for_energy([1e200, 1e200], 0.5) == 1
    assert rank_for_energy([1.0, 1e-7], 1.0) == 2


@pytest.mark.reference
@pytest.mark.parametrize("name", ["random", "tall", "wide", "rank 2", "zero", "all ones", "0 x 3"])
def test_the_pseudo_inverse_is_numpys(name):
    A = MATRICES[name]
    wanted = np.linalg.pinv(A, rcond=1e-10)
    kept = np.linalg.svd(A, compute_uv=False)
    kept = kept[kept > 1e-10]
    condition = kept[0] / kept[-1] if kept.size else 1.0
    allowed = 50 * max(A.shape) * EPS * condition * np.linalg.norm(wanted)
    assert pseudo_inverse(A) == pytest.approx(wanted, rel=0, abs=allowed)


@settings(max_examples=50)
@given(SEED, st.integers(1, 6), st.integers(1, 6), st.integers(0, 4), st.integers(-140, 140))
def test_penroses_four_conditions(seed, m, n, r, power):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, r)) @ rng.standard_normal((r, n))
    X = pseudo_inverse(A * 10.0**power, 1e-10) * 10.0**power
    s = np.linalg.svd(A, compute_uv=False)
    kept = s[s > 1e-10 * s.max(initial=0.0)]
    allowed = 100 * max(m, n) * EPS * (kept[0] / kept[-1] if kept.size else 1) ** 2
    assert pytest.approx(A, rel=0, abs=allowed * (np.linalg.norm(A) + 1)) == A @ X @ A
    assert pytest.approx(X, rel=0, abs=allowed * (np.linalg.norm(X) + 1)) == X @ A @ X
    assert pytest.approx((A @ X).T, rel=0, abs=allowed) == A @ X
    assert pytest.approx((X @ A).T, rel=0, abs=allowed) == X @ A


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="k is 4; wanted a whole number, from 0 to 3"):
        low_rank(np.ones((3, 5)), 4)
    with pytest.raises(ValueError, match=r"share is 1\.5"):
        rank_for_energy([1.0], 1.5)
    with pytest.raises(ValueError, match="s must descend"):
        rank_for_energy([1.0, 2.0], 0.5)
    with pytest.raises(ValueError, match="s must descend"):
        rank_for_energy([1.0, -2.0], 0.5)
