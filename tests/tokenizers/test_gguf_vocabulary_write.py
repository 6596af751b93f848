"""A BPE becomes metadata that are read as the same BPE; what names do not say, JSON does."""

import functools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.tokenizers import gguf_vocabulary
from groundup.tokenizers.added_tokens import Matching
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.definition import Definition
from groundup.tokenizers.gguf_vocabulary_write import to_metadata
from groundup.tokenizers.normalize import Form
from groundup.tokenizers.post_process import template
from groundup.tokenizers.split import CL100K_WHOLE_END, DIGITS, GPT2, GPT4, O200K, QWEN2

TOKENS = {i: bytes([i]) for i in range(256)} | {256: b"ab", 257: b"abc", 258: b" a"}
MERGES = [(97, 98, 256), (256, 99, 257), (32, 97, 258)]
SPECIAL = {"<|endoftext|>": 260, "<s>": 261}
JSON = "tokenizer.huggingface.json"


def bpe(**fields):
    patterns = fields.pop("patterns", (GPT2,))
    shared = {"tokens": TOKENS, "merges": MERGES, "special_tokens": SPECIAL}
    return BPE(Definition(**{**shared, "patterns": patterns, **fields}))


def again(tokenizer, size=264):
    written = to_metadata(tokenizer, size)
    return gguf_vocabulary.from_metadata(written.metadata), written


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({}, "gpt-2"),
        ({"patterns": (DIGITS, GPT2)}, "smollm"),
        ({"patterns": (GPT4,), "whole_first": True}, "llama-bpe"),
        ({"patterns": (GPT4,)}, "dbrx"),
        ({"patterns": (QWEN2,), "normalizers": (Form("NFC"),)}, "qwen2"),
        ({"added_tokens": {"<think>": 259}}, "gpt-2"),
        ({"start_token": "<s>", "end_token": "<|endoftext|>", "chat_template": "{{ x }}"}, "gpt-2"),
    ],
)
def test_what_has_a_name_needs_no_json(fields, name):
    tokenizer = bpe(**{"end_token": "<|endoftext|>", **fields})
    read, written = again(tokenizer)
    assert written.metadata["tokenizer.ggml.pre"] == name
    assert JSON not in written.metadata
    assert read.definition == tokenizer.definition
    assert (written.note == "") is (name != "qwen2")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"patterns": (QWEN2,)}, ""),
        ({"patterns": (O200K,)}, "llama.cpp has no name"),
        ({"patterns": (CL100K_WHOLE_END,)}, "llama.cpp has no name"),
        ({"patterns": (r"\w+|\W+",)}, "its tokenizer.ggml.pre is 'groundup'"),
        ({"patterns": (GPT2,), "whole_first": True}, "llama.cpp has no name"),
        ({"normalizers": (Form("NFKC"),)}, "this tokenizer normalizes text, which llama.cpp"),
        ({"matching": {"<s>": Matching(lstrip=True)}}, "finds some tokens in another way"),
        ({"post_processor": template("<s> $A", "<s> $A $B"), "start_token": "<s>"}, ""),
    ],
)
def test_what_has_none_takes_its_json_along(fields, words):
    tokenizer = bpe(**{"end_token": "<|endoftext|>", **fields})
    read, written = again(tokenizer)
    assert words in written.note
    assert (written.note == "") is (words == "")
    assert JSON in written.metadata
    assert read.definition == tokenizer.definition


def test_what_goes_around_a_text_is_said():
    around = template("<s> $A", "<s> $A $B")
    written = to_metadata(bpe(post_processor=around, start_token="<s>"), 264).metadata
    assert written["tokenizer.ggml.add_bos_token"] is True
    assert written["tokenizer.ggml.add_eos_token"] is False
    assert written["tokenizer.ggml.bos_token_id"] == 261
    plain = to_metadata(bpe(), 264).metadata
    assert plain["tokenizer.ggml.add_bos_token"] is False
    # llama.cpp would take token 11 for the end of a text
    assert plain["tokenizer.ggml.eos_token_id"] == 260
    assert "tokenizer.ggml.eos_token_id" not in to_metadata(bpe(special_tokens={}), 264).metadata


def test_ranks_are_written_as_merges():
    tokenizer = bpe(by_rank=True, merges=[])
    read, written = again(tokenizer)
    assert written.metadata["tokenizer.ggml.merges"] == ["a b", "ab c", "Ġ a"]
    assert read.encode("abc a") == tokenizer.encode("abc a") == [257, 258]


def test_unused_rows_are_padded_and_no_tokens():
    read, written = again(bpe(), 270)
    names, kinds = (written.metadata[f"tokenizer.ggml.{k}"] for k in ("tokens", "token_type"))
    assert names[259] == "[PAD259]"
    assert (kinds[0], kinds[259], kinds[260], len(names)) == (1, 5, 3, 270)
    assert 259 not in read.definition.tokens
    with pytest.raises(ValueError, match="'<s>' has the id 261, and the model has 261 tokens"):
        to_metadata(bpe(), 261)


@functools.cache
def trained(pattern):
    tokenizer = BPE.train(["abc abc a1b é ab\n\n ca"], vocab_size=270, pattern=pattern)
    return tokenizer, again(tokenizer, 300)[0]


@given(
    text=st.text(st.sampled_from("ab c1é\n"), max_size=30),
    pattern=st.sampled_from(["gpt2", "llama3", "smollm2", "qwen2", "o200k", r"\w+|\W+"]),
)
def test_texts_become_the_same_tokens(text, pattern):
    tokenizer, read = trained(pattern)
    assert read.encode(text) == tokenizer.encode(text)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (7, "it is no JSON object"),
        ("[]", "it is no JSON object"),
        ("{", "cannot be read"),
        ("{}", "'model'"),
        ('{"model": 3}', "cannot be read"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_a_file_whose_json_is_broken_is_refused(value, words):
    metadata = to_metadata(bpe(), 264).metadata | {JSON: value}
    with pytest.raises(ValueError, match=words):
        gguf_vocabulary.from_metadata(metadata)


def test_json_with_more_tokens_than_the_model_has_is_refused():
    metadata = to_metadata(bpe(patterns=(O200K,)), 264).metadata
    metadata["tokenizer.ggml.tokens"] = metadata["tokenizer.ggml.tokens"][:100]
    with pytest.raises(ValueError, match="has 262 tokens, and its list has 100"):
        gguf_vocabulary.from_metadata(metadata)
    assert json.loads(metadata[JSON])["model"]["type"] == "BPE"
