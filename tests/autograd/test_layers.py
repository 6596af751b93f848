"""Layers of the NumPy engine: the family's checks, run on every member, with torch's as judge.

Weights go from ours to torch's by `state_dict` and its names. Both compute in float64; the bound of
1e-9 leaves a thousand units in the last place for each of the longest sum (some hundred terms).
"""

import numpy as np
import pytest
import torch

from groundup import swap
from groundup.autograd import recurrence
from groundup.autograd.attention import Attention
from groundup.autograd.convolutional import (
    AvgPool2d,
    Conv1d,
    Conv2d,
    GlobalAvgPool2d,
    MaxPool2d,
)
from groundup.autograd.dropout import Dropout, dropout
from groundup.autograd.gradient_check import gradcheck
from groundup.autograd.linear import Embedding, Linear
from groundup.autograd.module import Module, Sequential, parameter_count
from groundup.autograd.normalization import BatchNorm, LayerNorm, batch_norm
from groundup.autograd.recurrent import GRU, LSTM, RNN, detached
from groundup.autograd.tensor import Tensor


def rng():
    return np.random.default_rng(0)


def normal(*shape):
    return np.random.default_rng(1).standard_normal(shape)


MEMBERS = {
    "linear": (lambda: Linear(4, 3, rng=rng()), lambda: torch.nn.Linear(4, 3), (5, 2, 4)),
    "linear, no bias": (
        lambda: Linear(4, 3, rng=rng(), has_bias=False),
        lambda: torch.nn.Linear(4, 3, bias=False),
        (5, 4),
    ),
    "conv2d": (
        lambda: Conv2d(4, 6, (3, 2), rng=rng(), stride=2, padding=1, groups=2),
        lambda: torch.nn.Conv2d(4, 6, (3, 2), stride=2, padding=1, groups=2),
        (2, 4, 7, 6),
    ),
    "conv1d": (
        lambda: Conv1d(3, 5, 4, rng=rng(), stride=2, padding=3),
        lambda: torch.nn.Conv1d(3, 5, 4, stride=2, padding=3),
        (2, 3, 9),
    ),
    "max pool": (lambda: MaxPool2d(2), lambda: torch.nn.MaxPool2d(2), (2, 3, 4, 6)),
    "avg pool": (lambda: AvgPool2d(3, 2, 1), lambda: torch.nn.AvgPool2d(3, 2, 1), (2, 3, 5, 6)),
    "global pool": (
        GlobalAvgPool2d,
        lambda: torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()),
        (2, 3, 5, 6),
    ),
    "layer norm": (lambda: LayerNorm((3, 4)), lambda: torch.nn.LayerNorm((3, 4)), (5, 3, 4)),
    "batch norm": (lambda: BatchNorm(4), lambda: torch.nn.BatchNorm1d(4), (6, 4)),
    "batch norm of images": (lambda: BatchNorm(3), lambda: torch.nn.BatchNorm2d(3), (4, 3, 2, 5)),
    "sequential": (
        lambda: Sequential(Linear(4, 8, rng=rng()), Tensor.tanh, Linear(8, 2, rng=rng())),
        lambda: torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)),
        (5, 4),
    ),
}


def pair(member):
    """Ours and torch's in float64 with the same weights, away from their plain beginnings."""
    make, make_torch, shape = member
    layer, other = make().to(np.float64), make_torch().double()
    for i, (name, parameter) in enumerate(layer.named_parameters()):
        noise = np.random.default_rng(i).standard_normal(parameter.shape)
        parameter.data = parameter.data + 0.1 * noise
        assert name in other.state_dict()
    other.load_state_dict({name: torch.tensor(array) for name, array in layer.state_dict().items()})
    return layer, other, np.random.default_rng(9).standard_normal(shape)


def check_values_and_gradients(member):
    layer, other, x = pair(member)
    mine, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    for _ in range(2):  # twice, so that running statistics have moved
        y, wanted = layer(mine), other(theirs)
        np.testing.assert_allclose(y.data, wanted.detach(), rtol=1e-9, atol=1e-10)
        (y * y.sin()).sum().backward()
        (wanted * wanted.sin()).sum().backward()
    np.testing.assert_allclose(mine.grad.data, theirs.grad, rtol=1e-9, atol=1e-10)
    known = dict(other.named_parameters())
    for name, parameter in layer.named_parameters():
        np.testing.assert_allclose(parameter.grad.data, known[name].grad, rtol=1e-9, atol=1e-9)
    for name, array in layer.state_dict().items():
        np.testing.assert_allclose(array, other.state_dict()[name], rtol=1e-9, atol=1e-12)


