"""The trace of merges ends where encoding does; every piece's rule is one that matches it."""

from dataclasses import replace

import pytest
import regex
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.rules import alternatives, cuts, words_for
from groundup.tokenizers.split import CL100K_WHOLE_END, DIGITS, GPT2, PATTERNS, Split
from groundup.tokenizers.trace import explain, trace

texts = st.text(st.characters(codec="utf-8")) | st.text("aB é1'stl\n\r \t.,_\u0301", max_size=30)
FIELD = sorted({*sum(PATTERNS.values(), ()), CL100K_WHOLE_END})
PATTERN_LISTS = [*PATTERNS.values(), (CL100K_WHOLE_END,), (r"\p{L}+|\d", r"[^x]|x(?=y)"), ()]
shared_fixture = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def test_a_word_merge_by_merge():
    """Sennrich's example again: e-s, es-t, then l-o."""
    bpe = BPE.train(["low " * 5 + "lower " * 2 + "newest " * 6 + "widest " * 3], vocab_size=265)
    steps = trace(bpe, "lowest")
    assert [b" ".join(step.pieces) for step in steps] == [
        b"l o w e s t", b"l o w es t", b"l o w est", b"lo w est", b"low est",
    ]  # fmt: skip
    first = steps[0]
    assert [(c.place, c.rank, bpe.token_bytes(c.merged)) for c in first.candidates] == [
        (0, 2, b"lo"), (3, 0, b"es"),
    ]  # fmt: skip
    assert first.chosen == first.candidates[1]
    assert steps[-1].chosen is None
    assert steps[-1].candidates == ()


@given(text=texts)
@example("the function's")
@shared_fixture
def test_a_trace_ends_in_what_encoding_gives(small, text):
    for whole in (False, True):
        bpe = BPE(replace(small.definition, whole_first=whole))
        explained = explain(bpe, text)
        assert [token for piece in explained for token in piece.ids] == bpe.encode(text)
        assert "".join(piece.text for piece in explained) == text
        for piece in explained:
            assert text[piece.start : piece.end] == piece.text
            assert b"".join(piece.pieces) == piece.text.encode()
            assert piece.whole == (len(piece.ids) == 1)
            assert regex.search(piece.rule, piece.text)
            assert piece.words


@given(text=texts, patterns=st.sampled_from(PATTERN_LISTS))
@example("x1y2", (r"(\d)", r"[a-z]"))
@shared_fixture
def test_cuts_are_those_of_split(text, patterns):
    pieces = cuts(patterns, text)
    assert [text[start:end] for start, end, _ in pieces] == Split(patterns)(text)
    assert all(rule in {"", *sum(map(alternatives, patterns), ())} for *_, rule in pieces)


def test_an_explanation_as_it_is_read(small):
    found = explain(small, "the cat's 1234  \n")
    assert [(piece.text, piece.words) for piece in found] == [
        ("the", "letters, with one sign or space before them"),
        (" cat", "letters, with one sign or space before them"),
        ("'s", "an English ending such as 's or 'll"),
        (" ", "white space"),
        ("123", "up to three digits"),
        ("4", "up to three digits"),
        ("  \n", "line ends, with the white space before them"),
    ]
    assert [piece.whole for piece in found[3:6]] == [True, False, True]
    assert [piece.merges == len(piece.text) - len(piece.ids) for piece in found] == [True] * 7


def test_the_rule_is_that_of_the_pattern_that_cut(small):
    bpe = BPE(replace(small.definition, patterns=(DIGITS, GPT2)))
    assert [piece.rule for piece in explain(bpe, "a12 b")] == [
        r" ?\p{L}+", r"\p{N}", r"\p{N}", r" ?\p{L}+",
    ]  # fmt: skip


def test_ranks_instead_of_merges(small):
    by_rank = BPE(replace(small.definition, by_rank=True, merges=[]))
    steps = trace(by_rank, "the")
    assert steps[0].chosen is not None
    assert steps[0].chosen.rank == steps[0].chosen.merged


@pytest.mark.parametrize("pattern", [*FIELD, r"a|[|(]\||[]|]|[^]|]|(b|c)|", "("])
def test_alternatives_joined_are_the_pattern(pattern):
    assert "|".join(alternatives(pattern)) == pattern


def test_every_rule_of_the_fields_patterns_has_words():
    assert len(FIELD) >= 6
    for pattern in FIELD:
        assert [rule for rule in alternatives(pattern) if not words_for(rule)] == []
    assert words_for(r"\w+") == ""


def test_alternatives_by_hand():
    assert alternatives(r"a|[|(]\||[]|]|[^]|]|(b|c)|") == (
        "a", r"[|(]\|", "[]|]", "[^]|]", "(b|c)", "",
    )  # fmt: skip
    assert alternatives("(?i)a|b)|c") == ("(?i)a|b)|c",)
