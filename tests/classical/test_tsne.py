"""t-SNE: its formulas and first steps against scikit-learn, its maps by what they keep."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.spatial.distance import squareform
from sklearn import manifold
from sklearn.manifold import _t_sne as sk
from tests.classical.compliance import compliance

from groundup.classical.affinities import joint_affinities
from groundup.classical.distances import squared_euclidean_distances
from groundup.classical.tsne import (
    TSNE,
    Descent,
    descend,
    kl_divergence,
    kl_gradient,
    student_kernel,
)


@compliance(TSNE(perplexity=2, max_iter=260), TSNE(1, perplexity=2, init="random", max_iter=20))
def test_conventions(estimator, check):
    check(estimator)


def affinities(seed, n=25):
    X = np.random.default_rng(seed).normal(size=(n, 4))
    return joint_affinities(squared_euclidean_distances(X), 5.0)


def blobs(seed, n=90, k=3):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % k
    return rng.normal(size=(k, 6))[labels] * 8 + rng.normal(size=(n, 6)), labels


def objective(P, freedom):
    def value(flat):
        Y = flat.reshape(len(P), -1)
        return kl_divergence(P, student_kernel(Y, freedom))

    return value


@pytest.mark.reference
@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    f=st.sampled_from([1, 2]),
    scale=st.sampled_from([1e-4, 1.0, 30.0]),
)
def test_divergence_and_gradient_are_scikit_learns(seed, f, scale):
    P, freedom = affinities(seed), 1
    Y = np.random.default_rng(seed).normal(size=(len(P), f)) * scale
    wanted, wanted_gradient = sk._kl_divergence(Y.ravel(), squareform(P), freedom, len(P), f)
    kernel = student_kernel(Y, freedom)
    assert kl_divergence(P, kernel) == pytest.approx(wanted, rel=1e-10, abs=1e-13)
    gradient = kl_gradient(P, Y, kernel, freedom).ravel()
    # sums of n terms, each as large as the largest coordinate times its stiffness
    np.testing.assert_allclose(gradient, wanted_gradient, rtol=1e-8, atol=1e-13 * scale)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), f=st.sampled_from([1, 2, 3]))
def test_the_gradient_is_the_derivative(seed, f):
    P, freedom = affinities(seed, 12), max(f - 1, 1)
    Y = np.random.default_rng(seed).normal(size=(12, f))
    measured = approx_fprime(Y.ravel(), objective(P, freedom), 1e-6)
    gradient = kl_gradient(P, Y, student_kernel(Y, freedom), freedom).ravel()
    # forward differences: h/2 times the second derivative, plus eps/h
    np.testing.assert_allclose(gradient, measured, rtol=0, atol=1e-5)
    np.testing.assert_allclose(gradient.reshape(Y.shape).sum(axis=0), 0, atol=1e-14)


@pytest.mark.reference
def test_in_three_dimensions_scikit_learns_gradient_is_not_the_derivative():
    """Its divergence is ours; its gradient has the exponent of the kernel, and ours is right."""
    P = affinities(0, 12)
    Y = np.random.default_rng(0).normal(size=(12, 3))
    divergence, theirs = sk._kl_divergence(Y.ravel(), squareform(P), 2, 12, 3)
    kernel = student_kernel(Y, 2)
    assert kl_divergence(P, kernel) == pytest.approx(divergence, rel=1e-10)
    measured = approx_fprime(Y.ravel(), objective(P, 2), 1e-6)
    assert np.abs(kl_gradient(P, Y, kernel, 2).ravel() - measured).max() < 1e-5
    assert np.abs(theirs - measured).max() > 1e-3


@pytest.mark.reference
@pytest.mark.parametrize(("momentum", "f"), [(0.5, 2), (0.8, 2), (0.5, 1)])
def test_the_first_steps_are_scikit_learns(momentum, f):
    """Ten, for then roundings begin to grow: the descent is chaotic."""
    P = affinities(1) * 12
    start = 1e-4 * np.random.default_rng(0).normal(size=(len(P), f))
    ours, last = descend(P, start, range(10), learning_rate=50.0, momentum=momentum, patience=99)
    freedom = max(f - 1, 1)
    theirs = sk._gradient_descent(
        sk._kl_divergence,
        start.ravel(),
        0,
        10,
        momentum=momentum,
        learning_rate=50.0,
        args=[squareform(P), freedom, len(P), f],
        kwargs={},
    )[0]
    assert last == 9
    np.testing.assert_allclose(ours.ravel(), theirs, rtol=1e-6, atol=1e-9)


def test_gains_grow_along_and_shrink_on_a_turn():
    state = Descent(Y=np.zeros((1, 2)), velocity=np.array([[-1.0, -1.0]]), gains=np.ones((1, 2)))
    length = state.step(np.array([[1.0, -1.0]]), learning_rate=10.0, momentum=0.5)
    np.testing.assert_allclose(state.gains, [[1.2, 0.8]])
    np.testing.assert_allclose(state.velocity, [[-12.5, 7.5]])
    np.testing.assert_allclose(state.Y, state.velocity)
    assert length == pytest.approx(np.hypot(1.2, 0.8))
    state.gains[:] = 0.01
    state.step(np.array([[1.0, 1.0]]), learning_rate=0.0, momentum=0.0)
    assert (state.gains >= 0.01).all()


@pytest.mark.reference
def test_maps_are_as_good_as_scikit_learns():
    """The mean divergence of five starts, within three standard errors or 2 %."""
    X, _ = blobs(0)
    ours, theirs = [], []
    for seed in range(5):
        start = 1e-4 * np.random.default_rng(seed).normal(size=(len(X), 2))
        settings_ = {"perplexity": 15, "init": start, "max_iter": 500}
        ours.append(TSNE(**settings_).fit(X).kl_divergence_)
        theirs.append(manifold.TSNE(method="exact", **settings_).fit(X).kl_divergence_)
    error = np.sqrt((np.var(ours) + np.var(theirs)) / 5)
    assert abs(np.mean(ours) - np.mean(theirs)) < 3 * error + 0.02 * np.mean(theirs)


@pytest.mark.reference
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_where_we_end_scikit_learn_finds_no_better(metric):
    X, _ = blobs(1)
    ours = TSNE(perplexity=15, metric=metric, max_iter=1000, random_state=0).fit(X)
    onward = manifold.TSNE(
        perplexity=15, metric=metric, method="exact", init=ours.embedding_, early_exaggeration=1.0,
        learning_rate=10, max_iter=300,
    ).fit(X)  # fmt: skip
    assert ours.kl_divergence_ <= onward.kl_divergence_ * 1.02


@pytest.mark.reference
@pytest.mark.parametrize("init", ["pca", "random"])
def test_neighbours_stay_neighbours(init):
    X, labels = blobs(2)
    Y = TSNE(perplexity=10, init=init, random_state=0, max_iter=500).fit_transform(X)
    assert manifold.trustworthiness(X, Y) > 0.93
    nearest = squared_euclidean_distances(Y) + np.diag(np.full(len(Y), np.inf))
    assert np.array_equal(labels[nearest.argmin(axis=1)], labels)


def test_the_early_map_reports_its_divergence():
    """scikit-learn 1.9 reports the largest double after exactly 250 steps."""
    X, _ = blobs(3)
    model = TSNE(perplexity=10, max_iter=250, random_state=0).fit(X)
    assert 0 < model.kl_divergence_ < 10
    assert model.n_iter_ == 249
    assert model.learning_rate_ == 50
    assert TSNE(perplexity=10, learning_rate=7.0, max_iter=5).fit(X).learning_rate_ == 7


def test_it_stops_where_nothing_moves():
    X = np.array([[0.0], [1.0]])  # the only p there is: any map has divergence 0
    model = TSNE(1, perplexity=1, init="random", random_state=0).fit(X)
    assert model.n_iter_ == 299  # the first look after the exaggerated steps
    assert model.kl_divergence_ == pytest.approx(0, abs=1e-12)


def test_equal_rows_make_a_map_too():
    model = TSNE(perplexity=3, max_iter=260, random_state=0).fit(np.ones((10, 3)))
    assert np.isfinite(model.embedding_).all()


@pytest.mark.reference
def test_precomputed_distances():
    X, _ = blobs(4, 30)
    distances = np.sqrt(squared_euclidean_distances(X))
    start = 1e-4 * np.random.default_rng(0).normal(size=(30, 2))
    one = TSNE(perplexity=5, init=start, max_iter=10).fit_transform(X)
    two = TSNE(perplexity=5, init=start, max_iter=10, metric="precomputed").fit_transform(distances)
    np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, r"perplexity \(30.0\) must be above 0 and less than n_samples \(20\)"),
        ({"perplexity": 20}, "less than n_samples"),
        ({"perplexity": 0}, "must be above 0"),
        ({"perplexity": 5, "n_components": 0}, "n_components is 0"),
        ({"perplexity": 5, "max_iter": 0}, "max_iter is 0"),
        ({"perplexity": 5, "early_exaggeration": 0.5}, "early_exaggeration is 0.5"),
        ({"perplexity": 5, "learning_rate": "fast"}, "learning_rate is 'fast'"),
        ({"perplexity": 5, "learning_rate": -1.0}, "learning_rate is -1.0"),
        ({"perplexity": 5, "init": "grid"}, "init is 'grid'"),
        ({"perplexity": 5, "init": np.zeros((3, 2))}, "init has the shape"),
        ({"perplexity": 5, "metric": "precomputed", "init": "pca"}, "should be square"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        TSNE(**parameters).fit(blobs(0, 20)[0])


def test_distances_have_no_principal_components():
    with pytest.raises(ValueError, match="needs rows, not distances"):
        TSNE(perplexity=1, metric="precomputed").fit(np.ones((3, 3)) - np.eye(3))
