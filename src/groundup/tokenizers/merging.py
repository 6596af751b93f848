"""Merging a row of symbols pair by pair, the lowest rank first; with dropout, a random cut.

A heap holds the pairs that may merge, a linked list says who is whose neighbour: n symbols take
O(n log n) steps, however they are arranged.

Source: Sennrich, Haddow and Birch (2016) for the merges; Provilkov, Emelianenko and Voita (2020),
algorithm 1, for BPE-dropout: before each merge, every pair that could merge is left out with
probability p; the best of the others merges, and when all are left out the word is done. A model
that is trained so sees each word cut in many ways, and spells better for it.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from groundup.swap import replaceable

Symbol = TypeVar("Symbol")
"""What is merged: ids, or texts, or bytes."""
Lookup = Callable[[Symbol, Symbol], tuple[float, Symbol] | None]
"""The rank of a pair (lower is earlier) and what it merges to, or None if it never does."""


class Dice(Protocol):
    """Random numbers, as `random.Random` and NumPy's generators give them."""

    def random(self) -> float:
        """A number of [0, 1)."""
        ...


def merge_in_order(
    symbols: Iterable[Symbol],
    lookup: Lookup[Symbol],
    *,
    dropout: float = 0.0,
    rng: Dice | None = None,
    again: bool = True,
) -> list[Symbol]:
    """The symbols after all merges: the lowest rank first, the leftmost among equals.

    One merge is made at a time, so the result is right even where a merge makes a pair of a lower
    rank than its own. With `dropout` each merge is passed over with that probability each time it
    is the best. It is tried again after the next merge, as in the paper; or, without `again`, only
    when one of its two neighbours changes, as in SentencePiece: a row of thousands would else come
    out as if nothing had been passed over. Raises ValueError if dropout is no probability, or has
    no `rng` to draw from.
    """
    check_dropout(dropout, rng)
    row: list[Symbol | None] = list(symbols)
    end = len(row)
    after = list(range(1, end + 1))
    before = list(range(-1, end - 1))
    heap: list[tuple[float, int, int, Symbol]] = []
    sizes = [1] * end  # of symbols merged into one: an entry whose sizes have grown is stale
    passed_over: list[tuple[float, int, int, Symbol]] = []

    def offer(i: int, j: int) -> None:
        left, right = row[i], row[j]
        if left is not None and right is not None and (found := lookup(left, right)):
            heapq.heappush(heap, (found[0], i, sizes[i] + sizes[j], found[1]))

    for i in range(end - 1):
        offer(i, i + 1)
    while heap:
        best = heapq.heappop(heap)
        _, i, size, merged = best
        j = after[i]
        if row[i] is None or j == end or sizes[i] + sizes[j] != size:
            continue
        if rng is not None and rng.random() < dropout:
            if again:
                passed_over.append(best)
            continue
        row[i], row[j], sizes[i] = merged, None, size
        after[i] = following = after[j]
        if following != end:
            before[following] = i
            offer(i, following)
        if before[i] >= 0:
            offer(before[i], i)
        for entry in passed_over:
            heapq.heappush(heap, entry)
        passed_over.clear()
    return [symbol for symbol in row if symbol is not None]


@replaceable
def merge_plainly(symbols: Sequence[Symbol], lookup: Lookup[Symbol]) -> list[Symbol]:
    """What `merge_in_order` gives without dropout, by looking at all pairs before each merge.

    The definition in a few lines, and O(n²): tests hold the two together.
    """
    row = list(symbols)
    while True:
        found = [
            (pair[0], i, pair[1])
            for i in range(len(row) - 1)
            if (pair := lookup(row[i], row[i + 1]))
        ]
        if not found:
            return row
        _, i, merged = min(found, key=lambda entry: entry[:2])
        row[i : i + 2] = [merged]


def check_dropout(dropout: float, rng: Dice | None) -> None:
    """Raises ValueError if dropout is no probability, or has no `rng` to draw from."""
    if not 0 <= dropout <= 1:
        raise ValueError(f"dropout is {dropout}; wanted a probability of 0 to 1")
    if dropout > 0 and rng is None:
        raise ValueError("dropout needs an rng to draw from, such as random.Random(0)")
