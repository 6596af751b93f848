"""Dual numbers against torch's forward mode, on every function they have a rule for."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.maths import dual_numbers as dual
from groundup.maths.dual_numbers import PAIR_SLOPES, SLOPES, Dual

EPSILON = np.finfo(np.float64).eps
TORCH = {
    "positive": torch.positive,
    "cbrt": None,
    "absolute": torch.abs,
    "divide": torch.div,
    "power": torch.pow,
}
NARROW = {
    "arcsin": (-0.9, 0.9),
    "arccos": (-0.9, 0.9),
    "arctanh": (-0.9, 0.9),
    "sqrt": (0.1, 3),
    "log": (0.1, 3),
    "log2": (0.1, 3),
    "log10": (0.1, 3),
    "log1p": (-0.9, 3),
    "arccosh": (1.1, 3),
    "cbrt": (0.1, 3),
    "reciprocal": (0.1, 3),
}
SEEDS = st.integers(0, 2**31)


def theirs(name):
    return TORCH.get(name) or getattr(torch, name)


@pytest.mark.reference
@pytest.mark.parametrize("ufunc", [u for u in SLOPES if u is not np.cbrt], ids=lambda u: u.__name__)
@settings(max_examples=20)
@given(seed=SEEDS)
def test_every_rule_of_one_number_is_torchs_to_the_second_order(ufunc, seed):
    low, high = NARROW.get(ufunc.__name__, (-2, 2))
    x = np.random.default_rng(seed).uniform(low, high, size=4)
    point = torch.tensor(x, requires_grad=True)
    (slope,) = torch.autograd.grad(theirs(ufunc.__name__)(point).sum(), point, create_graph=True)
    value, tangent = dual.jvp(ufunc, x, np.ones(4))
    # a dozen roundings at most, each magnified by less than 1 / (distance to the edge)^2 < 100
    assert value == pytest.approx(ufunc(x), rel=EPSILON)
    assert tangent == pytest.approx(slope.detach().numpy(), rel=1e-12, abs=1e-14)
    second = np.diag(dual.hessian(lambda t: ufunc(t).sum(), x))
    bend = (
        torch.zeros(4)
        if not slope.requires_grad
        else torch.autograd.grad(slope.sum(), point, allow_unused=True)[0]
    )
    bend = np.zeros(4) if bend is None else bend.numpy(force=True)
    assert second == pytest.approx(bend, rel=1e-11, abs=1e-13)


def test_the_cube_root():
    assert dual.gradient(lambda t: np.cbrt(t).sum(), [8.0, -1.0]) == pytest.approx([1 / 12, 1 / 3])


@pytest.mark.reference
@pytest.mark.parametrize("ufunc", PAIR_SLOPES, ids=lambda u: u.__name__)
@settings(max_examples=20)
@given(seed=SEEDS)
def test_every_rule_of_two_numbers_is_torchs_to_the_second_order(ufunc, seed):
    x = np.random.default_rng(seed).uniform(0.3, 2, size=(2, 3))
    a = torch.tensor(x, requires_grad=True)

    def f(t):
        return theirs(ufunc.__name__)(t[:3], t[3:]).sum()

    flat = torch.tensor(x.ravel())
    wanted = torch.autograd.functional.jacobian(f, flat).numpy()
    bend = torch.autograd.functional.hessian(f, flat).numpy()
    ours = dual.gradient(lambda t: ufunc(t[:3], t[3:]).sum(), x.ravel())
    assert ours == pytest.approx(wanted, rel=1e-12, abs=1e-14)
    second = dual.hessian(lambda t: ufunc(t[:3], t[3:]).sum(), x.ravel())
    assert second == pytest.approx(bend, rel=1e-11, abs=1e-12)
    assert a.shape == (2, 3)


def network(x, w, lib):
    hidden = lib.tanh(w[0] @ x.reshape(3, 2) + w[1])
    return (hidden * hidden).mean() + lib.exp(-hidden[0]).sum() / (1 + x[2] ** 2)


@pytest.mark.reference
@settings(max_examples=25)
@given(SEEDS)
def test_a_composition_is_torchs(seed):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=6), (rng.normal(size=(4, 3)), rng.normal(size=(4, 1)))
    point, weights = torch.tensor(x), [torch.tensor(part) for part in w]
    wanted = torch.autograd.functional.jacobian(lambda t: network(t, weights, torch), point)
    bend = torch.autograd.functional.hessian(lambda t: network(t, weights, torch), point)
    assert dual.gradient(lambda t: network(t, w, np), x) == pytest.approx(wanted.numpy(), abs=1e-12)
    assert dual.hessian(lambda t: network(t, w, np), x) == pytest.approx(bend.numpy(), abs=1e-10)
    v = rng.normal(size=6)
    product = dual.hessian_vector_product(lambda t: network(t, w, np), x, v)
    assert product == pytest.approx(bend.numpy() @ v, abs=1e-10)


@given(SEEDS)
@settings(max_examples=25)
def test_a_jacobian_vector_product_is_the_jacobian_times_the_vector(seed):
    rng = np.random.default_rng(seed)
    x, v, m = rng.normal(size=3), rng.normal(size=3), rng.normal(size=(4, 3))

    def f(t):
        return np.sin(m @ t) * t[0]

    matrix = dual.jacobian(f, x)
    assert matrix.shape == (4, 3)
    assert dual.jvp(f, x, v)[1] == pytest.approx(matrix @ v, abs=1e-13)
    twice = dual.jvp(f, x, 2 * v)[1]
    assert twice == pytest.approx(2 * (matrix @ v), abs=1e-13)


def test_broadcasting_joining_and_choosing():
    ones = np.ones((2, 3))
    assert dual.jvp(lambda t: t + ones, np.zeros(3), np.ones(3))[1].shape == (2, 3)
    assert dual.jacobian(lambda t: np.stack([t[0] * t[1], t[1], 3.0]), [2.0, 5.0]).tolist() == [
        [5, 2],
        [0, 1],
        [0, 0],
    ]
    relu = dual.gradient(lambda t: np.where(t > 0, t, 0.0).sum(), [-1.0, 2.0])
    assert relu.tolist() == [0, 1]
    assert dual.gradient(lambda t: np.maximum(t, 0).sum(), [-1.0, 0.0, 2.0]).tolist() == [0, 0.5, 1]
    assert dual.gradient(lambda t: np.sum(np.dot(t, t.T)), [3.0]).tolist() == [6]
    assert dual.gradient(
        lambda t: np.mean(np.reshape(np.transpose(t), (2, 1))), [3.0, 1.0]
    ).tolist() == [0.5, 0.5]


def test_powers_at_zero():
    assert dual.gradient(lambda t: (t**2).sum(), [0.0, -3.0]).tolist() == [0, -6]
    assert dual.gradient(lambda t: (t**0).sum(), [0.0]).tolist() == [0]
    assert dual.gradient(lambda t: (t**1).sum(), [0.0]).tolist() == [1]
    assert dual.gradient(lambda t: (2.0**t).sum(), [1.0]) == pytest.approx([2 * math.log(2)])


def test_a_constant_has_no_slope_and_comparisons_see_values():
    assert dual.gradient(lambda t: 4.0, [1.0, 2.0]).tolist() == [0, 0]
    assert dual.hessian(lambda t: t.sum(), [1.0, 2.0]).tolist() == [[0, 0], [0, 0]]
    assert bool(Dual(2.0, 1.0) > 1.0)
    assert bool(Dual(Dual(2.0, 1.0), 1.0))
    assert len(Dual(np.ones(3), np.ones(3))) == 3
    assert Dual(np.ones((2, 3)), np.ones((2, 3))).ndim == 2
    assert Dual(np.ones((2, 3)), np.ones((2, 3))).size == 6
    assert repr(Dual(1.0, 2.0)) == "Dual(1.0, 2.0)"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda t: np.linalg.norm(t), "np.norm has no dual rule"),
        (lambda t: np.fmod(t, 2), "np.fmod has no dual rule"),
        (lambda t: np.add.reduce(t), "np.add.reduce"),
        (lambda t: math.sin(t[0]), "would drop the derivative"),
        (lambda t: [t[0], t[1]], "join dual numbers with np.stack"),
    ],
)
def test_what_has_no_rule_says_so(function, words):
    with pytest.raises(TypeError, match=words):
        dual.jvp(function, [1.0, 2.0], [1.0, 0.0])


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="wanted the same"):
        dual.jvp(np.sin, [1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="wanted one number"):
        dual.gradient(np.sin, [1.0, 2.0])
    with pytest.raises(ValueError, match="NaN"):
        dual.gradient(np.sum, [np.nan])
