r"""Do means differ? The z test and the t tests: one sample, two samples, Welch's, paired.

Each statistic is (estimate - null value) / standard error. Sources: Student, "The probable error of
a mean" (1908); Welch, "The generalization of Student's problem" (1947); Cohen, "Statistical power
analysis for the behavioral sciences" (1988) for d. The effect is Cohen's d: the difference in
deviations. Samples whose values are all equal have no standard error and raise ValueError.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.beta_distributions import StudentT
from groundup.maths.normal_distributions import Normal
from groundup.maths.numeric_input import Floats, check_alternative, pairs, sample
from groundup.maths.significance import Significance, tail_p_value, wald_interval
from groundup.swap import replaceable


def _t_result(
    estimate: float,
    null_value: float,
    error: float,
    freedom: float,
    *,
    effect: float,
    alternative: str,
    confidence: float,
) -> Significance:
    check_alternative(alternative)
    if not error > 0:
        raise ValueError("all values are equal, so there is no standard error; a t test needs some")
    null, statistic = StudentT(freedom), (estimate - null_value) / error
    return Significance(
        statistic=statistic,
        p_value=tail_p_value(null, statistic, alternative),
        alternative=alternative,
        estimate=estimate,
        interval=wald_interval(estimate, error, null, alternative, confidence),
        effect=effect,
        freedom=freedom,
    )


def _deviation(x: Floats) -> float:
    """Sample deviation with divisor n - 1; 0 for equal values, which rounding must not blur.

    Divided by the largest distance first, so that squares of 1e200 or 1e-200 stay in range.
    """
    if (x == x[0]).all():
        return 0.0
    offset = x - x.mean()
    largest = float(np.abs(offset).max())
    return largest * math.sqrt(float(((offset / largest) ** 2).sum()) / (x.size - 1))


@replaceable
def z_test(
    x: ArrayLike,
    deviation: float,
    mean: float = 0.0,
    *,
    alternative: str = "two-sided",
    confidence: float = 0.95,
) -> Significance:
    r"""Mean against `mean` when the deviation is known: $z = (\bar x - \mu)\sqrt n/\sigma$."""
    values = sample(x, "x")
    check_alternative(alternative)
    if not (deviation > 0 and math.isfinite(deviation)):
        raise ValueError(f"deviation is {deviation}; wanted a finite number above 0")
    estimate, error = float(values.mean()), deviation / math.sqrt(values.size)
    statistic, null = (estimate - mean) / error, Normal()
    return Significance(
        statistic=statistic,
        p_value=tail_p_value(null, statistic, alternative),
        alternative=alternative,
        estimate=estimate,
        interval=wald_interval(estimate, error, null, alternative, confidence),
        effect=(estimate - mean) / deviation,
    )


@replaceable
def t_test(
    x: ArrayLike,
    mean: float = 0.0,
    *,
    alternative: str = "two-sided",
    confidence: float = 0.95,
) -> Significance:
    r"""One sample: $t = (\bar x - \mu)\sqrt n/s$ with n - 1 degrees of freedom."""
    values = sample(x, "x", least=2)
    estimate, deviation = float(values.mean()), _deviation(values)
    return _t_result(
        estimate,
        mean,
        deviation / math.sqrt(values.size),
        values.size - 1,
        effect=(estimate - mean) / deviation if deviation else math.nan,
        alternative=alternative,
        confidence=confidence,
    )


@replaceable
def paired_t_test(
    x: ArrayLike, y: ArrayLike, *, alternative: str = "two-sided", confidence: float = 0.95
) -> Significance:
    """The one-sample test of x - y: each pair is its own control, and what they share cancels."""
    first, second = pairs(x, y)
    return t_test(first - second, alternative=alternative, confidence=confidence)


@replaceable
def two_sample_t_test(
    x: ArrayLike, y: ArrayLike, *, alternative: str = "two-sided", confidence: float = 0.95
) -> Significance:
    r"""Two samples of one variance: $t = (\bar x - \bar y)/(s_p\sqrt{1/n + 1/m})$, n + m - 2 df.

    $s_p^2$ pools both variances. If they may differ, use `welch_t_test`.
    """
    first, second = sample(x, "x", least=2), sample(y, "y", least=2)
    n, m = first.size, second.size
    freedom = n + m - 2
    pooled = math.hypot(
        math.sqrt((n - 1) / freedom) * _deviation(first),
        math.sqrt((m - 1) / freedom) * _deviation(second),
    )
    estimate = float(first.mean() - second.mean())
    return _t_result(
        estimate,
        0.0,
        pooled * math.sqrt(1 / n + 1 / m),
        freedom,
        effect=estimate / pooled if pooled else math.nan,
        alternative=alternative,
        confidence=confidence,
    )


@replaceable
def welch_t_test(
    x: ArrayLike, y: ArrayLike, *, alternative: str = "two-sided", confidence: float = 0.95
) -> Significance:
    r"""Two samples of any variances: $t = (\bar x - \bar y)/\sqrt{s_x^2/n + s_y^2/m}$.

    Degrees of freedom (Welch and Satterthwaite):
    $(v_x + v_y)^2 / (v_x^2/(n-1) + v_y^2/(m-1))$ with $v = s^2/n$. The effect divides by the root
    of the mean variance.
    """
    first, second = sample(x, "x", least=2), sample(y, "y", least=2)
    n, m = first.size, second.size
    deviations = _deviation(first), _deviation(second)
    first_error, second_error = deviations[0] / math.sqrt(n), deviations[1] / math.sqrt(m)
    estimate, error = float(first.mean() - second.mean()), math.hypot(first_error, second_error)
    # as shares of their sum, for variances of 1e-200 would underflow when squared
    a, b = ((first_error / error) ** 2, (second_error / error) ** 2) if error else (0.5, 0.5)
    freedom = 1 / (a**2 / (n - 1) + b**2 / (m - 1))
    deviation = math.hypot(*deviations) / math.sqrt(2)
    return _t_result(
        estimate,
        0.0,
        error,
        freedom,
        effect=estimate / deviation if deviation else math.nan,
        alternative=alternative,
        confidence=confidence,
    )
