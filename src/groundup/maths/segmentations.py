"""In how many ways a vocabulary can spell a text: counted, listed, and drawn at random.

A text is cut into pieces; a tokenizer takes one way of very many. Counting is the dynamic
programme of `dag_paths` with sums in place of minima. Kudo, "Subword regularization" (2018), trains
on ways drawn at random. Byte pair encoding takes the one its merges lead to.
"""

from collections.abc import Collection, Iterator

import numpy as np

from groundup.swap import replaceable


@replaceable
def segmentations_count(text: str, pieces: Collection[str]) -> int:
    """How many ways the pieces spell the text, exactly.

    ways(i) = sum of ways(i - length of p) over pieces p that end at place i; ways(0) = 1. With all
    substrings as pieces it is 2^(n-1). O(len(text) x longest piece).
    """
    return _ways(text, frozenset(pieces))[-1]


def _ways(text: str, pieces: frozenset[str]) -> list[int]:
    """For each place, in how many ways the pieces spell the text up to there."""
    longest = max(map(len, pieces), default=0)
    ways = [1]
    for end in range(1, len(text) + 1):
        starts = range(max(0, end - longest), end)
        ways.append(sum(ways[start] for start in starts if text[start:end] in pieces))
    return ways


def segmentations(text: str, pieces: Collection[str]) -> Iterator[list[str]]:
    """Every way the pieces spell the text, short first pieces first.

    Dead ends are never entered: a piece is taken only if the rest can be spelled.
    """
    known = frozenset(pieces)
    backwards = _ways(text[::-1], frozenset(piece[::-1] for piece in known))
    spelled = backwards[::-1]  # spelled[i]: ways to spell the text from place i on
    if spelled[0] == 0:
        return
    stack: list[tuple[list[str], int]] = [([], 0)]
    while stack:
        way, place = stack.pop()
        if place == len(text):
            yield way
            continue
        stack += [
            ([*way, text[place:end]], end)
            for end in range(len(text), place, -1)
            if spelled[end] and text[place:end] in known
        ]


@replaceable
def random_segmentation(
    text: str, pieces: Collection[str], rng: np.random.Generator | int | None = None
) -> list[str]:
    """One way of all the ways that the pieces spell the text, each with the same probability.

    From the end back, a piece is taken in proportion to the ways to spell what stands before it.
    Raises ValueError if there is no way.
    """
    known = frozenset(pieces)
    longest = max(map(len, known), default=0)
    ways = _ways(text, known)
    if ways[-1] == 0:
        raise ValueError(f"no pieces spell {text[:40]!r}; add its characters to the pieces")
    generator = np.random.default_rng(rng)
    way: list[str] = []
    end = len(text)
    while end > 0:
        draw = _below(ways[end], generator)
        for start in range(max(0, end - longest), end):
            if text[start:end] in known:
                draw -= ways[start]
                if draw < 0:
                    break
        way.append(text[start:end])
        end = start
    return way[::-1]


def _below(limit: int, rng: np.random.Generator) -> int:
    """A whole number from 0 to limit - 1, each as likely, however large the limit."""
    bits = limit.bit_length()
    while True:
        draw = int.from_bytes(rng.bytes((bits + 7) // 8), "big") >> (-bits % 8)
        if draw < limit:
            return draw
