r"""The gamma function's relatives: log-gamma, log-beta, digamma, trigamma, Stirling's remainder.

$\Gamma(x) = \int_0^\infty t^{x-1} e^{-t}\,dt$ for x > 0. Three regions cover it: a power series
around 2, the recurrence $\Gamma(x+1) = x\,\Gamma(x)$, and Stirling's asymptotic series from 10 on.
Sources: NIST Digital Library of Mathematical Functions (DLMF), sections 5.5, 5.7, 5.11; Loader,
"Fast and accurate computation of binomial probabilities" (2000). Left out: negative and complex
arguments.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.numeric_input import Floats, broadcast, fill, real
from groundup.swap import replaceable

EULER_GAMMA = 0.5772156649015329
HALF_LOG_TWO_PI = 0.9189385332046728
# zeta(k) - 1 for k = 2, 3, ...: Riemann's zeta function, DLMF 25.2.1
_ZETA_MINUS_1 = (
    0.6449340668482264, 0.2020569031595943, 0.08232323371113819, 0.03692775514336993,
    0.01734306198444914, 0.008349277381922827, 0.00407735619794434, 0.0020083928260822143,
    0.0009945751278180853, 0.0004941886041194645, 0.0002460865533080483, 0.00012271334757848915,
    6.124813505870483e-05, 3.058823630702049e-05, 1.528225940865187e-05, 7.637197637899763e-06,
    3.81729326499984e-06, 1.908212716553939e-06, 9.539620338727962e-07, 4.769329867878064e-07,
    2.38450502727733e-07, 1.1921992596531106e-07, 5.960818905125948e-08, 2.980350351465228e-08,
    1.4901554828365043e-08, 7.45071178983543e-09,
)  # fmt: skip
# B_2, B_4, ...: Bernoulli numbers, DLMF 24.2
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)
_LARGE = 10.0


@replaceable
def log_gamma(x: ArrayLike) -> Floats:
    r"""$\log \Gamma(x)$ for x >= 0, elementwise; infinity at 0 and at infinity.

    Around 2, with |z| <= 1/2 (DLMF 5.7.3):
    $\log\Gamma(2+z) = (1-\gamma) z + \sum_{k\ge2} (-1)^k (\zeta(k)-1)\, z^k / k$; elsewhere the
    recurrence leads there, and from 10 on Stirling's series. Relative error about 1e-15, also
    near the zeros at 1 and 2. Raises ValueError for negative numbers.
    """
    x = _not_negative(x, "log_gamma")
    result = np.full(x.shape, np.inf)
    result[np.isnan(x)] = np.nan
    fill(result, (x > 0) & (x < 0.5), lambda t: log_gamma_1p(t) - np.log(t), x)
    fill(result, (x >= 0.5) & (x < 1.5), lambda t: log_gamma_1p(t - 1), x)
    fill(result, (x >= 1.5) & (x < _LARGE), _by_recurrence, x)
    fill(result, (x >= _LARGE) & np.isfinite(x), _by_stirling, x)
    return result[()]


def log_gamma_1p(z: Floats) -> Floats:
    r"""$\log \Gamma(1 + z)$ for |z| <= 1/2, without rounding 1 + z first."""
    return _around_two(z) - np.log1p(z) + 0.0  # + 0.0 makes -0.0 a 0.0


def _around_two(z: Floats) -> Floats:
    total = np.zeros_like(z)
    for k in range(len(_ZETA_MINUS_1) + 1, 1, -1):
        total = z * ((-1) ** k * _ZETA_MINUS_1[k - 2] / k + total)
    return z * (1 - EULER_GAMMA + total)


def _by_recurrence(x: Floats) -> Floats:
    """1.5 <= x < 10: Gamma(x) = (x-1) (x-2) ... Gamma(x-n), with x-n within 1/2 of 2."""
    product, rest = np.ones_like(x), x.copy()
    while (far := rest > 2.5).any():
        rest = np.where(far, rest - 1, rest)
        product = np.where(far, product * rest, product)
    return np.log(product) + _around_two(rest - 2)


def _by_stirling(x: Floats) -> Floats:
    result: Floats = (x - 0.5) * (np.log(x) - 1) - 0.5 + HALF_LOG_TWO_PI + _stirling_series(x)
    return result


def _stirling_series(x: Floats) -> Floats:
    """The sum of B_2k / (2k (2k-1) x^(2k-1)) (DLMF 5.11.1): below 1e-16 relative from x = 10 on."""
    total, inverse_square = np.zeros_like(x), (1 / x) ** 2
    for k in range(len(_BERNOULLI), 0, -1):
        total = total * inverse_square + _BERNOULLI[k - 1] / (2 * k * (2 * k - 1))
    return total / x


def stirling_remainder(x: ArrayLike) -> Floats:
    r"""$\delta(x) = \log\Gamma(x) - [(x-\frac12)\log x - x + \frac12\log 2\pi]$ for x >= 10."""
    return _stirling_series(real(x, "x"))[()]


@replaceable
def log_beta(a: ArrayLike, b: ArrayLike) -> Floats:
    r"""$\log B(a, b) = \log\Gamma(a) + \log\Gamma(b) - \log\Gamma(a+b)$ for a, b > 0.

    Where one of them is 10 or more, the leading parts of Stirling's formula cancel on paper, so
    that nothing is lost even at 1e15 (the plain difference would lose every digit).
    Absolute error about 1e-14 + 1e-15 |value|. Raises ValueError for negative numbers.
    """
    a, b = broadcast(a, b)
    small, large = np.minimum(a, b), np.maximum(a, b)
    _not_negative(small, "log_beta")
    result = np.full(small.shape, np.nan)
    fill(result, large < _LARGE, _log_beta_of_small, small, large)
    fill(result, (large >= _LARGE) & (small < _LARGE), _log_beta_of_unequal, small, large)
    fill(result, small >= _LARGE, _log_beta_of_large, small, large)
    result[small == 0] = np.inf
    return result[()]


def _log_beta_of_small(a: Floats, b: Floats) -> Floats:
    result: Floats = log_gamma(a) + log_gamma(b) - log_gamma(a + b)
    return result


def _log_beta_of_unequal(small: Floats, large: Floats) -> Floats:
    return log_gamma(small) + _log_gamma_ratio(large, small)


def _log_beta_of_large(s: Floats, t: Floats) -> Floats:
    """Stirling's formula for all three, s <= t; what is huge in them cancels."""
    corrections = _stirling_series(s) + _stirling_series(t) - _stirling_series(s + t)
    leading = -(t - 0.5) * np.log1p(s / t) - s * np.log1p(t / s)
    result: Floats = HALF_LOG_TWO_PI - 0.5 * np.log(s) + leading + corrections
    return result


