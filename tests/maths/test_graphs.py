"""Graphs and walks against networkx."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from tests.maths.graph_family import few, graphs

from groundup.maths.graphs import Graph, breadth_first, depth_first, from_matrix, postorder


@pytest.mark.reference
@few
@given(graphs())
def test_breadth_first_is_networkxs(pair):
    ours, theirs = pair
    for source in ours:
        distances = breadth_first(ours, source)
        assert distances == nx.single_source_shortest_path_length(theirs, source)
        assert list(distances.values()) == sorted(distances.values())


@pytest.mark.reference
@few
@given(graphs())
def test_depth_first_is_networkxs(pair):
    ours, theirs = pair
    for source in ours:
        order = depth_first(ours, source)
        assert order == list(nx.dfs_preorder_nodes(theirs, source))
        assert postorder(ours, [source]) == list(nx.dfs_postorder_nodes(theirs, source))


@few
@given(graphs())
def test_postorder_of_all_names_each_node_once(pair):
    ours, _ = pair
    assert sorted(postorder(ours)) == list(ours)


@pytest.mark.reference
@few
@given(graphs())
def test_edges_and_matrix_are_networkxs(pair):
    ours, theirs = pair
    assert sorted(map(sorted, (e[:2] for e in ours.edges()))) == sorted(map(sorted, theirs.edges()))
    if len(ours):
        np.testing.assert_array_equal(ours.matrix(), nx.to_numpy_array(theirs))
        again = from_matrix(ours.matrix(), directed=ours.directed)
        np.testing.assert_array_equal(again.matrix(), ours.matrix())
        reversed_twice = ours.reversed().reversed()
        np.testing.assert_array_equal(reversed_twice.matrix(), ours.matrix())
        np.testing.assert_array_equal(ours.reversed().matrix(), ours.matrix().T)


def test_a_chain_longer_than_pythons_stack():
    chain = Graph(((i, i + 1) for i in range(20_000)), directed=True)
    assert depth_first(chain, 0)[-1] == 20_000
    assert postorder(chain)[0] == 20_000


def test_nodes_are_anything_hashable_and_say_so():
    graph = Graph(["ab", ("b", "c", 2.5)], nodes=["z"])
    assert graph.neighbors("b") == {"a": 1.0, "c": 2.5}
    assert list(graph) == ["z", "a", "b", "c"]
    assert repr(graph) == "<undirected graph: 4 nodes, 2 edges>"
    assert "z" in graph
    assert "y" not in graph


def test_what_is_no_graph_is_refused():
    with pytest.raises(ValueError, match="None cannot be a node"):
        Graph([(None, 1)])
    with pytest.raises(ValueError, match="weight nan"):
        Graph([(0, 1, np.nan)])
    with pytest.raises(ValueError, match="weight -inf"):
        Graph([(0, 1, -np.inf)])
    with pytest.raises(ValueError, match="no pair"):
        Graph(["abcd"])
    with pytest.raises(ValueError, match="9 is no node"):
        breadth_first(Graph([(0, 1)]), 9)
    with pytest.raises(ValueError, match="9 is no node"):
        depth_first(Graph([(0, 1)]), 9)
    with pytest.raises(ValueError, match="square matrix"):
        from_matrix(np.ones((2, 3)))
    with pytest.raises(ValueError, match="not symmetric"):
        from_matrix([[0, 1], [0, 0]], directed=False)
