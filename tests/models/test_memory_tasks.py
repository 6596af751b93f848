"""Memory: what the tasks ask for, how far gradients reach, and who can learn them."""

import numpy as np
import pytest

from groundup.autograd.functions import cross_entropy
from groundup.autograd.linear import Embedding, Linear
from groundup.autograd.module import Module
from groundup.autograd.recurrent import LSTM, RNN
from groundup.models.array_training import ArrayTraining, fit
from groundup.models.memory_tasks import adding_problem, first_symbol, gradient_reach


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_adding_problem_marks_one_in_each_half():
    x, y = adding_problem(500, 9, rng())
    assert x.shape == (500, 9, 2)
    assert (x[:, :4, 1].sum(1) == 1).all()
    assert (x[:, 4:, 1].sum(1) == 1).all()
    np.testing.assert_allclose(y[:, 0], (x[..., 0] * x[..., 1]).sum(1), rtol=1e-6)
    assert ((y - 1) ** 2).mean() == pytest.approx(1 / 6, rel=0.2)  # 500 draws: 6 %, three of them


def test_the_first_symbol_stands_at_the_front_only():
    ids, targets = first_symbol(50, 6, 3, rng())
    assert (ids[:, 0] == targets).all()
    assert ids[:, 1:].min() >= 3
    assert ids.max() < 6


def test_gradients_fade_in_a_plain_network_and_less_in_an_lstm_that_keeps():
    x = rng().standard_normal((4, 60, 3)).astype(np.float32)
    plain, keeping = RNN(3, 16, rng=rng()), LSTM(3, 16, rng=rng())
    keeping.bias_ih_l0.data[16:32] = 4.0  # the forget gates begin nearly open
    faded, kept = gradient_reach(plain, x), gradient_reach(keeping, x)
    assert faded[0] / faded[-1] < 1e-6
    assert kept[0] / kept[-1] > 1e-3
    steps = np.log(faded[10:50])
    line = np.polyfit(np.arange(40), steps, 1)
    assert line[0] > 0.1  # by a factor each position
    assert np.abs(steps - np.polyval(line, np.arange(40))).max() < 3


class Remembers(Module):
    def __init__(self, kind, seed):
        super().__init__()
        self.table = Embedding(8, 16, rng=rng(seed))
        self.network = kind(16, 16, rng=rng(seed))
        self.head = Linear(16, 4, rng=rng(seed))
        if kind is LSTM:
            self.network.bias_ih_l0.data[16:32] = 5.0

    def forward(self, ids):
        outputs, _ = self.network(self.table(ids))
        return self.head(outputs[:, -1])


@pytest.mark.slow
def test_an_lstm_remembers_fifty_positions_and_a_plain_network_does_not():
    """Chance is 1/4; of 400 sequences a share has a deviation of 2.2 %."""
    right = {}
    for kind in (RNN, LSTM):
        model = Remembers(kind, 0)

        def loss(step, model=model):
            ids, targets = first_symbol(32, 50, 4, rng(step))
            return cross_entropy(model(ids), targets)

        fit(model, loss, ArrayTraining(steps=600, lr=0.01))
        ids, targets = first_symbol(400, 50, 4, rng(10**6))
        right[kind] = (model.eval()(ids).data.argmax(1) == targets).mean()
    assert right[LSTM] > 0.95
    assert right[RNN] < 0.6


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="no two places"):
        adding_problem(2, 1, rng())
    with pytest.raises(ValueError, match="symbols 1"):
        first_symbol(2, 3, 1, rng())
