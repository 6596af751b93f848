"""Scalers against scikit-learn's: weights, gaps, portions, constant and far-off columns."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import preprocessing
from tests.classical.compliance import compliance

from groundup.classical.scaling import (
    MaxAbsScaler,
    MinMaxScaler,
    StandardScaler,
    column_moments,
    merge_moments,
    without_zeros,
)

EPS = np.finfo(float).eps


@compliance(StandardScaler(), MinMaxScaler(), MinMaxScaler(clip=True), MaxAbsScaler())
def test_conventions(estimator, check):
    check(estimator)


def columns(seed, n=40, f=4, gaps=0.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, f)) * 10.0 ** rng.integers(-3, 4, f) + 10.0 * rng.integers(-3, 4, f)
    X[rng.random((n, f)) < gaps] = np.nan
    X[:, 0] = 5.0  # a constant column
    return X


PAIRS = [
    (StandardScaler(), preprocessing.StandardScaler()),
    (StandardScaler(with_mean=False), preprocessing.StandardScaler(with_mean=False)),
    (StandardScaler(with_std=False), preprocessing.StandardScaler(with_std=False)),
    (MinMaxScaler((-1, 2)), preprocessing.MinMaxScaler((-1, 2))),
    (MinMaxScaler(clip=True), preprocessing.MinMaxScaler(clip=True)),
    (MaxAbsScaler(), preprocessing.MaxAbsScaler()),
]
LEARNED = ["mean_", "var_", "scale_", "min_", "data_range_", "max_abs_", "n_samples_seen_"]


def fit(theirs, X, **weights):
    """Theirs warn of empty columns, and of constant ones whose variance rounds below zero."""
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return theirs.fit(X, **weights)


def assert_same(ours, theirs, X, rtol):
    for name in LEARNED:
        assert hasattr(ours, name) == hasattr(theirs, name), name
        if getattr(theirs, name, None) is not None:
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol, 1e-12)
    wide = X * 1.5
    np.testing.assert_allclose(ours.transform(wide), theirs.transform(wide), rtol, 1e-8)
    back = ours.inverse_transform(ours.transform(X))
    np.testing.assert_allclose(back, theirs.inverse_transform(theirs.transform(X)), rtol, 1e-9)


@pytest.mark.reference
@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda pair: repr(pair))
@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 60), gaps=st.sampled_from([0.0, 0.2]))
def test_they_are_scikit_learns(ours, theirs, seed, n, gaps):
    X = columns(seed, n, gaps=gaps)
    # a sum of n terms errs by n eps of the terms' sizes; means may be 1e4 times their deviations
    assert_same(ours.fit(X), fit(theirs, X), X, rtol=n * EPS * 1e7)


@pytest.mark.reference
@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(1, 39))
@settings(max_examples=30)
def test_portions_end_where_one_fit_does(seed, cut):
    X = columns(seed, gaps=0.1)
    for whole, theirs in PAIRS:
        part = type(whole)(**whole.get_params())
        part.partial_fit(X[:cut]).partial_fit(X[cut:])
        assert_same(part, fit(theirs, X), X, rtol=1e-7)


@pytest.mark.reference
@given(seed=st.integers(0, 2**32 - 1), whole=st.booleans())
@settings(max_examples=30)
def test_a_whole_weight_is_that_many_rows(seed, whole):
    X = columns(seed, gaps=0.1)
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 4, 40) + 0.0 if whole else rng.uniform(0, 2, 40)
    weights[0] = 1
    ours = StandardScaler().fit(X, sample_weight=weights)
    theirs = fit(preprocessing.StandardScaler(), X, sample_weight=weights)
    assert_same(ours, theirs, X, rtol=1e-8)
    if whole:
        again = StandardScaler().fit(np.repeat(X, weights.astype(int), axis=0))
        np.testing.assert_allclose(ours.var_, again.var_, rtol=1e-9)


def test_a_mean_far_off_costs_no_digits():
    rng = np.random.default_rng(0)
    small = rng.normal(size=(1000, 1))
    shifted = 2.0**30 + np.round(small * 2**20) / 2**20  # exact in float64
    _, mean, variance = column_moments(shifted, np.ones(1000))
    assert mean[0] - 2.0**30 == pytest.approx(shifted.mean() - 2.0**30, abs=2**30 * EPS * 4)
    exact = np.var(shifted - 2.0**30)
    assert variance[0] == pytest.approx(exact, rel=1000 * EPS)


def test_a_constant_column_is_divided_by_one():
    X = np.full((50, 1), 1e8 + 0.1)
    scaler = StandardScaler().fit(X)
    assert scaler.scale_ == [1.0]
    assert np.array_equal(without_zeros(np.array([0.0, 1e-16, 2.0])), [1.0, 1.0, 2.0])
    assert np.abs(scaler.transform(X)).max() <= 1e8 * EPS * 50


def test_a_column_of_gaps_stays_one():
    X = np.array([[np.nan, 1.0], [np.nan, 3.0]])
    for scaler in (StandardScaler(), MinMaxScaler(), MaxAbsScaler()):
        moved = scaler.fit_transform(X)
        assert np.isnan(moved[:, 0]).all()
        assert np.isfinite(moved[:, 1]).all()


def test_merging_with_nothing_changes_nothing():
    some = column_moments(np.array([[1.0], [2.0]]), np.ones(2))
    none = column_moments(np.array([[np.nan]]), np.ones(1))
    for merged in (merge_moments(some, none), merge_moments(none, some)):
        np.testing.assert_array_equal(merged, some)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="Minimum of desired feature range"):
        MinMaxScaler((1, 1)).fit([[1.0]])
    with pytest.raises(ValueError, match="X has 1 features, but StandardScaler is expecting 2"):
        StandardScaler().fit([[1, 2], [3, 4]]).partial_fit([[1.0]])
    with pytest.raises(ValueError, match="infinity"):
        MaxAbsScaler().fit([[np.inf]])
    with pytest.raises(ValueError, match="Negative values"):
        StandardScaler().fit([[1.0], [2.0]], sample_weight=[1, -1])


def test_whole_numbers_do_not_overflow():
    X = np.array([[-(2**31) + 1], [2**31 - 1]], dtype=np.int32)
    assert MinMaxScaler().fit_transform(X).ravel().tolist() == [0.0, 1.0]
    assert StandardScaler().fit(X).var_[0] == pytest.approx(float(2**31 - 1) ** 2)
