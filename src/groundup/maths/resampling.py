r"""Inference by drawing again from the data: permutation tests and the bootstrap.

A permutation test asks how often shuffled labels give so extreme a statistic. The bootstrap draws
samples with replacement from the sample, and looks how the statistic varies. Statistics take arrays
of shape (..., n) and reduce the last axis, as `np.mean(x, axis=-1)` does, so that all resamples are
computed together. Sources: Fisher (1935); Efron and Tibshirani, "An introduction to the bootstrap"
(1993), chapters 12 to 16; Phipson and Smyth, "Permutation p-values should never be zero" (2010).
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.error_function import normal_cdf, normal_quantile
from groundup.maths.numeric_input import (
    Floats,
    Seed,
    check_alternative,
    generator,
    pairs,
    proportion,
    sample,
    whole,
)
from groundup.maths.significance import Significance, p_value_of
from groundup.swap import replaceable

Statistic = Callable[[Floats], Floats]
_BLOCK = 2**21  # numbers held at once


def mean_of_rows(x: Floats) -> Floats:
    """The mean over the last axis, the usual statistic."""
    result: Floats = x.mean(axis=-1)
    return result


def _tails(null: Floats, seen: float, exact: bool) -> tuple[float, float]:
    """P(T <= t), P(T >= t); a random null counts the data themselves once, so that p is never 0."""
    slack = 1e-9 * max(abs(seen), float(np.abs(null).max()), 1e-300)  # rounding must not split ties
    lower, upper = (null <= seen + slack).sum(), (null >= seen - slack).sum()
    extra = 0 if exact else 1
    return (lower + extra) / (null.size + extra), (upper + extra) / (null.size + extra)


@replaceable
def permutation_test(
    x: ArrayLike,
    y: ArrayLike,
    statistic: Statistic = mean_of_rows,
    *,
    alternative: str = "two-sided",
    resamples: int = 9999,
    rng: Seed = None,
) -> Significance:
    """statistic(x) - statistic(y) against what it is when the labels x and y are shuffled.

    All choices are enumerated where they are no more than `resamples`; else as many random ones.
    """
    check_alternative(alternative)
    first, second = sample(x, "x"), sample(y, "y")
    both, n = np.concatenate([first, second]), first.size
    resamples = whole(resamples, "resamples", low=1)
    exact = math.comb(both.size, n) <= resamples
    if exact:
        chosen = np.array(list(itertools.combinations(range(both.size), n)))
        orders = np.array([[*row, *np.setdiff1d(np.arange(both.size), row)] for row in chosen])
        null = _difference(both[orders], n, statistic)
    else:
        random, parts = generator(rng), []
        for count in _blocks(resamples, both.size):
            shuffled = random.permuted(np.tile(both, (count, 1)), axis=1)
            parts.append(_difference(shuffled, n, statistic))
        null = np.concatenate(parts)
    seen = float(statistic(first) - statistic(second))
    lower, upper = _tails(null, seen, exact)
    return Significance(
        statistic=seen,
        p_value=p_value_of(lower, upper, alternative),
        alternative=alternative,
        estimate=seen,
    )


def _difference(rows: Floats, n: int, statistic: Statistic) -> Floats:
    return statistic(rows[:, :n]) - statistic(rows[:, n:])


def _blocks(resamples: int, width: int) -> list[int]:
    """Sizes of blocks that hold at most two million numbers each."""
    size = max(1, _BLOCK // max(width, 1))
    return [min(size, resamples - start) for start in range(0, resamples, size)]


@replaceable
def sign_flip_test(
    x: ArrayLike,
    y: ArrayLike | None = None,
    statistic: Statistic = mean_of_rows,
    *,
    alternative: str = "two-sided",
    resamples: int = 9999,
    rng: Seed = None,
) -> Significance:
    """Paired permutation: within a pair the two labels may be swapped, so x - y changes its sign.

    `x` alone is taken as the differences. All 2^n sign patterns where they are no more than
    `resamples`; else as many random ones.
    """
    check_alternative(alternative)
    first, second = pairs(x, np.zeros(np.shape(x)) if y is None else y, least=1)
    difference = first - second
    resamples = whole(resamples, "resamples", low=1)
    n = difference.size
    exact = n < 60 and 2**n <= resamples
    if exact:
        patterns = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        null = statistic(difference * (1.0 - 2 * patterns))
    else:
        random = generator(rng)
        null = np.concatenate(
            [
                statistic(difference * (1.0 - 2 * random.integers(0, 2, (count, n))))
                for count in _blocks(resamples, n)
            ]
        )
    seen = float(statistic(difference))
    lower, upper = _tails(null, seen, exact)
    return Significance(
        statistic=seen,
        p_value=p_value_of(lower, upper, alternative),
        alternative=alternative,
        estimate=seen,
    )


@dataclass(frozen=True)
class BootstrapResult:
    """A statistic with its bootstrap distribution."""

    estimate: float
    """The statistic of the data."""
    interval: tuple[float, float]
    """The confidence interval."""
    standard_error: float
    """The deviation of the bootstrap distribution."""
    distribution: Floats
    """The statistic of every resample, shape (resamples,)."""


@replaceable
def bootstrap(
    x: ArrayLike,
    statistic: Statistic = mean_of_rows,
    *,
    confidence: float = 0.95,
    method: Literal["percentile", "basic", "bca"] = "bca",
    resamples: int = 9999,
    rng: Seed = None,
) -> BootstrapResult:
    r"""A confidence interval of any statistic of one sample, shape (n,) or rows (n, k).

    Percentile: quantiles of the bootstrap distribution. Basic: mirrored at the estimate. BCa shifts
    the quantiles for bias and skewness: $\Phi(z_0 + \frac{z_0+z}{1-a(z_0+z)})$, z0 from the share
    below the estimate, a from the jackknife (Efron, 1987). A statistic that never varies has an
    interval of no width. With rows, the statistic sees shape (..., n, k) and reduces both axes.
    """
    given = np.asarray(x)
    data: Floats = sample(given.ravel(), "x", least=2).reshape(given.shape)
    proportion(confidence, "confidence")
    if method not in ("percentile", "basic", "bca"):
        raise ValueError(f"method is {method!r}; wanted percentile, basic or bca")
    if data.ndim > 2 or data.shape[0] < 2:
        raise ValueError(f"x has shape {data.shape}; wanted (n,) or (n, k) with n >= 2")
    n, random = data.shape[0], generator(rng)
    drawn = [
        statistic(data[random.integers(0, n, (count, n))])
        for count in _blocks(whole(resamples, "resamples", low=2), data.size)
    ]
    distribution, estimate = np.concatenate(drawn), float(statistic(data))
    levels = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    if method == "bca":
        levels = _bca_levels(levels, distribution, estimate, _jackknife(data, statistic))
    low, high = np.quantile(distribution, levels)
    if method == "basic":
        low, high = 2 * estimate - high, 2 * estimate - low
    error = float(distribution.std(ddof=1))
    return BootstrapResult(estimate, (float(low), float(high)), error, distribution)


def _jackknife(data: Floats, statistic: Statistic) -> Floats:
    """The statistic without each observation in turn, shape (n,)."""
    n = data.shape[0]
    parts, start = [], 0
    for count in _blocks(n, data.size):
        without = np.arange(start, start + count)
        rest = np.arange(n - 1) + (np.arange(n - 1) >= without[:, None])
        parts.append(statistic(data[rest]))
        start += count
    return np.concatenate(parts)


def _bca_levels(levels: Floats, distribution: Floats, estimate: float, left_out: Floats) -> Floats:
    below = (distribution < estimate).mean() / 2 + (distribution <= estimate).mean() / 2
    bias = float(normal_quantile(np.clip(below, 1e-12, 1 - 1e-12)))
    offset = left_out.mean() - left_out
    spread = float((offset**2).sum())
    acceleration = float((offset**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    z = bias + normal_quantile(levels)
    return normal_cdf(bias + z / (1 - acceleration * z))


@replaceable
def paired_bootstrap(
    x: ArrayLike,
    y: ArrayLike,
    *,
    confidence: float = 0.95,
    method: Literal["percentile", "basic", "bca"] = "bca",
    resamples: int = 9999,
    rng: Seed = None,
) -> BootstrapResult:
    """Interval of the mean difference of two systems scored on the same items: pairs stay together.

    Berg-Kirkpatrick, Burkett and Klein, "An empirical investigation of statistical significance in
    NLP" (2012). The share of the distribution below 0 says how often the order would turn.
    """
    first, second = pairs(x, y)
    return bootstrap(
        first - second, confidence=confidence, method=method, resamples=resamples, rng=rng
    )
