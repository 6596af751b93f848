r"""The derivative of a function of one variable from its values alone, and how far off it is.

Two errors pull in opposite directions. A step h that is too long misses the curve (truncation,
which shrinks as a power of h); one that is too short subtracts two nearly equal numbers (rounding,
which grows as $\epsilon |f| / h$). With machine precision $\epsilon = 2.2 \cdot 10^{-16}$:

    rule           formula                          truncation      best h          best error
    forward        (f(x+h) - f(x)) / h              h |f''| / 2     eps^(1/2)       eps^(1/2)
    central        (f(x+h) - f(x-h)) / 2h           h^2 |f'''| / 6  eps^(1/3)       eps^(2/3)
    complex step   Im f(x + ih) / h                 h^2 |f'''| / 6  any tiny one    eps
    Ridders        central, extrapolated to h = 0   any order       found           about eps^0.9

Sources: Nocedal and Wright, "Numerical optimization" (2006), section 8.1; Squire and Trapp, "Using
complex variables to estimate derivatives of real functions" (1998); Ridders, "Accurate computation
of F'(x) and F'(x)F''(x)" (1982). Left out: derivatives beyond the second, exact in
`power_series`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from groundup.maths.finite import positive, real_array
from groundup.swap import replaceable

Curve = Callable[[float], float]
EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Estimate:
    """A derivative and how far it may be off."""

    value: float
    error: float
    """Estimated, from the last two columns of the extrapolation and the rounding; no bound."""


def rounded_step(x: float, h: float) -> float:
    """The step near h that x + h really takes: x + h is rounded, and the rest must know."""
    there = x + h
    return there - x


def _number(value: float, name: str) -> float:
    array = real_array(value, name)
    if array.size != 1 or not np.isfinite(array).all():
        raise ValueError(f"{name} is {value}; wanted one finite number")
    return float(array.item())


def _step(x: float, h: float | None, power: float) -> float:
    scale = max(1.0, abs(x))
    return rounded_step(x, EPSILON**power * scale if h is None else positive(h, "h"))


@replaceable
def forward_difference(function: Curve, x: float, h: float | None = None) -> float:
    r"""$f'(x) \approx (f(x+h) - f(x))/h$; by default $h = \sqrt{\epsilon}\,\max(1, |x|)$.

    The error is $h|f''|/2 + 2\epsilon|f|/h$, about $10^{-8}$. Raises ValueError where x is not a
    finite number or h is not above 0.
    """
    x = _number(x, "x")
    h = _step(x, h, 1 / 2)
    return (function(x + h) - function(x)) / h


@replaceable
def central_difference(function: Curve, x: float, h: float | None = None) -> float:
    r"""$f'(x) \approx (f(x+h) - f(x-h))/2h$; by default $h = \epsilon^{1/3}\max(1, |x|)$.

    The error is $h^2|f'''|/6 + \epsilon|f|/h$, about $10^{-11}$. Raises as `forward_difference`.
    """
    x = _number(x, "x")
    h = _step(x, h, 1 / 3)
    return (function(x + h) - function(x - h)) / (2 * h)


@replaceable
def second_difference(function: Curve, x: float, h: float | None = None) -> float:
    r"""$f''(x) \approx (f(x+h) - 2f(x) + f(x-h))/h^2$; by default $h = \epsilon^{1/4}\max(1,|x|)$.

    The error is $h^2|f''''|/12 + 4\epsilon|f|/h^2$, about $10^{-8}$. Raises as the others.
    """
    x = _number(x, "x")
    h = _step(x, h, 1 / 4)
    return (function(x + h) - 2 * function(x) + function(x - h)) / h**2


@replaceable
def complex_step(function: Callable[[complex], complex], x: float, h: float = 1e-100) -> float:
    r"""$f'(x) \approx \mathrm{Im} f(x + ih)/h$: nothing is subtracted, so nothing cancels.

    Right to rounding, for functions that are analytic and written so that they take complex numbers
    (no `abs`, no `max`, no comparison). Raises ValueError where the function gives back a real
    number, which would read as a derivative of 0.
    """
    value = function(complex(_number(x, "x"), positive(h, "h")))
    if not np.iscomplexobj(value):
        raise ValueError("the function dropped the imaginary part; wanted one of complex numbers")
    return float(np.imag(value)) / h


@replaceable
def derivative(function: Curve, x: float, h: float | None = None, levels: int = 10) -> Estimate:
    r"""$f'(x)$ by central differences, extrapolated to $h = 0$, with an estimate of the error.

    Column 0 holds central differences at $h, h/\sqrt2, h/2, ...$. Their error is a series in $h^2$,
    so each next column takes out one more term (Richardson, with $c = 2$ the ratio of the $h^2$):

        T[i][j] = (c^j T[i][j-1] - T[i-1][j-1]) / (c^j - 1)

    The entry which moved least against both its parents is taken (Ridders), and the rounding of its
    two function values is added to its error. By default h is a tenth of max(1, |x|): pass the
    length over which the function changes visibly where that is shorter. Raises ValueError for an x
    or h as above, for fewer than 2 levels, and where the function is not finite around x.
    """
    x = _number(x, "x")
    if levels < 2:
        raise ValueError(f"levels is {levels}; extrapolation needs 2 or more")
    h = 0.1 * max(1.0, abs(x)) if h is None else positive(h, "h")
    best = Estimate(np.nan, np.inf)
    above: list[float] = []
    size = 0.0
    for level in range(levels):
        step = rounded_step(x, h / 2 ** (level / 2))
        ahead, behind = float(function(x + step)), float(function(x - step))
        if not np.isfinite([ahead, behind]).all():
            raise ValueError(
                f"the function is not finite within {step:.3g} of {x}; pass a smaller h"
            )
        # the largest value near x, for f may be a small difference of large terms at x itself
        size = max(size, abs(ahead), abs(behind))
        noise = EPSILON * size / step
        row = [(ahead - behind) / (2 * step)]
        for column, old in enumerate(above, start=1):
            row.append((2**column * row[-1] - old) / (2**column - 1))
            moved = max(abs(row[-1] - row[-2]), abs(row[-1] - old)) + noise
            if moved < best.error:
                best = Estimate(row[-1], moved)
        above = row
    return best
