"""The tokenizer inside a GGUF file: byte-level BPE from its metadata.

Source: the `tokenizer.ggml.*` keys of the GGUF specification; what each name of a pre-tokenization
cuts is llama.cpp's (llama-vocab.cpp). "default" says nothing, and is taken for GPT-2. Leaves out
SentencePiece ("llama"), WordPiece ("bert") and unigram ("t5") vocabularies.
"""

from collections.abc import Mapping
from typing import Any

from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.byte_alphabet import to_bytes
from groundup.tokenizers.definition import Definition
from groundup.tokenizers.normalize import Form
from groundup.tokenizers.split import DIGITS, GPT2, GPT4, QWEN2

_PATTERNS: dict[str, tuple[str, ...]] = {
    "default": (GPT2,),
    "gpt-2": (GPT2,),
    "smollm": (DIGITS, GPT2),
    "llama-bpe": (GPT4,),
    "qwen2": (QWEN2,),
}
_CONTROL, _USER_DEFINED = 3, 4
_PREFIX = "tokenizer.ggml."


def from_metadata(metadata: Mapping[str, Any]) -> BPE:
    """The tokenizer a GGUF file describes, with its chat template.

    Raises ValueError if the metadata describe another kind, or are not whole.
    """
    kind = metadata.get(_PREFIX + "model")
    if kind != "gpt2":
        raise ValueError(f"the file's tokenizer is of kind {kind!r}; only 'gpt2' (byte-level BPE)")
    pre = metadata.get(_PREFIX + "pre", "default")
    if pre not in _PATTERNS:
        raise ValueError(
            f"the file's pre-tokenization is {pre!r}; these are built: {', '.join(_PATTERNS)}"
        )
    names: list[str] = _texts(metadata, "tokens")
    kinds = metadata.get(_PREFIX + "token_type") or [1] * len(names)
    if len(kinds) != len(names):
        raise ValueError(f"the file has {len(names)} tokens, but {len(kinds)} kinds of tokens")
    special = {name: i for i, name in enumerate(names) if kinds[i] == _CONTROL}
    added = {name: i for i, name in enumerate(names) if kinds[i] == _USER_DEFINED}
    ids = {name: i for i, name in enumerate(names)}
    by_id = {i: name for name, i in special.items()}
    return BPE(
        Definition(
            tokens={i: to_bytes(t) for t, i in ids.items() if t not in special and t not in added},
            merges=[_merge(text, ids) for text in _texts(metadata, "merges")],
            patterns=_PATTERNS[pre],
            special_tokens=special,
            added_tokens=added,
            normalizers=(Form("NFC"),) if pre == "qwen2" else (),
            whole_first=pre == "llama-bpe",
            start_token=by_id.get(metadata.get(_PREFIX + "bos_token_id", -1)),
            end_token=by_id.get(metadata.get(_PREFIX + "eos_token_id", -1)),
            chat_template=metadata.get("tokenizer.chat_template"),
        )
    )


def _texts(metadata: Mapping[str, Any], key: str) -> list[str]:
    texts = metadata.get(_PREFIX + key)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(
            f"the file has no list of texts {_PREFIX + key!r}, and its tokenizer needs it"
        )
    return texts


def _merge(text: str, ids: Mapping[str, int]) -> tuple[int, int, int]:
    left, space, right = text.partition(" ")
    if not space or left not in ids or right not in ids or left + right not in ids:
        raise ValueError(f"the file's merge {text!r} does not join two of its tokens to a third")
    return ids[left], ids[right], ids[left + right]
