r"""Taylor's theorem: a smooth function near a point is its polynomial, up to a remainder.

    f(a + t) = sum_{j=0..k} f^(j)(a) t^j / j!  +  R_k,   |R_k| <= max |f^(k+1)| |t|^(k+1) / (k+1)!

In n dimensions and to second order, with gradient g and Hessian H at a (the model that Newton's
method minimises, and whose error is of third order in |p|):

    f(a + p) ~ f(a) + g.p + p.H p / 2

Sources: Spivak, "Calculus", chapter 20; Nocedal and Wright, "Numerical optimization" (2006),
theorem 2.1. Left out: Pade approximants; the best polynomial over an interval (Chebyshev).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths import dual_numbers
from groundup.maths.finite import Floats, finite_array, finite_vector
from groundup.maths.matrices import symmetric_matrix
from groundup.maths.power_series import PowerSeries
from groundup.swap import replaceable


@replaceable
def taylor_coefficients(function: Callable[[Any], Any], a: float, order: int) -> Floats:
    r"""$c_j = f^{(j)}(a)/j!$ for j = 0 ... order, exact to rounding: shape (order + 1,).

    The function is run once, on the series a + t. Raises ValueError for an order below 0 or an `a`
    that is not a finite number, TypeError for a function without a series (see `power_series`).
    """
    if order < 0:
        raise ValueError(f"order is {order}; wanted 0 or more")
    start = finite_array(a, "a")
    if start.ndim != 0:
        raise ValueError(f"a has shape {start.shape}; wanted one number")
    coefficients = np.zeros(order + 1)
    coefficients[0] = start
    coefficients[1:2] = 1.0
    result = function(PowerSeries(coefficients))
    if isinstance(result, PowerSeries):
        return result.coefficients
    constant = np.zeros(order + 1)
    constant[0] = float(result)
    return constant


@replaceable
def evaluate(coefficients: ArrayLike, t: ArrayLike) -> Floats:
    r"""$c_0 + c_1 t + ... + c_k t^k$ by Horner's rule, elementwise in t: k products and k sums."""
    numbers, points = finite_vector(coefficients, "coefficients"), finite_array(t, "t")
    result = np.zeros(points.shape)
    for coefficient in numbers[::-1]:
        result = result * points + coefficient
    return result


@replaceable
def remainder_bound(largest: float, order: int, distance: ArrayLike) -> Floats:
    r"""Lagrange's bound of what the polynomial of that order misses: $M |t|^{k+1}/(k+1)!$.

    `largest` is a bound M of $|f^{(k+1)}|$ between a and a + t, `distance` is t. Raises ValueError
    where M is below 0.
    """
    if order < 0 or not largest >= 0:
        raise ValueError(f"order {order}, bound {largest}; both must be 0 or more")
    length = np.abs(finite_array(distance, "distance"))
    return np.asarray(largest * length ** (order + 1) / math.factorial(order + 1))


@replaceable
def quadratic_model(
    value: float, gradient: ArrayLike, hessian: ArrayLike
) -> Callable[[ArrayLike], float]:
    r"""$m(p) = f + g^\top p + \frac12 p^\top H p$, as a function of the step p, shape (n,)."""
    g = finite_vector(gradient, "gradient")
    h = symmetric_matrix(hessian, "hessian", size=g.size, tolerance=1e-8)

    def model(step: ArrayLike) -> float:
        p = finite_vector(step, "step", size=g.size)
        return float(value + g @ p + p @ h @ p / 2)

    return model


@replaceable
def second_order(function: Callable[[Any], Any], a: ArrayLike) -> Callable[[ArrayLike], float]:
    """The second-order Taylor model of f at a, its derivatives by dual numbers (see there)."""
    point = finite_vector(a, "a")
    slope, bend = dual_numbers.gradient(function, point), dual_numbers.hessian(function, point)
    return quadratic_model(float(function(point)), slope, bend)
