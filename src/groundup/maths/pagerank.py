"""Where a walk that follows random edges spends its time: stationary distributions and PageRank.

A row-stochastic matrix P (every row sums to 1) is a walk: from i the next node is j with
probability P[i, j]. A row of attention weights is one such step. Sources: Page, Brin, Motwani and
Winograd, "The PageRank citation ranking" (1999); Grassmann, Taksar and Heyman, "Regenerative
analysis and steady state distributions for Markov chains" (1985).
"""

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.maths.components import strong_components
from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.finite import finite_vector
from groundup.maths.graphs import Graph, from_matrix
from groundup.maths.matrices import square_matrix
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@replaceable
def pagerank(
    links: Graph | ArrayLike,
    damping: float = 0.85,
    *,
    teleport: ArrayLike | None = None,
    tol: float = 1e-10,
    max_iterations: int = 1000,
) -> Floats:
    r"""How often a surfer is at each node (n,), who follows a link with probability `damping`.

    `links`: a directed graph, or its weights n x n (row i holds the links of i). Otherwise, and at
    nodes without links, he jumps to node i with probability $v_i$ (`teleport`, scaled to sum 1;
    uniform by default). Power iteration $x \leftarrow d\,(x P + m\,v) + (1 - d)\,v$, with $m$ the
    share of x at nodes without links. Each step shrinks the error by d, so it stops when
    $\|x' - x\|_1\, d/(1-d) \le$ tol, and then the error in the 1-norm is at most tol.
    O(edges) a step. Raises ValueError for negative weights, damping outside [0, 1), no nodes, a
    teleport of the wrong length; warns when `max_iterations` are not enough.
    """
    starts, ends, weights, nodes = _links(links)
    if not 0 <= damping < 1:
        raise ValueError(f"damping is {damping}; wanted 0 <= damping < 1, as 0.85")
    jump = _distribution(np.ones(nodes) if teleport is None else teleport, nodes, "teleport")
    out = np.bincount(starts, weights, nodes)
    follow = damping * weights / out[starts]
    rank, converged = jump, False
    for _ in range(max_iterations):
        stuck = damping * rank[out == 0].sum()
        followed = np.bincount(ends, follow * rank[starts], nodes)
        new = followed + (stuck + 1 - damping) * jump
        new /= new.sum()
        moved = np.abs(new - rank).sum()
        rank = new
        if converged := bool(moved * damping <= tol * (1 - damping)):
            break
    if not converged:
        message = "PageRank has not settled; raise max_iterations or tol, or lower damping"
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
    return rank


def _links(links: Graph | ArrayLike) -> tuple[Ints, Ints, Floats, int]:
    """Where each edge starts and ends, its weight, and the number of nodes."""
    if isinstance(links, Graph):
        place = {node: i for i, node in enumerate(links)}
        rows = [(place[a], place[b], w) for a in links for b, w in links.neighbors(a).items()]
        table = np.array(rows, np.float64).reshape(-1, 3)
        starts, ends, weights = table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2]
        nodes = len(links)
    else:
        matrix = square_matrix(links, "links")
        nodes = len(matrix)
        starts, ends = np.nonzero(matrix)
        weights = matrix[starts, ends]
    if nodes == 0:
        raise ValueError("links have no nodes; wanted at least one")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("links have a weight that is negative or infinite; wanted finite, >= 0")
    kept = weights > 0
    scaled = weights[kept] / max(weights.max(initial=0.0), 1e-300)  # so that sums stay in range
    return starts[kept], ends[kept], scaled, nodes


def _distribution(shares: ArrayLike, size: int, name: str) -> Floats:
    vector = finite_vector(shares, name, size=size)
    if (vector < 0).any() or not vector.any():
        raise ValueError(f"{name} has negative entries or none above 0; wanted probabilities")
    vector /= vector.max()
    vector /= vector.sum()
    return vector


