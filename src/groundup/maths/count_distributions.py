r"""Counts: Bernoulli, binomial, geometric, negative binomial, Poisson.

Probabilities come from Loader's saddle-point form, distribution functions from the incomplete beta
and gamma functions, samples from one rejection method for all log-concave counts. Source: Johnson,
Kemp and Kotz, "Univariate discrete distributions" (2005), chapters 3 to 5.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.distribution import DiscreteDistribution
from groundup.maths.gamma_functions import digamma, trigamma
from groundup.maths.incomplete_beta import log_incomplete_beta
from groundup.maths.incomplete_gamma import log_incomplete_gamma
from groundup.maths.numeric_input import Floats, parameter, sample, share_parameter, whole
from groundup.maths.numeric_input import whole_parameter as whole_numbers
from groundup.maths.random_variates import log_concave_counts, log_gamma_variates, uniforms
from groundup.maths.saddle_point import log_binomial_kernel, log_poisson_kernel


def _counts(data: ArrayLike) -> Floats:
    x = sample(data, "data")
    if ((x < 0) | (x != np.floor(x))).any():
        raise ValueError("data must be counts: whole numbers of at least 0")
    return x


def _log_binomial_pmf(k: Floats, n: Floats, p: Floats) -> Floats:
    possible = (k >= 0) & (k <= n)
    inside = np.clip(k, 0, n)
    return np.where(possible, log_binomial_kernel(inside, n - inside, p, 1 - p), -np.inf)


def _log_poisson_pmf(k: Floats, rate: Floats) -> Floats:
    return np.where(k >= 0, log_poisson_kernel(np.maximum(k, 0), rate), -np.inf)


class Binomial(DiscreteDistribution):
    r"""Successes in n trials of probability p: $\binom{n}{k} p^k (1-p)^{n-k}$."""

    n: Floats
    p: Floats

    def __init__(self, n: ArrayLike, p: ArrayLike) -> None:
        self._keep(n=whole_numbers(n, "n"), p=share_parameter(p, "p"))

    def _support(self) -> tuple[Floats, Floats]:
        return np.zeros(self.shape), self.n

    def _log_density(self, x: Floats) -> Floats:
        return _log_binomial_pmf(x, self.n, self.p)

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        """P(X <= k) = I_(1-p)(n - k, k + 1)."""
        last = x >= self.n
        left = np.where(last, 1, self.n - x)
        log_upper, log_lower = log_incomplete_beta(x + 1, left, self.p, 1 - self.p)
        return np.where(last, 1, np.exp(log_lower)), np.where(last, 0, np.exp(log_upper))

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        mode = np.minimum(np.floor((self.n + 1) * self.p), self.n)
        return log_concave_counts(rng, _log_binomial_pmf, mode, (self.n, self.p), size)

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        n, p = self.n, self.p
        variance = n * p * (1 - p)
        return n * p, variance, (1 - 2 * p) / np.sqrt(variance), (1 - 6 * p * (1 - p)) / variance

    @classmethod
    def fit(cls, data: ArrayLike, trials: int) -> "Binomial":
        """Maximum likelihood for a known number of trials n: p = mean / n."""
        x, n = _counts(data), whole(trials, "trials", low=1)
        if x.max() > n:
            raise ValueError(f"data holds {x.max()} successes, more than {n} trials")
        return cls(n, x.mean() / n)

    @classmethod
    def fit_moments(cls, data: ArrayLike) -> "Binomial":
        r"""With n unknown: $p = 1 - s^2/\bar x$, n the whole number next to $\bar x / p$."""
        x = _counts(data)
        if not x.var() < x.mean():
            raise ValueError(f"variance {x.var()} is not below the mean {x.mean()}: not binomial")
        n = max(round(x.mean() / (1 - x.var() / x.mean())), int(x.max()))
        return cls(n, x.mean() / n)


class Bernoulli(Binomial):
    """One trial: 1 with probability p, else 0."""

    def __init__(self, p: ArrayLike) -> None:
        super().__init__(1, p)
        self._keep(p=share_parameter(p, "p"))

    @classmethod
    def fit(cls, data: ArrayLike, trials: int = 1) -> "Bernoulli":
        """Maximum likelihood: the share of ones."""
        return cls(float(Binomial.fit(data, trials).p))

    @classmethod
    def fit_moments(cls, data: ArrayLike) -> "Bernoulli":
        """The mean: the same as `fit`."""
        return cls.fit(data)


class Geometric(DiscreteDistribution):
    r"""Trials up to the first success: $P(k) = p (1-p)^{k-1}$, k = 1, 2, ..."""

    p: Floats

    def __init__(self, p: ArrayLike) -> None:
        share = share_parameter(p, "p")
        if (share == 0).any():
            raise ValueError("p is 0; wanted p > 0, or the first success never comes")
        self._keep(p=share)

    def _support(self) -> tuple[Floats, Floats]:
        return np.ones(self.shape), np.array(np.inf)

    def _log_density(self, x: Floats) -> Floats:
        later = np.where(x > 1, (x - 1) * np.log1p(-self.p), 0)
        return np.log(self.p) + later

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        log_upper = x * np.log1p(-self.p)
        return -np.expm1(log_upper), np.exp(log_upper)

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        with np.errstate(divide="ignore"):
            return np.maximum(np.ceil(np.log(uniforms(rng, size)) / np.log1p(-self.p)), 1)

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        p, q = self.p, 1 - self.p
        return 1 / p, q / p**2, (2 - p) / np.sqrt(q), 6 + p**2 / q

    def _entropy(self) -> Floats:
        p = np.asarray(self.p)
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = np.where(p < 1, (1 - p) / p * np.log1p(-p), 0)
        return 0.0 - (np.log(p) + rest)

    @classmethod
    def fit(cls, data: ArrayLike) -> "Geometric":
        """Maximum likelihood: one over the mean. ValueError for values below 1."""
        x = _counts(data)
        if (x < 1).any():
            raise ValueError("data holds 0; this geometric distribution starts at 1")
        return cls(1 / x.mean())

    @classmethod
    def fit_moments(cls, data: ArrayLike) -> "Geometric":
        """The same as `fit`."""
        return cls.fit(data)


class Poisson(DiscreteDistribution):
    r"""Events where `rate` are expected: $P(k) = \lambda^k e^{-\lambda}/k!$."""

    rate: Floats

    def __init__(self, rate: ArrayLike) -> None:
        self._keep(rate=parameter(rate, "rate", low=0))

    def _support(self) -> tuple[Floats, Floats]:
        return np.array(0.0), np.array(np.inf)

    def _log_density(self, x: Floats) -> Floats:
        return log_poisson_kernel(x, self.rate)

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        log_upper, log_lower = log_incomplete_gamma(np.minimum(x, 1e300) + 1, self.rate)
        return np.exp(log_lower), np.exp(log_upper)

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        return log_concave_counts(rng, _log_poisson_pmf, np.floor(self.rate), (self.rate,), size)

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        return self.rate, self.rate, 1 / np.sqrt(self.rate), 1 / self.rate

    @classmethod
    def fit(cls, data: ArrayLike) -> "Poisson":
        """Maximum likelihood: the mean. ValueError where it is 0."""
        return cls(_counts(data).mean())

    @classmethod
    def fit_moments(cls, data: ArrayLike) -> "Poisson":
        """The same as `fit`."""
        return cls.fit(data)


class NegativeBinomial(DiscreteDistribution):
    r"""Failures before the r-th success, or a Poisson whose rate is gamma: over-dispersed counts.

    $P(k) = \frac{\Gamma(k+r)}{k!\,\Gamma(r)} p^r (1-p)^k$, k = 0, 1, ...; r > 0 need not be whole.
    """

    r: Floats
    p: Floats

    def __init__(self, r: ArrayLike, p: ArrayLike) -> None:
        share = share_parameter(p, "p")
        if (share == 0).any():
            raise ValueError("p is 0; wanted p > 0, or the successes never come")
        self._keep(r=parameter(r, "r", low=0), p=share)

    def _support(self) -> tuple[Floats, Floats]:
        return np.array(0.0), np.array(np.inf)

    def _log_density(self, x: Floats) -> Floats:
        """The binomial kernel with r successes in k + r trials, times r / (k + r)."""
        kernel = log_binomial_kernel(self.r, x, self.p, 1 - self.p)
        return kernel + np.log(self.r) - np.log(self.r + x)

    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        """P(X <= k) = I_p(r, k + 1)."""
        log_lower, log_upper = log_incomplete_beta(
            self.r, np.minimum(x, 1e300) + 1, self.p, 1 - self.p
        )
        return np.exp(log_lower), np.exp(log_upper)

    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        """A Poisson variable whose rate is gamma with shape r and rate p / (1 - p)."""
        rate = np.exp(log_gamma_variates(rng, self.r, size)) * (1 - self.p) / self.p
        rate = np.maximum(rate, 1e-300)
        return log_concave_counts(rng, _log_poisson_pmf, np.floor(rate), (rate,), size)

    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        r, p, q = self.r, self.p, 1 - self.p
        skewness, kurtosis = (2 - p) / np.sqrt(r * q), 6 / r + p**2 / (r * q)
        return r * q / p, r * q / p**2, skewness, kurtosis

    @classmethod
    def fit(cls, data: ArrayLike) -> "NegativeBinomial":
        r"""Maximum likelihood: p = r / (r + mean), r by Newton's method in log r.

        ValueError where the variance does not exceed the mean: the likelihood then grows towards
        the Poisson limit of infinite r.
        """
        x = _counts(data)
        mean, r = x.mean(), float(cls.fit_moments(x).r)
        for _ in range(200):
            score = float((digamma(x + r) - digamma(r)).mean() - np.log1p(mean / r))
            curve = float((trigamma(x + r) - trigamma(r)).mean() + mean / (r * (r + mean)))
            # in t = log r; away from the maximum the curvature may have the wrong sign
            slope, bend = r * score, r * r * curve + r * score
            step = slope / -bend if bend < 0 else np.sign(slope)
            r *= float(np.exp(np.clip(step, -2, 2)))
            if abs(step) <= 1e-13:
                break
        return cls(r, r / (r + mean))

    @classmethod
    def fit_moments(cls, data: ArrayLike) -> "NegativeBinomial":
        r"""$p = \bar x/s^2$, $r = \bar x^2/(s^2 - \bar x)$."""
        x = _counts(data)
        mean, variance = x.mean(), x.var()
        if not variance > mean:
            raise ValueError(
                f"variance {variance} does not exceed the mean {mean}; fit a Poisson instead"
            )
        return cls(mean**2 / (variance - mean), mean / variance)
