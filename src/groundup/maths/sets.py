"""Sets: how alike two are, all subsets of one, and the laws by which they calculate.

The laws are those of logic, read with "in A and in B" for intersection; that is how a filter of
documents can be reasoned about. Source: Halmos, "Naive set theory" (1960). Python's operators do
the work: | union, & intersection, - difference, ^ symmetric difference, <= subset.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from groundup.swap import replaceable

Items = frozenset[Hashable]


@replaceable
def jaccard(a: AbstractSet[Hashable], b: AbstractSet[Hashable]) -> float:
    """|A n B| / |A u B|, the likeness of two sets; 1 for two empty sets. Jaccard (1901).

    1 - jaccard is a metric: 0 only for equal sets, symmetric, and with the triangle inequality.
    """
    either = len(a | b)
    return len(a & b) / either if either else 1.0


def dice(a: AbstractSet[Hashable], b: AbstractSet[Hashable]) -> float:
    """2 |A n B| / (|A| + |B|), which is the F1 score of one set against the other; 1 if empty."""
    sizes = len(a) + len(b)
    return 2 * len(a & b) / sizes if sizes else 1.0


def containment(a: AbstractSet[Hashable], b: AbstractSet[Hashable]) -> float:
    """|A n B| / |A|: how much of A lies in B; 1 for an empty A. The share of leaked n-grams."""
    return len(a & b) / len(a) if a else 1.0


@replaceable
def power_set(items: Iterable[Hashable]) -> Iterator[Items]:
    """All 2^n subsets, from the empty one on: those without an item, then those with it."""
    subsets: list[Items] = [frozenset()]
    yield subsets[0]
    for item in dict.fromkeys(items):
        larger = [subset | {item} for subset in subsets]
        yield from larger
        subsets += larger


def product(a: Iterable[Hashable], b: Iterable[Hashable]) -> set[tuple[Hashable, Hashable]]:
    """A x B: every pair of a member of A and a member of B."""
    seconds = list(b)
    return {(first, second) for first in a for second in seconds}


def complement(a: AbstractSet[Hashable], universe: AbstractSet[Hashable]) -> Items:
    """What of the universe is not in A; ValueError if A is not part of it."""
    if not a <= universe:
        raise ValueError(f"{set(a - universe)!r} is not in the universe; add it or take it out")
    return frozenset(universe - a)


def regions(named: Mapping[str, AbstractSet[Hashable]]) -> dict[frozenset[str], Items]:
    """The fields of a Venn diagram: {names: items in exactly those sets}, empty fields left out."""
    where: dict[Hashable, set[str]] = {}
    for name, members in named.items():
        for item in members:
            where.setdefault(item, set()).add(name)
    fields: dict[frozenset[str], set[Hashable]] = {}
    for item, names in where.items():
        fields.setdefault(frozenset(names), set()).add(item)
    return {names: frozenset(members) for names, members in fields.items()}


@dataclass(frozen=True)
class Law:
    """Two ways to write one set, of sets A, B, C in a universe U."""

    name: str
    """What it is called."""
    left: Callable[[Items, Items, Items, Items], Items]
    """One side, as a function of A, B, C, U."""
    right: Callable[[Items, Items, Items, Items], Items]
    """The other side."""


LAWS = (
    Law("union commutes", lambda A, B, C, U: A | B, lambda A, B, C, U: B | A),
    Law("union associates", lambda A, B, C, U: (A | B) | C, lambda A, B, C, U: A | (B | C)),
    Law("union has an identity", lambda A, B, C, U: A | frozenset(), lambda A, B, C, U: A),
    Law("union distributes", lambda A, B, C, U: A | (B & C), lambda A, B, C, U: (A | B) & (A | C)),
    Law("union absorbs", lambda A, B, C, U: A | (A & B), lambda A, B, C, U: A),
    Law("union complements", lambda A, B, C, U: A | (U - A), lambda A, B, C, U: U),
    Law("De Morgan", lambda A, B, C, U: U - (A | B), lambda A, B, C, U: (U - A) & (U - B)),
    Law("double complement", lambda A, B, C, U: U - (U - A), lambda A, B, C, U: A),
    Law("difference", lambda A, B, C, U: A - B, lambda A, B, C, U: A & (U - B)),
    Law("symmetric difference", lambda A, B, C, U: A ^ B, lambda A, B, C, U: (A | B) - (A & B)),
    Law("parity associates", lambda A, B, C, U: (A ^ B) ^ C, lambda A, B, C, U: A ^ (B ^ C)),
    Law("parity distributes", lambda A, B, C, U: A & (B ^ C), lambda A, B, C, U: (A & B) ^ (A & C)),
)
"""What holds for all sets; each law on | has a twin on & by exchanging | with & and {} with U."""
