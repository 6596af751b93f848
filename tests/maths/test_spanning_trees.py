"""Spanning trees against networkx and SciPy, union-find against plain sets."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csgraph
from tests.maths.graph_family import few, graphs

from groundup.maths.graphs import Graph
from groundup.maths.spanning_trees import kruskal, prim
from groundup.maths.union_find import UnionFind


@pytest.mark.reference
@pytest.mark.parametrize("grow", [kruskal, prim])
@few
@given(pair=graphs(directed=False, weights=st.integers(1, 9)))
def test_a_tree_is_as_cheap_as_the_references(grow, pair):
    ours, theirs = pair
    tree = grow(ours)
    weight = sum(edge[2] for edge in tree)
    assert weight == nx.minimum_spanning_tree(theirs).size(weight="weight")
    assert len(tree) == len(ours) - nx.number_connected_components(theirs)
    assert all(ours.neighbors(start)[end] == w for start, end, w in tree)
    assert nx.is_forest(nx.Graph([edge[:2] for edge in tree])) if tree else True
    if len(ours):
        assert weight == csgraph.minimum_spanning_tree(ours.matrix()).sum()


@pytest.mark.parametrize("grow", [kruskal, prim])
def test_a_directed_graph_has_none(grow):
    with pytest.raises(ValueError, match="undirected"):
        grow(Graph(directed=True))


@few
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12))))
def test_union_find_is_sets_growing_together(pairs):
    sets = [{i} for i in range(13)]
    joined = UnionFind(range(13))
    for a, b in pairs:
        first = next(s for s in sets if a in s)
        second = next(s for s in sets if b in s)
        assert joined.union(a, b) == (first is not second)
        if first is not second:
            sets.remove(second)
            first |= second
    assert joined.count == len(sets) == len(joined.groups())
    assert {frozenset(group) for group in joined.groups()} == set(map(frozenset, sets))
    assert all(joined.connected(a, b) for s in sets for a in s for b in s)
    assert len(joined) == 13


def test_union_find_takes_a_long_chain_and_unknown_items():
    joined = UnionFind()
    for i in range(50_000):
        joined.union(i, i + 1)
    assert joined.count == 1
    assert joined.find(0) == joined.find(50_000)
    assert 7 in joined
    with pytest.raises(ValueError, match="is in no set"):
        joined.find("x")
