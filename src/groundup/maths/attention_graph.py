"""Attention as a graph: weights are edges, a mask is an adjacency matrix, layers are steps.

Position t attends to position s with weight A[t, s]; each row sums to 1, so A is one step of a
random walk from a query to the keys it reads. Over L layers information travels L steps along the
edges the mask allows. Source: Abnar and Zuidema, "Quantifying attention flow in transformers"
(2020). Left out: attention between two sequences.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.maths.flows import max_flow
from groundup.maths.graphs import Graph, from_matrix
from groundup.maths.pagerank import stochastic_matrix
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


# Masks as adjacency: True at [t, s] where position t may look at position s


def causal_adjacency(positions: int) -> Mask:
    """Everyone looks at itself and at what came before: s <= t. Vaswani et al. (2017)."""
    _refuse_negative(positions=positions)
    place = np.arange(positions)
    mask: Mask = place <= place[:, None]
    return mask


def window_adjacency(positions: int, window: int, *, dilation: int = 1) -> Mask:
    """The last `window` positions, itself among them, `dilation` apart: a sliding window.

    0 <= t - s < window x dilation and t - s divisible by dilation. Beltagy et al., "Longformer"
    (2020), section 3.1, in causal form.
    """
    _refuse_negative(positions=positions)
    if window < 1 or dilation < 1:
        raise ValueError(f"window is {window}, dilation {dilation}; wanted at least 1")
    back = np.subtract.outer(np.arange(positions), np.arange(positions))
    return np.asarray((back >= 0) & (back < window * dilation) & (back % dilation == 0), np.bool_)


def block_adjacency(lengths: Iterable[int]) -> Mask:
    """Blocks side by side, each looking only at itself: documents packed into one sequence."""
    sizes = list(lengths)
    _refuse_negative(length=min(sizes, default=0))
    block = np.repeat(np.arange(len(sizes)), sizes)
    return np.asarray(np.equal.outer(block, block))


def prefix_adjacency(positions: int, prefix: int) -> Mask:
    """Causal, but the first `prefix` positions all see each other. Raffel et al., "T5" (2020)."""
    _refuse_negative(prefix=prefix)
    mask = causal_adjacency(positions)
    mask[:prefix, :prefix] = True
    return mask


def with_global_tokens(mask: ArrayLike, tokens: Sequence[int]) -> Mask:
    """The mask where these positions also look at all and all look at them (Longformer 3.1).

    With the last of a causal mask this lets the future leak: combine it with `& causal`.
    """
    adjacency = _adjacency(mask).copy()
    adjacency[list(tokens)] = True
    adjacency[:, list(tokens)] = True
    return adjacency


# What information can travel


@replaceable
def reachable(mask: ArrayLike, layers: int) -> Mask:
    r"""T x T: whether position t can know of position s after `layers` layers.

    The boolean power $(M \lor I)^L$: in each layer a position keeps what it has (the residual
    stream) and takes what those it looks at have. Squaring takes log2 L products.
    """
    _refuse_negative(layers=layers)
    step = _adjacency(mask) | np.eye(len(_adjacency(mask)), dtype=np.bool_)
    seen = np.eye(len(step), dtype=np.bool_)
    while layers:
        if layers % 2:
            seen = _boolean_product(seen, step)
        step = _boolean_product(step, step)
        layers //= 2
    return seen


def _boolean_product(a: Mask, b: Mask) -> Mask:
    """Whether any k has a[i, k] and b[k, j]; a sum of ones and zeros is 0 only if all are."""
    return np.asarray(a.astype(np.float32) @ b.astype(np.float32) > 0)


def receptive_field(mask: ArrayLike, layers: int) -> NDArray[np.intp]:
    """How many positions each position can know of after `layers` layers (T,).

    For a causal window of w it is min(t + 1, layers (w - 1) + 1): why Mistral 7B, with 32 layers
    and a window of 4096, may reach back 131,041 positions.
    """
    return np.asarray(np.count_nonzero(reachable(mask, layers), axis=1), np.intp)


def layers_needed(mask: ArrayLike) -> int:
    """The fewest layers after which no position can ever learn of another: the graph's depth."""
    adjacency = _adjacency(mask)
    step = adjacency | np.eye(len(adjacency), dtype=np.bool_)
    seen = np.eye(len(adjacency), dtype=np.bool_)
    layers = 0
    while not np.array_equal(further := _boolean_product(seen, step), seen):
        seen = further
        layers += 1
    return layers


