import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from groundup.classical.impurity import (
    CRITERIA,
    entropy,
    gini,
    impurity,
    sums_of_each,
    variance,
    weight_of,
)

# sums of up to 50 terms of size 1, then a few roundings: below 100 eps
CLOSE = {"rtol": 2e-14, "atol": 2e-14}


@pytest.mark.reference
@given(weights=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=20))
def test_entropy_is_scipys(weights):
    ours = entropy(np.array(weights))
    np.testing.assert_allclose(ours, scipy.stats.entropy(weights, base=2), **CLOSE)


@given(st.integers(0, 10_000), st.integers(1, 50), st.integers(1, 5))
def test_ginis_impurity_is_the_variance_of_the_classes_indicators(seed, n, k):
    rng = np.random.default_rng(seed)
    targets, weights = rng.integers(k, size=n).astype(float), rng.uniform(0.1, 2, n)
    ours = gini(sums_of_each(0, targets, weights, k).sum(axis=0))
    indicators = np.eye(k)[targets.astype(int)]
    mean = np.average(indicators, axis=0, weights=weights)
    spread = np.average((indicators - mean) ** 2, axis=0, weights=weights).sum()
    np.testing.assert_allclose(ours, spread, **CLOSE)


@given(st.integers(0, 10_000), st.integers(1, 50))
def test_variance_is_numpys(seed, n):
    rng = np.random.default_rng(seed)
    targets, weights = rng.normal(size=n), rng.uniform(0.1, 2, n)
    sums = sums_of_each(2, targets, weights, 1).sum(axis=0)
    mean = np.average(targets, weights=weights)
    expected = np.average((targets - mean) ** 2, weights=weights)
    np.testing.assert_allclose(variance(sums), expected, rtol=0, atol=50 * 2.3e-16 * 20)
    np.testing.assert_allclose(weight_of(2, sums), weights.sum(), **CLOSE)


def test_taking_the_mean_away_first_keeps_the_digits():
    targets, weights = np.array([1e8, 1e8 + 1.0]), np.ones(2)
    moved = sums_of_each(2, targets, weights, 1, center=1e8 + 0.5).sum(axis=0)
    assert variance(moved) == 0.25
    assert variance(sums_of_each(2, targets, weights, 1).sum(axis=0)) != 0.25


@pytest.mark.parametrize("criterion", range(3))
def test_what_is_all_alike_has_no_impurity(criterion):
    sums = sums_of_each(criterion, np.ones(4), np.ones(4), 2, center=1.0).sum(axis=0)
    assert impurity(criterion, sums) == 0
    assert not np.signbit(impurity(criterion, sums))
    assert weight_of(criterion, sums) == 4


def test_an_even_mix_is_the_worst():
    even = np.array([3.0, 3.0])
    assert gini(even) == 0.5
    assert entropy(even) == 1.0
    assert len(CRITERIA) == 3
