"""The tokenizer inside a GGUF file, from its metadata.

Four kinds: "gpt2" is byte-level BPE, "llama" SentencePiece's BPE, "t5" its unigram, and "bert"
WordPiece. Source: the `tokenizer.ggml.*` keys of the GGUF specification; what each name of a
pre-tokenization cuts is llama.cpp's (llama-vocab.cpp). "default" says nothing, and is taken for
GPT-2. Leaves out RWKV's and PLaMo's vocabularies.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundup.tokenizers import bpe_json, sentencepiece_model
from groundup.tokenizers.bert_normalizer import BertNormalizer
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.byte_alphabet import to_bytes
from groundup.tokenizers.character_bpe import CharacterBPE
from groundup.tokenizers.definition import Definition, Frame
from groundup.tokenizers.gguf_metadata import read_metadata
from groundup.tokenizers.normalize import Form
from groundup.tokenizers.post_process import Template, around
from groundup.tokenizers.pre_tokenize import BERT
from groundup.tokenizers.sentencepiece_model import Model, Piece
from groundup.tokenizers.sentencepiece_normalizer import SPACE, SentencePieceNormalizer
from groundup.tokenizers.split import DIGITS, GPT2, GPT4, QWEN2
from groundup.tokenizers.tokenizer import Tokenizer
from groundup.tokenizers.unigram import Unigram
from groundup.tokenizers.wordpiece import CONTINUES, WordPiece

_PATTERNS: dict[str, tuple[str, ...]] = {
    "default": (GPT2,),
    "gpt-2": (GPT2,),
    "smollm": (DIGITS, GPT2),
    "llama-bpe": (GPT4,),
    "dbrx": (GPT4,),
    "qwen2": (QWEN2,),
}
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
"""What a token is, in `tokenizer.ggml.token_type`."""
PREFIX = "tokenizer.ggml."
"""What the keys of a tokenizer begin with."""
JSON_KEY = "tokenizer.huggingface.json"
"""Where a file may hold the whole tokenizer.json, which says more than the keys do."""


def read(path: str | Path) -> Tokenizer:
    """The tokenizer of a GGUF file; its tensors are not looked at.

    Raises ValueError, with the file's name, if it is not sound or has a tokenizer that we do not
    build; OSError if it cannot be opened.
    """
    metadata = read_metadata(path)
    try:
        return from_metadata(metadata)
    except ValueError as problem:
        raise ValueError(f"the tokenizer in {path} cannot be read: {problem}") from problem


def from_metadata(metadata: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer a GGUF file describes, with its chat template.

    Raises ValueError if the metadata describe another kind, or are not whole.
    """
    kind = metadata.get(PREFIX + "model")
    match kind:
        case "gpt2":
            return _byte_level(metadata)
        case "llama" | "t5":
            return _sentencepiece(metadata, is_bpe=kind == "llama")
        case "bert":
            return _wordpiece(metadata)
    raise ValueError(f"the file's tokenizer is of kind {kind!r}; there are gpt2, llama, t5, bert")


def _byte_level(metadata: Mapping[str, Any]) -> BPE:
    if (text := metadata.get(JSON_KEY)) is not None:
        return _from_json(text, metadata)
    pre = metadata.get(PREFIX + "pre", "default")
    if pre not in _PATTERNS:
        raise ValueError(
            f"the file's pre-tokenization is {pre!r}; these are built: {', '.join(_PATTERNS)}"
        )
    names = _texts(metadata, "tokens")
    kinds = _numbers(metadata, "token_type", len(names)) or [NORMAL] * len(names)
    special = {name: i for i, name in enumerate(names) if kinds[i] == CONTROL}
    added = {name: i for i, name in enumerate(names) if kinds[i] == USER_DEFINED}
    ids = {name: i for i, name in enumerate(names) if kinds[i] != UNUSED}
    return BPE(
        Definition(
            tokens={i: to_bytes(t) for t, i in ids.items() if t not in special and t not in added},
            merges=[_merge(text, ids) for text in _texts(metadata, "merges")],
            patterns=_PATTERNS[pre],
            special_tokens=special,
            added_tokens=added,
            normalizers=(Form("NFC"),) if pre == "qwen2" else (),
            whole_first=pre == "llama-bpe",
            **_named(metadata, special),
        )
    )


def _from_json(text: object, metadata: Mapping[str, Any]) -> BPE:
    """The tokenizer.json in the file; which tokens begin and end a text, the keys say."""
    try:
        data = json.loads(text) if isinstance(text, str) else None
        if not isinstance(data, dict):
            raise ValueError("it is no JSON object")
        tokenizer = BPE(bpe_json.from_json(data))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise ValueError(f"the file's {JSON_KEY} cannot be read: {str(problem)[:200]}") from problem
    if tokenizer.vocab_size > (count := len(_texts(metadata, "tokens"))):
        raise ValueError(
            f"the file's {JSON_KEY} has {tokenizer.vocab_size} tokens, and its list has {count}"
        )
    named = _named(metadata, tokenizer.special_tokens)
    return BPE(replace(tokenizer.definition, **named))


