"""k-means against scikit-learn from the same start, and its promises on odd data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import cluster
from sklearn.metrics import adjusted_rand_score
from tests.classical.compliance import compliance

from groundup.classical.k_means import KMeans
from groundup.classical.lloyd import inertia, k_means_plus_plus, lloyd, lloyd_step, next_centers
from groundup.maths.convergence import ConvergenceWarning
from groundup.swap import Replacement, replaced

EPS = np.finfo(float).eps
WEIGHTS = {
    "KMeans": {
        "check_sample_weight_equivalence_on_dense_data": "other random draws end in another local "
        "minimum; scikit-learn excuses its own KMeans from this check too",
    }
}


@compliance(KMeans(n_clusters=2, max_iter=20, n_init=2), excused=WEIGHTS)
def test_conventions(estimator, check):
    check(estimator)


def rows(seed, n=60, f=3, k=4, spread=0.6):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(k, f)) * 3
    return centers[rng.integers(k, size=n)] + spread * rng.normal(size=(n, f))


@pytest.mark.reference
@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(5, 200),
    f=st.integers(1, 6),
    k=st.integers(1, 5),
    weighted=st.booleans(),
)
def test_from_the_same_start_it_ends_where_scikit_learn_does(seed, n, f, k, weighted):
    X = rows(seed, n, f)
    weights = np.random.default_rng(seed).uniform(0.1, 3, n) if weighted else None
    start = X[:k]
    ours = KMeans(k, init=start, tol=0).fit(X, sample_weight=weights)
    theirs = cluster.KMeans(k, init=start, n_init=1, tol=0).fit(X, sample_weight=weights)
    # centres that have arrived may still move by a rounding, which costs one more step
    assert abs(ours.n_iter_ - theirs.n_iter_) <= 1
    assert np.array_equal(ours.labels_, theirs.labels_)
    # a mean of n rows: n roundings of the largest coordinate
    error = n * EPS * np.abs(X).max()
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=0, atol=error)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-12, abs=f * error**2 * n)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), rtol=0, atol=1e-6)
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    assert ours.score(X) == pytest.approx(theirs.score(X), rel=1e-12, abs=1e-12)


@pytest.mark.reference
@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_it_finds_what_scikit_learn_finds(init):
    X = rows(1, 500, 5, spread=0.3)
    ours = KMeans(4, init=init, n_init=10, random_state=0).fit(X)
    theirs = cluster.KMeans(4, init=init, n_init=10, random_state=0).fit(X)
    assert adjusted_rand_score(ours.labels_, theirs.labels_) == 1
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-10)


@pytest.mark.reference
def test_an_empty_cluster_takes_the_farthest_row_as_in_scikit_learn():
    X = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [30.0]])
    start = np.array([[0.5], [10.5], [1000.0], [2000.0]])
    with pytest.warns(ConvergenceWarning, match="max_iter=1 steps"):
        ours = KMeans(4, init=start, max_iter=1).fit(X)
    theirs = cluster.KMeans(4, init=start, n_init=1, max_iter=1).fit(X)
    np.testing.assert_allclose(
        np.sort(ours.cluster_centers_, axis=0), np.sort(theirs.cluster_centers_, axis=0), rtol=1e-14
    )
    assert KMeans(4, init=start).fit(X).inertia_ == pytest.approx(2 / 4 + 0.5 + 0.0)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 9), repeats=st.integers(1, 3))
def test_no_step_raises_the_inertia(seed, k, repeats):
    X = np.repeat(rows(seed, 30, 2), repeats, axis=0)
    weights = np.random.default_rng(seed).uniform(0, 2, len(X))
    centers = np.random.default_rng(seed).normal(size=(k, 2)) * 3
    before = np.inf
    for _ in range(6):
        step = lloyd_step(X, weights, centers)
        now = inertia(X, weights, centers, step[0])
        assert now <= before * (1 + 1e-12)
        before, centers = now, next_centers(X, weights, centers, step)


def test_a_step_by_hand():
    labels, sums, totals = lloyd_step(
        np.array([[0.0], [1.0], [5.0]]), np.array([1.0, 2.0, 3.0]), np.array([[0.0], [6.0]])
    )
    assert labels.tolist() == [0, 0, 1]
    assert sums.tolist() == [[2.0], [15.0]]
    assert totals.tolist() == [3.0, 3.0]


def test_the_start_is_made_of_different_rows_far_apart():
    X = np.array([[0.0, 0.0]] * 500 + [[100.0, 0.0]] + [[0.0, 100.0]])
    chosen = k_means_plus_plus(X - X.mean(axis=0), 3, np.random.default_rng(0))
    assert set(map(tuple, X[chosen])) == {(0.0, 0.0), (100.0, 0.0), (0.0, 100.0)}
    weights = np.ones(len(X))
    weights[500] = 0  # a row without weight is no start
    chosen = k_means_plus_plus(X - X.mean(axis=0), 2, np.random.default_rng(0), weights)
    assert 500 not in chosen


@pytest.mark.reference
def test_the_start_is_as_good_as_scikit_learns():
    """Inertia of 200 starts each: means within four standard errors of their difference."""
    X = rows(7, 200, 2, k=6)
    X = X - X.mean(axis=0)
    ones = np.ones(len(X))

    def cost(centers):
        return inertia(X, ones, centers, lloyd_step(X, ones, centers)[0])

    ours = [cost(X[k_means_plus_plus(X, 6, np.random.default_rng(s))]) for s in range(200)]
    theirs = [cost(cluster.kmeans_plusplus(X, 6, random_state=s)[0]) for s in range(200)]
    error = np.sqrt((np.var(ours) + np.var(theirs)) / 200)
    assert abs(np.mean(ours) - np.mean(theirs)) < 4 * error


def test_as_many_clusters_as_rows_cost_nothing():
    X = rows(0, 12)
    model = KMeans(12, random_state=0).fit(X)
    assert sorted(model.labels_) == list(range(12))
    assert model.inertia_ == pytest.approx(0, abs=1e-20)


def test_too_few_different_rows_are_told():
    X = np.ones((10, 2))
    with pytest.warns(ConvergenceWarning, match=r"distinct clusters \(1\).*ask for fewer"):
        model = KMeans(3, random_state=0).fit(X)
    assert model.inertia_ == 0
    np.testing.assert_array_equal(model.cluster_centers_, np.ones((3, 2)))


def test_data_far_from_the_origin():
    X = rows(3, 200, 2)
    near, far = (KMeans(4, init=(X + shift)[:4]).fit(X + shift) for shift in (0.0, 1e6))
    assert np.array_equal(near.labels_, far.labels_)
    assert np.array_equal(far.predict(X + 1e6), far.labels_)


def test_weights_are_repetitions():
    X = rows(5, 40, 2)
    times = np.random.default_rng(0).integers(1, 4, 40)
    start = X[:3]
    weighted = KMeans(3, init=start, tol=0).fit(X, sample_weight=times)
    repeated = KMeans(3, init=start, tol=0).fit(np.repeat(X, times, axis=0))
    np.testing.assert_allclose(weighted.cluster_centers_, repeated.cluster_centers_, rtol=1e-12)
    assert weighted.inertia_ == pytest.approx(repeated.inertia_)


def test_a_function_may_choose_the_start():
    X = rows(2, 30)
    model = KMeans(2, init=lambda X, k, random_state: X[-k:], n_init=1).fit(X)
    assert np.array_equal(model.labels_, KMeans(2, init=X[-2:]).fit(X).labels_)


def test_a_learners_step_runs():
    calls = []

    def mine(X, weights, centers):
        calls.append(len(X))
        return lloyd_step.slot.original(X, weights, centers)

    part = "classical.lloyd:lloyd_step"
    with replaced([Replacement(part=part, file="", name="", sha256="", function=mine)]):
        lloyd(rows(0), np.ones(60), rows(0)[:2])
    assert calls


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 11}, "n_samples=10 should be >= n_clusters=11"),
        ({"n_clusters": 0}, "n_clusters is 0"),
        ({"n_clusters": 2, "init": "best"}, "init is 'best'"),
        ({"n_clusters": 2, "init": np.zeros((3, 3))}, "shape of the initial centers"),
        ({"n_clusters": 2, "init": np.zeros((2, 1))}, "shape of the initial centers"),
        ({"n_clusters": 1, "init": [[np.nan, 1.0, 1.0]]}, "Input init contains NaN"),
        ({"n_clusters": 2, "n_init": 0}, "n_init is 0"),
        ({"n_clusters": 2, "n_init": "many"}, "n_init is 'many'"),
        ({"n_clusters": 2, "max_iter": 0}, "max_iter is 0"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        KMeans(**parameters).fit(rows(0, 10))
