r"""The regularised incomplete gamma functions: distribution functions of gamma, chi-square,
Poisson.

$P(a,x) = \frac1{\Gamma(a)}\int_0^x t^{a-1}e^{-t}dt$ and $Q = 1 - P$. Both are computed as
logarithms, the smaller one directly, so that tails of 1e-300 (or e^-1000000) keep their digits.
Four ways share the plane: a power series, a continued fraction, the series for Q at small a, and
quadrature for large a near x (DLMF 8.7, 8.9; Gautschi, "A computational procedure for incomplete
gamma functions", 1979).
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.elementwise_iteration import bounded_newton, continued_fraction
from groundup.maths.error_function import normal_quantile
from groundup.maths.gamma_functions import log_gamma_1p
from groundup.maths.numeric_input import Floats, broadcast, fill
from groundup.maths.saddle_point import log_poisson_kernel
from groundup.maths.tail_quadrature import exp_minus_linear, log1mexp, tail_length, tail_mass
from groundup.swap import replaceable

_EPS = 1e-16


@replaceable
def gamma_lower(a: ArrayLike, x: ArrayLike) -> Floats:
    """P(a, x) for a > 0, x >= 0, elementwise. Relative error about 1e-14 (see the module)."""
    return np.exp(log_incomplete_gamma(a, x)[0])


@replaceable
def gamma_upper(a: ArrayLike, x: ArrayLike) -> Floats:
    """Q(a, x) = 1 - P(a, x)."""
    return np.exp(log_incomplete_gamma(a, x)[1])


def log_incomplete_gamma(a: ArrayLike, x: ArrayLike) -> tuple[Floats, Floats]:
    """(log P(a, x), log Q(a, x)), elementwise. ValueError unless a > 0; NaN for x < 0 or NaN."""
    a, x = broadcast(a, x)
    if not (a > 0).all():
        raise ValueError(f"incomplete gamma was given a = {a.min()}; wanted a > 0")
    log_p, log_q = np.full(a.shape, np.nan), np.full(a.shape, np.nan)
    log_p[x == 0], log_q[x == 0] = -np.inf, 0.0
    log_p[x == np.inf], log_q[x == np.inf] = 0.0, -np.inf
    usual = (x > 0) & np.isfinite(x) & np.isfinite(a)
    central = usual & (a >= 20) & (x > 0.3 * a) & (x < 2.5 * a)
    small = usual & ~central & (a < 0.5) & (x < 1.5)
    series = usual & ~central & ~small & (x < a + 1)
    fraction = usual & ~central & ~small & (x >= a + 1)
    below, above = central & (x <= a), central & (x > a)
    for region, log_lower in ((series, _log_lower_series), (below, _log_lower_quadrature)):
        fill(log_p, region, log_lower, a, x)
        log_p[region] = np.minimum(log_p[region], 0)
        log_q[region] = log1mexp(log_p[region])
    for region, log_upper in (
        (fraction, _log_upper_fraction),
        (above, _log_upper_quadrature),
        (small, _log_upper_small),
    ):
        fill(log_q, region, log_upper, a, x)
        log_q[region] = np.minimum(log_q[region], 0)
        log_p[region] = log1mexp(log_q[region])
    # at small a the lower function is the small one where x is tiny
    tiny = small & (log_p < -0.5)
    fill(log_p, tiny, _log_lower_series, a, x)
    return log_p[()], log_q[()]


def _log_lower_series(a: Floats, x: Floats) -> Floats:
    """P = x^a e^-x / Gamma(a+1) (1 + x/(a+1) + x^2/((a+1)(a+2)) + ...) (DLMF 8.7.1)."""
    term, total, n = np.ones_like(x), np.ones_like(x), 0
    while (term > _EPS * total).any():
        n += 1
        term = term * x / (a + n)
        total = total + term
    return log_poisson_kernel(a, x) + np.log(total)


def _log_upper_fraction(a: Floats, x: Floats) -> Floats:
    """x^a e^-x / Gamma(a) / (x+1-a - 1(1-a)/(x+3-a - 2(2-a)/(x+5-a - ...))) (DLMF 8.9.2)."""
    fraction = continued_fraction(_fraction_terms, x + 1 - a, a, x)
    return log_poisson_kernel(a, x) + np.log(a / fraction)


def _fraction_terms(k: int, a: Floats, x: Floats) -> tuple[Floats, Floats]:
    return -k * (k - a), x + 2 * k + 1 - a


def _log_upper_small(a: Floats, x: Floats) -> Floats:
    """For a < 1/2, x < 3/2: Q = 1 - x^a/Gamma(a+1) (1 + a sum (-x)^k / (k! (a+k))) (DLMF 8.7.1)."""
    log_power = a * np.log(x) - log_gamma_1p(a)
    term, total = np.ones_like(x), np.zeros_like(x)
    for k in range(1, 30):
        term = -term * x / k
        total = total + term / (a + k)
    return np.log(-np.expm1(log_power) - np.exp(log_power) * a * total)


def _log_lower_quadrature(a: Floats, x: Floats) -> Floats:
    """A step s to the left of log x multiplies the density by exp(-(a-x) s - x (e^-s - 1 + s))."""
    slope = (a - x)[:, None]
    mass = tail_mass(
        lambda s: -slope * s - x[:, None] * exp_minus_linear(-s), tail_length(a - x, x / 1.5)
    )
    return log_poisson_kernel(a, x) + np.log(a * mass)


def _log_upper_quadrature(a: Floats, x: Floats) -> Floats:
    slope = (x - a)[:, None]
    mass = tail_mass(lambda s: -slope * s - x[:, None] * exp_minus_linear(s), tail_length(x - a, x))
    return log_poisson_kernel(a, x) + np.log(a * mass)


@replaceable
def gamma_quantile(a: ArrayLike, p: ArrayLike, q: ArrayLike | None = None) -> Floats:
    r"""The x with P(a, x) = p; `q` is 1 - p where that is known better. NaN unless 0 <= p <= 1.

    Newton's method in u = log x on log P = log p (or log Q = log q, whichever is smaller). The
    density of log x is log-concave, hence so are P and Q as functions of u, and Newton's method
    converges from any start: its tangents never cut the curve. Relative error about 1e-13; a
    quantile below 1e-323, as tiny shapes have, is returned as about that.
    """
    a, p, q = broadcast(a, p, 1 - np.asarray(p, dtype=np.float64) if q is None else q)
    result = np.full(a.shape, np.nan)
    result[(p == 0) & (q == 1)], result[(q == 0) & (p == 1)] = 0.0, np.inf
    inside = (p > 0) & (q > 0)
    shape, lower, upper = a[inside], p[inside], q[inside]
    by_lower = lower <= upper
    log_target = np.log(np.where(by_lower, lower, upper))
    start, sign = _quantile_start(shape, lower, upper), np.where(by_lower, 1.0, -1.0)
    u = bounded_newton(_gap_and_slope, start, -745.0, 709.0, shape, log_target, sign)
    # u = 300 is known to 6e-14; a last step on x itself has all its digits
    gap, slope = _gap_and_slope(u, shape, log_target, sign)
    result[inside] = np.exp(u) * (1 - np.clip(gap / slope, -1e-6, 1e-6))
    return result[()]


def _gap_and_slope(u: Floats, a: Floats, log_target: Floats, sign: Floats) -> tuple[Floats, Floats]:
    """How far the log of the tail is from its target, and its slope: density / tail."""
    x = np.exp(u)
    log_p, log_q = log_incomplete_gamma(a, x)
    log_tail = np.where(sign > 0, log_p, log_q)
    slope = np.exp(np.minimum(np.log(a) + log_poisson_kernel(a, x) - log_tail, 700))
    return sign * (log_tail - log_target), slope


def _quantile_start(a: Floats, p: Floats, q: Floats) -> Floats:
    """Wilson and Hilferty (1931): (x/a)^(1/3) is about normal; at small a P is x^a/Gamma(a+1)."""
    z = np.where(p <= q, normal_quantile(p), -normal_quantile(q))
    root = 1 - 1 / (9 * a) + z / (3 * np.sqrt(a))
    cube = np.log(a) + 3 * np.log(np.maximum(root, 0.05))
    few = np.minimum(a, 0.5)
    low = np.minimum((np.log(p) + log_gamma_1p(few)) / few, 0.0)
    small = np.where(q < 0.3, np.log(-np.log(np.minimum(q, 0.3))), low)  # Q is about e^-x
    return np.clip(np.where(a < 0.5, small, cube), -745, 709)
