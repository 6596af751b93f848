"""Sequence to sequence: torch's numbers, and attention that finds the way back."""

import itertools
import math

import numpy as np
import pytest
import torch

from groundup.models.array_training import ArrayTraining, fit
from groundup.models.seq2seq import Seq2Seq, attention_weights, side_by_side

KINDS = ["none", "additive", "product"]


def model(attention, width=6, inputs=7, outputs=8):
    return Seq2Seq(inputs, outputs, rng=np.random.default_rng(0), width=width, attention=attention)


def torch_logits(state, attention, ids, lengths, written):
    """The same formulas on torch, from a state dict."""

    def gru(name, C, bidirectional):
        module = torch.nn.GRU(C, 6, batch_first=True, bidirectional=bidirectional).double()
        own = {k.removeprefix(f"{name}."): v for k, v in state.items() if k.startswith(f"{name}.")}
        return lambda *x: torch.func.functional_call(module, own, x)

    def linear(name, x):
        return torch.nn.functional.linear(x, state[f"{name}.weight"], state.get(f"{name}.bias"))

    packed = torch.nn.utils.rnn.pack_padded_sequence(
        state["read_table.weight"][ids], lengths, batch_first=True, enforce_sorted=False
    )
    out, last = gru("encoder", 6, True)(packed)
    memory, _ = torch.nn.utils.rnn.pad_packed_sequence(out, batch_first=True)
    begin = torch.tanh(linear("bridge", torch.cat([last[0], last[1]], -1)))[None]
    states, _ = gru("decoder", 6, False)(state["write_table.weight"][written], begin)
    if attention == "none":
        return linear("head", states)
    query, key = linear("query", states), linear("key", memory)
    if attention == "product":
        scores = query @ key.transpose(1, 2) / math.sqrt(6)
    else:
        scores = linear("score", torch.tanh(query[:, :, None] + key[:, None]))[..., 0]
    mask = torch.arange(memory.shape[1]) < lengths[:, None]
    weights = scores.masked_fill(~mask[:, None], -math.inf).softmax(-1)
    return linear("head", torch.cat([states, weights @ memory], -1))


@pytest.mark.reference
@pytest.mark.parametrize("attention", KINDS)
def test_logits_and_gradients_are_torchs(attention):
    ours = model(attention).to(np.float64)
    state = {k: torch.tensor(v, requires_grad=True) for k, v in ours.state_dict().items()}
    ids, lengths = side_by_side([[1, 2, 3, 4], [5, 6], [3, 3, 3]])
    written = np.random.default_rng(1).integers(0, 8, (3, 5))
    logits = ours(ids, lengths, written)
    wanted = torch_logits(
        state, attention, torch.tensor(ids), torch.tensor(lengths), torch.tensor(written)
    )
    np.testing.assert_allclose(logits.data, wanted.detach(), rtol=1e-9, atol=1e-11)
    (logits * logits.cos()).sum().backward()
    (wanted * wanted.cos()).sum().backward()
    for name, parameter in ours.named_parameters():
        found = 0 if parameter.grad is None else parameter.grad.data
        known = 0 if state[name].grad is None else state[name].grad
        np.testing.assert_allclose(found, known, rtol=1e-7, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("attention", KINDS)
def test_what_lies_beyond_the_end_is_not_read(attention):
    ours = model(attention)
    ids, lengths = side_by_side([[1, 2], [1, 2, 3, 4]])
    first = ours(ids, lengths, np.zeros((2, 3), int)).data
    ids[0, 2:] = 6
    np.testing.assert_array_equal(ours(ids, lengths, np.zeros((2, 3), int)).data, first)


def reversals(rng, count, longest):
    rows = [rng.integers(2, 10, rng.integers(1, longest + 1)).tolist() for _ in range(count)]
    return rows, [row[::-1] for row in rows]


@pytest.mark.slow
def test_attention_learns_to_reverse_and_looks_back():
    rng = np.random.default_rng(0)
    inputs, outputs = reversals(rng, 2000, 6)
    tested, wanted = reversals(rng, 200, 6)
    right = {}
    for attention in KINDS:
        ours = model(attention, width=32, inputs=10, outputs=10)
        config = ArrayTraining(steps=500, batch_size=64, lr=0.01)

        def loss(step, ours=ours):
            rows = np.random.default_rng(step).integers(0, 2000, 64)
            return ours.loss([inputs[i] for i in rows], [outputs[i] for i in rows])

        fit(ours, loss, config)
        found, weights = ours.translate(tested, longest=10)
        right[attention] = np.mean([a == b for a, b in zip(found, wanted, strict=True)])
        if attention == "additive":
            long = [i for i, row in enumerate(tested) if len(row) == 6]
            looked = weights[long, :6].argmax(-1)
            assert (looked == np.arange(5, -1, -1)).mean() > 0.8  # the anti-diagonal
            beams = [ours.beam(row, width=3, longest=10) for row in tested[:30]]
            hits = sum(a == b for a, b in zip(beams, wanted[:30], strict=True))
            assert hits >= 28
    assert right["additive"] >= 0.99
    assert right["product"] >= 0.97
    assert (
        right["none"] < right["additive"] - 0.05
    )  # 200 strings: two deviations of a share of 85 %


def sharp(seed, outputs):
    """An untrained model with large weights: some outputs end early, some never."""
    ours = Seq2Seq(7, outputs, rng=np.random.default_rng(seed), width=6, attention="product")
    for parameter in ours.parameters():
        parameter.data *= 4
    return ours


def test_a_beam_of_one_is_greedy():
    lengths = set()
    for seed in range(60):
        ours = sharp(seed, 6)
        found, weights = ours.translate([[1, 2, 3]], longest=6)
        assert ours.beam([1, 2, 3], width=1, longest=6) == found[0]
        lengths.add(len(found[0]))
    assert {0, 6} <= lengths  # both that end and that are cut
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
    assert model("none").translate([[1]], longest=3)[1] is None


def test_a_wide_beam_is_the_best_of_all():
    """Judged by trying all 40 outputs of up to three symbols, the end (1) behind them."""
    ids, lengths = side_by_side([[1, 2, 3]])
    for seed in range(10):
        ours = sharp(seed, 4)
        chances = {}
        for count in range(4):
            for row in itertools.product((0, 2, 3), repeat=count):
                written = [*row, 1]
                logits = ours(ids, lengths, np.array([[0, *row]]))
                logs = logits[0].log_softmax(-1).data[np.arange(count + 1), written]
                chances[row] = logs.sum() / (count + 1)
        best = max(chances, key=chances.get)
        assert ours.beam([1, 2, 3], width=100, longest=4) == list(best)


def test_reading_leaves_the_mode_as_it_was():
    for mode in (True, False):
        ours = model("none").train(mode)
        ours.translate([[1]], longest=2)
        ours.beam([1], longest=2)
        with pytest.raises(IndexError):
            ours.translate([[99]])
        assert all(part.training is mode for part in ours.modules())


def test_bad_input_is_refused():
    for make, words in (
        (lambda: model("odd"), "one of none"),
        (lambda: side_by_side([[1], []]), "empty sequence"),
        (lambda: side_by_side([]), "none at all"),
        (lambda: model("none").beam([1], width=0), "1 or more"),
        (lambda: model("none").beam([1], longest=0), "1 or more"),
        (lambda: model("none").translate([[1]], longest=0), "1 symbol or more"),
    ):
        with pytest.raises(ValueError, match=words):
            make()
    scores = torch.zeros(1, 1, 3)
    assert attention_weights(scores, torch.tensor([[True, True, False]])).tolist() == [
        [[0.5, 0.5, 0.0]]
    ]
