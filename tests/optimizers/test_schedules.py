"""Schedules: their shapes, their ends, and that they are pure functions of the step."""

import itertools
import math
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.optimizers.schedules import Kind, schedule

KINDS = typing.get_args(Kind)


@given(
    kind=st.sampled_from(KINDS),
    total=st.integers(1, 300),
    warmup=st.integers(0, 50),
    decay=st.floats(0, 1),
    floor=st.floats(0, 1),
)
def test_rises_then_never_rises_again_and_stays_in_range(kind, total, warmup, decay, floor):
    options = {"warmup": warmup, "kind": kind, "decay": decay, "floor": floor}
    rates = [schedule(step, total, **options) for step in range(total)]
    assert all(0 < rate <= 1 for rate in rates)
    assert rates[:warmup] == [(step + 1) / warmup for step in range(min(warmup, total))]
    after = rates[warmup:]
    assert all(b <= a + 1e-12 for a, b in itertools.pairwise(after))
    assert all(rate >= floor - 1e-12 for rate in after)


def test_wsd_stays_until_the_last_share_of_steps():
    rates = [schedule(step, 100, warmup=10, kind="wsd", decay=0.2) for step in range(100)]
    assert rates[9:80] == [1.0] * 71
    assert rates[80] == pytest.approx(20 / 21)
    assert rates[99] == pytest.approx(1 / 21)


def test_middles_by_formula():
    assert schedule(49, 99, kind="linear") == pytest.approx(0.5)
    assert schedule(49, 99, kind="cosine", floor=0.1) == pytest.approx(0.55)
    assert schedule(24, 99, kind="cosine") == pytest.approx((1 + math.cos(math.pi / 4)) / 2)
    assert schedule(24, 99, kind="wsd_sqrt", decay=1.0) == pytest.approx(0.5)
    assert schedule(98, 99, kind="constant") == 1.0
