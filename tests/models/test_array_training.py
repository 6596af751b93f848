"""The training loop of the NumPy engine: it learns, and a stopped run ends as one that was not."""

import numpy as np
import pytest

from groundup.autograd.dropout import Dropout
from groundup.autograd.functions import cross_entropy
from groundup.autograd.losses import mse
from groundup.autograd.tensor import Tensor
from groundup.models.array_training import (
    ArrayTraining,
    batch_of,
    beginning,
    evaluate,
    fit,
    restored,
    state_arrays,
)
from groundup.models.mlp import MLP
from groundup.optimizers.schedules import schedule

X = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
Y = (X[:, :1] * X[:, 1:2] > 0).astype(np.float32)


def network(seed=0, **settings):
    return MLP([3, 16, 1], rng=np.random.default_rng(seed), activation="tanh", **settings)


def loss_of(model, config):
    def loss(step):
        rows = batch_of(len(X), config.batch_size, step, config.seed)
        return mse(model(Tensor(X[rows])), Tensor(Y[rows]))

    return loss


def test_it_learns_and_tells_what_happened():
    config = ArrayTraining(steps=300, batch_size=16, lr=0.02)
    model, rows = network(), []
    state = fit(model, loss_of(model, config), config, watch=lambda *row: rows.append(row))
    assert state.done == len(state.losses) == len(rows) == 300
    assert np.mean(state.losses[-20:]) < 0.3 * np.mean(state.losses[:20])
    assert rows[-1][0] == 300
    assert rows[0][1]["norm"] > 0
    assert evaluate(model, lambda: mse(model(Tensor(X)), Tensor(Y))) < 0.1


@pytest.mark.parametrize("kind", ["sgd", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize("settings", [{}, {"dropout": 0.5, "batch_norm": True}])
def test_a_stopped_run_ends_as_one_that_was_not(kind, settings):
    config = ArrayTraining(steps=30, batch_size=16, lr=0.01, optimizer=kind)
    whole = network(**settings)
    fit(whole, loss_of(whole, config), config)
    stopped = network(**settings)
    half = beginning(stopped, config)

    class Stop(Exception):
        pass

    def stop(step, row):
        if step == 13:
            raise Stop

    with pytest.raises(Stop):
        fit(stopped, loss_of(stopped, config), config, state=half, watch=stop)
    saved = {name: np.array(array) for name, array in state_arrays(stopped, half).items()}
    fresh = network(seed=9, **settings)
    state = restored(fresh, config, saved)
    assert state.done == 13
    fit(fresh, loss_of(fresh, config), config, state=state)
    for name, array in whole.state_dict().items():
        np.testing.assert_array_equal(fresh.state_dict()[name], array)


def test_batches_take_each_example_once_an_epoch():
    for epoch in range(3):
        rows = [batch_of(10, 4, 3 * epoch + step, seed=1) for step in range(3)]
        assert [len(part) for part in rows] == [4, 4, 2]
        assert sorted(np.concatenate(rows)) == list(range(10))
    assert not np.array_equal(batch_of(10, 10, 0, 1), batch_of(10, 10, 1, 1))
    with pytest.raises(ValueError, match="0 examples"):
        batch_of(0, 4, 0, 1)


def test_the_rate_falls_along_a_cosine():
    model, rates = network(), []
    config = ArrayTraining(steps=5, lr=0.5)
    state = beginning(model, config)
    fit(model, loss_of(model, config), config, state=state,
        watch=lambda *row: rates.append(state.optimizer.lr))  # fmt: skip
    assert rates == [0.5 * schedule(step, 5, kind="cosine") for step in range(5)]
    assert rates[0] > rates[-1] > 0


def test_a_loss_that_is_not_finite_stops_the_run():
    model = network()
    with pytest.raises(ValueError, match="loss is nan at step 0"):
        fit(model, lambda step: Tensor([np.nan], requires_grad=True).sum(), ArrayTraining(steps=2))
    for wrong in ({"steps": 0}, {"lr": 0.0}, {"clip": -1.0}, {"batch_size": 0}):
        with pytest.raises(ValueError, match="above 0"):
            ArrayTraining(**wrong)


def test_evaluation_leaves_nothing_behind():
    model = network()
    model.dropout = Dropout(0.5, rng=np.random.default_rng(0))
    results = {
        evaluate(model, lambda: cross_entropy(model(Tensor(X)), np.zeros(50, int)))
        for _ in range(3)
    }
    assert len(results) == 1
    assert model.training
    model.dropout.eval()
    evaluate(model, lambda: mse(model(Tensor(X)), Tensor(Y)))
    assert model.training
    assert not model.dropout.training


def test_every_step_drops_something_else():
    model, kept = network(dropout=0.5), []
    ones = Tensor(np.ones(64, np.float32), requires_grad=True)

    def loss(step):
        kept.append(model.dropout(ones))
        return (kept[-1] * model.layers[0].bias.sum()).sum()

    fit(model, loss, ArrayTraining(steps=3))
    assert len({row.data.tobytes() for row in kept}) == 3
