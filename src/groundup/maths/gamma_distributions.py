r"""Waiting times: exponential, gamma, chi-square and Weibull.

The gamma density $\frac{\beta^a}{\Gamma(a)} x^{a-1} e^{-\beta x}$ with rate beta contains the first
three. Sources: Johnson, Kotz and Balakrishnan, "Continuous univariate distributions" (1994),
chapters 17 to 21; Minka, "Estimating a gamma distribution" (2002).
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.distribution import ContinuousDistribution
from groundup.maths.gamma_functions import (
    EULER_GAMMA,
    HALF_LOG_TWO_PI,
    digamma,
    log_gamma,
    log_minus_digamma,
    stirling_remainder,
    trigamma,
)
from groundup.maths.incomplete_gamma import gamma_quantile, log_incomplete_gamma
from groundup.maths.numeric_input import Floats, fill, parameter, sample
from groundup.maths.random_variates import log_gamma_variates, uniforms
from groundup.maths.saddle_point import log_poisson_kernel
from groundup.maths.tail_quadrature import log1p_minus_linear


class Exponential(ContinuousDistribution):
    r"""Density $\lambda e^{-\lambda x}$, x >= 0: waiting that does not remember; rate lambda."""

    rate: Floats

    def __init__(self, rate: ArrayLike = 1.0) -> None:
        self._keep(rate=parameter(rate, "rate", low=0))

    def _support(self) -> tuple[Floats, Floats]:
        return np.array(0.0), np.array(np.inf)

    def _log_density(self, x: Floats) -> Floats:
        return np.log(self.rate) - self.rate * x

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        return -np.expm1(-self.rate * x), np.exp(-self.rate * x)

    def _quantile(self, p: Floats, q: Floats) -> Floats:
        return -np.where(p <= q, np.log1p(-p), np.log(q)) / self.rate

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        return -np.log(uniforms(rng, size)) / self.rate

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        one = np.ones(self.shape)
        return one / self.rate, one / self.rate**2, 2 * one, 6 * one

    def _entropy(self) -> Floats:
        return 1 - np.log(self.rate)

    @classmethod
    def fit(cls, data: ArrayLike) -> "Exponential":
        """Maximum likelihood: one over the mean."""
        return cls(1 / _positive_mean(sample(data, "data")))

    @classmethod
    def fit_moments(cls, data: ArrayLike) -> "Exponential":
        """The mean of the fit is the data's: the same as `fit`."""
        return cls.fit(data)


