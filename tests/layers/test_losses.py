import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.layers.losses import cross_entropy


def test_by_hand():
    logits = torch.tensor([[0.0, math.log(3.0)], [7.0, 7.0]])
    wanted = (math.log(4 / 3) + math.log(2)) / 2
    assert cross_entropy(logits, torch.tensor([1, 0])).item() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.reference
@settings(deadline=None, max_examples=50)
@given(
    N=st.integers(1, 12),
    V=st.integers(1, 20),
    size=st.sampled_from([0.0, 1.0, 300.0]),
    seed=st.integers(0, 999),
)
def test_it_agrees_with_pytorch_and_so_does_its_gradient(N, V, size, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = size * torch.randn(N, V, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, V, (N,), generator=generator)
    targets[1:][torch.rand(N - 1, generator=generator) < 0.3] = -100
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    loss, wanted = cross_entropy(ours, targets), F.cross_entropy(theirs, targets)
    torch.testing.assert_close(loss, wanted, rtol=1e-12, atol=1e-12)
    loss.backward()
    wanted.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-10, atol=1e-12)


def test_another_target_can_be_the_ignored_one():
    logits = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    loss = cross_entropy(logits, torch.tensor([1, 0, 2]), ignore=0)
    torch.testing.assert_close(loss, F.cross_entropy(logits[[0, 2]], torch.tensor([1, 2])))


def test_where_nothing_counts_there_is_no_mean():
    assert cross_entropy(torch.zeros(2, 3), torch.tensor([-100, -100])).isnan()


def test_half_precision_is_summed_in_float32():
    logits = torch.zeros(1, 4096, dtype=torch.bfloat16)
    loss = cross_entropy(logits, torch.tensor([7]))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(math.log(4096), abs=1e-5)
