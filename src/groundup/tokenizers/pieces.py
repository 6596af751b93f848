"""Tokenizers whose model works on characters: normalise, cut into pieces, and a model for each.

A kind says how one piece becomes ids (`encode_piece`); the steps around it, and the way back from
an id to the characters it stands for, are the same for all.
"""

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from groundup.observe.progress import Progress, silent
from groundup.tokenizers.aligned import Aligned, Span
from groundup.tokenizers.normalize import Normalizer, normalize
from groundup.tokenizers.pre_tokenize import PreTokenizer, pre_tokenize, pre_tokenize_aligned
from groundup.tokenizers.texts import read_texts
from groundup.tokenizers.tokenizer import Tokenizer


class Segment(NamedTuple):
    """One id of a piece, and the characters `piece[start:end]` it stands for."""

    token: int
    start: int
    end: int


class PieceTokenizer(Tokenizer):
    """Joins the steps around a model that turns one piece of text into segments."""

    @abstractmethod
    def encode_piece(self, piece: str) -> Sequence[Segment]:
        """The ids of one piece, in order, each with the characters it stands for."""

    def pieces(self, text: str) -> list[str]:
        """The pieces the model sees of a text without special tokens."""
        return pre_tokenize(
            self.frame.pre_tokenizers, normalize(self.frame.normalizers, text), first=True
        )

    def _encode_text(self, text: str, *, first: bool) -> list[int]:
        return [
            segment.token
            for piece in pre_tokenize(self.frame.pre_tokenizers, text, first=first)
            for segment in self.encode_piece(piece)
        ]

    def _spans(self, text: str, *, first: bool) -> list[Span]:
        source = Aligned.of(text)
        return [
            piece.source(segment.start, segment.end)
            for piece in pre_tokenize_aligned(self.frame.pre_tokenizers, source, first=first)
            for segment in self.encode_piece(piece.text)
        ]


def count_pieces(
    texts: Iterable[str | Path],
    normalizers: Sequence[Normalizer],
    pre_tokenizers: Sequence[PreTokenizer],
    progress: Progress = silent,
) -> Counter[str]:
    """How often each piece occurs in texts (or files), after the same steps as in encoding."""
    counts = Counter[str]()
    with progress("counting pieces", unit="characters") as advance:
        for text in read_texts(texts):
            counts.update(pre_tokenize(pre_tokenizers, normalize(normalizers, text)))
            advance(len(text))
    return counts
