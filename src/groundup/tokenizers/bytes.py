"""One id a byte: nothing to learn, nothing unknown, and the longest sequences of all.

Any text is bytes of UTF-8, so 256 ids do for every language and for what is no text at all; a
Chinese character takes three of them. Source: Xue et al. (2022), ByT5, whose ids are ours if three
special tokens come first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

from groundup.observe.progress import Progress, silent
from groundup.tokenizers import bpe_json
from groundup.tokenizers.aligned import Span
from groundup.tokenizers.definition import Definition, Frame
from groundup.tokenizers.tokenizer import Tokenizer
from groundup.tokenizers.words import check_special_tokens


class Bytes(Tokenizer):
    """Bytes to ids: id `first_id + byte`.

    In a file it is a byte-level BPE without merges.
    """

    def __init__(self, frame: Frame, *, first_id: int = 0) -> None:
        """`first_id`: the id of byte 0. Raises ValueError if a special token has a byte's id."""
        super().__init__(frame)
        self.first_id = first_id
        self._names = {token: name for name, token in _names(frame).items()}
        if taken := [self._names[i] for i in range(first_id, first_id + 256) if i in self._names]:
            raise ValueError(f"the token {taken[0]!r} has the id of a byte")

    @classmethod
    def train(
        cls,
        texts: Iterable[str | Path] = (),
        *,
        vocab_size: int | None = None,
        special_tokens: Sequence[str] = (),
        progress: Progress = silent,
    ) -> Self:
        """The tokenizer with these special tokens; they get the first ids.

        There is nothing to learn, so the texts are not read: every kind is made in the same way.
        Raises ValueError if `vocab_size` has no room for 256 bytes.
        """
        size = len(special_tokens) + 256 if vocab_size is None else vocab_size
        check_special_tokens(special_tokens, size, needed=256)
        frame = Frame(special_tokens={name: i for i, name in enumerate(special_tokens)})
        return cls(frame, first_id=len(special_tokens))

    def _encode_text(self, text: str, *, first: bool) -> list[int]:
        return [self.first_id + byte for byte in text.encode()]

    def _spans(self, text: str, *, first: bool) -> list[Span]:
        return [
            (i, i + 1) for i, character in enumerate(text) for _ in range(len(character.encode()))
        ]

    def _bytes_of_ids(self) -> dict[int, bytes]:
        own = {self.first_id + byte: bytes([byte]) for byte in range(256)}
        return own | {token: name.encode() for token, name in self._names.items()}

    def to_json(self) -> dict[str, Any]:
        """The contents of tokenizer.json."""
        tokens = {self.first_id + byte: bytes([byte]) for byte in range(256)}
        frame = vars(self.frame)
        return bpe_json.to_json(Definition(**frame, tokens=tokens, merges=[], patterns=()))

    @classmethod
    def from_json(cls, data: dict[str, Any], config: dict[str, Any]) -> Self:
        """The inverse of `to_json`; `config` is what tokenizer_config.json holds."""
        definition = bpe_json.from_json(data, config)
        if not is_bytes(definition):
            raise ValueError("its tokens are not the 256 bytes in their order and nothing else")
        frame = {field.name: getattr(definition, field.name) for field in fields(Frame)}
        return cls(Frame(**frame), first_id=min(definition.tokens))


def is_bytes(definition: Definition) -> bool:
    """Whether a byte-level BPE has no merges, and the bytes' ids rise with the bytes."""
    tokens = sorted(definition.tokens.items())
    first = tokens[0][0] if tokens else 0
    return not definition.merges and tokens == [(first + i, bytes([i])) for i in range(256)]


def _names(frame: Frame) -> dict[str, int]:
    return frame.special_tokens | frame.added_tokens