# What does travel


def attention_edges(attention: ArrayLike, *, least: float = 0.0) -> Graph:
    """One head's weights (T x T) as a directed graph, edges from query to key.

    Edges of a weight below `least` are left out, for drawing. `Graph.matrix` goes back.
    """
    weights = stochastic_matrix(attention)
    return from_matrix(np.where(weights >= least, weights, 0.0))


@replaceable
def attention_rollout(attentions: ArrayLike, *, residual: float = 0.5) -> Floats:
    r"""How much of each input stands in each output (T x T, rows sum to 1), through all layers.

    `attentions` is layers x T x T, or layers x heads x T x T, whose heads are averaged. With the
    share $r$ of the residual stream, $\hat A_l = (1-r) A_l + r I$ and
    $R = \hat A_L \cdots \hat A_1$: the probability that a walk from output t down the layers ends
    at input s. Abnar and Zuidema (2020), equation 1 with r = 1/2. Leaves out what values and
    feed-forward layers do, which can cancel or enlarge what arrives.
    """
    rollout: Floats | None = None
    for layer in _with_residual(attentions, residual):
        rollout = layer if rollout is None else layer @ rollout
    assert rollout is not None, "there is at least one layer"
    return rollout


def attention_flow(attentions: ArrayLike, position: int, *, residual: float = 0.5) -> Floats:
    """The most that could flow from output `position` down to each input (T,).

    Weights, mixed with the residual share as in `attention_rollout`, are taken for the capacities
    of pipes; max flow lets no pipe carry more than it holds, while rollout multiplies along each
    way. Abnar and Zuidema (2020), section 3. One max flow an input: for short sequences.
    """
    layers = _with_residual(attentions, residual)
    positions = len(layers[0])
    if not 0 <= position < positions:
        raise ValueError(f"position is {position}; wanted 0 to {positions - 1}")
    pipes = Graph(directed=True, nodes=[(len(layers), position)])
    for depth, layer in enumerate(layers):
        for t, s in zip(*np.nonzero(layer), strict=True):
            pipes.add_edge((depth + 1, int(t)), (depth, int(s)), float(layer[t, s]))
    top = (len(layers), position)
    flows = [
        max_flow(pipes, top, (0, s)).value if (0, s) in pipes else 0.0 for s in range(positions)
    ]
    return np.array(flows)


def _with_residual(attentions: ArrayLike, residual: float) -> list[Floats]:
    weights = np.asarray(attentions, np.float64)
    if weights.ndim == 4 and weights.shape[1]:
        weights = weights.mean(axis=1)
    if weights.ndim != 3 or not len(weights):
        raise ValueError(f"attentions have shape {weights.shape}; wanted layers x [heads x] T x T")
    if not 0 <= residual <= 1:
        raise ValueError(f"residual is {residual}; wanted a share from 0 to 1")
    own = np.eye(weights.shape[-1])
    return [(1 - residual) * stochastic_matrix(layer) + residual * own for layer in weights]


def _adjacency(mask: ArrayLike) -> Mask:
    adjacency = np.asarray(mask)
    if adjacency.dtype != np.bool_:
        raise ValueError(f"the mask has dtype {adjacency.dtype}; wanted bool, True = may look")
    if adjacency.ndim != 2 or adjacency.shape[0] != adjacency.shape[1]:
        raise ValueError(f"the mask has shape {adjacency.shape}; wanted T x T")
    return adjacency


def _refuse_negative(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 0:
            raise ValueError(f"{name} is {number}; wanted at least 0")
