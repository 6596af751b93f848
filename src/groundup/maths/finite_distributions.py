r"""Finitely many outcomes: categorical, discrete uniform, hypergeometric.

Source: Johnson, Kemp and Kotz, "Univariate discrete distributions" (2005), chapter 6.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.distribution import DiscreteDistribution
from groundup.maths.numeric_input import Floats, broadcast, sample, whole
from groundup.maths.numeric_input import whole_parameter as whole_numbers
from groundup.maths.random_variates import AliasTable, log_concave_counts
from groundup.maths.saddle_point import log_binomial_kernel


class Categorical(DiscreteDistribution):
    """The numbers 0, ..., k-1 with given probabilities, shape (k,); they must sum to 1.

    One distribution, not an array of them. Raises ValueError for negative probabilities and for a
    sum further from 1 than 1e-9.
    """

    def __init__(self, p: ArrayLike) -> None:
        self.p = sample(p, "p")
        if (self.p < 0).any() or abs(self.p.sum() - 1) > 1e-9:
            raise ValueError(f"p sums to {self.p.sum()}; wanted probabilities that sum to 1")
        self.parameters, self.shape = {"p": self.p}, ()
        self._lower = np.minimum(np.cumsum(self.p), 1)
        self._upper = np.append(np.cumsum(self.p[:0:-1])[::-1], 0.0)

    def _support(self) -> tuple[Floats, Floats]:
        return np.array(0.0), np.array(self.p.size - 1.0)

    def _log_density(self, x: Floats) -> Floats:
        return np.log(self.p)[np.nan_to_num(x).astype(np.int64)]

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        k = np.nan_to_num(x).astype(np.int64)
        return self._lower[k], self._upper[k]

    def _quantile(self, p: Floats, q: Floats) -> Floats:
        return np.minimum(np.searchsorted(self._lower, p), self.p.size - 1).astype(np.float64)

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        return AliasTable(self.p).draw(rng, size).astype(np.float64)

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        k = np.arange(self.p.size)
        mean = self.p @ k
        second, third, fourth = (self.p @ (k - mean) ** j for j in (2, 3, 4))
        return mean, second, third / second**1.5, fourth / second**2 - 3

    def _entropy(self) -> Floats:
        positive = self.p[self.p > 0]
        return np.asarray(0.0 - positive @ np.log(positive))

    @classmethod
    def fit(cls, data: ArrayLike, categories: int | None = None) -> "Categorical":
        """Maximum likelihood: the shares; `categories` where the largest number may be missing."""
        x = sample(data, "data")
        if ((x < 0) | (x != np.floor(x))).any():
            raise ValueError("data must be category numbers: whole and at least 0")
        size = int(x.max()) + 1 if categories is None else whole(categories, "categories", low=1)
        if x.max() >= size:
            raise ValueError(f"data holds category {int(x.max())}; {size} categories end before it")
        return cls(np.bincount(x.astype(np.int64), minlength=size) / x.size)


class DiscreteUniform(DiscreteDistribution):
    """The whole numbers from low to high, both included, with equal probability."""

    low: Floats
    high: Floats

    def __init__(self, low: ArrayLike, high: ArrayLike) -> None:
        limit = -(2**53)
        self._keep(
            low=whole_numbers(low, "low", low=limit), high=whole_numbers(high, "high", low=limit)
        )
        if not np.all(self.low <= self.high):
            raise ValueError(f"low is {self.low} and high {self.high}; low must not be above high")

    def _support(self) -> tuple[Floats, Floats]:
        return self.low, self.high

    def _log_density(self, x: Floats) -> Floats:
        return np.broadcast_to(-np.log(self.high - self.low + 1), x.shape)

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        count = self.high - self.low + 1
        return (x - self.low + 1) / count, (self.high - x) / count

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        """Whole numbers by NumPy's unbiased bounded integers: floor(u n) is not exactly even."""
        return rng.integers(
            self.low.astype(np.int64), self.high.astype(np.int64), size=size, endpoint=True
        ).astype(np.float64)

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        n, zero = self.high - self.low + 1, np.zeros(self.shape)
        kurtosis = -6 * (n**2 + 1) / (5 * (n**2 - 1))
        return (self.low + self.high) / 2, (n**2 - 1) / 12, zero, kurtosis

    def _entropy(self) -> Floats:
        return np.log(self.high - self.low + 1)

    @classmethod
    def fit(cls, data: ArrayLike) -> "DiscreteUniform":
        """Maximum likelihood: the least and the greatest value."""
        x = sample(data, "data")
        return cls(x.min(), x.max())


