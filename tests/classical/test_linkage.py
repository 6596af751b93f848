"""Linkage trees against SciPy's, and what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist, squareform

from groundup.classical.distances import euclidean_distances
from groundup.classical.linkage import (
    METHODS,
    cophenetic_correlation,
    cophenetic_distances,
    cut,
    cut_at,
    leaf_order,
    linkage,
    members,
    sorted_tree,
)


def rows(seed, n=30, f=3):
    return np.random.default_rng(seed).normal(size=(n, f))


def same_clusters(one, other):
    return np.array_equal(one[:, None] == one, other[:, None] == other)


@pytest.mark.reference
@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 60), f=st.integers(1, 5))
def test_the_tree_is_scipys(method, seed, n, f):
    X = rows(seed, n, f)
    ours, theirs = linkage(X, method), hierarchy.linkage(X, method)
    # heights come from at most n updates, each a few roundings of the largest distance
    error = 10 * n * np.finfo(float).eps * theirs[-1, 2]
    np.testing.assert_allclose(ours[:, 2], theirs[:, 2], rtol=0, atol=error)
    if (np.diff(theirs[:, 2]) > 2 * error).all():
        np.testing.assert_array_equal(ours[:, [0, 1, 3]], theirs[:, [0, 1, 3]])
        assert np.array_equal(leaf_order(ours), hierarchy.leaves_list(theirs))
    for k in {1, 2, n // 2 or 1, n}:
        if n - k >= 1 and k > 1 and theirs[n - k, 2] - theirs[n - k - 1, 2] <= 2 * error:
            continue
        wanted = hierarchy.fcluster(theirs, k, "maxclust")
        assert same_clusters(cut(ours, k), wanted)
    np.testing.assert_allclose(
        cophenetic_distances(ours), squareform(hierarchy.cophenet(theirs)), rtol=0, atol=error
    )


@pytest.mark.reference
def test_the_cophenetic_correlation_is_scipys():
    X = rows(3)
    tree = linkage(X, "average")
    wanted = hierarchy.cophenet(hierarchy.linkage(X, "average"), pdist(X))[0]
    assert cophenetic_correlation(tree, euclidean_distances(X)) == pytest.approx(wanted)


@pytest.mark.reference
@pytest.mark.parametrize("metric", ["manhattan", "cosine", "chebyshev"])
def test_other_metrics(metric):
    X = rows(1, 25)
    scipys = {"manhattan": "cityblock"}.get(metric, metric)
    wanted = hierarchy.linkage(pdist(X, scipys), "average")
    np.testing.assert_allclose(linkage(X, "average", metric), wanted, rtol=1e-12)
    distances = squareform(pdist(X, scipys))
    np.testing.assert_allclose(linkage(distances, "average", "precomputed"), wanted, rtol=1e-12)
    assert np.array_equal(distances, squareform(pdist(X, scipys)))  # ours to read, not to change


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25)
@given(data=st.data(), n=st.integers(2, 20))
def test_with_ties_too_heights_rise_and_every_row_is_there(method, data, n):
    X = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), float)[:, None]
    tree = linkage(X, method)
    assert (np.diff(tree[:, 2]) >= -1e-12).all()
    assert sorted(leaf_order(tree)) == list(range(n))
    assert tree[-1, 3] == n
    assert [len(m) for m in members(tree)[n:]] == tree[:, 3].tolist()
    # the ultrametric inequality
    d = cophenetic_distances(tree)
    assert (d[:, None, :] <= np.maximum(d[:, :, None], d[None, :, :]) + 1e-12).all()
    if method == "single":  # unique whatever the order of equal merges
        wanted = squareform(hierarchy.cophenet(hierarchy.linkage(X, "single")))
        np.testing.assert_array_equal(d, wanted)


def test_wards_heights_are_what_merging_adds():
    X = rows(2, 12)
    tree = linkage(X, "ward")

    def spread(group):
        return ((X[group] - X[group].mean(axis=0)) ** 2).sum()

    groups = members(tree)
    for t, (a, b, height, _) in enumerate(tree):
        added = spread(groups[12 + t]) - spread(groups[int(a)]) - spread(groups[int(b)])
        assert height**2 / 2 == pytest.approx(added)


def test_cutting_by_hand():
    X = np.array([[0.0], [10.0], [1.0], [11.0], [50.0]])
    tree = linkage(X, "single")
    assert tree[:, 2].tolist() == [1, 1, 9, 39]
    assert cut(tree, 1).tolist() == [0] * 5
    assert cut(tree, 3).tolist() == [0, 1, 0, 1, 2]
    assert cut(tree, 5).tolist() == [0, 1, 2, 3, 4]
    assert cut_at(tree, 1.0).tolist() == [0, 1, 0, 1, 2]
    assert cut_at(tree, 0.5).tolist() == [0, 1, 2, 3, 4]
    assert cut_at(tree, 100.0).tolist() == [0] * 5


def test_merges_in_any_order_give_one_tree():
    merges = np.array([[2.0, 3.0, 5.0, 2.0], [0.0, 1.0, 1.0, 2.0], [1.0, 3.0, 9.0, 4.0]])
    assert sorted_tree(merges)[:, :2].tolist() == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("X", "method", "metric", "message"),
    [
        (np.eye(3), "nearest", "euclidean", "linkage is 'nearest'; known are: ward"),
        (np.eye(3), "ward", "cosine", "ward needs Euclidean distances; metric is 'cosine'"),
        (np.eye(3), "single", "far", "metric is 'far'"),
        ([[1.0]], "single", "euclidean", "minimum of 2"),
        ([[0.0, 1.0]] * 3, "single", "precomputed", "should be square"),
        ([[0.0, 1.0], [2.0, 0.0]], "single", "precomputed", "must be symmetric"),
        ([[0.0, -1.0], [-1.0, 0.0]], "single", "precomputed", "none negative"),
        ([[1.0, 1.0], [1.0, 0.0]], "single", "precomputed", "on the diagonal"),
        ([[np.nan, 1.0]] * 2, "single", "euclidean", "contains NaN"),
    ],
)
def test_what_cannot_be_linked_is_refused(X, method, metric, message):
    with pytest.raises(ValueError, match=message):
        linkage(X, method, metric)


@pytest.mark.parametrize("count", [0, 6])
def test_impossible_cuts_are_refused(count):
    with pytest.raises(ValueError, match="5 rows can be cut into 1 to 5"):
        cut(linkage(rows(0, 5)), count)