def check_use_is_the_same_every_time(member):
    layer, other, x = pair(member)
    layer(Tensor(x)), other(torch.tensor(x))
    layer.eval(), other.eval()
    before = {name: array.copy() for name, array in layer.state_dict().items()}
    y, wanted = layer(Tensor(x)), other(torch.tensor(x))
    np.testing.assert_allclose(y.data, wanted.detach(), rtol=1e-9, atol=1e-10)
    np.testing.assert_array_equal(layer(Tensor(x)).data, y.data)
    for name, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def check_gradients_are_differences(member):
    layer, _, x = pair(member)
    gradcheck(layer.eval(), [x])


def check_weights_come_back(member):
    layer, other, x = pair(member)
    fresh = member[0]().to(np.float64)
    fresh.load_state_dict(other.state_dict())
    np.testing.assert_array_equal(fresh(Tensor(x)).data, layer(Tensor(x)).data)
    if layer.state_dict():
        name = next(iter(layer.state_dict()))
        with pytest.raises(ValueError, match="missing"):
            fresh.load_state_dict({})
        with pytest.raises(ValueError, match="not the module's"):
            fresh.load_state_dict({**layer.state_dict(), "other": np.ones(1)})
        with pytest.raises(ValueError, match="has the shape"):
            fresh.load_state_dict({**layer.state_dict(), name: np.ones((9, 9, 9))})


CHECKS = [
    check_values_and_gradients,
    check_use_is_the_same_every_time,
    check_gradients_are_differences,
    check_weights_come_back,
]


@pytest.mark.reference
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MEMBERS)
def test_family(name, check):
    check(MEMBERS[name])


RECURRENT = {"rnn": (RNN, torch.nn.RNN), "lstm": (LSTM, torch.nn.LSTM), "gru": (GRU, torch.nn.GRU)}


@pytest.mark.reference
@pytest.mark.parametrize("lengths", [None, [5, 2, 4], [5, 5, 5], [1, 1, 1]])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", RECURRENT)
def test_recurrent_networks_are_torchs(kind, bidirectional, layers, lengths):
    ours, torchs = RECURRENT[kind]
    layer = ours(4, 3, rng=rng(), layers=layers, bidirectional=bidirectional).to(np.float64)
    other = torchs(4, 3, layers, bidirectional=bidirectional, batch_first=True).double()
    other.load_state_dict({name: torch.tensor(a) for name, a in layer.state_dict().items()})
    count = layers * (1 + bidirectional)
    x, h, c = normal(3, 5, 4), normal(count, 3, 3), normal(count, 3, 3) / 2
    mine, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    begin = [Tensor(part, requires_grad=True) for part in (h, c)]
    begin_torch = [torch.tensor(part, requires_grad=True) for part in (h, c)]
    y, last = layer(mine, tuple(begin) if kind == "lstm" else begin[0], lengths)
    given = theirs
    if lengths is not None:
        given = torch.nn.utils.rnn.pack_padded_sequence(
            theirs, torch.tensor(lengths), batch_first=True, enforce_sorted=False
        )
    wanted, end = other(given, tuple(begin_torch) if kind == "lstm" else begin_torch[0])
    if lengths is not None:
        wanted, _ = torch.nn.utils.rnn.pad_packed_sequence(wanted, batch_first=True)
        y = y[:, : wanted.shape[1]]
    lasts, ends = (last, end) if kind == "lstm" else ((last,), (end,))
    np.testing.assert_allclose(y.data, wanted.detach(), rtol=1e-10, atol=1e-12)
    for a, b in zip(lasts, ends, strict=True):
        np.testing.assert_allclose(a.data, b.detach(), rtol=1e-10, atol=1e-12)
    ((y * y.cos()).sum() + sum(part.sin().sum() for part in lasts)).backward()
    ((wanted * wanted.cos()).sum() + sum(part.sin().sum() for part in ends)).backward()
    known = dict(other.named_parameters())
    for name, parameter in layer.named_parameters():
        np.testing.assert_allclose(parameter.grad.data, known[name].grad, rtol=1e-9, atol=1e-11)
    for a, b in zip([mine, begin[0]], [theirs, begin_torch[0]], strict=True):
        np.testing.assert_allclose(a.grad.data, b.grad, rtol=1e-9, atol=1e-11)


