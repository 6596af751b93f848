"""The compiled merges are the plain ones, for any table, any piece and a cache of any size."""

from itertools import chain

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.kernels import bpe_encoding
from groundup.kernels.bpe_model import Model, State
from groundup.tokenizers.merging import merge_in_order, merge_plainly

LETTERS = [bytes([byte]) for byte in b"abcd"]
quiet = settings(deadline=None, max_examples=200)


def encode(model, pieces, state):
    data = b"".join(pieces)
    text = np.frombuffer(data + bytes(16), np.uint8)
    ids = np.empty(len(data) + 4, np.int32)
    ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    count = bpe_encoding.encode_pieces(
        text.ctypes.data,
        ends.ctypes.data,
        len(ends),
        model.address,
        state.address,
        ids.ctypes.data,
    )
    return ids[:count].tolist()


def model_of(tokens, merges, **options):
    return Model(tokens, merges, scan=(0, 0, False), **{"whole_first": False, **options})


# Merges that may come in any order, and make tokens that earlier merges use.
tables = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(4, 8)),
    max_size=16,
    unique_by=lambda merge: merge[:2],
)
pieces_of = st.lists(st.text("abcd", min_size=1, max_size=120), max_size=6)


@quiet
@given(table=tables, pieces=pieces_of)
def test_it_merges_one_by_one_whatever_the_order_of_the_table(table, pieces):
    ranks = {(left, right): (rank, new) for rank, (left, right, new) in enumerate(table)}
    model = model_of([*LETTERS, *[b"?" * n for n in range(2, 7)]], table)
    rows = [piece.encode() for piece in pieces]
    plain = [
        merge_plainly([byte - ord("a") for byte in row], lambda *pair: ranks.get(pair))
        for row in rows
    ]
    state = State()
    for _ in range(2):  # the second time from the cache
        assert encode(model, rows, state) == list(chain.from_iterable(plain))


@quiet
@given(
    words=st.sets(st.text("abc", min_size=2, max_size=4), max_size=20),
    pieces=pieces_of.map(lambda texts: [text.replace("d", "c") for text in texts]),
    whole_first=st.booleans(),
)
def test_without_merges_any_two_tokens_that_make_a_third_do_the_lowest_id_first(
    words, pieces, whole_first
):
    tokens = [*LETTERS, *sorted(word.encode() for word in words)]
    ids = {token: i for i, token in enumerate(tokens)}

    def find(left, right):
        merged = ids.get(tokens[left] + tokens[right])
        return None if merged is None else (merged, merged)

    plain = []
    for row in (piece.encode() for piece in pieces):
        is_whole = whole_first and row in ids
        plain += [ids[row]] if is_whole else merge_plainly([b - ord("a") for b in row], find)
    model = model_of(tokens, None, whole_first=whole_first)
    assert encode(model, [piece.encode() for piece in pieces], State()) == plain


def test_bytes_without_a_token_are_left_out():
    assert encode(model_of([b"a"], []), [b"xaxx", b"ax"], State()) == [0, 0]
    assert encode(model_of([b"a"], []), [b"x" * 200 + b"a"], State()) == [0]


def test_a_full_cache_is_cleared_and_forgets_nothing_that_matters():
    model = model_of([bytes([b]) for b in range(256)], [(97, 98, 256)])
    small = State(16)
    pieces = [f"ab{i}".encode() for i in range(500)] + [b"long" * 10 + b"%d" % i for i in range(60)]
    assert encode(model, pieces, small) == encode(model, pieces, State())
    assert encode(model, pieces, small) == encode(model, pieces, State())


def test_pieces_of_every_length_and_of_equal_beginnings_are_told_apart():
    model = model_of([bytes([b]) for b in range(256)], [])
    pieces = [b"x" * length + tail for length in range(70) for tail in (b"", b"a", b"\0", b"b\0")]
    pieces = [piece for piece in pieces if piece]
    state = State()
    for _ in range(2):
        assert encode(model, pieces, state) == list(b"".join(pieces))


def test_a_long_run_of_one_byte_is_merged_from_the_left():
    model = model_of([b"a", b"aa", b"aaaa"], [(0, 0, 1), (1, 1, 2)])
    assert encode(model, [b"a" * 7], State()) == [2, 1, 0]
    assert encode(model, [b"a" * 100_003], State()) == [2] * 25_000 + [1, 0]


def test_half_a_million_bytes_of_many_pairs_are_those_of_the_heap_in_python():
    rng = np.random.default_rng(0)
    row = rng.integers(0, 4, 500_000).astype(np.uint8)
    table = [(0, 1, 4), (4, 2, 5), (3, 3, 6), (5, 6, 7), (7, 7, 8), (2, 2, 4)]
    ranks = {(left, right): (rank, new) for rank, (left, right, new) in enumerate(table)}
    model = model_of([*LETTERS, *[b"?" * n for n in range(2, 7)]], table)
    ours = encode(model, [bytes(row + ord("a"))], State())
    assert ours == merge_in_order(row.tolist(), lambda *pair: ranks.get(pair))
