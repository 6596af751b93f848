"""Normalisers make what Hugging Face's make, and their twins know where each character is from."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.tokenizers.family import TEXTS
from tests.tokenizers.unicode import known, marked_texts, texts
from tokenizers import Regex, normalizers

from groundup.tokenizers.aligned import Aligned
from groundup.tokenizers.bert_normalizer import BertNormalizer
from groundup.tokenizers.normalize import (
    WHITE_SPACE,
    Form,
    Lowercase,
    Prepend,
    Replace,
    Strip,
    StripAccents,
    align,
    normalize,
)

PAIRS = [
    (Form("NFC"), normalizers.NFC()),
    (Form("NFD"), normalizers.NFD()),
    (Form("NFKC"), normalizers.NFKC()),
    (Form("NFKD"), normalizers.NFKD()),
    (Lowercase(), normalizers.Lowercase()),
    (StripAccents(), normalizers.StripAccents()),
    (BertNormalizer(), normalizers.BertNormalizer()),
    (BertNormalizer(strip_accents=False), normalizers.BertNormalizer(strip_accents=False)),
    (
        BertNormalizer(clean_text=False, handle_chinese_chars=False, lowercase=False),
        normalizers.BertNormalizer(
            clean_text=False, handle_chinese_chars=False, strip_accents=None, lowercase=False
        ),
    ),
    (
        BertNormalizer(lowercase=False, strip_accents=True),
        normalizers.BertNormalizer(lowercase=False, strip_accents=True),
    ),
    (Replace(" ", "▁"), normalizers.Replace(" ", "▁")),
    (Replace("a.", "\\1"), normalizers.Replace("a.", "\\1")),
    (Replace(r"\s+|a(?=a)", "", is_regex=True), normalizers.Replace(Regex(r"\s+|a(?=a)"), "")),
    (Prepend("▁"), normalizers.Prepend("▁")),
    (Strip(), normalizers.Strip()),
    (Strip(strip_left=False), normalizers.Strip(left=False)),
    (Strip(strip_right=False), normalizers.Strip(right=False)),
]
pairs = pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda value: repr(value)[:60])


@pytest.mark.reference
@pairs
@given(text=st.text("aA .,\t\n\u00a0Éé\u0301\u0308Σİß漢가ﬁ😀\u0000\u200d\ufffd", max_size=16))
@example("")
@example("ΟΔΥΣΣΕΥΣ ΑΣ")
def test_the_text_is_that_of_tokenizers(ours, theirs, text):
    assert ours(text) == theirs.normalize_str(text)


@pytest.mark.reference
@pairs
def test_the_texts_of_many_scripts_are_those_of_tokenizers(ours, theirs):
    for text in TEXTS:
        assert ours(text) == theirs.normalize_str(text)


@pytest.mark.reference
def test_the_texts_of_all_languages_are_those_of_tokenizers(udhr_texts):
    assert len(udhr_texts) == 388
    for ours, theirs in PAIRS[:8]:
        for text in udhr_texts:
            assert ours(text[:2000]) == theirs.normalize_str(text[:2000])


def differing(ours, theirs):
    """The characters, of all that are known, that become something else in a word."""
    return [c for c in known() if ours(f"a{c}b") != theirs.normalize_str(f"a{c}b")]


@pytest.mark.reference
def test_each_character_is_classed_as_in_tokenizers():
    """Where not, the older table there lacks the character: marks and signs of younger scripts."""
    assert len(known()) > 140_000
    for ours, theirs in ((Lowercase(), normalizers.Lowercase()), (Strip(), normalizers.Strip())):
        assert differing(ours, theirs) == []
    marks = differing(StripAccents(), normalizers.StripAccents())
    assert {unicodedata.category(c)[0] for c in marks} <= {"M", "L"}
    assert len(marks) <= 315
    bert = differing(BertNormalizer(), normalizers.BertNormalizer())
    assert len(bert) <= 399
    kinds = Counter(map(unicodedata.category, bert))
    assert kinds.keys() == {"Mn", "Cf", "Mc"}
    assert kinds["Mc"] <= 2  # nonspacing marks once


@pytest.mark.reference
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_unicode_forms_of_each_character_are_those_of_tokenizers(form):
    theirs = getattr(normalizers, form)()
    # U+11938 had another decomposition in Unicode 13 than in 14.
    assert set(differing(Form(form), theirs)) <= {"\U00011938"}


@pairs
@given(text=st.one_of(texts, marked_texts))
@example("")
@example(" \u3000 ")
@example("e\u0323\u0302\u0301 \u1112\u1161\u11ab \u0344")
def test_the_twin_makes_the_same_text(ours, theirs, text):
    aligned = ours.aligned(Aligned.of(text))
    assert aligned.text == ours(text) == normalize([ours], text)
    assert aligned == align([ours], text)
    assert len(aligned.spans) == len(aligned.text)
    starts, ends = [s for s, _ in aligned.spans], [e for _, e in aligned.spans]
    assert starts == sorted(starts)
    assert ends == sorted(ends)
    assert all(0 <= start <= end <= len(text) for start, end in aligned.spans)


@given(text=st.one_of(texts, marked_texts), form=st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_forms_lead_each_character_back_to_what_it_was_made_of(text, form):
    """A stretch of the source, normalised alone, holds the character."""
    aligned = Form(form).aligned(Aligned.of(text))
    for character, (start, end) in zip(aligned.text, aligned.spans, strict=True):
        if unicodedata.combining(character) == 0:
            assert character in unicodedata.normalize(form, text[start:end])


@given(
    marks=st.lists(
        st.sampled_from("\u0301\u0316\u0327\u0344\u05b0\u0b3e\u034f\u0338"), min_size=30
    ),
    form=st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]),
)
def test_many_marks_on_one_character_are_put_in_the_same_order(marks, form):
    text = "xe" + "".join(marks) * 3 + "a"
    assert Form(form)(text) == unicodedata.normalize(form, text)


def test_what_was_joined_or_taken_apart_has_the_span_of_all_of_it():
    assert align([Form("NFC")], "xe\u0301y").spans == [(0, 1), (1, 3), (3, 4)]
    assert align([Form("NFD")], "x\u00e9y").spans == [(0, 1), (1, 2), (1, 2), (2, 3)]
    assert align([Form("NFKC")], "\ufb01").spans == [(0, 1), (0, 1)]
    assert align([Form("NFC")], "\u1112\u1161\u11ab").spans == [(0, 3)]
    assert align([BertNormalizer()], "\u00c9 e\u0301\x00x").spans == [
        (0, 1),
        (1, 2),
        (2, 3),
        (5, 6),
    ]
    assert align([Strip(), Prepend("_")], " a").spans == [(1, 1), (1, 2)]
    assert align([Replace("ab", "xyz")], "cab").spans == [(0, 1), (1, 3), (1, 3), (1, 3)]


def test_white_space_is_unicodes():
    assert len(WHITE_SPACE) == len(set(WHITE_SPACE)) == 25
    assert all(c.isspace() for c in WHITE_SPACE)


@pytest.mark.parametrize(
    ("pattern", "is_regex", "words"),
    [("", False, "empty pattern"), ("(", True, "'\\(' is no regular expression")],
)
def test_patterns_that_find_nothing_are_refused(pattern, is_regex, words):
    with pytest.raises(ValueError, match=words):
        Replace(pattern, "x", is_regex=is_regex)
