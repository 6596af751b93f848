r"""Newton's method within a radius of trust, by conjugate gradients that only multiply by H.

The quadratic model $m(p) = f + g \cdot p + \frac12 p^\top H p$ is minimised where it is believed,
$\|p\| \le \Delta$. Compare what f lost with what the model promised, $\rho$: below 1/4 the radius
shrinks, above 3/4 (and at the edge) it grows, and only a step with $\rho > 10^{-4}$ is taken. The
model is minimised by conjugate gradients, which stop at the edge, or at a direction of negative
curvature and follow it to the edge (Steihaug 1983). So H may be indefinite, and is never stored.
Source: Nocedal and Wright, "Numerical optimization" (2006), algorithms 4.1 and 7.2. Left out:
preconditioning.
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

LARGEST_RADIUS = 1e10


@replaceable
def steihaug(g: Floats, product: Callable[[Floats], Floats], radius: float) -> Floats:
    r"""A step p, $\|p\| \le$ radius, that lowers $g \cdot p + \frac12 p^\top H p$.

    `product` maps v to Hv. Conjugate gradients run until the residual is below
    $\min(1/2, \sqrt{\|g\|})\,\|g\|$: rough while far away, exact at the end.
    """
    p, r = np.zeros_like(g), g.copy()
    d = -r
    norm = float(np.linalg.norm(g))
    goal = min(0.5, norm**0.5) * norm
    for _ in range(2 * g.size):
        Hd = product(d)
        curvature = float(d @ Hd)
        if not curvature > 0:
            return p + _to_edge(p, d, radius) * d
        length = float(r @ r) / curvature
        if np.linalg.norm(p + length * d) >= radius:
            return p + _to_edge(p, d, radius) * d
        p = p + length * d
        before, r = float(r @ r), r + length * Hd
        if np.linalg.norm(r) <= goal:
            break
        d = -r + float(r @ r) / before * d
    return p


def _to_edge(p: Floats, d: Floats, radius: float) -> float:
    """The positive root of |p + a d| = radius."""
    a, b, c = float(d @ d), float(p @ d), float(p @ p) - radius**2
    root = float(np.sqrt(b * b - a * c))
    # of the two forms of the root, the one that does not subtract
    return -c / (b + root) if b > 0 else (root - b) / a


@replaceable
def trust_region(
    function: Scalar,
    gradient: Field,
    start: ArrayLike,
    hessian_product: Callable[[Floats, Floats], Floats],
    *,
    radius: float = 1.0,
    tolerance: float = 1e-8,
    steps: int = 1000,
) -> Solution:
    r"""Minimise f by Newton and conjugate gradients in a trust region of first size `radius`.

    `hessian_product` maps (x, v) to $\nabla^2 f(x)\,v$. Stops at $\max|\nabla f| \le$ tolerance, or
    where the promised decrease drowns in the rounding of f. Returns a `Solution`; warns when it
    does not arrive. Raises ValueError for a start that is not a finite vector or where f is not
    finite.
    """
    x = finite_vector(start, "start")
    positive(radius, "radius")
    positive(tolerance, "tolerance")
    value, g = number_at(function, x), vector_at(gradient, x)
    if not (np.isfinite(value) and np.isfinite(g).all()):
        raise ValueError("the function or its gradient is not finite at the start; start elsewhere")
    trace = [value]
    message = f"not within tolerance after {steps} steps; raise steps, or scale the variables"
    for _ in range(steps):
        if np.abs(g).max() <= tolerance:
            message = "the gradient is within tolerance"
            break
        here = x

        def product(v: Floats, at: Floats = here) -> Floats:
            return vector_at(lambda w: hessian_product(at, w), v, "the product H v")

        p = steihaug(g, product, radius)
        promised = -float(g @ p + p @ product(p) / 2)
        there = number_at(function, x + p)
        rounding = 8 * EPSILON * abs(value)
        # both decreases are lifted above the rounding of f, where their ratio would be noise
        ratio = (value - there + rounding) / (promised + rounding)
        length = float(np.linalg.norm(p))
        if not ratio >= 0.25:
            radius = length / 4
        elif ratio > 0.75 and length >= 0.99 * radius:
            radius = min(2 * radius, LARGEST_RADIUS)
        if ratio > 1e-4 and np.isfinite(there):
            x, value = x + p, there
            g = vector_at(gradient, x)
            trace.append(value)
        if radius <= EPSILON * max(1.0, float(np.abs(x).max())):
            message = "no step lowers the function; check the gradient and the Hessian"
            break
        if radius >= LARGEST_RADIUS:
            message = "the steps grow without end; the function may be unbounded below"
            break
    arrived = bool(np.abs(g).max() <= tolerance)
    return told(
        Solution(
            x=x,
            value=value,
            iterations=len(trace) - 1,
            converged=arrived,
            message="the gradient is within tolerance" if arrived else message,
            trace=np.array(trace),
        )
    )
