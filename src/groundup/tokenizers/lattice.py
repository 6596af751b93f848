"""All ways of writing a text as pieces, and the best, the n best, a random one, and all at once.

Each piece has a log probability, and a segmentation's is the sum of its pieces' (a unigram model:
no piece knows its neighbours). A way through the lattice is a segmentation:

    best        max over ways, by Viterbi (1967), O(characters * longest piece)
    n best      the same with n ways kept at each place
    sample      P(way)^alpha / Z, forward filtering, backward sampling
    marginals   P(an edge is on the way), forward-backward, Baum et al. (1970)

Source: Kudo (2018), sections 3.1 to 3.3.
"""

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

TIE = 1e-9
"""Log probabilities that differ by less count as equal in training, so that rounding decides
nothing."""


class Dice(Protocol):
    """Random numbers, as `random.Random` and NumPy's generators give them."""

    def random(self) -> float:
        """A number of [0, 1)."""
        ...


class Edge(NamedTuple):
    """A piece that stands at the characters `text[start:end]`."""

    start: int
    end: int
    score: float
    """Its log probability."""
    is_known: bool = True
    """False: no piece, but a character that no piece of one character stands for."""


class Way(NamedTuple):
    """A segmentation and its log probability."""

    score: float
    edges: list[Edge]


class Lattice:
    """The edges of one text; places are 0 (before it) to `len(text)` (behind it).

    `scores`: the log probability of each piece; `longest`: the most characters one has;
    `unknown`: the log probability of a character that is no piece by itself.
    """

    def __init__(
        self, text: str, scores: Mapping[str, float], *, longest: int, unknown: float
    ) -> None:
        self.text = text
        self.size = len(text)
        self.leaving: list[list[Edge]] = []
        for start in range(self.size):
            ends = range(start + 1, min(start + longest, self.size) + 1)
            found = [
                Edge(start, end, scores[piece])
                for end in ends
                if (piece := text[start:end]) in scores
            ]
            if not found or found[0].end > start + 1:
                found.insert(0, Edge(start, start + 1, unknown, is_known=False))
            self.leaving.append(found)

    def best(
        self,
        *,
        rounded: Callable[[float], float] = float,
        floor: float = -math.inf,
        tie: float = 0.0,
        without: str | None = None,
    ) -> Way:
        """The most probable segmentation; of equally good ones that with the longest last piece.

        `rounded` is what becomes of each sum, and a sum below `floor` is taken from itself and all
        others (sentencepiece adds in single precision, and counts anew where that gets coarse);
        a sum must be better than the one it replaces by more than `tie`; the piece `without` may
        not be used.
        """
        scores = [0.0] + [-math.inf] * self.size
        back: list[Edge | None] = [None] * (self.size + 1)
        for place, leaving in enumerate(self.leaving):
            if scores[place] < floor:
                scores[place:] = [rounded(score - scores[place]) for score in scores[place:]]
            for edge in leaving:
                score = rounded(scores[place] + edge.score)
                is_better = score > scores[edge.end] + tie
                if is_better and self.text[place : edge.end] != without:
                    scores[edge.end], back[edge.end] = score, edge
        edges: list[Edge] = []
        at: Edge | None = back[-1]
        while at:
            edges.append(at)
            at = back[at.start]
        return Way(scores[-1], edges[::-1])

    def n_best(self, n: int) -> list[Way]:
        """The n most probable segmentations, the best first; fewer if there are no more."""
        # For each place the best ways there: (score, last edge, which of the ways to its start).
        ways: list[list[tuple[float, Edge | None, int]]] = [[] for _ in range(self.size + 1)]
        arriving = self._arriving()
        ways[0] = [(0.0, None, 0)]
        for place in range(1, self.size + 1):
            longer = (
                (score + edge.score, edge, rank)
                for edge in arriving[place]
                for rank, (score, _, _) in enumerate(ways[edge.start])
            )
            ways[place] = heapq.nlargest(n, longer, key=lambda way: way[0])
        return [Way(way[0], self._trace(ways, i)) for i, way in enumerate(ways[-1])]

    def _trace(
        self, ways: Sequence[Sequence[tuple[float, Edge | None, int]]], rank: int
    ) -> list[Edge]:
        edges: list[Edge] = []
        _, edge, rank = ways[-1][rank]
        while edge:
            edges.append(edge)
            _, edge, rank = ways[edge.start][rank]
        return edges[::-1]

    def sample(self, rng: Dice, alpha: float = 1.0) -> list[Edge]:
        """A segmentation drawn with probability ∝ P^alpha: 1 is the model's, 0 any alike."""
        forward = self._forward(alpha)
        arriving = self._arriving()
        edges: list[Edge] = []
        place = self.size
        while place > 0:
            left = rng.random()
            for edge in arriving[place]:
                left -= math.exp(forward[edge.start] + alpha * edge.score - forward[place])
                if left < 0:
                    break
            edges.append(edge)
            place = edge.start
        return edges[::-1]

    def marginals(self) -> tuple[list[tuple[Edge, float]], float]:
        """Each edge with the probability that it is on the way, and the text's log probability."""
        forward, backward = self._forward(1.0), [0.0] * (self.size + 1)
        for place in range(self.size - 1, -1, -1):
            leaving = self.leaving[place]
            backward[place] = _log_sum([edge.score + backward[edge.end] for edge in leaving])
        total = forward[-1]
        return [
            (edge, math.exp(forward[edge.start] + edge.score + backward[edge.end] - total))
            for leaving in self.leaving
            for edge in leaving
        ], total

    def _forward(self, alpha: float) -> list[float]:
        """For each place the log of the sum over all ways there of P^alpha."""
        forward = [0.0] * (self.size + 1)
        for place, edges in enumerate(self._arriving()[1:], start=1):
            forward[place] = _log_sum([forward[e.start] + alpha * e.score for e in edges])
        return forward

    def _arriving(self) -> list[list[Edge]]:
        arriving: list[list[Edge]] = [[] for _ in range(self.size + 1)]
        for edge in (edge for leaving in self.leaving for edge in leaving):
            arriving[edge.end].append(edge)
        return arriving


def _log_sum(logs: Sequence[float]) -> float:
    """Log Σ exp, where no term is too small for a float."""
    most = max(logs)
    return most + math.log(sum([math.exp(log - most) for log in logs]))
