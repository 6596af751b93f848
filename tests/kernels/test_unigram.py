"""The dictionary of byte strings, the sorting of suffixes, and long or hostile texts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from groundup.kernels import double_array, suffix_array, unigram

entries = st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=40, unique=True)


def walk(slots, text, start):
    """The entries that begin at a place of a text."""
    node, found = 0, []
    for byte in text[start:]:
        child = slots[node, double_array.BASE] + byte
        if slots[child, double_array.PARENT] != node:
            break
        node = child
        if slots[node, double_array.VALUE] >= 0:
            found.append(int(slots[node, double_array.VALUE]))
    return found


@given(entries=entries, text=st.binary(max_size=20))
def test_a_walk_finds_all_entries_that_begin_here(entries, text):
    numbers = {entry: i for i, entry in enumerate(entries)}
    slots = double_array.build(numbers)
    text = b"".join([text, *entries[:3], text])
    for start in range(len(text)):
        ahead = [text[start : start + size] for size in range(1, 7) if start + size <= len(text)]
        assert walk(slots, text, start) == [numbers[entry] for entry in ahead if entry in numbers]


def test_a_dictionary_may_be_large():
    dice = np.random.default_rng(0)
    entries = {dice.bytes(int(size)): i for i, size in enumerate(dice.integers(1, 12, 50_000))}
    slots = double_array.build(entries)
    assert len(slots) < 2 * (1 + sum(map(len, entries)))
    assert all(walk(slots, entry, 0)[-1] == number for entry, number in entries.items())


@given(entries=entries)
def test_neighbours_stand_beside_each_other_in_an_entry(entries):
    beside = unigram.neighbours(entries).reshape(256, 256)
    pairs = {(entry[i], entry[i + 1]) for entry in entries for i in range(len(entry) - 1)}
    found = {(int(a), int(b)) for a, b in np.argwhere(beside) if not 0x80 <= b < 0xC0}
    assert found == {(a, b) for a, b in pairs if not 0x80 <= b < 0xC0}
    assert beside[:, 0x80:0xC0].all()


@given(
    words=st.lists(st.text("abc", min_size=1, max_size=30), max_size=12),
    depth=st.integers(1, 20),
)
def test_suffixes_are_sorted_by_their_first_characters(words, depth):
    codes = np.array([ord(c) - ord("a") for word in words for c in word], np.int32)
    ends = np.repeat(np.cumsum([len(word) for word in words]), [len(word) for word in words])
    ends = ends.astype(np.int64)
    order = suffix_array.sort_suffixes(codes, ends, depth)
    shared = suffix_array.shared_prefixes(codes, ends, order, depth)
    text = "".join(words)
    suffixes = [text[p : ends[p]][:depth] for p in order]
    assert sorted(order.tolist()) == list(range(len(codes)))
    assert suffixes == sorted(suffixes)
    for i in range(1, len(order)):
        first, second = suffixes[i - 1], suffixes[i]
        size = min(len(first), len(second))
        wanted = next((k for k in range(size) if first[k] != second[k]), size)
        assert shared[i] == wanted


def model_of(scores):
    names = [text.encode() for text in scores]
    sizes = np.array([len(name) for name in names], np.int32)
    slots = double_array.build({name: i for i, name in enumerate(names)})
    unknown = min(scores.values()) - 10
    values = np.array(list(scores.values()))
    return slots, unigram.neighbours(names), values, sizes, unknown


def encode(text, model, *, cache, single=False):
    data = np.frombuffer(text.encode(), np.uint8)
    bounds = np.array([0, len(data)], np.int64)
    fallback = np.empty(0, np.int32)
    return unigram.best_pieces(data, bounds, model, fallback, single, cache)


def test_a_run_of_millions_is_no_trouble():
    model = model_of({"a": -2.0, "aa": -3.0, "aaaaaaaaaaaaaaaa": -9.0})
    text = "a" * 4_000_001
    for single in (False, True):
        tokens, ends = encode(text, model, cache=unigram.empty_cache(), single=single)
        assert len(tokens) == 250_001
        assert ends[-1] == len(text)
        assert sorted(set(tokens.tolist())) == [0, 2]


def test_a_full_cache_forgets():
    """More different runs than it has lines; each is met twice."""
    scores = {letter: -2.0 - i / 64 for i, letter in enumerate("abcdefghijklmnop")}
    scores |= {f"▁{letter}": score - 1 for letter, score in scores.items()}
    scores |= {"abc": -5.0, "▁dab": -6.0, "hij": -5.5, "pa": -3.0, "on": -3.5}
    model = model_of(scores)
    cache = unigram.empty_cache()
    words = [f"▁{number:x}".translate(_LETTERS) for number in range(100_000)] * 2
    text = "".join(words)
    tokens, ends = encode(text, model, cache=cache)
    whole = (model[0], np.ones(65536, np.bool_), *model[2:])  # one run: nothing is remembered
    wanted, wanted_ends = encode(text, whole, cache=unigram.empty_cache())
    assert np.array_equal(tokens, wanted)
    assert np.array_equal(ends, wanted_ends)
    assert len(tokens) > 500_000


_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
