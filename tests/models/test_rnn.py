"""The recurrent language model: torch's numbers, honest batches, sampling, long text in pieces."""

import math

import numpy as np
import pytest
import torch

from groundup.autograd.tensor import Tensor
from groundup.models.array_training import ArrayTraining, fit
from groundup.models.rnn import RecurrentLM, draw, padded

TORCHS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def model(kind="gru", **settings):
    return RecurrentLM(7, rng=np.random.default_rng(0), kind=kind, width=8, **settings)


@pytest.mark.reference
@pytest.mark.parametrize("kind", TORCHS)
def test_loss_and_gradients_are_torchs(kind):
    ours = model(kind, layers=2).to(np.float64)
    parts = torch.nn.ModuleDict(
        {
            "embedding": torch.nn.Embedding(7, 8),
            "recurrent": TORCHS[kind](8, 8, 2, batch_first=True),
            "head": torch.nn.Linear(8, 7),
        }
    ).double()
    parts.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    inputs, targets = padded([[2, 3, 4], [5], []], 0, 1)
    loss = ours.loss(inputs, targets)
    loss.backward()
    hidden, _ = parts["recurrent"](parts["embedding"](torch.tensor(inputs)))
    wanted = torch.nn.functional.cross_entropy(
        parts["head"](hidden).flatten(0, 1), torch.tensor(targets).flatten()
    )
    wanted.backward()
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-12)
    known = dict(parts.named_parameters())
    for name, parameter in ours.named_parameters():
        np.testing.assert_allclose(parameter.grad.data, known[name].grad, rtol=1e-8, atol=1e-12)


def test_a_padded_batch_costs_what_its_sequences_cost_alone():
    ours = model().to(np.float64)
    sequences = [[2, 3, 4, 5], [6], [], [2, 2]]
    together, counted = ours.bits(*padded(sequences, 0, 1))
    alone = [ours.bits(*padded([sequence], 0, 1)) for sequence in sequences]
    assert together == pytest.approx(sum(bits for bits, _ in alone), rel=1e-10)
    assert counted == sum(count for _, count in alone) == sum(map(len, sequences)) + 4
    assert ours.bits(np.zeros((1, 2), int), np.full((1, 2), -100)) == (0.0, 0)


def test_pieces_of_a_long_text_are_the_whole_text():
    ours = model("lstm").to(np.float64)
    text = np.random.default_rng(1).integers(0, 7, (2, 13))
    whole = ours.loss(text[:, :-1], text[:, 1:]).item()
    first, state = ours.piece_loss(text[:, :6], text[:, 1:7], None)
    second, _ = ours.piece_loss(text[:, 6:12], text[:, 7:], state)
    assert (first.item() + second.item()) / 2 == pytest.approx(whole, rel=1e-12)
    second.backward()
    used = np.unique(text[:, 6:12])
    unused = [symbol for symbol in range(7) if symbol not in used]
    assert not ours.embedding.weight.grad.data[unused].any()  # gradients end at the border


@pytest.mark.parametrize("kind", TORCHS)
def test_it_learns_a_text_and_says_it(kind):
    sequences = [[2, 3, 4, 5, 6], [6, 5, 4]]
    ours = model(kind)
    inputs, targets = padded(sequences, 0, 1)
    config = ArrayTraining(steps=250, lr=0.02)
    fit(ours, lambda step: ours.loss(inputs, targets), config)
    bits, counted = ours.bits(inputs, targets)
    assert bits / counted < 0.35  # one fair choice in ten symbols is 0.2
    drawn = ours.generate(
        start=0, end=1, count=40, longest=8, temperature=0.7, rng=np.random.default_rng(0)
    )
    assert sum(row in sequences for row in drawn) > 30
    likely = ours.generate(
        start=0, end=1, count=2, longest=8, temperature=0, rng=np.random.default_rng(0)
    )
    assert likely[0] == likely[1]
    assert likely[0] in sequences
    ours.eval().generate(
        start=0, end=1, count=1, longest=2, temperature=0, rng=np.random.default_rng(0)
    )
    assert not ours.training


def test_draws_follow_the_distribution():
    """20,000 draws: a share's deviation is at most 0.0035; five of them."""
    logits = np.tile(np.log([0.1, 0.6, 0.3]), (20_000, 1))
    rng = np.random.default_rng(0)
    found = np.bincount(draw(logits, 1.0, rng), minlength=3) / 20_000
    np.testing.assert_allclose(found, [0.1, 0.6, 0.3], atol=0.018)
    sharper = np.array([0.1, 0.6, 0.3]) ** 2
    found = np.bincount(draw(logits, 0.5, rng), minlength=3) / 20_000
    np.testing.assert_allclose(found, sharper / sharper.sum(), atol=0.018)
    assert (draw(logits, 0, rng) == 1).all()


def test_an_untrained_model_costs_about_a_fair_choice():
    ours = model()
    ours.head.weight.data *= 0
    ours.head.bias.data *= 0
    bits, counted = ours.bits(*padded([[2, 3]], 0, 1))
    assert bits / counted == pytest.approx(math.log2(7), rel=1e-6)


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="no recurrent network 'odd'"):
        model("odd")
    with pytest.raises(ValueError, match="temperature is -1"):
        model().generate(
            start=0, end=1, count=1, longest=2, temperature=-1, rng=np.random.default_rng(0)
        )
    assert padded([], 0, 1)[0].shape == (0, 1)
    assert isinstance(model()(np.array([[1]]))[0], Tensor)
