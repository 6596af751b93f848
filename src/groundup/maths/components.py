"""Which nodes hang together: components, strong components, cycles, topological order, two sides.

Source: Cormen, Leiserson, Rivest and Stein, "Introduction to algorithms" (2009), chapter 22.
Everything here takes O(nodes + edges) and no recursion.
"""

from collections import deque

from groundup.maths.graphs import Graph, Node, breadth_first, depth_first, postorder
from groundup.swap import replaceable


class CycleError(ValueError):
    """A directed graph that should have no cycle has one; `cycle` holds its nodes in order."""

    def __init__(self, cycle: list[Node]) -> None:
        self.cycle = cycle
        way = " -> ".join(map(repr, [*cycle, cycle[0]]))
        super().__init__(f"the graph has the cycle {way}; take out one of its edges")


@replaceable
def connected_components(graph: Graph) -> list[set[Node]]:
    """The sets of nodes that are joined by paths, in order of their first node.

    Raises ValueError for a directed graph: there, ask for `strong_components`.
    """
    if graph.directed:
        raise ValueError("connected_components wants an undirected graph; use strong_components")
    seen: set[Node] = set()
    components = []
    for node in graph:
        if node not in seen:
            components.append(set(breadth_first(graph, node)))
            seen |= components[-1]
    return components


@replaceable
def strong_components(graph: Graph) -> list[set[Node]]:
    """The sets of nodes that all reach each other, each set before those it leads to.

    Kosaraju's two searches (Sharir 1981): the node that depth-first search leaves last lies in a
    component that nothing else leads to; against the edges, from it, one finds just that component.
    """
    against = graph.reversed()
    seen: set[Node] = set()
    components = []
    for node in reversed(postorder(graph)):
        if node in seen:
            continue
        component = {node}
        waiting = [node]
        while waiting:
            fresh = set(against.neighbors(waiting.pop())) - seen - component
            component |= fresh
            waiting += fresh
        seen |= component
        components.append(component)
    return components


@replaceable
def topological_order(graph: Graph) -> list[Node]:
    """The nodes of a directed graph so that every edge leads forward.

    Kahn (1962): take a node that no edge leads to, strike out its edges, repeat. Among those free
    at once, the first that became free goes first. Raises CycleError, with the cycle, where there
    is no such order, and ValueError for an undirected graph.
    """
    if not graph.directed:
        raise ValueError("topological_order wants a directed graph; this one is undirected")
    incoming = dict.fromkeys(graph, 0)
    for _, end, _ in graph.edges():
        incoming[end] += 1
    free = deque(node for node, count in incoming.items() if count == 0)
    order = []
    while free:
        order.append(node := free.popleft())
        for neighbor in graph.neighbors(node):
            incoming[neighbor] -= 1
            if incoming[neighbor] == 0:
                free.append(neighbor)
    if len(order) < len(graph):
        cycle = find_cycle(graph)
        assert cycle is not None, "nodes that never become free lie on or behind a cycle"
        raise CycleError(cycle)
    return order


def find_cycle(graph: Graph) -> list[Node] | None:
    """A shortest cycle of the directed graph's first strong component that has one, or None.

    A loop (an edge from a node to itself) is a cycle of one node.
    """
    if not graph.directed:
        raise ValueError("find_cycle wants a directed graph; this one is undirected")
    for component in strong_components(graph):
        nodes = [node for node in graph if node in component]
        loop = next((node for node in nodes if node in graph.neighbors(node)), None)
        if loop is not None:
            return [loop]
        if len(nodes) > 1:
            return _shortest_round(graph, nodes)
    return None


def _shortest_round(graph: Graph, nodes: list[Node]) -> list[Node]:
    """The shortest way from the first of the nodes back to itself, by breadth-first search."""
    start = nodes[0]
    came_from: dict[Node, Node] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for neighbor in graph.neighbors(node):
            if neighbor == start:
                cycle = [node]
                while cycle[-1] != start:
                    cycle.append(came_from[cycle[-1]])
                return cycle[::-1]
            if neighbor not in came_from:
                came_from[neighbor] = node
                queue.append(neighbor)
    raise AssertionError("every node of a strong component of two or more lies on a cycle")


@replaceable
def two_sides(graph: Graph) -> tuple[set[Node], set[Node]] | None:
    """The two sides of a bipartite graph (all edges go across), or None if it has an odd cycle.

    Koenig (1936): give each node the parity of its distance from where the search began; the graph
    is bipartite if and only if no edge joins equal parities. Lonely nodes stand on the first side.
    """
    both_ways = graph
    if graph.directed:
        both_ways = Graph(graph.edges(), nodes=graph)
    parity: dict[Node, int] = {}
    for node in both_ways:
        if node not in parity:
            distances = breadth_first(both_ways, node)
            parity |= {other: distance % 2 for other, distance in distances.items()}
    if any(parity[start] == parity[end] for start, end, _ in both_ways.edges()):
        return None
    first = {node for node, side in parity.items() if side == 0}
    return first, set(parity) - first


def ancestors(graph: Graph, node: Node) -> set[Node]:
    """All nodes from which a directed path leads to this one, without itself."""
    return set(depth_first(graph.reversed(), node)) - {node}
