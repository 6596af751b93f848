"""QuantileTransformer against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import preprocessing
from tests.classical.compliance import compliance

from groundup.classical.quantile_transform import QuantileTransformer


@compliance(QuantileTransformer(n_quantiles=10))
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore:n_quantiles")
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 60),
    kept=st.integers(2, 80),
    kind=st.sampled_from(["uniform", "normal"]),
    ties=st.booleans(),
    gaps=st.booleans(),
)
@settings(max_examples=60)
def test_ranks_are_scikit_learns(seed, n, kept, kind, ties, gaps):
    rng = np.random.default_rng(seed)
    X = rng.standard_cauchy(size=(n, 2))
    if ties:
        X = np.round(X)
    if gaps:
        X[1:][rng.random((n - 1, 2)) < 0.2] = np.nan
    options = {"n_quantiles": kept, "output_distribution": kind}
    ours = QuantileTransformer(**options).fit(X)
    theirs = preprocessing.QuantileTransformer(**options).fit(X)
    np.testing.assert_allclose(ours.quantiles_, theirs.quantiles_, rtol=1e-12, atol=1e-12)
    later = np.concatenate([X, rng.standard_cauchy(size=(9, 2)) * 3])
    moved = theirs.transform(later)
    # an interpolation; the normal quantile multiplies its error by up to 1/density = 2e6
    error = 1e-12 if kind == "uniform" else 1e-7
    np.testing.assert_allclose(ours.transform(later), moved, rtol=error, atol=error)
    back = theirs.inverse_transform(moved)
    np.testing.assert_allclose(ours.inverse_transform(moved), back, rtol=1e-9, atol=1e-9)


def test_any_shape_becomes_uniform_or_normal():
    X = np.exp(3 * np.random.default_rng(0).normal(size=(500, 1)))
    even = QuantileTransformer().fit_transform(X)[:, 0]
    assert stats.kstest(even, "uniform").pvalue > 0.99
    normal = QuantileTransformer(output_distribution="normal").fit_transform(X)[:, 0]
    assert stats.kstest(normal, "norm").pvalue > 0.9
    some = QuantileTransformer(subsample=100, random_state=0).fit(X)
    assert some.n_quantiles_ == 500


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="output_distribution is 'x'"):
        QuantileTransformer(output_distribution="x").fit([[1.0]])
    with pytest.raises(ValueError, match="n_quantiles is 0"):
        QuantileTransformer(n_quantiles=0).fit([[1.0]])
