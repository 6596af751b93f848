r"""Tests that look at ranks alone: Mann-Whitney for two samples, Wilcoxon for pairs.

No distribution is assumed. For few values the null distribution is exact, by counting how many ways
of assigning ranks give each sum, ties included; for many it is normal with the variance corrected
for ties. Sources: Mann and Whitney (1947); Wilcoxon, "Individual comparisons by ranking methods"
(1945); Hollander, Wolfe and Chicken, "Nonparametric statistical methods" (2014), sections 3.1, 4.1.
"""

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.error_function import normal_cdf
from groundup.maths.numeric_input import Floats, check_alternative, pairs, sample
from groundup.maths.significance import Significance, p_value_of
from groundup.swap import replaceable

Method = Literal["auto", "exact", "asymptotic"]
_FEW = 60


@replaceable
def ranks(x: ArrayLike) -> Floats:
    """Ranks from 1; values that tie share the mean of their ranks. Shape (n,)."""
    values = sample(x, "x")
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    result: Floats = (last - (counts - 1) / 2)[group]
    return result


def tie_sum(x: Floats) -> float:
    """Sum over groups of equal values of t^3 - t, which lowers the variance of rank sums."""
    counts = np.unique(x, return_counts=True)[1].astype(np.float64)
    return float((counts**3 - counts).sum())


@replaceable
def rank_sum_counts(whole_ranks: ArrayLike, chosen: int) -> Floats:
    """How many choices of `chosen` items have each sum of ranks 0, 1, 2, ...

    Dynamic programming over items: ways[j, s] gains ways[j-1, s - r]. Ranks must be whole: where
    values tie, give doubled ones. Sums of positive floats: relative error about n eps.
    """
    items = np.sort(np.asarray(whole_ranks).astype(np.int64))
    ways = np.zeros((chosen + 1, int(items.sum()) + 1))
    ways[0, 0], reach = 1, 0  # reach: the largest sum so far
    for seen, rank in enumerate(items):
        top = min(seen + 1, chosen)
        # the right side is copied before it is added, so no item is counted twice
        ways[1 : top + 1, rank : rank + reach + 1] += ways[:top, : reach + 1].copy()
        reach += int(rank)
    result: Floats = ways[chosen]
    return result


@replaceable
def mann_whitney(
    x: ArrayLike,
    y: ArrayLike,
    *,
    alternative: str = "two-sided",
    method: Method = "auto",
    continuity: bool = True,
) -> Significance:
    r"""Is a value of x more often above one of y than below? U counts pairs with x > y, ties 1/2.

    The estimate is U / nm, the probability of superiority (the area under a ROC curve); the effect
    is the rank-biserial correlation 2U / nm - 1. "auto" is exact up to 60 values in all. ValueError
    where all values are equal and the method is asymptotic.
    """
    check_alternative(alternative)
    first, second = sample(x, "x"), sample(y, "y")
    n, m = first.size, second.size
    both = np.concatenate([first, second])
    rank = ranks(both)
    u = float(rank[:n].sum()) - n * (n + 1) / 2
    if _is_exact(method, n + m):
        scale = 1 if np.array_equal(rank, np.floor(rank)) else 2
        ways = rank_sum_counts(scale * rank, n)
        seen = round(scale * float(rank[:n].sum()))
        lower, upper = ways[: seen + 1].sum() / ways.sum(), ways[seen:].sum() / ways.sum()
    else:
        total = n + m
        variance = n * m / 12 * (total + 1 - tie_sum(both) / (total * (total - 1)))
        lower, upper = _normal_tails(u - n * m / 2, variance, continuity)
    return Significance(
        statistic=u,
        p_value=p_value_of(lower, upper, alternative),
        alternative=alternative,
        estimate=u / (n * m),
        effect=2 * u / (n * m) - 1,
    )


@replaceable
def wilcoxon(
    x: ArrayLike,
    y: ArrayLike | None = None,
    *,
    alternative: str = "two-sided",
    method: Method = "auto",
    continuity: bool = True,
) -> Significance:
    """Signed ranks of the differences x - y (or of x alone): are they symmetric about 0?

    The statistic is the sum of the ranks of |d| over positive d; zeros are left out first, as
    Wilcoxon did. The effect is the rank-biserial correlation: (positive - negative) / all ranks.
    ValueError where all differences are 0.
    """
    check_alternative(alternative)
    first, second = pairs(x, np.zeros(np.shape(x)) if y is None else y, least=1)
    difference = first - second
    difference = difference[difference != 0]
    n = difference.size
    if n == 0:
        raise ValueError("all differences are 0; there is nothing to rank")
    rank = ranks(np.abs(difference))
    positive = float(rank[difference > 0].sum())
    if _is_exact(method, n):
        chances = _signed_rank_chances(2 * rank)
        seen = round(2 * positive)
        lower, upper = chances[: seen + 1].sum(), chances[seen:].sum()
    else:
        variance = n * (n + 1) * (2 * n + 1) / 24 - tie_sum(np.abs(difference)) / 48
        lower, upper = _normal_tails(positive - n * (n + 1) / 4, variance, continuity)
    return Significance(
        statistic=positive,
        p_value=p_value_of(lower, upper, alternative),
        alternative=alternative,
        effect=4 * positive / (n * (n + 1)) - 1,
    )


def _signed_rank_chances(double_ranks: Floats) -> Floats:
    """Each rank counts or not with probability 1/2: chances of the doubled sums 0, 1, 2, ..."""
    items = double_ranks.astype(np.int64)
    chances = np.zeros(int(items.sum()) + 1)
    chances[0] = 1
    for rank in items:
        moved = np.concatenate([np.zeros(rank), chances[: chances.size - rank]])
        chances = (chances + moved) / 2
    return chances


def _is_exact(method: Method, values: int) -> bool:
    if method not in ("auto", "exact", "asymptotic"):
        raise ValueError(f"method is {method!r}; wanted auto, exact or asymptotic")
    if method == "exact" and values > 400:
        raise ValueError(f"exact counting of {values} values takes too long; use asymptotic")
    return method == "exact" or (method == "auto" and values <= _FEW)


def _normal_tails(offset: float, variance: float, continuity: bool) -> tuple[float, float]:
    """P(T <= t) and P(T >= t), each with half a step of continuity correction."""
    if not variance > 0:
        raise ValueError("all values are equal; ranks cannot tell the samples apart")
    half = 0.5 if continuity else 0.0
    deviation = math.sqrt(variance)
    lower = float(normal_cdf((offset + half) / deviation))
    return lower, float(normal_cdf((half - offset) / deviation))
