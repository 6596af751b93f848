"""Collision probabilities against exact fractions and 60-digit decimals."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.maths import collisions as c


def exactly(items, boxes):
    with localcontext() as context:
        context.prec = 60
        apart = Decimal(1)
        for i in range(items):
            apart *= 1 - Decimal(i) / boxes
        return float(1 - apart)


@pytest.mark.reference
@settings(max_examples=40)
@given(st.integers(0, 300), st.integers(1, 2**128))
def test_birthdays_are_exact(items, boxes):
    """n logarithms of relative error eps each, summed exactly: 4 eps, and expm1 adds one."""
    assert c.collision_probability(items, boxes) == pytest.approx(
        exactly(items, boxes) if items <= boxes else 1.0, rel=1e-15, abs=0
    )


@pytest.mark.reference
@pytest.mark.parametrize(
    ("items", "boxes"), [(4097, 2**64), (6000, 2**20), (5000, 10**8), (8000, 2**33), (4097, 10**6)]
)
def test_the_series_for_many_items_is_exact(items, boxes):
    wanted = exactly(items, boxes)
    assert c.collision_probability(items, boxes) == pytest.approx(wanted, rel=1e-11, abs=0)
    exact_sum = math.fsum(math.log1p(-i / boxes) for i in range(items))
    assert c._log_all_apart(items, boxes) == pytest.approx(exact_sum, rel=1e-11)


@pytest.mark.parametrize(("items", "boxes"), [(5000, 5000), (5000, 5001), (5000, 6000)])
def test_the_series_holds_up_to_full_boxes(items, boxes):
    """With one free box the last terms are large: the third derivative's remainder is 1e-7."""
    exact_sum = math.fsum(math.log1p(-i / boxes) for i in range(items))
    assert c._log_all_apart(items, boxes) == pytest.approx(exact_sum, rel=2e-7)


def test_famous_numbers():
    assert c.collision_probability(23, 365) == pytest.approx(0.5072972343)
    assert c.items_until_collision(365) == 23
    assert c.items_until_collision(365, 0.99) == 57
    assert c.collision_probability(2**32, 2**64) == pytest.approx(0.3934693402)
    assert c.items_until_collision(2**64) == 5_056_937_541
    assert c.collision_probability(2, 2**64) == 2.0**-64
    assert c.coupon_collector(50) == pytest.approx(224.960266916)
    bits, hashes = c.bloom_size(10**6, 0.01)
    assert hashes == 7
    assert bits == pytest.approx(9_585_059, rel=2e-3), "-n ln p / ln^2 2, and k is whole"


@given(st.integers(1, 10**30), st.floats(1e-6, 1))
def test_until_is_the_first(boxes, probability):
    first = c.items_until_collision(boxes, probability)
    assert c.collision_probability(first, boxes) >= probability
    assert c.collision_probability(first - 1, boxes) < probability


@given(st.integers(0, 60), st.integers(1, 10**6))
def test_expectations_are_exact(items, boxes):
    """expm1 and log1p are right to an ulp or two, whatever the size of the result."""
    distinct = boxes * (1 - (1 - Fraction(1, boxes)) ** items)
    assert c.expected_distinct(items, boxes) == pytest.approx(float(distinct), rel=1e-14)
    pairs = Fraction(items * (items - 1), 2 * boxes)
    assert c.expected_colliding_pairs(items, boxes) == float(pairs)


@given(st.integers(1, 3000))
def test_harmonic_numbers(n):
    wanted = math.fsum(1 / i for i in range(1, n + 1))
    assert c.harmonic(n) == pytest.approx(wanted, rel=1e-14)
    assert c.coupon_collector(n) == pytest.approx(n * wanted, rel=1e-14)


@given(st.integers(1, 200), st.integers(1, 9), st.integers(0, 50))
def test_bloom_is_its_formula(bits, hashes, items):
    wanted = float(1 - (1 - Fraction(1, bits)) ** (hashes * items)) ** hashes
    assert c.bloom_false_positive(bits, hashes, items) == pytest.approx(wanted, rel=1e-13)


@given(st.integers(1, 10**7), st.floats(1e-9, 0.9))
def test_bloom_size_keeps_its_promise_and_nothing_smaller_does(items, wish):
    bits, hashes = c.bloom_size(items, wish)
    assert c.bloom_false_positive(bits, hashes, items) <= wish
    if bits > 1:
        assert all(c.bloom_false_positive(bits - 1, k, items) > wish for k in range(1, 50))


def test_what_cannot_collide_is_refused():
    with pytest.raises(ValueError, match="boxes is 0"):
        c.collision_probability(1, 0)
    with pytest.raises(ValueError, match="items is -1"):
        c.collision_probability(-1, 5)
    with pytest.raises(ValueError, match=r"items is 1\.5"):
        c.expected_distinct(1.5, 5)
    with pytest.raises(ValueError, match="probability is 0"):
        c.items_until_collision(365, 0)
    with pytest.raises(ValueError, match="hashes is 0"):
        c.bloom_false_positive(8, 0, 1)
    with pytest.raises(ValueError, match="0 items"):
        c.bloom_size(0, 0.1)
    assert c.collision_probability(400, 365) == 1.0
    assert c.expected_distinct(3, 1) == 1.0
