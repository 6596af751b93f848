"""What is unknown has a price, and with it the text can be written down again."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.evaluate.unknown_text import Speller, can_be_read_back, unknown_stretches
from groundup.tokenizers.bytes import Bytes
from groundup.tokenizers.characters import Characters
from groundup.tokenizers.pre_tokenize import Cut
from groundup.tokenizers.split import GPT2
from groundup.tokenizers.words import Words

TEXT = "the cat sat on the mat\n    and the dog sat\n"


@pytest.fixture(scope="module")
def words():
    return Words.train([TEXT], vocab_size=6, pre_tokenizers=(Cut(GPT2),))


def test_without_training_every_byte_costs_about_eight_bits():
    assert Speller([]).bits(["cat"]) == pytest.approx(4 * math.log2(257), rel=0.2)
    assert Speller([]).bits([]) == 0


def test_what_was_seen_is_cheaper_and_nothing_is_impossible():
    speller = Speller([" elephant"] * 20)
    seen, other = speller.bits([" elephant"]), speller.bits([" xylophon"])
    assert seen < 0.2 * other
    assert math.isfinite(speller.bits(["\U0001f600\x00"]))


def test_it_is_a_code_over_words_the_chances_of_all_short_ones_stay_below_one():
    speller = Speller(["a", "b", "ab"], order=2)
    alphabet = [chr(c) for c in range(128)]
    total = sum(2 ** -speller.bits([c]) for c in alphabet)
    total += sum(2 ** -speller.bits([a + b]) for a in "abcxyz" for b in "abcxyz")
    assert 0.1 < total < 1


def test_stretches_are_those_that_have_the_unknown_id(words):
    unknown = words.special_tokens["[UNK]"]
    found = unknown_stretches(words, "the bird sat", unknown)
    assert found[-1] == " bird"
    assert len(found) == words.encode("the bird sat").count(unknown)
    assert unknown_stretches(words, "the bird", None) == []


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_words_with_their_spaces_and_the_unknown_spelled_give_the_text_back(text):
    words = Words.train([TEXT], vocab_size=6, pre_tokenizers=(Cut(GPT2),))
    unknown = words.special_tokens["[UNK]"]
    ids, spelled = words.encode(text), iter(unknown_stretches(words, text, unknown))
    texts = {i: word for word, i in words.vocabulary.items()}
    rebuilt = "".join(next(spelled) if token == unknown else texts[token] for token in ids)
    assert rebuilt == text
    assert can_be_read_back(words, text, unknown)


def test_a_tokenizer_that_loses_white_space_cannot_be_read_back():
    plain = Words.train([TEXT], vocab_size=20)
    assert not can_be_read_back(plain, TEXT, plain.special_tokens["[UNK]"])
    dropping = Words.train([TEXT], vocab_size=6, pre_tokenizers=(Cut(GPT2),), unknown="drop")
    assert not can_be_read_back(dropping, TEXT, None)


def test_bytes_and_characters_can_be_read_back():
    assert can_be_read_back(Bytes.train(), TEXT + "é😀", None)
    characters = Characters.train([TEXT], vocab_size=50)
    assert can_be_read_back(characters, TEXT + "é😀", characters.special_tokens["[UNK]"])
