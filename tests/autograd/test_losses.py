"""Losses on both engines, against torch's own."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from groundup.autograd.losses import (
    binary_cross_entropy,
    hinge,
    huber,
    kl_divergence,
    l1,
    mse,
    nll,
    smoothed_cross_entropy,
)
from groundup.autograd.tensor import Tensor

IDS = np.array([0, 2, 1, 2, 0])
PAIRS = {
    "mse": (mse, F.mse_loss),
    "l1": (l1, F.l1_loss),
    "huber": (huber, F.huber_loss),
    "huber, 0.3": (lambda a, b: huber(a, b, 0.3), lambda a, b: F.huber_loss(a, b, delta=0.3)),
    "binary": (
        lambda a, b: binary_cross_entropy(a, b.sigmoid()),
        lambda a, b: F.binary_cross_entropy_with_logits(a, b.sigmoid()),
    ),
    "kl": (
        lambda a, b: kl_divergence(a.log_softmax(-1), b.log_softmax(-1)),
        lambda a, b: F.kl_div(
            a.log_softmax(-1), b.log_softmax(-1), log_target=True, reduction="batchmean"
        ),
    ),
    "nll": (
        lambda a, b: nll(
            a.log_softmax(-1), Tensor(IDS) if isinstance(a, Tensor) else torch.tensor(IDS)
        ),
        lambda a, b: F.cross_entropy(a, torch.tensor(IDS)),
    ),
    "smoothed": (
        lambda a, b: smoothed_cross_entropy(
            a, Tensor(IDS) if isinstance(a, Tensor) else torch.tensor(IDS), 0.2
        ),
        lambda a, b: F.cross_entropy(a, torch.tensor(IDS), label_smoothing=0.2),
    ),
    "hinge": (
        lambda a, b: hinge(a, b.sign()),
        lambda a, b: torch.clamp(1 - b.sign() * a, min=0).mean(),
    ),
}


@pytest.mark.reference
@pytest.mark.parametrize("name", PAIRS)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.1, 1.0, 30.0]))
def test_values_and_gradients_are_torchs(name, seed, scale):
    """On our engine and, by the very same function, on torch's; 1e-10 for sums of 15 terms."""
    ours, torchs = PAIRS[name]
    a, b = np.random.default_rng(seed).standard_normal((2, 5, 3)) * scale
    mine = [Tensor(part, requires_grad=True) for part in (a, b)]
    same = [torch.tensor(part, requires_grad=True) for part in (a, b)]
    theirs = [torch.tensor(part, requires_grad=True) for part in (a, b)]
    values = ours(*mine), ours(*same), torchs(*theirs)
    for value in values:
        value.backward()
    expected = values[2].item()
    assert values[0].item() == pytest.approx(expected, rel=1e-10, abs=1e-12)
    assert values[1].item() == pytest.approx(expected, rel=1e-10, abs=1e-12)
    np.testing.assert_allclose(mine[0].grad.data, theirs[0].grad, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(same[0].grad, theirs[0].grad, rtol=1e-9, atol=1e-12)


def test_no_logit_overflows():
    logits = Tensor(np.array([1e4, -1e4]), requires_grad=True)
    loss = binary_cross_entropy(logits, Tensor(np.array([0.0, 1.0])))
    loss.backward()
    assert loss.item() == 1e4
    assert logits.grad.tolist() == [0.5, -0.5]
    certain = Tensor(np.array([[0.0, -np.inf]]))
    assert kl_divergence(certain, certain).item() == 0.0


@pytest.mark.parametrize("loss", [mse, l1, huber, binary_cross_entropy, hinge])
def test_shapes_that_would_broadcast_are_refused(loss):
    with pytest.raises(ValueError, match="give both the same shape"):
        loss(Tensor(np.ones((3, 1))), Tensor(np.ones(3)))


def test_smoothing_is_a_share():
    with pytest.raises(ValueError, match="from 0 to 1"):
        smoothed_cross_entropy(Tensor(np.ones((2, 2))), Tensor(np.array([0, 1])), 1.5)
