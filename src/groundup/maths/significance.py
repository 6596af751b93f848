"""What a hypothesis test returns, and how tails become a p-value.

A p-value is the probability, if the null hypothesis holds, of a statistic at least as extreme as
the one seen. It is not the probability of the hypothesis, and it says nothing about the effect's
size: hence the estimate, the interval and the effect beside it.
"""

import math
from dataclasses import dataclass

import numpy as np

from groundup.maths.distribution import Distribution
from groundup.maths.numeric_input import check_alternative, proportion


@dataclass(frozen=True, kw_only=True)
class Significance:
    """The outcome of one hypothesis test."""

    statistic: float
    """What was computed from the data."""
    p_value: float
    """Probability under the null hypothesis of what is at least as extreme."""
    alternative: str = "two-sided"
    """"two-sided", "less" or "greater"."""
    estimate: float = math.nan
    """What is estimated (a mean, a difference, an odds ratio); NaN if nothing is."""
    interval: tuple[float, float] = (math.nan, math.nan)
    """Confidence interval of the estimate, one-sided where the alternative is; NaN without one."""
    effect: float = math.nan
    """Effect size on a scale without units; the test's docstring says which. NaN without one."""
    freedom: float = math.nan
    """Degrees of freedom; NaN without any."""


def p_value_of(lower: float, upper: float, alternative: str) -> float:
    """From P(T <= t) and P(T >= t): one of them, or twice the smaller one, at most 1."""
    check_alternative(alternative)
    if alternative == "less":
        return float(lower)
    if alternative == "greater":
        return float(upper)
    return min(1.0, 2 * min(float(lower), float(upper)))


def tail_p_value(null: Distribution, statistic: float, alternative: str) -> float:
    """The p-value of a statistic with a continuous distribution under the null hypothesis."""
    lower, upper = float(null.cdf(statistic)), float(null.survival(statistic))
    return p_value_of(lower, upper, alternative)


def wald_interval(
    estimate: float, error: float, null: Distribution, alternative: str, confidence: float
) -> tuple[float, float]:
    """Estimate -/+ quantile times standard error; one end is infinite for one-sided tests."""
    rest = 1 - proportion(confidence, "confidence")
    if alternative == "two-sided":
        reach = error * float(null.upper_quantile(rest / 2))
        return estimate - reach, estimate + reach
    reach = error * float(null.upper_quantile(rest))
    if alternative == "less":
        return -np.inf, estimate + reach
    return estimate - reach, np.inf
