"""Multidimensional scaling against scikit-learn, PCA, and what it promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.spatial import procrustes
from sklearn import manifold
from tests.classical.compliance import compliance

from groundup.classical.distances import euclidean_distances, manhattan_distances
from groundup.classical.multidimensional_scaling import (
    MDS,
    ClassicalMDS,
    classical_scaling,
    guttman_transform,
    stress,
)
from groundup.classical.pca import PCA
from groundup.maths.convergence import ConvergenceWarning


@compliance(ClassicalMDS(), MDS(), MDS(1, init="random", n_init=2))
def test_conventions(estimator, check):
    check(estimator)


def rows(seed, n=20, f=4):
    return np.random.default_rng(seed).normal(size=(n, f)) * np.geomspace(4, 1, f)


@pytest.mark.reference
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(4, 30), k=st.integers(1, 3))
def test_classical_scaling_is_scikit_learns(seed, n, k):
    X = rows(seed, n)
    ours, theirs = ClassicalMDS(k).fit(X), manifold.ClassicalMDS(k).fit(X)
    size = theirs.eigenvalues_[0]
    np.testing.assert_allclose(ours.eigenvalues_, theirs.eigenvalues_, rtol=0, atol=1e-12 * size)
    if (np.diff(theirs.eigenvalues_) < -1e-3 * size).all() or k == 1:
        error = np.abs(np.abs(ours.embedding_) - np.abs(theirs.embedding_)).max()
        assert error < 1e-6 * np.sqrt(size)


def test_of_rows_it_gives_the_principal_components():
    X = rows(1)
    Z = PCA(3).fit_transform(X)
    points = ClassicalMDS(3).fit_transform(X)
    np.testing.assert_allclose(np.abs(points), np.abs(Z), atol=1e-10)


def test_all_dimensions_give_the_distances_back():
    D = euclidean_distances(rows(2))
    np.testing.assert_allclose(euclidean_distances(classical_scaling(D, 4)[0]), D, atol=1e-6)


def test_distances_that_no_points_have():
    D = np.array([[0.0, 1.0, 9.0], [1.0, 0.0, 1.0], [9.0, 1.0, 0.0]])
    model = ClassicalMDS(3, metric="precomputed").fit(D)
    assert model.eigenvalues_[-1] < 0
    assert np.isfinite(model.embedding_).all()


@pytest.mark.reference
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 3))
def test_from_the_same_start_it_ends_where_smacof_does(seed, k):
    X = rows(seed)
    D = manhattan_distances(X)
    start = np.random.default_rng(seed).normal(size=(20, k))
    ours = MDS(k, init=start, metric="manhattan", max_iter=3000).fit(X)
    points, cost, steps = manifold.smacof(
        D, n_components=k, init=start, n_init=1, max_iter=3000, return_n_iter=True
    )
    assert abs(ours.n_iter_ - steps) <= 1
    assert ours.stress_ == pytest.approx(cost, rel=1e-5)
    np.testing.assert_allclose(ours.embedding_, points, atol=1e-2)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 4))
def test_no_step_raises_the_stress(seed, k):
    D = euclidean_distances(rows(seed))
    Y = np.random.default_rng(seed).normal(size=(20, k))
    costs = [stress(Y, D)]
    for _ in range(6):
        Y = guttman_transform(Y, D)
        costs.append(stress(Y, D))
    assert (np.diff(costs) <= 1e-12 * costs[0]).all()


@pytest.mark.reference
def test_a_general_minimiser_finds_no_better_near_by():
    D = manhattan_distances(rows(3))
    model = MDS(2, metric="precomputed", eps=1e-10, max_iter=5000).fit(D)
    better = minimize(lambda flat: stress(flat.reshape(20, 2), D), model.embedding_.ravel()).fun
    assert model.stress_ <= better * 1.001


@pytest.mark.reference
def test_points_of_a_plane_are_found_again():
    plane = rows(4, 15, 2)
    model = MDS(2, init="random", n_init=8, random_state=0, eps=1e-10, max_iter=3000).fit(plane)
    assert procrustes(plane, model.embedding_)[2] < 1e-2  # it comes near ever more slowly
    classical = MDS(2).fit(plane)
    assert classical.stress_ == pytest.approx(0, abs=1e-10)


def test_equal_rows_stay_together():
    model = MDS(2).fit(np.ones((5, 3)))
    assert model.stress_ == 0
    assert np.array_equal(model.embedding_, np.zeros((5, 2)))


def test_too_few_steps_are_told():
    with pytest.warns(ConvergenceWarning, match="max_iter=1 steps; raise max_iter"):
        MDS(init="random", max_iter=1, random_state=0).fit(rows(0))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 0}, "n_components is 0"),
        ({"n_init": 0}, "n_init is 0"),
        ({"max_iter": 0}, "max_iter is 0"),
        ({"init": "pca"}, "init is 'pca'"),
        ({"init": np.zeros((2, 2))}, "init has the shape"),
        ({"metric": "far"}, "metric is 'far'"),
        ({"metric": "precomputed"}, "should be square"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        MDS(**parameters).fit(rows(0))
