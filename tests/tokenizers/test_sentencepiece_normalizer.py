"""SentencePiece's normaliser: its options, its twin, and its place in a tokenizer.json.

That it does what the library does is tested with whole models in `test_sentencepiece_model`."""

import json

import pytest
import sentencepiece
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from groundup.tokenizers.aligned import Aligned
from groundup.tokenizers.normalize import Replace, align, normalize
from groundup.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer
from groundup.tokenizers.steps_json import read_normalizers, write_normalizers

flags = st.booleans()
options = st.builds(
    SentencePieceNormalizer,
    add_dummy_prefix=flags,
    remove_extra_whitespaces=flags,
    escape_whitespaces=flags,
    whitespace_as_suffix=flags,
    kept=st.sampled_from([(), ("<s>",), ("  ", "a b")]),
)
texts = st.text(st.sampled_from("ab <s>▁\n"), max_size=30)


@pytest.mark.parametrize(
    ("normalizer", "text", "wanted"),
    [
        (SentencePieceNormalizer(), "  Hello   World ", "▁Hello▁World"),
        (SentencePieceNormalizer(remove_extra_whitespaces=False), " a  b ", "▁▁a▁▁b▁"),
        (SentencePieceNormalizer(add_dummy_prefix=False), " a b", "a▁b"),
        (SentencePieceNormalizer(escape_whitespaces=False), "a  b", " a b"),
        (SentencePieceNormalizer(whitespace_as_suffix=True), " a b ", "a▁b▁"),
        (SentencePieceNormalizer(kept=("    ",)), "a    b", "▁a▁▁▁▁b"),
        (SentencePieceNormalizer(), "   ", ""),
        (SentencePieceNormalizer(), "", ""),
        (SentencePieceNormalizer(remove_extra_whitespaces=False), " ", "▁▁"),
    ],
)
def test_what_becomes_of_spaces(normalizer, text, wanted):
    assert normalizer(text) == wanted
    assert normalizer.aligned(Aligned.of(text)).text == wanted


@pytest.mark.reference
@given(texts, flags, flags, flags)
def test_spaces_are_those_of_sentencepiece(text, prefix, remove, escape):
    judge = sentencepiece.SentencePieceNormalizer(
        rule_name="identity",
        add_dummy_prefix=prefix,
        remove_extra_whitespaces=remove,
        escape_whitespaces=escape,
    )
    mine = SentencePieceNormalizer(
        add_dummy_prefix=prefix, remove_extra_whitespaces=remove, escape_whitespaces=escape
    )
    assert mine(text) == judge.normalize(text)


@given(options, texts)
@example(SentencePieceNormalizer(kept=("  ",)), "  a   <s>  ")
def test_the_aligned_twin_agrees(normalizer, text):
    source = align([normalizer], text)
    assert source.text == normalizer(text)
    assert len(source.spans) == len(source.text)
    for character, (start, end) in zip(source.text, source.spans, strict=True):
        assert character.replace("▁", " ") in (text[start:end].replace("▁", " ") or " ")


@given(options, texts)
def test_it_comes_back_from_json(normalizer, text):
    written = json.loads(json.dumps(write_normalizers((normalizer, Replace("a", "b")))))
    assert read_normalizers(written) == (normalizer, Replace("a", "b"))


@pytest.mark.reference
@given(options, texts)
@example(SentencePieceNormalizer(), " a ▁▁")
def test_its_steps_are_hugging_faces(normalizer, text):
    """But for what those cannot say: tokens that are kept, and a space behind."""
    if normalizer.kept or normalizer.whitespace_as_suffix:
        return
    assert normalize(normalizer.steps(), text) == normalizer(text)
    file = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": write_normalizers((normalizer,)),
        "model": json.loads(Tokenizer(models.BPE()).to_str())["model"],
    }
    if file["normalizer"]["normalizers"]:
        judge = Tokenizer.from_str(json.dumps(file)).normalizer
        assert judge.normalize_str(text) == normalizer(text)


@pytest.mark.parametrize(
    "wrong", [{"add_dummy_prefix": 1}, {"unknown": True}, {"kept": [1]}, {"kept": [""]}]
)
def test_options_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="are not SentencePiece's"):
        SentencePieceNormalizer.of(b"", wrong)


def test_a_table_that_is_none_is_refused():
    with pytest.raises(ValueError, match="its table of replacements has 3 bytes"):
        SentencePieceNormalizer(b"abc")
