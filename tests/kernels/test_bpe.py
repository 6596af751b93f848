"""The heap merges as the plain path does, and stays fast on a piece of any length."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from groundup.kernels.bpe import merge_all


def plain(ids, ranks):
    """One merge at a time: the lowest rank, then the leftmost."""
    ids = list(ids)
    while found := [(ranks[p][0], i) for i, p in enumerate(pairwise(ids)) if p in ranks]:
        _, i = min(found)
        ids[i : i + 2] = [ranks[ids[i], ids[i + 1]][1]]
    return ids


tokens = st.integers(0, 5)
tables = st.lists(
    st.tuples(tokens, tokens, st.integers(6, 9)), max_size=12, unique_by=lambda m: m[:2]
)
wide_tables = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(6, 9)),
    max_size=20,
    unique_by=lambda m: m[:2],
)


@given(ids=st.lists(tokens, max_size=40), merges=tables | wide_tables)
def test_it_merges_one_by_one_whatever_the_order_of_the_table(ids, merges):
    ranks = {(left, right): (rank, new) for rank, (left, right, new) in enumerate(merges)}
    assert merge_all(ids, ranks) == plain(ids, ranks)


def test_runs_of_one_token_are_merged_from_the_left():
    assert merge_all([1, 1, 1], {(1, 1): (0, 9)}) == [9, 1]
    assert merge_all([1] * 7, {(1, 1): (0, 8), (8, 8): (1, 9)}) == [9, 8, 1]


def test_a_long_run_of_one_byte_is_no_trouble():
    ranks = {(1, 1): (0, 2), (2, 2): (1, 3), (3, 3): (2, 4)}
    assert merge_all([1] * 100_000, ranks) == [4] * 12_500
