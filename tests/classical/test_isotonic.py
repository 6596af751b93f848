"""Isotonic regression against scikit-learn and the conditions of its minimum."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from sklearn import isotonic
from tests.classical.compliance import compliance

from groundup.classical.isotonic import (
    IsotonicRegression,
    pool_adjacent_violators,
    rank_correlation,
)


@compliance(IsotonicRegression())
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.reference
@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 60),
    ties=st.booleans(),
    weighted=st.booleans(),
    increasing=st.sampled_from([True, False, "auto"]),
    bounds=st.sampled_from([{}, {"y_min": -0.5}, {"y_min": -0.2, "y_max": 0.4}]),
)
def test_it_is_scikit_learns(seed, n, ties, weighted, increasing, bounds):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 9, n).astype(float) if ties else rng.normal(size=n)
    y = 0.3 * x + rng.normal(size=n)
    weights = rng.uniform(0.1, 3, n) if weighted else None
    if increasing == "auto" and abs(rank_correlation(x, y)) < 0.01:
        increasing = True  # the sign of a rounding
    settings = {"increasing": increasing, "out_of_bounds": "clip", **bounds}
    ours = IsotonicRegression(**settings).fit(x, y, weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where the sign of "auto" is not significant
        theirs = isotonic.IsotonicRegression(**settings).fit(x, y, weights)
    new = np.concatenate([x, rng.normal(size=20) * 12])
    # means of at most 60 values below 10
    np.testing.assert_allclose(ours.predict(new), theirs.predict(new), rtol=0, atol=1e-12)
    assert ours.increasing_ == theirs.increasing_
    assert (ours.X_min_, ours.X_max_) == (theirs.X_min_, theirs.X_max_)
    assert len(ours.X_thresholds_) <= len(x)


@pytest.mark.reference
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 40))
def test_pooling_is_the_projection_on_rising_sequences(seed, n):
    """Its conditions: blocks at their means, and no head of a block above its block."""
    rng = np.random.default_rng(seed)
    y, weights = rng.normal(size=n), rng.uniform(0.2, 3, n)
    steps = pool_adjacent_violators(y, weights)
    assert (np.diff(steps) >= 0).all()
    heads = np.cumsum(weights * (y - steps))
    assert heads.min() >= -1e-12  # of every head of the whole: residuals sum to at least 0
    last = np.append(np.diff(steps) > 0, True)
    np.testing.assert_allclose(heads[last], 0, atol=1e-12)
    theirs = optimize.isotonic_regression(y, weights=weights)
    np.testing.assert_allclose(steps, theirs.x, rtol=0, atol=1e-13)


@pytest.mark.reference
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30))
def test_the_rank_correlation_is_scipys(pairs):
    x, y = np.array(pairs, float).T
    got = rank_correlation(x, y)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert got == 0
    else:
        assert got == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


def test_outside_of_what_was_seen():
    x, y = [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]
    assert np.isnan(IsotonicRegression().fit(x, y).predict([0.0, 4.0])).all()
    assert IsotonicRegression(out_of_bounds="clip").fit(x, y).predict([0.0, 4.0]).tolist() == [1, 3]
    with pytest.raises(ValueError, match="give out_of_bounds='clip'"):
        IsotonicRegression(out_of_bounds="raise").fit(x, y).predict([0.0])


def test_one_column_is_as_good_as_a_vector():
    x, y = np.array([3.0, 1.0, 2.0]), [9.0, 1.0, 4.0]
    model = IsotonicRegression().fit(x[:, None], y)
    assert model.predict(x).tolist() == [9, 1, 4]
    assert model.transform(x[:, None]).tolist() == [9, 1, 4]
    assert model.get_feature_names_out().tolist() == ["isotonicregression0"]


def test_rows_without_weight_do_not_count():
    model = IsotonicRegression().fit([1.0, 2.0, 3.0], [1.0, 99.0, 3.0], [1, 0, 1])
    assert model.predict([2.0]).tolist() == [2.0]


@pytest.mark.parametrize(
    ("settings", "X", "message"),
    [
        ({"out_of_bounds": "fly"}, [1.0, 2.0], "known are: nan, clip, raise"),
        ({"increasing": "down"}, [1.0, 2.0], "known are: True, False"),
        ({"y_min": 2, "y_max": 1}, [1.0, 2.0], "is above"),
        ({}, [[1.0, 2.0], [3.0, 4.0]], "2d array with 1 feature"),
        ({}, [1.0, np.nan], "NaN"),
        ({}, [1.0, 2.0, 3.0], "inconsistent numbers"),
    ],
)
def test_bad_input_is_refused(settings, X, message):
    with pytest.raises(ValueError, match=message):
        IsotonicRegression(**settings).fit(X, [1.0, 2.0])


def test_weights_that_cannot_be_are_refused():
    for weights in ([-1, 1], [0, 0]):
        with pytest.raises(ValueError, match="sample_weight must not"):
            IsotonicRegression().fit([1.0, 2.0], [1.0, 2.0], weights)


def test_before_fit_it_says_so():
    with pytest.raises(ValueError, match="not fitted yet"):
        IsotonicRegression().predict([1.0])
