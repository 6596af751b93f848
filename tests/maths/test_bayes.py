"""Bayes' theorem and conjugate families: against brute-force integration and SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from groundup.maths.bayes import (
    BetaBinomial,
    DirichletMultinomial,
    GammaPoisson,
    NormalInverseGamma,
    NormalNormal,
    posterior,
    probability_greater,
)

pytestmark = pytest.mark.slow  # seconds in all, for `make test`

X = np.array([1.2, 0.7, 2.5, 1.9])


def test_the_theorem_on_a_table():
    """A test that is right in 99 % of cases, of what one in a thousand has."""
    found = posterior([0.001, 0.999], [0.99, 0.01])
    assert found[0] == pytest.approx(0.00099 / (0.00099 + 0.00999))
    several = posterior([0.5, 0.5], [[0.2, 0.2], [1e-300, 3e-300]])
    np.testing.assert_allclose(several, [[0.5, 0.5], [0.25, 0.75]], rtol=1e-12)
    for prior, likelihood, words in (
        ([1.0, 0.0], [0.0, 1.0], "no hypothesis allows"),
        ([0.5, 0.5], [-1.0, 1.0], "negative"),
        ([0.5, 0.6], [1.0, 1.0], "sum"),
    ):
        with pytest.raises(ValueError, match=words):
            posterior(prior, likelihood)


@pytest.mark.reference
def test_counts_of_successes():
    belief = BetaBinomial(2.0, 3.0).update(7, 4)
    assert (belief.a, belief.b) == (9.0, 7.0)
    assert belief.belief.interval(0.9) == pytest.approx(stats.beta(9, 7).interval(0.9), rel=1e-9)
    k = np.arange(6)
    np.testing.assert_allclose(belief.predictive(5), stats.betabinom(5, 9, 7).pmf(k), rtol=1e-10)
    area, _ = integrate.quad(lambda p: stats.beta(2, 3).pdf(p) * p**7 * (1 - p) ** 4, 0, 1)
    assert BetaBinomial(2.0, 3.0).log_evidence(7, 4) == pytest.approx(np.log(area), rel=1e-8)
    step = BetaBinomial(2.0, 3.0).update(3, 1).update(4, 3)
    assert step == belief


@pytest.mark.reference
def test_counts_of_categories():
    prior = DirichletMultinomial((1.0, 2.0, 0.5))
    after = prior.update([3, 0, 2])
    assert after.a == (4.0, 2.0, 2.5)
    np.testing.assert_allclose(after.predictive, np.array([4, 2, 2.5]) / 8.5, rtol=1e-12)
    one_by_one, belief = 0.0, prior
    for outcome in (0, 0, 0, 2, 2):
        one_by_one += np.log(belief.predictive[outcome])
        belief = belief.update(np.eye(3)[outcome])
    assert prior.log_evidence([3, 0, 2]) == pytest.approx(one_by_one, rel=1e-11)


@pytest.mark.reference
def test_counts_of_events():
    prior = GammaPoisson(3.0, 2.0)
    after = prior.update([4, 1, 7])
    assert (after.a, after.b) == (15.0, 5.0)
    k = np.arange(12)
    wanted = stats.nbinom(15, 5 / 6).pmf(k)
    np.testing.assert_allclose(after.predictive.pmf(k), wanted, rtol=1e-10)

    def joint(rate):
        return stats.gamma(3, scale=0.5).pdf(rate) * stats.poisson(rate).pmf([4, 1, 7]).prod()

    area, _ = integrate.quad(joint, 0, 40)
    assert prior.log_evidence([4, 1, 7]) == pytest.approx(np.log(area), rel=1e-7)


@pytest.mark.reference
def test_a_mean_of_known_and_of_unknown_noise():
    prior = NormalNormal(0.0, 2.0, 1.5)
    after = prior.update(X)
    grid = np.linspace(-20, 20, 200_001)
    weights = stats.norm(0, 2).pdf(grid) * np.prod(
        [stats.norm(grid, 1.5).pdf(x) for x in X], axis=0
    )
    area = integrate.trapezoid(weights, grid)
    mean = integrate.trapezoid(grid * weights, grid) / area
    assert after.mean == pytest.approx(mean, rel=1e-8)
    assert prior.log_evidence(X) == pytest.approx(np.log(area), rel=1e-8)
    assert after.predictive.variance == pytest.approx(after.deviation**2 + 1.5**2)
    joint = NormalInverseGamma(0.5, 2.0, 3.0, 1.0)
    later = joint.update(X)
    assert later.k == 6.0
    assert later.a == 5.0
    one_by_one, belief = 0.0, joint
    for x in X:  # the evidence is the product of what was predicted
        one_by_one += float(belief.predictive.log_pdf(x))
        belief = belief.update([x])
    assert joint.log_evidence(X) == pytest.approx(one_by_one, rel=1e-10)
    assert (belief.m, belief.b) == pytest.approx((later.m, later.b), rel=1e-12)


@settings(max_examples=10)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_the_chance_that_one_share_is_greater(a, b, c, d):
    first, second = BetaBinomial(float(a), float(b)), BetaBinomial(float(c), float(d))
    wanted, _ = integrate.quad(
        lambda x: stats.beta(c, d).pdf(x) * stats.beta(a, b).cdf(x), 0, 1, limit=200
    )
    assert probability_greater(second, first) == pytest.approx(wanted, abs=1e-7)
    both = probability_greater(second, first) + probability_greater(first, second)
    assert both == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: BetaBinomial(0.0, 1.0), "above 0"),
        (lambda: BetaBinomial().update(-1, 2), "not be negative"),
        (lambda: DirichletMultinomial((1.0, 1.0)).update([1]), "for 2 outcomes"),
        (lambda: GammaPoisson().update([1.5]), "counts"),
        (lambda: NormalNormal(0.0, 1.0, 0.0), "noise"),
        (lambda: NormalInverseGamma(k=-1.0), "k is"),
    ],
)
def test_bad_input_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