def test_truncated_backpropagation_ends_at_the_border():
    layer = LSTM(2, 3, rng=rng()).to(np.float64)
    x = Tensor(normal(1, 6, 2), requires_grad=True)
    _, state = layer(x[:, :3])
    y, _ = layer(x[:, 3:], detached(state))
    y.sum().backward()
    assert not x.grad.data[:, :3].any()
    assert x.grad.data[:, 3:].all()
    whole, _ = layer(x)
    _, state = layer(x[:, :3])
    rest, _ = layer(x[:, 3:], state)
    np.testing.assert_allclose(rest.data, whole.data[:, 3:], rtol=1e-12)


@pytest.mark.parametrize("lengths", [[6, 1], [0, 1], [1.0, 2.0], [1]])
def test_lengths_that_cannot_be_are_refused(lengths):
    with pytest.raises(ValueError, match="are not 2 integers from 1 to 5"):
        RNN(2, 3, rng=rng())(Tensor(normal(2, 5, 2)), lengths=lengths)


@pytest.mark.reference
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("crossed", [False, True])
def test_attention_is_torchs(masked, crossed):
    layer = Attention(6, 2, rng=rng()).to(np.float64)
    other = torch.nn.MultiheadAttention(6, 2, batch_first=True).double()
    state = layer.state_dict()
    parts = ("query", "key", "value")
    other.load_state_dict(
        {
            "in_proj_weight": torch.tensor(np.concatenate([state[f"{p}.weight"] for p in parts])),
            "in_proj_bias": torch.tensor(np.concatenate([state[f"{p}.bias"] for p in parts])),
            "out_proj.weight": torch.tensor(state["output.weight"]),
            "out_proj.bias": torch.tensor(state["output.bias"]),
        }
    )
    x, memory = normal(2, 4, 6), normal(2, 5, 6) if crossed else None
    keys = x if memory is None else memory
    mask = np.tri(4, keys.shape[1], dtype=bool) if masked else None
    y = layer(Tensor(x), None if memory is None else Tensor(memory), mask)
    wanted, _ = other(
        *(torch.tensor(part) for part in (x, keys, keys)),
        attn_mask=None if mask is None else torch.tensor(~mask),
        need_weights=False,
    )
    np.testing.assert_allclose(y.data, wanted.detach(), rtol=1e-10, atol=1e-12)
    with pytest.raises(ValueError, match="4 heads do not divide"):
        Attention(6, 4, rng=rng())


def test_embedding_is_torchs_and_looks_up_only_what_is_there():
    layer, other = Embedding(5, 3, rng=rng()).to(np.float64), torch.nn.Embedding(5, 3).double()
    other.load_state_dict({"weight": torch.tensor(layer.weight.data)})
    ids = np.array([[1, 1, 4], [0, 2, 1]])
    y, wanted = layer(ids), other(torch.tensor(ids))
    (y**3).sum().backward()
    (wanted**3).sum().backward()
    np.testing.assert_allclose(layer.weight.grad.data, other.weight.grad, rtol=1e-12)
    assert layer(Tensor(ids)).shape == (2, 3, 3)
    for wrong in ([5], [-1]):
        with pytest.raises(IndexError, match="5 rows"):
            layer(np.array(wrong))
    with pytest.raises(TypeError, match="integers"):
        layer(np.array([0.5]))


def test_dropout_keeps_the_mean_and_does_nothing_in_use():
    layer = Dropout(0.25, rng=rng())
    x = Tensor(np.ones((200, 200)), requires_grad=True)
    y = layer(x)
    assert set(np.unique(y.data)) == {0.0, 1 / 0.75}
    # 40,000 draws: the share kept has a standard deviation of 0.0022; five of them
    assert abs((y.data > 0).mean() - 0.75) < 0.011
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, y.data)
    assert layer.eval()(x) is x
    assert (dropout(x, 0.0, rng()).data == 1).all()
    for p in (1, -0.1):
        with pytest.raises(ValueError, match="share of numbers dropped"):
            Dropout(p, rng=rng())


