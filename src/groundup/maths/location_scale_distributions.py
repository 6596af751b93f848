r"""Uniform, Laplace, logistic and Cauchy: one shape each, moved and stretched.

Each density is $\frac1s f(\frac{x - m}{s})$ with f, its distribution function and the inverse in
closed form, so that samples are inverse transforms of uniform numbers. Source: Johnson, Kotz and
Balakrishnan, "Continuous univariate distributions" (1994, 1995), chapters 16, 23, 24, 26.
"""

import math
from abc import abstractmethod
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.distribution import ContinuousDistribution
from groundup.maths.likelihood import maximise_likelihood
from groundup.maths.numeric_input import Floats, parameter, sample
from groundup.maths.random_variates import uniforms


class Uniform(ContinuousDistribution):
    """Density 1 / (high - low) from low to high."""

    low: Floats
    high: Floats

    def __init__(self, low: ArrayLike = 0.0, high: ArrayLike = 1.0) -> None:
        self._keep(low=parameter(low, "low"), high=parameter(high, "high"))
        if not np.all(self.low < self.high):
            raise ValueError(f"low is {self.low} and high {self.high}; low must be the smaller")

    def _support(self) -> tuple[Floats, Floats]:
        return self.low, self.high

    def _log_density(self, x: Floats) -> Floats:
        return np.broadcast_to(-np.log(self.high - self.low), np.broadcast_shapes(x.shape))

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        width = self.high - self.low
        return (x - self.low) / width, (self.high - x) / width

    def _quantile(self, p: Floats, q: Floats) -> Floats:
        width = self.high - self.low
        return np.where(p <= q, self.low + p * width, self.high - q * width)

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        return self.low + (self.high - self.low) * rng.random(size)

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        zero, width = np.zeros(self.shape), self.high - self.low
        return self.low + width / 2, width**2 / 12, zero, zero - 1.2

    def _entropy(self) -> Floats:
        return np.log(self.high - self.low)

    @classmethod
    def fit(cls, data: ArrayLike) -> "Uniform":
        """Maximum likelihood: the least and the greatest value (too narrow, by 2/(n+1))."""
        x = sample(data, "data", least=2)
        return cls(x.min(), x.max())

    @classmethod
    def fit_moments(cls, data: ArrayLike) -> "Uniform":
        r"""$\bar x \mp \sqrt3\,s$."""
        x = sample(data, "data", least=2)
        return cls(x.mean() - math.sqrt(3) * x.std(), x.mean() + math.sqrt(3) * x.std())


