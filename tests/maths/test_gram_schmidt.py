"""Three Gram-Schmidts: equal in exact arithmetic, and apart by powers of the condition number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.decomposition_family import MATRICES

from groundup.maths.gram_schmidt import classical, modified, orthogonality_loss, twice
from groundup.maths.special_matrices import hilbert

EPS = np.finfo(float).eps
ALL = pytest.mark.parametrize("orthonormalise", [classical, modified, twice])


@pytest.mark.reference
@ALL
@pytest.mark.parametrize("name", ["random", "tall", "column", "tiny tall", "huge"])
def test_it_is_the_qr_with_positive_diagonal(orthonormalise, name):
    A = MATRICES[name]
    Q, R = np.linalg.qr(A)
    signs = np.sign(np.diag(R))
    ours = orthonormalise(A)
    scale = np.abs(A).max()
    assert pytest.approx(Q * signs, abs=1e-11) == ours.Q
    assert ours.R / scale == pytest.approx(signs[:, None] * (R / scale), abs=1e-11)
    assert np.all(np.diag(ours.R) > 0)


def conditioned(seed, power):
    """10 x 6 with singular values from 1 down to 10^-power."""
    rng = np.random.default_rng(seed)
    U, V = (np.linalg.qr(rng.standard_normal((n, 6)))[0] for n in (10, 6))
    return (U * np.logspace(0, -power, 6)) @ V.T


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.floats(0, 12))
def test_the_loss_grows_with_the_condition_as_theory_says(seed, power):
    """cond^2 eps, cond eps and eps (Giraud et al. 2005), with constants about n^2 = 36."""
    A, condition = conditioned(seed, power), 10.0**power
    losses = [orthogonality_loss(method(A).Q) for method in (classical, modified, twice)]
    bounds = [100 * EPS * condition**2, 100 * EPS * condition, 100 * EPS]
    assert np.all(np.array(losses) <= bounds)


def test_the_three_differ_on_hilberts_matrix():
    """cond is 5e11 at n = 9: classical has lost all, modified five digits are left, twice none."""
    losses = [orthogonality_loss(method(hilbert(9)).Q) for method in (classical, modified, twice)]
    assert losses[0] > 0.1
    assert 1e-8 < losses[1] < 1e-3
    assert losses[2] < 1e-14


@ALL
def test_a_column_of_zeros_depends_on_anything(orthonormalise):
    with pytest.raises(np.linalg.LinAlgError, match="column 1 depends on those before it"):
        orthonormalise([[1.0, 0.0], [2.0, 0.0]])


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(0, 3))
def test_twice_notices_what_depends_up_to_rounding(seed, rank, more):
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((rank + more + 1, rank)))[0]
    A = np.hstack([basis, basis @ rng.standard_normal((rank, 1))])
    with pytest.raises(np.linalg.LinAlgError, match=f"column {rank} depends"):
        twice(A)


def test_loss_of_known_matrices():
    assert orthogonality_loss(np.eye(4)[:, :2]) == 0.0
    assert orthogonality_loss([[2.0]]) == 3.0
    assert orthogonality_loss(np.zeros((3, 0))) == 0.0
    assert orthogonality_loss([[1.0, 1.0], [0.0, 0.0]]) == pytest.approx(1.0)


@ALL
def test_nothing_is_a_basis_of_nothing(orthonormalise):
    Q, R = orthonormalise(np.zeros((3, 0)))
    assert Q.shape == (3, 0)
    assert R.shape == (0, 0)
