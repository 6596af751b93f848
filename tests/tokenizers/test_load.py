"""`load` finds the kind of a file, and says what is wrong with one that has none."""

import json

import pytest

from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.bytes import Bytes
from groundup.tokenizers.characters import Characters
from groundup.tokenizers.load import load
from groundup.tokenizers.wordpiece import WordPiece
from groundup.tokenizers.words import Words

TEXTS = ["the cat sat on the mat", "a dog"]


@pytest.mark.parametrize("kind", [Bytes, BPE, Characters, Words, WordPiece])
def test_each_kind_is_found(kind, tmp_path):
    made = kind.train(TEXTS, vocab_size=300)
    made.save(tmp_path / "saved")
    for path in (tmp_path / "saved", str(tmp_path / "saved" / "tokenizer.json")):
        found = load(path)
        assert type(found) is kind
        assert found.encode(TEXTS[0]) == made.encode(TEXTS[0])
    renamed = tmp_path / "other.json"
    renamed.write_bytes((tmp_path / "saved" / "tokenizer.json").read_bytes())
    assert type(load(renamed)) is kind


def test_a_byte_level_bpe_without_merges_is_bytes_only_if_they_are_in_order(tmp_path):
    BPE.train([], vocab_size=259).save(tmp_path)
    assert type(load(tmp_path)) is BPE
    with pytest.raises(ValueError, match="not the 256 bytes in their order"):
        Bytes.load(tmp_path)


def test_files_of_no_kind(tmp_path):
    (tmp_path / "x.bin").write_bytes(b"")
    with pytest.raises(ValueError, match=r"x\.bin has none of the endings \.json"):
        load(tmp_path / "x.bin")
    with pytest.raises(FileNotFoundError, match="has no tokenizer\\.json"):
        load(tmp_path)
    for name in ("none.json", "none"):
        with pytest.raises(FileNotFoundError, match="there is no"):
            load(tmp_path / name)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"model": {"type": "Strange"}}, "its model is Strange; no kind that is built reads it"),
        ({"model": {}}, "cannot be read|is not a whole"),
        ({}, "is not a whole tokenizer.json: KeyError"),
        ({"model": {"type": "WordPiece"}}, "is not a whole tokenizer.json: KeyError"),
        ({"model": []}, "is not a whole tokenizer.json"),
    ],
)
def test_a_file_that_is_not_whole_is_named(tmp_path, data, words):
    (tmp_path / "tokenizer.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match=words) as problem:
        load(tmp_path)
    assert "tokenizer.json" in str(problem.value)
