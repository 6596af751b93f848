"""A byte-level BPE as a GGUF file's metadata: the inverse of `groundup.tokenizers.gguf_vocabulary`.

A GGUF file does not say how text is cut before merging; it names one of the ways that llama.cpp
has built in. Where our way has such a name, llama.cpp and we read the same tokenizer from the file.
Where it has none, the name is "groundup", which llama.cpp refuses to open (a wrong cut would only
make the model quietly worse), and the whole tokenizer.json goes into the file, which we read.

Source: the `tokenizer.ggml.*` keys of the GGUF specification. Leaves out the other kinds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from groundup.tokenizers import gguf_vocabulary
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.byte_alphabet import to_characters
from groundup.tokenizers.definition import Definition
from groundup.tokenizers.gguf_vocabulary import (
    CONTROL,
    JSON_KEY,
    NORMAL,
    PREFIX,
    UNUSED,
    USER_DEFINED,
)
from groundup.tokenizers.split import DIGITS, GPT2, GPT4, QWEN2
from groundup.tokenizers.tiktoken_file import explicit_merges

UNNAMED = "groundup"
"""The name of a way to cut text that llama.cpp has no name for."""
_NAMES: dict[tuple[tuple[str, ...], bool], str] = {
    ((GPT2,), False): "gpt-2",
    ((DIGITS, GPT2), False): "smollm",
    ((GPT4,), True): "llama-bpe",
    ((GPT4,), False): "dbrx",
    ((QWEN2,), False): "qwen2",
}
"""By pattern, and whether a piece that is a token is taken whole."""
_END_OF_TEXT = "<|endoftext|>"


@dataclass(frozen=True)
class Vocabulary:
    """What goes into the file, and what must be said about it."""

    metadata: dict[str, Any]
    """The tokenizer's keys."""
    note: str
    """Where llama.cpp will not read the same tokenizer from them, and why; empty if it will."""


def to_metadata(tokenizer: BPE, size: int) -> Vocabulary:
    """The keys that describe the tokenizer of a model whose embedding has `size` rows.

    Rows without a token are named `[PAD7]`, as llama.cpp's converter does. Raises ValueError if the
    tokenizer has ids beyond the rows.
    """
    definition = tokenizer.definition
    if definition.by_rank:
        merges = explicit_merges(definition.tokens)
        definition = replace(definition, merges=merges, by_rank=False)
    names, kinds = _tokens(definition, size)
    pre = _NAMES.get((definition.patterns, definition.whole_first), UNNAMED)
    metadata: dict[str, Any] = {
        PREFIX + "model": "gpt2",
        PREFIX + "pre": pre,
        PREFIX + "tokens": names,
        PREFIX + "token_type": kinds,
        PREFIX + "merges": [
            f"{names[left]} {names[right]}" for left, right, _ in definition.merges
        ],
        PREFIX + "add_space_prefix": False,
        **_named(definition),
    }
    if definition.chat_template is not None:
        metadata["tokenizer.chat_template"] = definition.chat_template
    if not _says_it_all(metadata, definition):
        metadata[JSON_KEY] = json.dumps(tokenizer.to_json(), ensure_ascii=False)
    return Vocabulary(metadata, _note(definition, pre))


def _tokens(definition: Definition, size: int) -> tuple[list[str], list[int]]:
    names = [f"[PAD{i}]" for i in range(size)]
    kinds = [UNUSED] * size
    ordinary = {i: (to_characters(data), NORMAL) for i, data in definition.tokens.items()}
    special = {i: (name, CONTROL) for name, i in definition.special_tokens.items()}
    added = {i: (name, USER_DEFINED) for name, i in definition.added_tokens.items()}
    for i, (name, kind) in (ordinary | special | added).items():
        if i >= size:
            raise ValueError(
                f"the tokenizer's token {name!r} has the id {i}, and the model has {size} tokens; "
                "they do not belong together"
            )
        names[i], kinds[i] = name, kind
    return names, kinds


def _named(definition: Definition) -> dict[str, Any]:
    """The tokens that begin and end a text. Without an end llama.cpp would take token 11 for it."""
    special, template = definition.special_tokens, definition.post_processor
    end = definition.end_token or (_END_OF_TEXT if _END_OF_TEXT in special else None)
    places = template.single if template else ()
    first, last = (places[0].name, places[-1].name) if places else (None, None)
    found: dict[str, Any] = {
        PREFIX + "add_bos_token": first is not None and first == definition.start_token,
        PREFIX + "add_eos_token": last is not None and last == definition.end_token,
    }
    if definition.start_token is not None:
        found[PREFIX + "bos_token_id"] = special[definition.start_token]
    if end is not None:
        found[PREFIX + "eos_token_id"] = special[end]
    return found


def _says_it_all(metadata: Mapping[str, Any], definition: Definition) -> bool:
    """Whether these keys alone are read as the same tokenizer."""
    if metadata[PREFIX + "pre"] == UNNAMED:
        return False
    read = gguf_vocabulary.from_metadata(metadata)
    assert isinstance(read, BPE), "a vocabulary of this kind is read as a BPE"
    return replace(read.definition, end_token=definition.end_token) == definition


def _note(definition: Definition, pre: str) -> str:
    if pre == UNNAMED:
        return (
            "llama.cpp has no name for how this tokenizer cuts text, so it will not open the file "
            f"(its tokenizer.ggml.pre is {UNNAMED!r}); groundup reads the tokenizer.json in it"
        )
    missing = [
        words
        for words, is_there in (
            ("normalizes text", definition.normalizers),
            ("finds some tokens in another way than by their bare name", definition.matching),
        )
        if is_there
    ]
    if not missing:
        return ""
    return (
        f"this tokenizer {' and '.join(missing)}, which llama.cpp does not do; there, texts that "
        "this concerns will be other tokens"
    )
