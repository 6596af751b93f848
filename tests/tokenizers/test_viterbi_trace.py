"""The trace of a lattice against every segmentation there is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.tokenizers.lattice import Lattice
from groundup.tokenizers.viterbi_trace import trace_viterbi

SCORES = {"a": -1.0, "b": -2.25, "ab": -2.5, "ba": -3.125, "aba": -3.75, "abab": -5.0625}
UNKNOWN = -10.0


def every_way(text):
    """All segmentations as (pieces, log probability)."""
    if not text:
        yield (), 0.0
    for end in range(1, len(text) + 1):
        piece = text[:end]
        score = SCORES.get(piece, UNKNOWN if end == 1 else None)
        if score is not None:
            for rest, more in every_way(text[end:]):
                yield (piece, *rest), score + more


def follow(places):
    pieces, at = [], len(places)
    while at:
        (winner,) = [arrival for arrival in places[at - 1] if arrival.wins]
        pieces.append(winner.piece)
        at = winner.start
    return tuple(pieces[::-1])


@given(text=st.text("abx", min_size=1, max_size=8))
def test_winners_lead_to_the_best_of_all_ways(text):
    places = trace_viterbi(Lattice(text, SCORES, longest=4, unknown=UNKNOWN))
    ways = dict(every_way(text))
    assert ways[follow(places)] == pytest.approx(max(ways.values()))
    total = math.fsum(math.exp(score) for score in ways.values())
    for end, arrivals in enumerate(places, start=1):
        for arrival in arrivals:
            assert arrival.end == end
            assert arrival.piece == text[arrival.start : end]
            assert arrival.is_known == (arrival.piece in SCORES)
            before = max(score for _, score in every_way(text[: arrival.start]))
            assert arrival.total == pytest.approx(before + arrival.score)
            using = [
                math.exp(score)
                for pieces, score in ways.items()
                if any(
                    len("".join(pieces[:i])) == arrival.start and piece == arrival.piece
                    for i, piece in enumerate(pieces)
                )
            ]
            assert arrival.probability == pytest.approx(math.fsum(using) / total)


def test_a_trace_as_it_is_read():
    places = trace_viterbi(Lattice("abax", SCORES, longest=4, unknown=UNKNOWN))
    assert [[(a.piece, a.total, a.wins) for a in arrivals] for arrivals in places] == [
        [("a", -1.0, True)],
        [("ab", -2.5, True), ("b", -3.25, False)],
        [("aba", -3.75, False), ("ba", -4.125, False), ("a", -3.5, True)],
        [("x", -13.5, True)],
    ]
    assert [a.piece for arrivals in places for a in arrivals if a.is_best] == ["ab", "a", "x"]
    assert not places[3][0].is_known
    assert trace_viterbi(Lattice("", SCORES, longest=4, unknown=UNKNOWN)) == []
