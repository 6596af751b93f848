"""Random expressions of several operations: both engines, first and second order.

Values are kept near 1 in size by a tanh after each step, so that an error of a unit in the last
place (1e-16) is multiplied by at most the number of operations and their slopes: 1e-10 is ample,
1e-8 for second derivatives.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.autograd.record import gradients
from groundup.autograd.tensor import Tensor

UNARY = {
    "tanh": lambda x: x.tanh(),
    "exp": lambda x: x.exp(),
    "square": lambda x: x * x,
    "softmax": lambda x: x.softmax(-1),
    "logsumexp": lambda x: x.logsumexp(-1, keepdim=True),
    "transpose": lambda x: x.transpose(-1, -2),
    "mean": lambda x: x.mean(0, keepdim=True),
    "flip": lambda x: x.flip(1),
    "slice": lambda x: x[1:],
    "sigmoid": lambda x: x.sigmoid(),
    "cumsum": lambda x: x.cumsum(1),
    "reshape": lambda x: x.reshape(-1, x.shape[0]),
    "again": lambda x: x + x,
}
BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / (b * b + 1),
    "matmul": lambda a, b: a @ b.transpose(-1, -2) if a.shape[-1] == b.shape[-1] else a * 2,
}


@st.composite
def expressions(draw):
    """A list of steps: each names an operation and which of the values so far it takes."""
    steps = []
    for count in range(2, 2 + draw(st.integers(1, 8))):
        name = draw(st.sampled_from(sorted(UNARY | BINARY)))
        steps.append((name, draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1))))
    return steps


def evaluate(steps, a, b):
    values = [a, b]
    for name, i, j in steps:
        x, y = values[i], values[j]
        if name in UNARY:
            values.append(x[:0] if x.shape[0] == 0 else UNARY[name](x).tanh())
        elif _fit(name, x, y):
            values.append(BINARY[name](x, y).tanh())
        else:
            values.append(x * 0.5)
    return values[-1]


def _fit(name, x, y):
    if name == "matmul":
        return True
    return all(m == n or 1 in (m, n) for m, n in zip(x.shape, y.shape, strict=True))


def parts(engine_gradients, result, inputs, **settings):
    scalar = (result * result.cos()).sum()
    first = engine_gradients(scalar, inputs, **settings)
    return scalar, first


@pytest.mark.reference
@settings(max_examples=120)
@given(expressions(), st.integers(0, 2**32 - 1))
def test_both_engines_agree_to_the_second_order(steps, seed):
    arrays = np.random.default_rng(seed).uniform(-1, 1, (2, 3, 3))
    mine = [Tensor(array, requires_grad=True) for array in arrays]
    other = [torch.tensor(array, requires_grad=True) for array in arrays]
    y, wanted = evaluate(steps, *mine), evaluate(steps, *other)
    np.testing.assert_allclose(y.data, wanted.detach().numpy(), rtol=1e-10, atol=1e-12)
    first = gradients((y * y.cos()).sum(), mine, create_graph=True)
    reference = torch.autograd.grad(
        (wanted * wanted.cos()).sum(), other, create_graph=True, allow_unused=True
    )
    for part, expected in zip(first, reference, strict=True):
        assert (part is None) == (expected is None)
        if part is not None:
            np.testing.assert_allclose(part.data, expected.detach().numpy(), rtol=1e-9, atol=1e-10)
    total = sum((part * part).sum() for part in first if part is not None)
    expected_total = sum((part * part).sum() for part in reference if part is not None)
    second = gradients(total, mine)
    expected_second = torch.autograd.grad(expected_total, other, allow_unused=True)
    for part, expected in zip(second, expected_second, strict=True):
        found = 0.0 if part is None else part.data
        known = 0.0 if expected is None else expected.numpy(force=True)
        np.testing.assert_allclose(found, known, rtol=1e-8, atol=1e-8)


@settings(max_examples=60)
@given(expressions(), st.integers(0, 2**32 - 1))
def test_backward_twice_adds(steps, seed):
    arrays = np.random.default_rng(seed).uniform(-1, 1, (2, 3, 3))
    once = [Tensor(array, requires_grad=True) for array in arrays]
    twice = [Tensor(array, requires_grad=True) for array in arrays]
    evaluate(steps, *once).sum().backward()
    result = evaluate(steps, *twice).sum()
    result.backward(retain_graph=True)
    result.backward()
    for a, b in zip(once, twice, strict=True):
        if a.grad is None:
            assert b.grad is None
        else:
            np.testing.assert_allclose(b.grad.data, 2 * a.grad.data, rtol=1e-12)


@settings(max_examples=60)
@given(expressions(), st.integers(0, 2**32 - 1))
def test_a_product_with_the_jacobian_from_both_sides_is_one_number(steps, seed):
    """v.(J u) computed backward is (J^T v).u; and J^T v is linear in v."""
    rng = np.random.default_rng(seed)
    arrays = rng.uniform(-1, 1, (2, 3, 3))
    mine = [Tensor(array, requires_grad=True) for array in arrays]
    y = evaluate(steps, *mine)
    if not y.requires_grad:
        return
    u, v = rng.standard_normal((2, *y.shape))

    def back(seed_gradient):
        found = gradients(y, mine, seed_gradient)
        return [0.0 if part is None else part.data for part in found]

    for a, b, both in zip(back(u), back(v), back(2 * u - 3 * v), strict=True):
        np.testing.assert_allclose(both, 2 * np.asarray(a) - 3 * np.asarray(b), atol=1e-10)
