r"""Dual coordinate descent: the linear support vector machine, one sample at a time.

$\min_w \frac12 \|w\|^2 + \sum_i C_i \max(0, 1 - y_i w \cdot x_i)^p$, with p = 1 (hinge) or 2. In
the dual each sample has a multiplier, $0 \le \alpha_i \le U_i$, and $w = \sum_i \alpha_i y_i x_i$:

$\min_\alpha \frac12 \alpha^T Q \alpha + \frac12 \sum_i D_i \alpha_i^2 - \sum_i \alpha_i$,
$Q_{ij} = y_i y_j x_i \cdot x_j$, with $U_i = C_i$, $D_i = 0$ for the hinge and $U_i = \infty$,
$D_i = 1 / (2 C_i)$ for its square. Samples with $\alpha_i > 0$ are the support vectors. Because w
is kept, a coordinate costs f multiplications (Hsieh, Chang, Lin, Keerthi and Sundararajan, "A dual
coordinate descent method for large-scale linear SVM", 2008). Left out: shrinking.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundup.swap import is_replaced, replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Pass = Callable[
    [Floats, Floats, Floats, Floats, Floats, Floats, Integers, Floats], tuple[float, float]
]
LOSSES = ("hinge", "squared_hinge")


@replaceable
def dual_pass(
    X: Floats,
    signs: Floats,
    diagonal: Floats,
    upper: Floats,
    alpha: Floats,
    w: Floats,
    order: Integers,
    slopes: Floats,
) -> tuple[float, float]:
    r"""Minimise along each multiplier in turn; the largest and the least slope that were met.

    The slope is $y_i w \cdot x_i - 1 + D_i \alpha_i$, of which only what does not point out of the
    box $[0, U_i]$ counts: all are zero at the minimum. `signs`: y; `diagonal`: D; `upper`: U;
    `alpha`, all (n,), and `w` (f,) are changed where they stand; `order`: row numbers; `slopes`
    (n,) is where the slopes met are left. The fast twin is
    `groundup.kernels.dual_coordinates.dual_pass`.
    """
    highest, lowest = -np.inf, np.inf
    for i in order:
        slope = float(signs[i] * (X[i] @ w) - 1.0 + diagonal[i] * alpha[i])
        free = slopes[i] = slope
        if alpha[i] <= 0:
            free = min(slope, 0.0)
        elif alpha[i] >= upper[i]:
            free = max(slope, 0.0)
        highest, lowest = max(highest, free), min(lowest, free)
        if free != 0:
            curvature = float(X[i] @ X[i]) + diagonal[i]
            new = upper[i] if slope < 0 else 0.0
            if curvature > 0:
                new = min(max(alpha[i] - slope / curvature, 0.0), upper[i])
            w += (new - alpha[i]) * signs[i] * X[i]
            alpha[i] = new
    return highest, lowest


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where dual coordinate descent ended."""

    w: Floats
    """The plane's coefficients (f,)."""
    alpha: Floats
    """The multipliers (n,)."""
    passes: int
    """Rounds over all samples."""
    converged: bool
    """Whether slopes differ by at most tol."""


def linear_machine(
    X: Floats,
    signs: Floats,
    costs: Floats,
    *,
    loss: str = "squared_hinge",
    tol: float = 1e-4,
    max_iter: int = 1000,
    rng: np.random.Generator,
) -> Machine:
    """The machine without intercept: passes in random order until slopes differ by at most `tol`.

    `signs`: -1 or 1 (n,); `costs`: C of each sample (n,); those of zero take no part. Samples whose
    multipliers sit at an end of their box, with slopes that press them there harder than any met in
    the pass before, are left out (shrinking) until the rest has converged; then all are looked at
    again. Raises ValueError for an unknown loss.
    """
    if loss not in LOSSES:
        raise ValueError(f"loss is {loss!r}; known are: {', '.join(LOSSES)}")
    rows = np.flatnonzero(costs > 0)
    is_hinge = loss == "hinge"
    diagonal, upper = np.zeros(len(X)), np.where(costs > 0, costs, 0.0)
    if not is_hinge:
        diagonal[rows], upper[rows] = 0.5 / costs[rows], np.inf
    alpha, w = np.zeros(len(X)), np.zeros(X.shape[1])
    slopes, run, passes, converged = np.zeros(len(X)), chosen_pass(), 0, False
    active, limits = rows, (np.inf, -np.inf)
    while passes < max_iter and not converged:
        order = rng.permutation(active)
        highest, lowest = run(X, signs, diagonal, upper, alpha, w, order, slopes)
        passes += 1
        if highest - lowest <= tol:
            converged = len(active) == len(rows)
            active, limits = rows, (np.inf, -np.inf)
            continue
        pressed_down = (alpha[active] <= 0) & (slopes[active] > limits[0])
        pressed_up = (alpha[active] >= upper[active]) & (slopes[active] < limits[1])
        active = active[~(pressed_down | pressed_up)]
        limits = (highest if highest > 0 else np.inf, lowest if lowest < 0 else -np.inf)
    return Machine(w=w, alpha=alpha, passes=passes, converged=converged)


def duality_gap(X: Floats, signs: Floats, costs: Floats, machine: Machine, loss: str) -> float:
    """How far the primal objective is above the dual one: at most that far from the minimum."""
    missed = np.maximum(0.0, 1.0 - signs * (X @ machine.w))
    power = 1 if loss == "hinge" else 2
    squared = float(machine.w @ machine.w)
    primal = squared / 2 + float(costs @ missed**power)
    extra = 0.0
    if loss == "squared_hinge":
        used = costs > 0
        extra = float((machine.alpha[used] ** 2 / (4 * costs[used])).sum())
    return primal - (float(machine.alpha.sum()) - squared / 2 - extra)


def chosen_pass() -> Pass:
    """The compiled `dual_pass`, or a learner's own where one stands in."""
    if is_replaced(dual_pass):
        return dual_pass
    from groundup.kernels import dual_coordinates as fast  # compiles on first use

    return fast.dual_pass  # type: ignore[no-any-return]
