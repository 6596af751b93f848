"""PowerTransformer against scikit-learn's and SciPy's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import preprocessing
from tests.classical.compliance import compliance

from groundup.classical.power_transform import (
    PowerTransformer,
    best_exponent,
    box_cox,
    golden_section,
    log_likelihood,
    yeo_johnson,
)


@compliance(PowerTransformer())
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.reference
@given(
    seed=st.integers(0, 2**32 - 1), exponent=st.sampled_from([-2.0, -0.3, 0.0, 1e-9, 1.0, 2.0, 3])
)
@settings(max_examples=30)
def test_powers_are_scipys(seed, exponent):
    x = np.random.default_rng(seed).normal(size=30) * 3
    # two elementary functions each: a few roundings
    np.testing.assert_allclose(yeo_johnson(x, exponent), stats.yeojohnson(x, exponent), rtol=1e-7
                               if 0 < exponent < 1e-6 else 1e-12)  # fmt: skip
    positive = np.abs(x) + 0.1
    wanted = stats.boxcox(positive, exponent)
    np.testing.assert_allclose(box_cox(positive, exponent), wanted, rtol=1e-12, atol=1e-14)
    ours = log_likelihood(x, yeo_johnson(x, exponent), exponent, "yeo-johnson")
    assert ours == pytest.approx(stats.yeojohnson_llf(exponent, x), rel=1e-9)


@pytest.mark.reference
@given(
    seed=st.integers(0, 2**32 - 1),
    method=st.sampled_from(["yeo-johnson", "box-cox"]),
    standardize=st.booleans(),
    gaps=st.booleans(),
)
@settings(max_examples=30)
def test_columns_are_scikit_learns(seed, method, standardize, gaps):
    rng = np.random.default_rng(seed)
    X = np.exp(rng.normal(size=(60, 2))) * [1, 5]
    if gaps:
        X[1:40][rng.random((39, 2)) < 0.2] = np.nan
    ours = PowerTransformer(method, standardize=standardize).fit(X)
    theirs = preprocessing.PowerTransformer(method, standardize=standardize).fit(X)
    # a flat peak: its place is known to the root of the rounding error by either search
    np.testing.assert_allclose(ours.lambdas_, theirs.lambdas_, atol=1e-5)
    moved = theirs.transform(X)
    np.testing.assert_allclose(ours.transform(X), moved, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours.inverse_transform(ours.transform(X)), X, rtol=1e-9)


def test_the_likelihood_is_greatest_there():
    x = np.random.default_rng(0).gamma(2, size=100)
    for method, transform in (("box-cox", box_cox), ("yeo-johnson", yeo_johnson)):
        best = best_exponent(x, method)
        values = [
            log_likelihood(x, transform(x, e), e, method) for e in best + np.linspace(-1, 1, 9)
        ]
        assert int(np.argmax(values)) == 4


def test_the_search_widens_to_the_peak():
    assert golden_section(lambda x: -((x - 37) ** 2), -2, 2) == pytest.approx(37, abs=1e-6)
    assert best_exponent(np.full(5, 3.0), "box-cox") == 1.0


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="method is 'x'"):
        PowerTransformer("x").fit([[1.0]])
    with pytest.raises(ValueError, match="strictly positive"):
        PowerTransformer("box-cox").fit([[0.0], [1.0]])
    with pytest.raises(ValueError, match="strictly positive"):
        PowerTransformer("box-cox").fit([[1.0], [2.0]]).transform([[-1.0]])
