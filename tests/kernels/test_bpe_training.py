"""The compiled trainer makes the merges that the plain one makes, in the same order."""

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.kernels.bpe_run import Run
from groundup.tokenizers.bpe import learn_merges, merge

quiet = settings(deadline=None, max_examples=300)
words = st.dictionaries(
    st.text("abcd", min_size=1, max_size=16) | st.text("a", min_size=1, max_size=40),
    st.integers(1, 9),
    max_size=14,
)


def run_of(pieces, tokens, **options):
    keys = [piece.encode() for piece in pieces]
    lengths = np.array([len(key) for key in keys], np.int64)
    blob = np.frombuffer(b"".join(keys), np.uint8)
    weights = np.array(list(pieces.values()), np.int64)
    options = {
        "merges": [],
        "min_frequency": 2,
        "symbols": np.arange(256, dtype=np.int32),
        **options,
    }
    return Run(blob, lengths, weights, tokens=tokens, **options)


def learn(pieces, tokens, turn=3, **options):
    run = run_of(pieces, tokens, **options)
    while run.learn(turn):
        pass
    return [tuple(row) for row in run.merges.tolist()]


def plain(pieces, tokens, min_frequency=2):
    ids = range(256)
    return learn_merges(
        pieces, byte_ids=ids, first_id=256, count=tokens - 256, min_frequency=min_frequency
    )


@quiet
@given(pieces=words, min_frequency=st.integers(1, 3), more=st.integers(0, 40))
def test_merges_are_those_of_the_plain_trainer(pieces, min_frequency, more):
    ours = learn(pieces, 256 + more, min_frequency=min_frequency)
    assert ours == plain(pieces, 256 + more, min_frequency)


@quiet
@given(pieces=words, first=st.integers(0, 10), more=st.integers(0, 20))
def test_after_merges_that_were_made_before_learning_goes_on(pieces, first, more):
    whole = plain(pieces, 256 + first + more)
    before = [merge[:2] for merge in whole[:first]]
    again = learn(pieces, 256 + len(before) + more, merges=before)
    assert again == whole[: len(before) + more]


def test_a_merge_of_a_token_that_is_there_already_makes_that_token_again():
    """a+b, ab+c and b+c are forced; then a+bc, which spells abc, is what occurs most."""
    pieces = {"xabc": 1, "abc": 3}
    forced = [(97, 98), (256, 99), (98, 99)]
    merges = learn(pieces, 300, merges=forced)
    assert merges[:3] == [(97, 98, 256), (256, 99, 257), (98, 99, 258)]
    pairs = [(97, 98), (256, 99), (98, 99), (97, 258)]
    assert learn({"abc": 5}, 300, merges=pairs)[3] == (97, 258, 257)


@quiet
@given(pieces=words, order=st.permutations([(97, 98), (98, 99), (97, 97)]))
def test_after_a_token_was_made_in_two_ways_the_most_frequent_pair_is_still_found(pieces, order):
    """Forced: two letters three times, then the third letter on either side of each."""
    forced = [*order, *[(256, 99), (97, 257), (256, 97), (97, 256), (258, 99), (97, 258)]]
    merges = learn(pieces, 300, merges=forced)
    rows = [list(piece.encode()) for piece in pieces]
    for number, (left, right, merged) in enumerate(merges):
        counts = Counter()
        for row, weight in zip(rows, pieces.values(), strict=True):
            for pair in pairwise(row):
                counts[pair] += weight
        if number >= len(forced):
            best = max(counts.values())
            assert counts[left, right] == best >= 2
            assert (left, right) == min(pair for pair in counts if counts[pair] == best)
        rows = [merge(row, (left, right), merged) for row in rows]


def test_arrays_that_are_too_small_grow(monkeypatch):
    """Pairs, the heap and the events begin far too small and are moved many times."""
    resize, small = Run._resize, {1 << 17: 256, 1 << 16: 4}

    def resize_less(run, index, room_index, width, kind, room):
        resize(run, index, room_index, width, kind, small.get(room, room))

    rng = np.random.default_rng(1)
    letters = np.array(list("abcdefghij"))
    pieces = Counter("".join(rng.choice(letters, rng.integers(1, 12))) for _ in range(3000))
    monkeypatch.setattr(Run, "_resize", resize_less)
    assert learn(pieces, 900) == plain(pieces, 900)


def test_counts_beyond_four_billion_do_not_overflow():
    pieces = {"ab": 2**40 + 1, "cd": 2**40, "ef": 2**33}
    assert [merge[:2] for merge in learn(pieces, 259)] == [(97, 98), (99, 100), (101, 102)]


def test_nothing_to_learn():
    assert learn({}, 300) == []
    assert learn({"a": 5}, 300) == []
    assert learn({"ab": 5}, 256) == []
