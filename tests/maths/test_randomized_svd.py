"""The randomized SVD: within Halko, Martinsson and Tropp's bounds, and exact where it must be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.extmath import randomized_svd as scikit_learns

from groundup.maths.randomized_svd import (
    exact_error,
    expected_error_bound,
    measured_error_bound,
    random_range,
    randomized_svd,
)

EPS = np.finfo(float).eps
SEED = st.integers(0, 2**32)


def decaying(seed, rate, m=40, n=25):
    rng = np.random.default_rng(seed)
    U, V = (np.linalg.qr(rng.standard_normal((side, n)))[0] for side in (m, n))
    return (U * rate ** np.arange(n)) @ V.T


@pytest.mark.reference
@settings(max_examples=30)
@given(SEED, st.integers(-100, 100))
def test_the_first_values_are_right_where_they_fall_fast(seed, power):
    """Two power iterations: the part missed is about (s_11 / s_k)^4 = 1e-6 of a digit."""
    A = decaying(seed, 0.3)
    U, s, Vt = randomized_svd(A * 10.0**power, 5, rng=seed)
    wanted = np.linalg.svd(A, compute_uv=False)[:5]
    assert s / 10.0**power == pytest.approx(wanted, rel=1e-9, abs=0)
    assert pytest.approx(np.eye(5), abs=1e-13) == U.T @ U
    assert Vt @ Vt.T == pytest.approx(np.eye(5), abs=1e-13)
    judge = scikit_learns(A, 5, random_state=0)[1]
    assert s / 10.0**power == pytest.approx(judge, rel=1e-9, abs=0)


@given(SEED, st.integers(1, 6))
def test_a_matrix_of_low_rank_is_found_exactly(seed, rank):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((20, rank)) @ rng.standard_normal((rank, 15))
    U, s, Vt = randomized_svd(A, rank, oversample=3, power=0, rng=seed)
    # without power iteration the smallest random direction may be 1e3 times weaker than the rest
    assert (U * s) @ Vt == pytest.approx(A, abs=1e-10)


def test_the_average_error_is_within_the_bound():
    A = decaying(0, 0.8)
    s = np.linalg.svd(A, compute_uv=False)
    errors = [exact_error(A, random_range(A, 9, power=0, rng=seed)) for seed in range(60)]
    bound = expected_error_bound(s, 5, 4)
    assert s[9] <= min(errors)  # Eckart and Young
    assert np.mean(errors) <= bound
    assert bound <= 20 * s[5]
    powered = [exact_error(A, random_range(A, 9, power=2, rng=seed)) for seed in range(20)]
    assert np.mean(powered) <= expected_error_bound(s**5, 5, 4) ** (1 / 5)
    assert np.mean(powered) < np.mean(errors)


@settings(max_examples=30)
@given(SEED, st.integers(1, 20))
def test_the_measured_bound_holds(seed, size):
    """It fails with probability 1e-10 a time."""
    A = decaying(3, 0.7)
    Q = random_range(A, size, power=0, rng=seed)
    bound = measured_error_bound(A, Q, rng=seed + 1)
    assert exact_error(A, Q) <= bound <= 1e3 * (exact_error(A, Q) + EPS)


def test_the_same_seed_gives_the_same_answer():
    A = decaying(1, 0.9)
    assert np.array_equal(randomized_svd(A, 3).U, randomized_svd(A, 3).U)
    generator = np.random.default_rng(7)
    first, second = randomized_svd(A, 3, rng=generator).s, randomized_svd(A, 3, rng=generator).s
    assert not np.array_equal(first, second)


def test_bad_input_is_refused():
    A = np.ones((4, 3))
    with pytest.raises(ValueError, match="k is 4; wanted a whole number, from 1 to 3"):
        randomized_svd(A, 4)
    with pytest.raises(ValueError, match="oversample is -1; wanted a whole number, 0 or more"):
        randomized_svd(A, 1, oversample=-1)
    with pytest.raises(ValueError, match="size is 0"):
        random_range(A, 0)
    with pytest.raises(ValueError, match="power is -1"):
        random_range(A, 1, power=-1)
    with pytest.raises(ValueError, match="k is 1; wanted a whole number, from 2 to 1"):
        expected_error_bound([1.0, 0.5, 0.1], 1, 2)
    with pytest.raises(ValueError, match="probes is 0"):
        measured_error_bound(A, np.eye(4)[:, :1], probes=0)
    with pytest.raises(ValueError, match="wanted 4 rows"):
        exact_error(A, np.eye(3))
