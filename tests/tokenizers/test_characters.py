"""Each character has an id, or becomes what the policy says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tokenizers.unicode import texts

from groundup.tokenizers.characters import Characters
from groundup.tokenizers.normalize import Form
from groundup.tokenizers.pieces import PieceTokenizer
from groundup.tokenizers.words import DROP, ERROR, Words


@given(training=st.lists(st.text(max_size=20), min_size=1))
def test_what_it_was_trained_on_comes_back(training):
    size = 1 + len(set("".join(training)))
    made = Characters.train(training, vocab_size=max(size, 2))
    assert made.vocab_size == size
    for text in training:
        ids = made.encode(text)
        assert len(ids) == len(text)
        assert made.decode(ids) == text
        assert made.offsets(text) == [(i, i + 1) for i in range(len(text))]


def test_the_most_frequent_characters_are_kept():
    made = Characters.train(["aaabbc", "bb"], vocab_size=3)
    assert made.vocabulary == {"[UNK]": 0, "b": 1, "a": 2}
    assert made.decode(made.encode("abc")) == "ab[UNK]"
    assert Characters.train(["aaabbc"], vocab_size=9, min_frequency=3).vocab_size == 2


def test_what_is_unknown_becomes_what_the_policy_says():
    none = Characters.train(["ab"], vocab_size=9, special_tokens=(), unknown=DROP)
    assert none.decode(none.encode("axb")) == "ab"
    assert none.offsets("axb") == [(0, 1), (2, 3)]
    strict = Characters.train(["ab"], vocab_size=9, special_tokens=(), unknown=ERROR)
    with pytest.raises(ValueError, match="'x' is not in the vocabulary"):
        strict.encode("axb")


@given(text=texts)
def test_the_plain_way_is_that_of_pieces(text):
    """Characters need no pieces; cutting the text into them gives the same."""
    made = Characters.train(["abc é漢\n"], vocab_size=9, normalizers=[Form("NFC")])
    text = Form("NFC")(text)
    assert made._encode_text(text, first=True) == PieceTokenizer._encode_text(
        made, text, first=True
    )
    assert made._spans(text, first=True) == PieceTokenizer._spans(made, text, first=True)


def test_words_are_not_read_as_characters(tmp_path):
    Words.train(["a b"], vocab_size=5).save(tmp_path)
    with pytest.raises(ValueError, match="does not cut a text into its characters"):
        Characters.load(tmp_path)
