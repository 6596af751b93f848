"""How a unigram model finds its best segmentation: what arrives at each place, and what wins there.

The twin of `groundup.tokenizers.trace` for vocabularies whose pieces have probabilities. Leaves out
ties: of equal totals the piece that begins first is shown as the winner.
"""

import math
from dataclasses import dataclass

from groundup.tokenizers.lattice import Lattice


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A piece that ends at a place."""

    piece: str
    start: int
    end: int
    """Its place in the text."""
    is_known: bool
    """False for a character that is no piece."""
    score: float
    """Its log probability."""
    total: float
    """Its score, and the best total of the place where it begins."""
    probability: float
    """That a segmentation drawn from the model uses it."""
    wins: bool
    """Whether no other piece that ends here has a higher total."""
    is_best: bool
    """Whether the best segmentation of the whole text uses it."""


def trace_viterbi(lattice: Lattice) -> list[list[Arrival]]:
    """For each place behind a character, the pieces that end there, the first to begin first.

    Following the winners back from the last place gives the best segmentation (`is_best`).
    """
    arriving: list[list[Arrival]] = [[] for _ in range(lattice.size + 1)]
    best = [0.0] + [-math.inf] * lattice.size
    on_best_way = {(edge.start, edge.end) for edge in lattice.best().edges}
    marginals = lattice.marginals()[0] if lattice.size else []
    for edge, probability in marginals:  # in order of their starts, so best[start] is final
        total = best[edge.start] + edge.score
        best[edge.end] = max(best[edge.end], total)
        arriving[edge.end].append(
            Arrival(
                piece=lattice.text[edge.start : edge.end],
                start=edge.start,
                end=edge.end,
                is_known=edge.is_known,
                score=edge.score,
                total=total,
                probability=probability,
                wins=False,
                is_best=(edge.start, edge.end) in on_best_way,
            )
        )
    return [_with_winner(arrivals) for arrivals in arriving[1:]]


def _with_winner(arrivals: list[Arrival]) -> list[Arrival]:
    winner = max(arrivals, key=lambda arrival: arrival.total)
    return [Arrival(**{**vars(arrival), "wins": arrival is winner}) for arrival in arrivals]
