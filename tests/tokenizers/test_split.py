"""The cuts are those of Hugging Face's and tiktoken's engines, and lose nothing."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, pre_tokenizers

from groundup.tokenizers import split
from groundup.tokenizers.split import DIGITS, GPT2, GPT4, QWEN2, Split

PATTERNS = {"gpt2": GPT2, "gpt4": GPT4, "qwen2": QWEN2, "digits": DIGITS}
_UNASSIGNED = ("Cn", "Co", "Cs")


def theirs(pattern, text):
    cut = pre_tokenizers.Split(Regex(pattern), "isolated")
    return [piece for piece, _ in cut.pre_tokenize_str(text)]


def test_what_each_pattern_is_for():
    text = "I'LL see 12345 in\r\n  x_1"
    assert Split((GPT2,))(text) == [*"I'", "LL", " see", " 12345", " in", "\r\n ", " x", "_", "1"]
    assert Split((GPT4,))(text) == [
        *("I", "'LL", " see", " ", "123", "45", " in", "\r\n", " ", " x", "_", "1")
    ]
    assert Split((QWEN2,))("a 123") == ["a", " ", "1", "2", "3"]
    assert Split((DIGITS, GPT2))(" 12 34") == [" ", "1", "2", " ", "3", "4"]


@pytest.mark.parametrize("patterns", [(GPT2,), (GPT4,), (DIGITS, GPT2), ("b",), ("(b)",), ("b*",)])
@given(text=st.text(alphabet=st.sampled_from("ab1 \n'sé中"), max_size=30))
def test_joined_the_pieces_are_the_text_and_none_is_empty(patterns, text):
    pieces = Split(patterns)(text)
    assert "".join(pieces) == text
    assert all(pieces)


def test_what_lies_between_matches_is_a_piece_too_with_and_without_groups():
    assert Split(("b",))("aabba") == Split(("(b)",))("aabba") == ["aa", "b", "b", "a"]


@pytest.mark.reference
@pytest.mark.parametrize("name", PATTERNS)
@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cn", "Cs"])))
def test_pieces_are_those_of_tokenizers(name, text):
    assert Split((PATTERNS[name],))(text) == theirs(PATTERNS[name], text)


@pytest.mark.reference
def test_every_assigned_character_is_of_the_same_class_as_in_tokenizers():
    """What differs may only be characters newer than the older of the two Unicode tables."""
    split, odd = Split((GPT4,)), []
    assigned = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in _UNASSIGNED]
    for start in range(0, len(assigned), 256):
        text = "".join(f"a{c}1 {c}" for c in assigned[start : start + 256])
        if split(text) != theirs(GPT4, text):
            odd.append(hex(ord(assigned[start])))
    assert odd == []


def test_a_broken_pattern_is_refused():
    with pytest.raises(ValueError, match=r"pattern '\(a' is no regular expression"):
        Split(("(a",))


def test_a_pattern_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr(split, "_PATIENCE", 0.2)
    with pytest.raises(ValueError, match=r"'\(a\|aa\)\+\$' was not done after 0 s"):
        Split((r"(a|aa)+$",))("a" * 60 + "b")
