"""Distances against SciPy, and their two ways against exact arithmetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.metrics import pairwise as sk

from groundup.classical.distances import (
    METRICS,
    cosine_distances,
    euclidean_distances,
    nearest_rows,
    pairwise_distances,
    refuse_overflow,
    squared_distances_by_product,
    squared_euclidean_distances,
)

EPS = np.finfo(float).eps
SCIPY = {"manhattan": "cityblock"}


def two_sets(seed, n=7, m=5, f=3, scale=1.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, f)) * scale, rng.normal(size=(m, f)) * scale


@pytest.mark.reference
@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 30),
    f=st.integers(1, 9),
    scale=st.sampled_from([1e-150, 1e-3, 1.0, 1e150]),
)
def test_every_metric_is_scipys(metric, seed, n, f, scale):
    X, Y = two_sets(seed, n=n, f=f, scale=scale)
    wanted = cdist(X, Y, SCIPY.get(metric, metric)) if metric != "cosine" else cosine_by_hand(X, Y)
    # f products and f sums, each rounded once: 2 f eps of the result; the cosine is 1 minus such
    # a sum, so its error is absolute.
    error = 4 * (f + 2) * EPS
    absolute = error if metric == "cosine" else 0.0
    result = pairwise_distances(X, Y, metric)
    np.testing.assert_allclose(result, wanted, rtol=error, atol=absolute)


def cosine_by_hand(X, Y):
    X, Y = X / np.abs(X).max(), Y / np.abs(Y).max()
    return sk.cosine_distances(X, Y)


@pytest.mark.reference
def test_one_set_is_compared_with_itself():
    X, _ = two_sets(0)
    for metric in METRICS:
        result = pairwise_distances(X, metric=metric)
        assert np.array_equal(np.diag(result), np.zeros(len(X)))
        np.testing.assert_allclose(result, result.T, rtol=0, atol=4 * EPS)
        np.testing.assert_allclose(result, pairwise_distances(X, X, metric), rtol=0, atol=4 * EPS)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_the_product_is_within_its_stated_error(seed):
    X, Y = two_sets(seed, n=20, m=15, f=6)
    X, Y = X + 1000, Y + 1000
    exact = squared_euclidean_distances(X, Y)
    moved_x, moved_y = X - Y.mean(axis=0), Y - Y.mean(axis=0)
    lengths = (moved_x**2).sum(1)[:, None] + (moved_y**2).sum(1)
    # moving the origin rounds each coordinate once: eps of 1000, twice, on a difference of d
    moving = 4 * EPS * 1000 * np.sqrt(6 * exact) + (2000 * EPS) ** 2 * 6
    error = np.abs(squared_distances_by_product(X, Y) - exact)
    assert (error <= 4 * 6 * EPS * lengths + moving).all()


def test_near_rows_far_from_the_origin_need_the_direct_way():
    near = np.array([[1e8, 0.0], [1e8 + 1, 0.0]])
    assert euclidean_distances(near)[0, 1] == 1.0
    assert squared_distances_by_product(near, near)[0, 1] == 1.0  # the origin was moved
    spread = np.array([[1e8, 0.0], [1e8 + 1, 0.0], [-1e8, 0.0]])
    assert euclidean_distances(spread)[0, 1] == 1.0
    assert abs(squared_distances_by_product(spread, spread)[0, 1] - 1.0) >= 0.5  # cancelled away


def test_a_row_of_zeros_has_no_direction():
    X = np.array([[0.0, 0.0], [1.0, 0.0], [-2.0, 0.0]])
    assert cosine_distances(X).tolist() == [[0, 1, 1], [1, 0, 2], [1, 2, 0]]


def test_no_square_overflows_in_the_cosine():
    assert cosine_distances([[1e300, 1e300]], [[1e-300, 0.0]])[0, 0] == pytest.approx(1 - 0.5**0.5)


@pytest.mark.reference
def test_the_nearest_row_in_blocks():
    X, Y = two_sets(3, n=400, m=300)
    nearest, distance = nearest_rows(X, Y)
    every = cdist(X, Y)
    assert np.array_equal(nearest, every.argmin(1))
    np.testing.assert_allclose(distance, every.min(1), rtol=8 * EPS)
    tied = nearest_rows([[0.0]], [[1.0], [-1.0], [1.0]])
    assert tied[0].tolist() == [0]


def test_integers_do_not_overflow():
    X = np.array([[100], [-100]], np.int8)
    assert euclidean_distances(X)[0, 1] == 200


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        ([[1.0, 2.0]], [[1.0]], "X has 2 features and Y 1"),
        ([1.0, 2.0], None, "Expected 2D array"),
        ([[np.nan]], None, "contains NaN"),
        ([[1.0]], [[np.inf]], "contains infinity"),
        ([[1j]], None, "Complex data"),
        ([["a"]], None, "holds text"),
        (np.zeros((0, 2)), None, r"0 sample\(s\)"),
    ],
)
def test_what_are_no_rows_is_refused(X, Y, message):
    for metric in METRICS:
        with pytest.raises(ValueError, match=message):
            pairwise_distances(X, Y, metric)


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match="metric is 'l7'; known are: euclidean"):
        pairwise_distances([[1.0]], metric="l7")


@pytest.mark.parametrize("n", [1, 1000])
def test_what_is_let_through_does_not_overflow(n):
    limit = np.sqrt(np.finfo(float).max / (4 * n * 3))
    X = np.full((n, 3), limit * 0.999)
    refuse_overflow(X)
    assert np.isfinite(((X - -X) ** 2).sum())
    with pytest.raises(ValueError, match="squares overflow; scale X to below"):
        refuse_overflow(X * 1.01)
    refuse_overflow(np.zeros((0, 3)))
