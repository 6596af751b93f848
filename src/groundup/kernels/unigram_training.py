"""The fast twin of Unigram training (`groundup.tokenizers.unigram_training`).

The words are numbers, one after the other; a suffix array finds the seed pieces and all their
occurrences at once, and from then on training is a few passes over these (`unigram_edges`).
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np

from groundup.kernels.suffix_array import shared_prefixes, sort_suffixes
from groundup.kernels.unigram_edges import (
    best_counts,
    drop_edges,
    expected_counts,
    lay_edges,
    losses,
    repeats,
)
from groundup.kernels.word_runs import add_characters, cut_runs, join_runs, unique_runs

_TURN = 1 << 16  # words that are taken at a time


class Words(NamedTuple):
    """Different words with their counts, their characters as dense numbers."""

    codes: np.ndarray
    """All words' characters, one after the other: places in the alphabet."""
    bounds: np.ndarray
    """Word w is `codes[bounds[w]:bounds[w + 1]]`."""
    counts: np.ndarray
    alphabet: np.ndarray
    """The code points, rising."""

    def character_counts(self) -> list[tuple[str, int]]:
        """How often each character occurs: (character, count), by code point."""
        sums = np.zeros(len(self.alphabet), np.int64)
        add_characters(self.codes, self.bounds, self.counts, sums)
        return list(zip(map(chr, self.alphabet.tolist()), sums.tolist(), strict=True))

    def cut(self, classes: Mapping[str, int]) -> "Words":
        """The words cut where the class of characters changes, see `word_runs`."""
        table = np.array([classes[chr(c)] for c in self.alphabet.tolist()], np.int16)
        starts, ends, counts = cut_runs(self.codes, self.bounds, self.counts, table)
        firsts, counts = unique_runs(self.codes, starts, ends, counts)
        codes, bounds = join_runs(self.codes, starts[firsts], ends[firsts])
        # In alphabetical order, so that sums do not depend on that of the texts.
        points = self.alphabet[codes].astype(np.uint32).tobytes().decode("utf-32-le")
        texts = [points[start:end] for start, end in pairwise(bounds.tolist())]
        order = np.array(sorted(range(len(texts)), key=texts.__getitem__), np.int64)
        codes, bounds = join_runs(codes, bounds[:-1][order], bounds[1:][order])
        return Words(codes, bounds, counts[order], self.alphabet)


def gather(words: Mapping[str, int]) -> Words:
    """Words and their counts as arrays."""
    bounds = np.zeros(len(words) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, words), np.int64, len(words)), out=bounds[1:])
    codes = np.empty(bounds[-1], np.int32)
    places = np.zeros(0x110000, np.int32)
    texts, ends = iter(words), [0]
    while some := "".join(islice(texts, _TURN)):
        points = np.frombuffer(some.encode("utf-32-le"), np.uint32)
        ends.append(ends[-1] + len(points))
        codes[ends[-2] : ends[-1]] = points
        places[points] = 1
    alphabet = np.flatnonzero(places)
    places[alphabet] = np.arange(len(alphabet))
    for start, end in pairwise(ends):
        codes[start:end] = places[codes[start:end]]
    counts = np.fromiter(words.values(), np.int64, len(words))
    return Words(codes, bounds, counts, alphabet)


class Pieces:
    """The pieces that are still in, in alphabetical order, and all their occurrences."""

    def __init__(self, words: Words, longest: int, seeds: int) -> None:
        ends = np.repeat(words.bounds[1:], np.diff(words.bounds))
        weights = np.repeat(words.counts, np.diff(words.bounds))
        order = sort_suffixes(words.codes, ends, longest)
        shared = shared_prefixes(words.codes, ends, order, longest)
        found = [
            (*repeats(order, shared, ends, weights, length, longest), length)
            for length in range(1, longest + 1)
        ]
        firsts, lasts, counts = (np.concatenate([f[i] for f in found]) for i in range(3))
        lengths = np.repeat(np.arange(1, longest + 1), [len(f[0]) for f in found])
        score = counts * lengths
        best = np.lexsort((lengths, firsts, -score, lengths > 1))
        best = best[: np.count_nonzero(lengths == 1) + seeds]
        best = best[np.lexsort((lengths[best], firsts[best]))]
        self.words = words
        self.lengths = lengths[best].astype(np.int32)
        self.places = order[firsts[best]]
        self.scores = np.log(score[best] / score[best].sum())
        self.begins, self.edges = lay_edges(order, firsts[best], lasts[best])

    def __len__(self) -> int:
        return len(self.scores)

    def step(self) -> None:
        """One round of EM, `maximise`."""
        words = self.words
        counts, _ = expected_counts(
            self.begins, self.edges, self.lengths, words.bounds, words.counts, self.scores
        )
        kept = counts.astype(np.float32) >= 0.5
        self.keep(kept)
        self.scores = digamma(counts[kept]) - digamma(counts[kept].sum())

    def prune(self, size: int) -> None:
        """Keep the pieces whose removal would cost most, `prune`."""
        words, lattice = self.words, (self.begins, self.edges, self.lengths)
        found = best_counts(*lattice, words.bounds, words.counts, self.scores)
        loss = losses(*lattice, self.places, self.scores, found).astype(np.float32)
        best = np.argsort(-loss, kind="stable")
        room = max(size, int(np.count_nonzero(loss == np.inf)))
        kept = np.zeros(len(self), np.bool_)
        kept[best[:room]] = True
        self.keep(kept & (loss > -np.inf))

    def keep(self, kept: np.ndarray) -> None:
        """Drop the other pieces."""
        renamed = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
        self.begins, self.edges = drop_edges(self.begins, self.edges, renamed)
        self.lengths, self.places = self.lengths[kept], self.places[kept]
        self.scores = self.scores[kept]

    def texts(self) -> Sequence[str]:
        """The pieces themselves."""
        points = self.words.alphabet[self.words.codes].astype(np.uint32)
        return [
            points[place : place + length].tobytes().decode("utf-32-le")
            for place, length in zip(self.places, self.lengths, strict=True)
        ]


def digamma(x: np.ndarray) -> np.ndarray:
    """The slope of log Γ, for x > 0: climb to 7 by ψ(x) = ψ(x + 1) - 1/x, then a series in 1/x²."""
    x = np.array(x, dtype=np.float64)
    result = np.zeros_like(x)
    while np.any(x < 7):
        small = x < 7
        result = result - np.where(small, 1 / x, 0)
        x = np.where(small, x + 1, x)
    inverse = 1 / x**2
    series = inverse * (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse / 240)))
    found: np.ndarray = result + np.log(x) - 0.5 / x - series
    return found


def kernels() -> tuple[Any, ...]:
    """All that is compiled for training."""
    return (
        *(sort_suffixes, shared_prefixes, repeats, lay_edges, drop_edges),
        *(expected_counts, best_counts, losses, cut_runs, join_runs, unique_runs, add_characters),
    )


def learn_pieces(
    words: Words, *, size: int, options: Any, advance: Callable[..., None]
) -> dict[str, float]:
    """The twin of the plain `learn_pieces`."""
    pieces = Pieces(words, options.max_piece_length, options.seed_size)
    wanted = int(1.1 * size)
    while True:
        for _ in range(options.sub_iterations):
            pieces.step()
            advance(note=f"{len(pieces):,} pieces")
        before = len(pieces)
        if before > wanted:
            pieces.prune(max(wanted, int(options.shrinking_factor * before)))
        if before <= wanted or len(pieces) == before:
            return dict(zip(pieces.texts(), pieces.scores.tolist(), strict=True))
