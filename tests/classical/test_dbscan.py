"""DBSCAN against scikit-learn, label by label, and its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn import cluster
from tests.classical.compliance import compliance

from groundup.classical.dbscan import (
    DBSCAN,
    NOISE,
    connected_labels,
    neighbourhoods,
    rows_within,
)


@compliance(DBSCAN(), DBSCAN(1.0, metric="manhattan"))
def test_conventions(estimator, check):
    check(estimator)


def rows(seed, n=80, f=2):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(5, f))[rng.integers(5, size=n)] * 3 + rng.normal(size=(n, f)) * 0.5


@pytest.mark.reference
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine", "chebyshev"])
@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 300),
    f=st.integers(1, 4),
    eps=st.floats(0.01, 2),
    min_samples=st.integers(1, 8),
)
def test_every_label_is_scikit_learns(metric, seed, n, f, eps, min_samples):
    X = rows(seed, n, f)
    ours = DBSCAN(eps, min_samples=min_samples, metric=metric).fit(X)
    theirs = cluster.DBSCAN(eps=eps, min_samples=min_samples, metric=metric).fit(X)
    assert np.array_equal(ours.labels_, theirs.labels_)
    assert np.array_equal(ours.core_sample_indices_, theirs.core_sample_indices_)
    assert np.array_equal(ours.components_, theirs.components_)


@pytest.mark.reference
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_weights_are_scikit_learns(seed):
    X = rows(seed)
    weights = np.random.default_rng(seed).uniform(0, 3, len(X))
    ours = DBSCAN(0.5, min_samples=4).fit(X, sample_weight=weights)
    theirs = cluster.DBSCAN(eps=0.5, min_samples=4).fit(X, sample_weight=weights)
    assert np.array_equal(ours.labels_, theirs.labels_)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 300),
    f=st.integers(1, 5),
    shift=st.sampled_from([0.0, 1e6, -1e9]),
    eps=st.sampled_from([1e-12, 0.3, 1.0, 100.0]),
)
def test_neighbourhoods_are_exact_wherever_the_rows_are(seed, n, f, shift, eps):
    X = np.round(rows(seed, n, f), 1) + shift
    wanted = np.sqrt(sum((x[:, None] - x) ** 2 for x in X.T)) <= eps
    found = neighbourhoods(X, eps)
    assert [near.tolist() for near in found] == [np.flatnonzero(w).tolist() for w in wanted]
    assert np.array_equal(rows_within(X, X, eps), wanted)


def test_a_row_at_exactly_eps_is_near():
    X = np.array([[0.0], [3.0], [6.0], [9.5]])
    assert [n.tolist() for n in neighbourhoods(X, 3.0)] == [[0, 1], [0, 1, 2], [1, 2], [3]]


def test_two_rings_which_no_centres_could_tell_apart():
    angle = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    labels = DBSCAN(0.4).fit_predict(np.concatenate([ring, 3 * ring, [[10.0, 10.0]]]))
    assert labels.tolist() == [0] * 100 + [1] * 100 + [NOISE]


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_cores_border_and_noise_are(seed):
    X, eps = rows(seed), 0.5
    model = DBSCAN(eps, min_samples=5).fit(X)
    near = cdist(X, X) <= eps
    core = near.sum(axis=1) >= 5
    labels = model.labels_
    assert (labels[core] != NOISE).all()
    assert np.array_equal(labels == NOISE, ~(near[:, core].any(axis=1)))
    both = near & core & core[:, None]
    assert (labels[:, None] == labels)[both].all()
    border = ~core & (labels != NOISE)
    assert all((labels[near[i] & core] == labels[i]).any() for i in np.flatnonzero(border))


def test_the_order_of_rows_does_not_change_the_cores_clusters():
    X = rows(4)
    order = np.random.default_rng(0).permutation(len(X))
    one, two = DBSCAN(0.4).fit(X), DBSCAN(0.4).fit(X[order])
    core = one.core_sample_indices_
    a, b = one.labels_[core], two.labels_[np.argsort(order)][core]
    assert np.array_equal(a[:, None] == a, b[:, None] == b)


def test_components_by_hand():
    neighbours = [np.array(near) for near in ([0, 1], [0, 1, 2], [1, 2, 3], [2, 3], [4])]
    is_core = np.array([False, True, False, True, False])
    # row 2 borders both clusters and goes to the first
    assert connected_labels(neighbours, is_core).tolist() == [0, 0, 0, 1, NOISE]


@pytest.mark.reference
def test_precomputed_distances():
    X = rows(2)
    distances = cdist(X, X)
    ours = DBSCAN(0.5, metric="precomputed").fit(distances)
    assert np.array_equal(ours.labels_, cluster.DBSCAN(eps=0.5).fit(X).labels_)


def test_one_row_and_equal_rows():
    assert DBSCAN(min_samples=1).fit_predict([[1.0]]).tolist() == [0]
    assert DBSCAN().fit_predict([[1.0]]).tolist() == [NOISE]
    assert DBSCAN().fit_predict(np.ones((6, 2))).tolist() == [0] * 6


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"eps": 0.0}, "eps is 0; it must be a distance above 0"),
        ({"eps": float("nan")}, "eps is nan"),
        ({"min_samples": 0}, "min_samples is 0"),
        ({"metric": "far"}, "metric is 'far'; known are"),
        ({"metric": "precomputed"}, "should be square"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        DBSCAN(**parameters).fit(rows(0))
