"""Agglomerative clustering against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import cluster
from sklearn.metrics import adjusted_rand_score
from tests.classical.compliance import compliance

from groundup.classical.agglomerative import AgglomerativeClustering

LINKAGES = ["ward", "complete", "average", "single"]


@compliance(
    AgglomerativeClustering(),
    AgglomerativeClustering(linkage="single", metric="manhattan"),
)
def test_conventions(estimator, check):
    check(estimator)


def rows(seed, n=50):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(4, 2))[rng.integers(4, size=n)] * 4 + rng.normal(size=(n, 2))


@pytest.mark.reference
@pytest.mark.parametrize("linkage", LINKAGES)
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(5, 60), k=st.integers(1, 5))
def test_it_is_scikit_learns(linkage, seed, n, k):
    X = rows(seed, n)
    ours = AgglomerativeClustering(k, linkage=linkage, compute_distances=True).fit(X)
    theirs = cluster.AgglomerativeClustering(k, linkage=linkage, compute_distances=True).fit(X)
    assert adjusted_rand_score(ours.labels_, theirs.labels_) == 1
    np.testing.assert_allclose(ours.distances_, theirs.distances_, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(ours.children_, np.sort(theirs.children_, axis=1))
    assert ours.n_leaves_ == theirs.n_leaves_
    assert sorted(set(ours.labels_)) == list(range(k))


@pytest.mark.reference
@pytest.mark.parametrize("threshold", [0.0, 1.5, 1e9])
def test_a_threshold_stops_the_merging(threshold):
    X = rows(1)
    settings_ = {"n_clusters": None, "distance_threshold": threshold}
    ours = AgglomerativeClustering(**settings_).fit(X)
    theirs = cluster.AgglomerativeClustering(**settings_).fit(X)
    assert ours.n_clusters_ == theirs.n_clusters_
    np.testing.assert_allclose(ours.distances_, theirs.distances_, rtol=1e-10)
    assert adjusted_rand_score(ours.labels_, theirs.labels_) == 1


@pytest.mark.reference
def test_precomputed_distances():
    X = rows(2)
    distances = np.abs(X[:, None] - X).sum(axis=2)
    settings_ = {"metric": "precomputed", "linkage": "average"}
    ours = AgglomerativeClustering(3, **settings_).fit(distances)
    theirs = cluster.AgglomerativeClustering(3, **settings_).fit(distances)
    assert adjusted_rand_score(ours.labels_, theirs.labels_) == 1


def test_duplicates_are_merged_first():
    X = np.repeat([[0.0, 0.0], [5.0, 5.0], [9.0, 0.0]], 4, axis=0)
    labels = AgglomerativeClustering(3).fit_predict(X)
    assert labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert AgglomerativeClustering(12).fit_predict(X).tolist() == list(range(12))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 51}, "n_clusters is 51; 50 rows"),
        ({"n_clusters": None}, "Exactly one of n_clusters and distance_threshold"),
        ({"distance_threshold": 1.0}, "Exactly one of n_clusters and distance_threshold"),
        ({"linkage": "centroid"}, "linkage is 'centroid'"),
        ({"metric": "manhattan"}, "ward needs Euclidean"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        AgglomerativeClustering(**parameters).fit(rows(0))
