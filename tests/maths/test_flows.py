"""Flows, cuts and matchings against networkx. Capacities are whole numbers: sums are exact."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.maths.graph_family import few, graphs

from groundup.maths.flows import max_flow, maximum_matching, minimum_vertex_cover
from groundup.maths.graphs import Graph


@pytest.mark.reference
@few
@given(graphs(weights=st.integers(0, 9), loops=False))
def test_max_flow_is_networkxs_and_equals_the_cut(pair):
    ours, theirs = pair
    if len(ours) < 2:
        return
    source, sink = 0, len(ours) - 1
    flow = max_flow(ours, source, sink)
    assert flow.value == nx.maximum_flow_value(theirs, source, sink, capacity="weight")
    out = [
        weight
        for start in flow.cut
        for end, weight in ours.neighbors(start).items()
        if end not in flow.cut
    ]
    assert sum(out) == flow.value
    assert source in flow.cut
    assert sink not in flow.cut
    for node in ours:
        net = sum(f for (a, _), f in flow.along.items() if a == node)
        net -= sum(f for (_, b), f in flow.along.items() if b == node)
        assert net == {source: flow.value, sink: -flow.value}.get(node, 0)
    for (start, end), amount in flow.along.items():
        assert 0 < amount <= ours.neighbors(start)[end]


@st.composite
def bipartite(draw):
    left, right = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    pairs = [(f"l{i}", f"r{j}") for i in range(left) for j in range(right)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return Graph(edges), nx.Graph(edges)


@pytest.mark.reference
@few
@given(bipartite())
def test_matching_and_cover_are_as_large_as_networkxs(pair):
    ours, theirs = pair
    mates = maximum_matching(ours)
    assert all(mates[mates[node]] == node and mates[node] in ours.neighbors(node) for node in mates)
    assert len(mates) // 2 == len(nx.max_weight_matching(theirs, maxcardinality=True))
    cover = minimum_vertex_cover(ours)
    assert len(cover) == len(mates) // 2
    assert all(start in cover or end in cover for start, end, _ in ours.edges())


def test_what_cannot_flow_is_refused():
    with pytest.raises(ValueError, match="both 0"):
        max_flow(Graph([(0, 1)]), 0, 0)
    with pytest.raises(ValueError, match="capacity -1"):
        max_flow(Graph([(0, 1, -1)]), 0, 1)
    with pytest.raises(ValueError, match="capacity inf"):
        max_flow(Graph([(0, 1, float("inf"))]), 0, 1)
    with pytest.raises(ValueError, match="no node"):
        max_flow(Graph([(0, 1)]), 0, 2)
    with pytest.raises(ValueError, match="no node"):
        max_flow(Graph([(0, 1)]), 2, 0)
    with pytest.raises(ValueError, match="odd cycle"):
        maximum_matching(Graph(["ab", "bc", "ca"]))
