"""Every rule against torch.autograd, and <g, J u> = <J'g, u> against differences."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.maths import vector_jacobian as rules

SEED = st.integers(0, 2**32)


def T(array):
    return torch.from_numpy(np.ascontiguousarray(array))


def regular(rng, n):
    """Condition below 10 or so: the rules are exact, and inverses lose nothing to speak of."""
    return rng.uniform(-1, 1, (n, n)) / n + 2 * np.eye(n)


def definite(rng, n):
    B = regular(rng, n)
    return B @ B.T


# name: (how inputs are made, our gradients from inputs and the gradient at the output, in torch)
CASES = {
    "matmul": (
        lambda rng: (rng.standard_normal((3, 4)), rng.standard_normal((4, 2))),
        rules.matmul_vjp, lambda A, B: A @ B,
    ),
    "affine": (
        lambda rng: tuple(rng.standard_normal(shape) for shape in [(5, 3), (3, 2), 2]),
        lambda X, W, b, g: rules.affine_vjp(X, W, g), lambda X, W, b: X @ W + b,
    ),
    "inverse": (
        lambda rng: (regular(rng, 4),), lambda A, g: (rules.inverse_vjp(A, g),), torch.linalg.inv,
    ),
    "solve": (
        lambda rng: (regular(rng, 4), rng.standard_normal(4)), rules.solve_vjp, torch.linalg.solve,
    ),
    "softmax": (
        lambda rng: (3 * rng.standard_normal((2, 5)),),
        lambda x, g: (rules.softmax_vjp(rules.softmax(x), g),), lambda x: torch.softmax(x, -1),
    ),
    "unit": (
        lambda rng: (rng.standard_normal(4),), lambda x, g: (rules.unit_vjp(x, g),),
        lambda x: x / x.norm(),
    ),
}  # fmt: skip


@pytest.mark.reference
@pytest.mark.parametrize("name", CASES)
@settings(max_examples=25)
@given(SEED)
def test_rules_are_torchs(name, seed):
    make, ours, function = CASES[name]
    rng = np.random.default_rng(seed)
    inputs = make(rng)
    leaves = [T(array).requires_grad_() for array in inputs]
    output = function(*leaves)
    g = rng.standard_normal(output.shape)
    output.backward(T(g))
    for got, leaf in zip(ours(*inputs, g), leaves, strict=True):
        assert got == pytest.approx(leaf.grad.numpy(), rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=20)
@given(SEED)
def test_rules_are_the_adjoints_of_differences(name, seed):
    """<g, f(x + hu) - f(x - hu)> / 2h = <vjp, u>, to h^2 and eps / h with h = 1e-5."""
    make, ours, function = CASES[name]
    rng = np.random.default_rng(seed)
    inputs = make(rng)
    moves = [rng.standard_normal(array.shape) for array in inputs]
    ahead, behind = (
        function(*(T(x + h * u) for x, u in zip(inputs, moves, strict=True))).numpy()
        for h in (1e-5, -1e-5)
    )
    g = rng.standard_normal(ahead.shape)
    slope = (g * (ahead - behind)).sum() / 2e-5
    product = sum((v * u).sum() for v, u in zip(ours(*inputs, g), moves, strict=True))
    assert product == pytest.approx(slope, rel=1e-6, abs=1e-5 if name == "unit" else 1e-7)


@pytest.mark.reference
@given(SEED, st.integers(1, 5))
def test_the_rule_of_cholesky_is_torchs(seed, n):
    rng = np.random.default_rng(seed)
    A, g = definite(rng, n), rng.standard_normal((n, n))
    leaf = T(A).requires_grad_()
    factor = torch.linalg.cholesky(leaf)
    factor.backward(T(g))
    wanted = leaf.grad.numpy()
    got = rules.cholesky_vjp(factor.detach().numpy(), g)
    assert got == pytest.approx((wanted + wanted.T) / 2, rel=1e-11, abs=1e-12)


@pytest.mark.reference
@given(SEED, st.integers(1, 6))
def test_the_softmax_jacobian_is_torchs(seed, n):
    x = 5 * np.random.default_rng(seed).standard_normal(n)
    wanted = torch.autograd.functional.jacobian(lambda x: torch.softmax(x, 0), T(x)).numpy()
    J = rules.softmax_jacobian(x)
    assert pytest.approx(wanted, abs=1e-15) == J
    assert J.sum(axis=1) == pytest.approx(np.zeros(n), abs=1e-15)
    assert np.array_equal(J, J.T)


def test_softmax_of_large_scores_neither_overflows_nor_moves():
    assert rules.softmax([1000.0, 1000.0]) == pytest.approx([0.5, 0.5])
    assert rules.softmax([-1e308, 1e308]) == pytest.approx([0.0, 1.0])
    assert rules.softmax([[1, 2], [3, 3]])[1] == pytest.approx([0.5, 0.5])


@pytest.mark.reference
@given(SEED, st.integers(1, 5), st.integers(1, 4))
def test_the_gradient_of_cross_entropy_is_torchs(seed, rows, classes):
    rng = np.random.default_rng(seed)
    scores, labels = 4 * rng.standard_normal((rows, classes)), rng.integers(0, classes, rows)
    leaf = T(scores).requires_grad_()
    torch.nn.functional.cross_entropy(leaf, T(labels)).backward()
    got = rules.cross_entropy_gradient(scores, labels)
    assert got == pytest.approx(leaf.grad.numpy(), abs=1e-15)


@pytest.mark.reference
@given(SEED)
def test_the_sandwich_is_a_kronecker_product(seed):
    rng = np.random.default_rng(seed)
    A, B, X = (rng.standard_normal(shape) for shape in [(3, 2), (4, 5), (2, 4)])
    J = rules.sandwich_jacobian(A, B)
    assert np.array_equal(J, np.kron(A, B.T))
    assert J @ X.ravel() == pytest.approx((A @ X @ B).ravel(), abs=1e-13)
    wanted = torch.autograd.functional.jacobian(lambda X: T(A) @ X @ T(B), T(X))
    assert pytest.approx(wanted.numpy().reshape(J.shape), abs=1e-14) == J


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        rules.matmul_vjp(np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"the gradient has shape \(2,\); wanted \(3,\)"):
        rules.softmax_vjp([0.2, 0.3, 0.5], [1.0, 2.0])
    with pytest.raises(ValueError, match="at least one score"):
        rules.softmax(np.zeros((2, 0)))
    with pytest.raises(ValueError, match="wanted 2 whole numbers from 0 to 2"):
        rules.cross_entropy_gradient(np.ones((2, 3)), [0, 3])
    with pytest.raises(ValueError, match="wanted 2 whole numbers"):
        rules.cross_entropy_gradient(np.ones((2, 3)), [0.0, 1.0])
    with pytest.raises(ValueError, match="x is zero"):
        rules.unit_vjp([0.0], [1.0])
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        rules.inverse_vjp(np.ones((2, 2)), np.ones((2, 2)))
