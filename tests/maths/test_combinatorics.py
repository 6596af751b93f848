"""Counts against sympy, the standard library, and counting one by one. All are exact."""

import itertools
import math
from collections import Counter

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy.functions.combinatorial import numbers

from groundup.maths import combinatorics as c

few = st.integers(0, 40)


@pytest.mark.reference
@given(st.integers(0, 400), st.integers(0, 400))
def test_products_are_the_standard_librarys(n, k):
    assert c.factorial(n) == math.factorial(n)
    assert c.binomial(n, k) == math.comb(n, k)
    assert c.permutations_count(n, k) == c.falling(n, k) == math.perm(n, k)
    assert c.permutations_count(n) == math.factorial(n)


@pytest.mark.reference
@given(few, few)
def test_triangles_are_sympys(n, k):
    assert c.stirling_second(n, k) == numbers.stirling(n, k)
    assert c.stirling_first(n, k) == numbers.stirling(n, k, kind=1, signed=False)
    assert c.multichoose(n, k) == numbers.nC(n, k, replacement=True)


@pytest.mark.reference
@given(few)
def test_sequences_are_sympys(n):
    assert c.catalan(n) == sympy.catalan(n)
    assert c.bell(n) == sympy.bell(n)
    assert c.derangements(n) == sympy.subfactorial(n)
    assert c.partitions_count(n) == sympy.functions.combinatorial.numbers.partition(n)


@given(st.text("abc", max_size=7))
def test_multinomial_counts_the_orders_of_letters(word):
    orders = set(itertools.permutations(word))
    assert c.multinomial(Counter(word).values()) == len(orders)


@given(st.integers(0, 7))
def test_counted_one_by_one(n):
    orders = list(itertools.permutations(range(n)))
    lonely = [order for order in orders if all(i != item for i, item in enumerate(order))]
    assert c.derangements(n) == len(lonely)
    assert sum(c.stirling_first(n, k) for k in range(n + 1)) == len(orders)
    assert sum(c.stirling_second(n, k) for k in range(n + 1)) == c.bell(n)


@given(st.lists(st.sets(st.integers(0, 9)), max_size=6))
def test_inclusion_exclusion_is_the_size_of_the_union(sets):
    assert c.inclusion_exclusion(sets) == len(set().union(*sets))


def test_derangements_by_inclusion_exclusion():
    n = 6
    orders = set(itertools.permutations(range(n)))
    keeps = [{order for order in orders if order[i] == i} for i in range(n)]
    assert len(orders) - c.inclusion_exclusion(keeps) == c.derangements(n) == 265


def test_large_counts_stay_exact():
    assert c.binomial(10**9, 3) == math.comb(10**9, 3)
    assert c.binomial(2**64, 2) == 2**63 * (2**64 - 1)
    assert c.partitions_count(1000) == 24061467864032622473692149727991
    assert c.multichoose(0, 0) == 1
    assert c.multichoose(0, 3) == 0


@pytest.mark.parametrize("function", [c.factorial, c.catalan, c.bell, c.derangements])
def test_what_cannot_be_counted_is_refused(function):
    with pytest.raises(ValueError, match="n is -1; wanted at least 0"):
        function(-1)
    with pytest.raises(ValueError, match=r"n is 2\.5; wanted a whole number"):
        function(2.5)


def test_other_bad_counts():
    with pytest.raises(ValueError, match="k is -1"):
        c.binomial(3, -1)
    with pytest.raises(ValueError, match="a count is -2"):
        c.multinomial([1, -2])
    with pytest.raises(ValueError, match="n is -1"):
        c.partitions_count(-1)
    with pytest.raises(ValueError, match="n is -1"):
        c.stirling_second(-1, 0)
