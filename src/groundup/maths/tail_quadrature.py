r"""The mass of a log-concave density beyond a point, by Gauss-Legendre quadrature.

Series and continued fractions for the incomplete gamma and beta functions need about the square
root of their parameters many terms. From 20 or so on it is better to integrate the density itself:
on the logarithmic scale u = log x (or the log-odds) it is smooth and log-concave, so that starting
from u it falls at least like exp(-g s - c s^2/2) and 64 nodes see all of it. The idea is that of
Press et al., "Numerical recipes" (2007), section 6.2; the integrand is written so that it keeps its
digits at parameters of 1e12.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from groundup.maths.numeric_input import Floats

_NODES = 64
_DROP = 45.0  # exp(-45) = 3e-20 of the density at the start is left out


@cache
def _legendre() -> tuple[Floats, Floats]:
    """Nodes and weights on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1) / 2, weights / 2


def tail_length(slope: Floats, curvature: Floats) -> Floats:
    r"""The s > 0 with $g s + c s^2/2 = 45$: how far out the density still counts."""
    root = np.sqrt(slope * slope + 2 * _DROP * curvature)
    return 2 * _DROP / (slope + root)


def tail_mass(log_ratio: Callable[[Floats], Floats], length: Floats) -> Floats:
    r"""$\int_0^L e^{r(s)}\,ds$ for lengths of shape (n,); r maps (n, nodes) steps to log-ratios."""
    nodes, weights = _legendre()
    steps = length[:, None] * nodes
    return length * (np.exp(log_ratio(steps)) @ weights)


def exp_minus_linear(s: Floats) -> Floats:
    """exp(s) - 1 - s, to full relative precision also near 0."""
    series = np.zeros_like(s)
    near = np.abs(s) < 0.5
    small = np.where(near, s, 0)
    for k in range(15, 1, -1):
        series = (1 + series) * small / k
    return np.where(near, small * series, np.expm1(s) - s)


def log1p_minus_linear(w: Floats) -> Floats:
    r"""$\log(1 + w) - w$ to full relative precision, also near 0, for w > -1.

    With $v = w/(2+w)$: $\log(1+w) = 2\,\mathrm{artanh}\,v$ and $2v - w = -wv$.
    """
    v = w / (2 + w)
    near = np.abs(v) < 0.2
    square = np.where(near, v * v, 0)
    series = np.zeros_like(v)
    for j in range(12, 0, -1):
        series = square * (1 / (2 * j + 1) + series)
    return np.where(near, 2 * v * series - w * v, np.log1p(w) - w)


def log1mexp(log_p: Floats) -> Floats:
    """log(1 - exp(log_p)) for log_p <= 0 (Maechler, "Accurately computing log(1 - exp(-|a|))")."""
    with np.errstate(divide="ignore"):
        by_difference = np.log(-np.expm1(log_p))
        return np.where(log_p > -0.6931471805599453, by_difference, np.log1p(-np.exp(log_p)))
