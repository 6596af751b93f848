r"""Conjugate gradients: directions that do not undo each other.

For a symmetric positive definite A, minimising $\frac12 x^\top A x - b^\top x$ solves $Ax = b$.
Steepest descent zigzags; directions with $d_i^\top A d_j = 0$ each finish their job for good, so n
of them suffice, and

    ||x_k - x*||_A <= 2 ((sqrt(kappa) - 1) / (sqrt(kappa) + 1))^k ||x_0 - x*||_A

A preconditioner M, a cheap stand-in for $A^{-1}$, makes $\kappa$ that of MA. The nonlinear method
uses the same recurrence with gradients in place of residuals. Sources: Hestenes and Stiefel (1952);
Polak and Ribiere (1969); Nocedal and Wright, "Numerical optimization" (2006), algorithms 5.2 to
5.4. Left out: MINRES, GMRES (indefinite or unsymmetric A).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.convergence import Solution, told
from groundup.maths.finite import Field, Floats, Scalar, finite_vector, positive, vector_at
from groundup.maths.line_descent import minimise_along
from groundup.maths.line_search import EPSILON
from groundup.maths.matrices import symmetric_matrix
from groundup.swap import replaceable


@replaceable
def conjugate_gradient(
    A: ArrayLike | Callable[[Floats], Floats],
    b: ArrayLike,
    *,
    start: ArrayLike | None = None,
    precondition: Field | None = None,
    tolerance: float = 1e-10,
    steps: int | None = None,
) -> Solution:
    r"""Solve $Ax = b$ for symmetric positive definite A, shape (n, n) or a function x -> Ax.

    `precondition` maps a residual r to $M r$, M symmetric positive definite. Stops at
    $\|b - Ax\| \le$ tolerance $\|b\|$ (or at rounding, $100\epsilon\|A\|\|x\|$, where that is
    more), and after `steps`, by default 10 n. `value` and `trace` hold
    $\frac12 x^\top A x - b^\top x$, which falls at every step. Raises LinAlgError where A is seen
    not to be positive definite, ValueError for arrays that do not fit.
    """
    right = finite_vector(b, "b")
    n = right.size
    product = _product(A, n)
    x = np.zeros(n) if start is None else finite_vector(start, "start", size=n)
    positive(tolerance, "tolerance")
    goal = tolerance * float(np.linalg.norm(right))
    r = right - product(x)
    trace = [-float(x @ (right + r)) / 2]
    d, rho, norm = np.zeros(n), 1.0, 0.0
    for _ in range(10 * n if steps is None else steps):
        if np.linalg.norm(r) <= goal:
            break
        z = r if precondition is None else vector_at(precondition, r, "the preconditioned residual")
        rho, before = _energy(float(r @ z), "the preconditioner"), rho
        d = z + (rho / before if len(trace) > 1 else 0.0) * d
        Ad = product(d)
        norm = max(norm, float(np.linalg.norm(Ad) / np.linalg.norm(d)))
        length = rho / _energy(float(d @ Ad), "A")
        x = x + length * d
        r = r - length * Ad
        trace.append(-float(x @ (right + r)) / 2)
    # the recurrence drifts from the true residual by rounding; only the true one counts, and it
    # cannot be told from 0 below eps |A| |x|
    error = float(np.linalg.norm(right - product(x)))
    arrived = error <= max(goal, 100 * EPSILON * norm * float(np.linalg.norm(x)))
    return told(
        Solution(
            x=x,
            value=trace[-1],
            iterations=len(trace) - 1,
            converged=arrived,
            message="the residual is within tolerance"
            if arrived
            else f"the residual is {error:.3g}, wanted {goal:.3g}; precondition, or raise steps",
            trace=np.array(trace),
        )
    )


def _product(A: ArrayLike | Callable[[Floats], Floats], n: int) -> Callable[[Floats], Floats]:
    if callable(A):
        function: Callable[[Floats], Floats] = A
        return lambda x: vector_at(function, x, "the product A x")
    matrix = symmetric_matrix(A, "A", size=n)
    return lambda x: matrix @ x


def _energy(value: float, name: str) -> float:
    if not (np.isfinite(value) and value > 0):
        raise np.linalg.LinAlgError(
            f"{name} is not positive definite: d'Ad = {value:.3g} for a direction; "
            "solve the normal equations, or use another method"
        )
    return float(value)


class ConjugateDirection:
    r"""$d = -g + \beta d$ with Polak and Ribiere's $\beta = \max(0, g \cdot y / g_{old}^2)$."""

    scaled = False

    def __init__(self) -> None:
        self.old: Floats | None = None
        self.last: Floats = np.zeros(0)

    def direction(self, x: Floats, g: Floats) -> Floats:
        """Starts again from -g where beta would be negative: the directions have lost touch."""
        if self.old is None:
            d = -g
        else:
            beta = max(0.0, float(g @ (g - self.old) / (self.old @ self.old)))
            d = -g + beta * self.last
            if not g @ d < 0:
                d = -g
        self.old, self.last = g, d
        return d

    def learn(self, s: Floats, y: Floats) -> None:
        """All it needs it saw when it chose the direction."""

    def forget(self) -> None:
        """Start again from -g."""
        self.old = None


@replaceable
def nonlinear_conjugate_gradient(
    function: Scalar,
    gradient: Field,
    start: ArrayLike,
    *,
    tolerance: float = 1e-6,
    steps: int = 10_000,
) -> Solution:
    r"""Minimise f by Polak-Ribiere+ conjugate gradients: 3 vectors of memory, for very large n.

    Stops at $\max|\nabla f| \le$ tolerance. Returns a `Solution`; warns when it does not arrive.
    Raises ValueError for a start that is not a finite vector, or where f is not finite.
    """
    method = ConjugateDirection()
    return told(
        minimise_along(function, gradient, start, method, c2=0.1, tolerance=tolerance, steps=steps)
    )
