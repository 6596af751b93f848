"""Distributions where formulas break: huge, tiny and empty parameters, tails, ends, rounding.

Where parameters are huge a distribution is nearly normal, with relative error of the order 1 over
the root of the parameter: that limit is the judge. Elsewhere mpmath is.
"""

import mpmath
import numpy as np
import pytest
from scipy import stats

from groundup.maths.beta_distributions import Beta, F, StudentT
from groundup.maths.count_distributions import Binomial, Geometric, NegativeBinomial, Poisson
from groundup.maths.error_function import normal_cdf, normal_quantile
from groundup.maths.finite_distributions import Categorical, Hypergeometric
from groundup.maths.gamma_distributions import Gamma
from groundup.maths.incomplete_gamma import gamma_lower
from groundup.maths.location_scale_distributions import Cauchy, Laplace
from groundup.maths.normal_distributions import LogNormal, Normal

LEVELS = np.array([1e-10, 0.1, 0.5, 0.9])


@pytest.mark.parametrize(
    "ours",
    [Gamma(1e15), Beta(1e14, 3e14), F(1e14, 1e14), Poisson(1e14), Binomial(4e14, 0.25)],
    ids=repr,
)
def test_huge_parameters_are_normal(ours):
    z = (ours.quantile(LEVELS) - ours.mean) / ours.deviation
    # skewness 1e-7 moves quantiles by (z^2 - 1)/6 of it, whole numbers and doubles by half a step
    step = 2 * np.spacing(float(ours.mean)) + (float(ours.mean) > 1) * 1.0
    np.testing.assert_allclose(z, normal_quantile(LEVELS), atol=1e-6 + step / ours.deviation)
    if not isinstance(ours, Poisson | Binomial):  # their entropy is a sum of 1e8 terms
        normal = 0.5 * np.log(2 * np.pi * np.e * ours.variance)
        assert ours.entropy() == pytest.approx(normal, abs=1e-6)


@pytest.mark.parametrize("df", [1e8, 1e15, 1e22, 1e60, 1e300])
def test_students_t_becomes_normal(df):
    ours, z = StudentT(df), np.array([-30.0, -5.0, 0.3])
    # the tail exceeds the normal's by a factor 1 + z^4 / 4 df
    np.testing.assert_allclose(ours.cdf(z), normal_cdf(z), rtol=3e-13 + 30**4 / (2 * df))
    np.testing.assert_allclose(ours.quantile(LEVELS[:2]), normal_quantile(LEVELS[:2]), rtol=1e-6)
    assert ours.entropy() == pytest.approx(0.5 * np.log(2 * np.pi * np.e), abs=1e-7)
    assert ours.log_pdf(1.0) == pytest.approx(-0.5 - 0.5 * np.log(2 * np.pi), abs=1e-7)


def test_tiny_parameters():
    assert Gamma(1e-8).cdf(1e-300) == pytest.approx(1 - 690.2 * 1e-8, abs=1e-10)
    draws = Beta(1e-5, 1e-5).sample(0, 1000)  # half at either end, with no overflow on the way
    assert 0.4 < (draws > 0.5).mean() < 0.6
    assert (np.minimum(draws, 1 - draws) < 1e-3).mean() > 0.99
    assert Poisson(1e-300).sample(0, 5).max() == 0
    # P(|T| <= t) = 1 - c t^-df: quantiles of Student's t with few degrees of freedom go far out
    heavy = StudentT(0.01)
    assert heavy.cdf(heavy.quantile(0.1)) == pytest.approx(0.1, rel=1e-10)
    assert StudentT(2).quantile(1e-300) == pytest.approx(-1 / np.sqrt(2e-300), rel=1e-12)


def test_certain_outcomes():
    for ours, value in (
        (Binomial(0, 0.5), 0),
        (Binomial(5, 0), 0),
        (Binomial(5, 1), 5),
        (Geometric(1), 1),
        (NegativeBinomial(2, 1), 0),
        (Hypergeometric(3, 4, 7), 3),
        (Hypergeometric(0, 0, 0), 0),
        (Categorical([0, 1.0]), 1),
    ):
        size = max(value, 1)
        assert (ours.pmf(value), ours.cdf(value), ours.cdf(value - 1)) == (1, 1, 0)
        np.testing.assert_array_equal(ours.sample(0, 20), value)
        assert ours.quantile(0.3) == value
        assert str(float(ours.entropy())) == "0.0", "not minus nothing"
        assert ours.mean == pytest.approx(value, abs=1e-12 * size)


@pytest.mark.parametrize(
    "ours",
    [Normal(), LogNormal(), Cauchy(), Laplace(), Gamma(2), Beta(2, 3), StudentT(2), F(2, 3)],
    ids=repr,
)
def test_infinity_holds_nothing_of_a_density(ours):
    np.testing.assert_array_equal(ours.pdf([np.inf, -np.inf]), 0)
    np.testing.assert_array_equal(ours.cdf([np.inf, -np.inf, np.nan]), [1, 0, np.nan])
    np.testing.assert_array_equal(ours.survival([np.inf, -np.inf]), [0, 1])
    assert np.isnan(ours.log_pdf(np.nan))


def test_infinity_holds_nothing_of_a_count():
    for ours in (Poisson(3), Binomial(5, 0.5), Geometric(0.3), NegativeBinomial(2, 0.3)):
        np.testing.assert_array_equal(ours.pmf([np.inf, -np.inf, -1, 0.5, 1e300]), 0)
        np.testing.assert_array_equal(ours.cdf([np.inf, -np.inf, np.nan]), [1, 0, np.nan])


@pytest.mark.reference
def test_the_gamma_function_is_right_where_scipy_is_not():
    """At a of about 1e6, 4 deviations out, SciPy 1.17's gammainc is off by 2e-6; mpmath judges."""
    a, x = 977996.4619512033, 972765.0624148092
    with mpmath.workdps(40):
        wanted = float(mpmath.gammainc(a, 0, x, regularized=True))
    # the condition number is sqrt(a) times 5 deviations: 5e3 eps
    assert gamma_lower(a, x) == pytest.approx(wanted, rel=2e-12)


def test_empty_and_shaped_samples():
    for ours in (Normal(), Poisson(3), Gamma(2), Beta(1, 2), Categorical([0.5, 0.5])):
        assert ours.sample(0, 0).shape == (0,)
        assert ours.sample(0, (2, 0, 3)).shape == (2, 0, 3)
        assert ours.cdf([]).shape == (0,)
        assert ours.quantile(np.zeros((0, 2))).shape == (0, 2)
    assert Gamma([1.0, 2.0]).quantile([[0.1], [0.5], [0.9]]).shape == (3, 2)


@pytest.mark.reference
def test_t_fit_of_light_and_heavy_tails():
    light = np.random.default_rng(0).uniform(size=60)
    assert StudentT.fit(light).df == 1e8, "the likelihood grows towards the normal"
    assert StudentT.fit(light).scale == pytest.approx(light.std())
    heavy = stats.t(1.5, 10, 3).rvs(200, random_state=0)
    ours, theirs = StudentT.fit(heavy), stats.t(*stats.t.fit(heavy))
    assert ours.log_likelihood(heavy) >= theirs.logpdf(heavy).sum() - 1e-6


def test_gamma_fit_of_nearly_equal_numbers():
    # shape = mean^2 / variance up to its own inverse
    x = np.array([1, 1 + 1e-9, 1 - 1e-9])
    assert Gamma.fit(x).a == pytest.approx(1.5e18, rel=1e-6)
    with pytest.raises(ValueError, match="all values of data are equal"):
        Gamma.fit([2.0, 2.0])
