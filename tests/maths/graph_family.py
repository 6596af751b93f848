"""Random graphs for the tests of everything on graphs, in our form and networkx's."""

import networkx as nx
from hypothesis import settings
from hypothesis import strategies as st

from groundup.maths.graphs import Graph

few = settings(max_examples=50)
"""Enough for graphs of nine nodes; there are many tests."""


@st.composite
def graphs(draw, *, directed=None, weights=None, most=9, loops=True):
    """(ours, networkx's): up to `most` nodes, any density, weights of the strategy or 1."""
    count = draw(st.integers(0, most))
    is_directed = draw(st.booleans()) if directed is None else directed
    nodes = st.integers(0, max(count - 1, 0))
    pairs = draw(st.lists(st.tuples(nodes, nodes), max_size=3 * most)) if count else []
    edges = {}
    for start, end in pairs:
        key = (start, end) if is_directed else (min(start, end), max(start, end))
        if loops or start != end:
            edges[key] = draw(weights) if weights is not None else 1
    triples = [(start, end, weight) for (start, end), weight in edges.items()]
    ours = Graph(triples, nodes=range(count), directed=is_directed)
    theirs = nx.DiGraph() if is_directed else nx.Graph()
    theirs.add_nodes_from(range(count))
    theirs.add_weighted_edges_from(triples)
    return ours, theirs
