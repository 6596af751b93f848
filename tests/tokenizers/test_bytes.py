"""Bytes are their own ids, behind the special tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tokenizers.unicode import texts

from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.bytes import Bytes
from groundup.tokenizers.definition import Frame


@given(text=texts)
def test_ids_are_bytes(text):
    made = Bytes.train(special_tokens=("<e>", "<s>"))
    ids = made.encode(text)
    assert [token - 2 for token in ids] == list(text.encode())
    assert made.decode(ids) == text
    spans = made.offsets(text)
    assert len(spans) == len(ids)
    assert "".join(text[s:e] for s, e in dict.fromkeys(spans)) == text


@given(ids=st.lists(st.integers(0, 255)))
def test_any_bytes_come_back(ids):
    assert Bytes.train().decode_bytes(ids) == bytes(ids)


def test_ids_may_begin_anywhere_and_tokens_be_added(tmp_path):
    made = Bytes(Frame(special_tokens={"<e>": 3}, added_tokens={"<t>": 400}), first_id=10)
    assert made.vocab_size == 401
    assert made.encode("\x00<t>") == [10, 400]
    made.save(tmp_path)
    again = Bytes.load(tmp_path)
    assert (again.frame, again.first_id) == (made.frame, 10)
    with pytest.raises(ValueError, match="there is no token 4; this vocabulary's ids run to 400"):
        made.decode([4])


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ValueError, match="the token '<e>' has the id of a byte"):
        Bytes(Frame(special_tokens={"<e>": 3}))
    with pytest.raises(ValueError, match=r"vocab_size is 256; 1 special tokens and .* least 257"):
        Bytes.train(vocab_size=256, special_tokens=("<e>",))
    BPE.train(["aaaa"], vocab_size=260).save(tmp_path)
    with pytest.raises(ValueError, match="not the 256 bytes in their order and nothing else"):
        Bytes.load(tmp_path)
