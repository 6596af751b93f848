"""Dynamic programming is a shortest path in a graph without cycles: three famous cases.

In topological order, every node's shortest way is known before it is needed, negative weights or
not: O(nodes + edges). Bellman, "Dynamic programming" (1957). Edit distance, the best segmentation
of a text into pieces, and the most likely path of a hidden Markov model are all this one search;
the tests hold the table each is usually computed with to the path in its graph.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.maths.components import topological_order
from groundup.maths.graphs import Graph, Node
from groundup.maths.shortest_paths import ShortestPaths
from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def dag_shortest(graph: Graph, source: Node) -> ShortestPaths:
    """Shortest ways from `source` in a directed graph without cycles; weights may be negative.

    Longest ways are the shortest of the negated weights. Raises CycleError for a cycle.
    """
    graph.neighbors(source)
    distances: dict[Node, float] = {source: 0.0}
    came_from: dict[Node, Node] = {}
    for node in topological_order(graph):
        if node not in distances:
            continue
        for neighbor, weight in graph.neighbors(node).items():
            if (further := distances[node] + weight) < distances.get(neighbor, np.inf):
                distances[neighbor] = further
                came_from[neighbor] = node
    return ShortestPaths(source, distances, came_from)


def edit_graph(a: Sequence[object], b: Sequence[object]) -> Graph:
    """The graph whose ways from (0, 0) to (len(a), len(b)) are the edits that turn a into b.

    Node (i, j): the first i items of a have become the first j of b. Down deletes, right inserts
    (cost 1), the diagonal keeps (cost 0) or replaces (cost 1).
    """
    graph = Graph(directed=True, nodes=[(0, 0)])
    for i in range(len(a) + 1):
        for j in range(len(b) + 1):
            if i < len(a):
                graph.add_edge((i, j), (i + 1, j), 1)
            if j < len(b):
                graph.add_edge((i, j), (i, j + 1), 1)
            if i < len(a) and j < len(b):
                graph.add_edge((i, j), (i + 1, j + 1), float(a[i] != b[j]))
    return graph


@replaceable
def edit_distance(a: Sequence[object], b: Sequence[object]) -> int:
    r"""The fewest insertions, deletions and replacements that turn a into b.

    $d_{ij} = \min(d_{i-1,j} + 1,\; d_{i,j-1} + 1,\; d_{i-1,j-1} + [a_i \ne b_j])$, row by row:
    the shortest way through `edit_graph` in len(a) x len(b) steps and one row of memory.
    Levenshtein (1966), Wagner and Fischer (1974). Left out: transpositions, weights.
    """
    above = list(range(len(b) + 1))
    for i, item in enumerate(a, start=1):
        row = [i]
        for j, other in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (item != other)))
        above = row
    return above[-1]


@replaceable
def best_segmentation(text: str, costs: Mapping[str, float]) -> tuple[list[str], float]:
    """The cheapest way to write `text` as pieces, each at its cost, and the total.

    Nodes are the places between characters, an edge is a piece. With costs -log p this is how a
    unigram tokenizer reads (Kudo 2018), with all costs 1 it takes the fewest pieces.
    O(len(text) x longest piece). Of equally cheap ways, that whose last pieces start earliest.
    Raises ValueError if no pieces spell the text.
    """
    longest = max(map(len, costs), default=0)
    best = [0.0] + [np.inf] * len(text)
    begins = [0] * (len(text) + 1)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - longest), end):
            cost = best[start] + costs.get(text[start:end], np.inf)
            if cost < best[end]:
                best[end], begins[end] = cost, start
    if best[-1] == np.inf:
        stuck = max(place for place, cost in enumerate(best) if cost < np.inf)
        raise ValueError(
            f"no pieces spell the text past place {stuck}: {text[stuck : stuck + 20]!r}"
        )
    return list(_pieces(text, begins))[::-1], best[-1]


def _pieces(text: str, begins: list[int]) -> Iterator[str]:
    end = len(text)
    while end > 0:
        yield text[begins[end] : end]
        end = begins[end]


@replaceable
def viterbi(
    start: ArrayLike, transitions: ArrayLike, emissions: ArrayLike
) -> tuple[list[int], float]:
    r"""The most likely path of hidden states, and its log probability.

    In logs: `start` (states,), `transitions` (states from x states to), and `emissions`
    (times x states), the log likelihood of what was seen at each time in each state.
    $v_t(s) = e_t(s) + \max_r (v_{t-1}(r) + a_{rs})$: the longest way through a trellis of
    times x states nodes. Viterbi (1967). Logs may be -inf (impossible). Ties go to the lower state.
    Raises ValueError for other shapes, NaN, +inf, no times, and where no path is possible.
    """
    first, step, seen = _trellis(start, transitions, emissions)
    value = first + seen[0]
    came_from = np.zeros(seen.shape, np.intp)
    for t in range(1, len(seen)):
        ways = value[:, None] + step
        came_from[t] = ways.argmax(axis=0)
        value = ways.max(axis=0) + seen[t]
    if value.max() == -np.inf:
        raise ValueError("no path of states is possible; every one passes a log probability -inf")
    path = [int(value.argmax())]
    for t in range(len(seen) - 1, 0, -1):
        path.append(int(came_from[t, path[-1]]))
    return path[::-1], float(value.max())


def _trellis(
    start: ArrayLike, transitions: ArrayLike, emissions: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    first = np.asarray(start, np.float64)
    step = np.asarray(transitions, np.float64)
    seen = np.asarray(emissions, np.float64)
    states = first.size
    if first.ndim != 1 or step.shape != (states, states) or seen.shape[1:] != (states,):
        raise ValueError(
            f"start, transitions and emissions have shapes {first.shape}, {step.shape}, "
            f"{seen.shape}; wanted (states,), (states, states), (times, states)"
        )
    if states == 0 or len(seen) == 0:
        raise ValueError("a path needs at least one state and one time")
    for name, logs in (("start", first), ("transitions", step), ("emissions", seen)):
        if np.isnan(logs).any() or (logs == np.inf).any():
            raise ValueError(f"{name} holds nan or inf; wanted logs of probabilities")
    return first, step, seen
