"""Trustworthiness against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import manifold

from groundup.classical.distances import manhattan_distances
from groundup.classical.trustworthiness import trustworthiness


@pytest.mark.reference
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(5, 40), data=st.data())
def test_it_is_scikit_learns(seed, n, data):
    k = data.draw(st.integers(1, (n - 1) // 2))
    X = np.random.default_rng(seed).normal(size=(n, 4))
    Y = X[:, :2] + np.random.default_rng(seed + 1).normal(size=(n, 2))
    assert trustworthiness(X, Y, n_neighbors=k) == pytest.approx(
        manifold.trustworthiness(X, Y, n_neighbors=k), rel=1e-12
    )
    distances = manhattan_distances(X)
    wanted = manifold.trustworthiness(distances, Y, n_neighbors=k, metric="precomputed")
    given_ = trustworthiness(distances, Y, n_neighbors=k, metric="precomputed")
    assert given_ == pytest.approx(wanted, rel=1e-12)
    assert trustworthiness(X, Y, n_neighbors=k, metric="manhattan") == given_


def test_a_faithful_map_is_trusted_whole():
    X = np.random.default_rng(0).normal(size=(30, 2))
    assert trustworthiness(X, 5 * X - 3) == 1


@pytest.mark.parametrize(
    ("rows", "points", "k", "message"),
    [
        (6, 6, 3, r"n_neighbors \(3\) should be at least 1 and less than n_samples / 2 \(3.0\)"),
        (6, 6, 0, r"n_neighbors \(0\)"),
        (6, 5, 1, "X has 6 rows and the embedding 5"),
    ],
)
def test_what_cannot_be_compared_is_refused(rows, points, k, message):
    with pytest.raises(ValueError, match=message):
        trustworthiness(np.ones((rows, 3)), np.ones((points, 2)), n_neighbors=k)
