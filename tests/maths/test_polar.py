"""The polar decomposition against SciPy; Newton-Schulz against it and against Muon's in torch."""

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.decomposition_family import KINDS, largest

from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.polar import (
    CUBIC,
    JORDAN,
    QUINTIC,
    nearest_orthogonal,
    newton_schulz,
    newton_schulz_step,
    polar,
)
from groundup.optimizers.muon import orthogonalize

EPS = np.finfo(float).eps
SEED = st.integers(0, 2**32)


@pytest.mark.reference
@settings(max_examples=50)
@given(SEED, st.integers(1, 6), st.integers(0, 4), st.integers(-150, 150))
def test_it_is_scipys(seed, n, more, power):
    """U moves by eps times ||A|| / s_n (Higham 2008, theorem 8.9)."""
    A = np.random.default_rng(seed).standard_normal((n + more, n))
    U, P = polar(A * 10.0**power)
    wanted_U, wanted_P = scipy.linalg.polar(A)
    allowed = 20 * (n + more) * EPS * np.linalg.cond(A)
    assert pytest.approx(wanted_U, abs=allowed) == U
    assert P / 10.0**power == pytest.approx(wanted_P, abs=20 * n * EPS * np.linalg.norm(A) * n)


@pytest.mark.parametrize("A", KINDS["tall"].values(), ids=KINDS["tall"])
def test_the_stretch_is_semidefinite(A):
    P = polar(A).P / largest(A)
    assert np.array_equal(P, P.T)
    if len(P):
        assert np.linalg.eigvalsh(P)[0] >= -20 * len(P) * EPS * np.linalg.norm(P)


@given(SEED, st.integers(1, 5), st.integers(1, 5))
def test_no_orthogonal_matrix_is_nearer(seed, m, n):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, n))
    Q = nearest_orthogonal(A)
    small = min(m, n)
    assert (Q @ Q.T if m <= n else Q.T @ Q) == pytest.approx(np.eye(small), abs=1e-13)
    other = np.linalg.qr(rng.standard_normal((max(m, n), small)))[0]
    other = other if m >= n else other.T
    assert np.linalg.norm(A - Q) <= np.linalg.norm(A - other) + 1e-13


@pytest.mark.reference
@pytest.mark.parametrize("coefficients", [CUBIC, QUINTIC])
@settings(max_examples=30)
@given(SEED, st.integers(1, 6), st.integers(1, 6), st.integers(-150, 150))
def test_newton_schulz_arrives_at_the_polar_factor(coefficients, seed, m, n, power):
    A = np.random.default_rng(seed).standard_normal((m, n))
    condition = np.linalg.cond(A)
    if condition < 1e6:
        X = newton_schulz(A * 10.0**power, coefficients)
        # ||I - XX'|| <= 10 n eps, and the singular vectors drift by eps cond(A) on the way
        assert pytest.approx(nearest_orthogonal(A), abs=50 * max(m, n) * EPS * condition) == X


def test_the_orders_of_convergence():
    """Near 1 the gap 1 - s is squared by the cubic and cubed by the quintic."""
    for coefficients, order, factor in [(CUBIC, 2, 1.5), (QUINTIC, 3, 2.5)]:
        after = 1 - newton_schulz_step(np.array([[1 - 1e-3]]), coefficients)[0, 0]
        assert after == pytest.approx(factor * 1e-3**order, rel=0.01, abs=0)


@pytest.mark.reference
@given(SEED, st.integers(2, 6), st.integers(2, 6))
def test_five_steps_of_jordans_are_muons(seed, m, n):
    """The same iteration in torch float64; rows and columns change places where A is tall."""
    A = np.random.default_rng(seed).standard_normal((m, n))
    X = (A if m <= n else A.T) / np.linalg.norm(A)
    for _ in range(5):
        X = newton_schulz_step(X, JORDAN)
    wanted = orthogonalize(torch.from_numpy(A)).numpy()
    assert (X if m <= n else X.T) == pytest.approx(wanted, abs=1e-12)


def test_five_steps_of_jordans_take_all_above_0002_near_one():
    s = np.geomspace(0.002, 1, 2000)
    for _ in range(5):
        s = JORDAN[0] * s + JORDAN[1] * s**3 + JORDAN[2] * s**5
    assert 0.68 < s.min() < 0.69
    assert 1.20 < s.max() < 1.21


def test_what_cannot_converge_warns():
    with pytest.warns(ConvergenceWarning, match="use polar for a"):
        newton_schulz(np.ones((2, 2)))
    with pytest.warns(ConvergenceWarning, match="only after 7 steps"):
        newton_schulz(np.eye(2), JORDAN, max_iterations=7)
    assert not newton_schulz(np.zeros((2, 3))).any()
    assert newton_schulz(np.zeros((0, 3))).shape == (0, 3)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"A has shape \(2, 3\); wanted rows >= columns"):
        polar(np.ones((2, 3)))
    with pytest.raises(ValueError, match="NaN or infinity"):
        newton_schulz([[np.nan]])
