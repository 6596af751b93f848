"""Optimizers of the NumPy engine: the same steps as torch's, by the same functions."""

import numpy as np
import pytest
import torch

from groundup.autograd.module import Parameter
from groundup.optimizers.arrays import ArrayOptimizer

KINDS = [
    ("sgd", {"lr": 0.1}, torch.optim.SGD),
    ("sgd", {"lr": 0.1, "momentum": 0.9, "nesterov": True}, torch.optim.SGD),
    ("sgd", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}, torch.optim.SGD),
    ("rmsprop", {"lr": 0.01, "alpha": 0.9, "weight_decay": 0.1}, torch.optim.RMSprop),
    ("adam", {"lr": 0.01, "betas": (0.8, 0.99), "weight_decay": 0.1}, torch.optim.Adam),
    ("adamw", {"lr": 0.01, "betas": (0.9, 0.99), "weight_decay": 0.1}, torch.optim.AdamW),
]


@pytest.mark.reference
@pytest.mark.parametrize(("kind", "settings", "reference"), KINDS)
def test_twenty_steps_as_torch(kind, settings, reference):
    rng = np.random.default_rng(0)
    start = rng.standard_normal((3, 4))
    mine, other = Parameter(start.copy()), torch.nn.Parameter(torch.tensor(start))
    ours, theirs = ArrayOptimizer([mine], kind, **settings), reference([other], **settings)
    for _ in range(20):
        gradient = rng.standard_normal((3, 4))
        mine.grad, other.grad = Parameter(gradient), torch.tensor(gradient)
        ours.step()
        theirs.step()
        np.testing.assert_allclose(mine.data, other.detach(), rtol=1e-12, atol=1e-14)


def test_groups_have_rates_of_their_own_and_what_is_frozen_stays():
    body, head, frozen, unused = (Parameter(np.ones(2)) for _ in range(4))
    for part in (body, head, frozen):
        part.grad = Parameter(np.ones(2))
    frozen.requires_grad_(False)
    optimizer = ArrayOptimizer([([body, frozen, unused], 0.1), ([head], 1.0)], "sgd", lr=0.5)
    optimizer.step()
    assert body.data.tolist() == [0.95, 0.95]
    assert head.data.tolist() == [0.5, 0.5]
    assert frozen.data.tolist() == unused.data.tolist() == [1.0, 1.0]
    optimizer.zero_grad()
    assert body.grad is None


def test_settings_that_cannot_be_are_refused():
    for wrong, words in (
        ({"kind": "lion", "lr": 0.1}, "no optimizer 'lion'"),
        ({"kind": "adam", "lr": -1.0}, "lr is -1"),
        ({"kind": "adam", "lr": 0.1, "betas": (1.0, 0.9)}, r"betas\[0\] is 1"),
    ):
        with pytest.raises(ValueError, match=words):
            ArrayOptimizer([Parameter(np.ones(1))], **wrong)
