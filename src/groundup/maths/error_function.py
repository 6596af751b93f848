r"""The error function and the normal distribution function, accurate far into the tails.

$\mathrm{erf}(x) = \frac{2}{\sqrt\pi}\int_0^x e^{-t^2}dt$. Everything beyond the centre stands on
one function that neither over- nor underflows, $\mathrm{erfcx}(x) = e^{x^2}\,\mathrm{erfc}(x)$,
which the trapezoidal rule gives to the last digit with 13 terms (Matta and Reichel, "Uniform
computation of the error function and other related functions", 1971; DLMF 7.6.2 for the series near
0).
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.numeric_input import Floats, pointwise, real
from groundup.swap import replaceable

_STEP = 0.5
_SQRT_2 = math.sqrt(2)
_SQRT_2_PI = math.sqrt(2 * math.pi)


@replaceable
def erf(x: ArrayLike) -> Floats:
    """The error function, elementwise. Relative error about 1e-15."""
    x = real(x, "x")
    near = np.abs(x) < 1
    far = pointwise(lambda t: np.copysign(1 - _erfc_tail(np.abs(t)), t), ~near, x)
    return np.where(near, pointwise(_erf_series, near, x), far)[()]


@replaceable
def erfc(x: ArrayLike) -> Floats:
    """1 - erf(x) without cancellation. Relative error about 1e-15 until it underflows at 26.6."""
    x = real(x, "x")
    near, right = np.abs(x) < 0.5, x >= 0.5
    result = pointwise(lambda t: 1 - _erf_series(t), near, x)
    result = np.where(right, pointwise(_erfc_tail, right, x), result)
    return np.where(x <= -0.5, 2 - pointwise(_erfc_tail, x <= -0.5, -x), result)[()]


@replaceable
def erfcx(x: ArrayLike) -> Floats:
    r"""$e^{x^2}\,\mathrm{erfc}(x)$: about $1/(x\sqrt\pi)$ for large x, infinite below -26.7.

    With step h = 1/2 the trapezoidal rule and its pole's share give, for x >= 1/2,
    $\frac{hx}{\pi}\bigl[\frac1{x^2} + 2\sum_{n\ge1} \frac{e^{-n^2h^2}}{n^2h^2+x^2}\bigr]
    - \frac{2e^{x^2}}{e^{2\pi x/h}-1}$; the last term counts for x < pi/h only. The rule's error is
    about $e^{-\pi^2/h^2}$ = 7e-18.
    """
    x = real(x, "x")
    result = pointwise(_erfcx_trapezoid, x >= 0.5, x)
    near = np.abs(x) < 0.5
    result[near] = np.exp(x[near] ** 2) * (1 - _erf_series(x[near]))
    left = x <= -0.5
    with np.errstate(over="ignore"):
        result[left] = 2 * np.exp(x[left] ** 2) - _erfcx_trapezoid(-x[left])
    return result[()]


def _erf_series(x: Floats) -> Floats:
    """2/sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (2n+1)!!, all terms of one sign; |x| <= 1."""
    total = np.ones_like(x)
    for n in range(22, 0, -1):
        total = 1 + total * (2 * x * x / (2 * n + 1))
    return 2 / math.sqrt(math.pi) * x * np.exp(-x * x) * total


def _erfcx_trapezoid(x: Floats) -> Floats:
    total = np.zeros_like(x)
    for n in range(14, 0, -1):
        node = (n * _STEP) ** 2
        total += math.exp(-node) / (node / x + x)
    total = _STEP / math.pi * (1 / x + 2 * total)
    near = x < math.pi / _STEP
    t = x[near]
    total[near] -= 2 * np.exp(t * t) / np.expm1(2 * math.pi * t / _STEP)
    return total


def _erfc_tail(x: Floats) -> Floats:
    return _gaussian(x, 1.0) * _erfcx_trapezoid(x)


def _gaussian(x: Floats, scale: float = 0.5) -> Floats:
    """exp(-scale x^2), without the rounding of x^2, which costs three digits at x = 38.

    x is cut into a part with few bits, whose square is exact, and a small rest.
    """
    x = np.clip(x, -40, 40)  # beyond, the value is 0
    coarse = np.round(x * 16) / 16
    return np.exp(-scale * coarse * coarse) * np.exp(-scale * (x - coarse) * (x + coarse))


@replaceable
def normal_cdf(z: ArrayLike) -> Floats:
    r"""$\Phi(z) = \frac12\mathrm{erfc}(-z/\sqrt2)$, relative error about 1e-15 down to z = -37."""
    z = real(z, "z")
    result = pointwise(lambda t: 0.5 + 0.5 * _erf_series(t / _SQRT_2), np.abs(z) <= 1, z)
    left, right = z < -1, z > 1
    result[left] = _gaussian(z[left]) * _erfcx_trapezoid(-z[left] / _SQRT_2) / 2
    result[right] = 1 - _gaussian(z[right]) * _erfcx_trapezoid(z[right] / _SQRT_2) / 2
    return result[()]


@replaceable
def normal_survival(z: ArrayLike) -> Floats:
    r"""$1 - \Phi(z) = \Phi(-z)$."""
    return normal_cdf(-real(z, "z"))


@replaceable
def normal_log_cdf(z: ArrayLike) -> Floats:
    r"""$\log\Phi(z)$, finite where $\Phi$ has long underflowed (z = -1e100 gives -5e199)."""
    z = real(z, "z")
    result = pointwise(lambda t: np.log1p(-normal_survival(t)) + 0.0, z > -1, z)
    left = (z <= -1) & np.isfinite(z)
    t = z[left]
    with np.errstate(over="ignore"):
        result[left] = np.log(_erfcx_trapezoid(-t / _SQRT_2) / 2) - t * t / 2
    result[z == -np.inf] = -np.inf
    return result[()]


@replaceable
def normal_quantile(p: ArrayLike) -> Floats:
    r"""The z with $\Phi(z) = p$, for 0 <= p <= 1; NaN outside.

    In the middle, Newton's method on $\Phi(z) - \frac12 = p - \frac12$. In the tails, on
    $\log\Phi(z) = \log p$: the normal density is log-concave, so $\log\Phi$ is concave and Newton's
    method comes home from anywhere on the left. Relative error about 1e-15 (where p itself can
    say so: near 1 use -normal_quantile(1 - p) with an exact 1 - p).
    """
    p = real(p, "p")
    low, high = (p > 0) & (p < 0.2), (p > 0.8) & (p < 1)
    middle = (p >= 0.2) & (p <= 0.8)
    result = pointwise(_middle_quantile, middle, p)
    result[low] = _tail_quantile(np.log(p[low]))
    result[high] = -_tail_quantile(np.log1p(-p[high]))
    result[p == 0], result[p == 1] = -np.inf, np.inf
    return result[()]


def _middle_quantile(p: Floats) -> Floats:
    offset = p - 0.5
    z = _SQRT_2_PI * offset
    for _ in range(5):
        z = z - (0.5 * _erf_series(z / _SQRT_2) - offset) * _SQRT_2_PI * np.exp(z * z / 2)
    return z


def _tail_quantile(log_p: Floats) -> Floats:
    """Phi(z) <= exp(-z^2/2) / 2, so the start lies left of the root."""
    z = -np.sqrt(-2 * (log_p + math.log(2)))
    for _ in range(8):
        hazard = math.sqrt(2 / math.pi) / _erfcx_trapezoid(-z / _SQRT_2)  # density / cdf
        z = z - (normal_log_cdf(z) - log_p) / hazard
    return z
