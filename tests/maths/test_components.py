"""Components, cycles, topological order and two sides against networkx."""

import networkx as nx
import pytest
from hypothesis import given
from tests.maths.graph_family import few, graphs

from groundup.maths.components import (
    CycleError,
    ancestors,
    connected_components,
    find_cycle,
    strong_components,
    topological_order,
    two_sides,
)
from groundup.maths.graphs import Graph


def as_sets(components):
    return {frozenset(component) for component in components}


@pytest.mark.reference
@few
@given(graphs(directed=False))
def test_connected_components_are_networkxs(pair):
    ours, theirs = pair
    assert as_sets(connected_components(ours)) == as_sets(nx.connected_components(theirs))


@pytest.mark.reference
@few
@given(graphs(directed=True))
def test_strong_components_are_networkxs_and_in_order(pair):
    ours, theirs = pair
    components = strong_components(ours)
    assert as_sets(components) == as_sets(nx.strongly_connected_components(theirs))
    place = {node: i for i, component in enumerate(components) for node in component}
    assert all(place[start] <= place[end] for start, end, _ in ours.edges())


@pytest.mark.reference
@few
@given(graphs(directed=True))
def test_an_order_or_a_cycle(pair):
    ours, theirs = pair
    if nx.is_directed_acyclic_graph(theirs):
        order = topological_order(ours)
        assert sorted(order) == list(ours)
        assert all(order.index(start) < order.index(end) for start, end, _ in ours.edges())
        assert find_cycle(ours) is None
    else:
        with pytest.raises(CycleError, match="has the cycle") as caught:
            topological_order(ours)
        cycle = caught.value.cycle
        assert len(set(cycle)) == len(cycle)
        for start, end in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            assert end in ours.neighbors(start)


@pytest.mark.reference
@few
@given(graphs())
def test_two_sides_are_networkxs(pair):
    ours, theirs = pair
    sides = two_sides(ours)
    assert (sides is not None) == nx.is_bipartite(theirs)
    if sides is not None:
        assert sides[0] | sides[1] == set(ours)
        assert not sides[0] & sides[1]
        assert all((start in sides[0]) != (end in sides[0]) for start, end, _ in ours.edges())


@pytest.mark.reference
@few
@given(graphs(directed=True))
def test_ancestors_are_networkxs(pair):
    ours, theirs = pair
    for node in ours:
        assert ancestors(ours, node) == nx.ancestors(theirs, node)


def test_why_autograd_needs_an_order():
    """c = a + b and b = a + a: going through the tape by distance would leave a too early."""
    tape = Graph([("c", "b"), ("c", "a"), ("b", "a")], directed=True)
    assert topological_order(tape) == ["c", "b", "a"]


def test_the_wrong_kind_of_graph_is_refused():
    with pytest.raises(ValueError, match="strong_components"):
        connected_components(Graph(directed=True))
    with pytest.raises(ValueError, match="undirected"):
        topological_order(Graph())
    with pytest.raises(ValueError, match="undirected"):
        find_cycle(Graph())
    with pytest.raises(CycleError, match="'a' -> 'b' -> 'a'; take out one of its edges"):
        topological_order(Graph(["ab", "ba"], directed=True))
