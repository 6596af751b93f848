"""Graphs as dictionaries of neighbours, and the two ways to walk through them.

A graph is a set of nodes and of edges between them, each with a weight (1 unless given). Nodes are
any hashable values but None. An autograd tape, a table of BPE merges and the imports of a package
are such graphs. Source: Cormen, Leiserson, Rivest and Stein, "Introduction to algorithms" (2009),
chapter 22. Left out: parallel edges (a second edge between two nodes replaces the first).
"""

import math
from collections import deque
from collections.abc import Hashable, Iterable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.swap import replaceable

Node = Hashable
Edge = tuple[Node, Node, float]


class Graph:
    """Nodes and weighted edges; undirected unless `directed`.

    `edges` are pairs (from, to) or triples (from, to, weight), `nodes` may name lonely nodes. Nodes
    and neighbours keep the order in which they came, so every walk is the same in every run.

    >>> Graph(["ab", "bc"]).neighbors("b")
    {'a': 1.0, 'c': 1.0}
    """

    def __init__(
        self,
        edges: Iterable[Iterable[Node]] = (),
        *,
        nodes: Iterable[Node] = (),
        directed: bool = False,
    ) -> None:
        self.directed = directed
        self._out: dict[Node, dict[Node, float]] = {}
        for node in nodes:
            self.add_node(node)
        for edge in edges:
            parts = tuple(edge)
            if len(parts) not in (2, 3):
                raise ValueError(f"edge {edge!r} is no pair (from, to) or triple with a weight")
            self.add_edge(*parts)  # type: ignore[arg-type]

    def add_node(self, node: Node) -> None:
        """Add a node; nothing happens if it is there. ValueError for None, which means no node."""
        if node is None:
            raise ValueError("None cannot be a node; wanted any other hashable value")
        self._out.setdefault(node, {})

    def add_edge(self, start: Node, end: Node, weight: float = 1.0) -> None:
        """Add an edge and its nodes; ValueError for a weight of nan or -inf."""
        number = float(weight)
        if math.isnan(number) or number == -math.inf:
            raise ValueError(
                f"edge {start!r} - {end!r} has weight {number}; wanted a number above -inf"
            )
        self.add_node(start)
        self.add_node(end)
        self._out[start][end] = number
        if not self.directed:
            self._out[end][start] = number

    def neighbors(self, node: Node) -> dict[Node, float]:
        """Where edges lead from a node: {neighbour: weight}; ValueError for an unknown node."""
        if node not in self._out:
            raise ValueError(f"{node!r} is no node of this graph of {len(self)} nodes")
        return self._out[node]

    def edges(self) -> Iterator[Edge]:
        """Every edge once, as (from, to, weight)."""
        seen: set[Node] = set()
        for start, ends in self._out.items():
            yield from (
                (start, end, weight)
                for end, weight in ends.items()
                if self.directed or end not in seen
            )
            seen.add(start)

    def reversed(self) -> "Graph":
        """The same nodes with every edge turned around."""
        turned = [(end, start, weight) for start, end, weight in self.edges()]
        return Graph(turned, nodes=self, directed=self.directed)

    def matrix(self, absent: float = 0.0) -> NDArray[np.float64]:
        """Weights as an array (nodes x nodes), rows are where edges start; `absent` elsewhere."""
        place = {node: i for i, node in enumerate(self)}
        weights = np.full((len(self), len(self)), absent)
        for start, ends in self._out.items():
            for end, weight in ends.items():
                weights[place[start], place[end]] = weight
        return weights

    def __contains__(self, node: Node) -> bool:
        return node in self._out

    def __iter__(self) -> Iterator[Node]:
        return iter(self._out)

    def __len__(self) -> int:
        return len(self._out)

    def __repr__(self) -> str:
        kind = "directed" if self.directed else "undirected"
        return f"<{kind} graph: {len(self)} nodes, {sum(1 for _ in self.edges())} edges>"


def from_matrix(weights: ArrayLike, *, directed: bool = True) -> Graph:
    """The graph on nodes 0 ... n-1 whose edges are the entries of an n x n array that are not 0.

    Raises ValueError for another shape, and for an undirected graph of an asymmetric array.
    """
    matrix = np.asarray(weights, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"weights have shape {matrix.shape}; wanted a square matrix")
    if not directed and not np.array_equal(matrix, matrix.T, equal_nan=True):
        raise ValueError("weights are not symmetric; an undirected graph needs w[i, j] == w[j, i]")
    starts, ends = np.nonzero(matrix)
    edges = zip(starts.tolist(), ends.tolist(), matrix[starts, ends].tolist(), strict=True)
    return Graph(edges, nodes=range(len(matrix)), directed=directed)


@replaceable
def breadth_first(graph: Graph, source: Node) -> dict[Node, int]:
    """Edges on the shortest way from `source` to each node it reaches, nearest first.

    A queue holds what is seen but not yet left: nodes at distance d leave before those at d + 1.
    O(nodes + edges). Moore (1959). ValueError for an unknown source.
    """
    distances = {source: 0}
    queue = deque([source])
    while queue:
        node = queue.popleft()
        for neighbor in graph.neighbors(node):
            if neighbor not in distances:
                distances[neighbor] = distances[node] + 1
                queue.append(neighbor)
    return distances


@replaceable
def depth_first(graph: Graph, source: Node) -> list[Node]:
    """Nodes reached from `source` in the order in which depth-first search enters them.

    A stack of half-read neighbour lists stands in for recursion, so long chains do not overflow
    Python's stack. O(nodes + edges). Tarjan (1972). ValueError for an unknown source.
    """
    return [node for node, enters in _walk(graph, source, set()) if enters]


def postorder(graph: Graph, sources: Iterable[Node] | None = None) -> list[Node]:
    """Nodes in the order in which depth-first search leaves them, each after all found from it.

    From `sources` in turn (all nodes by default). In a directed graph without cycles, the reverse
    is a topological order: this is how micrograd orders its backward pass.
    """
    seen: set[Node] = set()
    left: list[Node] = []
    for source in graph if sources is None else sources:
        if source not in seen:
            left += [node for node, enters in _walk(graph, source, seen) if not enters]
    return left


def _walk(graph: Graph, source: Node, seen: set[Node]) -> Iterator[tuple[Node, bool]]:
    """(node, True) when the search enters a node, (node, False) when it leaves it for good."""
    seen.add(source)
    yield source, True
    stack = [(source, iter(graph.neighbors(source)))]
    while stack:
        node, neighbors = stack[-1]
        fresh = next((neighbor for neighbor in neighbors if neighbor not in seen), None)
        if fresh is None:
            stack.pop()
            yield node, False
        else:
            seen.add(fresh)
            yield fresh, True
            stack.append((fresh, iter(graph.neighbors(fresh))))