def transition_matrix(weights: ArrayLike) -> Floats:
    """The walk P (n x n) that follows edges in proportion to their weights, each row summing to 1.

    From a node without edges it jumps anywhere. ValueError for negative weights.
    """
    matrix = square_matrix(weights, "weights")
    if (matrix < 0).any():
        raise ValueError("weights hold negative numbers; wanted weights of at least 0")
    matrix[~matrix.any(axis=1)] = 1
    matrix /= matrix.max(axis=1, keepdims=True, initial=0)
    matrix /= matrix.sum(axis=1, keepdims=True)
    return matrix


def stochastic_matrix(P: ArrayLike) -> Floats:
    """P as an array, if it is square with rows that are probabilities and sum to 1 within 1e-8."""
    matrix = square_matrix(P, "P")
    if not len(matrix):
        raise ValueError("P has no rows; a walk needs at least one state")
    if (matrix < 0).any():
        raise ValueError("P holds negative numbers; wanted probabilities")
    sums = matrix.sum(axis=1)
    if (np.abs(sums - 1) > 1e-8).any():
        row = int(np.argmax(np.abs(sums - 1)))
        raise ValueError(
            f"row {row} of P sums to {sums[row]:.9g}; wanted 1 (see transition_matrix)"
        )
    return matrix


@replaceable
def stationary_distribution(P: ArrayLike) -> Floats:
    r"""The distribution $\pi$ (n,) that the walk P leaves as it is: $\pi P = \pi$.

    States are taken out one by one; the walk among those that stay, watched only there, is again
    stochastic: $P_{ij} \leftarrow P_{ij} + P_{ik} P_{kj} / \sum_{l<k} P_{kl}$. Without a single
    subtraction every entry is right to relative accuracy, however rarely its state is visited
    (Grassmann, Taksar and Heyman 1985; O'Cinneide 1993). $O(n^3)$. States that the walk leaves for
    good get 0. Raises ValueError if more than one set of states is never left: then there is
    more than one stationary distribution.
    """
    matrix = stochastic_matrix(P)
    closed = _closed_sets(matrix)
    if len(closed) > 1:
        raise ValueError(
            f"the walk can stay for ever in {len(closed)} different sets of states, so its "
            f"stationary distribution is not unique; states {closed[0][0]} and {closed[1][0]} "
            "never meet"
        )
    states = closed[0]
    stationary = np.zeros(len(matrix))
    stationary[states] = _grassmann(matrix[np.ix_(states, states)])
    return stationary


def _closed_sets(P: Floats) -> list[Ints]:
    """The strong components that no edge leaves."""
    closed = []
    for component in strong_components(from_matrix(P)):
        inside = np.array([state in component for state in range(len(P))])
        if not P[np.ix_(inside, ~inside)].any():
            closed.append(np.flatnonzero(inside))
    return closed


def _grassmann(P: Floats) -> Floats:
    left = np.zeros(len(P))
    for k in range(len(P) - 1, 0, -1):
        left[k] = P[k, :k].sum()
        P[:k, :k] += np.outer(P[:k, k] / left[k], P[k, :k])
    share = np.zeros(len(P))
    share[0] = 1
    for k in range(1, len(P)):
        share[k] = share[:k] @ P[:k, k] / left[k]
        share[: k + 1] /= share[: k + 1].sum()
    return share


def random_walk(
    P: ArrayLike, start: int, steps: int, rng: np.random.Generator | int | None = None
) -> NDArray[np.intp]:
    """The states (steps + 1,) of one walk that begins in `start`.

    Each step draws from a row of P by its running sums. ValueError for a state that P has not.
    """
    matrix = stochastic_matrix(P)
    if not 0 <= start < len(matrix) or steps < 0:
        raise ValueError(
            f"a walk from state {start} of {steps} steps; wanted a state below {len(matrix)} "
            "and at least 0 steps"
        )
    sums = matrix.cumsum(axis=1)
    sums /= sums[:, -1:]
    states = np.empty(steps + 1, np.intp)
    states[0] = start
    for t, draw in enumerate(np.random.default_rng(rng).random(steps)):
        states[t + 1] = np.searchsorted(sums[states[t]], draw, side="right")
    return states
