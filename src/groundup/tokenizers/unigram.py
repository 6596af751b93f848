"""Unigram: every piece has a probability, and a text is cut into the pieces most probable together.

Unlike BPE it keeps no order of merges: all segmentations compete, the best is found by Viterbi, and
others can be drawn at random, so that a model sees the same word cut in several ways.

Source: Kudo (2018), "Subword Regularization"; details as in sentencepiece, Kudo and Richardson
(2018). Of equally good segmentations the one whose last piece is longest is taken.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from groundup.observe.progress import Progress, silent
from groundup.tokenizers import unigram_json
from groundup.tokenizers.aligned import Span
from groundup.tokenizers.lattice import Dice, Edge
from groundup.tokenizers.normalize import Normalizer, normalize
from groundup.tokenizers.pieces import PieceTokenizer, Segment
from groundup.tokenizers.pre_tokenize import Metaspace, pre_tokenize
from groundup.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer
from groundup.tokenizers.tokenizer import Names, checked
from groundup.tokenizers.unigram_definition import BYTE_TOKENS, FLOOR, UnigramDefinition, single
from groundup.tokenizers.unigram_training import (
    DEFAULTS,
    UnigramTraining,
    count_words,
    train_pieces,
)
from groundup.tokenizers.words import check_special_tokens

if TYPE_CHECKING:
    from groundup.tokenizers.fast_unigram import Array, Encoder

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
"""End of a document, start and end of a chat message; they get the first ids."""
_SHARE = 1 << 19  # characters
UNKNOWN_TOKEN = "<unk>"
"""Stands for characters that are no piece, where there is no byte fallback."""


class Unigram(PieceTokenizer):
    """A Unigram tokenizer; make one with `train` or `load`.

    `decode` of a text's ids is the normalised text, if every character is a piece or has bytes to
    fall back on.
    """

    def __init__(self, definition: UnigramDefinition) -> None:
        super().__init__(definition)
        self.definition = definition
        self.drops_first_space = definition.drops_first_space
        if definition.unknown_id is not None and definition.unknown_surface is not None:
            self.keeps_first_space_of = (definition.unknown_id,)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_encoder"}

    @classmethod
    def train(
        cls,
        texts: Iterable[str | Path],
        *,
        vocab_size: int = 8000,
        special_tokens: Sequence[str] = SPECIAL_TOKENS,
        character_coverage: float = 0.9995,
        byte_fallback: bool = True,
        normalizers: Sequence[Normalizer] = (),
        options: UnigramTraining = DEFAULTS,
        progress: Progress = silent,
    ) -> Self:
        """Learn a vocabulary: special tokens first, `<unk>`, bytes to fall back on, then pieces.

        `character_coverage`: the share of all characters that must be pieces; the rarest others
        are left to the bytes, or unknown. The result does not depend on the texts' order. It may
        have fewer than `vocab_size` tokens if the texts hold too little. Raises ValueError if
        `vocab_size` has no room for what must be in, or the texts hold nothing.
        """
        if not 0 < character_coverage <= 1:
            raise ValueError(f"character_coverage is {character_coverage}; wanted 0 < it <= 1")
        names = list(special_tokens)
        names += [] if UNKNOWN_TOKEN in names else [UNKNOWN_TOKEN]
        rest = BYTE_TOKENS * byte_fallback
        check_special_tokens(names, vocab_size, needed=len(rest) + 1)
        pieces = train_pieces(
            count_words(texts, normalizers, space_runs=options.space_runs, progress=progress),
            vocab_size=vocab_size,
            reserved=len(names) + len(rest),
            coverage=character_coverage,
            options=options,
            progress=progress,
        )
        ids = {name: i for i, name in enumerate(names)}
        pieces = [(piece, score) for piece, score in pieces if piece not in (*names, *rest)]
        first = len(names) + len(rest)
        vocabulary = {name: i for i, name in enumerate(rest, start=len(names))}
        vocabulary |= {piece: i for i, (piece, _) in enumerate(pieces, start=first)}
        return cls(
            UnigramDefinition(
                special_tokens=ids,
                end_token=next((name for name in names if name != UNKNOWN_TOKEN), None),
                normalizers=(
                    *normalizers,
                    SentencePieceNormalizer(remove_extra_whitespaces=False),
                ),
                vocabulary=vocabulary,
                scores={i: score for i, (_, score) in enumerate(pieces, start=first)},
                unknown=UNKNOWN_TOKEN,
                byte_fallback=byte_fallback,
            )
        )

    # Text to ids

    def encode_piece(self, piece: str) -> list[Segment]:
        """The ids of the best segmentation, in order, each with the characters it stands for."""
        tokens, spans = self._search([piece])
        return [Segment(*found) for found in zip(tokens, *zip(*spans, strict=True), strict=True)]

    def plain_piece(self, piece: str) -> list[Segment]:
        """The same, by the plain `Lattice`."""
        lattice = self.definition.lattice(piece)
        is_single = self.definition.single_precision
        best = lattice.best(rounded=single, floor=FLOOR) if is_single else lattice.best()
        return self._segments(best.edges, piece)

    def _segments(self, edges: Iterable[Edge], piece: str) -> list[Segment]:
        """Edges as ids: unknown characters as their bytes, or one for each row of them."""
        segments: list[Segment] = []
        for edge in edges:
            text = piece[edge.start : edge.end]
            if edge.is_known:
                segments.append(Segment(self.definition.vocabulary[text], edge.start, edge.end))
            elif self.definition.byte_fallback:
                tokens = [self.definition.vocabulary[BYTE_TOKENS[byte]] for byte in text.encode()]
                segments += [Segment(token, edge.start, edge.end) for token in tokens]
            else:
                unknown = self._unknown(text)
                if segments and segments[-1].token == unknown:
                    segments[-1] = Segment(unknown, segments[-1].start, edge.end)
                else:
                    segments.append(Segment(unknown, edge.start, edge.end))
        return segments

    def _unknown(self, text: str) -> int:
        if self.definition.unknown_id is None:
            raise ValueError(
                f"{text!r} is no piece, and this vocabulary has no unknown token; "
                "train on texts that hold it, or with byte_fallback"
            )
        return self.definition.unknown_id

    def _encode_text(self, text: str, *, first: bool) -> list[int]:
        return self._encode_to_array(text, first=first).tolist()  # type: ignore[no-any-return]

    def _encode_to_array(self, text: str, *, first: bool) -> "Array":
        data, bounds = self._stretches(text, first=first)
        tokens, _ = self._encoder.encode(data, bounds)
        return self._ids(tokens, data)

    def encode_batch(
        self,
        texts: Iterable[str],
        *,
        threads: int = 1,
        allowed_special: Names = frozenset(),
        add_special_tokens: bool = False,
    ) -> "list[Array]":
        """The ids of many texts, each an array; `threads` texts at a time."""
        if allowed_special or add_special_tokens or self.frame.added_tokens:
            return super().encode_batch(
                texts,
                threads=threads,
                allowed_special=allowed_special,
                add_special_tokens=add_special_tokens,
            )
        encoder = self._encoder  # made once, by this thread

        def encode(some: Sequence[str]) -> "list[Array]":
            plain = (normalize(self.frame.normalizers, checked(text)) for text in some)
            stretches = [self._stretches(text, first=True) for text in plain]
            data = b"".join([text for text, _ in stretches])
            return encoder.encode_all(stretches, lambda tokens: self._ids(tokens, data))

        if threads < 2:
            return [ids for some in _shares(texts) for ids in encode(some)]
        with ThreadPoolExecutor(threads) as pool:
            return [ids for found in pool.map(encode, _shares(texts)) for ids in found]

    def _stretches(self, text: str, *, first: bool) -> "tuple[bytes, Array | None]":
        """The text as UTF-8, and where its pieces begin and the last one ends; None: it is one."""
        match self.frame.pre_tokenizers:
            case ():
                return text.encode(), None
            case (Metaspace(split=True, replacement="▁") as step,):
                [text] = Metaspace("▁", step.prepend_scheme, split=False)(text, first=first)
                return _cut_at_spaces(text.encode())
        pieces = [p.encode() for p in pre_tokenize(self.frame.pre_tokenizers, text, first=first)]
        return b"".join(pieces), np.cumsum([0, *map(len, pieces)])

    def _ids(self, tokens: "Array", data: bytes) -> "Array":
        """The tokens with the unknown token's id in its place."""
        unknown = tokens < 0
        if unknown.any():
            tokens[unknown] = self._unknown(
                "a character of " + repr(data[:40].decode(errors="replace"))
            )
        return tokens

    def _search(self, pieces: Sequence[str]) -> tuple[list[int], list[Span]]:
        """The ids of pieces, and the span of each in their joined text."""
        data = "".join(pieces).encode()
        bounds = np.cumsum([0, *(len(piece.encode()) for piece in pieces)])
        tokens, ends = self._encoder.encode(data, bounds)
        # Where each byte's character ends, counted in characters.
        leads = np.frombuffer(data, np.uint8) & 0xC0 != 0x80
        places = np.cumsum(leads)[ends - 1].tolist()
        starts = [0]
        for before, after in pairwise(places):
            starts.append(before if after > before else starts[-1])
        return self._ids(tokens, data).tolist(), list(zip(starts, places, strict=False))

    @cached_property
    def _encoder(self) -> "Encoder":
        from groundup.tokenizers.fast_unigram import Encoder

        return Encoder(self.definition)

    # Other segmentations

    def n_best(self, text: str, n: int) -> list[tuple[list[int], float]]:
        """The n most probable segmentations of a text, the best first, with log probabilities.

        Takes n times the time and memory of one, in plain Python: meant for sentences. The text is
        one piece; special tokens' names in it are plain text. Raises ValueError if n is below 1.
        """
        if n < 1:
            raise ValueError(f"n is {n}; at least 1 segmentation can be asked for")
        text = self._whole(text)
        ways = self.definition.lattice(text).n_best(n)
        return [([s.token for s in self._segments(way.edges, text)], way.score) for way in ways]

    def sample(self, text: str, alpha: float, rng: Dice, n: int | None = None) -> list[int]:
        """The ids of a segmentation drawn with probability ∝ P^alpha: of all, or of the n best.

        alpha 0 makes all alike, 1 is the model's own distribution, a large one the best. Raises
        ValueError if alpha is negative or n below 1.
        """
        if not alpha >= 0:
            raise ValueError(f"alpha is {alpha}; wanted 0 or more")
        if n is not None:
            ways = self.n_best(text, n)
            weights = [float(np.exp(alpha * (score - ways[0][1]))) for _, score in ways]
            left = rng.random() * sum(weights)
            for (ids, _), weight in zip(ways, weights, strict=True):
                left -= weight
                if left < 0:
                    return ids
            return ways[-1][0]
        text = self._whole(text)
        edges = self.definition.lattice(text).sample(rng, alpha)
        return [segment.token for segment in self._segments(edges, text)]

    def _whole(self, text: str) -> str:
        return "".join(
            pre_tokenize(self.frame.pre_tokenizers, normalize(self.frame.normalizers, text))
        )

    # Ids to text

    def _bytes_of_ids(self) -> dict[int, bytes]:
        definition = self.definition
        data = {
            token: (text.replace(definition.space, " ") if definition.space else text).encode()
            for text, token in definition.vocabulary.items()
        }
        if definition.byte_fallback:
            data |= {definition.vocabulary[t]: bytes([byte]) for byte, t in enumerate(BYTE_TOKENS)}
        data |= {t: n.encode() for n, t in (self.special_tokens | definition.added_tokens).items()}
        if definition.unknown_id is not None and definition.unknown_surface is not None:
            data[definition.unknown_id] = definition.unknown_surface.encode()
        return data

    # Files

    def to_json(self) -> dict[str, Any]:
        """The contents of tokenizer.json."""
        return unigram_json.to_json(self.definition)

    @classmethod
    def from_json(cls, data: dict[str, Any], config: dict[str, Any]) -> Self:
        """The inverse of `to_json`; `config` is what tokenizer_config.json holds."""
        return cls(unigram_json.from_json(data, config))


def _shares(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts in shares of about a megabyte: a call of the kernel costs some microseconds."""
    share: list[str] = []
    size = 0
    for text in texts:
        share.append(text)
        size += len(text)
        if size >= _SHARE:
            yield share
            share, size = [], 0
    if share:
        yield share


def _cut_at_spaces(data: bytes) -> "tuple[bytes, Array]":
    """Bounds at each "▁" of a UTF-8 text, as Metaspace splits it."""
    text = np.frombuffer(data, np.uint8)
    is_space = (text[:-2] == 0xE2) & (text[1:-1] == 0x96) & (text[2:] == 0x81)
    inside = np.flatnonzero(is_space[1:]) + 1
    return data, np.concatenate([[0], inside, [len(data)]])
