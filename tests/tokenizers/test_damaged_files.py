"""What `fuzz.py` found: damaged and hostile tokenizer files, each refused in one short sentence."""

import json
import struct
from dataclasses import replace

import pytest

from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.character_bpe import CharacterBPE
from groundup.tokenizers.load import load
from groundup.tokenizers.unigram import Unigram
from groundup.tokenizers.unigram_definition import UnigramDefinition


def damaged(small, folder, *, file="tokenizer.json", **changes):
    """The small tokenizer in the folder, with some entries of a file changed."""
    small.save(folder)
    data = json.loads((folder / file).read_text(encoding="utf-8"))
    for path, value in changes.items():
        *outer, last = path.split("__")
        inner = data
        for key in outer:
            inner = inner[key]
        inner[last] = value
    (folder / file).write_text(json.dumps(data), encoding="utf-8")
    return folder


def refused(folder, words):
    for read in (BPE.load, load):
        with pytest.raises(ValueError, match=words) as problem:
            read(folder)
        assert type(problem.value) is ValueError
        assert len(str(problem.value)) < 1000
        assert "\n" not in str(problem.value)


@pytest.mark.parametrize("name", [True, None, 5, ["<x>"]])
def test_a_name_that_is_no_text(small, tmp_path, name):
    entry = {"id": 1024, "content": name, "special": True}
    refused(damaged(small, tmp_path, added_tokens=[entry]), "added token 1024 has the name")


@pytest.mark.parametrize("template", [5, {"name": "default"}, [{"name": "default", "template": 1}]])
def test_a_chat_template_that_is_no_text(small, tmp_path, template):
    changes = {"file": "tokenizer_config.json", "chat_template": template}
    refused(damaged(small, tmp_path, **changes), "its chat template is a")


def test_files_that_are_not_utf8(small, tmp_path):
    small.save(tmp_path)
    (tmp_path / "chat_template.jinja").write_bytes(b"{{ x }}\xd5")
    refused(tmp_path, "chat_template.jinja is not UTF-8 at byte 7")
    (tmp_path / "chat_template.jinja").unlink()
    (tmp_path / "tokenizer.json").write_bytes(b'{"model": "\xff"}')
    refused(tmp_path, "tokenizer.json is not UTF-8 at byte 11")


def test_json_that_is_too_deep(small, tmp_path):
    small.save(tmp_path)
    for file in ("tokenizer_config.json", "tokenizer.json"):
        (tmp_path / file).write_bytes(b'{"a":' + b"[" * 100_000)
        refused(tmp_path, f"{file} is not JSON that can be read: too deep")
        (tmp_path / file).write_bytes(b"{}")


def test_a_message_does_not_repeat_the_file(small, tmp_path):
    long = {"é" * 10_000: ["x" * 10_000]}
    refused(damaged(small, tmp_path, model__vocab__import=long), "its token 'import' has the id")


def test_two_tokens_of_the_same_bytes(small, tmp_path):
    """A tab as JSON writes it, beside the tab of the byte alphabet."""
    refused(damaged(small, tmp_path, **{"model__vocab__\t": 1024}), "both stand for the bytes")


def test_a_special_token_with_the_id_of_an_ordinary_one(small, tmp_path):
    entry = {"id": 300, "content": "<x>", "special": True}
    refused(damaged(small, tmp_path, added_tokens=[entry]), "and '<x>' share id 300")


def test_ids_of_which_nearly_none_are_used(small, tmp_path):
    """Tables with a row for each would take minutes and gigabytes."""
    changes = {"model__vocab__zzz": 2**31 - 1}
    refused(
        damaged(small, tmp_path, **changes), "ids run to 2147483647, though there are only 1025"
    )
    entry = {"id": 2**24, "content": "<x>", "special": False}
    refused(damaged(small, tmp_path, added_tokens=[entry]), "ids run to 16777216, though")


def test_ranks_without_merges_are_saved_with_those_they_imply(small, tmp_path, stdlib_texts):
    """A .tiktoken file, saved as tokenizer.json, once lost what merges."""
    for whole_first in (False, True):
        changes = {"by_rank": True, "merges": [], "whole_first": whole_first}
        ranks = BPE(replace(small.definition, **changes))
        ranks.save(tmp_path)
        again = load(tmp_path)
        assert again.definition.merges == small.definition.merges
        assert again.encode(stdlib_texts[1]) == ranks.encode(stdlib_texts[1])


