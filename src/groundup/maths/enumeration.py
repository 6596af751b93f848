"""Which ones there are: in order, one at a time, with a number each that can be turned back.

To rank is to count how many come before; to unrank is to find the one that many come before. With
both, a random permutation is a random number, and a search can be cut into equal shares. Source:
Knuth, "The art of computer programming", volume 4A (2011), section 7.2.1.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from groundup.maths.combinatorics import binomial, factorial, natural
from groundup.swap import replaceable

T = TypeVar("T")


@replaceable
def permutations(items: Sequence[T]) -> Iterator[tuple[T, ...]]:
    """Every order of the items, by their places, in the order of a dictionary.

    The next order (Narayana Pandita, 14th century): find the last place that is smaller than its
    right neighbour, exchange it with the last larger one, and reverse what follows.
    """
    order = list(range(len(items)))
    while True:
        yield tuple(items[i] for i in order)
        place = len(order) - 2
        while place >= 0 and order[place] > order[place + 1]:
            place -= 1
        if place < 0:
            return
        larger = len(order) - 1
        while order[larger] < order[place]:
            larger -= 1
        order[place], order[larger] = order[larger], order[place]
        order[place + 1 :] = order[:place:-1]


@replaceable
def combinations(items: Sequence[T], k: int) -> Iterator[tuple[T, ...]]:
    """Every choice of k of the items, by their places, in the order of a dictionary.

    The next choice: move the last place that can still move one to the right, and line up those
    after it behind it.
    """
    k = natural(k, "k")
    n = len(items)
    if k > n:
        return
    chosen = list(range(k))
    while True:
        yield tuple(items[i] for i in chosen)
        place = k - 1
        while place >= 0 and chosen[place] == n - k + place:
            place -= 1
        if place < 0:
            return
        first = chosen[place] + 1
        chosen[place:] = range(first, first + k - place)


@replaceable
def permutation_rank(order: Sequence[int]) -> int:
    """How many permutations of 0 ... n-1 come before this one, in the order of a dictionary.

    sum of (how many smaller ones are still to come) x (n - 1 - place)!: its number in the factorial
    system (Lehmer 1960). ValueError unless each of 0 ... n-1 stands there once.
    """
    if sorted(order) != list(range(len(order))):
        raise ValueError(f"{list(order)} is no permutation of 0 ... {len(order) - 1}")
    rank, left = 0, list(range(len(order)))
    for item in order:
        smaller = left.index(item)
        rank = rank * len(left) + smaller
        left.pop(smaller)
    return rank


@replaceable
def permutation_at(rank: int, n: int) -> tuple[int, ...]:
    """The permutation of 0 ... n-1 that `rank` others come before; ValueError unless rank < n!."""
    rank, n = natural(rank, "rank"), natural(n, "n")
    if rank >= (total := factorial(n)):
        raise ValueError(f"rank is {rank}; there are {total} permutations of {n}, from rank 0 on")
    digits = []
    for base in range(1, n + 1):
        rank, digit = divmod(rank, base)
        digits.append(digit)
    left = list(range(n))
    return tuple(left.pop(digit) for digit in reversed(digits))


@replaceable
def combination_rank(chosen: Sequence[int], n: int) -> int:
    """How many choices of as many from 0 ... n-1 come before this ascending one.

    Seen from the other end, the place c_i of the i-th (from 0) counts C(n - 1 - c_i, k - i) that
    come later: the combinatorial number system (Lehmer 1964).
    """
    k = len(chosen)
    if any(a >= b for a, b in zip([-1, *chosen], [*chosen, natural(n, "n")], strict=True)):
        raise ValueError(f"{list(chosen)} is no ascending choice from 0 ... {n - 1}")
    later = sum(binomial(n - 1 - place, k - i) for i, place in enumerate(chosen))
    return binomial(n, k) - 1 - later


@replaceable
def combination_at(rank: int, n: int, k: int) -> tuple[int, ...]:
    """The choice of k of 0 ... n-1 that `rank` others come before; ValueError unless < C(n, k)."""
    rank = natural(rank, "rank")
    if rank >= (total := binomial(n, k)):
        raise ValueError(f"rank is {rank}; there are {total} choices of {k} of {n}, from rank 0 on")
    chosen: list[int] = []
    place = 0
    while len(chosen) < k:
        first_here = binomial(n - 1 - place, k - 1 - len(chosen))
        if rank < first_here:
            chosen.append(place)
        else:
            rank -= first_here
        place += 1
    return tuple(chosen)


def partitions(n: int) -> Iterator[tuple[int, ...]]:
    """Every way to write n as a sum of whole numbers in descending order, largest first.

    The next one: lower the last part above 1 by one, and fill up with parts of that size.
    """
    parts = [natural(n, "n")] if n else []
    while True:
        yield tuple(parts)
        ones = 0
        while parts and parts[-1] == 1:
            ones += parts.pop()
        if not parts:
            return
        size = parts.pop() - 1
        rest = ones + size + 1
        parts += [size] * (rest // size) + ([rest % size] if rest % size else [])


def set_partitions(items: Sequence[T]) -> Iterator[list[list[T]]]:
    """Every way to split the items into groups: each item joins a group so far, or begins one."""
    if not items:
        yield []
        return
    *before, last = items
    for groups in set_partitions(before):
        for i in range(len(groups)):
            yield [*groups[:i], [*groups[i], last], *groups[i + 1 :]]
        yield [*groups, [last]]


def subsets(items: Sequence[T]) -> Iterator[tuple[T, ...]]:
    """All 2^n subsets, each one item away from the next: a Gray code (Gray 1953).

    Subset number i has the bits of i xor i // 2.
    """
    for number in range(1 << len(items)):
        code = number ^ (number >> 1)
        yield tuple(item for i, item in enumerate(items) if code >> i & 1)
