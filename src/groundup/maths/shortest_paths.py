"""Shortest ways through a weighted graph: Dijkstra, A*, Bellman-Ford, Floyd-Warshall.

Source: Cormen, Leiserson, Rivest and Stein, "Introduction to algorithms" (2009), chapters 24, 25.
The length of a way is the sum of its edges' weights. Left out: Johnson's algorithm, buckets.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.maths.graphs import Graph, Node
from groundup.swap import replaceable


class NegativeCycleError(ValueError):
    """Going round a cycle makes every way shorter, so none is shortest; `cycle` holds its nodes."""

    def __init__(self, cycle: list[Node]) -> None:
        self.cycle = cycle
        way = " -> ".join(map(repr, [*cycle, cycle[0]]))
        super().__init__(f"the cycle {way} has negative length; shortest ways do not exist")


@dataclass(frozen=True)
class ShortestPaths:
    """What a search from one source finds."""

    source: Node
    """Where all ways begin."""
    distances: dict[Node, float]
    """The length of the shortest way to each node that can be reached."""
    came_from: dict[Node, Node]
    """The node before, on that way; the source has none."""

    def path(self, target: Node) -> list[Node]:
        """The nodes of the shortest way to `target`; ValueError if none leads there."""
        if target not in self.distances:
            raise ValueError(f"no way leads from {self.source!r} to {target!r}")
        way = [target]
        while way[-1] != self.source:
            way.append(self.came_from[way[-1]])
        return way[::-1]


def _no_estimate(node: Node) -> float:
    return 0.0


@replaceable
def dijkstra(graph: Graph, source: Node) -> ShortestPaths:
    """Shortest ways from `source` to all nodes; no weight may be negative (ValueError).

    The nearest node that is not settled yet can not be reached any shorter way, since all other
    ways start at least as far: settle it, and look along its edges. With a heap,
    O((nodes + edges) log nodes). Dijkstra (1959).
    """
    return _search(graph, source, _no_estimate, None)


@replaceable
def a_star(
    graph: Graph, source: Node, target: Node, estimate: Callable[[Node], float]
) -> tuple[list[Node], float]:
    """The shortest way from `source` to `target` and its length.

    Dijkstra's search, in order of distance + estimate(node), a lower bound of what is still to go.
    A node is taken up again where a shorter way to it turns up, so the estimate must never be too
    large (admissible) but need not be consistent. Hart, Nilsson and Raphael (1968). Raises
    ValueError for a negative weight and where no way leads to the target.
    """
    graph.neighbors(target)
    found = _search(graph, source, estimate, target)
    return found.path(target), found.distances[target]


def _search(
    graph: Graph, source: Node, estimate: Callable[[Node], float], target: Node | None
) -> ShortestPaths:
    graph.neighbors(source)
    distances: dict[Node, float] = {source: 0.0}
    came_from: dict[Node, Node] = {}
    waiting: list[tuple[float, int, float, Node]] = [(estimate(source), 0, 0.0, source)]
    pushed = 0  # breaks ties, as nodes themselves may have no order
    while waiting:
        _, _, distance, node = heapq.heappop(waiting)
        if distance > distances[node]:
            continue  # a shorter way was found since
        if node == target:
            break
        for neighbor, weight in graph.neighbors(node).items():
            if weight < 0:
                raise ValueError(
                    f"the edge {node!r} -> {neighbor!r} has weight {weight}; this search wants "
                    "weights of at least 0, use bellman_ford"
                )
            if (further := distance + weight) < distances.get(neighbor, np.inf):
                distances[neighbor] = further
                came_from[neighbor] = node
                pushed += 1
                entry = (further + estimate(neighbor), pushed, further, neighbor)
                heapq.heappush(waiting, entry)
    return ShortestPaths(source, distances, came_from)


@replaceable
def bellman_ford(graph: Graph, source: Node) -> ShortestPaths:
    """Shortest ways from `source`, where weights may be negative.

    After k rounds over all edges, no way of at most k edges is shorter than what is known; without
    a negative cycle, nodes - 1 rounds suffice. O(nodes x edges). Bellman (1958), Ford (1956).
    Raises NegativeCycleError, with the cycle, if one can be reached. An undirected edge counts as
    two edges, so a negative one is such a cycle.
    """
    graph.neighbors(source)
    distances: dict[Node, float] = {source: 0.0}
    came_from: dict[Node, Node] = {}
    changed = [source]
    for _ in range(len(graph)):
        shorter: dict[Node, None] = {}
        for node in changed:
            for neighbor, weight in graph.neighbors(node).items():
                if (further := distances[node] + weight) < distances.get(neighbor, np.inf):
                    distances[neighbor] = further
                    came_from[neighbor] = node
                    shorter[neighbor] = None
        changed = list(shorter)
        if not changed:
            return ShortestPaths(source, distances, came_from)
    raise NegativeCycleError(_cycle_behind(changed[0], came_from))


def _cycle_behind(node: Node, came_from: dict[Node, Node]) -> list[Node]:
    """The cycle that one enters going back from a node that still changes after all rounds."""
    behind: dict[Node, None] = {}
    while node not in behind:
        behind[node] = None
        node = came_from[node]
    way = list(behind)
    return way[way.index(node) :][::-1]


@replaceable
def floyd_warshall(weights: ArrayLike) -> NDArray[np.float64]:
    r"""Lengths of the shortest ways between all pairs, n x n, from weights of shape n x n.

    inf stands where no edge is (`Graph.matrix(np.inf)`). For each middle node k in turn,
    $d_{ij} \leftarrow \min(d_{ij}, d_{ik} + d_{kj})$: then ways through nodes up to k are known.
    $O(n^3)$. Floyd (1962), Warshall (1962). ValueError for other shapes, NaN and -inf;
    ValueError too if a diagonal entry falls below 0: a cycle through that node has negative length.
    """
    lengths = np.array(weights, np.float64)
    if lengths.ndim != 2 or lengths.shape[0] != lengths.shape[1]:
        raise ValueError(f"weights have shape {lengths.shape}; wanted a square matrix")
    if np.isnan(lengths).any() or (lengths == -np.inf).any():
        raise ValueError("weights hold nan or -inf; wanted numbers, and inf where no edge is")
    np.fill_diagonal(lengths, np.minimum(np.diagonal(lengths), 0.0))
    for k in range(len(lengths)):
        np.minimum(lengths, lengths[:, k, None] + lengths[k], out=lengths)
        if (np.diagonal(lengths) < 0).any():
            node = int(np.argmin(np.diagonal(lengths)))
            raise ValueError(f"a cycle through node {node} has negative length; see bellman_ford")
    return lengths
