"""What every distribution of one number must do: the family's checks, and its members.

A member is a constructor with parameters, and SciPy's distribution of the same numbers. Tolerances:
densities and tails 1e-10 relative (SciPy's own special functions differ by some 1e-12, an exponent
of a few hundred multiplies that by its size), quantiles by the probability they leave.
"""

import numpy as np
import pytest
from scipy import integrate, stats

from groundup.maths.beta_distributions import Beta, F, StudentT
from groundup.maths.count_distributions import (
    Bernoulli,
    Binomial,
    Geometric,
    NegativeBinomial,
    Poisson,
)
from groundup.maths.distribution import ContinuousDistribution
from groundup.maths.finite_distributions import Categorical, DiscreteUniform, Hypergeometric
from groundup.maths.gamma_distributions import ChiSquare, Exponential, Gamma, Weibull
from groundup.maths.location_scale_distributions import Cauchy, Laplace, Logistic, Uniform
from groundup.maths.normal_distributions import LogNormal, Normal

WEIGHTS = np.array([0.1, 0.0, 0.6, 0.3])

MEMBERS = {
    "normal": (lambda: Normal(-1.5, 2.0), stats.norm(-1.5, 2.0)),
    "log-normal": (lambda: LogNormal(0.3, 0.7), stats.lognorm(0.7, scale=np.exp(0.3))),
    "uniform": (lambda: Uniform(-2, 5), stats.uniform(-2, 7)),
    "laplace": (lambda: Laplace(1, 2), stats.laplace(1, 2)),
    "logistic": (lambda: Logistic(1, 2), stats.logistic(1, 2)),
    "cauchy": (lambda: Cauchy(1, 2), stats.cauchy(1, 2)),
    "exponential": (lambda: Exponential(2.5), stats.expon(scale=0.4)),
    "gamma": (lambda: Gamma(2.5, 1.5), stats.gamma(2.5, scale=1 / 1.5)),
    "gamma, small": (lambda: Gamma(0.3), stats.gamma(0.3)),
    "gamma, large": (lambda: Gamma(400.0), stats.gamma(400.0)),
    "chi-square": (lambda: ChiSquare(3), stats.chi2(3)),
    "weibull": (lambda: Weibull(1.7, 2.0), stats.weibull_min(1.7, scale=2.0)),
    "beta": (lambda: Beta(2.5, 0.7), stats.beta(2.5, 0.7)),
    "beta, peaked": (lambda: Beta(300, 500), stats.beta(300, 500)),
    "student": (lambda: StudentT(3.5, 1, 2), stats.t(3.5, 1, 2)),
    "f": (lambda: F(5, 9), stats.f(5, 9)),
    "binomial": (lambda: Binomial(20, 0.3), stats.binom(20, 0.3)),
    "binomial, certain": (lambda: Binomial(5, 1.0), stats.binom(5, 1.0)),
    "bernoulli": (lambda: Bernoulli(0.3), stats.bernoulli(0.3)),
    "geometric": (lambda: Geometric(0.2), None),
    "poisson": (lambda: Poisson(4.5), stats.poisson(4.5)),
    "negative binomial": (lambda: NegativeBinomial(3.5, 0.4), stats.nbinom(3.5, 0.4)),
    "categorical": (
        lambda: Categorical(WEIGHTS),
        stats.rv_discrete(values=(np.arange(4), WEIGHTS)),
    ),
    "discrete uniform": (lambda: DiscreteUniform(-2, 6), stats.randint(-2, 7)),
    "hypergeometric": (lambda: Hypergeometric(8, 12, 6), stats.hypergeom(20, 8, 6)),
}


def is_continuous(ours):
    return isinstance(ours, ContinuousDistribution)


def points(ours, theirs):
    """Inside, in the far tails, and outside the support."""
    levels = np.array([1e-12, 1e-4, 0.05, 0.3, 0.5, 0.8, 0.99, 1 - 1e-9])
    if is_continuous(ours):
        return np.concatenate([theirs.ppf(levels), [-1e3, 1e3, 0.0]])
    return np.concatenate([np.unique(theirs.ppf(levels)), [-30.0, 1e4]])


def check_densities_and_tails(ours, theirs):
    x = points(ours, theirs)
    if is_continuous(ours):
        wanted, found = theirs.logpdf(x), ours.log_pdf(x)
        np.testing.assert_allclose(ours.pdf(x), np.exp(found), rtol=1e-12)
    else:
        wanted, found = theirs.logpmf(x), ours.log_pmf(x)
        np.testing.assert_allclose(ours.pmf(x), np.exp(found), rtol=1e-12)
        assert ours.pmf(0.5) == 0
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10)
    # SciPy takes the uniform's upper tail as 1 - cdf, which is right to a unit of 1 alone
    least = 1e-15 if isinstance(ours, Uniform) else 1e-300
    np.testing.assert_allclose(ours.cdf(x), theirs.cdf(x), rtol=1e-9, atol=least)
    np.testing.assert_allclose(ours.survival(x), theirs.sf(x), rtol=1e-9, atol=least)
    assert np.isnan(ours.cdf(np.nan))


