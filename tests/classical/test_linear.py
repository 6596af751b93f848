"""Least squares against scikit-learn and NumPy, and its promises on odd data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import linear_model
from tests.classical.compliance import compliance

from groundup.classical.linear import LinearRegression, centre, ordinary_least_squares
from groundup.swap import Replacement, replaced

EPS = np.finfo(float).eps


@compliance(LinearRegression(), LinearRegression(fit_intercept=False))
def test_conventions(estimator, check):
    check(estimator)


def problem(seed, n, f, outputs=None, noise=0.1):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, f)) + rng.normal(size=f)
    shape = (f,) if outputs is None else (f, outputs)
    y = X @ rng.normal(size=shape)
    return X, y + noise * rng.normal(size=y.shape) + 3


@pytest.mark.reference
@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 60),
    f=st.integers(1, 12),
    outputs=st.sampled_from([None, 1, 3]),
    fit_intercept=st.booleans(),
    weighted=st.booleans(),
)
def test_it_is_scikit_learns(seed, n, f, outputs, fit_intercept, weighted):
    X, y = problem(seed, n, f, outputs)
    weights = np.random.default_rng(seed).uniform(0.5, 2, n) if weighted else None
    ours = LinearRegression(fit_intercept=fit_intercept).fit(X, y, weights)
    theirs = linear_model.LinearRegression(fit_intercept=fit_intercept).fit(X, y, weights)
    assert ours.coef_.shape == theirs.coef_.shape
    assert np.shape(ours.intercept_) == np.shape(theirs.intercept_)
    assert ours.rank_ == theirs.rank_
    # the least-squares error bound: eps (kappa + kappa^2 residual) |w|, Golub and Van Loan 5.3.7
    kept = ours.singular_[: ours.rank_]
    kappa = kept[0] / kept[-1]
    error = 100 * EPS * (kappa + kappa**2) * np.abs(y).max() * max(1, np.abs(X).max())
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=error)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=f * 4 * error)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=f * 8 * error)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y), abs=1e-6)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 50), f=st.integers(1, 6))
def test_the_residual_is_orthogonal_to_all_features(seed, n, f):
    X, y = problem(seed, n, f)
    model = LinearRegression().fit(X, y)
    residual = y - model.predict(X)
    # sums of n products of entries below 10 (rows) and 60 (targets), a few roundings each
    assert np.abs(X.T @ residual).max() < n * 600 * 100 * EPS
    assert abs(residual.sum()) < n * 600 * 100 * EPS


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_weights_of_whole_numbers_are_repetitions(seed):
    X, y = problem(seed, 20, 3)
    times = np.random.default_rng(seed).integers(0, 4, 20)
    times[:6] = 1  # enough rows to settle all coefficients
    weighted = LinearRegression().fit(X, y, times)
    repeated = LinearRegression().fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=0, atol=1e-9)


@pytest.mark.reference
def test_dependent_features_share_by_the_least_norm():
    rng = np.random.default_rng(0)
    first = rng.normal(size=30)
    X = np.column_stack([first, first, np.ones(30), 2 * first])  # the constant has no part in it
    y = 6 * first + 1
    model = LinearRegression().fit(X, y)
    assert model.rank_ == 1
    np.testing.assert_allclose(model.coef_, [1, 1, 0, 2], atol=1e-14)
    np.testing.assert_allclose(
        model.coef_, linear_model.LinearRegression().fit(X, y).coef_, atol=1e-13
    )
    assert model.intercept_ == pytest.approx(1)


def test_more_features_than_rows_fit_exactly():
    X, y = problem(3, 5, 20)
    model = LinearRegression().fit(X, y)
    np.testing.assert_allclose(model.predict(X), y, atol=1e-12)
    assert model.score(X, y) == pytest.approx(1)


def test_one_row_is_predicted_as_it_is():
    model = LinearRegression().fit([[1.0, 2.0]], [5.0])
    assert model.coef_.tolist() == [0, 0]
    assert model.intercept_ == 5


def test_a_far_off_origin_costs_no_digits():
    """With features at 1e8 the centred ones keep 8 digits, and so do the coefficients."""
    rng = np.random.default_rng(1)
    X = rng.integers(0, 1000, size=(50, 2)) + 1e8  # exact in float64, also after centring
    y = X @ [2.0, -3.0]
    model = LinearRegression().fit(X, y)
    np.testing.assert_allclose(model.coef_, [2, -3], rtol=1e-9)


def test_an_ill_conditioned_matrix_has_a_small_residual():
    """Backward stability: the residual is small though coefficients of Hilbert's are not known."""
    hilbert = 1 / (1 + np.arange(12)[:, None] + np.arange(12))
    y = hilbert @ np.ones(12)
    model = LinearRegression(fit_intercept=False).fit(hilbert, y)
    assert np.abs(hilbert @ model.coef_ - y).max() < 12 * 100 * EPS * 12


def test_whole_numbers_do_not_overflow():
    X = np.array([[2**31 - 1], [2**30]], np.int32)
    model = LinearRegression().fit(X, np.array([2**31 - 1, 2**30], np.int32))
    assert model.coef_[0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[1.0], [np.nan]], [1, 2], "NaN"),
        ([[1.0], [2.0]], [1, np.inf], "infinity"),
        ([[1.0], [2.0]], [1, 2, 3], "inconsistent numbers of samples"),
        ([[1.0], [2.0]], ["a", "b"], "text"),
        (np.zeros((0, 2)), [], "0 sample"),
        ([[1j], [2]], [1, 2], "Complex data not supported"),
    ],
)
def test_bad_input_is_refused(X, y, message):
    with pytest.raises(ValueError, match=message):
        LinearRegression().fit(X, y)


def test_weights_that_cannot_be_are_refused():
    for weights, message in (([1, -1], "Negative"), ([0, 0], "not zero"), ([1, 1, 1], "expected")):
        with pytest.raises(ValueError, match=message):
            LinearRegression().fit([[1.0], [2.0]], [1, 2], weights)


def test_centring_takes_the_means_away():
    X, y = problem(0, 40, 3)
    weights = np.random.default_rng(0).random(40)
    rows, target, x_mean, y_mean = centre(X, y, weights)
    assert np.abs(weights @ rows).max() < 40 * 10 * EPS
    assert abs(weights @ target) < 40 * 20 * EPS
    np.testing.assert_allclose(x_mean, np.average(X, axis=0, weights=weights))
    assert y_mean == pytest.approx(np.average(y, weights=weights))
    assert centre(X, y, weights, False)[2].tolist() == [0, 0, 0]


def test_a_learners_least_squares_runs():
    def mine(X, Y):
        return np.full((X.shape[1], *Y.shape[1:]), 7.0), 1, np.ones(1)

    part = Replacement(
        part="classical.linear:ordinary_least_squares",
        file="mine.py",
        name="mine",
        sha256="",
        function=mine,
    )
    with replaced([part]):
        assert LinearRegression().fit([[1.0], [2.0]], [1, 2]).coef_.tolist() == [7.0]
    assert ordinary_least_squares(np.eye(2), np.eye(2))[1] == 2
