"""expm, roots, logarithms and powers against SciPy and NumPy."""

import mpmath
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.decomposition_family import DEFINITE, largest

from groundup.maths.matrix_functions import (
    expm,
    matrix_power,
    symmetric_function,
    symmetric_inverse_sqrt,
    symmetric_log,
    symmetric_sqrt,
)

EPS = np.finfo(float).eps
SEED = st.integers(0, 2**32)


@pytest.mark.reference
@settings(max_examples=40)
@given(SEED, st.integers(1, 5), st.floats(1e-3, 20))
def test_expm_is_right_to_its_condition(seed, n, size):
    """The exact answer is mpmath's with 40 digits. The condition of exp at A is measured by a small
    change of A, and the squarings add their own rounding, about ||A|| eps. SciPy's own answers
    were found to be off by up to 1e-12 here, and are compared that loosely.
    """
    rng = np.random.default_rng(seed)
    A, change = rng.standard_normal((2, n, n))
    A *= size / np.linalg.norm(A)
    change *= 1e-12 * size / np.linalg.norm(change)
    with mpmath.workdps(40):
        exact, changed = (mpmath.expm(mpmath.matrix(B.tolist())) for B in (A, A + change))
        felt = float(mpmath.norm(changed - exact)) / 1e-12
    wanted = np.array(exact.tolist(), dtype=float)
    allowed = 20 * n * EPS * (felt + (1 + size) * np.linalg.norm(wanted))
    assert expm(A) == pytest.approx(wanted, rel=0, abs=allowed)
    loosely = 1e-10 * np.linalg.norm(wanted)
    assert expm(A) == pytest.approx(scipy.linalg.expm(A), rel=0, abs=allowed + loosely)


@given(SEED, st.integers(1, 6))
def test_laws_of_the_exponential(seed, n):
    A = np.random.default_rng(seed).uniform(-1, 1, (n, n))
    assert expm(A) @ expm(-A) == pytest.approx(np.eye(n), abs=1e-11)
    assert expm(2 * A) == pytest.approx(expm(A) @ expm(A), rel=1e-10, abs=1e-10)
    assert np.linalg.det(expm(A)) == pytest.approx(np.exp(np.trace(A)), rel=1e-10, abs=0)
    turn = expm(A - A.T)
    assert turn @ turn.T == pytest.approx(np.eye(n), abs=1e-12)


def test_known_exponentials():
    assert np.array_equal(expm(np.zeros((3, 3))), np.eye(3))
    assert expm([[0.0, 1.0], [0.0, 0.0]]) == pytest.approx(np.array([[1.0, 1.0], [0.0, 1.0]]))
    assert expm([[-20.0]])[0, 0] == pytest.approx(np.exp(-20), rel=1e-13, abs=0)
    assert expm([[700.0]])[0, 0] == pytest.approx(np.exp(700), rel=1e-11, abs=0)
    assert expm([[0.0, -np.pi], [np.pi, 0.0]]) == pytest.approx(-np.eye(2), abs=1e-14)
    assert expm(np.zeros((0, 0))).shape == (0, 0)


@pytest.mark.reference
@pytest.mark.parametrize("A", DEFINITE.values(), ids=DEFINITE)
def test_roots_and_logarithms(A):
    """An absolute error eps ||A|| of an eigenvalue becomes eps cond relative to the smallest."""
    if not len(A):
        return
    n, scale, condition = len(A), largest(A), np.linalg.cond(A)
    root = symmetric_sqrt(A)
    assert root @ root / scale == pytest.approx(A / scale, abs=20 * n * EPS * n)
    assert root == pytest.approx(scipy.linalg.sqrtm(A).real, abs=1e-6 * np.sqrt(scale))
    if condition < 1e12:
        whiten = symmetric_inverse_sqrt(A)
        allowed = 50 * n * EPS * condition
        assert whiten @ (A / scale) @ whiten * scale == pytest.approx(np.eye(n), abs=allowed)
        # SciPy's takes what is below 1e-20 for zero: log(A / scale) + log(scale) I is the same
        wanted = scipy.linalg.logm(A / scale).real + np.log(scale) * np.eye(n)
        assert symmetric_log(A) == pytest.approx(wanted, rel=1e-14, abs=1000 * n * EPS * condition)


@pytest.mark.reference
@given(SEED, st.integers(1, 6))
def test_the_logarithm_undoes_the_exponential(seed, n):
    A = np.random.default_rng(seed).uniform(-1, 1, (n, n))
    A = A + A.T
    # cond(e^A) <= e^(2 n) here, e^12 = 2e5
    assert symmetric_log(expm(A)) == pytest.approx(A, abs=100 * n * EPS * np.exp(4 * n))
    assert symmetric_function(A, np.exp) == pytest.approx(expm(A), rel=1e-9, abs=1e-9)


@pytest.mark.reference
@given(SEED, st.integers(1, 5), st.integers(-6, 12))
def test_powers_are_numpys(seed, n, exponent):
    A = np.random.default_rng(seed).standard_normal((n, n))
    wanted = np.linalg.matrix_power(A, exponent)
    condition = np.linalg.cond(A) ** (abs(exponent) if exponent < 0 else 0)
    scale = np.linalg.norm(A if exponent >= 0 else np.linalg.inv(A)) ** abs(exponent)
    allowed = 50 * (abs(exponent) + 1) * n * EPS * scale * condition
    assert matrix_power(A, exponent) == pytest.approx(wanted, rel=0, abs=allowed)


def test_corners():
    assert np.array_equal(matrix_power([[2, 1], [1, 1]], 5), [[89, 55], [55, 34]])  # Fibonacci
    assert np.array_equal(matrix_power(np.ones((2, 2)), 0), np.eye(2))
    assert symmetric_sqrt(np.ones((2, 2))) == pytest.approx(np.full((2, 2), np.sqrt(0.5)))
    assert symmetric_sqrt(np.zeros((2, 2))) == pytest.approx(np.zeros((2, 2)))
    assert symmetric_function(np.diag([1.0, -2.0]), np.abs) == pytest.approx(np.diag([1.0, 2.0]))


def test_bad_input_is_refused():
    indefinite = np.diag([1.0, -1.0])
    with pytest.raises(
        np.linalg.LinAlgError, match="eigenvalue -1; wanted a positive semidefinite"
    ):
        symmetric_sqrt(indefinite)
    for function in (symmetric_log, symmetric_inverse_sqrt):
        with pytest.raises(np.linalg.LinAlgError, match="wanted a positive definite"):
            function(np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"f.eigenvalues. holds NaN"):
        symmetric_function(indefinite, lambda values: np.where(values < 0, np.nan, values))
    with pytest.raises(ValueError, match=r"returned shape \(1,\); wanted \(2,\)"):
        symmetric_function(indefinite, lambda values: values[:1])
    with pytest.raises(ValueError, match=r"exponent is 0\.5; wanted a whole number"):
        matrix_power(indefinite, 0.5)
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        matrix_power(np.ones((2, 2)), -1)
    with pytest.raises(ValueError, match="square"):
        expm(np.ones((2, 3)))
    with pytest.raises(ValueError, match="NaN or infinity"):
        expm([[np.inf]])
