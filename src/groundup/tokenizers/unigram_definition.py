"""What a Unigram tokenizer is, as plain data: pieces, their log probabilities, the unknown."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from groundup.tokenizers.definition import Frame
from groundup.tokenizers.lattice import Lattice

UNKNOWN_PENALTY = 10.0
"""How much less probable an unknown character is than the least probable piece, as a logarithm."""
FLOOR = -1e5
"""Sums in single precision are counted from 0 again below this, as SentencePiece does (0.2.3)."""
LONGEST_PIECE = 512
"""Characters; encoding takes time in proportion."""


@dataclass(frozen=True, kw_only=True)
class UnigramDefinition(Frame):
    """A Unigram tokenizer: its tokens, their scores, and what is done with unknown characters.

    Raises ValueError if there are no tokens, two of them share an id, a score is not finite or for
    no token, the unknown token is none, or a piece is empty, too long or holds a lone surrogate.
    """

    vocabulary: dict[str, int]
    """Ordinary tokens, text to id; with byte fallback `<0x00>` to `<0xFF>` are among them."""
    scores: dict[int, float]
    """The log probability of each piece by id. Tokens without one are never made of a text."""
    unknown: str | None = None
    """The token for characters that are no piece; without one they are an error."""
    unknown_surface: str | None = None
    """What the unknown token is decoded to, as SentencePiece's " ⁇ "; None: its own text."""
    byte_fallback: bool = False
    """Whether such characters become the tokens of their UTF-8 bytes."""
    kept: tuple[str, ...] = ()
    """Pieces that go before all others, as SentencePiece's user-defined ones."""
    single_precision: bool = False
    """Whether sums are rounded as SentencePiece rounds them. That decides between segmentations
    that are (nearly) equally good; Hugging Face's library adds in double precision."""
    space: str = "▁"
    """What a space is in tokens; "" if spaces are spaces."""
    drops_first_space: bool = True
    """Whether decoding leaves out a space in front, which normalisation put there."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.vocabulary:
            raise ValueError("a Unigram vocabulary is empty; it needs at least one token")
        ids = list(self.vocabulary.values())
        if len(set(ids)) < len(ids) or min(ids) < 0:
            raise ValueError("tokens share an id, or have one below 0; each needs its own")
        for token, score in self.scores.items():
            if not math.isfinite(score):
                raise ValueError(f"token {token} has the score {score}; wanted a finite number")
        if unknown_ids := self.scores.keys() - set(ids):
            raise ValueError(f"there is a score for {min(unknown_ids)}, which is no token's id")
        named = self.vocabulary.keys() | self.special_tokens.keys()
        for what, names in (("unknown token", [self.unknown]), ("kept piece", self.kept)):
            for name in names:
                if name is not None and name not in named:
                    raise ValueError(f"the {what} {name!r} is not in the vocabulary")
        self._check_bytes()
        self._check_texts(self.pieces)

    def _check_bytes(self) -> None:
        if self.byte_fallback and (missing := set(BYTE_TOKENS) - self.vocabulary.keys()):
            raise ValueError(
                f"byte fallback needs a token for every byte; {min(missing)} is missing"
            )

    def _check_texts(self, texts: Iterable[str]) -> None:
        for text in texts:
            if not 0 < len(text) <= LONGEST_PIECE:
                raise ValueError(f"a piece has {len(text)} characters; wanted 1 to {LONGEST_PIECE}")
            try:
                text.encode()
            except UnicodeEncodeError as problem:
                raise ValueError(f"the piece {text!r} holds a lone surrogate") from problem

    @cached_property
    def pieces(self) -> dict[str, float]:
        """What a text may be cut into: each piece with its log probability."""
        scored = {t: self.scores[i] for t, i in self.vocabulary.items() if i in self.scores}
        best = max([0.0, *scored.values()])
        # So high that, whatever else the same bytes could be, nothing beats it: as SentencePiece.
        kept = {text: len(text.encode()) * best - 0.1 for text in self.kept}
        if self.single_precision:
            scored = {text: single(score) for text, score in scored.items()}
        return scored | kept

    @cached_property
    def unknown_score(self) -> float:
        """The log probability of a character that is no piece."""
        kept = set(self.kept)
        scored = (score for text, score in self.pieces.items() if text not in kept)
        lowest = min(scored, default=0.0) - UNKNOWN_PENALTY
        return single(lowest) if self.single_precision else lowest

    @cached_property
    def longest(self) -> int:
        """The most characters a piece has."""
        return max(map(len, self.pieces), default=1)

    @cached_property
    def unknown_id(self) -> int | None:
        """The unknown token's id."""
        return (
            None if self.unknown is None else (self.vocabulary | self.special_tokens)[self.unknown]
        )

    def lattice(self, text: str) -> Lattice:
        """All ways of writing a text as pieces."""
        return Lattice(text, self.pieces, longest=self.longest, unknown=self.unknown_score)


BYTE_TOKENS = tuple(f"<0x{byte:02X}>" for byte in range(256))
"""The names of the tokens for bytes."""


def single(score: float) -> float:
    """The nearest number that single precision has."""
    return float(np.float32(score))
