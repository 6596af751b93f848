r"""What averages do as samples grow: the law of large numbers and the central limit theorem.

$\bar X_n \to \mu$ always where a mean exists; $\sqrt n(\bar X_n - \mu)/\sigma$ becomes normal where
a variance exists, and no faster than Berry and Esseen allow: $\sup|F_n - \Phi| \le
C\rho/(\sigma^3\sqrt n)$. The functions return data to look at. Source: Durrett, "Probability:
theory and examples" (2019), 2.4, 3.4.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundup.maths.distribution import Distribution
from groundup.maths.error_function import normal_cdf
from groundup.maths.numeric_input import Floats, Seed, generator, sample, whole
from groundup.swap import replaceable

BERRY_ESSEEN = 0.4748
"""Shevtsova, "On the absolute constants in the Berry-Esseen-type inequalities" (2011)."""


@replaceable
def running_means(draws: Floats) -> Floats:
    """Means of the first 1, 2, ..., n draws, along the last axis; same shape."""
    result: Floats = np.cumsum(draws, axis=-1) / np.arange(1, draws.shape[-1] + 1)
    return result


@replaceable
def chebyshev_bound(variance: float, n: int, distance: float) -> float:
    r"""$P(|\bar X_n - \mu| \ge d) \le \sigma^2/(n d^2)$: the weak law with a number, at most 1."""
    if not (variance >= 0 and distance > 0):
        raise ValueError(f"variance {variance}, distance {distance}; wanted >= 0 and > 0")
    return min(1.0, variance / (whole(n, "n", low=1) * distance**2))


@replaceable
def hoeffding_bound(n: int, distance: float, width: float = 1.0) -> float:
    r"""$P(|\bar X_n - \mu| \ge d) \le 2e^{-2nd^2/w^2}$ for values in an interval of width w.

    Hoeffding, "Probability inequalities for sums of bounded random variables" (1963), theorem 2.
    """
    if not (distance > 0 and width > 0):
        raise ValueError(f"distance {distance}, width {width}; wanted numbers above 0")
    return min(1.0, 2 * math.exp(-2 * whole(n, "n", low=1) * (distance / width) ** 2))


@replaceable
def berry_esseen_bound(third_moment: float, deviation: float, n: int) -> float:
    r"""$C\rho/(\sigma^3\sqrt n)$ with $\rho = E|X - \mu|^3$, at most 1."""
    if not (deviation > 0 and third_moment >= 0.999999 * deviation**3):
        raise ValueError(
            f"third moment {third_moment}, deviation {deviation}; by Jensen E|X|^3 >= deviation^3"
        )
    root = math.sqrt(whole(n, "n", low=1))
    return min(1.0, BERRY_ESSEEN * third_moment / (deviation**3 * root))


@replaceable
def distance_from_normal(values: Floats) -> float:
    """The greatest gap between the sample's distribution function and the normal's (KS)."""
    ordered = np.sort(sample(values, "values"))
    n = ordered.size
    phi = normal_cdf(ordered)
    above, below = np.arange(1, n + 1) / n - phi, phi - np.arange(n) / n
    return float(max(above.max(), below.max()))


@dataclass(frozen=True)
class CentralLimit:
    """Standardised means of samples of one size, and how normal they look."""

    n: int
    """Draws in each mean."""
    means: Floats
    """Standardised means, shape (repeats,)."""
    distance: float
    """Their greatest distance from the normal distribution function."""


@replaceable
def central_limit(
    source: Distribution, sizes: Sequence[int], repeats: int = 2000, rng: Seed = None
) -> list[CentralLimit]:
    """For each n, `repeats` standardised means of n draws; ValueError if there is no variance."""
    mean, deviation = float(source.mean), float(source.deviation)
    if not (math.isfinite(mean) and math.isfinite(deviation) and deviation > 0):
        raise ValueError(f"{source} has mean {mean}, deviation {deviation}; both must be finite")
    random = generator(rng)
    results = []
    for n in sizes:
        draws = source.sample(random, (repeats, whole(n, "n", low=1)))
        means = (draws.mean(axis=1) - mean) * math.sqrt(n) / deviation
        results.append(CentralLimit(n, means, distance_from_normal(means)))
    return results
