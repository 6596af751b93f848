r"""Coordinate descent: the elastic net's minimum, one coefficient at a time.

$\min_w \frac12 \|y - X w\|^2 + \lambda_1 \|w\|_1 + \frac{\lambda_2}{2} \|w\|^2$. Along one
coordinate this is a parabola with a kink at zero, whose minimum is a formula (`soft_threshold`);
cycling through the coordinates converges, because the kinks are separate (Friedman, Hastie and
Tibshirani, "Regularization paths for generalized linear models via coordinate descent", 2010).

How far the minimum still is, at most, is known from the dual problem: any point of it bounds the
minimum from below (`duality_gap`; Kim, Koh, Lustig, Boyd and Gorinevsky, "An interior-point method
for large-scale l1-regularized least squares", 2007). So the algorithm knows when it has arrived.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundup.swap import is_replaced, replaceable

Floats = NDArray[np.float64]
Pass = Callable[[Floats, Floats, Floats, Floats, float, float, bool], tuple[float, float]]


@replaceable
def soft_threshold(value: float, threshold: float) -> float:
    r"""$\mathrm{sign}(v) \max(|v| - t, 0)$: the w that minimises $\frac12 (w - v)^2 + t |w|$.

    Values within t of zero become exactly zero: this is where the lasso's zeros come from.
    """
    if value > threshold:
        return value - threshold
    if value < -threshold:
        return value + threshold
    return 0.0


@replaceable
def coordinate_pass(
    columns: Floats,
    squares: Floats,
    residual: Floats,
    coef: Floats,
    l1: float,
    l2: float,
    positive: bool,
) -> tuple[float, float]:
    r"""Minimise along each coordinate in turn; the largest change, and the largest coefficient.

    `columns`: the features, f x n; `squares`: $\|x_j\|^2$ (f,). `coef` (f,) and `residual`
    $y - X w$ (n,) are changed where they stand. With r the residual, coordinate j goes to
    $S(x_j \cdot r + \|x_j\|^2 w_j, \lambda_1) / (\|x_j\|^2 + \lambda_2)$. `positive`: no
    coefficient below zero. The fast twin is `groundup.kernels.coordinate_descent.coordinate_pass`.
    """
    change = largest = 0.0
    for j in range(len(coef)):
        if squares[j] == 0:
            continue
        old = float(coef[j])
        correlation = float(columns[j] @ residual) + squares[j] * old
        new = soft_threshold(correlation, l1) / (squares[j] + l2)
        if positive and new < 0:
            new = 0.0
        if new != old:
            residual += (old - new) * columns[j]
            coef[j] = new
        change, largest = max(change, abs(new - old)), max(largest, abs(new))
    return float(change), float(largest)


@replaceable
def duality_gap(
    columns: Floats,
    y: Floats,
    residual: Floats,
    coef: Floats,
    l1: float,
    l2: float,
    positive: bool = False,
) -> float:
    r"""An upper bound of how far the objective at `coef` lies above its minimum.

    Every $\theta$ gives a lower bound of the minimum; the residual is a good one. With
    $\lambda_2 > 0$ it is $y \theta - \frac12 \|\theta\|^2 - \sum_j (|x_j \theta| - \lambda_1)_+^2 /
    (2 \lambda_2)$. For the lasso $\theta$ must satisfy $|x_j \theta| \le \lambda_1$ and is the
    residual shrunk until it does; the elastic net is a lasso with rows $\sqrt{\lambda_2} I$ added.
    The smaller of both gaps is returned.
    """
    loss, ridge = float(residual @ residual), float(coef @ coef)
    primal = loss / 2 + l1 * float(np.abs(coef).sum()) + l2 / 2 * ridge
    correlations = columns @ residual
    lasso_like = correlations - l2 * coef
    steepest = float(max(lasso_like.max(), 0.0) if positive else np.abs(lasso_like).max())
    shrink = 1.0 if steepest <= l1 else l1 / steepest
    dual = shrink * float(y @ residual) - shrink**2 / 2 * (loss + l2 * ridge)
    if l2 > 0:
        beyond = np.maximum((correlations if positive else np.abs(correlations)) - l1, 0.0)
        dual = max(dual, float(y @ residual) - loss / 2 - float(beyond @ beyond) / (2 * l2))
    return primal - dual


@dataclass(frozen=True, kw_only=True)
class Descent:
    """Where coordinate descent ended."""

    coef: Floats
    """(f,)."""
    gap: float
    """The duality gap there."""
    passes: int
    """Rounds over all coordinates."""
    converged: bool
    """Whether the gap is below what was asked for."""


def elastic_net_descent(
    columns: Floats,
    y: Floats,
    start: Floats,
    penalties: tuple[float, float],
    *,
    positive: bool = False,
    tol: float = 1e-4,
    max_iter: int = 1000,
) -> Descent:
    r"""Passes until the duality gap is at most tol times $\|y\|^2$.

    `columns`: X transposed (f x n), in C order; `start`: coefficients to begin with (f,);
    `penalties`: $\lambda_1$ and $\lambda_2$. The gap costs as much as a pass, so it is looked at
    once the coefficients change by less than tol, relative to the largest.
    """
    l1, l2 = penalties
    coef = start.copy()
    squares = np.einsum("fn,fn->f", columns, columns)
    coef[squares == 0] = 0.0
    residual = y - coef @ columns
    wanted = tol * float(y @ y)
    run = chosen_pass()
    passes, gap, change = 0, np.inf, np.inf
    while passes < max_iter and gap > wanted:
        change, largest = run(columns, squares, residual, coef, l1, l2, positive)
        passes += 1
        if change <= tol * largest or passes == max_iter:
            residual = y - coef @ columns  # afresh: the updates' roundings add up
            gap = duality_gap(columns, y, residual, coef, l1, l2, positive)
            if change == 0:
                break
    return Descent(coef=coef, gap=gap, passes=passes, converged=gap <= wanted or change == 0)


def chosen_pass() -> Pass:
    """The compiled `coordinate_pass`, or the plain one where a learner's part stands in."""
    if is_replaced(coordinate_pass) or is_replaced(soft_threshold):
        return coordinate_pass
    from groundup.kernels import coordinate_descent as fast  # compiles on first use

    return fast.coordinate_pass  # type: ignore[no-any-return]
