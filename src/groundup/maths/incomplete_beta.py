r"""The regularised incomplete beta function: distribution function of beta, t, F and binomial.

$I_x(a,b) = \frac{1}{B(a,b)}\int_0^x t^{a-1}(1-t)^{b-1}dt$. As for gamma, logarithms of both tails
are computed, the smaller one directly: by Gauss's continued fraction (DLMF 8.17.22) or, from
parameters of 20 on, by quadrature of the density in u = log(x / (1 - x)), where it is log-concave.
x comes with y = 1 - x where that is known better (Student's t: y = t^2 / (df + t^2)).
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.elementwise_iteration import bounded_newton, continued_fraction
from groundup.maths.error_function import normal_quantile
from groundup.maths.gamma_functions import log_beta
from groundup.maths.numeric_input import Floats, broadcast, fill
from groundup.maths.saddle_point import log_binomial_kernel, log_shares
from groundup.maths.tail_quadrature import (
    exp_minus_linear,
    log1mexp,
    log1p_minus_linear,
    tail_length,
    tail_mass,
)
from groundup.swap import replaceable


@replaceable
def beta_lower(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Floats:
    """I_x(a, b) for a, b > 0 and 0 <= x <= 1, elementwise.

    Relative error about 1e-13 for a, b >= 0.001; for smaller ones the error is about 1e-16 of 1.
    """
    return np.exp(log_incomplete_beta(a, b, x)[0])


@replaceable
def beta_upper(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Floats:
    """1 - I_x(a, b) = I_(1-x)(b, a)."""
    return np.exp(log_incomplete_beta(a, b, x)[1])


def log_incomplete_beta(
    a: ArrayLike, b: ArrayLike, x: ArrayLike, y: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """(log I_x(a, b), log(1 - I_x(a, b))), elementwise; y = 1 - x if not given.

    Raises ValueError unless a, b > 0; NaN for x outside [0, 1].
    """
    a, b, x, y = broadcast(a, b, x, 1 - np.asarray(x, dtype=np.float64) if y is None else y)
    if not ((a > 0) & (b > 0)).all():
        raise ValueError(f"incomplete beta was given {a.min()}, {b.min()}; wanted a, b > 0")
    log_p, log_q = np.full(a.shape, np.nan), np.full(a.shape, np.nan)
    log_p[x == 0], log_q[x == 0] = -np.inf, 0.0
    log_p[y == 0], log_q[y == 0] = 0.0, -np.inf
    inside = (x > 0) & (y > 0)
    near_zero = inside & (x <= 0.3) & (b * x <= 1)
    near_one = inside & (y <= 0.3) & (a * y <= 1)
    left = inside & ~near_zero & ~near_one & (x * b <= a * y)  # below the point a / (a + b)
    right = inside & ~near_zero & ~near_one & ~left
    for region, method in ((near_zero, _both_by_series), (left, _both_by_tail)):
        if region.any():
            log_p[region], log_q[region] = method(a[region], b[region], x[region], y[region])
    for region, method in ((near_one, _both_by_series), (right, _both_by_tail)):
        if region.any():
            log_q[region], log_p[region] = method(b[region], a[region], y[region], x[region])
    return log_p[()], log_q[()]


def _both_by_series(a: Floats, b: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """I = x^a / (a B) (1 + a sum (1-b)_n x^n / (n! (a+n))) (DLMF 8.17.7), for b x <= 1.

    1 - I is the difference of nearly equal numbers where a is small; expm1 takes it exactly.
    """
    term, total = np.ones_like(x), np.zeros_like(x)
    for n in range(1, 40):
        term = term * (n - b) * x / n
        total = total + term / (a + n)
    log_power = a * np.log(x) - np.log(a) - log_beta(a, b)
    log_p = np.minimum(log_power + np.log1p(a * total), 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_q = np.log(-np.expm1(log_power) - np.exp(log_power) * a * total)
    return log_p, np.where(log_p < -0.7, log1mexp(log_p), log_q)


def _both_by_tail(a: Floats, b: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The tail below x < a / (a + b); where a is so small that it holds nearly all, the other too.

    Then 1 - I = x^a y^b / (b B) (1 + (a+b)/(b+1) y + ...), all terms positive (DLMF 8.17.8).
    """
    log_p = np.minimum(_log_tail(a, b, x, y), 0)
    log_q = log1mexp(log_p)
    fill(log_q, log_p > -0.05, _log_complement, a, b, x, y)
    return log_p, log_q


def _log_complement(a: Floats, b: Floats, x: Floats, y: Floats) -> Floats:
    term, total = np.ones_like(x), np.ones_like(x)
    for n in range(1, 120):
        term = term * (a + b + n - 1) / (b + n) * y
        total = total + term
    result: Floats = log_beta_kernel(a, b, x, y) - np.log(b) + np.log(total)
    return result


def _log_tail(a: Floats, b: Floats, x: Floats, y: Floats) -> Floats:
    """Log of I_x(a, b), meant for x below a / (a + b)."""
    smooth = np.minimum(a, b) >= 20
    result = np.empty(a.shape)
    for region, method in ((smooth, _log_quadrature), (~smooth, _log_fraction)):
        fill(result, region, method, a, b, x, y)
    return result


def _log_fraction(a: Floats, b: Floats, x: Floats, y: Floats) -> Floats:
    """x^a y^b / B(a, b) over the even part of the continued fraction DLMF 8.17.22.

    It is written with y (as in Didonato and Morris, "Algorithm 708", 1992), so that it keeps its
    digits where x is so near 1 that only y says how near.
    """
    first = a * (a * y - b * x + 1) / (a + 1)
    fraction = continued_fraction(_fraction_terms, first, a, b, x, y)
    return log_beta_kernel(a, b, x, y) - np.log(np.abs(fraction))


