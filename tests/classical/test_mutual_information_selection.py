"""Mutual information from neighbours against scikit-learn's and against known values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import digamma
from sklearn import feature_selection

from groundup.classical.mutual_information_selection import (
    continuous_information,
    count_nearer,
    kth_distances,
    mixed_information,
    mutual_info_classif,
    mutual_info_regression,
)
from groundup.classical.univariate_selection import SelectKBest


def by_all_pairs(values, classes, k, closed):
    """Ross's estimate with n^2 distances; `closed` counts the k-th neighbour as near."""
    apart = np.abs(values[:, None] - values)
    total = 0.0
    kept = [i for i in range(len(values)) if (classes == classes[i]).sum() > 1]
    for i in kept:
        mine = np.sort(apart[i, classes == classes[i]])
        most = min(k, len(mine) - 1)
        near = apart[i, kept] <= mine[most] if closed else apart[i, kept] < mine[most]
        total += digamma(most) - digamma(len(mine)) - digamma(max(near.sum(), 1))
    return max(0.0, digamma(len(kept)) + total / len(kept)) if kept else 0.0


cases = given(seed=st.integers(0, 2**32 - 1), n=st.integers(7, 60), k=st.integers(1, 5))


@pytest.mark.reference
@cases
@settings(max_examples=25)
def test_information_about_numbers_is_scikit_learns(seed, n, k):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=n), rng.normal(size=n)])
    y = X[:, 0] ** 2 + 0.3 * rng.normal(size=n)
    options = {"n_neighbors": k, "random_state": seed}
    # the same counts, so the same sums of digammas: roundings of about 10
    np.testing.assert_allclose(
        mutual_info_regression(X, y, **options),
        feature_selection.mutual_info_regression(X, y, **options),
        rtol=0, atol=1e-13,
    )  # fmt: skip


@pytest.mark.reference
@cases
@settings(max_examples=25)
def test_information_about_classes_is_rosss_and_scikit_learns_but_for_its_rounding(seed, n, k):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=n), rng.integers(3, size=n)
    open_ones, closed_ones = (by_all_pairs(x, y, k, closed) for closed in (False, True))
    assert mixed_information(x, y, k) == pytest.approx(open_ones, abs=1e-13)
    options = {"n_neighbors": k, "random_state": seed}
    theirs = feature_selection.mutual_info_classif(x[:, None], y, **options)[0]
    assert closed_ones - 1e-12 <= theirs <= open_ones + 1e-12
    ours = mutual_info_classif(x[:, None], y, **options)[0]
    assert ours == pytest.approx(open_ones, abs=1e-12)


@pytest.mark.reference
@cases
@settings(max_examples=20)
def test_information_of_categories_is_scikit_learns(seed, n, k):
    rng = np.random.default_rng(seed)
    X, y = rng.integers(4, size=(n, 2)), rng.integers(3, size=n)
    options = {"discrete_features": True, "n_neighbors": k}
    wanted = feature_selection.mutual_info_classif(X, y, **options)
    np.testing.assert_allclose(mutual_info_classif(X, y, **options), wanted, atol=1e-13)
    for mask in ([0], [True, False]):
        options["discrete_features"] = np.array(mask)
        mixed = mutual_info_classif(X, y, random_state=seed, **options)
        assert mixed[0] == pytest.approx(wanted[0], abs=1e-13)
    with pytest.raises(ValueError, match="Invalid string value"):
        mutual_info_classif(X, y, discrete_features="no")


def test_two_normal_variables_have_the_known_information():
    rng = np.random.default_rng(0)
    for correlation in (0.0, 0.6, 0.9):
        x, z = rng.normal(size=(2, 3000))
        y = correlation * x + np.sqrt(1 - correlation**2) * z
        exact = -0.5 * np.log(1 - correlation**2)
        # its deviation falls as 1/sqrt(n): about 0.02 at n = 3000 (Kraskov et al., figure 4)
        assert continuous_information(x, y) == pytest.approx(exact, abs=0.08)


def test_it_finds_what_correlation_does_not():
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, size=(500, 1))
    assert abs(np.corrcoef(x[:, 0], x[:, 0] ** 2)[0, 1]) < 0.1
    assert mutual_info_regression(x, x[:, 0] ** 2, random_state=0)[0] > 1
    classes = (np.abs(x[:, 0]) > 0.5).astype(int)
    assert mixed_information(x[:, 0], classes) == pytest.approx(np.log(2), abs=0.1)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=30), st.integers(1, 5))
def test_kth_distances_are_those_of_all_pairs(values, k):
    values = np.array(values, float)
    k = min(k, len(values) - 1)
    wanted = np.sort(np.abs(values[:, None] - values), axis=1)[:, k]
    assert np.array_equal(kth_distances(values, k), wanted)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20), st.floats(1e-12, 1e3))
def test_counts_are_those_of_all_pairs(values, radius):
    values = np.sort(values)
    wanted = (np.abs(values[:, None] - values) < radius).sum(axis=1)
    found = count_nearer(values, values, np.full(len(values), radius))
    assert np.array_equal(found, wanted)


def test_a_class_of_one_tells_nothing():
    assert mixed_information(np.array([1.0, 2.0]), np.array([0, 1])) == 0.0


def test_it_may_score_a_selector():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 3))
    y = (X[:, 1] ** 2 > 0.5).astype(int)
    assert SelectKBest(mutual_info_classif, k=1).fit(X, y).get_support(indices=True) == [1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_neighbors": 0}, "n_neighbors is 0"),
        ({"n_neighbors": 3}, "n_neighbors is 3"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        mutual_info_classif([[1.0], [2.0], [3.0]], [0, 1, 1], **options)


def test_other_lengths_and_gaps_are_refused():
    with pytest.raises(ValueError, match="inconsistent numbers"):
        mutual_info_classif([[1.0], [2.0]], [0])
    with pytest.raises(ValueError, match="y contains NaN"):
        mutual_info_regression([[1.0], [2.0]], [0, np.nan])
