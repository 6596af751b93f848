"""Power, inverse, Rayleigh and orthogonal iteration against NumPy's eigenvalues."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.decomposition_family import KINDS, largest

from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.eigen_iteration import (
    inverse_iteration,
    orthogonal_iteration,
    power_iteration,
    rayleigh_iteration,
    rayleigh_quotient,
)
from groundup.maths.special_matrices import hilbert, jordan_block

SEED = st.integers(0, 2**32)
ROTATION = np.array([[0.0, -1.0], [1.0, 0.0]])


def symmetric(seed, values):
    n = len(values)
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]
    A = (Q * values) @ Q.T
    return (A + A.T) / 2


@settings(max_examples=30)
@given(SEED, st.integers(-150, 150))
def test_the_power_iteration_finds_the_largest(seed, power):
    A = symmetric(seed, [-4.0, 3.0, 1.0, 0.0, -2.0]) * 10.0**power
    pair = power_iteration(A, rng=seed)
    # a residual r bounds the distance to an eigenvalue of a symmetric matrix (Weinstein)
    assert pair.value / 10.0**power == pytest.approx(-4.0, abs=1e-9)
    assert pair.residual <= 1e-10 * 10.0**power * np.linalg.norm([4, 3, 1, 2])
    assert pair.converged
    assert np.linalg.norm(pair.vector) == pytest.approx(1.0)


def test_it_converges_as_the_ratio_of_the_two_largest():
    """(3/4)^k = 1e-10 at k = 80, and the value's own error is its square."""
    steps = power_iteration(symmetric(1, [4.0, 3.0, 1.0])).iterations
    assert 60 < steps < 100
    assert power_iteration(symmetric(1, [4.0, 0.4, 0.1])).iterations < 15


@settings(max_examples=30)
@given(SEED, st.sampled_from([-4.2, -1.7, 0.3, 1.1, 2.8]))
def test_the_inverse_iteration_finds_the_nearest(seed, shift):
    values = np.array([-4.0, 3.0, 1.0, 0.0, -2.0])
    nearest = values[np.abs(values - shift).argmin()]
    pair = inverse_iteration(symmetric(seed, values), shift, rng=seed)
    assert pair.value == pytest.approx(nearest, abs=1e-9)


@pytest.mark.parametrize("A", [np.diag([1.0, 2.0, 3.0]), np.zeros((3, 3)), jordan_block(2.0, 3)])
def test_a_shift_that_is_an_eigenvalue_is_no_accident(A):
    pair = inverse_iteration(A, A[1, 1])
    assert pair.value == pytest.approx(A[1, 1], abs=1e-9)
    assert pair.converged


@settings(max_examples=30)
@given(SEED)
def test_rayleigh_iteration_is_cubic(seed):
    A = symmetric(seed, np.arange(8.0))
    pair = rayleigh_iteration(A, rng=seed)
    assert np.abs(np.arange(8.0) - pair.value).min() <= 1e-8
    assert pair.iterations <= 15


@pytest.mark.parametrize("A", KINDS["symmetric"].values(), ids=KINDS["symmetric"])
def test_rayleigh_iteration_always_ends_at_an_eigenvector(A):
    if not len(A):
        return
    pair = rayleigh_iteration(A)
    scale = largest(A)
    assert np.linalg.norm(
        (A / scale) @ pair.vector - pair.value / scale * pair.vector
    ) <= 1e-9 * len(A)


@settings(max_examples=30)
@given(SEED, st.integers(1, 4))
def test_orthogonal_iteration_finds_the_largest_few(seed, k):
    A = symmetric(seed, [16.0, -8.0, 4.0, 2.0, 1.0])
    space = orthogonal_iteration(A, k, rng=seed)
    assert np.sort(np.linalg.eigvals(space.B).real) == pytest.approx(
        np.sort([16.0, -8.0, 4.0, 2.0][:k]), abs=1e-7
    )
    assert pytest.approx(np.eye(k), abs=1e-14) == space.Q.T @ space.Q
    assert pytest.approx(space.Q @ space.B, abs=1e-8) == A @ space.Q


def test_a_complex_pair_is_found_as_its_plane():
    A = np.zeros((4, 4))
    A[:2, :2], A[2:, 2:] = 3 * ROTATION, np.diag([1.0, 0.5])
    space = orthogonal_iteration(A, 2)
    assert np.sort(np.linalg.eigvals(space.B).imag) == pytest.approx([-3.0, 3.0])


def test_what_cannot_converge_warns_and_says_what_to_change():
    with pytest.warns(ConvergenceWarning, match="after 50 iterations; raise max_iterations"):
        pair = power_iteration(ROTATION, max_iterations=50)
    assert not pair.converged
    assert pair.iterations == 50
    with pytest.warns(ConvergenceWarning, match="of .nearly. the same size"):
        orthogonal_iteration(np.diag([1.0, -1.0]) + np.eye(2, k=1), 1, max_iterations=20)


def test_an_eigenvector_as_start_is_recognised_at_once():
    pair = power_iteration(np.diag([1.0, 5.0]), [1.0, 0.0])
    assert (pair.value, pair.iterations) == (1.0, 0)
    assert power_iteration(np.zeros((3, 3))).value == 0.0


@given(SEED)
def test_the_quotient_is_stationary_and_between_the_extremes(seed):
    rng = np.random.default_rng(seed)
    A, x = symmetric(seed, [1.0, 2.0, 5.0]), rng.standard_normal(3)
    assert 1 - 1e-14 <= rayleigh_quotient(A, x) <= 5 + 1e-14
    assert rayleigh_quotient(A, 1e200 * x) == pytest.approx(rayleigh_quotient(A, x))
    vector = np.linalg.eigh(A)[1][:, 1]
    # the error of the value is the square of the vector's
    assert rayleigh_quotient(A, vector + 1e-6 * x) == pytest.approx(2.0, abs=1e-10)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="the zero vector has no direction"):
        power_iteration(np.eye(2), [0.0, 0.0])
    with pytest.raises(ValueError, match="start has 3"):
        power_iteration(np.eye(2), [1.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="no eigenvalue"):
        power_iteration(np.zeros((0, 0)))
    with pytest.raises(ValueError, match="shift holds NaN"):
        inverse_iteration(np.eye(2), np.nan)
    with pytest.raises(ValueError, match="k is 3; wanted a whole number, from 1 to 2"):
        orthogonal_iteration(np.eye(2), 3)
    with pytest.raises(ValueError, match="square"):
        rayleigh_quotient(np.ones((2, 3)), [1.0, 1.0])


def test_hilberts_smallest_eigenvalue():
    smallest = inverse_iteration(hilbert(8), 0.0, tolerance=1e-14).value
    assert smallest == pytest.approx(np.linalg.eigvalsh(hilbert(8))[0], abs=1e-14)
