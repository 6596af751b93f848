"""One id a character: a small vocabulary, long sequences, and no word is unknown.

A text of this kind is about five times as long in ids as with byte-pair encoding, and attention's
cost grows with the square of that. What is unknown is only a character the training texts lacked.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from groundup.observe.progress import Progress, silent
from groundup.tokenizers.aligned import Span
from groundup.tokenizers.normalize import Normalizer
from groundup.tokenizers.pre_tokenize import EACH_CHARACTER, PreTokenizer
from groundup.tokenizers.tokenizer_json import Json
from groundup.tokenizers.words import UNKNOWN_TOKEN, Words


class Characters(Words):
    """Characters to ids, by a table."""

    drops_first_space = False
    _between = b""
    _decoder: ClassVar[Json | None] = {"type": "Fuse"}

    @classmethod
    def train(
        cls,
        texts: Iterable[str | Path],
        *,
        vocab_size: int,
        special_tokens: Sequence[str] = (UNKNOWN_TOKEN,),
        unknown: str = UNKNOWN_TOKEN,
        min_frequency: int = 1,
        normalizers: Sequence[Normalizer] = (),
        pre_tokenizers: Sequence[PreTokenizer] = (EACH_CHARACTER,),
        progress: Progress = silent,
    ) -> Self:
        """A tokenizer with the most frequent characters of texts, or of files.

        Special tokens get the first ids, then the most frequent character comes first.
        Raises ValueError if `vocab_size` has no room for a character.
        """
        return super().train(
            texts,
            vocab_size=vocab_size,
            special_tokens=special_tokens,
            unknown=unknown,
            min_frequency=min_frequency,
            normalizers=normalizers,
            pre_tokenizers=pre_tokenizers,
            progress=progress,
        )

    def _encode_text(self, text: str, *, first: bool) -> list[int]:
        ids = [self._id(character) for character in text]
        return [token for token in ids if token is not None]

    def _spans(self, text: str, *, first: bool) -> list[Span]:
        known = [i for i, character in enumerate(text) if self._id(character) is not None]
        return [(i, i + 1) for i in known]

    @classmethod
    def from_json(cls, data: dict[str, Any], config: dict[str, Any]) -> Self:
        """The inverse of `to_json`; `config` is what tokenizer_config.json holds."""
        tokenizer = super().from_json(data, config)
        if tokenizer.frame.pre_tokenizers != (EACH_CHARACTER,):
            raise ValueError("its pre-tokenizer does not cut a text into its characters")
        return tokenizer
