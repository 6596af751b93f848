"""Selection by variance against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import feature_selection
from tests.classical.compliance import compliance

from groundup.classical.feature_selection import VarianceThreshold


@compliance(VarianceThreshold())
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.reference
@given(seed=st.integers(0, 2**32 - 1), threshold=st.sampled_from([0.0, 0.5]), gaps=st.booleans())
@settings(max_examples=30)
def test_columns_are_scikit_learns(seed, threshold, gaps):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(20, 5)) * [0, 0.5, 1, 1, 2] + [0.5, 0, 0, 1e3, 0]
    if gaps:
        X[1:, :][rng.random((19, 5)) < 0.2] = np.nan
    ours = VarianceThreshold(threshold).fit(X)
    theirs = feature_selection.VarianceThreshold(threshold).fit(X)
    np.testing.assert_allclose(ours.variances_, theirs.variances_, rtol=1e-9, atol=1e-14)
    assert np.array_equal(ours.get_support(), theirs.get_support())
    assert np.array_equal(ours.get_support(indices=True), theirs.get_support(indices=True))
    moved = ours.transform(X)
    assert np.array_equal(moved, theirs.transform(X), equal_nan=True)
    if not gaps:
        assert np.array_equal(ours.inverse_transform(moved), theirs.inverse_transform(moved))
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())


def test_a_constant_that_rounding_makes_vary_is_dropped():
    X = np.column_stack([np.full(10, 0.1), np.arange(10.0)])
    assert VarianceThreshold().fit(X).get_support().tolist() == [False, True]
    X[0, 0] = np.nan  # scikit-learn's own keeps the column now: its range is NaN
    assert VarianceThreshold().fit(X).get_support().tolist() == [False, True]


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"variance threshold 0.00000 \(X contains only one"):
        VarianceThreshold().fit([[1.0, 2.0]])
    with pytest.raises(ValueError, match="threshold is -1"):
        VarianceThreshold(-1).fit([[1.0], [2.0]])
    with pytest.raises(ValueError, match="different shape than during fitting"):
        VarianceThreshold().fit([[1.0, 1.0], [2.0, 1.0]]).inverse_transform([[1.0, 2.0]])
