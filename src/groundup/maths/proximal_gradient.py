r"""Minimising a smooth f plus a penalty g that has a prox: lasso, boxes, low rank.

    ISTA    x <- prox_{g/L}(x - grad f(x) / L)                        error ~ 1/k
    FISTA   the same from y = x + ((t_old - 1) / t)(x - x_old)        error ~ 1/k^2

with $t \leftarrow (1 + \sqrt{1 + 4t^2})/2$. L, the smoothness of f, is found by doubling until f
lies below its quadratic model. FISTA starts its t again where it moves uphill, as
O'Donoghue and Candes (2015) advise. A projection in place of the prox gives projected gradient
descent. Sources: Beck and Teboulle, "A fast iterative shrinkage-thresholding algorithm" (2009).
Left out: ADMM.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.convergence import Solution, told
from groundup.maths.finite import (
    Field,
    Floats,
    Scalar,
    finite_vector,
    number_at,
    positive,
    vector_at,
)
from groundup.maths.line_search import EPSILON
from groundup.swap import replaceable

Prox = Callable[[Floats, float], Floats]
"""(v, t) to argmin of t g(x) + |x - v|^2 / 2."""


@replaceable
def ista(
    function: Scalar,
    gradient: Field,
    penalty: Scalar,
    prox: Prox,
    start: ArrayLike,
    *,
    tolerance: float = 1e-8,
    steps: int = 10_000,
) -> Solution:
    r"""Minimise f + g by proximal gradient steps; the sum falls at every one.

    `penalty` is g, `prox` its proximal operator (v, t). Stops where a step of length 1/L moves x by
    less than tolerance / L: there $\|\nabla f + \partial g\| \le$ tolerance, up to the change of
    the gradient over the step. Returns a `Solution`; warns when it does not arrive. Raises
    ValueError for a start that is not a finite vector, or where f is not finite.
    """
    return told(
        _minimise(
            function, gradient, penalty, prox, start, tolerance=tolerance, steps=(steps, False)
        )
    )


@replaceable
def fista(
    function: Scalar,
    gradient: Field,
    penalty: Scalar,
    prox: Prox,
    start: ArrayLike,
    *,
    tolerance: float = 1e-8,
    steps: int = 10_000,
) -> Solution:
    """As `ista`, with Nesterov's acceleration and restarts. The sum may rise now and then."""
    return told(
        _minimise(
            function, gradient, penalty, prox, start, tolerance=tolerance, steps=(steps, True)
        )
    )


@replaceable
def projected_gradient(
    function: Scalar,
    gradient: Field,
    project: Callable[[Floats], Floats],
    start: ArrayLike,
    *,
    tolerance: float = 1e-8,
    steps: int = 10_000,
) -> Solution:
    r"""Minimise f over a convex set: $x \leftarrow P(x - \nabla f(x)/L)$, from P(start).

    `project` is one of `projections` with its settings bound. Otherwise as `ista`.
    """
    begin = vector_at(project, finite_vector(start, "start"), "the projection")
    return told(
        _minimise(
            function,
            gradient,
            lambda x: 0.0,
            lambda v, t: project(v),
            begin,
            tolerance=tolerance,
            steps=(steps, False),
        )
    )


def _minimise(
    function: Scalar,
    gradient: Field,
    penalty: Scalar,
    prox: Prox,
    start: ArrayLike,
    *,
    tolerance: float,
    steps: tuple[int, bool],
) -> Solution:
    limit, accelerated = steps
    x = finite_vector(start, "start")
    positive(tolerance, "tolerance")
    trace = [number_at(function, x) + number_at(penalty, x)]
    if not np.isfinite(trace[0]):
        raise ValueError("the function or the penalty is not finite at the start; start elsewhere")
    y, t, L, arrived = x, 1.0, 1.0, False
    for _ in range(limit):
        new, L = _step(function, gradient, prox, y, L)
        if not np.isfinite(L):
            break
        arrived = bool(L * np.abs(new - y).max() <= tolerance)
        if accelerated and (y - new) @ (new - x) > 0:
            t = 1.0
        t_old, t = t, (1 + np.sqrt(1 + 4 * t * t)) / 2 if accelerated else 1.0
        y, x = new + (t_old - 1) / t * (new - x), new
        trace.append(number_at(function, x) + number_at(penalty, x))
        if arrived:
            break
    return Solution(
        x=x,
        value=trace[-1],
        iterations=len(trace) - 1,
        converged=arrived,
        message="the step is within tolerance"
        if arrived
        else f"not within tolerance after {len(trace) - 1} steps; raise steps, or scale x",
        trace=np.array(trace),
    )


def _step(
    function: Scalar, gradient: Field, prox: Prox, y: Floats, L: float
) -> tuple[Floats, float]:
    """A proximal step from y whose L is large enough for f to lie below its model."""
    value, g = number_at(function, y), vector_at(gradient, y)
    while np.isfinite(L):

        def shorter(v: Floats, length: float = 1 / L) -> Floats:
            return prox(v, length)

        new = vector_at(shorter, y - g / L, "the prox")
        moved = new - y
        model = value + float(g @ moved) + L / 2 * float(moved @ moved)
        if number_at(function, new) <= model + 8 * EPSILON * abs(value):
            return new, L
        L *= 2
    return y, L
