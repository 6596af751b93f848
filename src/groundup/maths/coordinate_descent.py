r"""Coordinate descent: minimise over one coordinate, exactly, then over the next.

For $f(x) = \frac12 x^\top Q x - b^\top x + \lambda\|x\|_1$ the one-dimensional problem has the
solution

    x_j <- soft(b_j - sum_{k != j} Q_jk x_k, lambda) / Q_jj,    soft(v, t) = sign(v) max(|v| - t, 0)

With $\lambda = 0$ this is the Gauss-Seidel iteration for Qx = b; with $Q = X^\top X/n + \mu I$ and
$b = X^\top y/n$ it is the lasso and the elastic net. It converges for every positive semidefinite
Q with a positive diagonal, since what is not smooth is a sum over coordinates (Tseng 2001); for
$\max(|x_1|, |x_2|)$ it would stick. Sources: Friedman, Hastie and Tibshirani, "Regularization paths
for generalized linear models via coordinate descent" (2010). Left out: random order, screening.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.convergence import Solution, told
from groundup.maths.finite import Floats, finite_vector, positive
from groundup.maths.matrices import symmetric_matrix
from groundup.swap import replaceable


@replaceable
def optimality_gap(Q: Floats, b: Floats, x: Floats, l1: float) -> float:
    r"""How far 0 is from the subdifferential: the largest $|g_j + \lambda\,\mathrm{sign}(x_j)|$.

    $g = Qx - b$; where $x_j = 0$ it is $\max(|g_j| - \lambda, 0)$. It is 0 at the minimum alone.
    """
    g = Q @ x - b
    gaps = np.where(x == 0, np.maximum(np.abs(g) - l1, 0), np.abs(g + l1 * np.sign(x)))
    return float(gaps.max())


@replaceable
def coordinate_descent(
    Q: ArrayLike,
    b: ArrayLike,
    *,
    l1: float = 0.0,
    start: ArrayLike | None = None,
    tolerance: float = 1e-8,
    steps: int = 10_000,
) -> Solution:
    r"""Minimise $\frac12 x^\top Q x - b^\top x + \lambda\|x\|_1$, one sweep over x a step.

    Q, shape (n, n), is symmetric positive semidefinite with a positive diagonal; `l1` is $\lambda$.
    Stops where `optimality_gap` is within tolerance. The trace never rises. Returns a `Solution`;
    warns when it does not arrive. Raises ValueError for arrays that do not fit, a negative l1, or a
    diagonal that is not positive.
    """
    right = finite_vector(b, "b")
    matrix = symmetric_matrix(Q, "Q", size=right.size)
    x = np.zeros(right.size) if start is None else finite_vector(start, "start", size=right.size)
    positive(tolerance, "tolerance")
    diagonal = matrix.diagonal()
    if not (diagonal > 0).all():
        raise ValueError(f"the diagonal of Q has {diagonal.min():.3g}; wanted all above 0")
    if not (np.isfinite(l1) and l1 >= 0):
        raise ValueError(f"l1 is {l1}; wanted a finite number, 0 or more")

    def value() -> float:
        return float(x @ matrix @ x / 2 - right @ x + l1 * np.abs(x).sum())

    trace = [value()]
    arrived = optimality_gap(matrix, right, x, l1) <= tolerance
    while not arrived and len(trace) <= steps:
        for j in range(x.size):
            rest = right[j] - matrix[j] @ x + diagonal[j] * x[j]
            x[j] = np.sign(rest) * max(abs(rest) - l1, 0.0) / diagonal[j]
        trace.append(value())
        arrived = optimality_gap(matrix, right, x, l1) <= tolerance
    return told(
        Solution(
            x=x,
            value=trace[-1],
            iterations=len(trace) - 1,
            converged=arrived,
            message="the optimality gap is within tolerance"
            if arrived
            else f"not within tolerance after {steps} sweeps; raise steps, or scale the columns",
            trace=np.array(trace),
        )
    )
