"""The computed shuffle is a bijection, for any size and key, and looks shuffled."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from groundup.data.permutation import permute


@given(st.integers(1, 3000), st.integers(0, 2**64 - 1))
def test_every_number_is_hit_exactly_once(size, key):
    out = permute(np.arange(size), size, key)
    assert out.dtype == np.int64
    assert np.array_equal(np.sort(out), np.arange(size))


@given(st.integers(2, 10**15), st.lists(st.integers(0, 2**60), min_size=1, max_size=20))
def test_huge_ranges_are_never_held_in_memory(size, numbers):
    index = np.unique(np.array(numbers) % size)
    out = permute(index, size, 7)
    assert ((out >= 0) & (out < size)).all()
    assert len(np.unique(out)) == len(index)
    # an element does not depend on its neighbours
    assert permute(index[-1:], size, 7)[0] == out[-1]


def test_the_input_is_left_alone():
    index = np.arange(10)
    permute(index, 10, 3)
    assert np.array_equal(index, np.arange(10))


@pytest.mark.parametrize("size", [1000, 1024, 70_001])
def test_keys_give_unrelated_orders(size):
    one, two = (permute(np.arange(size), size, key) for key in (1, 2))
    assert (one == two).sum() < 12  # 1 expected by chance
    assert abs(stats.spearmanr(one, two).statistic) < 0.12
    assert abs(stats.spearmanr(one, np.arange(size)).statistic) < 0.12


def test_small_ranges_reach_all_orders_equally_often():
    counts = {}
    for key in range(12_000):
        order = tuple(permute(np.arange(4), 4, key))
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    # a few rounds on 2 bits are not perfectly even; no order may be far from 1 in 24
    assert max(counts.values()) < 2 * 500
    assert min(counts.values()) > 500 / 2
