r"""How likely rows are to pick each other as neighbours: the input of t-SNE.

Row i picks row j with probability $p_{j|i} \propto \exp(-\beta_i d_{ij}^2)$. Each row has its own
$\beta_i$, found so that the *perplexity* $e^{H_i}$ of its choice, H its entropy in nats, is what
was asked for: so many neighbours it effectively has, whether it lies dense or sparse (Hinton and
Roweis, "Stochastic neighbor embedding", 2002, section 2).
"""

from math import log

import numpy as np
from numpy.typing import NDArray

from groundup.swap import replaceable

Floats = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
"""The least probability, so that logarithms exist."""


@replaceable
def row_entropies(squared_distances: Floats, beta: Floats) -> tuple[Floats, Floats]:
    r"""The entropy of each row's choice in nats (n,), and the choice $p_{j|i}$ (n x n).

    $H = \ln \sum_j e^{-\beta d_j^2} + \beta \sum_j p_j d_j^2$. Distances are first taken from the
    nearest row's, which changes neither and keeps the sum from vanishing. Nobody picks himself: the
    diagonal of `squared_distances` must be infinite.
    """
    excess = squared_distances - squared_distances.min(axis=1, keepdims=True)
    weights = np.exp(-beta[:, None] * excess)
    total = weights.sum(axis=1)
    choice: Floats = weights / total[:, None]
    np.fill_diagonal(excess, 0.0)
    entropies: Floats = np.log(total) + beta * np.einsum("ij,ij->i", choice, excess)
    return entropies, choice


@replaceable
def conditional_affinities(
    squared_distances: Floats, perplexity: float, *, tol: float = 1e-5, max_iter: int = 100
) -> Floats:
    r"""$p_{j|i}$ (n x n, rows sum to 1) of that perplexity, by bisection of all $\beta_i$ at once.

    The entropy falls as $\beta$ grows: $\beta$ is doubled or halved until it is bracketed, then
    halved between the bounds, until the entropy is within `tol` of the logarithm of the perplexity.
    Where more rows are equally near than the perplexity says, it cannot be reached: $\beta$ stays
    at its end, and the choice is even among those.
    """
    scale = float(squared_distances.mean())  # the unit of X must not matter to the search
    distances = squared_distances / (scale if scale > 0 else 1.0)
    np.fill_diagonal(distances, np.inf)
    beta = np.ones(len(distances))
    low, high = np.full(len(distances), -np.inf), np.full(len(distances), np.inf)
    choice = np.zeros_like(distances)
    searched = np.arange(len(distances))
    for _ in range(max_iter):
        entropies, choice[:] = row_entropies(distances, beta)
        excess = entropies - log(perplexity)
        searched = np.flatnonzero(np.abs(excess) > tol)
        if not len(searched):
            break
        too_broad = excess > 0
        low, high = np.where(too_broad, beta, low), np.where(too_broad, high, beta)
        with np.errstate(invalid="ignore"):
            between = (low + high) / 2
        open_ended = np.where(too_broad, beta * 2, beta / 2)
        next_beta = np.where(np.isfinite(low) & np.isfinite(high), between, open_ended)
        beta[searched] = next_beta[searched]
    return choice


def joint_affinities(squared_distances: Floats, perplexity: float) -> Floats:
    r"""$p_{ij} = (p_{j|i} + p_{i|j}) / 2n$, n x n, symmetric, summing to 1.

    Every row has at least $1 / 2n$ of it, so outliers pull too (van der Maaten and Hinton,
    "Visualizing data using t-SNE", 2008, section 3.1). Not below EPS, but on the diagonal 0.
    """
    conditional = conditional_affinities(squared_distances, perplexity)
    joint: Floats = conditional + conditional.T
    joint = np.maximum(joint / max(float(joint.sum()), EPS), EPS)
    np.fill_diagonal(joint, 0.0)
    return joint