def _named(metadata: Mapping[str, Any], special: Mapping[str, int]) -> dict[str, Any]:
    """The tokens that begin and end a text, and the chat template."""
    by_id = {i: name for name, i in special.items()}
    start = metadata.get(PREFIX + "bos_token_id", -1)
    end = metadata.get(PREFIX + "eos_token_id", -1)
    return {
        "start_token": by_id.get(start) if isinstance(start, int) else None,
        "end_token": by_id.get(end) if isinstance(end, int) else None,
        "chat_template": metadata.get("tokenizer.chat_template"),
    }


def _sentencepiece(metadata: Mapping[str, Any], *, is_bpe: bool) -> Tokenizer:
    names = _texts(metadata, "tokens")
    kinds = _numbers(metadata, "token_type", len(names))
    scores = _numbers(metadata, "scores", len(names))
    if not kinds or not scores or not all(isinstance(kind, int) for kind in kinds):
        raise ValueError("the file's tokenizer needs scores and kinds of its tokens")
    charsmap = metadata.get(PREFIX + "precompiled_charsmap") or []
    if not isinstance(charsmap, list) or not all(isinstance(byte, int) for byte in charsmap):
        raise ValueError(f"the file's {PREFIX + 'precompiled_charsmap'!r} is no list of bytes")
    model = Model(
        pieces=[Piece(*row) for row in zip(names, map(float, scores), kinds, strict=True)],
        model_type=sentencepiece_model.BPE if is_bpe else sentencepiece_model.UNIGRAM,
        byte_fallback=BYTE in kinds,
        normalizer=SentencePieceNormalizer(
            charsmap=bytes(byte & 255 for byte in charsmap),
            add_dummy_prefix=bool(metadata.get(PREFIX + "add_space_prefix", True)),
            remove_extra_whitespaces=bool(metadata.get(PREFIX + "remove_extra_whitespaces", False)),
            kept=tuple(n for n, k in zip(names, kinds, strict=True) if k == USER_DEFINED),
        ),
    )
    sentencepiece_model.check(model)
    tokenizer = sentencepiece_model.tokenizer_of(model)
    special = tokenizer.special_tokens
    named = _named(metadata, special)
    named["post_processor"] = _template(metadata, named, start=is_bpe, end=not is_bpe)
    if isinstance(tokenizer, Unigram):
        return Unigram(replace(tokenizer.definition, **named))
    assert isinstance(tokenizer, CharacterBPE), "a model of pieces is of one of the two kinds"
    return CharacterBPE(replace(tokenizer.definition, **named))


def _template(
    metadata: Mapping[str, Any], named: Mapping[str, Any], *, start: bool, end: bool
) -> Template | None:
    """What the file says goes around a text; `start` and `end`: what its kind says without."""
    starts = metadata.get(PREFIX + "add_bos_token", start) and named["start_token"]
    ends = metadata.get(PREFIX + "add_eos_token", end) and named["end_token"]
    if not starts and not ends:
        return None
    return around([starts] if starts else [], [ends] if ends else [])


def _wordpiece(metadata: Mapping[str, Any]) -> WordPiece:
    """WordPiece, whose tokens that begin a word are marked, instead of those that continue one."""
    names = _texts(metadata, "tokens")
    kinds = _numbers(metadata, "token_type", len(names)) or [NORMAL] * len(names)
    special = {n: i for i, n in enumerate(names) if kinds[i] in (UNKNOWN, CONTROL)}
    ids = {}
    for i, name in enumerate(names):
        if kinds[i] == NORMAL:
            is_first = name.startswith(SPACE)
            ids[name.removeprefix(SPACE) if is_first else CONTINUES + name] = i
    by_id = {i: name for name, i in special.items()}
    roles = {"unknown": "[UNK]", "cls": "[CLS]", "seperator": "[SEP]"}  # spelt as the files do
    found = {}
    for role, usual in roles.items():
        token = metadata.get(f"{PREFIX}{role}_token_id", special.get(usual))
        if token not in by_id:
            raise ValueError(f"the file's {role} token has id {token!r}, which is no special token")
        found[role] = by_id[token]
    frame = Frame(
        special_tokens=special,
        normalizers=(BertNormalizer(),),
        pre_tokenizers=(BERT,),
        post_processor=around([found["cls"]], [found["seperator"]]),
        chat_template=metadata.get("tokenizer.chat_template"),
    )
    return WordPiece(ids, frame, unknown_token=found["unknown"])


def _texts(metadata: Mapping[str, Any], key: str) -> list[str]:
    texts = metadata.get(PREFIX + key)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(
            f"the file has no list of texts {PREFIX + key!r}, and its tokenizer needs it"
        )
    return texts


def _numbers(metadata: Mapping[str, Any], key: str, count: int) -> list[Any]:
    """A list with a number for each token, or an empty one if there is none."""
    numbers = metadata.get(PREFIX + key) or []
    if not isinstance(numbers, list) or not all(isinstance(n, int | float) for n in numbers):
        raise ValueError(f"the file's {PREFIX + key!r} is no list of numbers")
    if numbers and len(numbers) != count:
        raise ValueError(f"the file has {count} tokens, but {len(numbers)} of {PREFIX + key!r}")
    return numbers


def _merge(text: str, ids: Mapping[str, int]) -> tuple[int, int, int]:
    left, space, right = text.partition(" ")
    if not space or left not in ids or right not in ids or left + right not in ids:
        raise ValueError(f"the file's merge {text!r} does not join two of its tokens to a third")
    return ids[left], ids[right], ids[left + right]
