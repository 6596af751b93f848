r"""Newton's method for a smooth loss with an L1 penalty: the parabola is minimised with its kinks.

$\min_W g(W) + \lambda_1 \|W\|_1$. At each step g is replaced by a parabola, and the sum of parabola
and kinks is minimised by coordinate descent: it is an elastic net, with weights
$h_i = s_i p_i (1 - p_i)$ and the targets $x_i \cdot w + b + (y_i - p_i) / (p_i (1 - p_i))$. A line
search keeps steps honest (Friedman, Hastie and Tibshirani, "Regularization paths for generalized
linear models via coordinate descent", 2010; Lee, Sun and Saunders, "Proximal Newton-type methods
for minimizing composite functions", 2014). Several classes are stepped together where their Hessian
is small enough to be kept, else each in turn, which takes more rounds.
"""

import numpy as np
from numpy.typing import NDArray

from groundup.classical.coordinate_descent import elastic_net_descent
from groundup.classical.linear import centre, weigh
from groundup.classical.logistic_loss import LogisticObjective
from groundup.swap import replaceable

Floats = NDArray[np.float64]
_LEAST_CURVATURE = 1e-6
"""Of a sample's loss: certain samples would else have targets that are far beyond all bounds."""
_FINEST = 1e-15
"""The smallest duality gap of a parabola that is asked for, relative to its targets."""
_LARGEST_HESSIAN = 1000
"""Coefficients up to which all classes step together: 8 MB of Hessian."""
_HALVINGS = 40
EPSILON = float(np.finfo(np.float64).eps)


@replaceable
def proximal_newton(
    objective: LogisticObjective,
    start: Floats,
    l1: float,
    *,
    tol: float = 1e-4,
    max_iter: int = 100,
) -> tuple[Floats, int, bool]:
    """Coefficients of the minimum (k x f, or f + 1), rounds over the classes, whether it arrived.

    It stops when no coefficient could gain with a slope above `tol` (`steepest_slope`), or where
    no step lowers the objective any further than its rounding.
    """
    W, rounds, inner_tol, moved = start.copy(), 0, 1e-4, True
    slope = steepest_slope(objective, W, l1)
    together = len(W) > 1 and W.size <= _LARGEST_HESSIAN
    while slope > tol and rounds < max_iter and (moved or inner_tol > _FINEST):
        if together:
            moved = line_search(objective, W, joint_step(objective, W, l1, inner_tol), l1)
        else:
            moved = False
            for k in range(len(W)):
                step = np.zeros_like(W)
                step[k] = class_step(objective, W, k, l1, inner_tol)
                moved |= line_search(objective, W, step, l1)
        rounds += 1
        before, slope = slope, steepest_slope(objective, W, l1)
        if slope > 0.1 * before:  # the parabolas' minima were too rough
            inner_tol = max(inner_tol * 1e-2, _FINEST)
    return W, rounds, slope <= tol or not moved


def steepest_slope(objective: LogisticObjective, W: Floats, l1: float) -> float:
    r"""The largest slope that is left: zero at the minimum.

    For $w \ne 0$ that of the smooth part plus $\lambda_1 \mathrm{sign}(w)$; at zero, what the
    smooth part's slope exceeds $\lambda_1$ by.
    """
    slopes = objective.gradient(W.ravel()).reshape(W.shape)
    kinks = l1 * objective.penalised
    left = np.where(
        W != 0, np.abs(slopes + kinks * np.sign(W)), np.maximum(np.abs(slopes) - kinks, 0.0)
    )
    return float(left.max())


@replaceable
def class_step(
    objective: LogisticObjective, W: Floats, k: int, l1: float, inner_tol: float
) -> Floats:
    """From the coefficients of class k to the minimum of their parabola with its kinks, (f,).

    The parabola's duality gap is at most `inner_tol` times its targets' sum of squares.
    """
    slopes = objective.look(W.ravel())[1][k]
    p = slopes + objective.targets[k]
    curvatures = np.maximum(p * (1 - p), _LEAST_CURVATURE)
    targets = objective.rows @ W[k] - slopes / curvatures
    weights = objective.weights * curvatures
    features = int(objective.penalised.sum())
    has_intercept = features < W.shape[1]
    X = objective.rows[:, :features]
    X, targets, x_mean, mean = centre(X, targets, weights, has_intercept)
    X, targets = weigh(X, targets, weights)
    penalties = l1, float(objective.penalties[0])
    columns = np.ascontiguousarray(X.T)
    found = elastic_net_descent(columns, targets, W[k, :features], penalties, tol=inner_tol)
    best = found.coef
    if has_intercept:
        best = np.append(best, mean - x_mean @ best)
    step: Floats = best - W[k]
    return step


@replaceable
def joint_step(objective: LogisticObjective, W: Floats, l1: float, inner_tol: float) -> Floats:
    r"""From the coefficients of all classes to the minimum of the parabola with its kinks.

    The parabola $g \cdot d + \frac12 d^T H d$ of all coefficients is first minimised over the
    intercepts, which have no kinks; what is left for the others has the Hessian
    $S = H_{ww} - H_{wb} H_{bb}^{-1} H_{bw} = L L^T$ (the Schur complement), and is
    $\frac12 \|L^T w - y\|^2$ for $y = L^T w_0 - L^{-1} g$: an elastic net.
    """
    x = W.ravel()
    H, g = objective.hessian(x, l1), objective.gradient(x)
    w = np.flatnonzero(np.tile(objective.penalised, len(W)))
    b = np.flatnonzero(np.tile(~objective.penalised, len(W)))
    to_b = np.linalg.solve(H[np.ix_(b, b)], np.column_stack([H[np.ix_(b, w)], g[b]]))
    schur = H[np.ix_(w, w)] - H[np.ix_(w, b)] @ to_b[:, :-1]
    schur += 1e-9 * float(np.trace(schur)) / len(w) * np.eye(len(w))  # may be singular without l2
    L = np.linalg.cholesky(schur)
    targets = x[w] @ L - np.linalg.solve(L, g[w] - H[np.ix_(w, b)] @ to_b[:, -1])
    found = elastic_net_descent(
        np.ascontiguousarray(L), targets, x[w], (l1, 0.0), tol=inner_tol, max_iter=10_000
    )
    step = np.zeros(W.size)
    step[w] = found.coef - x[w]
    step[b] = -to_b[:, -1] - to_b[:, :-1] @ step[w]
    return step.reshape(W.shape)


def line_search(objective: LogisticObjective, W: Floats, step: Floats, l1: float) -> bool:
    """Add that step to W, halved until the objective falls as promised; whether it did."""
    here, kinks = W.copy(), l1 * objective.penalised

    def cost() -> float:
        return objective.value(W.ravel()) + float((kinks * np.abs(W)).sum())

    before = cost()
    slopes = objective.gradient(W.ravel()).reshape(W.shape)
    promised = float((slopes * step + kinks * (np.abs(W + step) - np.abs(W))).sum())
    if not promised < 0:
        return False
    length = 1.0
    for _ in range(_HALVINGS):
        W[:] = here + length * step
        if cost() <= before + 1e-4 * length * promised + 4 * EPSILON * abs(before):
            return bool(np.any(here != W))
        length /= 2
    W[:] = here
    return False
