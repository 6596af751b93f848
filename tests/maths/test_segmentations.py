"""Segmentations against counting one by one, powers of two, and a uniform draw."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from groundup.maths.combinatorics import catalan
from groundup.maths.dag_paths import best_segmentation
from groundup.maths.segmentations import random_segmentation, segmentations, segmentations_count

vocabularies = st.sets(st.text("ab", max_size=3))


def by_force(text, pieces):
    if not text:
        return [[]]
    return [
        [text[:end], *rest]
        for end in range(1, len(text) + 1)
        if text[:end] in pieces
        for rest in by_force(text[end:], pieces)
    ]


@given(st.text("ab", max_size=7), vocabularies)
def test_all_of_them_and_how_many(text, pieces):
    wanted = by_force(text, pieces)
    assert list(segmentations(text, pieces)) == wanted
    assert segmentations_count(text, pieces) == len(wanted)
    if wanted:
        assert random_segmentation(text, pieces, 0) in wanted
        fewest = best_segmentation(text, {p: 1.0 for p in pieces if p})[1]
        assert fewest == min(map(len, wanted))
    else:
        with pytest.raises(ValueError, match="no pieces spell"):
            random_segmentation(text, pieces)


def test_every_substring_gives_two_to_the_places_between():
    text = "abcdefgh"
    pieces = {text[i:j] for i in range(8) for j in range(i + 1, 9)}
    assert segmentations_count(text, pieces) == 2**7
    assert segmentations_count("a" * 500, {"a", "aa"}) > 10**100


def test_merge_orders_of_a_token_are_catalan():
    def trees(length):
        splits = range(1, length)
        return 1 if length == 1 else sum(trees(i) * trees(length - i) for i in splits)

    assert [trees(n + 1) for n in range(7)] == [catalan(n) for n in range(7)]


@pytest.mark.reference
def test_a_random_one_is_uniform():
    """Chi-square over all 89 ways to write ten letters in ones and twos, at a fixed seed."""
    rng = np.random.default_rng(5)
    draws = Counter(tuple(random_segmentation("a" * 10, {"a", "aa"}, rng)) for _ in range(4000))
    assert len(draws) == 89
    assert stats.chisquare(list(draws.values())).pvalue > 1e-3
