"""A state that is carried along: what it forgets, and how an LSTM holds on to it."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from groundup.autograd.recurrence import gru_cell, lstm_cell, rnn, rnn_backward, rnn_cell
from groundup.autograd.recurrent import GRU, LSTM, RNN, Recurrent, detached
from groundup.autograd.tensor import Tensor
from groundup.models.memory_tasks import gradient_reach

Array = NDArray[np.float64]

# The problem


def order_matters() -> dict[str, object]:
    """Two sentences as bags of words"""
    first = ["the", "dog", "bites", "the", "man"]
    second = ["the", "man", "bites", "the", "dog"]
    return {
        "one": sorted(first),
        "the other": sorted(second),
        "same bag": sorted(first) == sorted(second),
    }


def reader() -> list[dict[str, object]]:
    """A state of one number reads letters: +1 for an opening bracket, -1 for a closing one"""
    state, rows = 0, []
    for letter in "(()(":
        state = state + {"(": 1, ")": -1}[letter]
        rows.append({"letter": letter, "state": state})
    return rows


def plain_step() -> dict[str, torch.Tensor]:
    """One step of a plain cell: two numbers come in, the state is two numbers"""
    x, h = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, -0.5]])
    w_in, w_state = torch.tensor([[0.5, 0.1], [0.0, 1.0]]), torch.tensor([[0.9, 0.0], [0.2, 0.9]])
    none = torch.zeros(2)
    return {
        "by hand": (x @ w_in.T + h @ w_state.T).tanh(),
        "ours": rnn_cell(x, h, w_in, w_state, none, none),
    }


def fading() -> list[dict[str, float]]:
    """A state of 1 in a plain cell, with nothing coming in: tanh(w h), again and again"""
    rows = []
    for steps in (0, 1, 5, 20, 100):
        row = {"steps": float(steps)}
        for w in (0.8, 1.0, 1.5):
            h = 1.0
            for _ in range(steps):
                h = math.tanh(w * h)
            row[f"weight {w}"] = h
        rows.append(row)
    return rows


# The way back


def product_of_slopes() -> list[dict[str, float]]:
    """The same cells: the slope of the state after so many steps towards the first"""
    rows = []
    for steps in (1, 5, 20, 100):
        row = {"steps": float(steps)}
        for w in (0.8, 1.0, 1.5):
            h, slope = 1.0, 1.0
            for _ in range(steps):
                h = math.tanh(w * h)
                slope *= w * (1 - h * h)
            row[f"weight {w}"] = slope
        rows.append(row)
    return rows


def back() -> tuple[object, ...]:
    """Three steps, gone back through: one sequence, one number in, one number of state"""
    x, h = np.array([[[1.0]], [[0.0]], [[0.5]]]), np.zeros((1, 1))
    w_in, w_state, none = np.full((1, 1), 0.5), np.full((1, 1), 0.8), np.zeros(1)
    result, kept = rnn(x, h, w_in, w_state, none, none, None)
    gradient = np.zeros((4, 1, 1))
    gradient[2] = 1.0  # only the last output counts
    inputs = (x, h, w_in, w_state, none, none, None)
    return rnn_backward(gradient, result, kept, *inputs, wanted=[True] * 7)


# The LSTM


def leaky() -> list[dict[str, float]]:
    """What is left of 1 in a cell whose forget gate is open this far"""
    rows = []
    for bias in (0.0, 1.0, 3.0, 6.0):
        gate = 1 / (1 + math.exp(-bias))
        row = {"bias of f": bias, "gate": gate}
        row |= {f"after {steps} steps": gate**steps for steps in (1, 10, 100)}
        rows.append(row)
    return rows


def left_after_a_hundred() -> float:
    """What is left of 1 after 100 steps with a forget gate of 0.99"""
    return 0.99**100


def one_step() -> object:
    """One step of an LSTM: keep the first number, overwrite the second"""
    x, h, c = torch.tensor([[1.0]]), torch.zeros(1, 2), torch.tensor([[0.7, 0.7]])
    gates = torch.tensor([-9.0, 9.0, 9.0, -9.0, 2.0, -2.0, 9.0, 9.0])  # i i f f g g o o
    return lstm_cell(x, (h, c), torch.zeros(8, 1), torch.zeros(8, 2), gates, torch.zeros(8))


def is_torchs() -> dict[str, object]:
    """Ours and torch's cell with the same weights"""
    cell = torch.nn.LSTMCell(3, 4)
    chance = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for one in cell.parameters():
            one.copy_(torch.randn(one.shape, generator=chance))
    x, h, c = (torch.randn(2, n, generator=chance) for n in (3, 4, 4))
    with torch.no_grad():
        ours, theirs = lstm_cell(x, (h, c), *cell.parameters()), cell(x, (h, c))
    apart = max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True))
    return {"weight_ih": tuple(cell.weight_ih.shape), "largest difference": apart}


