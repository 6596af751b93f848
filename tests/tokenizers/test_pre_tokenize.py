"""Pieces are those of Hugging Face's pre-tokenizers, each where theirs stands in the text."""

import string
import unicodedata
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.tokenizers.family import TEXTS
from tests.tokenizers.unicode import known, texts
from tokenizers import Regex, pre_tokenizers

from groundup.tokenizers.aligned import Aligned
from groundup.tokenizers.pre_tokenize import (
    BERT,
    EACH_CHARACTER,
    WHITESPACE,
    WHITESPACE_SPLIT,
    Cut,
    Metaspace,
    digits,
    pre_tokenize,
    pre_tokenize_aligned,
    punctuation,
)

BEHAVIORS = ("isolated", "removed", "contiguous", "merged_with_previous", "merged_with_next")
PAIRS = [
    (WHITESPACE, pre_tokenizers.Whitespace()),
    (WHITESPACE_SPLIT, pre_tokenizers.WhitespaceSplit()),
    (BERT, pre_tokenizers.BertPreTokenizer()),
    (digits(), pre_tokenizers.Digits()),
    (digits(individual=True), pre_tokenizers.Digits(individual_digits=True)),
    (EACH_CHARACTER, pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")),
    *((punctuation(how), pre_tokenizers.Punctuation(how)) for how in BEHAVIORS),
    *(
        (Cut("[ab]+", how, invert), pre_tokenizers.Split(Regex("[ab]+"), how, invert))
        for how in BEHAVIORS
        for invert in (False, True)
    ),
    *(
        (Cut("a.", how, invert, is_regex=False), pre_tokenizers.Split("a.", how, invert))
        for how in BEHAVIORS
        for invert in (False, True)
    ),
    *(
        (Metaspace("▁", scheme, split), pre_tokenizers.Metaspace("▁", scheme, split))
        for scheme in ("always", "first", "never")
        for split in (False, True)
    ),
]
pairs = pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda value: repr(value)[:70])


def aligned_pieces(steps, text):
    pieces = pre_tokenize_aligned(steps, Aligned.of(text))
    return [(piece.text, piece.source(0, len(piece.text))) for piece in pieces]


@pytest.mark.reference
@pairs
@given(text=st.text("ab  \n.,!$19٣½\u00a0é▁漢\u0301😀", max_size=10))
@example("")
@example("a.a. .a")
def test_pieces_and_their_places_are_those_of_tokenizers(ours, theirs, text):
    wanted = theirs.pre_tokenize_str(text)
    assert aligned_pieces([ours], text) == wanted
    assert pre_tokenize([ours], text) == [piece for piece, _ in wanted]


@pytest.mark.reference
@pairs
def test_pieces_of_many_scripts_are_those_of_tokenizers(ours, theirs):
    for text in TEXTS:
        assert aligned_pieces([ours], text) == theirs.pre_tokenize_str(text)


@pytest.mark.reference
def test_pieces_of_all_languages_are_those_of_tokenizers(udhr_texts):
    assert len(udhr_texts) == 388
    for ours, theirs in PAIRS[:7]:
        for text in udhr_texts:
            assert aligned_pieces([ours], text[:500]) == theirs.pre_tokenize_str(text[:500])


@pytest.mark.reference
def test_each_character_is_classed_as_in_tokenizers():
    """But for punctuation younger than the table there, and two characters that changed."""

    def cuts(ours, theirs):
        for character in known():
            text = f"a{character}b"
            wanted = [piece for piece, _ in theirs.pre_tokenize_str(text)]
            if pre_tokenize([ours], text) != wanted:
                yield character

    assert len(known()) > 140_000
    for ours, theirs in (PAIRS[0], PAIRS[1], PAIRS[4]):
        assert list(cuts(ours, theirs)) == []
    others = list(cuts(BERT, pre_tokenizers.BertPreTokenizer()))
    younger = [c for c in others if unicodedata.category(c)[0] == "P"]
    assert set(others) - set(younger) == {"\u166d", "\U000111c9"}
    assert len(younger) <= 104
    assert not set(younger) & set(string.printable)


@given(text=texts)
def test_nothing_is_lost_but_what_is_removed(text):
    for step, _ in PAIRS:
        if isinstance(step, Cut) and step.behavior != "removed":
            assert "".join(step(text)) == text
    assert "".join(WHITESPACE_SPLIT(text)) == "".join(BERT(text))
    assert Counter("".join(WHITESPACE(text))) <= Counter(text)


def test_each_step_cuts_what_the_one_before_left():
    steps = [WHITESPACE_SPLIT, digits(individual=True), Metaspace(prepend_scheme="first")]
    assert pre_tokenize(steps, "a 12 b") == ["▁a", "1", "2", "b"]
    assert pre_tokenize(steps, "a 12 b", first=False) == ["a", "1", "2", "b"]
    assert aligned_pieces(steps, " a1") == [("▁a", (1, 2)), ("1", (2, 3))]
    assert pre_tokenize([], "a b") == ["a b"]
    assert pre_tokenize([], "") == pre_tokenize(steps, "") == []
    assert pre_tokenize_aligned([], Aligned.of("")) == []


@pytest.mark.parametrize("pattern", ["(x)|b", "x*", "(?=b)", "$"])
def test_patterns_that_may_match_nothing_and_groups_lose_nothing(pattern):
    for behavior in BEHAVIORS:
        cut = Cut(pattern, behavior)
        if behavior != "removed":
            assert "".join(cut("axxbc")) == "axxbc"
        assert all(cut("axxbc"))
    assert "".join(Cut("(b)", "removed", invert=True)("abcb")) == "bb"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Cut("("), "the pre-tokenization pattern '\\(' is no regular expression"),
        (lambda: Cut(""), "pattern is empty; say where to cut"),
        (lambda: Metaspace("__"), "puts '__' in a space's place; wanted one character"),
    ],
)
def test_what_cannot_cut_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
