"""Signals through depth, and clipping as torch does it."""

import numpy as np
import pytest
import torch

from groundup.autograd.initialization import he_normal, xavier_normal
from groundup.autograd.linear import Linear
from groundup.autograd.module import Sequential
from groundup.autograd.signals import clip_gradients, gradient_norms, signals
from groundup.autograd.tensor import Tensor


def chain(make, activation, depth=12, width=64):
    rng = np.random.default_rng(0)
    layers = []
    for _ in range(depth):
        linear = Linear(width, width, rng=rng, has_bias=False)
        linear.weight.data = make((width, width), rng)
        layers += [linear, activation]
    return layers


def measured(make, activation):
    x = Tensor(np.random.default_rng(1).standard_normal((128, 64)).astype(np.float32))
    return signals(chain(make, activation), x, lambda y: (y * y).mean() * 100)


def test_gradients_vanish_explode_or_stay_as_the_theory_says():
    steady = measured(he_normal, Tensor.relu)
    assert 0.2 < steady[0].gradient / steady[-2].gradient < 5
    assert 0.2 < steady[-1].value < 5
    fading = measured(lambda s, r: xavier_normal(s, r, 0.5), Tensor.relu)
    # each layer: half the deviation by the gain, a root of a half by the ReLU; eleven of them,
    # and of random matrices 64 wide a product of eleven is within a factor of three of that
    ratio = fading[0].gradient / fading[-2].gradient / 8 ** (-11 / 2)
    assert 1 / 3 < ratio < 3
    growing = measured(lambda s, r: xavier_normal(s, r, 4), Tensor.relu)
    assert growing[0].gradient / growing[-2].gradient > 1e4
    assert [signal.layer for signal in steady] == list(range(24))
    assert steady[1].dead < 0.1


def test_dead_features_are_counted():
    def minus(x):
        return x * 0 - 1

    found = signals([minus, Tensor.relu], Tensor(np.ones((4, 3)), requires_grad=True), Tensor.sum)
    assert [signal.dead for signal in found] == [0.0, 1.0]
    assert found[0].gradient == 0.0
    constant = signals([minus], Tensor(np.ones((4, 3))), lambda y: Tensor([1.0], True).sum())
    assert constant[0].gradient == 0.0


@pytest.mark.reference
@pytest.mark.parametrize("limit", [0.01, 1e9])
def test_clipping_is_torchs(limit):
    model = Sequential(Linear(4, 3, rng=np.random.default_rng(0)), Tensor.tanh)
    other = torch.nn.Linear(4, 3)
    other.load_state_dict({k: torch.tensor(v) for k, v in model[0].state_dict().items()})
    x = np.random.default_rng(2).standard_normal((5, 4)).astype(np.float32)
    model(Tensor(x)).sum().backward()
    other(torch.tensor(x)).tanh().sum().backward()
    norm = clip_gradients(model, limit)
    wanted = torch.nn.utils.clip_grad_norm_(other.parameters(), limit)
    assert norm == pytest.approx(wanted.item(), rel=1e-5)
    # torch adds 1e-6 to the norm: relative to it, 1e-6 / norm
    np.testing.assert_allclose(model[0].weight.grad.data, other.weight.grad, rtol=1e-5)
    total = np.sqrt(sum(norm**2 for norm in gradient_norms(model).values()))
    assert total <= limit * (1 + 1e-6)


def test_clipping_refuses_what_no_scale_helps():
    model = Linear(2, 2, rng=np.random.default_rng(0))
    assert gradient_norms(model) == {"weight": 0.0, "bias": 0.0}
    assert clip_gradients(model, 1.0) == 0.0
    with pytest.raises(ValueError, match="above 0"):
        clip_gradients(model, 0)
    model.weight.grad = Tensor(np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match="lower the learning rate"):
        clip_gradients(model, 1.0)