def check_quantiles_invert(ours, theirs):
    levels = np.array([1e-10, 1e-3, 0.2, 0.5, 0.77, 0.999])
    low, high = ours.interval(0.9)
    if is_continuous(ours):
        for x, tail in (
            (ours.quantile(levels), ours.cdf),
            (ours.upper_quantile(levels), ours.survival),
        ):
            # a quantile is rounded to a double: that moves the tail by the density times an ulp
            moved = ours.pdf(x) * np.spacing(np.abs(x))
            assert (np.abs(tail(x) - levels) <= 1e-9 * levels + moved).all()
        assert ours.cdf(high) - ours.cdf(low) == pytest.approx(0.9, rel=1e-9)
    else:
        np.testing.assert_array_equal(ours.quantile(levels), theirs.ppf(levels))
        k = ours.quantile(levels)
        assert (ours.cdf(k) >= levels * (1 - 1e-12)).all()
    support = theirs.support()
    assert ours.quantile(0.0) in (support[0], support[0] - 1)  # SciPy says -1 for whole numbers
    assert ours.quantile(1.0) == support[1]
    for wrong in (-0.1, 1.1):
        with pytest.raises(ValueError, match=r"p|outside"):
            ours.quantile(wrong)


def check_moments(ours, theirs):
    with np.errstate(all="ignore"):  # SciPy divides by a variance of 0
        wanted_moments = [float(moment) for moment in theirs.stats(moments="mvsk")]
    found = ours.mean, ours.variance, ours.skewness, ours.kurtosis
    for mine, wanted in zip(found, wanted_moments, strict=True):
        if ours.variance > 0 or ours.variance != ours.variance:  # a certain value has no shape
            assert mine == pytest.approx(wanted, rel=1e-8, abs=1e-9, nan_ok=True)
    assert ours.deviation**2 == pytest.approx(ours.variance, rel=1e-12, nan_ok=True)
    entropy = float(theirs.entropy())
    assert ours.entropy() == pytest.approx(entropy, rel=1e-7, abs=1e-7)


def check_probabilities_sum_to_one(ours, theirs):
    if is_continuous(ours):
        low, high = ours.quantile(1e-3), ours.quantile(1 - 1e-3)
        if low > 0:  # in the logarithm, as a density may be infinite at 0
            area, _ = integrate.quad(
                lambda u: ours.pdf(np.exp(u)) * np.exp(u), np.log(low), np.log(high), limit=200
            )
        else:
            area, _ = integrate.quad(ours.pdf, low, high, limit=200)
        assert area == pytest.approx(1 - 2e-3, abs=1e-6)
    else:
        k = np.arange(float(ours.quantile(1e-13)) - 1, float(ours.upper_quantile(1e-13)) + 2)
        assert ours.pmf(k).sum() == pytest.approx(1, abs=1e-11)


def check_samples_follow(ours, theirs):
    """4000 draws at a fixed seed; a Kolmogorov distance of 0.035 has probability 1e-4."""
    x = ours.sample(7, size=4000)
    assert x.shape == (4000,)
    np.testing.assert_array_equal(x, ours.sample(7, size=4000))
    if is_continuous(ours):
        assert stats.kstest(x, theirs.cdf).statistic < 0.035
    else:
        grid = np.unique(x)
        gap = np.abs((x[:, None] <= grid).mean(0) - theirs.cdf(grid))
        assert gap.max() < 0.035
    assert ours.log_likelihood(x) == pytest.approx(
        float((theirs.logpdf if is_continuous(ours) else theirs.logpmf)(x).sum()), rel=1e-9
    )


def check_input_is_left_alone_and_refused_with_words(ours, theirs):
    x = np.array([0.5, 1.0])
    before = x.copy()
    ours.cdf(x)
    np.testing.assert_array_equal(x, before)
    for wrong in ("text", 1j):
        with pytest.raises(ValueError, match="real numbers"):
            ours.cdf(wrong)
    assert type(ours).__name__ in repr(ours)


CHECKS = [
    check_densities_and_tails,
    check_quantiles_invert,
    check_moments,
    check_probabilities_sum_to_one,
    check_samples_follow,
    check_input_is_left_alone_and_refused_with_words,
]
