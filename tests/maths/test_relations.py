"""Relations against networkx and against their definitions, quantifier by quantifier."""

import itertools

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.maths.components import CycleError
from groundup.maths.relations import (
    Relation,
    compose,
    converse,
    covers,
    equivalence_classes,
    linear_extension,
    reflexive_closure,
    same,
    symmetric_closure,
    transitive_closure,
)

things = range(6)
pairs = st.sets(st.tuples(st.sampled_from(things), st.sampled_from(things)), max_size=14)
relations = pairs.map(lambda found: Relation(found, things))


@given(relations)
def test_properties_are_their_definitions(r):
    def every(count):
        return itertools.product(things, repeat=count)

    assert r.is_reflexive() == all((a, a) in r for a in things)
    assert r.is_symmetric() == all((b, a) in r for a, b in every(2) if (a, b) in r)
    assert r.is_antisymmetric() == all(a == b for a, b in every(2) if (a, b) in r and (b, a) in r)
    assert r.is_transitive() == all(
        (a, c) in r for a, b, c in every(3) if (a, b) in r and (b, c) in r
    )
    assert r.is_function() == all(sum((a, b) in r for b in things) == 1 for a in things)


@pytest.mark.reference
@given(relations)
def test_transitive_closure_is_networkxs(r):
    graph = nx.DiGraph(list(r.pairs))
    graph.add_nodes_from(things)
    closed = transitive_closure(r)
    assert set(closed.pairs) == set(nx.transitive_closure(graph, reflexive=False).edges())
    assert closed.is_transitive()
    assert transitive_closure(closed) == closed


@given(relations)
def test_closures_are_least(r):
    for close, holds in (
        (reflexive_closure, Relation.is_reflexive),
        (symmetric_closure, Relation.is_symmetric),
        (transitive_closure, Relation.is_transitive),
    ):
        closed = close(r)
        assert holds(closed)
        assert r.pairs <= closed.pairs
        for extra in closed.pairs - r.pairs:
            fewer = Relation(closed.pairs - {extra}, things)
            assert not holds(fewer) or close is transitive_closure
        assert (closed == r) == holds(r)


@given(relations, relations, relations)
def test_composition_associates_and_turns(r, s, t):
    assert compose(compose(r, s), t) == compose(r, compose(s, t))
    assert converse(compose(r, s)) == compose(converse(s), converse(r))
    assert hash(converse(converse(r))) == hash(r)


@given(relations)
def test_classes_are_those_of_the_least_equivalence(r):
    least = transitive_closure(symmetric_closure(reflexive_closure(r)))
    assert least.is_equivalence()
    classes = equivalence_classes(r)
    assert sorted(itertools.chain(*classes)) == list(things)
    joined = {(a, b) for group in classes for a in group for b in group}
    assert joined == least.pairs


@given(st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_having_the_same_value_is_an_equivalence(values):
    relation = same(values.__getitem__, things)
    assert relation.is_equivalence()
    assert len(equivalence_classes(relation)) == len(set(values))


@pytest.mark.reference
@given(pairs)
def test_covers_are_networkxs_reduction(found):
    upward = Relation({(min(p), max(p)) for p in found}, things)
    order = transitive_closure(reflexive_closure(upward))
    assert order.is_partial_order()
    graph = nx.DiGraph([p for p in order.pairs if p[0] != p[1]])
    graph.add_nodes_from(things)
    hasse = covers(order)
    assert set(hasse.pairs) == set(nx.transitive_reduction(graph).edges())
    assert transitive_closure(reflexive_closure(hasse)) == order
    row = linear_extension(order)
    assert all(row.index(a) <= row.index(b) for a, b in order.pairs)


def test_divisibility_by_hand_and_what_is_no_order():
    twelve = (1, 2, 3, 4, 6, 12)
    divides = Relation((a, b) for a, b in itertools.product(twelve, twelve) if b % a == 0)
    assert divides.is_partial_order()
    assert covers(divides).pairs == {(1, 2), (1, 3), (2, 4), (2, 6), (3, 6), (4, 12), (6, 12)}
    assert repr(divides) == "<relation of 18 pairs on 6 things>"
    with pytest.raises(ValueError, match="partial order"):
        covers(Relation({(1, 2)}))
    with pytest.raises(CycleError):
        linear_extension(Relation({(1, 2), (2, 1)}))
    assert Relation() != 5
    assert len(Relation()) == 0
