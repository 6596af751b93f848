r"""The normal distribution and its exponential, the log-normal.

Both are fitted in closed form. Source: Casella and Berger, "Statistical inference" (2002), sections
3.3 and 7.2.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.distribution import ContinuousDistribution
from groundup.maths.error_function import normal_cdf, normal_quantile
from groundup.maths.gamma_functions import HALF_LOG_TWO_PI
from groundup.maths.numeric_input import Floats, parameter, sample
from groundup.maths.random_variates import box_muller


class Normal(ContinuousDistribution):
    r"""Density $\frac{1}{\sigma\sqrt{2\pi}} e^{-(x-\mu)^2/2\sigma^2}$; sigma is the deviation."""

    mu: Floats
    sigma: Floats

    def __init__(self, mu: ArrayLike = 0.0, sigma: ArrayLike = 1.0) -> None:
        self._keep(mu=parameter(mu, "mu"), sigma=parameter(sigma, "sigma", low=0))

    def _support(self) -> tuple[Floats, Floats]:
        return np.array(-np.inf), np.array(np.inf)

    def _log_density(self, x: Floats) -> Floats:
        return -0.5 * ((x - self.mu) / self.sigma) ** 2 - np.log(self.sigma) - HALF_LOG_TWO_PI

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        z = (x - self.mu) / self.sigma
        return normal_cdf(z), normal_cdf(-z)

    def _quantile(self, p: Floats, q: Floats) -> Floats:
        z = np.where(p <= q, normal_quantile(p), -normal_quantile(q))
        return self.mu + self.sigma * z

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        return self.mu + self.sigma * box_muller(rng, size)

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        zero = np.zeros(self.shape)
        return self.mu, self.sigma**2, zero, zero

    def _entropy(self) -> Floats:
        return HALF_LOG_TWO_PI + 0.5 + np.log(self.sigma)

    @classmethod
    def fit(cls, data: ArrayLike) -> "Normal":
        """Maximum likelihood: the mean, and the deviation with divisor n (which is biased)."""
        x = sample(data, "data", least=2)
        return cls(x.mean(), x.std())

    @classmethod
    def fit_moments(cls, data: ArrayLike) -> "Normal":
        """The moments of the data are those of the fit: here the same as `fit`."""
        return cls.fit(data)


class LogNormal(ContinuousDistribution):
    r"""The exponential of a normal variable: $\log X \sim N(\mu, \sigma^2)$, x > 0."""

    mu: Floats
    sigma: Floats

    def __init__(self, mu: ArrayLike = 0.0, sigma: ArrayLike = 1.0) -> None:
        self.log = Normal(mu, sigma)
        self._keep(**self.log.parameters)

    def _support(self) -> tuple[Floats, Floats]:
        return np.array(0.0), np.array(np.inf)

    def _log_density(self, x: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            log_x = np.log(x)
        return np.where(x > 0, self.log.log_pdf(log_x) - log_x, -np.inf)

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        with np.errstate(divide="ignore"):
            return self.log.cdf(np.log(x)), self.log.survival(np.log(x))

    def _quantile(self, p: Floats, q: Floats) -> Floats:
        return np.exp(self.log._quantile(p, q))

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        return np.exp(self.log.sample(rng, size))

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        growth = np.expm1(self.sigma**2)
        w = growth + 1
        mean = np.exp(self.mu + self.sigma**2 / 2)
        kurtosis = w**4 + 2 * w**3 + 3 * w**2 - 6
        return mean, growth * mean**2, (w + 2) * np.sqrt(growth), kurtosis

    def _entropy(self) -> Floats:
        return self.log.entropy() + self.mu

    @classmethod
    def fit(cls, data: ArrayLike) -> "LogNormal":
        """Maximum likelihood: the normal fit of the logarithms. ValueError unless all are > 0."""
        x = sample(data, "data", least=2)
        if (x <= 0).any():
            raise ValueError(f"data holds {x.min()}; a log-normal needs numbers above 0")
        normal = Normal.fit(np.log(x))
        return cls(normal.mu, normal.sigma)

    @classmethod
    def fit_moments(cls, data: ArrayLike) -> "LogNormal":
        r"""$\sigma^2 = \log(1 + s^2/\bar x^2)$, $\mu = \log\bar x - \sigma^2/2$."""
        x = sample(data, "data", least=2)
        if x.mean() <= 0:
            raise ValueError(f"data has mean {x.mean()}; a log-normal needs a mean above 0")
        square = np.log1p(x.var() / x.mean() ** 2)
        return cls(np.log(x.mean()) - square / 2, np.sqrt(square))
