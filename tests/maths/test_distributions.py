"""Distributions: the family's checks with SciPy as judge, estimation, broadcasting, bad input."""

import numpy as np
import pytest
from scipy import stats
from tests.maths.distribution_family import CHECKS, MEMBERS

from groundup.maths.beta_distributions import Beta, F, StudentT
from groundup.maths.count_distributions import (
    Bernoulli,
    Binomial,
    Geometric,
    NegativeBinomial,
    Poisson,
)
from groundup.maths.finite_distributions import Categorical, DiscreteUniform, Hypergeometric
from groundup.maths.gamma_distributions import (
    ChiSquare,
    Exponential,
    Gamma,
    Weibull,
    inverse_digamma,
)
from groundup.maths.location_scale_distributions import Cauchy, Laplace, Logistic, Uniform
from groundup.maths.multivariate_distributions import Dirichlet, Multinomial, MultivariateNormal
from groundup.maths.normal_distributions import LogNormal, Normal

pytestmark = pytest.mark.slow  # seconds in all, for `make test`


def reference(name, ours, theirs):
    if theirs is not None:
        return theirs
    assert name == "geometric", "only the geometric's support is a convention"
    return stats.geom(0.2) if ours.quantile(0.0) >= 1 else stats.geom(0.2, loc=-1)


@pytest.mark.reference
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MEMBERS)
def test_family(name, check):
    make, theirs = MEMBERS[name]
    ours = make()
    check(ours, reference(name, ours, theirs))


FITTED = {
    "normal": Normal(-1.5, 2.0),
    "log-normal": LogNormal(0.3, 0.7),
    "laplace": Laplace(1, 2),
    "logistic": Logistic(1, 2),
    "cauchy": Cauchy(1, 2),
    "exponential": Exponential(2.5),
    "gamma": Gamma(2.5, 1.5),
    "chi-square": ChiSquare(3),
    "weibull": Weibull(1.7, 2.0),
    "beta": Beta(2.5, 0.7),
    "geometric": Geometric(0.2),
    "poisson": Poisson(4.5),
    "negative binomial": NegativeBinomial(3.5, 0.4),
    "bernoulli": Bernoulli(0.3),
}


@pytest.mark.parametrize("name", FITTED)
def test_the_fit_is_near_and_nothing_near_it_is_likelier(name):
    """2000 draws: standard errors of 2 to 8 % of the parameters; five of the largest."""
    truth = FITTED[name]
    x = truth.sample(3, size=2000)
    fitted = type(truth).fit(x)
    for key, value in truth.parameters.items():
        assert float(fitted.parameters[key]) == pytest.approx(float(value), rel=0.4, abs=0.2)
    best = fitted.log_likelihood(x)
    assert best >= truth.log_likelihood(x)
    for key, value in fitted.parameters.items():
        for factor in (0.97, 1.03):
            moved = {**fitted.parameters, key: np.asarray(value * factor)}
            if name in ("bernoulli", "geometric", "negative binomial") and key == "p":
                moved["p"] = np.clip(moved["p"], 0, 1)
            assert type(truth)(**moved).log_likelihood(x) <= best + 1e-6 * abs(best)


@pytest.mark.parametrize(
    "name", ["normal", "laplace", "logistic", "gamma", "exponential", "poisson"]
)
def test_the_method_of_moments_meets_the_moments(name):
    x = FITTED[name].sample(5, size=500)
    fitted = type(FITTED[name]).fit_moments(x)
    assert fitted.mean == pytest.approx(x.mean(), rel=1e-9)
    if name not in ("exponential", "poisson"):
        assert fitted.variance == pytest.approx(x.var(), rel=1e-2)


def test_fits_that_count():
    assert Binomial.fit([3, 5], 10).p == pytest.approx(0.4)
    assert Uniform.fit([1.0, 4.0, 2.0]).parameters == {"low": 1.0, "high": 4.0}
    assert DiscreteUniform.fit([3, 7]).parameters == {"low": 3.0, "high": 7.0}
    np.testing.assert_allclose(Categorical.fit([0, 2, 2], 4).p, [1 / 3, 0, 2 / 3, 0])
    assert Hypergeometric.fit(3, 10, 12).parameters["good"] == 10


