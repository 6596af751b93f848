"""k-medoids against trying everything."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score
from tests.classical.compliance import compliance

from groundup.classical.k_medoids import KMedoids, greedy_medoids, swap_gains
from groundup.maths.convergence import ConvergenceWarning


@compliance(KMedoids(2), KMedoids(1, metric="manhattan"))
def test_conventions(estimator, check):
    check(estimator)


def rows(seed, n=12, f=2):
    return np.random.default_rng(seed).normal(size=(n, f))


def cost(distances, medoids):
    return distances[:, list(medoids)].min(axis=1).sum()


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 4))
def test_each_swap_is_worth_what_it_changes(seed, k):
    D = cdist(X := rows(seed), X)
    medoids = np.random.default_rng(seed).choice(12, k, replace=False)
    gains = swap_gains(D, medoids)
    for m, j in itertools.product(range(k), range(12)):
        swapped = medoids.copy()
        swapped[m] = j
        assert gains[m, j] == pytest.approx(cost(D, swapped) - cost(D, medoids), abs=1e-12)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    k=st.integers(1, 3),
    metric=st.sampled_from(["euclidean", "manhattan"]),
)
def test_no_swap_helps_in_the_end(seed, k, metric):
    X = rows(seed)
    D = cdist(X, X, {"manhattan": "cityblock"}.get(metric, metric))
    model = KMedoids(k, metric=metric).fit(X)
    best = min(cost(D, chosen) for chosen in itertools.combinations(range(12), k))
    assert model.inertia_ == pytest.approx(cost(D, model.medoid_indices_))
    # where no swap helps the cost is at most 5 times the best (Arya et al., 2004)
    assert best * (1 - 1e-12) <= model.inertia_ <= 5 * best
    assert swap_gains(D, model.medoid_indices_).min() >= -1e-12
    assert k > 1 or model.inertia_ == pytest.approx(best)
    assert model.inertia_ <= cost(D, greedy_medoids(D, k)) + 1e-12
    assert np.array_equal(model.predict(X), model.labels_)


def test_mostly_it_is_the_best_of_all():
    ratios = []
    for seed in range(20):
        D = cdist(X := rows(seed), X)
        best = min(cost(D, chosen) for chosen in itertools.combinations(range(12), 3))
        ratios.append(KMedoids(3).fit(X).inertia_ / best)
    assert np.median(ratios) == pytest.approx(1)
    assert max(ratios) < 1.2


def test_it_starts_with_the_most_central_row():
    D = cdist(X := rows(3, 30), X)
    assert greedy_medoids(D, 1)[0] == D.sum(axis=0).argmin()
    assert sorted(greedy_medoids(D, 30)) == list(range(30))


def test_groups_and_an_outlier():
    X = np.concatenate([rows(0, 20), rows(1, 20) + 20, [[500.0, 0.0]]])
    labels = KMedoids(2).fit_predict(X)
    assert adjusted_rand_score(labels[:40], [0] * 20 + [1] * 20) == 1


def test_precomputed_distances():
    X = rows(4, 25)
    D = cdist(X, X)
    one, other = KMedoids(3).fit(X), KMedoids(3, metric="precomputed").fit(D)
    assert np.array_equal(one.labels_, other.labels_)
    assert other.cluster_centers_ is None
    assert np.array_equal(other.predict(D[:5]), one.labels_[:5])


def test_equal_rows_and_as_many_medoids_as_rows():
    assert KMedoids(3).fit(np.ones((5, 2))).inertia_ == 0
    model = KMedoids(12).fit(rows(0))
    assert model.inertia_ == 0
    assert sorted(model.labels_) == list(range(12))


def test_too_few_swaps_are_told():
    with pytest.warns(ConvergenceWarning, match="max_iter=1 swaps; raise max_iter"):
        KMedoids(5, max_iter=1).fit(rows(12, 60))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 13}, "n_samples=12 should be >= n_clusters=13"),
        ({"n_clusters": 0}, "n_clusters is 0"),
        ({"n_clusters": 2, "max_iter": 0}, "max_iter is 0"),
        ({"n_clusters": 2, "metric": "far"}, "metric is 'far'"),
        ({"n_clusters": 2, "metric": "precomputed"}, "should be square"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        KMedoids(**parameters).fit(rows(0))
