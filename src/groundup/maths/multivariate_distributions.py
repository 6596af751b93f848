r"""Distributions of vectors: multivariate normal, Dirichlet, multinomial.

Points have shape (..., k), results shape (...). Sources: Mardia, Kent and Bibby, "Multivariate
analysis" (1979), chapter 3; Minka, "Estimating a Dirichlet distribution" (2000).
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.distribution import Size
from groundup.maths.gamma_distributions import inverse_digamma
from groundup.maths.gamma_functions import HALF_LOG_TWO_PI, digamma, log_gamma, trigamma
from groundup.maths.numeric_input import Floats, Seed, generator, real, sample, whole
from groundup.maths.random_variates import box_muller, log_concave_counts, log_gamma_variates
from groundup.maths.saddle_point import log_binomial_kernel


def _shape(size: Size) -> tuple[int, ...]:
    return () if size is None else (size,) if isinstance(size, int) else tuple(size)


def _points(x: ArrayLike, width: int) -> Floats:
    points = real(x, "x")
    if points.ndim == 0 or points.shape[-1] != width:
        raise ValueError(f"x has shape {points.shape}; its last dimension must be {width}")
    return points


def _rows(data: ArrayLike, least: int) -> Floats:
    x = real(data, "data")
    if x.ndim != 2 or x.shape[0] < least or not np.isfinite(x).all():
        raise ValueError(f"data has shape {x.shape}; wanted {least} or more finite rows")
    return x


class MultivariateNormal:
    r"""Density $(2\pi)^{-k/2} |\Sigma|^{-1/2} e^{-(x-\mu)^\top\Sigma^{-1}(x-\mu)/2}$.

    With the Cholesky factor $\Sigma = LL^\top$, $L^{-1}(x - \mu)$ is standard normal and
    $\mu + Lz$ is a sample. Raises ValueError unless the covariance is symmetric positive definite.
    """

    def __init__(self, mean: ArrayLike, covariance: ArrayLike) -> None:
        self.mean, self.covariance = sample(mean, "mean"), real(covariance, "covariance")
        size = self.mean.size
        if self.covariance.shape != (size, size):
            raise ValueError(f"covariance has shape {self.covariance.shape}; wanted {(size, size)}")
        if not np.allclose(self.covariance, self.covariance.T, rtol=1e-10, atol=0):
            raise ValueError("covariance is not symmetric")
        try:
            self._factor = np.linalg.cholesky(self.covariance)
        except np.linalg.LinAlgError:
            raise ValueError(
                "covariance is not positive definite; leave out dependent coordinates"
            ) from None

    def log_pdf(self, x: ArrayLike) -> Floats:
        """Log density at points of shape (..., k)."""
        offset = _points(x, self.mean.size) - self.mean
        flat = np.linalg.solve(self._factor, offset.reshape(-1, self.mean.size).T)
        square = np.sum(flat**2, axis=0).reshape(offset.shape[:-1])
        result: Floats = (-0.5 * square - self._log_scale())[()]
        return result

    def pdf(self, x: ArrayLike) -> Floats:
        """Density at points of shape (..., k)."""
        return np.exp(self.log_pdf(x))

    def _log_scale(self) -> float:
        return float(np.log(np.diag(self._factor)).sum() + self.mean.size * HALF_LOG_TWO_PI)

    def sample(self, rng: Seed = None, size: Size = None) -> Floats:
        """Draws of shape (*size, k)."""
        z = box_muller(generator(rng), (*_shape(size), self.mean.size))
        return self.mean + z @ self._factor.T

    def entropy(self) -> float:
        r"""$\frac k2 (1 + \log 2\pi) + \frac12\log|\Sigma|$ nats."""
        return self._log_scale() + self.mean.size / 2

    def kl(self, other: "MultivariateNormal") -> float:
        r"""$\frac12[\mathrm{tr}(\Sigma_2^{-1}\Sigma_1) + m^\top\Sigma_2^{-1}m - k +
        \log|\Sigma_2|/|\Sigma_1|]$.
        """
        ratio = np.linalg.solve(other._factor, self._factor)
        shift = np.linalg.solve(other._factor, other.mean - self.mean)
        logs = other._log_scale() - self._log_scale()
        return float(0.5 * (np.sum(ratio**2) + shift @ shift - self.mean.size) + logs)

    def marginal(self, keep: list[int]) -> "MultivariateNormal":
        """The distribution of the coordinates `keep` alone."""
        return MultivariateNormal(self.mean[keep], self.covariance[np.ix_(keep, keep)])

    def conditional(self, known: list[int], values: ArrayLike) -> "MultivariateNormal":
        r"""The others given these: $\mu_1 + \Sigma_{12}\Sigma_{22}^{-1}(x_2 - \mu_2)$."""
        rest = [i for i in range(self.mean.size) if i not in known]
        cross = self.covariance[np.ix_(rest, known)]
        gain = np.linalg.solve(self.covariance[np.ix_(known, known)], cross.T).T
        mean = self.mean[rest] + gain @ (sample(values, "values") - self.mean[known])
        covariance = self.covariance[np.ix_(rest, rest)] - gain @ cross.T
        return MultivariateNormal(mean, (covariance + covariance.T) / 2)

    @classmethod
    def fit(cls, data: ArrayLike) -> "MultivariateNormal":
        """Maximum likelihood from rows of shape (n, k): mean and covariance with divisor n."""
        x = _rows(data, 2)
        offset = x - x.mean(axis=0)
        return cls(x.mean(axis=0), offset.T @ offset / x.shape[0])


class Dirichlet:
    r"""Density $\frac{\Gamma(\sum a)}{\prod\Gamma(a_i)} \prod x_i^{a_i-1}$ over shares that sum to
    1.
    """

    def __init__(self, a: ArrayLike) -> None:
        self.a = sample(a, "a", least=2)
        if (self.a <= 0).any():
            raise ValueError(f"a holds {self.a.min()}; wanted numbers above 0")

    @property
    def mean(self) -> Floats:
        """The shares a / sum(a)."""
        mean: Floats = self.a / self.a.sum()
        return mean

    @property
    def covariance(self) -> Floats:
        """(diag(m) - m m^T) / (sum(a) + 1) with m the mean; shape (k, k)."""
        covariance: Floats = (np.diag(self.mean) - np.outer(self.mean, self.mean)) / (
            self.a.sum() + 1
        )
        return covariance

    def _log_normaliser(self) -> float:
        return float(log_gamma(self.a).sum() - log_gamma(self.a.sum()))

    def log_pdf(self, x: ArrayLike) -> Floats:
        """Log density at shares of shape (..., k); minus infinity off the simplex (by 1e-9)."""
        points = _points(x, self.a.size)
        on = (points >= 0).all(axis=-1) & (np.abs(points.sum(axis=-1) - 1) < 1e-9)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(self.a == 1, 0, (self.a - 1) * np.log(points))
        return np.where(on, terms.sum(axis=-1) - self._log_normaliser(), -np.inf)[()]

    def pdf(self, x: ArrayLike) -> Floats:
        """Density at shares of shape (..., k)."""
        return np.exp(self.log_pdf(x))

    def sample(self, rng: Seed = None, size: Size = None) -> Floats:
        """Draws of shape (*size, k): gamma variables divided by their sum, by way of logarithms."""
        logs = log_gamma_variates(generator(rng), self.a, (*_shape(size), self.a.size))
        shares = np.exp(logs - logs.max(axis=-1, keepdims=True))
        draws: Floats = shares / shares.sum(axis=-1, keepdims=True)
        return draws

    def entropy(self) -> float:
        r"""$\log B(a) + (a_0 - k)\psi(a_0) - \sum(a_i - 1)\psi(a_i)$ nats."""
        total = self.a.sum()
        spread = (total - self.a.size) * digamma(total) - (self.a - 1) @ digamma(self.a)
        return float(self._log_normaliser() + spread)

    @classmethod
    def fit(cls, data: ArrayLike) -> "Dirichlet":
        r"""Maximum likelihood: $\psi(a_i) = \psi(a_0) + \overline{\log x_i}$, by Newton's method.

        The Hessian is a diagonal plus a constant and is inverted in O(k) (Minka 2000, section 1);
        fixed-point steps come first. ValueError unless all shares are above 0.
        """
        x = _rows(data, 2)
        if (x <= 0).any() or not np.allclose(x.sum(axis=1), 1, atol=1e-9):
            raise ValueError("data must be rows of shares above 0 that sum to 1")
        if (x == x[0]).all():
            raise ValueError("all rows of data are equal; a Dirichlet fit needs different ones")
        logs = np.log(x).mean(axis=0)
        a = np.ones(x.shape[1])
        for _ in range(20):
            a = inverse_digamma(digamma(a.sum()) + logs)
        for _ in range(100):
            gradient = digamma(a.sum()) - digamma(a) + logs
            diagonal, constant = -trigamma(a), trigamma(a.sum())
            shift = (gradient / diagonal).sum() / (1 / constant + (1 / diagonal).sum())
            step = (gradient - shift) / diagonal
            a = np.maximum(a - step, a / 4)
            if (np.abs(step) <= 1e-13 * a).all():
                break
        return cls(a)


class Multinomial:
    r"""Counts of k outcomes in n trials: $\frac{n!}{\prod x_i!}\prod p_i^{x_i}$."""

    def __init__(self, n: int, p: ArrayLike) -> None:
        self.n, self.p = whole(n, "n"), sample(p, "p")
        if (self.p < 0).any() or abs(self.p.sum() - 1) > 1e-9:
            raise ValueError(f"p sums to {self.p.sum()}; wanted probabilities that sum to 1")

    @property
    def mean(self) -> Floats:
        """The mean counts n p."""
        return self.n * self.p

    @property
    def covariance(self) -> Floats:
        """The matrix n (diag(p) - p p^T), shape (k, k)."""
        covariance: Floats = self.n * (np.diag(self.p) - np.outer(self.p, self.p))
        return covariance

    def log_pmf(self, x: ArrayLike) -> Floats:
        """Log probability of counts of shape (..., k); minus infinity unless they sum to n.

        A chain of binomials: each outcome among the trials that earlier ones left.
        """
        counts = _points(x, self.p.size)
        whole_counts = ((counts >= 0) & (counts == np.floor(counts))).all(axis=-1)
        possible = whole_counts & (counts.sum(axis=-1) == self.n)
        inside = np.where(possible[..., None], counts, 0)
        total = np.zeros(counts.shape[:-1])
        for i, share, rest in self._chain():
            left = inside[..., i + 1 :].sum(axis=-1)
            total = total + log_binomial_kernel(inside[..., i], left, share, rest)
        return np.where(possible, total, -np.inf)[()]

    def pmf(self, x: ArrayLike) -> Floats:
        """Probability of counts of shape (..., k)."""
        return np.exp(self.log_pmf(x))

    def _chain(self) -> list[tuple[int, Floats, Floats]]:
        """(i, p_i / (p_i + later ones), later ones / (p_i + later ones))."""
        later = np.append(np.cumsum(self.p[:0:-1])[::-1], 0.0)
        whole_share = np.maximum(self.p + later, 1e-300)
        parts = zip(self.p / whole_share, later / whole_share, strict=True)
        return [(i, share, rest) for i, (share, rest) in enumerate(parts)][:-1]

    def sample(self, rng: Seed = None, size: Size = None) -> Floats:
        """Draws of shape (*size, k), outcome by outcome."""
        source, shape = generator(rng), _shape(size)
        left, counts = np.full(shape, float(self.n)), []
        for _, share, rest in self._chain():
            mode = np.minimum(np.floor((left + 1) * share), left)
            given = (left, np.asarray(share), np.asarray(rest))
            counts.append(log_concave_counts(source, _log_pmf, mode, given, shape))
            left = left - counts[-1]
        return np.stack([*counts, left], axis=-1)

    @classmethod
    def fit(cls, data: ArrayLike) -> "Multinomial":
        """Maximum likelihood from rows of counts, shape (m, k), all of one sum: pooled shares."""
        x = _rows(data, 1)
        totals = x.sum(axis=1)
        if (x < 0).any() or (totals != totals[0]).any():
            raise ValueError("data must be rows of counts that all have the same sum")
        return cls(int(totals[0]), x.sum(axis=0) / x.sum())


def _log_pmf(k: Floats, n: Floats, p: Floats, q: Floats) -> Floats:
    possible = (k >= 0) & (k <= n)
    inside = np.clip(k, 0, n)
    return np.where(possible, log_binomial_kernel(inside, n - inside, p, q), -np.inf)
