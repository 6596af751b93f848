"""Maximum likelihood: estimates and standard errors whose formulas are known, and statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from groundup.maths.likelihood import (
    aic,
    bic,
    delta_method,
    fisher_information,
    likelihood_ratio,
    maximise_likelihood,
    observed_information,
    score,
)
from groundup.maths.normal_distributions import Normal

X = np.random.default_rng(0).normal(2.0, 1.5, 200)


def log_likelihood(theta):
    return float(Normal(theta[0], np.exp(theta[1])).log_likelihood(X))


def test_a_normals_estimate_and_its_errors():
    """Differences in float64: the gradient is right to 1e-9, the Hessian to 1e-6, relative."""
    found = maximise_likelihood(log_likelihood, [0.0, 0.0])
    assert found.converged
    assert found.parameters == pytest.approx([X.mean(), np.log(X.std())], rel=1e-6)
    errors = np.sqrt(np.diag(found.covariance))
    assert errors == pytest.approx([X.std() / np.sqrt(200), 1 / np.sqrt(400)], rel=1e-4)
    np.testing.assert_allclose(score(log_likelihood, found.parameters), 0, atol=1e-4)
    information = observed_information(log_likelihood, found.parameters)
    np.testing.assert_allclose(information, np.diag([200 / X.var(), 400.0]), rtol=1e-4, atol=1e-2)


@pytest.mark.reference
def test_a_logistic_regression_is_statsmodels():
    rng = np.random.default_rng(1)
    features = np.column_stack([np.ones(150), rng.standard_normal((150, 2))])
    y = rng.random(150) < 1 / (1 + np.exp(-features @ [0.3, 1.0, -0.7]))

    def fitted(theta):
        z = features @ theta
        return float(np.sum(y * z - np.logaddexp(0, z)))

    ours, theirs = maximise_likelihood(fitted, np.zeros(3)), sm.Logit(y, features).fit(disp=0)
    np.testing.assert_allclose(ours.parameters, theirs.params, rtol=1e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(ours.covariance)), theirs.bse, rtol=1e-4)
    assert ours.log_likelihood == pytest.approx(theirs.llf, rel=1e-9)
    assert aic(ours.log_likelihood, 3) == pytest.approx(theirs.aic, rel=1e-9)
    assert bic(ours.log_likelihood, 3, 150) == pytest.approx(theirs.bic, rel=1e-9)
    statistic, p = likelihood_ratio(ours.log_likelihood, theirs.llnull, 2)
    assert (statistic, p) == pytest.approx((theirs.llr, theirs.llr_pvalue), rel=1e-6)


def test_fisher_information_and_the_delta_method():
    points = np.linspace(-12, 16, 20_001)
    weights = stats.norm(2, 1.5).pdf(points) * (points[1] - points[0])

    def log_density(x, theta):
        return Normal(theta[0], theta[1]).log_pdf(x)

    found = fisher_information(log_density, [2.0, 1.5], points, weights)
    np.testing.assert_allclose(found, np.diag([1 / 2.25, 2 / 2.25]), atol=1e-6)
    value, covariance = delta_method(np.exp, [0.5], [[0.04]])
    assert float(np.squeeze(value)) == pytest.approx(np.exp(0.5))
    assert float(np.squeeze(covariance)) == pytest.approx(0.04 * np.exp(1.0), rel=1e-6)
