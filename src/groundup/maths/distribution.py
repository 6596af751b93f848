"""What every distribution can do, whatever its formula.

Parameters and points broadcast like NumPy arrays: `Normal([0, 5], 1).cdf([[1], [2]])` has shape (2,
2). A subclass gives formulas in underscored hooks; this file checks what comes in, keeps to the
support and derives the rest. `kurtosis` is the excess over the normal's. Left out: truncation and
mixtures.
"""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.maths.numeric_input import Floats, Seed, broadcast, generator, proportion, real
from groundup.maths.numeric_input import share_parameter as shares

Size = int | tuple[int, ...] | None


class Distribution(ABC):
    """A distribution on the line, or an array of them, one for each element of the parameters."""

    def _keep(self, **parameters: Floats) -> None:
        self.parameters = parameters
        """The parameters by name, as given."""
        self.shape = np.broadcast_shapes(*(value.shape for value in parameters.values()))
        """The shape of the array of distributions; () for one."""
        for name, value in parameters.items():
            setattr(self, name, value[()])

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{type(self).__name__}({inside})"

    @abstractmethod
    def _support(self) -> tuple[Floats, Floats]:
        """The least and the greatest possible value; may be infinite."""

    @abstractmethod
    def _log_density(self, x: Floats) -> Floats:
        """Log of density or probability inside the support."""

    @abstractmethod
    def _tails(self, x: Floats) -> tuple[Floats, Floats]:
        """P(X <= x) and P(X > x) inside the support, each to full precision."""

    @abstractmethod
    def _quantile(self, p: Floats, q: Floats) -> Floats:
        """The least x with P(X <= x) >= p, where q = 1 - p; 0 < p < 1."""

    @abstractmethod
    def _sample(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        """Independent draws of the shape `size`."""

    @abstractmethod
    def _moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Mean, variance, skewness, excess kurtosis; NaN or infinity where there is none."""

    @abstractmethod
    def _entropy(self) -> Floats:
        """Entropy in nats (differential entropy for densities)."""

    def cdf(self, x: ArrayLike) -> Floats:
        """P(X <= x)."""
        return self._both_tails(x)[0]

    def survival(self, x: ArrayLike) -> Floats:
        """P(X > x), with its own digits where it is far smaller than 1."""
        return self._both_tails(x)[1]

    def _both_tails(self, x: ArrayLike) -> tuple[Floats, Floats]:
        given = real(x, "x")
        low, high = self._support()
        inside = np.clip(np.where(np.isnan(given), 0.0, given), low, high)
        with np.errstate(all="ignore"):
            lower, upper = self._tails(inside)
        below, above, absent = given < low, given >= high, np.isnan(given)
        lower = np.where(absent, np.nan, np.where(below, 0.0, np.where(above, 1.0, lower)))
        upper = np.where(absent, np.nan, np.where(below, 1.0, np.where(above, 0.0, upper)))
        return lower[()], upper[()]

    def quantile(self, p: ArrayLike) -> Floats:
        """The least x with P(X <= x) >= p. Raises ValueError for p outside [0, 1]."""
        given = shares(p, "p")
        return self._quantiles(given, 1 - given)

    def upper_quantile(self, q: ArrayLike) -> Floats:
        """The x with P(X > x) = q: quantile(1 - q) without the rounding of 1 - q."""
        given = shares(q, "q")
        return self._quantiles(1 - given, given)

    def _quantiles(self, p: Floats, q: Floats) -> Floats:
        low, high = self._support()
        # 0.5 stands in for the ends, whose answer is the support's
        ends = (p == 0) | (q == 0)
        with np.errstate(all="ignore"):
            inside = self._quantile(np.where(ends, 0.5, p), np.where(ends, 0.5, q))
        lowest = (p == 0) & (q == 1)
        highest = (q == 0) & (p == 1)
        return np.where(lowest, low, np.where(highest, high, inside))[()]

    def interval(self, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """The central interval: as much probability is left out on either side."""
        rest = (1 - proportion(confidence, "confidence")) / 2
        return self.quantile(rest), self.upper_quantile(rest)

    def sample(self, rng: Seed = None, size: Size = None) -> Floats:
        """Independent draws; `size` must end in the parameters' shape, which is the default."""
        shape = self.shape if size is None else (size,) if isinstance(size, int) else tuple(size)
        if np.broadcast_shapes(shape, self.shape) != shape:
            raise ValueError(f"size {shape} cannot hold parameters of shape {self.shape}")
        return self._sample(generator(rng), shape)[()]

    @property
    def mean(self) -> Floats:
        """E X; NaN where the integral does not exist."""
        return self._moment(0)

    @property
    def variance(self) -> Floats:
        """E (X - mean)^2."""
        return self._moment(1)

    @property
    def deviation(self) -> Floats:
        """The standard deviation: the root of the variance."""
        return np.sqrt(self.variance)

    @property
    def skewness(self) -> Floats:
        """E ((X - mean) / deviation)^3."""
        return self._moment(2)

    @property
    def kurtosis(self) -> Floats:
        """E ((X - mean) / deviation)^4 - 3."""
        return self._moment(3)

    def _moment(self, which: int) -> Floats:
        with np.errstate(all="ignore"):
            return np.broadcast_to(self._moments()[which], self.shape)[()]

    def entropy(self) -> Floats:
        """E(-log p(X)) in nats."""
        return np.broadcast_to(self._entropy(), self.shape)[()]

    def log_likelihood(self, data: ArrayLike) -> Floats:
        """Sum of the log densities of all data, for one distribution (not an array of them)."""
        return np.asarray(np.sum(self._log_mass(data)))[()]

    def _log_mass(self, x: ArrayLike) -> Floats:
        given = real(x, "x")
        low, high = self._support()
        with np.errstate(all="ignore"):
            value = self._log_density(np.clip(given, low, high))
        # no point at infinity has a density or a probability
        outside = (given < low) | (given > high) | np.isinf(given)
        value = np.where(outside, -np.inf, value)
        return np.where(np.isnan(given), np.nan, value)[()]


class ContinuousDistribution(Distribution):
    """A distribution with a density."""

    def log_pdf(self, x: ArrayLike) -> Floats:
        """Log of the density; minus infinity outside the support."""
        return self._log_mass(x)

    def pdf(self, x: ArrayLike) -> Floats:
        """The density; 0 outside the support."""
        return np.exp(self._log_mass(x))


class DiscreteDistribution(Distribution):
    """A distribution on whole numbers."""

    def log_pmf(self, k: ArrayLike) -> Floats:
        """Log of P(X = k); minus infinity where k is impossible or not whole."""
        return self._log_mass(k)

    def pmf(self, k: ArrayLike) -> Floats:
        """P(X = k)."""
        return np.exp(self._log_mass(k))

    def _log_mass(self, x: ArrayLike) -> Floats:
        given = real(x, "k")
        fractional = np.isfinite(given) & (given != np.floor(given))
        value = super()._log_mass(np.floor(given))
        return np.where(fractional, -np.inf, value)[()]

    def _both_tails(self, x: ArrayLike) -> tuple[Floats, Floats]:
        return super()._both_tails(np.floor(real(x, "k")))

    def _quantile(self, p: Floats, q: Floats) -> Floats:
        """Bracket by doubling steps around the mean, then bisect whole numbers."""
        p, q, middle, spread = broadcast(p, q, np.floor(self.mean), np.ceil(self.deviation))
        low, high = np.broadcast_arrays(*self._support(), p)[:2]
        left, right, reach = middle - 1, middle + 0.0, np.maximum(spread, 1)
        while (short := ~self._reaches(right, p, q) & (right < high)).any():
            left, right = np.where(short, right, left), np.where(short, right + reach, right)
            reach = reach * 2
        left, reach = np.where(left < middle, right - np.maximum(spread, 1), left), spread + 1
        while (far := self._reaches(left, p, q) & (left >= low)).any():
            right, left = np.where(far, left, right), np.where(far, left - reach, left)
            reach = reach * 2
        while (right - left > 1).any():
            half = np.floor((left + right) / 2)
            enough = self._reaches(half, p, q)
            left, right = np.where(enough, left, half), np.where(enough, half, right)
        return np.clip(right, low, high)

    def _reaches(self, k: Floats, p: Floats, q: Floats) -> NDArray[np.bool_]:
        """Whether P(X <= k) >= p, asked of the smaller tail."""
        lower, upper = self._both_tails(k)
        return np.where(p <= q, lower >= p, upper <= q)

    def _entropy(self) -> Floats:
        """Summed over all values but the last 1e-20 of probability."""
        low, high = self.quantile(1e-20), self.upper_quantile(1e-20)
        flat = [np.broadcast_to(value, self.shape).ravel() for value in (low, high)]
        values = []
        for i, (first, last) in enumerate(zip(*flat, strict=True)):
            one = type(self)(
                *(np.broadcast_to(v, self.shape).flat[i] for v in self.parameters.values())
            )
            log_p = one.log_pmf(np.arange(first, last + 1))
            log_p = log_p[np.isfinite(log_p)]
            values.append(0.0 - np.sum(np.exp(log_p) * log_p))
        return np.array(values).reshape(self.shape)
