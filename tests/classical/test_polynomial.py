"""PolynomialFeatures against scikit-learn's."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import preprocessing
from tests.classical.compliance import compliance

from groundup.classical.polynomial import PolynomialFeatures, products


@compliance(PolynomialFeatures(), PolynomialFeatures((2, 3), interaction_only=True))
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.reference
@given(
    seed=st.integers(0, 2**32 - 1),
    f=st.integers(1, 4),
    degree=st.one_of(st.integers(1, 4), st.sampled_from([(0, 2), (2, 3), (3, 3), (1, 1)])),
    once=st.booleans(),
    bias=st.booleans(),
)
@settings(max_examples=60)
def test_products_are_scikit_learns(seed, f, degree, once, bias):
    X = np.random.default_rng(seed).normal(size=(7, f))
    options = {"degree": degree, "interaction_only": once, "include_bias": bias}
    theirs = preprocessing.PolynomialFeatures(**options)
    try:
        wanted = theirs.fit_transform(X)
    except ValueError:
        return
    if not wanted.shape[1]:
        with pytest.raises(ValueError, match="empty output"):
            PolynomialFeatures(**options).fit(X)
        return
    ours = PolynomialFeatures(**options).fit(X)
    # at most 3 products, in another order: 3 roundings on each side
    np.testing.assert_allclose(ours.transform(X), wanted, rtol=6 * np.finfo(float).eps)
    assert np.array_equal(ours.powers_, theirs.powers_)
    assert ours.n_output_features_ == theirs.n_output_features_
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())


@given(f=st.integers(1, 5), d=st.integers(1, 4))
def test_there_are_f_plus_d_choose_d(f, d):
    assert PolynomialFeatures(d).fit(np.ones((1, f))).n_output_features_ == math.comb(f + d, d)


def test_products_by_hand():
    assert products(np.array([[2.0, 3.0]]), [(), (0,), (0, 1), (1, 1)]).tolist() == [[1, 2, 6, 9]]


@pytest.mark.parametrize("degree", [-1, 2.5, (3, 2), (1,), (1, 2.5), "2"])
def test_degrees_that_cannot_be_are_refused(degree):
    with pytest.raises(ValueError, match="degree must be a non-negative int or tuple"):
        PolynomialFeatures(degree).fit([[1.0]])


def test_nothing_at_all_is_refused():
    with pytest.raises(ValueError, match="empty output array"):
        PolynomialFeatures(0, include_bias=False).fit([[1.0]])
