"""Backpropagation by hand against torch.autograd and against differences."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.maths.backpropagation import backpropagate, chain_cost

SEED = st.integers(0, 2**32)


def network(seed, sizes, rows=4):
    rng = np.random.default_rng(seed)
    layers = [(rng.standard_normal((a, b)), rng.standard_normal(b)) for a, b in pairwise(sizes)]
    return rng.standard_normal((rows, sizes[0])), rng.integers(0, sizes[-1], rows), layers


@pytest.mark.reference
@settings(max_examples=40)
@given(SEED, st.lists(st.integers(1, 5), min_size=2, max_size=5))
def test_every_gradient_is_torchs(seed, sizes):
    X, labels, layers = network(seed, sizes)
    leaf = torch.from_numpy(X).requires_grad_()
    leaves = [tuple(torch.from_numpy(p).requires_grad_() for p in layer) for layer in layers]
    hidden = leaf
    for W, b in leaves[:-1]:
        hidden = torch.tanh(hidden @ W + b)
    scores = hidden @ leaves[-1][0] + leaves[-1][1]
    loss = torch.nn.functional.cross_entropy(scores, torch.from_numpy(labels))
    loss.backward()
    ours = backpropagate(X, labels, layers)
    assert ours.loss == pytest.approx(loss.item(), rel=1e-13, abs=1e-14)
    assert ours.at_input == pytest.approx(leaf.grad.numpy(), abs=1e-13)
    for got, wanted in zip(ours.gradients, leaves, strict=True):
        for one, other in zip(got, wanted, strict=True):
            assert one == pytest.approx(other.grad.numpy(), abs=1e-13)


def test_a_step_down_the_gradient_lowers_the_loss_by_its_square():
    X, labels, layers = network(0, [3, 5, 4])
    before = backpropagate(X, labels, layers)
    rate = 1e-6
    stepped = [
        tuple(p - rate * g for p, g in zip(layer, gradient, strict=True))
        for layer, gradient in zip(layers, before.gradients, strict=True)
    ]
    square = sum((g**2).sum() for pair in before.gradients for g in pair)
    change = before.loss - backpropagate(X, labels, stepped).loss
    # to first order; the second is rate times a curvature of about 10 beside it
    assert change == pytest.approx(rate * square, rel=1e-4, abs=0)


def test_the_cost_of_both_directions():
    sizes = [1_000_000, 100, 1]
    forward, reverse = chain_cost(sizes)
    assert forward == 1_000_000 * 100
    assert reverse == 100 * 1_000_000
    assert chain_cost([1000, 10, 10, 1]) == (1000 * 110, 1 * (10_000 + 100))
    # counted by hand: 1 x 10 times 10 x 10 is 100 multiplications, then 1 x 10 times 10 x 1000


def test_bad_input_is_refused():
    X, labels, layers = network(0, [3, 5, 4])
    with pytest.raises(ValueError, match="there is no layer"):
        backpropagate(X, labels, [])
    with pytest.raises(ValueError, match=r"layer 1 has a weight \(5, 4\) and a bias \(4,\) for 3"):
        backpropagate(X, labels, [(np.ones((3, 3)), np.zeros(3)), layers[1]])
    with pytest.raises(ValueError, match="wanted 4 whole numbers from 0 to 3"):
        backpropagate(X, labels + 4, layers)
    with pytest.raises(ValueError, match="sizes are"):
        chain_cost([3])
    with pytest.raises(ValueError, match="X holds NaN"):
        backpropagate(X * np.nan, labels, layers)
