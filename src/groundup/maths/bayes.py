r"""Bayes' theorem, and the priors for which it stays in closed form.

$p(\theta|x) = p(x|\theta)\,p(\theta)/p(x)$. A conjugate prior is one whose posterior has the same
form: learning is then adding counts. Each class is a belief; `update` returns a new one;
`log_evidence` is the log probability of data under the belief. Source: Gelman et al., "Bayesian
data analysis" (2013), chapters 2 and 3. Left out: Markov chain Monte Carlo and variational
inference.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.beta_distributions import Beta, StudentT
from groundup.maths.count_distributions import NegativeBinomial
from groundup.maths.gamma_distributions import Gamma
from groundup.maths.gamma_functions import HALF_LOG_TWO_PI, log_beta, log_binomial, log_gamma
from groundup.maths.information import probabilities
from groundup.maths.normal_distributions import Normal
from groundup.maths.numeric_input import Floats, real, sample, whole
from groundup.swap import replaceable


@replaceable
def posterior(prior: ArrayLike, likelihood: ArrayLike) -> Floats:
    """Bayes' theorem on a table: prior (k,) times likelihoods (..., k), normalised, shape (..., k).

    Raises ValueError where the data are impossible under every hypothesis.
    """
    chances, given = probabilities(prior, "prior"), real(likelihood, "likelihood")
    if not (np.isfinite(given) & (given >= 0)).all():
        raise ValueError("likelihood holds negative numbers, NaN or infinity")
    joint = chances * given
    evidence = joint.sum(axis=-1, keepdims=True)
    if (evidence == 0).any():
        raise ValueError("no hypothesis allows the data; give one a positive prior and likelihood")
    result: Floats = joint / evidence
    return result


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"{name} is {value}; wanted a finite number above 0")


def _counts(data: ArrayLike) -> Floats:
    x = sample(data, "data")
    if ((x < 0) | (x != np.floor(x))).any():
        raise ValueError("data must be counts: whole numbers of at least 0")
    return x


@dataclass(frozen=True)
class BetaBinomial:
    """A belief about a probability: Beta(a, b), as if a successes and b failures were seen."""

    a: float = 1.0
    b: float = 1.0

    def __post_init__(self) -> None:
        _positive(a=self.a, b=self.b)

    @property
    def belief(self) -> Beta:
        """The distribution of the probability; its `interval` is the credible interval."""
        return Beta(self.a, self.b)

    def update(self, successes: int, failures: int) -> "BetaBinomial":
        """Add the counts: a + successes, b + failures."""
        if min(successes, failures) < 0:
            raise ValueError(f"counts {successes}, {failures} must not be negative")
        return BetaBinomial(self.a + successes, self.b + failures)

    def predictive(self, n: int) -> Floats:
        r"""Chances of 0, ..., n successes in n trials: $\binom nk B(a+k, b+n-k)/B(a,b)$."""
        n = whole(n, "n")
        k = np.arange(n + 1)
        kernel = log_beta(self.a + k, self.b + n - k) - log_beta(self.a, self.b)
        return np.exp(log_binomial(n, k) + kernel)

    def log_evidence(self, successes: int, failures: int) -> float:
        """Log probability of one order of these outcomes: log B(a + s, b + f) - log B(a, b)."""
        after = self.update(successes, failures)
        return float(log_beta(after.a, after.b) - log_beta(self.a, self.b))


@dataclass(frozen=True)
class DirichletMultinomial:
    """A belief about k probabilities: Dirichlet(a), shape (k,). a = 1 is Laplace's smoothing."""

    a: tuple[float, ...]

    def __post_init__(self) -> None:
        for i, value in enumerate(self.a):
            _positive(**{f"a[{i}]": value})

    def update(self, counts: ArrayLike) -> "DirichletMultinomial":
        """Add the counts to a."""
        return DirichletMultinomial(tuple((np.array(self.a) + self._checked(counts)).tolist()))

    @property
    def predictive(self) -> Floats:
        """Chances of the next outcome: a / sum(a), shape (k,)."""
        a = np.array(self.a)
        chances: Floats = a / a.sum()
        return chances

    def log_evidence(self, counts: ArrayLike) -> float:
        r"""Log probability of one order of the outcomes: $\log B(a + n) - \log B(a)$."""
        a, n = np.array(self.a), self._checked(counts)
        rises = (log_gamma(a + n) - log_gamma(a)).sum()
        return float(rises - log_gamma(a.sum() + n.sum()) + log_gamma(a.sum()))

    def _checked(self, counts: ArrayLike) -> Floats:
        n = _counts(counts)
        if n.size != len(self.a):
            raise ValueError(f"{n.size} counts for {len(self.a)} outcomes")
        return n


