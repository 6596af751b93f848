"""The multilayer perceptron: torch's numbers, and what one layer cannot learn."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from groundup.autograd.functions import cross_entropy
from groundup.autograd.losses import binary_cross_entropy
from groundup.autograd.tensor import Tensor
from groundup.models.array_training import ArrayTraining, batch_of, fit
from groundup.models.mlp import ACTIVATIONS, MLP


def rng():
    return np.random.default_rng(0)


TORCHS = {
    "relu": torch.relu,
    "leaky_relu": torch.nn.functional.leaky_relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "none": lambda x: x,
}


@pytest.mark.reference
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_logits_and_gradients_are_torchs(activation, batch_norm):
    model = MLP([4, 8, 6, 3], rng=rng(), activation=activation, batch_norm=batch_norm)
    model.to(np.float64)
    layers = [torch.nn.Linear(4, 8), torch.nn.Linear(8, 6), torch.nn.Linear(6, 3)]
    norms = [torch.nn.BatchNorm1d(8), torch.nn.BatchNorm1d(6)]
    module = torch.nn.ModuleDict(
        {"layers": torch.nn.ModuleList(layers), "norms": torch.nn.ModuleList(norms)}
    ).double()
    module.load_state_dict(
        {name: torch.tensor(array) for name, array in model.state_dict().items()},
        strict=batch_norm,
    )
    x, ids = rng().standard_normal((7, 4)), rng().integers(0, 3, 7)
    h = torch.tensor(x)
    for number, layer in enumerate(layers):
        h = layer(h)
        if number < 2:
            h = TORCHS[activation](norms[number](h) if batch_norm else h)
    torch.nn.functional.cross_entropy(h, torch.tensor(ids)).backward()
    logits = model(Tensor(x))
    cross_entropy(logits, ids).backward()
    np.testing.assert_allclose(logits.data, h.detach(), rtol=1e-10, atol=1e-12)
    known = dict(module.named_parameters())
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(parameter.grad.data, known[name].grad, rtol=1e-8, atol=1e-12)


def learnt(model, x, y, **settings):
    config = ArrayTraining(steps=400, batch_size=len(x), **{"lr": 0.05, **settings})
    fit(model, lambda step: binary_cross_entropy(model(Tensor(x)), Tensor(y)), config)
    return ((model.eval()(Tensor(x)).data > 0) == (y > 0.5)).mean()


def test_a_hidden_layer_learns_xor_and_none_does_not():
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    y = np.array([[0], [1], [1], [0]], np.float32)
    assert learnt(MLP([2, 8, 1], rng=rng(), activation="tanh"), x, y) == 1.0
    assert learnt(MLP([2, 1], rng=rng()), x, y) <= 0.75
    assert learnt(MLP([2, 8, 1], rng=rng(), activation="none"), x, y) <= 0.75


def test_two_hidden_layers_part_two_spirals():
    """Two arms, one turn and a half each, the other half a turn ahead."""
    along = np.linspace(0.2, 1, 100)
    angle = 3 * np.pi * along
    arm = np.stack([along * np.cos(angle), along * np.sin(angle)], 1)
    x = np.concatenate([arm, -arm]).astype(np.float32)
    y = np.repeat([[0.0], [1.0]], 100, 0).astype(np.float32)
    assert learnt(MLP([2, 32, 32, 1], rng=rng(), activation="tanh"), x, y, lr=0.02) == 1.0
    assert learnt(MLP([2, 1], rng=rng()), x, y) < 0.8


def test_it_reads_digits():
    digits = load_digits()
    x, y = (digits.data / 16).astype(np.float32), digits.target
    model = MLP([64, 64, 10], rng=rng(), dropout=0.1)
    config = ArrayTraining(steps=400, lr=0.01)

    def loss(step):
        rows = batch_of(1400, config.batch_size, step, 0)
        return cross_entropy(model(Tensor(x[rows])), y[rows])

    fit(model, loss, config)
    accuracy = (model.eval()(Tensor(x[1400:])).data.argmax(1) == y[1400:]).mean()
    assert accuracy > 0.9  # of 397 held out


def test_names_and_sizes_that_cannot_be_are_refused():
    for make, words in (
        (lambda: MLP([3], rng=rng()), "wanted inputs"),
        (lambda: MLP([3, 0, 1], rng=rng()), "above 0"),
        (lambda: MLP([3, 1], rng=rng(), activation="odd"), "no activation 'odd'"),
        (lambda: MLP([3, 1], rng=rng(), initialization="odd"), "no initialization 'odd'"),
    ):
        with pytest.raises(ValueError, match=words):
            make()
    assert MLP([3, 4, 1], rng=rng(), initialization=None).layers[0].bias.data.any()
