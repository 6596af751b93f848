"""Bins against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import preprocessing
from tests.classical.compliance import compliance

from groundup.classical.binning import Binarizer, KBinsDiscretizer, bin_edges


@compliance(
    KBinsDiscretizer(),
    KBinsDiscretizer(encode="ordinal", strategy="uniform"),
    KBinsDiscretizer(strategy="kmeans"),
    Binarizer(),
)
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore:Bins whose width")
@pytest.mark.filterwarnings("ignore:Feature")
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(6, 60),
    strategy=st.sampled_from(["uniform", "quantile", "kmeans"]),
    encode=st.sampled_from(["ordinal", "onehot-dense"]),
    bins=st.one_of(st.integers(2, 6), st.tuples(st.integers(2, 4), st.integers(2, 4))),
    ties=st.booleans(),
)
@settings(max_examples=60)
def test_bins_are_scikit_learns(seed, n, strategy, encode, bins, ties):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    if ties and strategy != "kmeans":  # equal distances to two centres may fall either way
        X = np.round(X)
    n_bins = list(bins) if isinstance(bins, tuple) else bins
    if strategy == "kmeans":
        # an empty bin takes the row farthest from its centre: from uniform bins the least and the
        # largest value are equally far, half a bin, and rounding chooses between them
        counts = n_bins if isinstance(n_bins, list) else [n_bins] * 2
        assume(all(np.histogram(X[:, i], counts[i])[0].all() for i in range(2)))
    ours = KBinsDiscretizer(n_bins, encode=encode, strategy=strategy).fit(X)
    theirs = preprocessing.KBinsDiscretizer(n_bins, encode=encode, strategy=strategy).fit(X)
    assert ours.n_bins_.tolist() == list(theirs.n_bins_)
    for mine, wanted in zip(ours.bin_edges_, theirs.bin_edges_, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=0, atol=1e-13)
    later = rng.normal(size=(30, 2)) * 2
    assert np.array_equal(ours.transform(later), theirs.transform(later))
    back = theirs.inverse_transform(theirs.transform(later))
    np.testing.assert_allclose(ours.inverse_transform(ours.transform(later)), back, atol=1e-13)
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())


@given(st.integers(0, 2**32 - 1), st.integers(2, 8))
def test_quantile_bins_hold_equal_counts(seed, n_bins):
    column = np.random.default_rng(seed).permutation(np.arange(8.0 * n_bins))
    counts, _ = np.histogram(column, bin_edges(column, n_bins, "quantile"))
    assert counts.max() - counts.min() <= 1


def test_a_sample_of_the_rows_may_do():
    X = np.random.default_rng(0).normal(size=(1000, 1))
    some = KBinsDiscretizer(4, subsample=200, random_state=1, encode="ordinal").fit(X)
    again = KBinsDiscretizer(4, subsample=200, random_state=1, encode="ordinal").fit(X)
    assert np.array_equal(some.bin_edges_[0], again.bin_edges_[0])
    assert np.abs(some.bin_edges_[0][1:-1] - np.quantile(X, [0.25, 0.5, 0.75])).max() < 0.5


def test_odd_columns_warn():
    with pytest.warns(UserWarning, match="Feature 0 is constant"):
        assert KBinsDiscretizer(encode="ordinal").fit_transform([[1.0], [1.0]]).sum() == 0
    with pytest.warns(UserWarning, match="feature 0 are removed"):
        assert KBinsDiscretizer().fit([[0.0], [0.0], [0.0], [1.0]]).n_bins_[0] < 5


@pytest.mark.parametrize(
    ("bins", "message"),
    [
        (KBinsDiscretizer(1), "at least 2"),
        (KBinsDiscretizer(2.5), "at least 2"),
        (KBinsDiscretizer([2, 2]), "must be a scalar or array"),
        (KBinsDiscretizer(encode="x"), "encode is 'x'"),
        (KBinsDiscretizer(strategy="x"), "strategy is 'x'"),
    ],
)
def test_what_cannot_be_is_refused(bins, message):
    with pytest.raises(ValueError, match=message):
        bins.fit([[1.0], [2.0]])


def test_too_many_columns_cannot_be_read_back():
    with pytest.raises(ValueError, match="Expecting 1, received 2"):
        KBinsDiscretizer(2, encode="ordinal").fit([[1.0], [2.0]]).inverse_transform([[0, 1]])


@pytest.mark.reference
def test_a_threshold_is_scikit_learns():
    X = np.array([[-1.0, 0.5], [0.5, 2.0]])
    wanted = preprocessing.Binarizer(threshold=0.5).transform(X)
    assert np.array_equal(Binarizer(threshold=0.5).transform(X), wanted)
