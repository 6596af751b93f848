"""How a byte-level BPE came to its tokens: merge by merge, and why a text was cut where it was.

    for step in trace(bpe, " lower"):
        step.pieces, step.chosen, step.candidates

Leaves out the pieces' cache and the fast twins, which give the same ids: this is the definition,
followed by hand.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from groundup.tokenizers.bpe import BPE, lookup
from groundup.tokenizers.definition import Definition
from groundup.tokenizers.normalize import normalize
from groundup.tokenizers.rules import cuts, words_for


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Two neighbours that may merge."""

    place: int
    """Which pair of the row: the pieces `place` and `place + 1`."""
    rank: int
    """How early the merge was learnt; the lowest goes first."""
    merged: int
    """The id the two become."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """The row of pieces at one moment, and what happens next."""

    ids: tuple[int, ...]
    pieces: tuple[bytes, ...]
    """The bytes of each id."""
    candidates: tuple[Candidate, ...]
    """Every pair that may merge, from left to right."""
    chosen: Candidate | None
    """The candidate of the lowest rank, the leftmost among equals; None when the piece is done."""


@dataclass(frozen=True, kw_only=True)
class Explained:
    """One piece of a text and how it got its ids."""

    text: str
    start: int
    end: int
    """Its place in the normalised text."""
    rule: str
    """The alternative of the regular expression that cut it off, or "" where none matched."""
    words: str
    """The rule in words, where it is one that is known."""
    ids: tuple[int, ...]
    pieces: tuple[bytes, ...]
    merges: int
    """How many merges were made; 0 where the piece is one byte, or was taken whole at once."""
    whole: bool
    """Whether the piece is one token."""


def trace(bpe: BPE, piece: str) -> list[Step]:
    """Every merge of one piece, as pre-tokenization leaves it, from its bytes to its tokens.

    The last step has nothing left to choose; its ids are those of the piece. A piece that is a
    token has one step, where the vocabulary takes such pieces whole. Bytes that the vocabulary
    lacks are left out. Time is O(n²): it is for looking at words, not for corpora.
    """
    definition, data = bpe.definition, piece.encode()
    ids = {data: token for token, data in definition.tokens.items()}
    if definition.whole_first and data in ids:
        return [_step(definition, [ids[data]], [])]
    row = [ids[byte] for i in range(len(data)) if (byte := data[i : i + 1]) in ids]
    find, steps = lookup(definition), []
    while True:
        steps.append(_step(definition, row, _candidates(row, find)))
        if (chosen := steps[-1].chosen) is None:
            return steps
        row[chosen.place : chosen.place + 2] = [chosen.merged]


def explain(bpe: BPE, text: str) -> list[Explained]:
    """Each piece of a text: the rule that cut it off, its tokens, and how many merges made them.

    Names of special tokens in the text are plain text.
    """
    definition, found = bpe.definition, []
    text = normalize(definition.normalizers, text)
    for start, end, rule in cuts(definition.patterns, text):
        steps = trace(bpe, text[start:end])
        found.append(
            Explained(
                text=text[start:end],
                start=start,
                end=end,
                rule=rule,
                words=words_for(rule),
                ids=steps[-1].ids,
                pieces=steps[-1].pieces,
                merges=len(steps) - 1,
                whole=len(steps[-1].ids) == 1,
            )
        )
    return found


def _step(definition: Definition, row: Sequence[int], candidates: Sequence[Candidate]) -> Step:
    return Step(
        ids=tuple(row),
        pieces=tuple(definition.tokens[token] for token in row),
        candidates=tuple(candidates),
        chosen=min(candidates, key=lambda candidate: candidate.rank, default=None),
    )


def _candidates(
    row: Sequence[int], find: Callable[[int, int], tuple[int, int] | None]
) -> list[Candidate]:
    return [
        Candidate(place=place, rank=pair[0], merged=pair[1])
        for place, (left, right) in enumerate(pairwise(row))
        if (pair := find(left, right))
    ]
