r"""The loop that steepest descent, Newton, BFGS, L-BFGS and conjugate gradients share.

    d = direction(x, g);  a = strong Wolfe length along d;  x <- x + a d;  learn from (s, y)

with the step $s = a d$ and the change of the gradient $y = g_{new} - g$. The methods differ in the
direction alone, so each is one small class. It stops when $\max|g| \le$ tolerance, or where the
decrease that the direction promises, $-g \cdot d$, drowns in the rounding of f. Source: Nocedal and
Wright, "Numerical optimization" (2006), chapters 3, 5 and 6.
"""

from typing import Protocol

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
from groundup.maths.line_search import EPSILON, LineStep, along, search
from groundup.swap import replaceable


class Direction(Protocol):
    """What a method of descent is: where to go, and what to remember."""

    scaled: bool
    """Whether a length of 1 is the natural first guess, as it is for Newton's direction."""

    def direction(self, x: Floats, g: Floats) -> Floats:
        """Where to go from x, shape (n,), given the gradient there."""
        ...

    def learn(self, s: Floats, y: Floats) -> None:
        """Learn from a step s and the change y of the gradient along it."""
        ...

    def forget(self) -> None:
        """Start again from the steepest descent."""
        ...


class Steepest:
    """Straight down: d = -g."""

    scaled = False

    def direction(self, x: Floats, g: Floats) -> Floats:
        """-g."""
        return -g

    def learn(self, s: Floats, y: Floats) -> None:
        """Nothing is learnt."""

    def forget(self) -> None:
        """Nothing is to be forgotten."""


@replaceable
def steepest_descent(
    function: Scalar,
    gradient: Field,
    start: ArrayLike,
    *,
    tolerance: float = 1e-6,
    steps: int = 10_000,
) -> Solution:
    r"""Minimise f along $-\nabla f$ with lengths by the strong Wolfe conditions.

    On a quadratic of condition number $\kappa$ the error shrinks by about
    $(\kappa - 1)/(\kappa + 1)$ a step: hopeless for $\kappa$ of a million. Returns a `Solution`;
    warns when it does not arrive. Raises ValueError for a start that is not a finite vector, and
    where f or its gradient is not finite there.
    """
    # c2 = 0.1: a nearly exact minimum along each line
    return told(
        minimise_along(
            function, gradient, start, Steepest(), c2=0.1, tolerance=tolerance, steps=steps
        )
    )


def minimise_along(
    function: Scalar,
    gradient: Field,
    start: ArrayLike,
    method: Direction,
    *,
    c2: float,
    tolerance: float,
    steps: int,
) -> Solution:
    """Run the loop of this module's head; silent, so that a caller may try again.

    A line search that fails is tried once more along the steepest descent. It has arrived, too, if
    the gradient has shrunk ten thousandfold and the promised decrease is below the rounding of f.
    """
    x, value, g = _begin(function, gradient, start)
    positive(tolerance, "tolerance")
    trace, length, slope, again = [value], 0.0, 0.0, False
    steepest = float(np.abs(g).max())
    message = f"not within tolerance after {steps} steps; raise steps, or scale the variables"
    for _ in range(steps):
        if np.abs(g).max() <= tolerance:
            break
        d = method.direction(x, g)
        if not g @ d < 0 or not np.isfinite(d).all():
            method.forget()
            d = -g
        before, slope = slope, float(g @ d)
        first = _first_length(method.scaled, d, length * before / slope)
        line = along(function, gradient, x, d)
        step = search(line, LineStep(0.0, value, slope, g), first, 1e-4, c2)
        length = step.length
        if not step.found:
            message = step.message
            flat = np.abs(g).max() <= 1e-4 * steepest
            if flat and -first * slope <= 64 * EPSILON * abs(value):
                message = "arrived: the function does not fall any further than its rounding"
            elif not again:
                again = True
                method.forget()
                continue
            break
        again = False
        method.learn(step.length * d, step.gradient - g)
        x, value, g = x + step.length * d, step.value, step.gradient
        steepest = max(steepest, float(np.abs(g).max()))
        trace.append(value)
    arrived = bool(np.abs(g).max() <= tolerance) or message.startswith("arrived")
    return Solution(
        x=x,
        value=value,
        iterations=len(trace) - 1,
        converged=arrived,
        message="the gradient is within tolerance" if np.abs(g).max() <= tolerance else message,
        trace=np.array(trace),
    )


def _begin(function: Scalar, gradient: Field, start: ArrayLike) -> tuple[Floats, float, Floats]:
    x = finite_vector(start, "start")
    value, g = number_at(function, x), vector_at(gradient, x)
    if not (np.isfinite(value) and np.isfinite(g).all()):
        raise ValueError("the function or its gradient is not finite at the start; start elsewhere")
    return x, value, g


def _first_length(scaled: bool, d: Floats, as_before: float) -> float:
    """1 for a direction with a length of its own; else what would gain as much as the last step."""
    if scaled:
        return 1.0
    if as_before > 0 and np.isfinite(as_before):
        return as_before
    return min(1.0, 1.0 / float(np.abs(d).sum()))
