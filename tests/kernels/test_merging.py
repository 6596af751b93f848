"""The compiled merging does what the plain one does, for any table and any bounds."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from groundup.kernels.merging import PairTable, merge_words
from groundup.tokenizers.merging import merge_plainly

symbols = st.integers(0, 5)
tables = st.dictionaries(
    st.tuples(symbols, symbols), st.tuples(st.integers(0, 4), st.integers(0, 7)), max_size=20
)


def table_of(pairs):
    rows = np.array([(*pair, merged) for pair, (_, merged) in pairs.items()], np.int64)
    ranks = np.array([rank for rank, _ in pairs.values()], np.int64)
    return PairTable(rows.reshape(-1, 3), ranks)


@given(st.lists(st.lists(symbols, min_size=1, max_size=60), max_size=4), tables)
def test_it_agrees_with_the_definition(words, pairs):
    row = np.array([*itertools.chain.from_iterable(words)], np.int32)
    bounds = np.cumsum([0, *map(len, words)])
    table = table_of(pairs)
    places = merge_words(table.address, table.shift, row, bounds)
    # A symbol and where it stands: what merges keeps its first place.
    merged = []
    for word, start in zip(words, bounds.tolist(), strict=False):
        placed = [(symbol, start + i) for i, symbol in enumerate(word)]

        def lookup(left, right):
            found = pairs.get((left[0], right[0]))
            return found and (found[0], (found[1], left[1]))

        merged += merge_plainly(placed, lookup)
    assert list(zip(row[places].tolist(), places.tolist(), strict=True)) == merged


def test_a_long_row_of_one_symbol():
    pairs = {(i, i): (i, i + 1) for i in range(17)}
    row = np.zeros(1 << 17, np.int32)
    table = table_of(pairs)
    places = merge_words(table.address, table.shift, row, np.array([0, len(row)]))
    assert places.tolist() == [0]
    assert row[0] == 17


def test_no_pairs_and_no_symbols():
    table = table_of({})
    row = np.array([1, 2], np.int32)
    assert merge_words(table.address, table.shift, row, np.array([0, 2])).tolist() == [0, 1]
    empty = np.zeros(0, np.int32)
    assert merge_words(table.address, table.shift, empty, np.array([0, 0])).tolist() == []
