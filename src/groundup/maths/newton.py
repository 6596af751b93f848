r"""Newton's method: jump to the minimum of the quadratic model, or to the root of the linear one.

Minimising: solve $H d = -\nabla f$ and search along d. Where H is not positive definite, d could
point uphill; a multiple of the identity is added until a Cholesky factor exists. Near a minimum the
number of right digits doubles with every step. It stops at a stationary point: started exactly on a
saddle it stays there.

Root finding: solve $J d = -F$, and shorten d until $\|F\|$ falls. Source: Nocedal and Wright,
"Numerical optimization" (2006), algorithms 3.2, 3.3 and 11.4. Left out: for n in the thousands use
`trust_region`, which only multiplies by H.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.convergence import Solution, told
from groundup.maths.finite import (
    Field,
    Floats,
    Scalar,
    finite_vector,
    matrix_at,
    positive,
    vector_at,
)
from groundup.maths.line_descent import minimise_along
from groundup.swap import replaceable


@replaceable
def newton_direction(hessian: ArrayLike, gradient: ArrayLike) -> Floats:
    r"""The d with $(H + \tau I) d = -g$, tau = 0 where H is positive definite, else just enough.

    Just enough: tau begins above $-\min H_{ii}$ and doubles until the Cholesky factorisation works
    (algorithm 3.3). The direction always goes down. Raises ValueError for arrays that do not fit.
    """
    g = np.asarray(gradient, dtype=np.float64)
    H = np.asarray(hessian, dtype=np.float64)
    if H.shape != (g.size, g.size) or not np.isfinite(H).all():
        raise ValueError(f"the Hessian has shape {H.shape}; wanted ({g.size}, {g.size}), finite")
    H = (H + H.T) / 2
    smallest, beta = float(H.diagonal().min()), 1e-3 * max(1e-3, float(np.linalg.norm(H)))
    tau = 0.0 if smallest > 0 else beta - smallest
    while True:
        try:
            factor = np.linalg.cholesky(H + tau * np.eye(g.size))
        except np.linalg.LinAlgError:
            tau = max(2 * tau, beta)
        else:
            return -np.linalg.solve(factor.T, np.linalg.solve(factor, g))


class NewtonDirection:
    """`newton_direction` at each point."""

    scaled = True

    def __init__(self, hessian: Field) -> None:
        self.hessian = hessian

    def direction(self, x: Floats, g: Floats) -> Floats:
        """Newton's direction, made to go down."""
        return newton_direction(matrix_at(self.hessian, x, "the Hessian", x.size), g)

    def learn(self, s: Floats, y: Floats) -> None:
        """Nothing is learnt: the Hessian is known."""

    def forget(self) -> None:
        """Nothing is to be forgotten."""


@replaceable
def newton(
    function: Scalar,
    gradient: Field,
    start: ArrayLike,
    hessian: Field,
    *,
    tolerance: float = 1e-8,
    steps: int = 200,
) -> Solution:
    r"""Minimise f by Newton's method with a modified Hessian and a strong Wolfe line search.

    `hessian` maps x to a matrix, shape (n, n). One step on a convex quadratic. Stops at
    $\max|\nabla f| \le$ tolerance. Returns a `Solution`; warns when it does not arrive. Raises
    ValueError for a start that is not a finite vector, or where f is not finite.
    """
    method = NewtonDirection(hessian)
    return told(
        minimise_along(function, gradient, start, method, c2=0.9, tolerance=tolerance, steps=steps)
    )


@replaceable
def newton_root(
    function: Field,
    jacobian: Field,
    start: ArrayLike,
    *,
    tolerance: float = 1e-10,
    steps: int = 100,
) -> Solution:
    r"""Solve $F(x) = 0$ for F from (n,) to (n,), halving steps until $\|F\|$ falls.

    Stops at $\max|F| \le$ tolerance; `value` and `trace` hold $\|F\|_2$. A singular Jacobian gives
    the step of least squares. Warns when it does not arrive, as it must where $\|F\|$ has a
    minimum that is no root. Raises ValueError for arrays that do not fit or a start out of range.
    """
    x = finite_vector(start, "start")
    positive(tolerance, "tolerance")
    F = vector_at(function, x, "F")
    if not np.isfinite(F).all():
        raise ValueError("F is not finite at the start; start elsewhere")
    trace = [float(np.linalg.norm(F))]
    message = f"no root after {steps} steps; raise steps, or start elsewhere"
    for _ in range(steps):
        if np.abs(F).max() <= tolerance:
            break
        J = matrix_at(jacobian, x, "the Jacobian", x.size)
        if not np.isfinite(J).all():
            message = "the Jacobian is not finite; start elsewhere"
            break
        step = np.linalg.lstsq(J, -F, rcond=None)[0]
        length, there = 1.0, vector_at(function, x + step, "F")
        while not np.linalg.norm(there) < (1 - 1e-4 * length) * trace[-1] and length > 1e-12:
            length /= 2
            there = vector_at(function, x + length * step, "F")
        if not np.linalg.norm(there) < trace[-1]:
            message = f"stuck where |F| = {trace[-1]:.3g} has a minimum; start elsewhere"
            break
        x, F = x + length * step, there
        trace.append(float(np.linalg.norm(F)))
    arrived = bool(np.abs(F).max() <= tolerance)
    return told(
        Solution(
            x=x,
            value=trace[-1],
            iterations=len(trace) - 1,
            converged=arrived,
            message="F is within tolerance of 0" if arrived else message,
            trace=np.array(trace),
        )
    )
