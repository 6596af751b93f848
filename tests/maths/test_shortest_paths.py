"""Shortest paths against networkx and SciPy.

Weights are small whole numbers where ways are compared, so that sums are exact and equality is
exact too; where weights are any floats, a sum of at most 9 of them is off by 9 eps times its terms.
"""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csgraph
from tests.maths.graph_family import few, graphs

from groundup.maths.graphs import Graph
from groundup.maths.shortest_paths import (
    NegativeCycleError,
    a_star,
    bellman_ford,
    dijkstra,
    floyd_warshall,
)

lengths = st.integers(0, 20)


def length_of(graph, path):
    return sum(graph.neighbors(a)[b] for a, b in itertools.pairwise(path))


@pytest.mark.reference
@few
@given(graphs(weights=lengths))
def test_dijkstra_is_networkxs(pair):
    ours, theirs = pair
    for source in ours:
        found = dijkstra(ours, source)
        assert found.distances == nx.single_source_dijkstra_path_length(theirs, source)
        for target in found.distances:
            assert length_of(ours, found.path(target)) == found.distances[target]
        assert bellman_ford(ours, source).distances == found.distances


@pytest.mark.reference
@few
@given(graphs(weights=st.floats(0, 1e3)))
def test_dijkstra_on_any_floats(pair):
    ours, theirs = pair
    for source in ours:
        wanted = nx.single_source_dijkstra_path_length(theirs, source)
        assert dijkstra(ours, source).distances == pytest.approx(wanted, rel=9 * 2.3e-16)


@pytest.mark.reference
@few
@given(graphs(directed=True, weights=st.integers(-4, 9)))
def test_bellman_ford_is_networkxs(pair):
    ours, theirs = pair
    for source in ours:
        try:
            wanted = nx.single_source_bellman_ford_path_length(theirs, source)
        except nx.NetworkXUnbounded:
            with pytest.raises(NegativeCycleError, match="negative length") as caught:
                bellman_ford(ours, source)
            cycle = caught.value.cycle
            assert length_of(ours, [*cycle, cycle[0]]) < 0
        else:
            assert bellman_ford(ours, source).distances == wanted


@pytest.mark.reference
@settings(max_examples=60)
@given(graphs(directed=True, weights=st.integers(-3, 9), loops=False))
def test_floyd_warshall_is_scipys(pair):
    ours, _ = pair
    if not len(ours):
        return
    weights = ours.matrix(np.inf)
    np.fill_diagonal(weights, 0)
    try:
        wanted = csgraph.floyd_warshall(csgraph.csgraph_from_dense(weights, null_value=np.inf))
    except csgraph.NegativeCycleError:
        with pytest.raises(ValueError, match="negative length"):
            floyd_warshall(weights)
    else:
        np.testing.assert_array_equal(floyd_warshall(weights), wanted)


@few
@given(graphs(weights=lengths), st.data())
def test_a_star_needs_only_a_lower_bound(pair, data):
    """With any admissible estimate, consistent or not, the way is the shortest."""
    ours, _ = pair
    if not len(ours):
        return
    target = data.draw(st.sampled_from(list(ours)))
    rest = dijkstra(ours.reversed(), target).distances
    guess = {node: data.draw(st.integers(0, int(rest[node]))) for node in rest}
    for source in ours:
        if source not in rest:
            with pytest.raises(ValueError, match="no way leads"):
                a_star(ours, source, target, lambda node: guess.get(node, 0.0))
            continue
        path, length = a_star(ours, source, target, lambda node: guess.get(node, 0.0))
        assert path[0] == source
        assert path[-1] == target
        assert length == rest[source] == length_of(ours, path)


def test_a_star_looks_at_fewer_nodes_on_a_grid():
    side = 20
    grid = Graph(
        ((x, y), (x + dx, y + dy))
        for x in range(side)
        for y in range(side)
        for dx, dy in ((0, 1), (1, 0))
        if x + dx < side and y + dy < side
    )
    looked: dict[bool, set] = {True: set(), False: set()}

    def estimate(informed):
        def lower_bound(node):
            looked[informed].add(node)
            return abs(node[0] - 10) + abs(node[1] - 10) if informed else 0.0

        return lower_bound

    for informed in (True, False):
        assert a_star(grid, (8, 8), (10, 10), estimate(informed))[1] == 4
    assert len(looked[True]) < len(looked[False])


def test_what_has_no_shortest_way_is_refused():
    with pytest.raises(ValueError, match="use bellman_ford"):
        dijkstra(Graph([(0, 1, -1)]), 0)
    with pytest.raises(ValueError, match="no way leads from 0 to 1"):
        dijkstra(Graph(nodes=[0, 1]), 0).path(1)
    with pytest.raises(ValueError, match="no node"):
        dijkstra(Graph(), 0)
    with pytest.raises(ValueError, match="no node"):
        bellman_ford(Graph(), 0)
    with pytest.raises(ValueError, match="no node"):
        a_star(Graph([(0, 1)]), 0, 5, lambda node: 0.0)
    with pytest.raises(NegativeCycleError, match=r"0 -> 1 -> 0|1 -> 0 -> 1"):
        bellman_ford(Graph([(0, 1, -1)]), 0)
    with pytest.raises(ValueError, match="square"):
        floyd_warshall(np.ones((2, 3)))
    with pytest.raises(ValueError, match="nan"):
        floyd_warshall([[0, np.nan], [1, 0]])
    assert floyd_warshall(np.zeros((0, 0))).shape == (0, 0)
    loops = Graph([(0, 0, 5), (0, 1, 2)], directed=True).matrix(np.inf)
    assert floyd_warshall(loops).tolist() == [[0, 2], [np.inf, 0]]


def test_an_infinite_weight_is_no_way():
    assert dijkstra(Graph([(0, 1, np.inf)]), 0).distances == {0: 0.0}
