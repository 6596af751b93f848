r"""Beta, Student's t and F: distribution functions of ratios, all by the incomplete beta function.

Sources: Johnson, Kotz and Balakrishnan, "Continuous univariate distributions" (1995), chapters 25,
27, 28; Liu and Rubin, "ML estimation of the t distribution using EM and its extensions" (1995).
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.distribution import ContinuousDistribution
from groundup.maths.gamma_functions import (
    HALF_LOG_TWO_PI,
    digamma,
    log_beta,
    log_minus_digamma,
    stirling_remainder,
    trigamma,
)
from groundup.maths.incomplete_beta import beta_quantile_pair, log_beta_kernel, log_incomplete_beta
from groundup.maths.likelihood import maximise_likelihood
from groundup.maths.numeric_input import Floats, broadcast, fill, parameter, sample
from groundup.maths.random_variates import box_muller, log_gamma_variates


class Beta(ContinuousDistribution):
    r"""Density $x^{a-1}(1-x)^{b-1}/B(a,b)$ on [0, 1]: what one believes about a probability."""

    a: Floats
    b: Floats

    def __init__(self, a: ArrayLike, b: ArrayLike) -> None:
        self._keep(a=parameter(a, "a", low=0), b=parameter(b, "b", low=0))

    def _support(self) -> tuple[Floats, Floats]:
        return np.array(0.0), np.array(1.0)

    def _log_density(self, x: Floats) -> Floats:
        inside = log_beta_kernel(self.a, self.b, x, 1 - x) - np.log(x) - np.log1p(-x)
        # at an end the density is infinite, finite or 0 as the exponent there is < 0, 0 or > 0
        power = np.where(x == 0, self.a, self.b)
        other = np.where(x == 0, self.b, self.a)
        at_end = np.where(power < 1, np.inf, np.where(power == 1, np.log(other), -np.inf))
        return np.where((x > 0) & (x < 1), inside, at_end)

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        log_p, log_q = log_incomplete_beta(self.a, self.b, x)
        return np.exp(log_p), np.exp(log_q)

    def _quantile(self, p: Floats, q: Floats) -> Floats:
        return beta_quantile_pair(self.a, self.b, p, q)[0]

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        """G / (G + H) of two gamma variables, by the difference of their logarithms."""
        log_odds = log_gamma_variates(rng, self.a, size) - log_gamma_variates(rng, self.b, size)
        return np.exp(-np.logaddexp(0, -log_odds))

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        a, b = self.a, self.b
        n = a + b
        skewness = 2 * (b - a) * np.sqrt(n + 1) / ((n + 2) * np.sqrt(a * b))
        fourth = 6 * ((a - b) ** 2 * (n + 1) - a * b * (n + 2)) / (a * b * (n + 2) * (n + 3))
        return a / n, a * b / (n**2 * (n + 1)), skewness, fourth

    def _entropy(self) -> Floats:
        a, b = broadcast(self.a, self.b)
        result = np.empty(a.shape)
        large = np.minimum(a, b) >= 10
        fill(result, ~large, _plain_entropy, a, b)
        fill(result, large, _entropy_by_stirling, a, b)
        return result

    @classmethod
    def fit(cls, data: ArrayLike) -> "Beta":
        r"""Maximum likelihood: $\psi(a) - \psi(a+b) = \overline{\log x}$, and b with 1 - x.

        Newton's method in (log a, log b) from the moments. ValueError unless 0 < x < 1.
        """
        x = sample(data, "data", least=2)
        if ((x <= 0) | (x >= 1)).any():
            raise ValueError("data must lie strictly between 0 and 1 for a beta fit")
        means = np.array([np.log(x).mean(), np.log1p(-x).mean()])
        start = cls.fit_moments(x)
        ab = np.array([start.a, start.b])
        for _ in range(200):
            n = ab.sum()
            gradient = digamma(n) - digamma(ab) + means
            hessian = trigamma(n) - np.diag(trigamma(ab))
            step = np.linalg.solve(hessian, gradient)
            ab = np.maximum(ab - step, ab / 4)  # a step of Newton's must not leave a, b > 0
            if (np.abs(step) <= 1e-13 * ab).all():
                break
        return cls(ab[0], ab[1])

    @classmethod
    def fit_moments(cls, data: ArrayLike) -> "Beta":
        r"""$n = \bar x (1 - \bar x)/s^2 - 1$, $a = n\bar x$, $b = n(1 - \bar x)$."""
        x = sample(data, "data", least=2)
        mean, variance = x.mean(), x.var()
        if not 0 < variance < mean * (1 - mean):
            raise ValueError(f"no beta distribution has mean {mean} and variance {variance}")
        n = mean * (1 - mean) / variance - 1
        return cls(n * mean, n * (1 - mean))


def _plain_entropy(a: Floats, b: Floats) -> Floats:
    parts = (a - 1) * digamma(a) + (b - 1) * digamma(b) - (a + b - 2) * digamma(a + b)
    result: Floats = log_beta(a, b) - parts
    return result


def _entropy_by_stirling(a: Floats, b: Floats) -> Floats:
    """The same with the logarithms that a, b >= 10 multiply cancelled on paper."""
    n = a + b
    corrections = stirling_remainder(a) + stirling_remainder(b) - stirling_remainder(n)
    slopes = (a - 1) * log_minus_digamma(a) + (b - 1) * log_minus_digamma(b)
    slopes = slopes - (n - 2) * log_minus_digamma(n)
    leading = 0.5 * np.log(a) + 0.5 * np.log(b) - 1.5 * np.log(n)
    return HALF_LOG_TWO_PI + leading + corrections + slopes


class StudentT(ContinuousDistribution):
    r"""$m + s\,Z/\sqrt{\chi^2_\nu/\nu}$: a mean's error when the deviation is estimated too."""

    df: Floats
    loc: Floats
    scale: Floats

    def __init__(self, df: ArrayLike, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> None:
        self._keep(
            df=parameter(df, "df", low=0),
            loc=parameter(loc, "loc"),
            scale=parameter(scale, "scale", low=0),
        )

    def _support(self) -> tuple[Floats, Floats]:
        return np.array(-np.inf), np.array(np.inf)

    def _log_density(self, x: Floats) -> Floats:
        z = (x - self.loc) / self.scale
        normaliser = log_beta(self.df / 2, 0.5) + 0.5 * np.log(self.df) + np.log(self.scale)
        # hypot keeps z^2 from overflowing, log1p keeps small ones
        far = 2 * np.log(np.hypot(1, z / np.sqrt(self.df)))
        bend = np.where(np.abs(z) < 1e100, np.log1p(z * z / self.df), far)
        return -normaliser - (self.df + 1) / 2 * bend

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        """P(|T| > t) = I_w(df/2, 1/2) with w = df / (df + t^2)."""
        z = (x - self.loc) / self.scale
        df = np.minimum(self.df, 1e100)  # normal long before
        ratio = np.abs(z) / np.sqrt(df)
        w, rest = (1 / np.hypot(1, ratio)) ** 2, (ratio / np.hypot(1, ratio)) ** 2
        rest = np.where(np.isinf(z), 1.0, rest)
        log_outside, log_inside = log_incomplete_beta(df / 2, 0.5, w, rest)
        tail = np.exp(log_outside) / 2
        # P(T > t) = 1/2 - P(|T| <= t) / 2 loses nothing, for it is above 1/4
        near = 0.5 + np.exp(log_inside) / 2
        return np.where(z < 0, tail, near), np.where(z < 0, near, tail)

    def _quantile(self, p: Floats, q: Floats) -> Floats:
        tail = np.minimum(p, q)
        middle = np.where(p <= q, q - p, p - q)  # P(|T| <= t)
        df = np.minimum(self.df, 1e100)
        w, rest = beta_quantile_pair(df / 2, 0.5, 2 * tail, middle)
        z = np.sqrt(df) * np.sqrt(rest) / np.sqrt(w)
        return self.loc + self.scale * np.where(p <= q, -z, z)

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        log_mean_square = log_gamma_variates(rng, self.df / 2, size) - np.log(self.df / 2)
        result: Floats = self.loc + self.scale * box_muller(rng, size) * np.exp(
            -log_mean_square / 2
        )
        return result

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        df, none = self.df, np.full(self.shape, np.nan)
        mean = np.where(df > 1, self.loc, none)
        variance = np.where(df > 2, self.scale**2 * df / (df - 2), np.where(df > 1, np.inf, none))
        kurtosis = np.where(df > 4, 6 / (df - 4), np.where(df > 2, np.inf, none))
        return mean, variance, np.where(df > 3, 0.0, none), kurtosis

    def _entropy(self) -> Floats:
        half = (self.df + 1) / 2
        # digamma(half) - digamma(df / 2), which cancel for many degrees of freedom
        gap = np.log1p(1 / self.df) + log_minus_digamma(self.df / 2) - log_minus_digamma(half)
        bend = half * gap
        return bend + 0.5 * np.log(self.df) + log_beta(self.df / 2, 0.5) + np.log(self.scale)

    @classmethod
    def fit(cls, data: ArrayLike) -> "StudentT":
        """Maximum likelihood over (loc, log scale, log df), df kept between e^-7 and 1e8.

        The likelihood grows towards the normal limit just where the fourth moment is not above the
        normal's; then the normal's estimates with df = 1e8 are returned.
        """
        x = sample(data, "data", least=3)
        middle, spread = np.median(x), x.std()
        if spread == 0:
            raise ValueError("all values of data are equal; a scale needs two different ones")

        def build(theta: Floats) -> "StudentT":
            df = np.exp(np.clip(theta[2], -7, math.log(1e8)))
            return cls(df, middle + spread * theta[0], spread * np.exp(np.clip(theta[1], -50, 50)))

        fourth = float((((x - x.mean()) / spread) ** 4).mean())
        if fourth <= 3:
            return cls(1e8, x.mean(), spread)
        start = [0.0, -0.3, min(math.log(4 + 6 / (fourth - 3)), 3.0)]
        best = maximise_likelihood(lambda theta: float(build(theta).log_likelihood(x)), start)
        return build(best.parameters)


class F(ContinuousDistribution):
    r"""$(\chi^2_m/m)/(\chi^2_n/n)$: the ratio of two estimates of one variance."""

    df1: Floats
    df2: Floats

    def __init__(self, df1: ArrayLike, df2: ArrayLike) -> None:
        self._keep(df1=parameter(df1, "df1", low=0), df2=parameter(df2, "df2", low=0))

    def _support(self) -> tuple[Floats, Floats]:
        return np.array(0.0), np.array(np.inf)

    def _shares(self, x: Floats) -> tuple[Floats, Floats]:
        """The share m x / (m x + n), which is beta(m/2, n/2), and 1 minus it."""
        ratio = self.df1 / self.df2 * x
        return np.where(np.isinf(x), 1.0, ratio / (1 + ratio)), 1 / (1 + ratio)

    def _log_density(self, x: Floats) -> Floats:
        share, rest = self._shares(x)
        inside = log_beta_kernel(self.df1 / 2, self.df2 / 2, share, rest) - np.log(x)
        at_zero = np.where(self.df1 < 2, np.inf, np.where(self.df1 == 2, 0.0, -np.inf))
        return np.where(x > 0, inside, at_zero)

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        log_p, log_q = log_incomplete_beta(self.df1 / 2, self.df2 / 2, *self._shares(x))
        return np.exp(log_p), np.exp(log_q)

    def _quantile(self, p: Floats, q: Floats) -> Floats:
        share, rest = beta_quantile_pair(self.df1 / 2, self.df2 / 2, p, q)
        return self.df2 / self.df1 * share / rest

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        top = log_gamma_variates(rng, self.df1 / 2, size) - np.log(self.df1)
        bottom = log_gamma_variates(rng, self.df2 / 2, size) - np.log(self.df2)
        return np.exp(top - bottom)

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        m, n, none = self.df1, self.df2, np.full(self.shape, np.nan)
        mean = np.where(n > 2, n / (n - 2), np.inf)
        variance = 2 * n**2 * (m + n - 2) / (m * (n - 2) ** 2 * (n - 4))
        root = np.sqrt(8 * (n - 4)) / ((n - 6) * np.sqrt(m * (m + n - 2)))
        skewness = np.where(n > 6, (2 * m + n - 2) * root, none)
        top = m * (5 * n - 22) * (m + n - 2) + (n - 4) * (n - 2) ** 2
        kurtosis = 12 * top / (m * (n - 6) * (n - 8) * (m + n - 2))
        no_variance = np.where(n > 2, np.inf, none)
        return (
            mean,
            np.where(n > 4, variance, no_variance),
            skewness,
            np.where(n > 8, kurtosis, none),
        )

    def _entropy(self) -> Floats:
        half1, half2 = self.df1 / 2, self.df2 / 2
        # that of its beta share, plus the mean log of the derivative (n/m) / (1 - share)^2
        log_rest = digamma(half2) - digamma(half1 + half2)
        result: Floats = Beta(half1, half2).entropy() + np.log(self.df2 / self.df1) - 2 * log_rest
        return result

    @classmethod
    def fit(cls, data: ArrayLike) -> "F":
        """Maximum likelihood over (log df1, log df2), each kept between e^-7 and e^9."""
        x = sample(data, "data", least=2)
        if (x <= 0).any():
            raise ValueError(f"data holds {x.min()}; F needs numbers above 0")

        def build(theta: Floats) -> "F":
            df1, df2 = np.exp(1 + 8 * np.tanh(theta / 8))
            return cls(df1, df2)

        best = maximise_likelihood(lambda theta: float(build(theta).log_likelihood(x)), [1.0, 1.0])
        return build(best.parameters)
