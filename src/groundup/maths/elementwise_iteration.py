"""Iterations over many elements at once, each of which leaves when it has converged.

A loop over a whole array runs until its slowest element is done; going on with the others would
cost time and, by rounding, digits. Two loops are all that the distribution functions need: a
continued fraction and Newton's method with bounds.
"""

from collections.abc import Callable

import numpy as np

from groundup.maths.numeric_input import Floats

_TINY = 1e-300
_EPS = 4.5e-16
Terms = Callable[..., tuple[Floats, Floats]]


def continued_fraction(terms: Terms, first: Floats, *arguments: Floats) -> Floats:
    """b0 + a1/(b1 + a2/(b2 + ...)) for arrays of shape (n,), by the modified Lentz method.

    `terms(k, *arguments)` returns (a_k, b_k) for k = 1, 2, ...; `first` is b0. Stops at relative
    changes of 4e-16, or after 50 000 terms. Lentz (1976); Press et al. (2007), section 5.2.
    """
    result = _not_zero(first).copy()
    value, c, d = result.copy(), result.copy(), np.zeros_like(result)
    active = np.arange(first.size)
    for k in range(1, 50_001):
        if not active.size:
            break
        numerator, denominator = terms(k, *arguments)
        d = 1 / _not_zero(denominator + numerator * d)
        c = _not_zero(denominator + numerator / c)
        value = value * (c * d)
        result[active] = value
        going = np.abs(c * d - 1) > _EPS
        if not going.all():
            active, value, c, d = active[going], value[going], c[going], d[going]
            arguments = tuple(argument[going] for argument in arguments)
    return result


def _not_zero(x: Floats) -> Floats:
    return np.where(np.abs(x) < _TINY, _TINY, x)


def bounded_newton(
    gap_and_slope: Terms, start: Floats, low: float, high: float, *arguments: Floats
) -> Floats:
    """The root of increasing functions, one an element, shape (n,), by Newton's method.

    `gap_and_slope(u, *arguments)` returns (f(u), f'(u)). A step that leaves what is known to hold
    the root becomes a bisection, so that every element arrives; 1e-15 relative, at most 200 steps.
    A step as small as rounding ends the search first, for then the bounds are rounding too.
    """
    u = np.clip(start, low, high)
    result, active = u.copy(), np.arange(u.size)
    lows, highs = np.full(u.shape, low), np.full(u.shape, high)
    for _ in range(200):
        if not active.size:
            break
        gap, slope = gap_and_slope(u, *arguments)
        lows, highs = np.where(gap < 0, u, lows), np.where(gap > 0, u, highs)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            step = gap / slope
        going = ~(np.abs(step) <= 1e-15 * np.maximum(1, np.abs(u)))
        new = u - np.where(going, step, 0)
        bisect = going & ~((new > lows) & (new < highs))
        new = np.where(bisect, (lows + highs) / 2, new)
        going &= new != u
        result[active] = new
        active, u, lows, highs = active[going], new[going], lows[going], highs[going]
        arguments = tuple(argument[going] for argument in arguments)
    return result
