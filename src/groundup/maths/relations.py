"""Relations: which things stand to which, and the closures that make them orders or equivalences.

A relation on a set is a set of pairs. "Is a near-duplicate of" is reflexive and symmetric but not
transitive; deduplication closes it, and keeps one document of each class. Source: Halmos, "Naive
set theory" (1960), sections 6, 7 and 14.
"""

from collections.abc import Callable, Hashable, Iterable

from groundup.maths.components import topological_order
from groundup.maths.graphs import Graph, breadth_first
from groundup.maths.union_find import UnionFind
from groundup.swap import replaceable

Pair = tuple[Hashable, Hashable]


class Relation:
    """Pairs over a ground set; `ground` may name members that stand in no pair."""

    def __init__(self, pairs: Iterable[Pair] = (), ground: Iterable[Hashable] = ()) -> None:
        self.pairs = frozenset((a, b) for a, b in pairs)
        self.ground = frozenset(ground) | {member for pair in self.pairs for member in pair}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Relation):
            return NotImplemented
        return (self.pairs, self.ground) == (other.pairs, other.ground)

    def __hash__(self) -> int:
        return hash((self.pairs, self.ground))

    def __contains__(self, pair: Pair) -> bool:
        return pair in self.pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        return f"<relation of {len(self.pairs)} pairs on {len(self.ground)} things>"

    def is_reflexive(self) -> bool:
        """A R a for all a."""
        return all((a, a) in self.pairs for a in self.ground)

    def is_symmetric(self) -> bool:
        """A R b means b R a."""
        return all((b, a) in self.pairs for a, b in self.pairs)

    def is_antisymmetric(self) -> bool:
        """A R b and b R a only for a = b."""
        return all(a == b or (b, a) not in self.pairs for a, b in self.pairs)

    def is_transitive(self) -> bool:
        """A R b and b R c mean a R c."""
        return compose(self, self).pairs <= self.pairs

    def is_equivalence(self) -> bool:
        """Reflexive, symmetric and transitive: "the same in some respect"."""
        return self.is_reflexive() and self.is_symmetric() and self.is_transitive()

    def is_partial_order(self) -> bool:
        """Reflexive, antisymmetric and transitive: "at most"."""
        return self.is_reflexive() and self.is_antisymmetric() and self.is_transitive()

    def is_function(self) -> bool:
        """Every member has exactly one partner on the right."""
        lefts = [a for a, _ in self.pairs]
        return len(lefts) == len(set(lefts)) == len(self.ground)


def converse(relation: Relation) -> Relation:
    """The pairs turned around: "is smaller" becomes "is larger"."""
    return Relation(((b, a) for a, b in relation.pairs), relation.ground)


@replaceable
def compose(first: Relation, second: Relation) -> Relation:
    """A R b and b S c make a (R;S) c: "a parent's brother"."""
    followers: dict[Hashable, list[Hashable]] = {}
    for b, c in second.pairs:
        followers.setdefault(b, []).append(c)
    pairs = ((a, c) for a, b in first.pairs for c in followers.get(b, ()))
    return Relation(pairs, first.ground | second.ground)


def reflexive_closure(relation: Relation) -> Relation:
    """The fewest pairs added that make it reflexive."""
    return Relation(relation.pairs | {(a, a) for a in relation.ground}, relation.ground)


def symmetric_closure(relation: Relation) -> Relation:
    """The fewest pairs added that make it symmetric."""
    return Relation(relation.pairs | converse(relation).pairs, relation.ground)


@replaceable
def transitive_closure(relation: Relation) -> Relation:
    """The fewest pairs added that make it transitive: a reaches b in one step or more."""
    graph = _graph(relation)
    reach = {node: set(breadth_first(graph, node)) for node in graph}
    pairs = ((a, c) for a in graph for b in graph.neighbors(a) for c in reach[b])
    return Relation(pairs, relation.ground)


@replaceable
def equivalence_classes(relation: Relation) -> list[set[Hashable]]:
    """The classes of the least equivalence that holds all pairs: what hangs together, as sets.

    Near-duplicates become groups this way. For an equivalence they are its own classes.
    """
    joined = UnionFind(relation.ground)
    for a, b in relation.pairs:
        joined.union(a, b)
    return [set(group) for group in joined.groups()]


def same(function: Callable[[Hashable], Hashable], ground: Iterable[Hashable]) -> Relation:
    """A R b where function(a) = function(b): always an equivalence, and every one is such."""
    classes: dict[Hashable, list[Hashable]] = {}
    members = list(ground)
    for member in members:
        classes.setdefault(function(member), []).append(member)
    pairs = ((a, b) for group in classes.values() for a in group for b in group)
    return Relation(pairs, members)


@replaceable
def covers(order: Relation) -> Relation:
    """The pairs of a partial order with nothing between them: the lines of its Hasse diagram.

    The reflexive and transitive closure gives the order back. ValueError for what is no order.
    """
    if not order.is_partial_order():
        raise ValueError("covers wants a partial order: reflexive, antisymmetric and transitive")
    strict = Relation(((a, b) for a, b in order.pairs if a != b), order.ground)
    return Relation(strict.pairs - compose(strict, strict).pairs, order.ground)


def linear_extension(order: Relation) -> list[Hashable]:
    """The members in a row so that a R b puts a before b; CycleError if there is none."""
    strict = Relation(((a, b) for a, b in order.pairs if a != b), order.ground)
    return topological_order(_graph(strict))


def _graph(relation: Relation) -> Graph:
    return Graph(relation.pairs, nodes=relation.ground, directed=True)