def test_half_a_character_in_json(small, tmp_path):
    words = "holds a lone surrogate, half of a character"
    changes = {"file": "tokenizer_config.json", "chat_template": "a\ud800"}
    refused(damaged(small, tmp_path, **changes), f"tokenizer_config.json {words}")
    entry = {"id": 1024, "content": "\udfff", "special": True}
    refused(damaged(small, tmp_path, added_tokens=[entry]), f"tokenizer.json {words}")
    whole = damaged(small, tmp_path, **{"model__vocab__😀": 1024})  # a pair is one character
    assert "\\ud83d" in (whole / "tokenizer.json").read_text(encoding="utf-8")
    assert load(whole).token_bytes(1024) == "😀".encode()


def test_a_number_of_thousands_of_digits(small, tmp_path):
    for file in ("tokenizer.json", "tokenizer_config.json"):
        small.save(tmp_path)
        (tmp_path / file).write_bytes(b'{"model": ' + b"9" * 5000 + b"}")
        refused(tmp_path, f"{file} is not JSON: Exceeds the limit")


@pytest.mark.parametrize("option", ["continuing_subword_prefix", "end_of_word_suffix"])
def test_a_suffix_of_words_that_is_no_text(tmp_path, option):
    model = {"type": "BPE", "vocab": {"a": 0}, "merges": [], option: 2}
    data = {"model": model, "pre_tokenizer": None}
    (tmp_path / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ValueError, match=f"its {option} is 2; wanted a text"):
        load(tmp_path)


@pytest.mark.parametrize("kind", ["WordLevel", "WordPiece", "BPE"])
def test_ids_of_which_nearly_none_are_used_in_any_kind(tmp_path, kind):
    model = {
        "type": kind,
        "vocab": {"[UNK]": 0, "a": 2**31 - 1},
        "merges": [],
        "unk_token": "[UNK]",
    }
    data = {"model": model, "added_tokens": [{"id": 0, "content": "[UNK]", "special": True}]}
    (tmp_path / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ValueError, match="ids run to 2147483647, though there are only 2 tokens"):
        load(tmp_path)


def test_vocabularies_without_pieces_leave_everything_out(tmp_path):
    """No piece and no unknown token: the fast twin once failed on a row of nothing."""
    for model in (
        {"type": "BPE", "vocab": {"a": 0}, "merges": []},
        {"type": "BPE", "vocab": {"ab": 0}, "merges": []},
    ):
        data = {"model": model}
        (tmp_path / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
        tokenizer = load(tmp_path)
        for text in ("漢字" * 300, "z", ""):
            ids = tokenizer.encode(text)
            assert ids == []
            assert tokenizer.offsets(text) == []


def test_a_unigram_vocabulary_of_a_token_that_no_text_gives():
    vocabulary = {"<unk>": 0}
    none = Unigram(UnigramDefinition(vocabulary=vocabulary, scores={}, unknown="<unk>"))
    assert none.encode("漢字") == [0]
    assert none.encode("") == []


@pytest.mark.parametrize("entry", [{"unknown_surface": [1]}, {"space": 5}, {"kept": [None]}])
@pytest.mark.parametrize("kind", [Unigram, CharacterBPE])
def test_what_our_files_alone_say_must_be_text(tmp_path, kind, entry):
    kind.train(["a b a b"], vocab_size=270).save(tmp_path)
    file = tmp_path / "tokenizer.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    (own,) = [
        value for value in data["model"].values() if isinstance(value, dict) and "kept" in value
    ]
    own.update(entry)
    file.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ValueError, match="where a text was wanted"):
        load(tmp_path)


def test_a_message_does_not_repeat_a_gguf_file_either(tmp_path):
    """A key of a megabyte, whose value has no known type."""
    key = b"\x00k" * 500_000
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1)
    file = tmp_path / "x.gguf"
    file.write_bytes(head + struct.pack("<Q", len(key)) + key + struct.pack("<I", 99))
    with pytest.raises(ValueError, match="is not a readable GGUF file") as problem:
        load(file)
    assert len(str(problem.value)) < 1000