def parameters() -> float:
    """Numbers in an LSTM with 128 inputs and a state of 128"""
    return float(sum(one.numel() for one in torch.nn.LSTM(128, 128).parameters()))


# Compared


def reach() -> list[dict[str, object]]:
    """How much the last output depends on the input so many steps back; 1 is the last input"""
    inputs = np.random.default_rng(1).normal(size=(8, 60, 4)).astype(np.float32)

    def row(name: str, network: Recurrent) -> dict[str, object]:
        found = gradient_reach(network, inputs)
        shares = {f"{n} back": float(found[-1 - n] / found[-1]) for n in (5, 20, 50)}
        return {"untrained": name, **shares}

    plain, lstm, gru, biased = (
        kind(4, 16, rng=np.random.default_rng(0)) for kind in (RNN, LSTM, GRU, LSTM)
    )
    dict(biased.named_parameters())["bias_ih_l0"].data[16:32] = 4.0  # the rows of f
    names = ("plain", "LSTM", "GRU", "LSTM, f biased by 4")
    return [row(*pair) for pair in zip(names, (plain, lstm, gru, biased), strict=True)]


def gru_step() -> dict[str, torch.Tensor]:
    """A GRU with its gate z shut, half open, and open: from the state 1, towards 0"""
    found = {}
    for name, bias in (("shut", -20.0), ("half", 0.0), ("open", 20.0)):
        biases = torch.tensor([0.0, bias, 0.0])  # r z n
        found[name] = gru_cell(
            torch.zeros(1, 1),
            torch.ones(1, 1),
            torch.zeros(3, 1),
            torch.zeros(3, 1),
            biases,
            torch.zeros(3),
        )
    return found


# What goes wrong


def wrong_layout() -> dict[str, object]:
    """Weights in the order i, f, o, g, read as i, f, g, o"""
    x, h, c = torch.tensor([[1.0]]), torch.zeros(1, 1), torch.tensor([[0.5]])
    right = torch.tensor([2.0, 1.0, -0.5, 3.0])  # i f g o
    other = right[[0, 1, 3, 2]]  # i f o g
    zeros = torch.zeros(4, 1)
    made = [lstm_cell(x, (h, c), zeros, zeros, one, torch.zeros(4))[0] for one in (right, other)]
    return {"right": made[0], "read wrongly": made[1]}


def padding() -> dict[str, Array]:
    """A sequence of two among sequences of four: the last state, read past the end and not"""
    network = RNN(1, 2, rng=np.random.default_rng(0))
    x = np.zeros((2, 4, 1), dtype=np.float32)
    x[:, :2] = 1.0
    short, _ = network(Tensor(x[:1, :2]))
    _, read_on = network(Tensor(x))
    _, told = network(Tensor(x), None, np.array([2, 4]))
    return {
        "after its two steps": short.data[0, -1],
        "two steps of padding later": read_on.data[0, 0],
        "told how long it is": told.data[0, 0],
    }


def cut() -> dict[str, object]:
    """A state handed from piece to piece, with its history and without"""
    network = RNN(1, 2, rng=np.random.default_rng(0))
    first = Tensor(np.ones((1, 3, 1), dtype=np.float32), requires_grad=True)
    second = Tensor(np.ones((1, 3, 1), dtype=np.float32))
    found: dict[str, object] = {}
    for name, change in (("with its history", lambda state: state), ("detached", detached)):
        first.grad = None
        _, state = network(first)
        outputs, _ = network(second, change(state))
        outputs[:, -1].sum().backward()
        grad = first.grad
        found[f"{name}: gradient reaches the first piece"] = grad is not None
    return found
