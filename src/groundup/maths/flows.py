"""How much can flow through a network, and its two faces: the narrowest cut, and matching.

Source: Cormen, Leiserson, Rivest and Stein, "Introduction to algorithms" (2009), chapter 26.
Left out: push-relabel, costs.
"""

from collections import deque
from dataclasses import dataclass

from groundup.maths.components import two_sides
from groundup.maths.graphs import Graph, Node
from groundup.swap import replaceable

Residual = dict[Node, dict[Node, float]]


@dataclass(frozen=True)
class Flow:
    """A largest flow and a narrowest cut; that their sizes are equal proves both."""

    value: float
    """What leaves the source."""
    along: dict[tuple[Node, Node], float]
    """The flow along each edge that carries any."""
    cut: set[Node]
    """The source's side of a cut whose edges are all full."""


@replaceable
def max_flow(graph: Graph, source: Node, sink: Node) -> Flow:
    """The most that flows from `source` to `sink` where weights are capacities.

    While a way with room is left, fill the shortest (fewest edges); room is what an edge still
    takes, and the flow that can be taken back from its reverse. Ford and Fulkerson (1956),
    Edmonds and Karp (1972): O(nodes x edges^2) whatever the capacities. When no way is left, the
    nodes that can still be reached are the cut. An undirected edge takes its weight either way.
    Raises ValueError for negative or infinite capacities and for source = sink.
    """
    graph.neighbors(source)
    graph.neighbors(sink)
    if source == sink:
        raise ValueError(f"source and sink are both {source!r}; wanted two nodes")
    room = _capacities(graph)
    value = 0.0
    while sink in (came_from := _reach(room, source, sink)):
        way = [sink]
        while way[-1] != source:
            way.append(came_from[way[-1]])
        steps = list(zip(way[1:], way, strict=False))
        most = min(room[start][end] for start, end in steps)
        for start, end in steps:
            room[start][end] -= most
            room[end][start] += most
        value += most
    along = {
        (start, end): graph.neighbors(start)[end] - left
        for start in graph
        for end, left in room[start].items()
        if end in graph.neighbors(start) and left < graph.neighbors(start)[end]
    }
    return Flow(value, along, set(came_from))


def _capacities(graph: Graph) -> Residual:
    room: Residual = {node: {} for node in graph}
    for start in graph:
        for end, capacity in graph.neighbors(start).items():
            if not 0 <= capacity < float("inf"):
                raise ValueError(
                    f"the edge {start!r} -> {end!r} has capacity {capacity}; "
                    "wanted a finite number of at least 0"
                )
            if start != end:
                room[start][end] = capacity
                room[end].setdefault(start, 0.0)
    return room


def _reach(room: Residual, source: Node, sink: Node) -> dict[Node, Node]:
    """Breadth-first along edges with room: {node: the node before}; ends once it is at the sink."""
    came_from: dict[Node, Node] = {source: source}
    queue = deque([source])
    while queue and sink not in came_from:
        node = queue.popleft()
        for neighbor, left in room[node].items():
            if left > 0 and neighbor not in came_from:
                came_from[neighbor] = node
                queue.append(neighbor)
    return came_from


@replaceable
def maximum_matching(graph: Graph) -> dict[Node, Node]:
    """The most pairs of neighbours with no node in two pairs; {node: its mate}, both ways.

    For a bipartite graph (ValueError for others). A way that alternates between free and matched
    edges and ends at two lonely nodes is switched, which makes one pair more; when there is none,
    the matching is largest (Berge 1957). O(nodes x edges).
    """
    sides = two_sides(graph)
    if sides is None:
        raise ValueError("the graph has an odd cycle; matching here wants a bipartite graph")
    edges = Graph(graph.edges(), nodes=graph)
    mates: dict[Node, Node] = {}
    for node in graph:
        if node in sides[0]:
            _augment(edges, node, mates)
    return mates


def _augment(graph: Graph, lonely: Node, mates: dict[Node, Node]) -> None:
    """Find a mate for a lonely node of the first side; others change theirs if they must."""
    asked: dict[Node, Node] = {}  # a node of the second side: who asked it
    waiting: deque[Node] = deque([lonely])
    while waiting:
        node = waiting.popleft()
        for other in graph.neighbors(node):
            if other in asked:
                continue
            asked[other] = node
            if other not in mates:
                _switch(other, asked, mates)
                return
            waiting.append(mates[other])


def _switch(free: Node, asked: dict[Node, Node], mates: dict[Node, Node]) -> None:
    """Pair each node with who asked it, from the free one back to the lonely one."""
    other: Node | None = free
    while other is not None:
        asker = asked[other]
        previous = mates.get(asker)
        mates[other], mates[asker] = asker, other
        other = previous


def minimum_vertex_cover(graph: Graph) -> set[Node]:
    """The fewest nodes that touch every edge of a bipartite graph: as many as the most pairs.

    Koenig (1931): from lonely nodes of the first side walk free edges across and matched ones back;
    take what is not reached on the first side and what is reached on the second.
    """
    mates = maximum_matching(graph)
    sides = two_sides(graph)
    assert sides is not None, "maximum_matching has refused graphs with odd cycles"
    first, second = sides
    edges = Graph(graph.edges(), nodes=graph)
    waiting = [node for node in first if node not in mates]
    reached = set(waiting)
    while waiting:
        for other in edges.neighbors(waiting.pop()):
            if other not in reached:
                reached.add(other)
                if mates[other] not in reached:
                    reached.add(mates[other])
                    waiting.append(mates[other])
    return (first - reached) | (second & reached)