@dataclass(frozen=True)
class GammaPoisson:
    """A belief about a rate: Gamma(a, rate b), as if a events were seen in b units of time."""

    a: float = 1.0
    b: float = 1.0

    def __post_init__(self) -> None:
        _positive(a=self.a, b=self.b)

    @property
    def belief(self) -> Gamma:
        """The distribution of the rate."""
        return Gamma(self.a, self.b)

    def update(self, counts: ArrayLike) -> "GammaPoisson":
        """Add: a + sum of counts, b + number of counts (each over one unit of time)."""
        x = _counts(counts)
        return GammaPoisson(self.a + float(x.sum()), self.b + x.size)

    @property
    def predictive(self) -> NegativeBinomial:
        """The next count: negative binomial with r = a, p = b / (b + 1)."""
        return NegativeBinomial(self.a, self.b / (self.b + 1))

    def log_evidence(self, counts: ArrayLike) -> float:
        """Log probability of the counts in their order."""
        x, after = _counts(counts), self.update(counts)
        before = self.a * math.log(self.b) - float(log_gamma(self.a))
        later = float(log_gamma(after.a)) - after.a * math.log(after.b)
        return before + later - float(log_gamma(x + 1).sum())


@dataclass(frozen=True)
class NormalNormal:
    """A belief about a mean when the deviation `noise` of one observation is known."""

    mean: float
    deviation: float
    noise: float

    def __post_init__(self) -> None:
        _positive(deviation=self.deviation, noise=self.noise)

    @property
    def belief(self) -> Normal:
        """The distribution of the mean."""
        return Normal(self.mean, self.deviation)

    def update(self, data: ArrayLike) -> "NormalNormal":
        """Precisions add; the new mean is the average weighted with them."""
        x = sample(data, "data")
        prior, evidence = self.deviation**-2, x.size * self.noise**-2
        total = prior + evidence
        mean = (prior * self.mean + evidence * float(x.mean())) / total
        return NormalNormal(mean, total**-0.5, self.noise)

    @property
    def predictive(self) -> Normal:
        """The next observation: variances add."""
        return Normal(self.mean, math.hypot(self.deviation, self.noise))

    def log_evidence(self, data: ArrayLike) -> float:
        """Log density of all data: each one's prediction from those before it."""
        belief, total = self, 0.0
        for value in sample(data, "data"):
            total += float(belief.predictive.log_pdf(value))
            belief = belief.update([value])
        return total


@dataclass(frozen=True)
class NormalInverseGamma:
    r"""A belief about mean and variance: $\sigma^2 \sim IG(a, b)$, $\mu \sim N(m, \sigma^2/k)$."""

    m: float = 0.0
    k: float = 1.0
    a: float = 1.0
    b: float = 1.0

    def __post_init__(self) -> None:
        _positive(k=self.k, a=self.a, b=self.b)

    def update(self, data: ArrayLike) -> "NormalInverseGamma":
        """Gelman et al. (2013), section 3.3."""
        x = sample(data, "data")
        n, mean = x.size, float(x.mean())
        k = self.k + n
        spread = float(((x - mean) ** 2).sum()) + self.k * n / k * (mean - self.m) ** 2
        m = (self.k * self.m + n * mean) / k
        return NormalInverseGamma(m, k, self.a + n / 2, self.b + spread / 2)

    @property
    def belief_of_mean(self) -> StudentT:
        """The mean, whatever the variance: Student's t with 2a degrees of freedom."""
        return StudentT(2 * self.a, self.m, math.sqrt(self.b / (self.a * self.k)))

    @property
    def belief_of_precision(self) -> Gamma:
        """One over the variance: Gamma(a, rate b)."""
        return Gamma(self.a, self.b)

    @property
    def predictive(self) -> StudentT:
        """The next observation."""
        return StudentT(2 * self.a, self.m, math.sqrt(self.b * (1 + 1 / self.k) / self.a))

    def log_evidence(self, data: ArrayLike) -> float:
        """Log density of all data."""
        x, after = sample(data, "data"), self.update(data)
        gammas = float(log_gamma(after.a) - log_gamma(self.a))
        scales = self.a * math.log(self.b) - after.a * math.log(after.b)
        return gammas + scales + 0.5 * math.log(self.k / after.k) - 2 * HALF_LOG_TWO_PI * x.size / 2


@replaceable
def probability_greater(second: BetaBinomial, first: BetaBinomial) -> float:
    r"""P(B > A) for independent beliefs about two probabilities, B `second` and A `first`.

    $\int f_B(x)\,F_A(x)\,dx$ on B's log-odds scale by Gauss-Legendre between its quantiles at
    1e-18, where the density is smooth and log-concave; error about 1e-12.
    """
    low, high = (float(second.belief.quantile(1e-18)), float(second.belief.upper_quantile(1e-18)))
    low, high = max(low, 1e-300), min(high, 1 - 1e-16)
    start, stop = math.log(low / (1 - low)), math.log(high / (1 - high))
    nodes, weights = np.polynomial.legendre.leggauss(60)
    edges = np.linspace(start, stop, 17)
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    u = (middle[:, None] + half[:, None] * nodes).ravel()
    x = 1 / (1 + np.exp(-u))
    log_x, log_y = -np.logaddexp(0, -u), -np.logaddexp(0, u)
    log_density = second.a * log_x + second.b * log_y - log_beta(second.a, second.b)
    mass = np.exp(log_density) * (half[:, None] * weights).ravel()
    return float(np.clip((mass * first.belief.cdf(x)).sum() / mass.sum(), 0, 1))
