"""Clusterings compared, against scikit-learn and against pairs counted one by one.

Entropies are sums of at most 12 terms of size at most ln 12: absolute error 1e-14; the adjusted
information divides differences of them, so it is compared where its denominator is not rounding
(scikit-learn's answer is then a ratio of two roundings, and ours is 1 by its docstring).
"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy
from sklearn import metrics as theirs
from sklearn.metrics.cluster import contingency_matrix as sklearn_contingency
from sklearn.metrics.cluster import pair_confusion_matrix as sklearn_pairs
from tests.classical.metric_family import few, label_pairs

from groundup.classical import cluster_shape_metrics, clustering_metrics

pytestmark = pytest.mark.slow  # seconds in all, for `make test`

ours = clustering_metrics


def chance_leaves_no_room(true, predicted, method):
    """Whether the mean entropy is the expected information, by scikit-learn's own formula."""
    table = sklearn_contingency(true, predicted, sparse=True)
    if 1 in table.shape:
        return False  # both give these by definition
    first, second = (entropy(np.asarray(table.sum(axis=axis)).ravel()) for axis in (1, 0))
    mean = {"min": min(first, second), "geometric": (first * second) ** 0.5,
            "arithmetic": (first + second) / 2, "max": max(first, second)}[method]  # fmt: skip
    return abs(mean - theirs.cluster.expected_mutual_information(table, len(true))) < 1e-12


PLAIN = ["rand_score", "adjusted_rand_score", "mutual_info_score", "fowlkes_mallows_score",
         "homogeneity_score", "completeness_score", "v_measure_score",
         "normalized_mutual_info_score", "adjusted_mutual_info_score"]  # fmt: skip


@pytest.mark.reference
@pytest.mark.parametrize("name", PLAIN)
@few
@given(sample=label_pairs(text=True))
def test_they_are_scikit_learns(name, sample):
    true, predicted, _ = sample
    wanted = getattr(theirs, name)(true, predicted)
    if name == "adjusted_mutual_info_score" and chance_leaves_no_room(
        true, predicted, "arithmetic"
    ):
        wanted = 1.0
    assert getattr(ours, name)(true, predicted) == pytest.approx(wanted, abs=2e-10)


@pytest.mark.reference
@few
@given(label_pairs(), st.sampled_from(["min", "geometric", "arithmetic", "max"]), st.floats(0, 4))
def test_other_means(sample, method, beta):
    true, predicted, _ = sample
    for name in ("normalized_mutual_info_score", "adjusted_mutual_info_score"):
        wanted = getattr(theirs, name)(true, predicted, average_method=method)
        found = getattr(ours, name)(true, predicted, average_method=method)
        if name.startswith("adjusted") and chance_leaves_no_room(true, predicted, method):
            wanted = 1.0
        assert found == pytest.approx(wanted, abs=2e-9)
    if beta > 0:
        found = ours.homogeneity_completeness_v_measure(true, predicted, beta=beta)
        wanted = theirs.homogeneity_completeness_v_measure(true, predicted, beta=beta)
        np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.reference
@few
@given(label_pairs())
def test_tables_and_pairs(sample):
    true, predicted, _ = sample
    table = ours.contingency_matrix(true, predicted)
    np.testing.assert_array_equal(table, sklearn_contingency(true, predicted))
    pairs = ours.pair_confusion_matrix(true, predicted)
    np.testing.assert_array_equal(pairs, sklearn_pairs(true, predicted))
    wanted = np.zeros((2, 2), int)
    for i, j in itertools.permutations(range(len(true)), 2):
        wanted[int(true[i] == true[j]), int(predicted[i] == predicted[j])] += 1
    np.testing.assert_array_equal(pairs, wanted)


@settings(max_examples=25)
@given(label_pairs(least=1))
def test_expected_information_is_the_mean_over_all_orders(sample):
    true, predicted, _ = (part if part is None else part[:5] for part in sample)
    table = ours.contingency_matrix(true, predicted)
    found = ours.expected_mutual_information(table)
    orders = itertools.permutations(predicted)
    mean = np.mean([ours.mutual_info_score(true, list(order)) for order in orders])
    assert found == pytest.approx(mean, abs=1e-12)


@few
@given(label_pairs(), st.permutations(range(4)))
def test_names_of_clusters_do_not_matter(sample, renamed):
    true, predicted, _ = sample
    for name in PLAIN:
        metric = getattr(ours, name)
        again = metric(true, np.array(renamed)[predicted])
        assert metric(true, predicted) == pytest.approx(again, abs=1e-9)
        assert metric(true, true) == pytest.approx(
            1 if name != "mutual_info_score" else ours.label_entropy(np.bincount(true)), abs=1e-12
        ) or (name == "fowlkes_mallows_score" and len(set(true.tolist())) == len(true))


def test_a_million_samples_do_not_overflow():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 1_000_000)
    predicted = np.where(rng.random(1_000_000) < 0.9, true, 0)
    for name in ("adjusted_rand_score", "v_measure_score", "fowlkes_mallows_score"):
        wanted = getattr(theirs, name)(true, predicted)
        assert getattr(ours, name)(true, predicted) == pytest.approx(wanted, rel=1e-10)


SHAPES = ["silhouette_score", "davies_bouldin_score", "calinski_harabasz_score"]


@st.composite
def clustered(draw):
    count = draw(st.integers(3, 14))
    labels = np.array(draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)))
    labels[:3] = [0, 1, 1]
    point = st.lists(st.integers(-3, 3), min_size=2, max_size=2)
    return np.array(draw(st.lists(point, min_size=count, max_size=count)), float), labels


@pytest.mark.reference
@pytest.mark.parametrize("name", SHAPES)
@few
@given(sample=clustered())
def test_shapes_are_scikit_learns(name, sample):
    X, labels = sample
    if len(np.unique(labels)) == len(X):
        return
    found = getattr(cluster_shape_metrics, name)(X, labels)
    with np.errstate(all="ignore"):
        wanted = getattr(theirs, name)(X, labels)
    assert found == pytest.approx(wanted, rel=1e-7, abs=1e-7), "they take squares by the product"


@pytest.mark.reference
def test_silhouettes_of_many_rows_and_another_distance():
    rng = np.random.default_rng(1)
    X, labels = rng.normal(size=(900, 4)), rng.integers(0, 5, 900)
    for metric in ("euclidean", "manhattan"):
        found = cluster_shape_metrics.silhouette_samples(X, labels, metric=metric)
        wanted = theirs.silhouette_samples(X, labels, metric=metric)
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="is empty"):
        ours.rand_score([], [])
    with pytest.raises(ValueError, match="inconsistent"):
        ours.mutual_info_score([0], [0, 1])
    with pytest.raises(ValueError, match="average_method is 'mean'"):
        ours.normalized_mutual_info_score([0, 1], [0, 1], average_method="mean")
    with pytest.raises(ValueError, match="beta is -1"):
        ours.v_measure_score([0, 1], [0, 1], beta=-1)
    for name in SHAPES:
        metric = getattr(cluster_shape_metrics, name)
        with pytest.raises(ValueError, match="Number of labels is 1"):
            metric([[0.0], [1.0], [2.0]], [0, 0, 0])
        with pytest.raises(ValueError, match="Number of labels is 3"):
            metric([[0.0], [1.0], [2.0]], [0, 1, 2])
        with pytest.raises(ValueError, match="NaN"):
            metric([[0.0], [np.nan], [2.0]], [0, 1, 1])
        with pytest.raises(ValueError, match="inconsistent"):
            metric([[0.0], [1.0], [2.0]], [0, 1])
