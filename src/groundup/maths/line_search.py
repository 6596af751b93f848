r"""How far to walk along a direction: not so far that f rises, not so short that nothing is gained.

Along $\phi(a) = f(x + a d)$, with the slope $\phi'(0) = \nabla f \cdot d < 0$, a length is good if

    phi(a) <= phi(0) + c1 a phi'(0)       sufficient decrease (Armijo)
    |phi'(a)| <= c2 |phi'(0)|             little slope is left (strong Wolfe), c1 < c2 < 1

`backtracking` shortens until the first holds. `strong_wolfe` brackets a length where both hold and
zooms in, with cubic interpolation. Source: Nocedal and Wright, "Numerical optimization" (2006),
section 3.1 and algorithms 3.1, 3.5, 3.6.

Near a minimum, decreases sink below the rounding of f long before slopes do. The first condition
therefore forgives $4\epsilon|\phi(0)|$, and slopes lead the last steps. Left out: Hager and Zhang's
line search.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import Field, Floats, Scalar, finite_vector, number_at, vector_at
from groundup.swap import replaceable

EPSILON = float(np.finfo(np.float64).eps)
HALVINGS = 60
"""Trials of a length: 2^-60 of a step is below the rounding of anything it is added to."""


@dataclass(frozen=True)
class LineStep:
    """A trial along the line, and what was found there."""

    length: float
    value: float
    slope: float
    """Of the line: the gradient times the direction."""
    gradient: Floats
    """Shape (n,); empty where it was not needed."""
    found: bool = False
    """Whether this length meets the conditions."""
    message: str = ""
    """Why none was found."""


Line = Callable[[float], LineStep]


def along(function: Scalar, gradient: Field, x: Floats, direction: Floats) -> Line:
    """The function and its slope along x + a d, as a function of the length a.

    Where f is not finite its value counts as infinite: too far.
    """

    def look(length: float) -> LineStep:
        point = x + length * direction
        value = number_at(function, point)
        if not np.isfinite(value):
            return LineStep(length, np.inf if value != -np.inf else value, np.nan, np.zeros(0))
        slopes = vector_at(gradient, point)
        return LineStep(length, value, float(slopes @ direction), slopes)

    return look


@replaceable
def backtracking(
    function: Scalar,
    x: ArrayLike,
    direction: ArrayLike,
    slope: float,
    *,
    first: float = 1.0,
    shrink: float = 0.5,
    c1: float = 1e-4,
) -> LineStep:
    r"""The first of `first`, `first * shrink`, ... that decreases f enough (Armijo).

    `slope` is $\nabla f \cdot d$. It exists for every descent direction of a differentiable f.
    Raises ValueError unless the slope is below 0, and for settings outside of (0, 1).
    """
    point = finite_vector(x, "x")
    way = finite_vector(direction, "direction", size=point.size)
    _check(slope, first, c1, shrink)
    start = number_at(function, point)
    length = first
    for _ in range(HALVINGS):
        value = number_at(function, point + length * way)
        if value <= start + c1 * length * slope + 4 * EPSILON * abs(start):
            return LineStep(length, value, np.nan, np.zeros(0), True)
        length *= shrink
    message = "no step along the direction decreases the function; check the gradient"
    return LineStep(0.0, start, slope, np.zeros(0), False, message)


@replaceable
def strong_wolfe(
    function: Scalar,
    gradient: Field,
    x: ArrayLike,
    direction: ArrayLike,
    *,
    first: float = 1.0,
    c1: float = 1e-4,
    c2: float = 0.9,
) -> LineStep:
    r"""A length that meets both Wolfe conditions, with the value and the gradient there.

    Lengths double from `first` until one is too long, or rises: between it and the one before lie
    good lengths, and `zoom` finds one. c2 is 0.9 for Newton-like directions, which know their
    length, and 0.1 for conjugate gradients. `found` is False where f falls for ever, or is not
    smooth. Raises ValueError unless the direction goes down and 0 < c1 < c2 < 1.
    """
    point = finite_vector(x, "x")
    line = along(function, gradient, point, finite_vector(direction, "direction", size=point.size))
    start = line(0.0)
    _check(start.slope, first, c1, c2)
    return search(line, start, first, c1, c2)


def search(line: Line, start: LineStep, first: float, c1: float, c2: float) -> LineStep:
    """Algorithm 3.5: bracket a good length, given the line at 0."""
    before, length = start, first
    for _ in range(HALVINGS):
        trial = line(length)
        if trial.value == -np.inf:
            break
        if not _decreases(trial, start, c1) or (before.length > 0 and _rises(trial, before)):
            return zoom(line, start, before, trial, c1, c2)
        if abs(trial.slope) <= -c2 * start.slope:
            return _good(trial)
        if trial.slope >= 0:
            return zoom(line, start, trial, before, c1, c2)
        before, length = trial, 2 * length
    message = "the function keeps falling along the line; it may be unbounded below"
    return LineStep(before.length, before.value, before.slope, before.gradient, False, message)


def zoom(
    line: Line, start: LineStep, low: LineStep, high: LineStep, c1: float, c2: float
) -> LineStep:
    """Algorithm 3.6: between `low`, the best length so far, and `high` there are good ones.

    Kept true: `low` decreases enough and its slope points towards `high`.
    """
    for _ in range(HALVINGS):
        trial = line(_between(low, high))
        if not _decreases(trial, start, c1) or _rises(trial, low):
            high = trial
        elif abs(trial.slope) <= -c2 * start.slope:
            return _good(trial)
        else:
            if trial.slope * (high.length - low.length) >= 0:
                high = low
            low = trial
        if abs(high.length - low.length) <= EPSILON * max(low.length, high.length):
            break
    message = "no length meets the Wolfe conditions; the gradient may be wrong or f not smooth"
    return LineStep(low.length, low.value, low.slope, low.gradient, False, message)


def _between(low: LineStep, high: LineStep) -> float:
    """The minimum of the cubic through both ends, kept a tenth away from them; or the middle."""
    a, b = low.length, high.length
    middle = (a + b) / 2
    if not np.isfinite([high.value, high.slope]).all():
        return middle
    with np.errstate(over="ignore", invalid="ignore"):  # NaN is between nothing
        d1 = low.slope + high.slope - 3 * (low.value - high.value) / (a - b)
        under = np.float64(d1) * d1 - np.float64(low.slope) * high.slope
        if under < 0:
            return middle
        d2 = np.sign(b - a) * np.sqrt(under)
        bottom = high.slope - low.slope + 2 * d2
        if bottom == 0:
            return middle
        best = b - (b - a) * (high.slope + d2 - d1) / bottom
    left, right = min(a, b) + 0.1 * abs(b - a), max(a, b) - 0.1 * abs(b - a)
    return float(best) if left <= best <= right else middle


def _decreases(trial: LineStep, start: LineStep, c1: float) -> bool:
    allowed = start.value + c1 * trial.length * start.slope + 4 * EPSILON * abs(start.value)
    return bool(trial.value <= allowed)


def _rises(trial: LineStep, before: LineStep) -> bool:
    return bool(trial.value > before.value + 4 * EPSILON * abs(before.value))


def _good(trial: LineStep) -> LineStep:
    return LineStep(trial.length, trial.value, trial.slope, trial.gradient, True)


def _check(slope: float, first: float, small: float, large: float) -> None:
    if not (np.isfinite(slope) and slope < 0):
        raise ValueError(f"the slope along the direction is {slope}; wanted a finite one below 0")
    if not 0 < small < large < 1 or not (np.isfinite(first) and first > 0):
        raise ValueError(
            f"first length {first}, c1 {small}, other constant {large}; "
            "wanted first > 0 and 0 < c1 < the other < 1"
        )
