"""How many there are: exact counts, in Python's whole numbers, which never overflow.

Source: Graham, Knuth and Patashnik, "Concrete mathematics" (1994), chapters 5 and 6; Stanley,
"Enumerative combinatorics I" (2011), chapter 1. Which ones there are: `enumeration`.
All functions take whole numbers of at least 0 and raise ValueError for others.
"""

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

from groundup.swap import replaceable


def natural(number: int, name: str) -> int:
    """The number as a Python int; ValueError unless it is a whole number of at least 0."""
    try:
        whole = operator.index(number)
    except TypeError:
        raise ValueError(f"{name} is {number!r}; wanted a whole number") from None
    if whole < 0:
        raise ValueError(f"{name} is {whole}; wanted at least 0")
    return whole


@replaceable
def factorial(n: int) -> int:
    """N! = 1 x 2 x ... x n, the orders of n things; 0! = 1."""
    return falling(n, n)


def falling(n: int, k: int) -> int:
    """N (n - 1) ... (n - k + 1): ways to line up k of n things; 0 for k > n.

    The product is halved again and again, so that large factors meet large ones: for big n far
    faster than from left to right.
    """
    n, k = natural(n, "n"), natural(k, "k")
    return 0 if k > n else _product(n - k + 1, n)


def _product(first: int, last: int) -> int:
    """First x (first + 1) x ... x last; 1 if there is nothing to multiply."""
    if last - first < 16:
        return math.prod(range(first, last + 1))
    middle = (first + last) // 2
    return _product(first, middle) * _product(middle + 1, last)


@replaceable
def binomial(n: int, k: int) -> int:
    """N! / (k! (n - k)!): ways to choose k of n things; 0 for k > n."""
    n, k = natural(n, "n"), natural(k, "k")
    k = min(k, n - k) if k <= n else k
    return falling(n, k) // factorial(k)


@replaceable
def multinomial(counts: Iterable[int]) -> int:
    """(k1 + k2 + ...)! / (k1! k2! ...): the different orders of that many things of each kind.

    Built from choices: of the places that are taken so far, which hold the new kind?
    """
    ways, total = 1, 0
    for count in counts:
        total += natural(count, "a count")
        ways *= binomial(total, count)
    return ways


def multichoose(n: int, k: int) -> int:
    """Ways to choose k of n kinds with repetition: C(n + k - 1, k), by stars and bars."""
    n, k = natural(n, "n"), natural(k, "k")
    return binomial(n + k - 1, k) if n else int(k == 0)


def permutations_count(n: int, k: int | None = None) -> int:
    """Ways to line up k of n things (all by default): n! / (n - k)!."""
    return falling(n, n if k is None else k)


@replaceable
def derangements(n: int) -> int:
    """Orders of n things in which none keeps its place: D(n) = n D(n - 1) + (-1)^n.

    D(n) is the whole number nearest n! / e: of 37 % of all orders this is true.
    """
    count = 1
    for i in range(1, natural(n, "n") + 1):
        count = i * count + (1 if i % 2 == 0 else -1)
    return count


@replaceable
def catalan(n: int) -> int:
    """C(2n, n) / (n + 1): binary trees of n inner nodes, ways to bracket n + 1 factors.

    So many orders of merging can build a token of n + 1 bytes by byte pair encoding.
    """
    n = natural(n, "n")
    return binomial(2 * n, n) // (n + 1)


@replaceable
def stirling_second(n: int, k: int) -> int:
    """Ways to split n things into k groups that are not empty: S(n,k) = k S(n-1,k) + S(n-1,k-1).

    The last thing joins one of k groups, or is a group of its own.
    """
    return _triangle(n, k, lambda before, groups: groups)


@replaceable
def stirling_first(n: int, k: int) -> int:
    """Permutations of n things with k cycles (unsigned): c(n,k) = (n-1) c(n-1,k) + c(n-1,k-1).

    The last thing stands behind one of the n - 1 others in its cycle, or is a cycle of its own.
    """
    return _triangle(n, k, lambda before, cycles: before)


def _triangle(n: int, k: int, factor: Callable[[int, int], int]) -> int:
    """Row n, place k of the triangle a(i+1, j) = factor(i, j) a(i, j) + a(i, j-1), a(0, 0) = 1."""
    n, k = natural(n, "n"), natural(k, "k")
    if k > n:
        return 0
    row = [1] + [0] * k
    for i in range(n):
        for j in range(k, 0, -1):
            row[j] = factor(i, j) * row[j] + row[j - 1]
        row[0] *= factor(i, 0)
    return row[k]


@replaceable
def bell(n: int) -> int:
    """Ways to split n things into groups, so many equivalence relations there are.

    Bell's triangle: a row begins with the end of the row before, and each entry is the sum of the
    one before it and the one above that.
    """
    row = [1]
    for _ in range(natural(n, "n")):
        below = [row[-1]]
        for above in row:
            below.append(below[-1] + above)
        row = below
    return row[0]


@replaceable
def partitions_count(n: int) -> int:
    """Ways to write n as a sum of whole numbers, whatever their order.

    p(n) = p(n-1) + p(n-2) - p(n-5) - p(n-7) + ..., with the pentagonal numbers j (3j -/+ 1) / 2 and
    signs in pairs (Euler 1750): n^1.5 steps.
    """
    counts = [1]
    for total in range(1, natural(n, "n") + 1):
        count, j = 0, 1
        while (pentagonal := j * (3 * j - 1) // 2) <= total:
            both = counts[total - pentagonal]
            if pentagonal + j <= total:
                both += counts[total - pentagonal - j]
            count += both if j % 2 else -both
            j += 1
        counts.append(count)
    return counts[-1]


@replaceable
def inclusion_exclusion(sets: Sequence[Iterable[object]]) -> int:
    """How many things lie in at least one of the sets, from the sizes of intersections.

    |A u B u ...| = sum |A| - sum |A n B| + sum |A n B n C| - ...: who lies in k sets is counted
    k - C(k,2) + C(k,3) - ... = 1 time. 2^sets intersections.
    """
    members = [frozenset(things) for things in sets]
    total = 0
    for size in range(1, len(members) + 1):
        sign = 1 if size % 2 else -1
        total += sign * sum(
            len(frozenset.intersection(*chosen)) for chosen in combinations(members, size)
        )
    return total
