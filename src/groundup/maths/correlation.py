r"""Do two variables go together? Pearson's, Spearman's and Kendall's coefficients.

Sources: Student's t for Pearson's r (Fisher, 1915) with the interval on the scale artanh r;
Spearman (1904): Pearson's of the ranks; Kendall (1938, 1945): concordant less discordant pairs,
with ties. The effect is the coefficient.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.beta_distributions import Beta
from groundup.maths.error_function import normal_cdf, normal_quantile
from groundup.maths.numeric_input import Floats, check_alternative, pairs, proportion
from groundup.maths.rank_tests import ranks
from groundup.maths.significance import Significance, p_value_of
from groundup.swap import replaceable


def _coefficient(x: Floats, y: Floats) -> float:
    """The cosine of the centred samples, each scaled first so that nothing over- or underflows."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        raise ValueError("one sample has equal values only; a correlation needs some variance")
    a, b = x / np.abs(x).max(), y / np.abs(y).max()
    a, b = a - a.mean(), b - b.mean()
    a, b = a / np.abs(a).max(), b / np.abs(b).max()
    return float(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1))


def _fisher_interval(
    r: float, error: float, alternative: str, confidence: float
) -> tuple[float, float]:
    rest = 1 - proportion(confidence, "confidence")
    reach = -error * float(normal_quantile(rest / 2 if alternative == "two-sided" else rest))
    middle = math.atanh(r) if abs(r) < 1 else math.copysign(math.inf, r)
    low = -1.0 if alternative == "less" else math.tanh(middle - reach)
    return low, 1.0 if alternative == "greater" else math.tanh(middle + reach)


def _of_coefficient(
    r: float, n: int, error: float, alternative: str, confidence: float
) -> Significance:
    """Without correlation (r + 1)/2 is beta(n/2 - 1, n/2 - 1): the t test in other words."""
    check_alternative(alternative)
    if n == 2:
        lower = upper = 1.0
    else:
        null = Beta(n / 2 - 1, n / 2 - 1)
        lower, upper = float(null.cdf((1 + r) / 2)), float(null.cdf((1 - r) / 2))
    interval = _fisher_interval(r, error, alternative, confidence) if n > 3 else (-1.0, 1.0)
    return Significance(
        statistic=r,
        p_value=p_value_of(lower, upper, alternative),
        alternative=alternative,
        estimate=r,
        interval=interval,
        effect=r,
        freedom=n - 2,
    )


@replaceable
def pearson(
    x: ArrayLike, y: ArrayLike, *, alternative: str = "two-sided", confidence: float = 0.95
) -> Significance:
    r"""$r = \sum(x-\bar x)(y-\bar y)/\sqrt{\sum(x-\bar x)^2\sum(y-\bar y)^2}$: linear."""
    first, second = pairs(x, y)
    n = first.size
    error = 1 / math.sqrt(n - 3) if n > 3 else math.inf
    return _of_coefficient(_coefficient(first, second), n, error, alternative, confidence)


@replaceable
def spearman(
    x: ArrayLike, y: ArrayLike, *, alternative: str = "two-sided", confidence: float = 0.95
) -> Significance:
    r"""Pearson's r of the ranks: any monotone association.

    p-value by the t approximation; the interval takes $\sqrt{(1 + r^2/2)/(n-3)}$ as the error of
    artanh r (Bonett and Wright, 2000).
    """
    first, second = pairs(x, y)
    r, n = _coefficient(ranks(first), ranks(second)), first.size
    error = math.sqrt((1 + r * r / 2) / (n - 3)) if n > 3 else math.inf
    return _of_coefficient(r, n, error, alternative, confidence)


@replaceable
def kendall(x: ArrayLike, y: ArrayLike, *, alternative: str = "two-sided") -> Significance:
    r"""tau-b: (concordant - discordant) / root of (pairs untied in x times pairs untied in y).

    Exact p-value without ties up to n = 50, by counting permutations with each number of
    inversions; otherwise the normal approximation with Kendall's variance for ties. O(n^2) memory.
    """
    check_alternative(alternative)
    first, second = pairs(x, y)
    n = first.size
    signs_x = np.sign(first[:, None] - first)
    signs_y = np.sign(second[:, None] - second)
    balance = float((signs_x * signs_y).sum()) / 2
    untied = float(np.abs(signs_x).sum()) / 2, float(np.abs(signs_y).sum()) / 2
    if 0 in untied:
        raise ValueError("one sample has equal values only; a correlation needs some variance")
    tau = balance / math.sqrt(untied[0] * untied[1])
    total = n * (n - 1) / 2
    if untied == (total, total) and n <= 50:
        lower, upper = _inversion_tails(n, round((total - balance) / 2))
    else:
        z = balance / math.sqrt(_kendall_variance(first, second))
        lower, upper = float(normal_cdf(z)), float(normal_cdf(-z))
    return Significance(
        statistic=tau,
        p_value=p_value_of(lower, upper, alternative),
        alternative=alternative,
        estimate=tau,
        effect=tau,
    )


def _inversion_tails(n: int, inversions: int) -> tuple[float, float]:
    """P(tau <= t), P(tau >= t): Mahonian numbers, each item adding 0 to i - 1 inversions."""
    chances = np.ones(1)
    for i in range(2, n + 1):
        chances = np.convolve(chances, np.full(i, 1 / i))
    return float(chances[inversions:].sum()), float(chances[: inversions + 1].sum())


def _kendall_variance(x: Floats, y: Floats) -> float:
    """Kendall, "Rank correlation methods" (1970), chapter 4: variance of the balance with ties."""
    n = x.size
    t = np.unique(x, return_counts=True)[1].astype(np.float64)
    u = np.unique(y, return_counts=True)[1].astype(np.float64)

    def cubic(size: Floats) -> float:
        return float((size * (size - 1) * (2 * size + 5)).sum())

    def falling(size: Floats) -> tuple[float, float]:
        twos = size * (size - 1)
        return float(twos.sum()), float((twos * (size - 2)).sum())

    (x2, x3), (y2, y3) = falling(t), falling(u)
    main = (cubic(np.array([float(n)])) - cubic(t) - cubic(u)) / 18
    third = x3 * y3 / (9 * n * (n - 1) * (n - 2)) if n > 2 else 0.0
    return main + x2 * y2 / (2 * n * (n - 1)) + third
