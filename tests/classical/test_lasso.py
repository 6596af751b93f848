"""Lasso and elastic net against scikit-learn, and what their minima must be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import linear_model
from tests.classical.compliance import compliance

from groundup.classical.lasso import ElasticNet, Lasso, alpha_max, elastic_net_path, lasso_path
from groundup.classical.ridge import Ridge
from groundup.maths.convergence import ConvergenceWarning


@compliance(Lasso(), Lasso(positive=True), ElasticNet(), ElasticNet(l1_ratio=0.0))
def test_conventions(estimator, check):
    check(estimator)


def problem(seed, n, f, outputs=None):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, f)) + rng.normal(size=f)
    truth = rng.normal(size=(f,) if outputs is None else (f, outputs))
    y = X @ np.where(rng.random(truth.shape) < 0.5, truth, 0)
    return X, y + 0.5 * rng.normal(size=y.shape) + 3


@pytest.mark.reference
@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(5, 60),
    f=st.integers(1, 12),
    outputs=st.sampled_from([None, 1, 3]),
    alpha=st.sampled_from([0.01, 0.1, 1.0]),
    l1_ratio=st.sampled_from([0.2, 0.9]),
    positive=st.booleans(),
    weighted=st.booleans(),
)
def test_the_elastic_net_is_scikit_learns(seed, n, f, outputs, alpha, l1_ratio, positive, weighted):
    X, y = problem(seed, n, f, outputs)
    weights = np.random.default_rng(seed).uniform(0.5, 2, n) if weighted else None
    settings = {
        "alpha": alpha,
        "l1_ratio": l1_ratio,
        "positive": positive,
        "tol": 1e-13,
        "max_iter": 100_000,
    }
    ours = ElasticNet(**settings).fit(X, y, weights)
    theirs = linear_model.ElasticNet(**settings).fit(X, y, weights)
    assert ours.coef_.shape == theirs.coef_.shape
    # both gaps are below tol |y|^2 / n < 1e-10, and the objective is strongly convex with
    # alpha (1 - l1_ratio) >= 1e-3: |w - w*| <= sqrt(2e-10 / 1e-3) for each, in the worst case
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=1e-4)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-4)


@pytest.mark.reference
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), f=st.integers(1, 10), share=st.floats(0.02, 0.9))
def test_the_lasso_is_scikit_learns_pass_by_pass(seed, f, share):
    X, y = problem(seed, 60, f)
    alpha = share * alpha_max(X - X.mean(axis=0), y - y.mean())
    ours, theirs = Lasso(alpha).fit(X, y), linear_model.Lasso(alpha).fit(X, y)
    # the same updates in the same order, so also before convergence the numbers are the same, up
    # to roundings that the condition of X'X (below 1e3 here) may carry on
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-10)
    assert abs(ours.n_iter_ - theirs.n_iter_) <= 1
    assert ours.intercept_ == pytest.approx(theirs.intercept_, abs=1e-9)


@pytest.mark.reference
def test_more_features_than_rows_pick_the_same_ones():
    X, y = problem(5, 40, 100)
    settings = {"tol": 1e-12, "max_iter": 100_000}
    ours, theirs = Lasso(0.1, **settings).fit(X, y), linear_model.Lasso(0.1, **settings).fit(X, y)
    assert np.array_equal(ours.coef_ != 0, theirs.coef_ != 0)
    assert 0 < (ours.coef_ != 0).sum() < 40
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-6)
    assert ours.dual_gap_ <= 1e-12 * y @ y


@pytest.mark.reference
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_the_path_is_scikit_learns(l1_ratio):
    X, y = problem(6, 50, 8)
    X, y = X - X.mean(axis=0), y - y.mean()
    ours = elastic_net_path(X, y, l1_ratio=l1_ratio, alphas=30, tol=1e-12, max_iter=10_000)
    theirs = linear_model.enet_path(X, y, l1_ratio=l1_ratio, alphas=30, tol=1e-12, max_iter=10_000)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-12)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=0, atol=1e-6)
    assert (ours[2] <= 1e-12 * (y @ y)).all()


def test_the_path_begins_at_zero_and_ends_near_least_squares():
    X, y = problem(7, 80, 6)
    X, y = X - X.mean(axis=0), y - y.mean()
    alphas, coefs, _ = lasso_path(X, y, eps=1e-6, alphas=60, tol=1e-10)
    assert (coefs[:, 0] == 0).all()
    assert (coefs[:, 1] != 0).sum() == 1
    np.testing.assert_allclose(coefs[:, -1], np.linalg.lstsq(X, y)[0], atol=1e-4)
    assert (np.diff(np.abs(coefs).sum(axis=0)) > -1e-8).all()
    given, _, _ = lasso_path(X, y, alphas=[0.1, 1.0])
    assert given.tolist() == [1.0, 0.1]
    assert alphas[0] == pytest.approx(np.abs(X.T @ y).max() / 80)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), l1_ratio=st.floats(0.1, 1))
def test_at_alpha_max_all_is_zero_and_just_below_it_is_not(seed, l1_ratio):
    X, y = problem(seed, 30, 5)
    limit = alpha_max(X - X.mean(axis=0), y - y.mean(), l1_ratio)
    above = ElasticNet(limit * (1 + 1e-9), l1_ratio=l1_ratio).fit(X, y)
    below = ElasticNet(limit * 0.99, l1_ratio=l1_ratio, tol=1e-10).fit(X, y)
    assert (above.coef_ == 0).all()
    assert above.intercept_ == pytest.approx(y.mean())
    assert (below.coef_ != 0).sum() >= 1


def test_without_l1_it_is_ridge():
    X, y = problem(8, 40, 5)
    net = ElasticNet(0.3, l1_ratio=0.0, tol=1e-14).fit(X, y)
    np.testing.assert_allclose(net.coef_, Ridge(0.3 * 40).fit(X, y).coef_, atol=1e-6)


def test_equal_features_the_lasso_picks_one_and_the_net_shares():
    rng = np.random.default_rng(0)
    first = rng.normal(size=50)
    X, y = np.column_stack([first, first]), 3 * first
    assert (np.abs(Lasso(0.1).fit(X, y).coef_) > 1e-12).sum() == 1
    shared = ElasticNet(0.1, tol=1e-12).fit(X, y).coef_
    assert shared[0] == pytest.approx(shared[1], rel=1e-4)


def test_a_warm_start_begins_where_it_was():
    X, y = problem(9, 100, 30)
    model = Lasso(0.05, warm_start=True, tol=1e-8).fit(X, y)
    first = model.n_iter_
    assert model.fit(X, y).n_iter_ <= 2 < first


@pytest.mark.filterwarnings("error")
def test_too_few_passes_warn_with_advice():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 1)) + 1e-3 * rng.normal(size=(50, 8))
    y = X[:, 0] - X[:, 1] + 0.01 * rng.normal(size=50)
    with pytest.warns(ConvergenceWarning, match="raise max_iter or alpha"):
        Lasso(1e-7, max_iter=3, tol=1e-9).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="with alpha=0 use LinearRegression"):
        Lasso(0.0, max_iter=3).fit(X, y)


def test_a_constant_target_gives_zeros():
    model = Lasso(0.1).fit([[1.0], [2.0], [3.0]], [4.0, 4.0, 4.0])
    assert model.coef_.tolist() == [0]
    assert model.intercept_ == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": -1}, "at least 0"),
        ({"alpha": np.inf}, "finite"),
        ({"l1_ratio": 1.5}, r"in \[0, 1\]"),
        ({"max_iter": 0}, "at least 1 pass"),
        ({"tol": np.nan}, "tol is nan"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ElasticNet(**settings).fit([[1.0], [2.0]], [1.0, 2.0])


def test_bad_paths_are_refused():
    with pytest.raises(ValueError, match="zeros need one in"):
        alpha_max(np.eye(2), np.ones(2), 0)
    with pytest.raises(ValueError, match="one target a row is wanted: 2"):
        lasso_path(np.eye(2), np.ones(3))
