r"""Gradient descent and its relatives: one loop, and the rule as an argument.

How long may a step be? If gradients change no faster than L (f is L-smooth), then

    f(x - lr g) <= f(x) - lr (1 - lr L / 2) |g|^2

so f falls for every lr below 2/L, and fastest, by this bound, for 1/L. On a quadratic with
eigenvalues from mu to L and kappa = L / mu, the error shrinks by a factor q a step:

    gradient descent     q = (kappa - 1) / (kappa + 1)               for lr = 2 / (mu + L)
    momentum of q^2    q = (sqrt kappa - 1) / (sqrt kappa + 1)     at lr = 4 / (sqrt L + sqrt mu)^2

Sources: Nesterov, "Lectures on convex optimization" (2018), section 2.1; Polyak (1964). Left out:
stochastic gradients, which no step of fixed length settles.
"""

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.convergence import Solution, told
from groundup.maths.descent_rules import Rule, gradient_descent
from groundup.maths.finite import (
    Field,
    Scalar,
    finite_array,
    finite_vector,
    number_at,
    positive,
    vector_at,
)
from groundup.maths.matrices import symmetric_matrix
from groundup.swap import replaceable


@replaceable
def descend(
    function: Scalar,
    gradient: Field,
    start: ArrayLike,
    *,
    rule: Rule,
    tolerance: float = 1e-6,
    steps: int = 10_000,
) -> Solution:
    r"""Repeat `p, state = rule(p, gradient(p), state, t)` until $\max|\nabla f| \le$ tolerance.

    `rule` is one of `descent_rules` with its settings bound, as `partial(adam, lr=1e-2)`. The trace
    may rise: momentum and Adam overshoot. Returns a `Solution`; warns when it does not arrive, and
    stops early when the values grow out of range. Raises ValueError for a start that is not a
    finite vector, or where f is not finite.
    """
    x = finite_vector(start, "start")
    positive(tolerance, "tolerance")
    g, trace, state = vector_at(gradient, x), [number_at(function, x)], None
    if not (np.isfinite(trace[0]) and np.isfinite(g).all()):
        raise ValueError("the function or its gradient is not finite at the start; start elsewhere")
    message = f"not within tolerance after {steps} steps; raise steps, or another rate"
    for t in range(1, steps + 1):
        if np.abs(g).max() <= tolerance:
            break
        there, state = rule(x, g, state, t)
        value, slopes = number_at(function, there), vector_at(gradient, there)
        if not (np.isfinite(value) and np.isfinite(slopes).all()):
            message = f"the values grew out of range at step {t}; take a smaller rate than this"
            break
        x, g = there, slopes
        trace.append(value)
    arrived = bool(np.abs(g).max() <= tolerance)
    return told(
        Solution(
            x=x,
            value=trace[-1],
            iterations=len(trace) - 1,
            converged=arrived,
            message="the gradient is within tolerance" if arrived else message,
            trace=np.array(trace),
        )
    )


@replaceable
def smooth_descent(
    function: Scalar,
    gradient: Field,
    start: ArrayLike,
    smoothness: float,
    *,
    tolerance: float = 1e-6,
    steps: int = 10_000,
) -> Solution:
    r"""Gradient descent with the step 1/L of an L-smooth f: f falls by $|g|^2/2L$ every time."""
    rule = partial(gradient_descent, lr=1 / positive(smoothness, "smoothness"))
    return descend(function, gradient, start, rule=rule, tolerance=tolerance, steps=steps)


@replaceable
def best_gradient_rate(smallest: float, largest: float) -> tuple[float, float]:
    r"""The rate $2/(\mu + L)$, and the factor $(\kappa-1)/(\kappa+1)$ by which errors shrink.

    $\mu$ and $L$: the smallest and the largest eigenvalue of the Hessian. Raises ValueError unless
    $0 < \mu \le L$.
    """
    _check(smallest, largest)
    return 2 / (smallest + largest), (largest - smallest) / (largest + smallest)


@replaceable
def best_momentum(smallest: float, largest: float) -> tuple[float, float, float]:
    r"""Polyak's rate $4/(\sqrt L + \sqrt\mu)^2$ and momentum $q^2$, and the factor q.

    $q = (\sqrt\kappa - 1)/(\sqrt\kappa + 1)$: errors shrink like $k\,q^k$. Raises as the other.
    """
    _check(smallest, largest)
    low, high = float(smallest) ** 0.5, float(largest) ** 0.5
    factor = (high - low) / (high + low)
    return 4 / (high + low) ** 2, factor**2, factor


@replaceable
def smoothness_of_least_squares(A: ArrayLike) -> float:
    r"""L of $\frac12\|Ax - b\|^2$: the largest singular value of A, squared.

    Raises ValueError for what is not a finite matrix.
    """
    matrix = finite_array(A, "A")
    if matrix.ndim != 2 or matrix.size == 0:
        raise ValueError(f"A has shape {matrix.shape}; wanted a matrix, not empty")
    return float(np.linalg.norm(matrix, 2)) ** 2


@replaceable
def curvature_range(hessian: ArrayLike) -> tuple[float, float]:
    r"""$(\mu, L)$: the smallest and largest eigenvalue of a symmetric matrix, not empty."""
    matrix = symmetric_matrix(hessian, "hessian", tolerance=1e-8)
    if matrix.size == 0:
        raise ValueError("hessian has shape (0, 0); wanted a row or more")
    values = np.linalg.eigvalsh(matrix)
    return float(values[0]), float(values[-1])


def _check(smallest: float, largest: float) -> None:
    if not 0 < smallest <= largest < np.inf:
        raise ValueError(
            f"eigenvalues from {smallest} to {largest}; wanted 0 < smallest <= largest"
        )
