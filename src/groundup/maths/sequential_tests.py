r"""Tests one may look at all the time: likelihood ratios, e-values, confidence sequences.

A fixed-n p-value that is watched until it is small rejects a true hypothesis sooner or later. What
stays valid is a nonnegative martingale: by Ville (1939) it exceeds 1/alpha with probability at most
alpha, ever. Sources: Wald, "Sequential analysis" (1947); Robbins (1970); Johari et al., "Always
valid inference" (2022); Howard et al., "Time-uniform, nonparametric confidence sequences" (2021);
Lan and DeMets (1983) for alpha spending.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.error_function import normal_cdf, normal_quantile
from groundup.maths.gamma_functions import log_beta
from groundup.maths.numeric_input import Floats, proportion, real, sample
from groundup.swap import replaceable


@dataclass(frozen=True)
class SprtResult:
    """Where Wald's test stands."""

    decision: Literal["null", "alternative", "continue"]
    """Which hypothesis was accepted, or that more data are wanted."""
    stopped_at: int
    """Observations used."""
    log_ratios: Floats
    """The running log likelihood ratio, shape (n,)."""


@replaceable
def sprt(log_ratios: ArrayLike, alpha: float = 0.05, beta: float = 0.2) -> SprtResult:
    r"""Wald's sequential probability ratio test of two simple hypotheses.

    `log_ratios` holds $\log p_1(x_i)/p_0(x_i)$, shape (n,). Stops when their sum reaches
    $\log\frac{1-\beta}{\alpha}$ (alternative) or $\log\frac{\beta}{1-\alpha}$ (null). Errors are
    then at most about alpha and beta, with the least expected number of observations of any test.
    """
    proportion(alpha, "alpha")
    proportion(beta, "beta")
    total = np.cumsum(sample(log_ratios, "log_ratios"))
    upper, lower = math.log((1 - beta) / alpha), math.log(beta / (1 - alpha))
    outside = np.flatnonzero((total >= upper) | (total <= lower))
    if outside.size == 0:
        return SprtResult("continue", total.size, total)
    first = int(outside[0])
    return SprtResult("alternative" if total[first] >= upper else "null", first + 1, total)


@replaceable
def bernoulli_log_ratios(outcomes: ArrayLike, null: float, alternative: float) -> Floats:
    """What each outcome (0 or 1) says for one success probability against another, shape (n,)."""
    x = _outcomes(outcomes)
    p0, p1 = proportion(null, "null"), proportion(alternative, "alternative")
    return np.where(x == 1, math.log(p1 / p0), math.log1p(-p1) - math.log1p(-p0))


@replaceable
def normal_mixture_e_values(
    x: ArrayLike, deviation: float, mixture: float, mean: float = 0.0
) -> Floats:
    r"""Evidence against E X = `mean` after each observation, shape (n,), for the mixture SPRT.

    The likelihood ratio averaged over effects $N(0, \tau^2)$, tau = `mixture`:
    $\sqrt{\frac{\sigma^2}{\sigma^2+n\tau^2}} \exp\frac{\tau^2 S_n^2}{2\sigma^2(\sigma^2+n\tau^2)}$,
    $S_n = \sum(x_i - \mu)$. Reject when it reaches 1/alpha, whenever that is. Valid for normal or
    sub-Gaussian x of (at most) the given deviation.
    """
    _positive(deviation=deviation, mixture=mixture)
    total = np.cumsum(sample(x, "x") - mean)
    n, square = np.arange(1, total.size + 1), deviation**2
    widened = square + n * mixture**2
    with np.errstate(over="ignore"):
        result: Floats = np.sqrt(square / widened) * np.exp(
            mixture**2 * total**2 / (2 * square * widened)
        )
        return result


@replaceable
def bernoulli_e_values(outcomes: ArrayLike, null: float, a: float = 1.0, b: float = 1.0) -> Floats:
    r"""Evidence against a success probability of `null` after each outcome, shape (n,).

    The probability of the outcomes when the chance is Beta(a, b) over that under the null:
    $\frac{B(a+s, b+f)}{B(a,b)\,p_0^s(1-p_0)^f}$. Watching whether a win rate is 1/2, at any time.
    """
    x, p0 = _outcomes(outcomes), proportion(null, "null")
    _positive(a=a, b=b)
    s = np.cumsum(x)
    f = np.arange(1, x.size + 1) - s
    logs = log_beta(a + s, b + f) - log_beta(a, b) - s * math.log(p0) - f * math.log1p(-p0)
    with np.errstate(over="ignore"):
        return np.exp(logs)


