r"""Poisson and binomial probabilities to full precision at any size.

$n!$ and $\lambda^x$ are huge where their quotient is not, so logarithms of both lose digits by
subtraction. Stirling's formula cancels the huge parts on paper; what is left is a deviance, which
is 0 at the mode, and small corrections. Loader, "Fast and accurate computation of binomial
probabilities" (2000). Arguments need not be whole: gamma and beta densities are the same kernels.
"""

import numpy as np

from groundup.maths.gamma_functions import HALF_LOG_TWO_PI, log_beta, log_gamma, stirling_remainder
from groundup.maths.numeric_input import Floats, broadcast, pointwise

_LARGE = 10.0


def deviance(x: Floats, m: Floats) -> Floats:
    r"""$D(x, m) = x \log(x/m) + m - x \ge 0$ for x >= 0, m > 0, with no cancellation near x = m.

    With $v = (x-m)/(x+m)$: $\log(x/m) = 2\,\mathrm{artanh}\,v$, hence
    $D = (x-m)v + 2x \sum_{j\ge1} v^{2j+1}/(2j+1)$. Shapes broadcast.
    """
    x, m = broadcast(x, m)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        v = (x - m) / (x + m)
        plain = np.where(x == 0, m, x * np.log(x / m) + m - x)
    square, series = v * v, np.zeros_like(v)
    near = np.abs(v) < 0.1
    for j in range(9, 0, -1):
        series = np.where(near, square * (1 / (2 * j + 1) + series), 0)
    return np.where(near, (x - m) * v + 2 * x * v * series, plain)[()]


def log_poisson_kernel(a: Floats, x: Floats) -> Floats:
    r"""$\log\bigl(x^a e^{-x} / \Gamma(a+1)\bigr)$ for a >= 0, x >= 0. Shapes broadcast.

    For whole a it is the log-probability of a events where x are expected. Absolute error about
    1e-15 times the deviance of a from x, plus 1e-15.
    """
    a, x = broadcast(a, x)
    none = x == 0
    result = np.where(none, np.where(a == 0, 0.0, -np.inf), np.nan)
    result[np.isinf(x)] = -np.inf
    usual = ~none & np.isfinite(x)
    small = usual & (a < _LARGE)
    result = np.where(small, pointwise(_plain_poisson, small, a, x), result)
    large = usual & (a >= _LARGE)
    return np.where(large, pointwise(_poisson_saddle, large, a, x), result)[()]


def _plain_poisson(a: Floats, x: Floats) -> Floats:
    return a * np.log(x) - x - log_gamma(a + 1)


def _poisson_saddle(a: Floats, x: Floats) -> Floats:
    return -HALF_LOG_TWO_PI - 0.5 * np.log(a) - stirling_remainder(a) - deviance(a, x)


def log_binomial_kernel(a: Floats, b: Floats, x: Floats, y: Floats) -> Floats:
    r"""$\log\bigl(\frac{\Gamma(a+b+1)}{\Gamma(a+1)\Gamma(b+1)} x^a y^b\bigr)$ with x + y = 1.

    a, b >= 0; y is given beside x because 1 - x loses digits near 1. For whole a, b it is the
    log-probability of a successes in a + b trials. Shapes broadcast.
    """
    a, b, x, y = broadcast(a, b, x, y)
    edge = (x <= 0) | (y <= 0)
    impossible = ((x <= 0) & (a > 0)) | ((y <= 0) & (b > 0))
    result = np.where(edge, np.where(impossible, -np.inf, 0.0), np.nan)
    small = ~edge & (np.minimum(a, b) < _LARGE)
    result = np.where(small, pointwise(_plain_binomial, small, a, b, x, y), result)
    large = ~edge & (np.minimum(a, b) >= _LARGE)
    return np.where(large, pointwise(_binomial_saddle, large, a, b, x, y), result)[()]


def _plain_binomial(a: Floats, b: Floats, x: Floats, y: Floats) -> Floats:
    log_x, log_y = log_shares(x, y)
    return a * log_x + b * log_y - log_beta(a + 1, b + 1) - np.log(a + b + 1)


def log_shares(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """(log x, log y) of two shares with x + y = 1, each from the smaller of the two."""
    with np.errstate(divide="ignore"):
        log_x = np.where(x < 0.5, np.log(x), np.log1p(-y))
        log_y = np.where(y < 0.5, np.log(y), np.log1p(-x))
    return log_x, log_y


def _binomial_saddle(a: Floats, b: Floats, x: Floats, y: Floats) -> Floats:
    n = a + b
    corrections = stirling_remainder(n) - stirling_remainder(a) - stirling_remainder(b)
    spread = 0.5 * (np.log(n) - np.log(a) - np.log(b)) - HALF_LOG_TWO_PI
    return spread + corrections - deviance(a, n * x) - deviance(b, n * y)
