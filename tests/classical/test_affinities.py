"""The affinities of t-SNE against scikit-learn's, and their perplexity against its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import squareform
from scipy.stats import entropy
from sklearn.manifold import _t_sne as sk

from groundup.classical.affinities import (
    EPS,
    conditional_affinities,
    joint_affinities,
    row_entropies,
)
from groundup.classical.distances import squared_euclidean_distances


def squared(seed, n=40, f=3, scale=1.0):
    return squared_euclidean_distances(np.random.default_rng(seed).normal(size=(n, f)) * scale)


@pytest.mark.reference
@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(4, 60),
    scale=st.sampled_from([1e-100, 1.0, 1e100]),
    share=st.floats(0.1, 0.7),
)
def test_each_row_has_the_perplexity_asked_for(seed, n, scale, share):
    perplexity = 1 + share * (n - 2)
    P = conditional_affinities(squared(seed, n, scale=scale), perplexity)
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-12)
    assert np.array_equal(np.diag(P), np.zeros(n))
    # the search stops within 1e-5 nats
    np.testing.assert_allclose(entropy(P, axis=1), np.log(perplexity), rtol=0, atol=1.1e-5)


@pytest.mark.reference
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_they_are_scikit_learns(seed):
    D = squared(seed)
    ours = joint_affinities(D, 8.0)
    theirs = squareform(sk._joint_probabilities(D, 8.0, 0))
    # both searches end within 1e-5 nats, and an entropy falls by about 1 when beta doubles
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-6)
    assert ours.sum() == pytest.approx(1)
    assert np.array_equal(ours, ours.T)
    assert (ours.sum(axis=1) >= 1 / (2 * len(D)) * (1 - 1e-12)).all()


def test_entropies_by_hand():
    distances = np.array([[np.inf, 1.0, 1.0], [4.0, np.inf, 0.0], [7.0, 7.0, np.inf]])
    entropies, choice = row_entropies(distances, np.array([5.0, 1e-9, 1.0]))
    np.testing.assert_allclose(entropies, np.log(2))
    np.testing.assert_allclose(choice, [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], rtol=1e-8)


@pytest.mark.parametrize("scale", [0.0, 1e-300, 1e150])
def test_equal_rows_and_extreme_distances(scale):
    D = np.ones((6, 6)) * scale
    np.fill_diagonal(D, 0.0)
    P = conditional_affinities(D, 2.0)  # five equally near cannot be two
    np.testing.assert_allclose(P[0, 1:], 0.2)
    assert np.isfinite(joint_affinities(D, 2.0)).all()


def test_a_far_outlier_is_still_held():
    D = squared(1, 20)
    D[0, 1:] = D[1:, 0] = 1e8
    P = joint_affinities(D, 5.0)
    assert P[0].sum() >= 1 / 40 * (1 - 1e-12)
    assert P[0, 1:].min() >= EPS


def test_what_is_given_stays_as_it_was():
    D = squared(2)
    before = D.copy()
    joint_affinities(D, 5.0)
    assert np.array_equal(D, before)
