"""Mini-batch k-means: running means exactly, the rest against scikit-learn's results."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import cluster
from sklearn.metrics import adjusted_rand_score
from tests.classical.compliance import compliance

from groundup.classical.k_means import KMeans
from groundup.classical.mini_batch_k_means import MiniBatchKMeans, Patience, mini_batch_step
from groundup.maths.convergence import ConvergenceWarning

WEIGHTS = {
    "MiniBatchKMeans": {
        "check_sample_weight_equivalence_on_dense_data": "repeated rows are other draws than "
        "weighted ones; scikit-learn excuses its own MiniBatchKMeans from this check too",
    }
}


@compliance(MiniBatchKMeans(2, n_init=2, max_iter=5, batch_size=10), excused=WEIGHTS)
def test_conventions(estimator, check):
    check(estimator)


def rows(seed, n=2000, k=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(k, 4))[rng.integers(k, size=n)] * 6 + rng.normal(size=(n, 4))


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), batches=st.integers(1, 6))
def test_a_centre_is_the_mean_of_all_it_got(seed, batches):
    rng = np.random.default_rng(seed)
    centers, seen = np.zeros((1, 3)), np.zeros(1)
    every, weights = [], []
    for _ in range(batches):
        X, w = rng.normal(size=(7, 3)), rng.random(7)
        centers, seen = mini_batch_step(centers, seen, (w @ X)[None], w.sum()[None])
        every.append(X)
        weights.append(w)
    wanted = np.average(np.concatenate(every), axis=0, weights=np.concatenate(weights))
    np.testing.assert_allclose(centers[0], wanted, atol=1e-13)
    assert seen[0] == pytest.approx(np.concatenate(weights).sum())


def test_a_centre_without_rows_stays():
    centers, seen = mini_batch_step(
        np.array([[3.0], [5.0]]), np.zeros(2), np.array([[0.0], [8.0]]), np.array([0.0, 2.0])
    )
    assert centers.tolist() == [[3.0], [4.0]]
    assert seen.tolist() == [0, 2]


@pytest.mark.reference
@pytest.mark.parametrize("seed", range(3))
def test_one_batch_from_given_centres_is_scikit_learns(seed):
    X = rows(seed, 60)
    start = X[:5]
    ours = MiniBatchKMeans(5, init=start, random_state=0)
    theirs = cluster.MiniBatchKMeans(5, init=start, n_init=1, random_state=0, reassignment_ratio=0)
    for batch in np.split(X, 3):
        ours.partial_fit(batch)
        theirs.partial_fit(batch)
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-9)
    assert np.array_equal(ours.labels_, theirs.labels_)
    assert ours.n_steps_ == theirs.n_steps_


@pytest.mark.reference
@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_it_finds_the_clusters(init):
    X = rows(1)
    model = MiniBatchKMeans(5, init=init, n_init=300, batch_size=200, random_state=0).fit(X)
    whole = KMeans(5, n_init=5, random_state=0).fit(X)
    assert adjusted_rand_score(model.labels_, whole.labels_) > 0.97
    assert whole.inertia_ * (1 - 1e-12) <= model.inertia_ <= whole.inertia_ * 1.1
    assert np.array_equal(model.predict(X), model.labels_)


def test_patience():
    patience = Patience(share=0.5, batches=2)
    assert [patience.is_over(cost) for cost in (4.0, 2.0, 3.0, 3.0)] == [False] * 3 + [True]
    assert patience.smoothed == 3.0
    assert patience.least == 3.0
    assert not any(Patience(share=1.0, batches=None).is_over(1.0) for _ in range(50))


def test_weights_of_zero_count_for_nothing():
    X = rows(2, 400)
    far = np.concatenate([X, np.full((50, 4), 1e3)])
    weights = np.concatenate([np.ones(400), np.zeros(50)])
    model = MiniBatchKMeans(5, random_state=0, batch_size=100).fit(far, sample_weight=weights)
    assert np.abs(model.cluster_centers_).max() < 50


def test_starved_centres_are_moved():
    X = rows(3)
    start = np.concatenate([X[:4], np.full((1, 4), 1e6)])
    model = MiniBatchKMeans(5, init=start, batch_size=100, random_state=0).fit(X)
    assert np.abs(model.cluster_centers_).max() < 100


def test_fit_then_partial_fit_goes_on():
    X = rows(4)
    model = MiniBatchKMeans(5, random_state=0).fit(X)
    before = model.cluster_centers_.copy()
    model.partial_fit(X[:50])
    assert 0 < np.abs(model.cluster_centers_ - before).max() < 1


def test_a_tolerance_stops_it():
    X = rows(5)
    assert MiniBatchKMeans(5, tol=1e3, random_state=0).fit(X).n_steps_ == 2
    never = MiniBatchKMeans(5, max_no_improvement=None, max_iter=3, batch_size=500, random_state=0)
    assert never.fit(X).n_steps_ == 12


def test_too_few_different_rows_are_told():
    with pytest.warns(ConvergenceWarning, match=r"distinct clusters \(1\)"):
        MiniBatchKMeans(2, random_state=0).fit(np.ones((10, 2)))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 11}, "n_samples=10 should be >= n_clusters=11"),
        ({"n_clusters": 2, "batch_size": 0}, "batch_size is 0"),
        ({"n_clusters": 2, "max_iter": 0}, "max_iter is 0"),
        ({"n_clusters": 2, "init": "best"}, "init is 'best'"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        MiniBatchKMeans(**parameters).fit(rows(0, 10))
