"""Texts to measure on: cut to size, and as shards whose documents are their tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.data.corpus import CorpusConfig, write_corpus
from groundup.evaluate import held_out
from groundup.tokenizers.bpe import BPE

TOKENIZER = BPE.train(["some text"], vocab_size=262)


@given(st.lists(st.text(max_size=8), max_size=5), st.integers(0, 20))
def test_a_cut_is_a_beginning_and_not_too_long(texts, most):
    kept = held_out.cut(texts, most)
    size = len("".join(kept).encode())
    assert "".join(texts).startswith("".join(kept)) or len(kept) > 1
    assert size <= most
    assert size > most - 4 or size >= len("".join(texts).encode()) - 4 * len(texts)


def test_a_character_that_is_cut_in_two_is_left_out():
    assert held_out.cut(["aé", "b"], 2) == ["a"]
    assert held_out.cut(["aé", "bc"], 4) == ["aé", "b"]


def test_a_shard_holds_the_texts_and_their_ends():
    shard = held_out.as_shard(["some text", "é"], TOKENIZER)
    assert [document.tolist() for document in shard.documents()] == [
        TOKENIZER.encode("some text"),
        TOKENIZER.encode("é"),
    ]
    assert shard.bytes == 11
    assert shard.end_of_text == TOKENIZER.special_tokens["<|endoftext|>"]
    assert shard.tokens[-1] == shard.end_of_text


def test_what_cannot_be_measured_on_is_refused():
    with pytest.raises(ValueError, match="the text to measure on is empty"):
        held_out.as_shard(["", ""], TOKENIZER)
    nameless = BPE.train(["a"], vocab_size=256, special_tokens=())
    with pytest.raises(ValueError, match=r"neither <\|endoftext\|> nor a named end token"):
        held_out.as_shard(["a"], nameless)


def test_a_runs_validation_documents_come_in_a_fixed_order(tmp_path):
    for i in range(20):
        (tmp_path / f"m{i}.py").write_text(f"def function_{i}(argument):\n    return {i}\n" * 5)
    write_corpus(CorpusConfig(path=tmp_path, validation_share=0.5), tmp_path / "run" / "corpus")
    whole = held_out.of_run(tmp_path / "run", 100_000)
    assert len(whole) > 3
    assert held_out.of_run(tmp_path / "run", 100) == [whole[0][:100]]
    with pytest.raises(ValueError, match=r"there is no .*validation.parquet"):
        held_out.of_run(tmp_path, 100)


def test_the_standard_library_is_text_that_everybody_has():
    (first,) = held_out.of_standard_library(500)
    assert len(first.encode()) == 500
    assert "Text wrapping" in first