@replaceable
def betting_e_values(x: ArrayLike, mean: float, bet: float = 0.5) -> Floats:
    r"""Evidence against E X = `mean` for values in [0, 1] of any distribution, shape (n,).

    Wealth of a gambler who bets the fraction `bet` in (0, 1) of what is allowed, half on "larger"
    and half on "smaller": $\frac12\prod(1 + \lambda^+(x_i - m)) + \frac12\prod(1 - \lambda^-(x_i -
    m))$, $\lambda^+ = c/m$, $\lambda^- = c/(1-m)$. Waudby-Smith and Ramdas, "Estimating means of
    bounded random variables by betting" (2024).
    """
    values, m, c = sample(x, "x"), proportion(mean, "mean"), proportion(bet, "bet")
    if ((values < 0) | (values > 1)).any():
        raise ValueError("x holds values outside [0, 1]; scale them into it")
    up = np.cumsum(np.log1p(c / m * (values - m)))
    down = np.cumsum(np.log1p(-c / (1 - m) * (values - m)))
    result: Floats = np.exp(np.logaddexp(up, down) - math.log(2))
    return result


@replaceable
def anytime_p_values(e_values: ArrayLike) -> Floats:
    """1 / (largest e-value so far), at most 1: p-values that may be looked at after each one."""
    e = real(e_values, "e_values")
    if e.ndim != 1 or not (e >= 0).all():
        raise ValueError("e_values must be numbers of at least 0, shape (n,)")
    with np.errstate(divide="ignore"):
        return np.minimum(1, 1 / np.maximum.accumulate(e))


@replaceable
def confidence_sequence(
    x: ArrayLike, deviation: float, mixture: float, alpha: float = 0.05
) -> tuple[Floats, Floats]:
    r"""Intervals (low, high), shape (n,) each, that all hold the mean at once with 1 - alpha.

    The means that the mixture SPRT does not reject: $\bar x_n \mp \frac{\sigma}{n\tau}
    \sqrt{(\sigma^2 + n\tau^2)\bigl(\log\frac{\sigma^2+n\tau^2}{\sigma^2} - 2\log\alpha\bigr)}$.
    """
    proportion(alpha, "alpha")
    _positive(deviation=deviation, mixture=mixture)
    values = sample(x, "x")
    n = np.arange(1, values.size + 1)
    widened = deviation**2 + n * mixture**2
    inside = widened * (np.log(widened / deviation**2) - 2 * math.log(alpha))
    means, reach = np.cumsum(values) / n, deviation / (n * mixture) * np.sqrt(inside)
    return means - reach, means + reach


@replaceable
def alpha_spent(
    share: ArrayLike, alpha: float = 0.05, kind: Literal["obrien-fleming", "pocock"] = "pocock"
) -> Floats:
    r"""How much of alpha may be used up when a share t in [0, 1] of the data is in, elementwise.

    Pocock: $\alpha\log(1 + (e - 1)t)$. O'Brien-Fleming: $2 - 2\Phi(z_{1-\alpha/2}/\sqrt t)$, which
    spends almost nothing early. All of alpha at t = 1 (Lan and DeMets, 1983).
    """
    t = real(share, "share")
    proportion(alpha, "alpha")
    if not ((t >= 0) & (t <= 1)).all():
        raise ValueError("share must lie between 0 and 1")
    if kind == "pocock":
        return alpha * np.log1p((math.e - 1) * t)
    if kind != "obrien-fleming":
        raise ValueError(f"kind is {kind!r}; wanted obrien-fleming or pocock")
    with np.errstate(divide="ignore"):
        return 2 * normal_cdf(float(normal_quantile(alpha / 2)) / np.sqrt(t))


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"{name} is {value}; wanted a finite number above 0")


def _outcomes(outcomes: ArrayLike) -> Floats:
    x = sample(outcomes, "outcomes")
    if not ((x == 0) | (x == 1)).all():
        raise ValueError("outcomes must be 0 or 1")
    return x
