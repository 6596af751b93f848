r"""How likely a test is to see an effect, and how many observations it takes.

Power is the probability of rejecting the null hypothesis when the effect is really there. Sources:
Cohen, "Statistical power analysis for the behavioral sciences" (1988); Connor, "Sample size for
testing differences in proportions for the paired-sample design" (1987). Effects are Cohen's: d, h.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.beta_distributions import StudentT
from groundup.maths.error_function import normal_cdf, normal_quantile
from groundup.maths.gamma_functions import log_gamma
from groundup.maths.incomplete_gamma import gamma_quantile
from groundup.maths.numeric_input import Floats, check_alternative, proportion, real, whole
from groundup.swap import replaceable


@replaceable
def z_test_power(
    effect: float, n: float, *, alpha: float = 0.05, alternative: str = "two-sided"
) -> float:
    r"""One sample, deviation known: $\Phi(d\sqrt n - z_{1-\alpha/2}) + \Phi(-d\sqrt n -
    z_{1-\alpha/2})$.

    `effect` is d = (mean - null) / deviation. For two samples use n = n1 n2 / (n1 + n2).
    """
    return _normal_power(
        _finite(effect, "effect") * math.sqrt(_above_zero(n, "n")), alpha, alternative
    )


def _normal_power(shift: float, alpha: float, alternative: str) -> float:
    check_alternative(alternative)
    proportion(alpha, "alpha")
    if alternative == "two-sided":
        z = float(normal_quantile(alpha / 2))
        return float(normal_cdf(z + shift) + normal_cdf(z - shift))
    z = float(normal_quantile(alpha))
    return float(normal_cdf(z + shift if alternative == "greater" else z - shift))


@replaceable
def noncentral_t_survival(t: ArrayLike, df: float, shift: float) -> Floats:
    r"""$P(T > t)$ for $T = (Z + \delta)/\sqrt{V/\nu}$, elementwise: $E\,\Phi(\delta -
    t\sqrt{V/\nu})$.

    The expectation over $V \sim \chi^2_\nu$ by Gauss-Legendre in log V, where its density is smooth
    and log-concave. Absolute error about 1e-13.
    """
    t = real(t, "t")
    half = _above_zero(df, "df") / 2
    low = math.log(max(float(gamma_quantile(half, 1e-18)), 1e-300))
    high = math.log(float(gamma_quantile(half, 1.0, 1e-18)))
    nodes, weights = np.polynomial.legendre.leggauss(40)
    edges = np.linspace(low, high, 13)
    width = (edges[1:] - edges[:-1])[:, None] / 2
    u = ((edges[1:] + edges[:-1])[:, None] / 2 + width * nodes).ravel()
    mass = np.exp(half * u - np.exp(u) - log_gamma(half)) * (width * weights).ravel()
    mass /= mass.sum()
    scale = np.sqrt(np.exp(u) / half)
    return (normal_cdf(shift - t[..., None] * scale) @ mass)[()]


@replaceable
def t_test_power(
    effect: float, n: int, *, alpha: float = 0.05, alternative: str = "two-sided"
) -> float:
    """One sample or n pairs: the chance that a noncentral t exceeds the critical value.

    `effect` is d = (mean - null) / deviation; for pairs, of the differences.
    """
    n = whole(n, "n", low=2)
    return _t_power(_finite(effect, "effect") * math.sqrt(n), n - 1, alpha, alternative)


@replaceable
def two_sample_t_test_power(
    effect: float, n: int, m: int, *, alpha: float = 0.05, alternative: str = "two-sided"
) -> float:
    """Two samples of n and m values and one variance; `effect` is d = difference / deviation."""
    n, m = whole(n, "n", low=2), whole(m, "m", low=2)
    shift = _finite(effect, "effect") * math.sqrt(n * m / (n + m))
    return _t_power(shift, n + m - 2, alpha, alternative)


def _t_power(shift: float, df: float, alpha: float, alternative: str) -> float:
    check_alternative(alternative)
    proportion(alpha, "alpha")
    null = StudentT(df)
    if alternative == "two-sided":
        critical = float(null.upper_quantile(alpha / 2))
        below = noncentral_t_survival(critical, df, -shift)
        return float(noncentral_t_survival(critical, df, shift) + below)
    critical = float(null.upper_quantile(alpha))
    return float(noncentral_t_survival(critical, df, shift if alternative == "greater" else -shift))


@replaceable
def cohen_h(first: float, second: float) -> float:
    r"""$2\arcsin\sqrt{p_1} - 2\arcsin\sqrt{p_2}$: a difference of shares on an even scale."""
    for share in (first, second):
        if not 0 <= share <= 1:
            raise ValueError(f"a share is {share}; it must lie between 0 and 1")
    return 2 * math.asin(math.sqrt(first)) - 2 * math.asin(math.sqrt(second))


@replaceable
def proportions_power(
    first: float,
    second: float,
    n: float,
    m: float,
    *,
    alpha: float = 0.05,
    alternative: str = "two-sided",
) -> float:
    r"""Two shares, by the normal test with a pooled variance under the null hypothesis.

    $\Phi\bigl((|p_1-p_2| - z\,\sigma_0)/\sigma_1\bigr)$ with $\sigma_0^2 = \bar p\bar q(1/n + 1/m)$
    and $\sigma_1^2 = p_1q_1/n + p_2q_2/m$, and the other tail (Fleiss, 1981, section 3.2).
    """
    check_alternative(alternative)
    proportion(alpha, "alpha")
    cohen_h(first, second)
    n, m = _above_zero(n, "n"), _above_zero(m, "m")
    pooled = (n * first + m * second) / (n + m)
    null = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    real_error = math.sqrt(first * (1 - first) / n + second * (1 - second) / m)
    if real_error == 0:
        raise ValueError(f"shares {first} and {second} leave no variance; wanted one inside (0, 1)")
    z = -float(normal_quantile(alpha / 2 if alternative == "two-sided" else alpha))
    above = float(normal_cdf((first - second - z * null) / real_error))
    below = float(normal_cdf((second - first - z * null) / real_error))
    return {"two-sided": above + below, "greater": above, "less": below}[alternative]


@replaceable
def mcnemar_power(only_first: float, only_second: float, n: float, *, alpha: float = 0.05) -> float:
    r"""Paired answers: chances b and c that only the first, only the second is right; n items.

    $\Phi\bigl((|b-c|\sqrt n - z\sqrt{b+c})/\sqrt{b+c-(b-c)^2}\bigr)$, two-sided alpha, the far tail
    left out (Connor 1987, equation 3). Says how many questions two models must answer.
    """
    proportion(alpha, "alpha")
    b, c, n = only_first, only_second, _above_zero(n, "n")
    if not (b >= 0 and c >= 0 and 0 < b + c <= 1):
        raise ValueError(f"chances {b} and {c} must not be negative and sum to at most 1")
    z = -float(normal_quantile(alpha / 2))
    spread = math.sqrt(b + c - (b - c) ** 2)
    distance = abs(b - c) * math.sqrt(n) - z * math.sqrt(b + c)
    if spread == 0:
        return float(distance > 0)
    return float(normal_cdf(distance / spread))


@replaceable
def sample_size(power: Callable[[int], float], target: float = 0.8, *, least: int = 2) -> int:
    """The least n with power(n) >= target, by doubling and bisection: power must grow with n.

    `sample_size(lambda n: t_test_power(0.5, n))` is 34. ValueError where 2^40 do not suffice.
    """
    proportion(target, "target")
    high = least
    while power(high) < target:
        high *= 2
        if high > 2**40:
            raise ValueError(f"power stays below {target}; the effect is too small or 0")
    low = max(high // 2, least - 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= target else (middle, high)
    return high


def _finite(value: float, name: str) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}; wanted a finite number")
    return value


def _above_zero(value: float, name: str) -> float:
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} is {value}; wanted a finite number above 0")
    return value
