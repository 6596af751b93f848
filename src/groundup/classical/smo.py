r"""Sequential minimal optimisation: the dual of a support vector machine, two variables at a time.

$\min_\alpha \frac12 \sum_{st} s_s s_t \alpha_s \alpha_t K_{st} + \sum_t p_t \alpha_t$
so that $\sum_t s_t \alpha_t$ stays 0 and $0 \le \alpha_t \le C_t$, with signs $s_t = \pm 1$.

One variable cannot move alone, or the sum would change; two can: $s_i \alpha_i$ up and
$s_j \alpha_j$ down by the same step (Platt, "Fast training of support vector machines using
sequential minimal optimization", 1998). All there is to keep is the *score*

$F_t = -s_t \, \partial / \partial \alpha_t$

how much the objective falls as $s_t \alpha_t$ rises. At the optimum there is a b with $F_t \le b$
for all that may rise and $F_t \ge b$ for all that may fall: these are the conditions of Karush,
Kuhn and Tucker, and b is the machine's intercept. Which two move: i of the largest score that may
rise, and j that lowers the objective most, to second order (Fan, Chen, Lin, "Working set selection
using second order information for training support vector machines", 2005, WSS 2), as in LIBSVM.
Left out: shrinking, and a cache of the rows of K: the whole matrix is held, 8 n^2 bytes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundup.swap import is_replaced, replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
MOST_STEPS = 10_000_000
"""Where it gives up, as LIBSVM."""
_LEAST_CURVATURE = 1e-12  # for equal rows, and for kernels that are none


@dataclass(frozen=True, kw_only=True)
class Dual:
    """Where the optimisation ended."""

    alpha: Floats
    """(n,), or (2 n,) where each row has two variables."""
    intercept: float
    r"""b: the machine is $f(x) = \sum_t s_t \alpha_t k(x_t, x) + b$."""
    residual: float
    """By how much the conditions of the optimum are missed."""
    steps: int
    """Pairs that were moved."""
    converged: bool
    """Whether the residual is at most the tolerance."""


@replaceable
def choose_pair(
    K: Floats, scores: Floats, may_rise: NDArray[np.bool_], may_fall: NDArray[np.bool_]
) -> tuple[int, int, float]:
    r"""i, j and by how much the conditions are missed, $\max_{rise} F - \min_{fall} F$.

    With $m = F_i$ the largest, j maximises $(m - F_j)^2 / (K_{ii} + K_{jj} - 2 K_{ij})$, twice the
    decrease of the objective, among those that may fall and have a lower score. K is n x n;
    variable t belongs to row t modulo n of it.
    """
    n = len(K)
    i = int(np.argmax(np.where(may_rise, scores, -np.inf)))
    gap = scores[i] - np.where(may_fall, scores, np.inf)
    copies = len(scores) // n
    curvature = np.tile(K[i % n, i % n] + np.diagonal(K) - 2 * K[i % n], copies)
    gain = np.where(gap > 0, gap, 0.0) ** 2 / np.maximum(curvature, _LEAST_CURVATURE)
    return i, int(np.argmax(gain)), float(gap.max())


@replaceable
def smo(
    K: Floats, signs: Floats, scores: Floats, bounds: Floats, tolerance: float, max_steps: int
) -> tuple[Floats, Floats, int]:
    """The variables, their scores, and the steps taken, from all variables zero.

    `K`: n x n; `signs`, `bounds` and `scores` (of no variable): (n,), or (2 n,) for two variables a
    row. The fast twin is `groundup.kernels.smo.smo`.
    """
    scores, alpha, n = scores.copy(), np.zeros(len(signs)), len(K)
    for step in range(max_steps):
        may_rise, may_fall = free_ways(alpha, signs, bounds)
        if not (may_rise.any() and may_fall.any()):
            return alpha, scores, step
        i, j, missed = choose_pair(K, scores, may_rise, may_fall)
        if missed <= tolerance:
            return alpha, scores, step
        row, other = i % n, j % n
        curvature = max(K[row, row] + K[other, other] - 2 * K[row, other], _LEAST_CURVATURE)
        room_of_i = bounds[i] - alpha[i] if signs[i] > 0 else alpha[i]
        room_of_j = alpha[j] if signs[j] > 0 else bounds[j] - alpha[j]
        move = min((scores[i] - scores[j]) / curvature, room_of_i, room_of_j)
        alpha[i] += signs[i] * move
        alpha[j] -= signs[j] * move
        if move == room_of_i:
            alpha[i] = bounds[i] if signs[i] > 0 else 0.0  # exactly, so that it counts as there
        if move == room_of_j:
            alpha[j] = 0.0 if signs[j] > 0 else bounds[j]
        scores -= np.tile(move * (K[row] - K[other]), len(signs) // n)
    return alpha, scores, max_steps


def free_ways(
    alpha: Floats, signs: Floats, bounds: Floats
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    r"""Which $s_t \alpha_t$ may rise, and which may fall, within the bounds."""
    above, below = alpha > 0, alpha < bounds
    return np.where(signs > 0, below, above), np.where(signs > 0, above, below)


def solve(
    K: Floats, signs: Floats, scores: Floats, bounds: Floats, tolerance: float, max_steps: int
) -> Dual:
    """The optimum of the dual, by the compiled twin where no function of a learner's stands in."""
    step = smo
    if not (is_replaced(smo) or is_replaced(choose_pair)):
        from groundup.kernels import smo as fast  # compiles on first use, so not on import

        step = fast.smo
    matrix = np.require(K, requirements=["C", "W"])
    alpha, scores, steps = step(matrix, signs, scores, bounds, tolerance, max_steps)
    intercept, residual = intercept_and_residual(alpha, scores, signs, bounds)
    return Dual(
        alpha=alpha,
        intercept=intercept,
        residual=residual,
        steps=steps,
        converged=residual <= tolerance,
    )


def intercept_and_residual(
    alpha: Floats, scores: Floats, signs: Floats, bounds: Floats
) -> tuple[float, float]:
    """b, and by how much the conditions are missed (0 where nothing may move).

    b is the mean score of the variables that are at no bound; where there is none, the middle of
    what is allowed.
    """
    may_rise, may_fall = free_ways(alpha, signs, bounds)
    most = float(scores[may_rise].max()) if may_rise.any() else float(scores[may_fall].min())
    least = float(scores[may_fall].min()) if may_fall.any() else most
    is_free = may_rise & may_fall
    b = float(scores[is_free].mean()) if is_free.any() else (most + least) / 2
    return b, max(0.0, most - least)
