"""Micro-batches have the gradient of the whole batch, token for token."""

import contextlib

import pytest
import torch

from groundup.train.accumulate import accumulate
from groundup.train.objectives import counted, mean_loss


def gradients(model, batch, micro_batch):
    model.zero_grad()
    loss = accumulate(model.loss, batch, micro_batch=micro_batch, context=contextlib.nullcontext)
    return loss, [p.grad.clone() for p in model.parameters()]


@pytest.mark.parametrize("micro_batch", [1, 2, 3, 4, 100])
def test_the_gradient_is_that_of_the_whole_batch(make_model, batches, micro_batch):
    model = make_model().double()
    inputs, targets = batches.at(3)
    targets[2] = -100  # a whole sequence that does not count: its mean would be 0/0
    whole, whole_gradients = gradients(model, (inputs, targets), None)
    loss, some_gradients = gradients(model, (inputs, targets), micro_batch)
    torch.testing.assert_close(loss.double(), whole.double(), rtol=1e-6, atol=0)
    for a, b in zip(some_gradients, whole_gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-9)


def test_the_whole_batch_is_the_plain_loss(make_model, batches):
    model = make_model()
    inputs, targets = batches.at(1)
    loss, _ = gradients(model, (inputs, targets), None)
    torch.testing.assert_close(loss, model.loss(inputs, targets).detach())


def test_nothing_to_learn_is_an_error(make_model, batches):
    inputs, targets = batches.at(0)
    nothing = torch.full_like(targets, -100)
    with pytest.raises(ValueError, match="no target of the batch counts"):
        gradients(make_model(), (inputs, nothing), None)


class Two:
    def __init__(self, first, second):
        self.pair = (first, second)

    def at(self, step):
        return self.pair[step]


def test_mean_loss_weighs_targets_not_batches(make_model, batches):
    model = make_model().train()
    (x0, y0), (x1, y1) = batches.at(0), batches.at(4)
    y1[1:] = -100
    assert counted(y0) != counted(y1)
    both = model.loss(torch.cat([x0, x1]), torch.cat([y0, y1])).item()
    assert mean_loss(model, Two((x0, y0), (x1, y1)), 2) == pytest.approx(both, rel=1e-6)
    assert model.training
    nothing = torch.full_like(y0, -100)
    assert mean_loss(model, Two((x0, nothing), (x0, y0)), 2) == pytest.approx(
        model.loss(x0, y0).item(), rel=1e-6
    )
    with pytest.raises(ValueError, match="no target counts in the first 1 batches"):
        mean_loss(model, Two((x0, nothing), (x0, y0)), 1)
