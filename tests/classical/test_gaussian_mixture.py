"""Gaussian mixtures step by step against scikit-learn, and what EM promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn import mixture as sk
from sklearn.metrics import adjusted_rand_score
from tests.classical.compliance import compliance

from groundup.classical.gaussian_mixture import (
    GaussianMixture,
    expectation,
    expectation_maximization,
    maximization,
)
from groundup.classical.mixture_covariances import KINDS, precision_factors, precisions
from groundup.maths.convergence import ConvergenceWarning


@compliance(
    GaussianMixture(max_iter=5, n_init=2),
    GaussianMixture(2, covariance_type="diag", tol=1e-2),
    GaussianMixture(2, covariance_type="tied", tol=1e-2),
    GaussianMixture(2, covariance_type="spherical", tol=1e-2),
)
def test_conventions(estimator, check):
    check(estimator)


def rows(seed, n=150, f=3, k=3):
    rng = np.random.default_rng(seed)
    shapes = rng.normal(size=(k, f, f)) * 0.5
    labels = rng.integers(k, size=n)
    means = rng.normal(size=(k, f)) * 3
    return means[labels] + np.einsum("nij,nj->ni", shapes[labels], rng.normal(size=(n, f)))


def soft(seed, n, k):
    return np.random.default_rng(seed).dirichlet(np.full(k, 0.3), size=n)


@pytest.mark.reference
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), f=st.integers(1, 4), k=st.integers(1, 4))
def test_from_the_same_start_every_step_is_scikit_learns(kind, seed, f, k):
    X = rows(seed, f=f)
    start = maximization(X, soft(seed, len(X), k), 1e-6, kind)
    ours = expectation_maximization(X, start, tol=1e-3, reg_covar=1e-6, max_iter=12)
    theirs = sk.GaussianMixture(
        k,
        covariance_type=kind,
        tol=1e-3,
        max_iter=12,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=precisions(start.factors, kind),
    )
    if ours.converged:
        theirs.fit(X)
    else:
        with pytest.warns(UserWarning, match="did not converge"):
            theirs.fit(X)
    assert len(ours.bounds) == theirs.n_iter_
    # Twelve steps amplify roundings by the condition of the covariances (below 1e6 here).
    np.testing.assert_allclose(ours.bounds, theirs.lower_bounds_, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(ours.mixture.means, theirs.means_, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ours.mixture.covariances, theirs.covariances_, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ours.mixture.weights, theirs.weights_, rtol=1e-5, atol=1e-7)


@pytest.mark.reference
@pytest.mark.parametrize("kind", KINDS)
def test_it_finds_what_scikit_learn_finds(kind):
    X = rows(1, 600)
    settings_ = {"covariance_type": kind, "n_init": 3, "tol": 1e-9, "max_iter": 1000}
    ours = GaussianMixture(3, random_state=0, **settings_).fit(X)
    theirs = sk.GaussianMixture(3, random_state=0, **settings_).fit(X)
    assert ours.converged_
    assert ours.lower_bound_ == pytest.approx(theirs.lower_bound_, abs=1e-6)
    order = np.argsort(ours.means_[:, 0]), np.argsort(theirs.means_[:, 0])
    np.testing.assert_allclose(ours.means_[order[0]], theirs.means_[order[1]], atol=1e-3)
    assert adjusted_rand_score(ours.predict(X), theirs.predict(X)) > 0.99
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), atol=1e-3)
    assert ours.score(X) == pytest.approx(theirs.score(X), abs=1e-6)
    assert ours.bic(X) == pytest.approx(theirs.bic(X), abs=1e-2)
    assert ours.aic(X) == pytest.approx(theirs.aic(X), abs=1e-2)
    assert ours.precisions_.shape == theirs.precisions_.shape
    assert ours.precisions_cholesky_.shape == theirs.precisions_cholesky_.shape
    np.testing.assert_allclose(ours.predict_proba(X).sum(axis=1), 1)
    assert np.array_equal(ours.fit_predict(X), ours.predict(X))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 4))
def test_the_likelihood_never_falls(kind, seed, k):
    X = rows(seed, 80)
    start = maximization(X, soft(seed, 80, k), 0.0, kind)
    bounds = expectation_maximization(X, start, tol=1e-6, reg_covar=0.0, max_iter=8).bounds
    assert (np.diff(bounds) >= -1e-9 * np.abs(bounds[:-1])).all()


@pytest.mark.reference
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1.0, 1e3, 1e6]))
@settings(max_examples=30)
def test_the_expectation_is_scipys_logsumexp(seed, scale):
    log_joint = np.random.default_rng(seed).normal(size=(6, 4)) * scale
    likelihood, responsibilities = expectation(log_joint)
    np.testing.assert_allclose(likelihood, logsumexp(log_joint, axis=1), rtol=1e-14, atol=1e-15)
    # the logarithms have a rounding of `scale`, which stays as it is in the exponent
    total = np.exp(responsibilities).sum(axis=1)
    np.testing.assert_allclose(total, 1, rtol=0, atol=20 * np.finfo(float).eps * scale)


@pytest.mark.reference
@pytest.mark.parametrize("kind", KINDS)
def test_the_density_is_scipys(kind):
    X = rows(3)
    model = GaussianMixture(2, covariance_type=kind, random_state=0).fit(X)
    f = X.shape[1]
    whole = {
        "full": lambda j: model.covariances_[j],
        "tied": lambda j: model.covariances_,
        "diag": lambda j: np.diag(model.covariances_[j]),
        "spherical": lambda j: model.covariances_[j] * np.eye(f),
    }[kind]
    terms = [
        np.log(model.weights_[j]) + multivariate_normal(model.means_[j], whole(j)).logpdf(X)
        for j in range(2)
    ]
    np.testing.assert_allclose(model.score_samples(X), logsumexp(terms, axis=0), rtol=1e-9)
    inverse = np.linalg.inv(whole(0))
    ours = {
        "full": lambda: model.precisions_[0],
        "tied": lambda: model.precisions_,
        "diag": lambda: np.diag(model.precisions_[0]),
        "spherical": lambda: model.precisions_[0] * np.eye(f),
    }[kind]()
    np.testing.assert_allclose(ours, inverse, rtol=1e-7, atol=1e-7 * np.abs(inverse).max())


def test_rows_far_from_every_mean_have_a_log_density():
    model = GaussianMixture(2, random_state=0).fit(rows(0))
    far = np.full((1, 3), 1e6)
    assert np.isfinite(model.score_samples(far)).all()
    assert model.predict_proba(far).sum() == pytest.approx(1)


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_rows_have_the_mixtures_moments(kind):
    model = GaussianMixture(3, covariance_type=kind, random_state=0).fit(rows(5, 400))
    X, labels = model.sample(20000)
    assert (np.diff(labels) >= 0).all()
    # five standard errors of a share, and of a mean
    shares = np.bincount(labels) / 20000
    assert (np.abs(shares - model.weights_) < 5 * np.sqrt(0.25 / 20000)).all()
    error = 5 * X.std(axis=0) / np.sqrt(20000)
    assert (np.abs(X.mean(axis=0) - model.weights_ @ model.means_) < error).all()
    inner = np.cov((X - model.means_[labels])[labels == 0].T)
    wanted = {
        "full": lambda c: c[0],
        "tied": lambda c: c,
        "diag": lambda c: np.diag(c[0]),
        "spherical": lambda c: c[0] * np.eye(3),
    }[kind](model.covariances_)
    np.testing.assert_allclose(inner, wanted, atol=0.12 * np.abs(wanted).max())


def test_equal_rows_are_kept_apart_from_zero_variance():
    X = np.ones((10, 2))
    model = GaussianMixture(1, reg_covar=1e-3).fit(X)
    np.testing.assert_allclose(model.covariances_[0], 1e-3 * np.eye(2), atol=1e-15)
    with pytest.raises(ValueError, match=r"ill-defined covariance.*Try fewer components"):
        GaussianMixture(1, reg_covar=0).fit(X)
    with pytest.raises(ValueError, match="ill-defined covariance"):
        precision_factors(np.array([0.0]), "spherical")
    two = GaussianMixture(2, random_state=0).fit(X)  # two components for one place
    assert np.isfinite(two.lower_bound_)


def test_as_many_components_as_rows():
    X = rows(1, 6)
    model = GaussianMixture(6, random_state=0).fit(X)
    assert sorted(model.predict(X)) == list(range(6))
    assert np.isfinite(model.score_samples(X)).all()


def test_a_run_that_is_too_short_is_told():
    with pytest.warns(ConvergenceWarning, match="did not converge in max_iter=1 steps"):
        GaussianMixture(3, max_iter=1, random_state=0).fit(rows(0))


def test_given_means_are_where_it_starts():
    X = np.concatenate([rows(0, 50, 2, 1) - 20, rows(1, 50, 2, 1) + 20])
    model = GaussianMixture(2, means_init=[[20.0, 20.0], [-20.0, -20.0]], random_state=0).fit(X)
    assert model.means_[0, 0] > model.means_[1, 0]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"covariance_type": "round"}, "covariance_type is 'round'; known are: full, tied"),
        ({"n_components": 0}, "n_components is 0"),
        ({"n_components": 21}, "n_components = 21, n_samples = 20"),
        ({"max_iter": 0}, "max_iter is 0"),
        ({"n_init": 0}, "n_init is 0"),
        ({"reg_covar": -1.0}, "reg_covar is -1.0"),
        ({"n_components": 2, "means_init": np.zeros((2, 2))}, "means_init has the shape"),
        ({"n_components": 1, "means_init": [[np.nan] * 3]}, "means_init contains NaN"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture(**parameters).fit(rows(0, 20))


def test_one_row_and_no_draws_are_refused():
    with pytest.raises(ValueError, match=r"1 sample\(s\)"):
        GaussianMixture().fit([[1.0, 2.0]])
    with pytest.raises(ValueError, match="n_samples is 0"):
        GaussianMixture().fit(rows(0)).sample(0)
