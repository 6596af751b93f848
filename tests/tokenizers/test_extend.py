"""Extending a vocabulary: old ids stay, learning goes on where it ended, rows begin at means."""

import importlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.extend import add_special_tokens, extend, mean_of_pieces, old_pieces
from groundup.tokenizers.split import DIGITS, GPT2

GERMAN = [
    "Der Donaudampfschifffahrtskapitän fährt über die Donau, über den Rhein und über die Elbe. " * 3
]
shared_fixture = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture(scope="module")
def longer(small):
    return extend(small, GERMAN, vocab_size=1060)


def test_extending_with_the_same_texts_is_training_to_the_larger_size(stdlib_texts):
    texts = stdlib_texts[:8]
    smaller, larger = (BPE.train(texts, vocab_size=size) for size in (400, 700))
    extended = extend(smaller, texts, vocab_size=700)
    assert extended.definition == larger.definition
    assert extend(smaller, texts, vocab_size=400).definition == smaller.definition


def test_old_ids_stay_and_new_ones_follow(small, longer):
    assert longer.vocab_size == 1060
    assert longer.special_tokens == small.special_tokens
    assert [longer.token_bytes(i) for i in range(1024)] == [
        small.token_bytes(i) for i in range(1024)
    ]
    assert longer.merges[: len(small.merges)] == small.merges
    assert len(set(longer.definition.tokens.values())) == len(longer.definition.tokens)
    assert len(longer.encode(GERMAN[0])) < 0.5 * len(small.encode(GERMAN[0]))
    assert small.vocab_size == 1024


@given(text=st.text(st.characters(codec="utf-8")) | st.text("über die Donau und"))
@shared_fixture
def test_new_tokens_are_made_of_the_old_cut(small, longer, text):
    """Every new id can be taken apart into the ids that the old vocabulary gives."""
    ids = longer.encode(text)
    assert longer.decode(ids) == text
    pieces = old_pieces(small, longer)
    assert [old for token in ids for old in pieces[token] or [-1]].count(-1) == 0
    apart = {merged: (left, right) for left, right, merged in longer.definition.merges[765:]}
    while any(token in apart for token in ids):
        ids = [part for token in ids for part in apart.get(token, (token,))]
    assert ids == small.encode(text)


def test_a_file_and_patterns_and_whole_pieces(small, tmp_path):
    file = tmp_path / "text.txt"
    file.write_text(GERMAN[0], encoding="utf-8")
    assert (
        extend(small, [file], vocab_size=1060).merges
        == extend(small, GERMAN, vocab_size=1060).merges
    )
    whole = BPE(replace(small.definition, whole_first=True, patterns=(DIGITS, GPT2)))
    longer = extend(whole, [" über 77 über 77 "], vocab_size=1060)
    assert longer.encode(" über") == [longer.vocab_size - 1]
    assert longer.decode(longer.encode("77 über")) == "77 über"
    assert b"77" not in longer.definition.tokens.values()


@pytest.mark.parametrize("texts", [GERMAN, ["ab ab"], []])
def test_fewer_tokens_where_there_is_nothing_left_to_learn(small, texts):
    longer = extend(small, texts, vocab_size=100_000)
    assert 1024 <= longer.vocab_size < 1200
    assert extend(longer, texts, vocab_size=100_000).definition == longer.definition


def test_an_extended_tokenizer_is_saved_and_read_back(longer, tmp_path):
    longer.save(tmp_path)
    assert BPE.load(tmp_path).definition.merges == longer.definition.merges
    assert BPE.load(tmp_path).encode(GERMAN[0]) == longer.encode(GERMAN[0])


def test_what_cannot_be_extended(small):
    with pytest.raises(ValueError, match="vocab_size is 1000, but there are 1024 ids already"):
        extend(small, GERMAN, vocab_size=1000)
    with pytest.raises(ValueError, match="put it into a list"):
        extend(small, GERMAN[0], vocab_size=1060)


