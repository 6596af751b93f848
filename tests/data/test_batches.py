"""The order of training is a function of the seed and the step, and nothing is skipped."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.data.batches import Batches
from groundup.data.shards import Shard


def shard(count):
    """A split whose token at place i is i."""
    tokens = np.arange(count, dtype=np.uint32)
    return Shard(tokens, np.array([0, count]), count, 0)


@given(
    st.integers(1, 9), st.integers(1, 7), st.integers(0, 60), st.integers(0, 2**32), st.booleans()
)
def test_each_epoch_holds_every_window_exactly_once(batch_size, context, extra, seed, shift):
    batches = Batches(
        shard(batch_size * context + 1 + extra), batch_size, context, seed, shift=shift
    )
    for epoch in range(3):
        first = epoch * batches.windows
        starts = np.sort(batches.starts(np.arange(first, first + batches.windows)))
        assert len(np.unique(starts)) == batches.windows
        if epoch == 0 or not shift:
            assert np.array_equal(starts, np.arange(batches.windows) * context)
        else:
            assert (np.diff(starts[:-1]) == context).all()
            assert starts[-1] + context < batch_size * context + 1 + extra


@given(st.integers(0, 10_000), st.integers(0, 2**40))
def test_rank_slices_join_to_the_whole_batch(step, seed):
    batches = Batches(shard(500), 12, 5, seed)
    inputs, targets = batches.at(step)
    for world in (2, 3, 12):
        parts = [batches.at(step, rank, world) for rank in range(world)]
        assert torch.equal(torch.cat([part[0] for part in parts]), inputs)
        assert torch.equal(torch.cat([part[1] for part in parts]), targets)


def test_targets_are_the_inputs_one_token_on():
    inputs, targets = Batches(shard(1000), 4, 16, 1).at(3)
    assert inputs.dtype == targets.dtype == torch.int64
    assert inputs.shape == targets.shape == (4, 16)
    assert torch.equal(targets, inputs + 1)
    assert inputs.is_contiguous()
    assert targets.is_contiguous()


def test_steps_and_not_calls_decide():
    one, two = Batches(shard(1000), 4, 16, 1), Batches(shard(1000), 4, 16, 1)
    wanted = [one.at(step)[0] for step in range(20)]
    for step in (19, 3, 3, 0):
        assert torch.equal(two.at(step)[0], wanted[step])
    other = Batches(shard(1000), 4, 16, 2)
    assert not torch.equal(other.at(0)[0], wanted[0])


def test_epochs_have_different_orders():
    batches = Batches(shard(1601), 4, 16, 1, shift=False)
    one, two = (batches.starts(np.arange(100) + 100 * epoch) for epoch in (0, 1))
    assert (one == two).sum() < 8


@pytest.mark.parametrize("count", [0, 1, 32])
def test_less_than_one_batch_says_how_much_there_is_and_is_needed(count):
    with pytest.raises(ValueError, match=rf"holds {count} tokens, and one batch .* needs 33"):
        Batches(shard(count), 4, 8)
    assert Batches(shard(33), 4, 8).at(5)[0].shape == (4, 8)


def test_a_world_that_does_not_divide_the_batch_is_refused():
    batches = Batches(shard(100), 4, 8)
    for rank, world in ((0, 3), (2, 2), (-1, 2)):
        with pytest.raises(ValueError, match="must divide it"):
            batches.at(0, rank, world)
    with pytest.raises(ValueError, match="at least 1"):
        Batches(shard(100), 0, 8)
