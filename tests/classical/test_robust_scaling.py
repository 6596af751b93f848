"""RobustScaler and Normalizer against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import preprocessing
from tests.classical.compliance import compliance

from groundup.classical.robust_scaling import Normalizer, RobustScaler, unit_rows


@compliance(RobustScaler(), Normalizer())
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.reference
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 40),
    gaps=st.booleans(),
    options=st.fixed_dictionaries(
        {
            "with_centering": st.booleans(),
            "with_scaling": st.booleans(),
            "unit_variance": st.booleans(),
            "quantile_range": st.sampled_from([(25.0, 75.0), (5.0, 90.0)]),
        }
    ),
)
@settings(max_examples=50)
def test_medians_and_widths_are_scikit_learns(seed, n, gaps, options):
    rng = np.random.default_rng(seed)
    X = rng.standard_cauchy(size=(n, 3))
    X[:, 0] = 7
    if gaps:
        X[rng.random((n, 3)) < 0.2] = np.nan
        X[0] = 1
    ours = RobustScaler(**options).fit(X)
    theirs = preprocessing.RobustScaler(**options).fit(X)
    # one interpolation between two values: a few roundings of them
    for mine, wanted in [
        (ours.center_, theirs.center_),
        (ours.scale_, theirs.scale_),
        (ours.transform(X), theirs.transform(X)),
        (ours.inverse_transform(X), theirs.inverse_transform(X)),
    ]:
        if wanted is None:
            assert mine is None
        else:
            np.testing.assert_allclose(mine, wanted, rtol=1e-12, atol=1e-12)


def test_one_wild_value_moves_nothing():
    X = np.arange(101.0)[:, None]
    wild = X.copy()
    wild[-1] = 1e12
    assert RobustScaler().fit(X).scale_ == RobustScaler().fit(wild).scale_ == [50.0]


def test_a_column_of_gaps_stays_one():
    moved = RobustScaler().fit_transform([[np.nan, 1.0], [np.nan, 2.0]])
    assert np.isnan(moved[:, 0]).all()


@pytest.mark.parametrize("quantiles", [(75, 25), (-1, 50), (0, 101)])
def test_quantiles_that_cannot_be_are_refused(quantiles):
    with pytest.raises(ValueError, match="Invalid quantile range"):
        RobustScaler(quantile_range=quantiles).fit([[1.0]])


@pytest.mark.reference
@given(seed=st.integers(0, 2**32 - 1), norm=st.sampled_from(["l1", "l2", "max"]))
@settings(max_examples=30)
def test_rows_are_scikit_learns(seed, norm):
    X = np.random.default_rng(seed).normal(size=(20, 5))
    X[3] = 0
    wanted = preprocessing.normalize(X, norm)
    # a norm of 5 terms: 5 roundings
    np.testing.assert_allclose(Normalizer(norm).fit_transform(X), wanted, rtol=2e-15)
    np.testing.assert_allclose(Normalizer(norm).transform(X), wanted, rtol=2e-15)
    assert (unit_rows(X, norm)[3] == 0).all()


def test_other_norms_are_refused():
    with pytest.raises(ValueError, match="norm is 'l3'"):
        Normalizer("l3").fit_transform([[1.0]])
