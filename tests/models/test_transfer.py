"""Transfer: what is frozen stays, heads are new, and few examples go further than from scratch."""

import numpy as np
import pytest

from groundup.autograd.functions import cross_entropy
from groundup.autograd.linear import Linear
from groundup.autograd.module import Module
from groundup.autograd.tensor import Tensor
from groundup.models.array_training import ArrayTraining, batch_of, fit
from groundup.models.cnn import CNN
from groundup.models.mlp import MLP
from groundup.models.transfer import (
    discriminative_rates,
    freeze,
    replace_head,
    unfreeze_gradually,
)
from groundup.optimizers.arrays import ArrayOptimizer


def rng(seed=0):
    return np.random.default_rng(seed)


def train(model, x, y, steps, seed=0):
    config = ArrayTraining(steps=steps, batch_size=32, lr=0.01, seed=seed)

    def loss(step):
        rows = batch_of(len(x), 32, step, seed)
        return cross_entropy(model(Tensor(x[rows])), y[rows])

    fit(model, loss, config)
    return model


def accuracy(model, x, y):
    return (model.eval()(Tensor(x)).data.argmax(1) == y).mean()


class Reader(Module):
    """A body of two layers and a head."""

    def __init__(self, classes, seed):
        super().__init__()
        self.body = MLP([20, 32, 8], rng=rng(seed))
        self.head = Linear(8, classes, rng=rng(seed))

    def forward(self, x):
        return self.head(self.body(x).tanh())


def test_few_examples_go_further_with_a_trained_body():
    """Two tasks that look at the same three hidden features of 20 numbers, in different ways.

    The body learns them from 3000 examples of one task; the other has 40. Five seeds; a share of
    1000 has a deviation of at most 1.6 %, and the gain is asked to be five of them.
    """
    gains = []
    for seed in range(5):
        chance = rng(seed)
        x = chance.standard_normal((5000, 20)).astype(np.float32)
        features = np.tanh(3 * x @ chance.standard_normal((20, 3)) / np.sqrt(20))
        first = (features @ chance.standard_normal((3, 6))).argmax(1)
        second = (features @ chance.standard_normal((3, 4))).argmax(1)
        model = train(Reader(6, seed), x[:3000], first[:3000], 600, seed)
        freeze(model, "body")
        replace_head(model, 4, rng=rng(seed + 10))
        few, rest = slice(3000, 3040), slice(4000, 5000)
        moved = accuracy(train(model, x[few], second[few], 200), x[rest], second[rest])
        scratch = train(Reader(4, seed + 20), x[few], second[few], 200)
        gains.append(moved - accuracy(scratch, x[rest], second[rest]))
    assert np.mean(gains) > 0.08


def test_what_is_frozen_stays_and_the_new_head_learns():
    model = CNN([2], size=4, classes=3, rng=rng())
    assert freeze(model) == [path for path, _ in model.named_parameters()]
    head = replace_head(model, 2, rng=rng(1))
    before = {name: array.copy() for name, array in model.state_dict().items()}
    x = rng().standard_normal((8, 1, 4, 4)).astype(np.float32)
    optimizer = ArrayOptimizer(model.parameters(), "sgd", lr=0.1)
    cross_entropy(model(Tensor(x)), np.arange(8) % 2).backward()
    optimizer.step()
    changed = [n for n, array in model.state_dict().items() if not np.array_equal(array, before[n])]
    assert changed == ["head.weight", "head.bias"]
    assert head.weight.shape == (2, 64)


def test_deeper_layers_move_less():
    layers = MLP([3, 4, 5, 2], rng=rng()).layers
    groups = discriminative_rates(layers, 2.0)
    assert [rate for _, rate in groups] == [0.25, 0.5, 1.0]
    assert [len(parameters) for parameters, _ in groups] == [2, 2, 2]
    unfreeze_gradually(layers, 1)
    assert [layer.weight.requires_grad for layer in layers] == [False, False, True]
    unfreeze_gradually(layers, 3)
    assert all(layer.weight.requires_grad for layer in layers)


def test_names_that_do_not_exist_are_refused():
    model = CNN([2], size=4, classes=3, rng=rng())
    with pytest.raises(ValueError, match="begins with 'body'"):
        freeze(model, "body")
    with pytest.raises(TypeError, match="no linear layer"):
        replace_head(model, 2, rng=rng(), name="top")
    with pytest.raises(TypeError, match=r"Module has no linear"):
        replace_head(Module(), 2, rng=rng())
    with pytest.raises(ValueError, match=r"decay is 0\.5"):
        discriminative_rates([], 0.5)
