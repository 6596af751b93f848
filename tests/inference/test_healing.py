"""Token healing: where the end of a prompt could be the beginning of a longer token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.inference.healing import heal
from groundup.tokenizers.bpe import BPE

TOKENIZER = BPE.train(["def f():\n    pass\n\ndef g(xs):\n    pass\n"] * 3, vocab_size=300)
END = TOKENIZER.special_tokens["<|endoftext|>"]


def text_of(healed):
    """What the model reads, and for each token it may begin with, all that is then there."""
    read = TOKENIZER.decode_bytes([token for token in healed.ids if token != END])
    return [read + TOKENIZER.token_bytes(token) for token in healed.first_ids or ()], read


def test_a_colon_may_become_a_colon_and_a_new_line():
    ids = TOKENIZER.encode("def g():")
    healed = heal(ids, TOKENIZER, END)
    assert healed.ids == ids[:-1]
    assert healed.known == TOKENIZER.decode(ids[-1:])
    begun, _ = text_of(healed)
    assert b"def g():" in begun
    assert b"def g():\n" in begun


@given(prompt=st.text(alphabet="def fgxs():\n p🙂", min_size=1, max_size=12))
def test_whatever_is_drawn_first_goes_on_from_the_prompt(prompt):
    healed = heal(TOKENIZER.encode(prompt), TOKENIZER, END)
    begun, read = text_of(healed)
    assert all(text.startswith(prompt.encode()) for text in begun)
    assert begun == [] or prompt.encode() in begun
    assert read + healed.known.encode() == prompt.encode()


def test_nothing_is_taken_back_where_nothing_longer_fits():
    longest = max(TOKENIZER.definition.tokens, key=lambda t: len(TOKENIZER.token_bytes(t)))
    healed = heal([END, longest], TOKENIZER, END)
    assert (healed.ids, healed.first_ids, healed.known) == ([END, longest], None, "")


@pytest.mark.parametrize("tail", [[END], TOKENIZER.encode("🙂")[-1:]], ids=["special", "half"])
def test_special_tokens_and_halves_of_characters_stay(tail):
    ids = [*TOKENIZER.encode("def"), *tail]
    assert heal(ids, TOKENIZER, END).ids == ids


def test_a_prompt_of_one_token_needs_a_start_token_to_be_healed():
    ids = TOKENIZER.encode("d")
    assert len(ids) == 1
    assert heal(ids, TOKENIZER, None).ids == ids
    assert heal(ids, TOKENIZER, END).ids == [END]