def log_hypergeometric(k: Floats, good: Floats, bad: Floats, drawn: Floats) -> Floats:
    r"""$\log\bigl[\binom{G}{k}\binom{B}{n-k}/\binom{G+B}{n}\bigr]$; minus infinity where
    impossible.

    As Loader: three binomial kernels at the same p = n / (G + B), whose powers cancel.
    """
    k, good, bad, drawn = broadcast(k, good, bad, drawn)
    possible = (k >= np.maximum(0, drawn - bad)) & (k <= np.minimum(good, drawn))
    inside = np.clip(k, np.maximum(0, drawn - bad), np.minimum(good, drawn))
    total = np.maximum(good + bad, 1)
    p = drawn / total
    q = (total - drawn) / total
    chosen = log_binomial_kernel(inside, good - inside, p, q)
    others = log_binomial_kernel(drawn - inside, bad - drawn + inside, p, q)
    with np.errstate(invalid="ignore"):
        value = chosen + others - log_binomial_kernel(drawn, total - drawn, p, q)
    return np.where(possible, value, -np.inf)[()]


class Hypergeometric(DiscreteDistribution):
    """How many of `drawn` taken without putting back are good, of `good` and `bad` in the urn.

    One distribution, not an array of them; distribution functions are sums over the support.
    """

    good: Floats
    bad: Floats
    drawn: Floats

    def __init__(self, good: int, bad: int, drawn: int) -> None:
        counts = whole(good, "good"), whole(bad, "bad"), whole(drawn, "drawn")
        if counts[2] > counts[0] + counts[1]:
            raise ValueError(f"cannot draw {drawn} of {counts[0] + counts[1]}")
        names = ("good", "bad", "drawn")
        self._keep(**{n: np.array(float(c)) for n, c in zip(names, counts, strict=True)})

    def _support(self) -> tuple[Floats, Floats]:
        return np.maximum(0, self.drawn - self.bad), np.minimum(self.good, self.drawn)

    def _log_density(self, x: Floats) -> Floats:
        return log_hypergeometric(x, self.good, self.bad, self.drawn)

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        low, high = self._support()
        p = np.exp(self._log_density(np.arange(float(low), float(high) + 1)))
        lower, upper = np.cumsum(p), np.append(np.cumsum(p[:0:-1])[::-1], 0.0)
        k = np.nan_to_num(x - low).astype(np.int64)
        return np.minimum(lower[k], 1), np.minimum(upper[k], 1)

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        total = self.good + self.bad
        mode = np.floor((self.drawn + 1) * (self.good + 1) / (total + 2))
        mode = np.clip(mode, *self._support())
        given = (self.good, self.bad, self.drawn)
        return log_concave_counts(rng, log_hypergeometric, mode, given, size)

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        """The first two in closed form, the others summed."""
        low, high = self._support()
        k = np.arange(float(low), float(high) + 1)
        p = np.exp(self._log_density(k))
        mean = self.drawn * self.good / np.maximum(self.good + self.bad, 1)
        second, third, fourth = (p @ (k - mean) ** j for j in (2, 3, 4))
        return mean, second, third / second**1.5, fourth / second**2 - 3

    @classmethod
    def fit(cls, seen: int, good: int, drawn: int) -> "Hypergeometric":
        """Capture and recapture: the urn's size from `seen` marked ones among `drawn`.

        `good` are marked beforehand. The likelihood is greatest at floor(good * drawn / seen).
        """
        seen, good, drawn = whole(seen, "seen", low=1), whole(good, "good"), whole(drawn, "drawn")
        if seen > min(good, drawn):
            raise ValueError(f"{seen} seen is more than {min(good, drawn)} possible")
        total = max(math.floor(good * drawn / seen), good + drawn - seen)
        return cls(good, total - good, drawn)
