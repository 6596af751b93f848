"""Every gradient against torch.autograd and against differences of the function itself."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.maths import matrix_calculus as calculus

SEED = st.integers(0, 2**32)
N = 4


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def symmetric(seed, n=N):
    A = numbers(seed, n, n)
    return A + A.T


A_, B_, b_, x_ = numbers(1, 5, N), numbers(2, N, 3), numbers(3, 5), numbers(4, N)
S_ = numbers(5, N, N)
CASES = {
    "linear form": (lambda x: calculus.linear_form_gradient(x_), lambda x: x @ T(x_), (N,)),
    "quadratic form": (
        lambda x: calculus.quadratic_form_gradient(S_, x), lambda x: x @ T(S_) @ x, (N,),
    ),
    "least squares": (
        lambda x: calculus.least_squares_gradient(A_, b_, x),
        lambda x: ((T(A_) @ x - T(b_)) ** 2).sum(), (N,),
    ),
    "trace of a product": (
        lambda A: calculus.trace_product_gradient(B_), lambda A: torch.trace(A @ T(B_)), (3, N),
    ),
    "log det": (
        calculus.log_det_gradient, lambda A: torch.linalg.slogdet(A).logabsdet, (N, N),
    ),
    "det": (calculus.determinant_gradient, torch.linalg.det, (N, N)),
    "Frobenius": (calculus.frobenius_gradient, torch.linalg.matrix_norm, (N, 3)),
    "nuclear": (calculus.nuclear_gradient, lambda A: torch.linalg.matrix_norm(A, "nuc"), (N, 3)),
    "spectral": (calculus.spectral_gradient, lambda A: torch.linalg.matrix_norm(A, 2), (3, N)),
    "Rayleigh": (
        lambda x: calculus.rayleigh_gradient(S_ + S_.T, x),
        lambda x: x @ T(S_ + S_.T) @ x / (x @ x), (N,),
    ),
}  # fmt: skip


def T(array):
    return torch.from_numpy(np.ascontiguousarray(array))


@pytest.mark.reference
@pytest.mark.parametrize("name", CASES)
@settings(max_examples=25)
@given(SEED)
def test_gradients_are_torchs_and_what_differences_say(name, seed):
    ours, function, shape = CASES[name]
    point = numbers(seed, *shape)
    if point.ndim == 2:
        s = np.linalg.svd(point, compute_uv=False)
        if s[-1] < 0.05 or np.diff(-s).min(initial=1) < 0.05:
            return  # near a corner of a norm, or near a singular matrix, differences mean nothing
    leaf = T(point).requires_grad_()
    function(leaf).backward()
    wanted = leaf.grad.numpy()
    size = np.abs(wanted).max()
    # condition below 1e3 here: 1e-16 * 1e3 * a constant
    assert ours(point) == pytest.approx(wanted, rel=1e-10, abs=1e-10 * size)
    direction = numbers(seed + 1, *shape)
    h = 1e-5  # central differences: h^2 times a third derivative, and eps / h from rounding
    step = T(direction * h)
    slope = (function(T(point) + step) - function(T(point) - step)).item() / (2 * h)
    assert (ours(point) * direction).sum() == pytest.approx(slope, rel=1e-3, abs=1e-3 * (size + 1))


@pytest.mark.reference
@given(SEED)
def test_hessians_are_torchs(seed):
    A, x = numbers(seed, N, N), T(numbers(seed, N))
    hessian = torch.autograd.functional.hessian
    wanted = hessian(lambda x: x @ T(A) @ x, x).numpy()
    assert calculus.quadratic_form_hessian(A) == pytest.approx(wanted, abs=1e-13)
    wanted = hessian(lambda x: ((T(A) @ x - 1) ** 2).sum(), x).numpy()
    assert calculus.least_squares_hessian(A) == pytest.approx(wanted, abs=1e-13)


@pytest.mark.reference
@given(SEED, st.integers(-N, N - 1))
def test_eigenvalue_gradients_are_torchs(seed, index):
    A = symmetric(seed)
    gaps = np.diff(np.linalg.eigvalsh(A)).min()
    leaf = T(A).requires_grad_()
    torch.linalg.eigvalsh(leaf)[index].backward()
    wanted = leaf.grad.numpy()
    wanted = (wanted + wanted.T) / 2
    assert calculus.eigenvalue_gradient(A, index) == pytest.approx(wanted, abs=1e-13 / gaps)


@given(SEED, st.integers(0, N))
def test_cofactors_of_singular_matrices(seed, rank):
    """Rank n - 1: still the adjugate, whose entries are determinants of minors. Below: zero."""
    A = numbers(seed, N, rank) @ numbers(seed + 1, rank, N)
    minors = [
        [(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(A, i, 0), j, 1)) for j in range(N)]
        for i in range(N)
    ]
    scale = np.linalg.norm(A) ** (N - 1)
    assert calculus.determinant_gradient(A) == pytest.approx(np.array(minors), abs=1e-13 * scale)


def test_the_gradient_vanishes_where_it_should():
    A, b = numbers(1, 6, 3), numbers(2, 6)
    best = np.linalg.lstsq(A, b)[0]
    assert calculus.least_squares_gradient(A, b, best) == pytest.approx(np.zeros(3), abs=1e-13)
    S = symmetric(3)
    vector = np.linalg.eigh(S)[1][:, 1]
    assert calculus.rayleigh_gradient(S, vector) == pytest.approx(np.zeros(N), abs=1e-14)
    assert calculus.determinant_gradient(np.zeros((0, 0))).shape == (0, 0)


def test_bad_input_is_refused():
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        calculus.log_det_gradient(np.ones((2, 2)))
    with pytest.raises(ValueError, match="A is zero, where a norm has a corner"):
        calculus.frobenius_gradient(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="A is zero or empty"):
        calculus.spectral_gradient(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="index is 2; wanted a whole number, from -2 to 1"):
        calculus.eigenvalue_gradient(np.eye(2), 2)
    with pytest.raises(ValueError, match="x is zero"):
        calculus.rayleigh_gradient(np.eye(2), [0.0, 0.0])
    with pytest.raises(ValueError, match="x has 3"):
        calculus.quadratic_form_gradient(np.eye(2), np.ones(3))