def _fraction_terms(m: int, a: Floats, b: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    n = a + 2 * m - 1
    numerator = (a + m - 1) * (a + b + m - 1) * m * (b - m) * (x / n) ** 2
    denominator = m + m * (b - m) * x / n
    return numerator, denominator + (a + m) * (a * y - b * x + 1 + m * (1 + y)) / (n + 2)


def log_beta_kernel(a: Floats, b: Floats, x: Floats, y: Floats) -> Floats:
    r"""$\log\bigl(x^a y^b / B(a,b)\bigr)$, the density of the log-odds of a beta variable."""
    a, b, x, y = broadcast(a, b, x, y)
    small = np.minimum(a, b) < 10
    result = log_binomial_kernel(a, b, x, y) + np.log(a) + np.log(b) - np.log(a + b)
    log_x, log_y = log_shares(x, y)
    return np.where(small, a * log_x + b * log_y - log_beta(a, b), result)


def _log_quadrature(a: Floats, b: Floats, x: Floats, y: Floats) -> Floats:
    """Integrate the density of the log-odds from u to the left.

    A step s multiplies it by exp(-a s - (a+b) log(1 + x (e^-s - 1))), of which the linear part is
    -(a y - b x) s; the rest is written in x or in y, whichever is smaller.
    """
    slope, small = a * y - b * x, x <= 0.5
    weight, sign = np.where(small, x, y)[:, None], np.where(small, -1.0, 1.0)[:, None]
    n = (a + b)[:, None]

    def log_ratio(s: Floats) -> Floats:
        bend = weight * exp_minus_linear(sign * s)
        rest = log1p_minus_linear(weight * np.expm1(sign * s))
        return -slope[:, None] * s - n * (bend + rest)

    mass = tail_mass(log_ratio, tail_length(slope, (a + b) * x * y / 1.5))
    return log_beta_kernel(a, b, x, y) + np.log(mass)


@replaceable
def beta_quantile(a: ArrayLike, b: ArrayLike, p: ArrayLike, q: ArrayLike | None = None) -> Floats:
    """The x with I_x(a, b) = p; `q` is 1 - p where that is known better. NaN unless 0 <= p <= 1."""
    return beta_quantile_pair(a, b, p, q)[0]


def beta_quantile_pair(
    a: ArrayLike, b: ArrayLike, p: ArrayLike, q: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    r"""(x, 1 - x) with I_x(a, b) = p, both to full relative precision (about 1e-13).

    Newton's method in the log-odds u on the logarithm of the smaller tail, which is concave in u
    because the density of u is log-concave; a step beyond a known bound is replaced by the middle.
    """
    a, b, p, q = broadcast(a, b, p, 1 - np.asarray(p, dtype=np.float64) if q is None else q)
    x, y = np.full(a.shape, np.nan), np.full(a.shape, np.nan)
    x[(p == 0) & (q == 1)], y[(p == 0) & (q == 1)] = 0.0, 1.0
    x[(q == 0) & (p == 1)], y[(q == 0) & (p == 1)] = 1.0, 0.0
    inside = (p > 0) & (q > 0)
    x[inside], y[inside] = _solve(a[inside], b[inside], p[inside], q[inside])
    return x[()], y[()]


def _from_log_odds(u: Floats) -> tuple[Floats, Floats]:
    """1 / (1 + e^-u) and 1 / (1 + e^u); |u| <= 700 keeps both above 0."""
    return 1 / (1 + np.exp(-u)), 1 / (1 + np.exp(u))


def _solve(a: Floats, b: Floats, p: Floats, q: Floats) -> tuple[Floats, Floats]:
    by_lower = p <= q
    target, sign = np.log(np.where(by_lower, p, q)), np.where(by_lower, 1.0, -1.0)
    start = _quantile_start(a, b, p, q)
    u = bounded_newton(_gap_and_slope, start, -708.0, 708.0, a, b, target, sign)
    # u = 300 is known to 6e-14; a last step on x and y themselves has all their digits
    gap, slope = _gap_and_slope(u, a, b, target, sign)
    x, y = _from_log_odds(u)
    step = np.clip(gap / slope, -1e-6, 1e-6)
    return x * (1 - y * step), y * (1 + x * step)


def _gap_and_slope(
    u: Floats, a: Floats, b: Floats, target: Floats, sign: Floats
) -> tuple[Floats, Floats]:
    """How far the log of the tail is from its target, and its slope: density / tail."""
    x, y = _from_log_odds(u)
    log_p, log_q = log_incomplete_beta(a, b, x, y)
    log_tail = np.where(sign > 0, log_p, log_q)
    slope = np.exp(np.minimum(log_beta_kernel(a, b, x, y) - log_tail, 700))
    return sign * (log_tail - target), slope


def _quantile_start(a: Floats, b: Floats, p: Floats, q: Floats) -> Floats:
    """The log-odds are nearly normal for large parameters, exponential-tailed for small ones."""
    z = np.where(p <= q, normal_quantile(p), -normal_quantile(q))
    normal = np.log(a) - np.log(b) + z * np.sqrt(1 / a + 1 / b)
    left = (np.log(p) + np.log(a) + log_beta(a, b)) / a
    right = -(np.log(q) + np.log(b) + log_beta(a, b)) / b
    tail = np.where(p <= q, left, right)
    # with a, b >= 1 the power law lies outside the quantile, and so it bounds the normal guess
    nearer = np.where(p <= q, np.maximum(left, normal), np.minimum(right, normal))
    start = np.where((a >= 1) & (b >= 1), nearer, tail)
    result: Floats = np.clip(start, -700, 700)
    return result