def test_batch_norm_brings_a_batch_to_mean_0_and_variance_1():
    x = Tensor(normal(64, 3) * 5 + 2)
    y = BatchNorm(3).to(np.float64)(x)
    np.testing.assert_allclose(y.data.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(y.data.var(0), 1, atol=1e-5)  # epsilon
    formula = batch_norm(
        x, x.mean(0), x.var(0, correction=0), Tensor(np.ones(3)), Tensor(np.zeros(3)), 1e-5
    )
    np.testing.assert_allclose(formula.data, y.data, rtol=1e-6)
    with pytest.raises(ValueError, match="more than one value"):
        BatchNorm(3)(Tensor(np.ones((1, 3))))
    assert BatchNorm(3).eval()(Tensor(np.ones((1, 3)))).shape == (1, 3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Linear(3, 2, rng=rng())(Tensor(np.ones((2, 4)))), "3 inputs"),
        (lambda: LayerNorm(3)(Tensor(np.ones((2, 4)))), "ends in"),
        (lambda: Conv2d(3, 2, 3, rng=rng())(Tensor(np.ones((2, 4, 5, 5)))), "do not fit"),
        (lambda: Conv2d(3, 2, 3, rng=rng(), groups=2), "groups do not divide"),
        (lambda: Conv2d(1, 2, 3, rng=rng())(Tensor(np.ones((1, 1, 2, 2)))), "has no place"),
        (lambda: MaxPool2d(3)(Tensor(np.ones((1, 1, 2, 2)))), "has no place"),
        (lambda: AvgPool2d(3)(Tensor(np.ones((1, 1, 2, 2)))), "has no place"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


class Nested(Module):
    def __init__(self):
        super().__init__()
        self.blocks = [Linear(2, 2, rng=rng()), Linear(2, 2, rng=rng())]
        self.shared = self.blocks[0]
        self.norm = BatchNorm(2)

    def forward(self, x):
        return self.norm(self.blocks[1](self.blocks[0](x)))


def test_modules_in_lists_are_found_and_a_shared_one_is_trained_once():
    model = Nested()
    names = [name for name, _ in model.named_parameters()]
    assert names[:2] == ["blocks.0.weight", "blocks.0.bias"]
    assert len(names) == 6
    assert "norm.running_mean" in model.state_dict()
    assert parameter_count(model) == parameter_count([model]) == 2 * 6 + 4
    assert [m.training for m in model.eval().modules()] == [False] * 5
    assert all(m.training for m in model.train().modules())
    model.requires_grad_(False)
    assert not model(Tensor(np.ones((2, 2), np.float32))).requires_grad
    model.requires_grad_().zero_grad()
    model(Tensor(normal(3, 2).astype(np.float32))).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    model.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_what_is_computed_from_a_parameter_is_no_parameter():
    layer = Linear(2, 2, rng=rng())
    assert type(layer.weight * 2) is Tensor
    assert Sequential(layer)[0] is layer
    assert len(Sequential(layer, layer)) == 2


@pytest.mark.parametrize("kind", RECURRENT)
def test_a_learners_cell_runs_in_the_layer(kind, tmp_path):
    """A replaced cell that is ours, counted: one call a position, and the same numbers."""
    state = "state" if kind == "lstm" else "h_BF"
    inputs = f"x_BC, {state}, weight_ih, weight_hh, bias_ih, bias_hh"
    source = (
        f"from groundup.autograd.recurrence import {kind}_cell as own\n"
        "calls = []\n"
        f"def {kind}_cell({inputs}):\n"
        "    calls.append(1)\n"
        f"    return own.slot.original({inputs})\n"
    )
    file = tmp_path / "mine.py"
    file.write_text(source, encoding="utf-8")
    layer = RECURRENT[kind][0](4, 3, rng=rng()).to(np.float64)
    x = Tensor(normal(2, 5, 4), requires_grad=True)
    y, _ = layer(x, lengths=[5, 3])
    with swap.replaced([swap.load(f"autograd.recurrence:{kind}_cell={file}")]):
        again, _ = layer(x, lengths=[5, 3])
        current = getattr(recurrence, f"{kind}_cell").slot.current
    assert len(current.__globals__["calls"]) == 5
    np.testing.assert_allclose(again.data, y.data, rtol=1e-12, atol=1e-14)
    (again * again).sum().backward()
    assert x.grad.data.any()
