"""The scalar engine against the tensor engine, and the counter-example to a wrong order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.autograd.scalar import Value, backpropagate, topological_order
from groundup.autograd.tensor import Tensor

FUNCTIONS = [
    lambda a, b: a * b + a,
    lambda a, b: (a - b) * (a - b) / (b * b + 1.5),
    lambda a, b: (a * 0.3).tanh() * (b * 0.2).exp() - 2 * a,
    lambda a, b: (a * a + 1.0).log() + (1 - b).relu() * 3,
    lambda a, b: 1 / (a * a + 2) + (b * b + 1) ** 0.5 + (-a) ** 3,
]


@given(st.sampled_from(FUNCTIONS), st.floats(-3, 3), st.floats(-3, 3))
def test_it_is_the_tensor_engine(function, x, y):
    a, b = Value(x), Value(y)
    result = function(a, b)
    result.backward()
    s, t = (Tensor(np.array(number), requires_grad=True) for number in (x, y))
    other = function(s, t)
    other.backward()
    assert result.data == pytest.approx(other.item(), rel=1e-12, abs=1e-12)
    assert a.grad == pytest.approx(s.grad.item(), rel=1e-12, abs=1e-12)
    assert b.grad == pytest.approx(t.grad.item(), rel=1e-12, abs=1e-12)


def test_each_value_is_complete_before_it_passes_on():
    a = Value(1.0)
    b = a + a
    c = b + b
    c.backward()
    assert (a.grad, b.grad, c.grad) == (4.0, 2.0, 1.0)


def test_order_of_a_deep_chain_needs_no_recursion():
    value = first = Value(0.0)
    for _ in range(5000):
        value = value + 1.0
    order = topological_order(value)
    assert order[-1] is value
    assert order.index(first) < order.index(value)
    backpropagate(value)
    assert first.grad == 1.0


def test_gradients_of_two_examples_add_up():
    weight = Value(2.0)
    for x in (3.0, 4.0):
        (weight * x).backward()
    assert weight.grad == 7.0


def test_it_says_what_it_is():
    assert repr(Value(2.0)) == "Value(2, grad=0)"
    with pytest.raises(ValueError, match=r"domain error|positive"):
        Value(-1.0).log()
