"""The table counts what `Counter` counts, in as little room as it is given."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.kernels.piece_counts import PieceTable, join
from groundup.tokenizers.split import GPT4, Split

quiet = settings(deadline=None, max_examples=100)
parts = st.sampled_from([*"ab 1.\n中é", "x" * 9, "y" * 30])
texts = st.lists(st.lists(parts, max_size=30).map("".join), max_size=8)


def padded(data):
    return np.frombuffer(data + bytes(16), np.uint8)


def items(arrays):
    _, lengths, blob, counts = arrays
    ends = np.concatenate([[0], np.cumsum(lengths)])
    data = blob.tobytes()
    found = [data[a:b] for a, b in pairwise(ends)]
    assert len(set(found)) == len(found)
    return dict(zip(found, counts.tolist(), strict=True))


def plain(all_texts):
    counts = Counter()
    for text in all_texts:
        counts.update(Split((GPT4,))(text))
    return {piece.encode(): count for piece, count in counts.items()}


@quiet
@given(all_texts=texts)
def test_it_counts_pieces(all_texts):
    table = PieceTable()
    for text in all_texts:
        data = text.encode()
        assert table.count_text(padded(data), len(data), 1, 3) == len(data)
    assert items(table.take()) == plain(all_texts)
    assert len(table) == 0
    assert items(table.take()) == {}


def test_a_full_table_stops_where_it_is_and_runs_add_up_to_the_same():
    words = [
        f"{chr(0x4E00 + i % 3000)}word{'long' * 8}{chr(0x4E00 + i % 7)}" for i in range(20_000)
    ]
    text = " ".join(words)
    data = text.encode()
    table, runs, start = PieceTable(1 << 16), [], 0
    while start < len(data):
        start = table.count_text(padded(data), len(data), 1, 3, start)
        if start < len(data):
            runs.append(table.take())
    runs.append(table.take())
    assert len(runs) > 3
    hashes, lengths, blobs, counts = (np.concatenate(arrays) for arrays in zip(*runs, strict=True))
    joined = join(hashes, lengths, padded(blobs.tobytes()), counts)
    whole = PieceTable()
    whole.count_text(padded(data), len(data), 1, 3)
    for ours, theirs in zip(joined, whole.take(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_counted_pieces_are_added_and_counts_are_64_bits_wide():
    blob, lengths = padded(b"ab" + b"c" * 40), np.array([2, 40], np.int64)
    table = PieceTable()
    for _ in range(2):
        assert table.add(blob, lengths, np.array([2**40, 3], np.int64)) == 2
    assert items(table.take()) == {b"ab": 2**41, b"c" * 40: 6}


def test_a_piece_larger_than_the_room_is_counted_all_the_same():
    data = b"z" * 100_000
    table = PieceTable(1 << 12)
    assert table.count_text(padded(data), len(data), 1, 3) == len(data)
    assert items(table.take()) == {data: 1}


@pytest.mark.parametrize("same", [True, False])
def test_pieces_of_one_hash_are_told_apart_by_their_bytes(same):
    hashes = np.array([7, 7, 7, 3], np.uint64)
    blob = padded(b"bbaabbc" if same else b"bbaaddc")
    result = join(hashes, np.array([2, 2, 2, 1], np.int64), blob, np.array([1, 2, 4, 8], np.int64))
    expected = {b"c": 8, b"aa": 2, b"bb": 5} if same else {b"c": 8, b"aa": 2, b"bb": 1, b"dd": 4}
    assert items(result) == expected
    assert list(items(result)) == list(expected), "one hash: in the order of the bytes"