class Gamma(ContinuousDistribution):
    """Shape a and rate beta: for whole a, the wait for a events of a Poisson process."""

    a: Floats
    rate: Floats

    def __init__(self, a: ArrayLike, rate: ArrayLike = 1.0) -> None:
        self._keep(a=parameter(a, "a", low=0), rate=parameter(rate, "rate", low=0))

    def _support(self) -> tuple[Floats, Floats]:
        return np.array(0.0), np.array(np.inf)

    def _log_density(self, x: Floats) -> Floats:
        t = self.rate * x
        # x^a e^-x / Gamma(a+1) times a / x is what keeps its digits at large a
        inside = log_poisson_kernel(self.a, t) + np.log(self.a) - np.log(x)
        at_zero = np.where(self.a < 1, np.inf, np.where(self.a == 1, np.log(self.rate), -np.inf))
        return np.where(x > 0, inside, at_zero)

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        log_p, log_q = log_incomplete_gamma(self.a, self.rate * x)
        return np.exp(log_p), np.exp(log_q)

    def _quantile(self, p: Floats, q: Floats) -> Floats:
        return gamma_quantile(self.a, p, q) / self.rate

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        result: Floats = np.exp(log_gamma_variates(rng, self.a, size)) / self.rate
        return result

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        return self.a / self.rate, self.a / self.rate**2, 2 / np.sqrt(self.a), 6 / self.a

    def _entropy(self) -> Floats:
        a = np.asarray(self.a)
        result = np.empty(a.shape)
        fill(result, a < 10, lambda a: a + log_gamma(a) + (1 - a) * digamma(a), a)
        fill(result, a >= 10, _entropy_by_stirling, a)
        return result - np.log(self.rate)

    @classmethod
    def fit(cls, data: ArrayLike) -> "Gamma":
        r"""Maximum likelihood: $\log a - \psi(a) = \log\bar x - \overline{\log x}$, rate a / mean.

        Newton's method in 1/a (Minka 2002, equation 10). ValueError for numbers not above 0.
        """
        x = sample(data, "data", least=2)
        if (x <= 0).any():
            raise ValueError(f"data holds {x.min()}; a gamma distribution needs numbers above 0")
        # log of the mean less mean of the logs, with digits for values that are nearly equal
        gap = -float(log1p_minus_linear(x / x.mean() - 1).mean())
        if not gap > 0:
            raise ValueError("all values of data are equal; a gamma shape would be infinite")
        a = (3 - gap + math.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
        for _ in range(100):
            # the derivative in 1/a; for large a its two terms cancel
            slope = a * a * (1 / a - float(trigamma(a))) if a < 1e4 else -0.5 - 1 / (6 * a)
            new = 1 / (1 / a + (float(log_minus_digamma(a)) - gap) / slope)
            if abs(new - a) <= 1e-14 * a:
                break
            a = new
        return cls(a, a / x.mean())

    @classmethod
    def fit_moments(cls, data: ArrayLike) -> "Gamma":
        r"""$a = \bar x^2 / s^2$, rate $\bar x / s^2$."""
        x = sample(data, "data", least=2)
        mean, variance = _positive_mean(x), x.var()
        return cls(mean**2 / variance, mean / variance)


def _entropy_by_stirling(a: Floats) -> Floats:
    """The same at rate 1 with the logarithms that a >= 10 multiplies cancelled on paper."""
    slope = (a - 1) * log_minus_digamma(a)
    return 0.5 * np.log(a) + HALF_LOG_TWO_PI + stirling_remainder(a) + slope


class ChiSquare(Gamma):
    """The sum of df squared standard normals: gamma with a = df / 2 and rate 1/2."""

    df: Floats

    def __init__(self, df: ArrayLike) -> None:
        freedom = parameter(df, "df", low=0)
        super().__init__(freedom / 2, 0.5)
        self._keep(df=freedom)

    @classmethod
    def fit(cls, data: ArrayLike) -> "ChiSquare":
        r"""Maximum likelihood: $\psi(df/2) = \overline{\log(x/2)}$, solved by Newton's method."""
        x = sample(data, "data", least=1)
        if (x <= 0).any():
            raise ValueError(f"data holds {x.min()}; chi-square needs numbers above 0")
        return cls(2 * inverse_digamma(np.log(x / 2).mean()))

    @classmethod
    def fit_moments(cls, data: ArrayLike) -> "ChiSquare":
        """The mean is df."""
        return cls(_positive_mean(sample(data, "data")))


def inverse_digamma(y: ArrayLike) -> Floats:
    """The x > 0 with digamma(x) = y: five Newton steps (Minka 2002, appendix C)."""
    target = np.asarray(y, dtype=np.float64)
    with np.errstate(over="ignore", divide="ignore"):
        x = np.where(target >= -2.22, np.exp(target) + 0.5, -1 / (target + EULER_GAMMA))
    for _ in range(8):
        x = x - (digamma(x) - target) / trigamma(x)
    return x[()]


def _positive_mean(x: Floats) -> float:
    if (x < 0).any() or x.mean() <= 0:
        raise ValueError(f"data has minimum {x.min()}; wanted no negative and one positive number")
    return float(x.mean())


class Weibull(ContinuousDistribution):
    r"""Survival $e^{-(x/s)^k}$, x >= 0: failure rates that grow (k > 1) or fade (k < 1)."""

    k: Floats
    scale: Floats

    def __init__(self, k: ArrayLike, scale: ArrayLike = 1.0) -> None:
        self._keep(k=parameter(k, "k", low=0), scale=parameter(scale, "scale", low=0))

    def _support(self) -> tuple[Floats, Floats]:
        return np.array(0.0), np.array(np.inf)

    def _log_density(self, x: Floats) -> Floats:
        z = x / self.scale
        inside = np.log(self.k / self.scale) + (self.k - 1) * np.log(z) - z**self.k
        at_zero = np.where(self.k < 1, np.inf, np.where(self.k == 1, -np.log(self.scale), -np.inf))
        return np.where(x > 0, inside, at_zero)

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        hazard = (x / self.scale) ** self.k
        return -np.expm1(-hazard), np.exp(-hazard)

    def _quantile(self, p: Floats, q: Floats) -> Floats:
        hazard = -np.where(p <= q, np.log1p(-p), np.log(q))
        return self.scale * hazard ** (1 / self.k)

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        return self.scale * (-np.log(uniforms(rng, size))) ** (1 / self.k)

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        g1, g2, g3, g4 = (np.exp(log_gamma(1 + j / self.k)) for j in (1, 2, 3, 4))
        variance = g2 - g1**2
        skewness = (g3 - 3 * g1 * variance - g1**3) / variance**1.5
        fourth = g4 - 4 * g1 * g3 + 6 * g1**2 * g2 - 3 * g1**4
        return self.scale * g1, self.scale**2 * variance, skewness, fourth / variance**2 - 3

    def _entropy(self) -> Floats:
        return EULER_GAMMA * (1 - 1 / self.k) + np.log(self.scale / self.k) + 1

    @classmethod
    def fit(cls, data: ArrayLike) -> "Weibull":
        r"""Maximum likelihood: $\frac{\sum x^k \log x}{\sum x^k} - \frac1k = \overline{\log x}$.

        The left side grows with k, so Newton's method with bisection finds the one root.
        """
        x = sample(data, "data", least=2)
        if (x <= 0).any() or np.ptp(x) == 0:
            raise ValueError("data must be above 0 and not all equal for a Weibull fit")
        logs = np.log(x) - np.log(x).max()
        k = 1.2 / logs.std()
        for _ in range(200):
            power = np.exp(k * logs)
            mean = (power @ logs) / power.sum()
            spread = (power @ logs**2) / power.sum() - mean**2
            step = (mean - 1 / k - logs.mean()) / (spread + 1 / k**2)
            k = max(k - step, k / 2)
            if abs(step) <= 1e-14 * k:
                break
        return cls(k, np.exp(np.log(x).max() + np.log(np.exp(k * logs).mean()) / k))