def _log_gamma_ratio(a: Floats, b: Floats) -> Floats:
    """The log of Gamma(a) / Gamma(a + b) for a >= 10, by Stirling on both."""
    corrections = _stirling_series(a) - _stirling_series(a + b)
    result: Floats = -(a - 0.5) * np.log1p(b / a) - b * (np.log(a + b) - 1) + corrections
    return result


@replaceable
def digamma(x: ArrayLike) -> Floats:
    r"""$\psi(x) = \Gamma'(x)/\Gamma(x)$ for x >= 0; minus infinity at 0.

    $\psi(x) = \psi(x+1) - 1/x$ up to 10, then $\psi(x) \sim \log x - 1/2x - \sum B_{2k}/(2k
    x^{2k})$ (DLMF 5.5.2, 5.11.2). Error about 1e-15 max(1, |psi|); the zero at 1.4616 has no
    relative digits.
    """
    x, shift = _raised(_not_negative(x, "digamma"), power=1)
    return (np.log(x) - _log_minus_digamma(x) - shift)[()]


def log_minus_digamma(x: ArrayLike) -> Floats:
    r"""$\log x - \psi(x)$ for x > 0, about 1/2x, with digits where both terms have lost theirs."""
    x = _not_negative(x, "log_minus_digamma")
    large = x >= _LARGE
    result = np.full(x.shape, np.nan)
    fill(result, large, _log_minus_digamma, x)
    fill(result, ~large, lambda t: np.log(t) - digamma(t), x)
    return result[()]


def _log_minus_digamma(x: Floats) -> Floats:
    """1/2x + sum of B_2k / (2k x^2k) for x >= 10."""
    series, inverse_square = np.zeros_like(x), (1 / x) ** 2
    for k in range(len(_BERNOULLI), 0, -1):
        series = inverse_square * (_BERNOULLI[k - 1] / (2 * k) + series)
    result: Floats = 0.5 / x + series
    return result


@replaceable
def trigamma(x: ArrayLike) -> Floats:
    r"""$\psi'(x)$ for x >= 0, the variance of the log of a gamma variable; infinity at 0.

    $\psi'(x) = \psi'(x+1) + 1/x^2$, then $\psi'(x) \sim 1/x + 1/2x^2 + \sum B_{2k}/x^{2k+1}$
    (DLMF 5.15.5, 5.15.8). Relative error about 1e-15.
    """
    x, shift = _raised(_not_negative(x, "trigamma"), power=2)
    series, inverse_square = np.zeros_like(x), (1 / x) ** 2
    for k in range(len(_BERNOULLI), 0, -1):
        series = inverse_square * (_BERNOULLI[k - 1] + series)
    return (1 / x + 0.5 * inverse_square + series / x + shift)[()]


def _raised(x: Floats, power: int) -> tuple[Floats, Floats]:
    """Give x + n >= 10, and the sum of 1 / (x + j)^power over the n steps that led there."""
    shift = np.zeros_like(x)
    with np.errstate(divide="ignore", over="ignore"):  # 1 / 0 is the pole at 0
        while (far := x < _LARGE).any():
            shift = np.where(far, shift + (1 / x) ** power, shift)
            x = np.where(far, x + 1, x)
    return x, shift


@replaceable
def log_binomial(n: ArrayLike, k: ArrayLike) -> Floats:
    r"""$\log \binom{n}{k} = -\log(n+1) - \log B(k+1, n-k+1)$; 0 <= k <= n, else minus infinity."""
    n, k = broadcast(n, k)
    inside = (k >= 0) & (k <= n)
    chosen, total = np.where(inside, k, 0), np.where(inside, n, 0)
    value = -np.log1p(total) - log_beta(chosen + 1, total - chosen + 1)
    return np.where(inside, value, -math.inf)[()]


def _not_negative(x: ArrayLike, name: str) -> Floats:
    array = real(x, "x")
    if (array < 0).any():
        raise ValueError(f"{name} was given {array.min()}; wanted numbers of at least 0")
    return array
