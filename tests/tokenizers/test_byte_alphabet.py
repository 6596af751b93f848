"""GPT-2's alphabet is a bijection, and the one its own files use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import pre_tokenizers

from groundup.tokenizers.byte_alphabet import BYTE_ORDER, CHARACTERS, to_bytes, to_characters


@given(st.binary())
def test_bytes_come_back(data):
    assert to_bytes(to_characters(data)) == data


def test_the_well_known_ones():
    assert to_characters(b" def\n") == "ĠdefĊ"


def test_text_outside_the_alphabet_is_its_own_utf8():
    assert to_bytes("<\uff5cend\uff5c>") == "<\uff5cend\uff5c>".encode()


def test_the_order_of_bytes_is_that_of_their_characters():
    assert sorted(BYTE_ORDER) == list(range(256))
    assert [CHARACTERS[byte] for byte in BYTE_ORDER] == sorted(CHARACTERS)


@pytest.mark.reference
def test_the_alphabet_is_that_of_tokenizers():
    assert set(CHARACTERS) == set(pre_tokenizers.ByteLevel.alphabet())
    cut = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    for code in [*range(0x80), 0xE9, 0x4E2D, 0x1F600]:
        text = chr(code)
        assert cut.pre_tokenize_str(text)[0][0] == to_characters(text.encode())