def test_arrays_of_distributions_broadcast():
    grid = Normal([0.0, 5.0], 1.0)
    assert grid.cdf([[1.0], [2.0], [3.0]]).shape == (3, 2)
    assert grid.sample(0).shape == (2,)
    assert grid.sample(0, size=(4, 2)).shape == (4, 2)
    np.testing.assert_allclose(grid.mean, [0, 5])
    with pytest.raises(ValueError, match=r"size|shape|broadcast"):
        grid.sample(0, size=3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Normal(0, 0), "sigma"),
        (lambda: Normal(np.nan, 1), "mu"),
        (lambda: Normal("a", 1), "real numbers"),
        (lambda: Gamma(-1), "a is"),
        (lambda: Beta(1, 0), "b is"),
        (lambda: Uniform(2, 1), "low"),
        (lambda: Binomial(2.5, 0.5), "n"),
        (lambda: Binomial(2, 1.5), "p"),
        (lambda: Geometric(0), "p is 0"),
        (lambda: Poisson(0), "rate"),
        (lambda: Categorical([0.5, 0.6]), "sum to 1"),
        (lambda: DiscreteUniform(3, 2), "low|high"),
        (lambda: Hypergeometric(2, 2, 5), "cannot draw"),
        (lambda: StudentT(0), "df"),
        (lambda: F(1, -1), "df2"),
        (lambda: Weibull(0), "k"),
        (lambda: Normal.fit([]), "data|least"),
        (lambda: Normal.fit([1.0, 1.0]), "equal|sigma|variance"),
        (lambda: Exponential.fit([-1.0, 2.0]), "least|negative|above|0"),
        (lambda: MultivariateNormal([0, 0], np.eye(3)), "covariance"),
        (lambda: MultivariateNormal([0, 0], [[1, 2], [2, 1]]), "positive"),
        (lambda: Dirichlet([1, 0]), "above 0"),
        (lambda: Multinomial(3, [0.5, 0.6]), "sum to 1"),
    ],
)
def test_parameters_that_cannot_be_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.reference
def test_inverse_digamma_inverts():
    from scipy.special import digamma

    y = np.array([-50.0, -2.2, 0.0, 3.0, 12.0])
    np.testing.assert_allclose(digamma(inverse_digamma(y)), y, rtol=1e-10, atol=1e-10)


COVARIANCE = np.array([[2.0, 0.6, 0.2], [0.6, 1.0, -0.3], [0.2, -0.3, 1.5]])
MEAN = np.array([1.0, -2.0, 0.5])


@pytest.mark.reference
def test_the_multivariate_normal_is_scipys():
    ours, theirs = MultivariateNormal(MEAN, COVARIANCE), stats.multivariate_normal(MEAN, COVARIANCE)
    x = theirs.rvs(50, random_state=0)
    np.testing.assert_allclose(ours.log_pdf(x), theirs.logpdf(x), rtol=1e-11)
    np.testing.assert_allclose(ours.pdf(x), theirs.pdf(x), rtol=1e-10)
    assert ours.entropy() == pytest.approx(theirs.entropy(), rel=1e-12)
    draws = ours.sample(0, size=4000)
    # a variance is known to sqrt(2 / 4000) = 2 %, five of them
    np.testing.assert_allclose(np.cov(draws.T), COVARIANCE, atol=0.25)
    fitted = MultivariateNormal.fit(x)
    np.testing.assert_allclose(fitted.covariance, np.cov(x.T, bias=True), rtol=1e-10)


def test_marginals_conditionals_and_divergence_of_the_multivariate_normal():
    whole = MultivariateNormal(MEAN, COVARIANCE)
    part = whole.marginal([0, 2])
    np.testing.assert_allclose(part.covariance, COVARIANCE[np.ix_([0, 2], [0, 2])])
    given = whole.conditional([1], [0.3])
    x = np.array([0.7, -0.4])
    joint = whole.log_pdf(np.array([x[0], 0.3, x[1]]))
    assert given.log_pdf(x) + whole.marginal([1]).log_pdf([0.3]) == pytest.approx(joint, rel=1e-11)
    assert whole.kl(whole) == pytest.approx(0, abs=1e-12)
    assert whole.kl(MultivariateNormal(MEAN + 1, COVARIANCE)) == pytest.approx(
        0.5 * np.ones(3) @ np.linalg.solve(COVARIANCE, np.ones(3)), rel=1e-11
    )


@pytest.mark.reference
def test_dirichlet_and_multinomial_are_scipys():
    a, p = np.array([0.7, 2.0, 3.5]), np.array([0.2, 0.5, 0.3])
    ours, theirs = Dirichlet(a), stats.dirichlet(a)
    x = theirs.rvs(20, random_state=0)
    np.testing.assert_allclose(ours.log_pdf(x), [theirs.logpdf(row) for row in x], rtol=1e-9)
    np.testing.assert_allclose(ours.mean, theirs.mean(), rtol=1e-12)
    np.testing.assert_allclose(np.diag(ours.covariance), theirs.var(), rtol=1e-12)
    assert ours.entropy() == pytest.approx(theirs.entropy(), rel=1e-10)
    draws = ours.sample(1, size=3000)
    np.testing.assert_allclose(draws.sum(-1), 1, rtol=1e-12)
    np.testing.assert_allclose(draws.mean(0), ours.mean, atol=0.02)
    np.testing.assert_allclose(Dirichlet.fit(draws).a, a, rtol=0.15)
    counts = np.array([[2, 5, 3], [0, 10, 0], [1, 1, 7]])
    many, reference_many = Multinomial(10, p), stats.multinomial(10, p)
    np.testing.assert_allclose(many.log_pmf(counts), reference_many.logpmf(counts), rtol=1e-10)
    np.testing.assert_allclose(many.pmf(counts), reference_many.pmf(counts), rtol=1e-10)
    np.testing.assert_allclose(many.covariance, reference_many.cov(), rtol=1e-12)
    np.testing.assert_allclose(many.mean, 10 * p)
    drawn = many.sample(2, size=2000)
    assert (drawn.sum(-1) == 10).all()
    np.testing.assert_allclose(drawn.mean(0), 10 * p, atol=0.25)
    np.testing.assert_allclose(Multinomial.fit(drawn).p, p, atol=0.02)
