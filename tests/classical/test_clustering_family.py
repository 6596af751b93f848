"""What every way of clustering promises. To join: one line in MEMBERS."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from groundup.classical.agglomerative import AgglomerativeClustering
from groundup.classical.dbscan import DBSCAN
from groundup.classical.estimator import clone
from groundup.classical.gaussian_mixture import GaussianMixture
from groundup.classical.k_means import KMeans
from groundup.classical.k_medoids import KMedoids
from groundup.classical.mini_batch_k_means import MiniBatchKMeans

MEMBERS = [
    KMeans(3, n_init=5, random_state=0),
    MiniBatchKMeans(3, n_init=20, random_state=0),
    GaussianMixture(3, n_init=3, random_state=0),
    GaussianMixture(3, covariance_type="spherical", n_init=3, random_state=0),
    AgglomerativeClustering(3),
    AgglomerativeClustering(3, linkage="complete"),
    AgglomerativeClustering(3, linkage="average"),
    AgglomerativeClustering(3, linkage="single"),
    DBSCAN(2.5),
    KMedoids(3),
]
each = pytest.mark.parametrize("model", MEMBERS, ids=repr)


def blobs(seed, n=90):
    """Three groups so far apart that there is one answer."""
    return make_blobs(
        n, centers=[[0, 0, 0], [20, 0, 0], [0, 20, 0]], cluster_std=1.0, random_state=seed
    )


@each
@settings(max_examples=5)
@given(seed=st.integers(0, 2**31))
def test_clear_groups_are_found(model, seed):
    X, truth = blobs(seed)
    labels = clone(model).fit_predict(X)
    clear = labels != -1
    assert clear.mean() > 0.8
    assert adjusted_rand_score(labels[clear], truth[clear]) == 1


@each
def test_the_order_of_rows_does_not_matter(model):
    X, _ = blobs(1)
    order = np.random.default_rng(0).permutation(len(X))
    here, there = clone(model).fit_predict(X), clone(model).fit_predict(X[order])
    assert adjusted_rand_score(here[order], there) == 1


@each
def test_nor_where_the_origin_is_nor_which_way_the_axes_point(model):
    X, _ = blobs(2)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    here, there = clone(model).fit_predict(X), clone(model).fit_predict(X @ turn + 1000)
    assert adjusted_rand_score(here, there) == 1


@each
def test_equal_rows_get_equal_labels(model):
    X, _ = blobs(3)
    labels = clone(model).fit_predict(np.repeat(X, 3, axis=0)).reshape(-1, 3)
    assert (labels == labels[:, :1]).all()


@each
def test_the_same_seed_gives_the_same_labels_and_rows_stay_as_they_were(model):
    X, _ = blobs(4)
    before = X.copy()
    assert np.array_equal(clone(model).fit_predict(X), clone(model).fit_predict(X))
    assert np.array_equal(X, before)


@each
def test_whole_and_single_precision_numbers_do_too(model):
    X, truth = blobs(5)
    for kind in (np.int16, np.float32, object):
        labels = clone(model).fit_predict(X.astype(kind))
        clear = labels != -1
        assert adjusted_rand_score(labels[clear], truth[clear]) == 1


@each
def test_a_constant_feature_changes_nothing(model):
    X, _ = blobs(6)
    wider = np.column_stack([X, np.full(len(X), 7.0)])
    one, other = clone(model).fit_predict(X), clone(model).fit_predict(wider)
    assert adjusted_rand_score(one, other) == 1


@each
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((0, 2)), r"0 sample\(s\)"),
        (np.zeros((5, 0)), r"0 feature\(s\)"),
        ([1.0, 2.0], "Expected 2D array"),
        ([[np.nan, 1.0]] * 5, "contains NaN"),
        ([[np.inf, 1.0]] * 5, "contains infinity"),
        ([["a", "b"]] * 5, "holds text"),
        ([[1j, 1.0]] * 5, "Complex data"),
    ],
)
def test_bad_rows_are_refused(model, X, message):
    with pytest.raises(ValueError, match=message):
        clone(model).fit(X)


@each
def test_numbers_whose_squares_overflow_are_refused(model):
    with pytest.raises(
        ValueError, match=r"as large as 1e\+200, and sums of their squares overflow"
    ):
        clone(model).fit(np.eye(5) * 1e200)