def test_a_token_that_no_merge_reached_is_reached_by_a_new_one(small, longer):
    learnt = longer.token_bytes(1030)
    tokens = small.definition.tokens | {1024: learnt}
    reached = extend(BPE(replace(small.definition, tokens=tokens)), GERMAN, vocab_size=1060)
    assert list(reached.definition.tokens.values()).count(learnt) == 1
    assert 1024 in {merged for *_, merged in reached.definition.merges}
    assert reached.decode(reached.encode(GERMAN[0])) == GERMAN[0]


def test_ranks_without_merges_are_extended_too(small, longer):
    """A vocabulary that was trained reads the same by ranks, and extended as well."""
    ranks = BPE(replace(small.definition, by_rank=True, merges=[]))
    extended = extend(ranks, GERMAN, vocab_size=1060)
    assert extended.definition.tokens == longer.definition.tokens
    assert extended.definition.merges == []
    assert extended.encode(GERMAN[0]) == longer.encode(GERMAN[0])


def test_special_tokens_are_added_at_the_end(small):
    more = add_special_tokens(small, ["<|tool|>", "<|user|>"])
    assert more.special_tokens == small.special_tokens | {"<|tool|>": 1024, "<|user|>": 1025}
    assert more.encode("a<|tool|>b") == small.encode("a<|tool|>b")
    assert more.encode("<|tool|>", allowed_special="all") == [1024]
    assert add_special_tokens(small, []).definition == small.definition


@pytest.mark.parametrize("kind", ["words.Words", "wordpiece.WordPiece", "bytes.Bytes"])
def test_every_kind_takes_special_tokens(kind):
    module, name = kind.split(".")
    made = getattr(importlib.import_module(f"groundup.tokenizers.{module}"), name)
    size = {} if name == "Bytes" else {"vocab_size": 60}
    trained = made.train(["one two three two one"], **size)
    more = add_special_tokens(trained, ["<|tool|>"])
    assert type(more) is made
    assert more.special_tokens == trained.special_tokens | {"<|tool|>": trained.vocab_size}
    assert more.encode("one two") == trained.encode("one two")
    assert more.encode("<|tool|>", allowed_special="all") == [trained.vocab_size]
    assert more.frame.end_token == trained.frame.end_token
    with pytest.raises(ValueError, match="cannot become a special token"):
        add_special_tokens(more, ["<|tool|>"])


@pytest.mark.parametrize("names", [[""], ["<|im_end|>"], ["<|a|>", "<|a|>"], ["a"], ["Ġthe"]])
def test_a_special_token_that_collides_is_refused(small, names):
    with pytest.raises(ValueError, match="cannot become a special token"):
        add_special_tokens(small, names)
    with pytest.raises(ValueError, match="wanted several names, got the text"):
        add_special_tokens(small, "<|tool|>")


def test_rows_of_new_tokens_are_the_means_of_their_pieces(small, longer):
    more = add_special_tokens(longer, ["<|tool|>"])
    pieces = old_pieces(small, more)
    assert pieces[:1024] == [[i] for i in range(1024)]
    assert all(
        b"".join(map(small.token_bytes, ids)) == more.token_bytes(i)
        for i, ids in enumerate(pieces)
        if ids
    )
    assert pieces[-1] == small.encode("<|tool|>")
    rows = np.random.default_rng(0).normal(size=(1024, 5)).astype(np.float32)
    means = mean_of_pieces(rows, pieces)
    assert means.shape == (1061, 5)
    assert means.dtype == np.float32
    np.testing.assert_array_equal(means[:1024], rows)
    for i in range(1024, 1061):
        wanted = np.mean([rows[j] for j in pieces[i]], axis=0) if pieces[i] else rows.mean(axis=0)
        np.testing.assert_allclose(means[i], wanted, atol=1e-6)


def test_half_a_character_has_no_pieces(small):
    half = replace(small.definition, tokens=small.definition.tokens | {1030: b"\xc3("})
    assert old_pieces(small, BPE(half))[1024:] == [[]] * 7
    with pytest.raises(ValueError, match="the pieces name id 7, but there are 3 rows"):
        mean_of_pieces(np.zeros((3, 2)), [[1], [7]])
