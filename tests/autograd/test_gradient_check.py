"""The judge is judged: it passes what is right, and finds what is wrong."""

import numpy as np
import pytest

from groundup.autograd.gradient_check import gradcheck, gradgradcheck
from groundup.autograd.record import apply
from groundup.autograd.rule import Rule
from groundup.autograd.tensor import Tensor

X = np.random.default_rng(0).standard_normal((3, 4))


def with_rule(forward, vjp):
    return lambda x: apply(Rule(forward, (vjp,)), x)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize(
    "wrong",
    [
        with_rule(np.exp, lambda xp, g, y, x: g * x),
        with_rule(np.tanh, lambda xp, g, y, x: g * (1 - y)),
        with_rule(softmax, lambda xp, g, y, x: g * y * (1 - y)),  # the diagonal alone
        with_rule(np.square, lambda xp, g, y, x: g * x * 2.0001),
        with_rule(np.transpose, lambda xp, g, y, x: xp.reshape(g, shape=x.shape)),
    ],
)
def test_it_finds_a_wrong_rule(wrong):
    with pytest.raises(ValueError, match="gradient of input 0 is wrong"):
        gradcheck(wrong, [X])


def test_it_finds_a_gradient_that_is_missing():
    with pytest.raises(ValueError, match="it claims 0"):
        gradcheck(lambda x: x.detach() * 2 + x * 0, [X])


def test_it_finds_a_wrong_second_derivative():
    """The first derivative is right, but was computed outside the record."""
    cube = with_rule(lambda x: x**3, lambda xp, g, y, x: g * (3 * np.asarray(x) ** 2))
    gradcheck(cube, [X])
    with pytest.raises(ValueError, match="is wrong"):
        gradgradcheck(cube, [X])


def test_what_is_right_passes_with_constants_and_integers_beside_it():
    gradcheck(lambda x, i: x[i] * 3, [X, np.array([0, 2])])
    gradgradcheck(lambda x, i: x[i].exp(), [X, np.array([0, 2])])
    gradcheck(lambda x: x.sum() * Tensor(np.array([2.0])), [X.astype(np.float32)])