class LocationScale(ContinuousDistribution):
    """A standard shape on the whole line, moved by `loc` and stretched by `scale`."""

    loc: Floats
    scale: Floats

    def __init__(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> None:
        self._keep(loc=parameter(loc, "loc"), scale=parameter(scale, "scale", low=0))

    @staticmethod
    @abstractmethod
    def _log_standard(z: Floats) -> Floats:
        """Log density of the standard shape."""

    @staticmethod
    @abstractmethod
    def _lower_standard(z: Floats) -> Floats:
        """P(Z <= z); all of these shapes are symmetric, so P(Z > z) is this at -z."""

    @staticmethod
    @abstractmethod
    def _left_quantile(p: Floats) -> Floats:
        """The quantile for p <= 1/2."""

    def _support(self) -> tuple[Floats, Floats]:
        return np.array(-np.inf), np.array(np.inf)

    def _log_density(self, x: Floats) -> Floats:
        return self._log_standard((x - self.loc) / self.scale) - np.log(self.scale)

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        z = (x - self.loc) / self.scale
        return self._lower_standard(z), self._lower_standard(-z)

    def _quantile(self, p: Floats, q: Floats) -> Floats:
        z = self._left_quantile(np.minimum(p, q))
        return self.loc + self.scale * np.where(p <= q, z, -z)

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        p = uniforms(rng, size)
        return self._quantile(p, 1 - p)

    @classmethod
    def fit(cls, data: ArrayLike) -> Self:
        """Maximum likelihood: Newton's method from the median and the quartiles' distance."""
        x = sample(data, "data", least=2)
        quarter, median, three = np.quantile(x, [0.25, 0.5, 0.75])
        spread = max((three - quarter) / 2, 1e-3 * float(x.std()))
        if spread == 0:
            raise ValueError("all values of data are equal; a scale needs two different ones")

        def log_likelihood(theta: Floats) -> float:
            shape = cls(median + spread * theta[0], spread * np.exp(np.clip(theta[1], -50, 50)))
            return float(shape.log_likelihood(x))

        best = maximise_likelihood(log_likelihood, [0.0, 0.0]).parameters
        return cls(median + spread * best[0], spread * np.exp(best[1]))


class Laplace(LocationScale):
    r"""Density $\frac{1}{2s} e^{-|x-m|/s}$."""

    @staticmethod
    def _log_standard(z: Floats) -> Floats:
        return -np.abs(z) - math.log(2)

    @staticmethod
    def _lower_standard(z: Floats) -> Floats:
        half = np.exp(-np.abs(z)) / 2
        return np.where(z < 0, half, 1 - half)

    @staticmethod
    def _left_quantile(p: Floats) -> Floats:
        return np.log(2 * p)

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        zero = np.zeros(self.shape)
        return self.loc, 2 * self.scale**2, zero, zero + 3

    def _entropy(self) -> Floats:
        return 1 + np.log(2 * self.scale)

    @classmethod
    def fit(cls, data: ArrayLike) -> Self:
        """Maximum likelihood: the median, and the mean distance from it."""
        x = sample(data, "data", least=2)
        return cls(np.median(x), np.abs(x - np.median(x)).mean())

    @classmethod
    def fit_moments(cls, data: ArrayLike) -> "Laplace":
        r"""$\bar x$ and $s/\sqrt2$."""
        x = sample(data, "data", least=2)
        return cls(x.mean(), x.std() / math.sqrt(2))


class Logistic(LocationScale):
    r"""Distribution function $1/(1 + e^{-(x-m)/s})$: the shape behind the sigmoid."""

    @staticmethod
    def _log_standard(z: Floats) -> Floats:
        result: Floats = -np.abs(z) - 2 * np.log1p(np.exp(-np.abs(z)))
        return result

    @staticmethod
    def _lower_standard(z: Floats) -> Floats:
        small = np.exp(-np.abs(z))
        result: Floats = np.where(z < 0, small, 1.0) / (1 + small)
        return result

    @staticmethod
    def _left_quantile(p: Floats) -> Floats:
        return np.log(p) - np.log1p(-p)

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        zero = np.zeros(self.shape)
        return self.loc, (math.pi * self.scale) ** 2 / 3, zero, zero + 1.2

    def _entropy(self) -> Floats:
        return 2 + np.log(self.scale)

    @classmethod
    def fit_moments(cls, data: ArrayLike) -> "Logistic":
        r"""$\bar x$ and $s\sqrt3/\pi$."""
        x = sample(data, "data", least=2)
        return cls(x.mean(), x.std() * math.sqrt(3) / math.pi)


class Cauchy(LocationScale):
    r"""Density $\frac{1}{\pi s (1 + z^2)}$: no mean, no variance, and averages never settle."""

    @staticmethod
    def _log_standard(z: Floats) -> Floats:
        return -math.log(math.pi) - 2 * np.log(np.hypot(1, z))

    @staticmethod
    def _lower_standard(z: Floats) -> Floats:
        return np.arctan2(1, -z) / math.pi

    @staticmethod
    def _left_quantile(p: Floats) -> Floats:
        return np.where(p < 0.25, -1 / np.tan(math.pi * p), np.tan(math.pi * (p - 0.5)))

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        none = np.full(self.shape, np.nan)
        return none, none, none, none

    def _entropy(self) -> Floats:
        return np.log(4 * math.pi * self.scale)
