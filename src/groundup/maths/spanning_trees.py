"""The cheapest edges that hold a graph together.

The cut property carries both: for any set of nodes, the cheapest edge that leaves it lies in some
minimum spanning tree. Source: Cormen, Leiserson, Rivest and Stein, "Introduction to algorithms"
(2009), chapter 23. Left out: Boruvka's algorithm, directed trees.
"""

import heapq

from groundup.maths.graphs import Edge, Graph, Node
from groundup.maths.union_find import UnionFind
from groundup.swap import replaceable


@replaceable
def kruskal(graph: Graph) -> list[Edge]:
    """A minimum spanning tree as its edges (a forest, one tree for each connected component).

    Edges from the cheapest on; one is left out if its ends are already joined.
    O(edges log edges). Kruskal (1956). ValueError for a directed graph.
    """
    _refuse_directed(graph)
    joined = UnionFind(graph)
    ascending = sorted(graph.edges(), key=lambda edge: edge[2])
    return [edge for edge in ascending if joined.union(edge[0], edge[1])]


@replaceable
def prim(graph: Graph) -> list[Edge]:
    """A minimum spanning forest as its edges, each tree grown from one node.

    Again and again the cheapest edge that leaves the tree; a heap finds it in O(log edges).
    Prim (1957). ValueError for a directed graph.
    """
    _refuse_directed(graph)
    inside: set[Node] = set()
    chosen: list[Edge] = []
    for root in graph:
        if root not in inside:
            chosen += _grow(graph, root, inside)
    return chosen


def _grow(graph: Graph, root: Node, inside: set[Node]) -> list[Edge]:
    tree: list[Edge] = []
    leaving: list[tuple[float, int, Node, Node]] = []
    node, pushed = root, 0
    while True:
        inside.add(node)
        for neighbor, weight in graph.neighbors(node).items():
            if neighbor not in inside:
                pushed += 1  # breaks ties, as nodes themselves may have no order
                heapq.heappush(leaving, (weight, pushed, node, neighbor))
        while leaving and leaving[0][3] in inside:
            heapq.heappop(leaving)
        if not leaving:
            return tree
        weight, _, start, node = heapq.heappop(leaving)
        tree.append((start, node, weight))


def _refuse_directed(graph: Graph) -> None:
    if graph.directed:
        raise ValueError("a spanning tree wants an undirected graph; this one is directed")
