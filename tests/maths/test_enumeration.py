"""Lists of arrangements against itertools and sympy, and ranks against places in those lists."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy.utilities import iterables

from groundup.maths import enumeration as e
from groundup.maths.combinatorics import bell, binomial, factorial, partitions_count

words = st.text("abcd", max_size=6)


@pytest.mark.reference
@given(words, st.integers(0, 7))
def test_they_are_itertools_own(word, k):
    assert list(e.permutations(word)) == list(itertools.permutations(word))
    assert list(e.combinations(word, k)) == list(itertools.combinations(word, k))


@given(st.integers(0, 6))
def test_the_rank_of_a_permutation_is_its_place(n):
    for place, order in enumerate(itertools.permutations(range(n))):
        assert e.permutation_rank(order) == place
        assert e.permutation_at(place, n) == order


@given(st.integers(0, 7), st.integers(0, 7))
def test_the_rank_of_a_combination_is_its_place(n, k):
    for place, chosen in enumerate(itertools.combinations(range(n), k)):
        assert e.combination_rank(chosen, n) == place
        assert e.combination_at(place, n, k) == chosen


@given(st.integers(0, 60), st.data())
def test_large_ranks_come_back(n, data):
    rank = data.draw(st.integers(0, factorial(n) - 1))
    assert e.permutation_rank(e.permutation_at(rank, n)) == rank
    k = data.draw(st.integers(0, n))
    rank = data.draw(st.integers(0, binomial(n, k) - 1))
    assert e.combination_rank(e.combination_at(rank, n, k), n) == rank


@pytest.mark.reference
@given(st.integers(0, 14))
def test_partitions_are_sympys(n):
    ours = list(e.partitions(n))
    wanted = {tuple(sorted(p.elements(), reverse=True)) for p in _sympy_partitions(n)}
    assert set(ours) == wanted
    assert len(ours) == len(set(ours)) == partitions_count(n)
    assert ours == sorted(ours, reverse=True)
    assert all(sum(parts) == n for parts in ours)


def _sympy_partitions(n):
    return [Counter(p) for p in iterables.partitions(n)] if n else [Counter()]


@given(st.integers(0, 6))
def test_set_partitions_are_all_and_each_once(n):
    found = list(e.set_partitions(range(n)))
    as_sets = {frozenset(map(frozenset, groups)) for groups in found}
    assert len(found) == len(as_sets) == bell(n)
    assert all(sorted(itertools.chain(*groups)) == list(range(n)) for groups in found)


@given(st.integers(0, 8))
def test_subsets_differ_by_one_item(n):
    found = list(e.subsets(range(n)))
    assert len(set(found)) == len(found) == 2**n
    assert all(len(set(a) ^ set(b)) == 1 for a, b in itertools.pairwise(found))


def test_what_has_no_rank_is_refused():
    with pytest.raises(ValueError, match="no permutation of 0"):
        e.permutation_rank([0, 0])
    with pytest.raises(ValueError, match="there are 6 permutations of 3"):
        e.permutation_at(6, 3)
    with pytest.raises(ValueError, match="no ascending choice"):
        e.combination_rank([1, 0], 3)
    with pytest.raises(ValueError, match="no ascending choice"):
        e.combination_rank([3], 3)
    with pytest.raises(ValueError, match="there are 3 choices"):
        e.combination_at(3, 3, 2)
    with pytest.raises(ValueError, match="rank is -1"):
        e.permutation_at(-1, 3)
    with pytest.raises(ValueError, match="k is -1"):
        list(e.combinations("ab", -1))
    with pytest.raises(ValueError, match="n is -1"):
        list(e.partitions(-1))
