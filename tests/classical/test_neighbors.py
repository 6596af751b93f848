import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import neighbors as judge
from tests.classical.compliance import compliance
from tests.classical.tree_data import classes, numbers, table

from groundup.classical import neighbors as ours
from groundup.classical.estimator import NotFittedError
from groundup.classical.neighbor_search import find_nearest, nearest, within
from groundup.classical.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestNeighbors,
    inverse_distances,
)
from groundup.swap import Replacement, replaced

ALGORITHMS = ["brute", "kd_tree"]
CLOSE = {"rtol": 1e-13, "atol": 1e-13}  # sums of 7 terms, weights 1 / d with d of an ulp or two


@compliance(
    NearestNeighbors(),
    KNeighborsClassifier(),
    KNeighborsClassifier(3, weights="distance", algorithm="brute"),
    KNeighborsRegressor(),
    KNeighborsRegressor(weights="distance", algorithm="kd_tree", p=1),
)
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.reference
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "minkowski"])
@pytest.mark.parametrize("weights", ["uniform", "distance", lambda d: 1 / (1 + d**2)])
def test_predictions_are_scikit_learns(algorithm, metric, weights):
    X, new = table(0, n=150), table(1)
    same = {"n_neighbors": 7, "algorithm": algorithm, "metric": metric, "weights": weights}
    if metric == "minkowski":
        same["p"] = 3
    one, other = [each.KNeighborsClassifier(**same).fit(X, classes(X, 3)) for each in (ours, judge)]
    np.testing.assert_allclose(one.predict_proba(new), other.predict_proba(new), **CLOSE)
    assert np.array_equal(one.predict(new), other.predict(new))
    two_outputs = np.stack([numbers(X), numbers(X, 1)], axis=1)
    for target in (numbers(X), two_outputs):
        one, other = [each.KNeighborsRegressor(**same).fit(X, target) for each in (ours, judge)]
        np.testing.assert_allclose(one.predict(new), other.predict(new), **CLOSE)


@pytest.mark.reference
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_neighbours_are_scikit_learns(algorithm):
    X, new = table(0), table(1, n=50)
    one, other = [
        each.NearestNeighbors(algorithm=algorithm, radius=0.8).fit(X) for each in (ours, judge)
    ]
    for rows in (None, new):
        for mine, theirs in zip(one.kneighbors(rows), other.kneighbors(rows), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)
        mine, theirs = [each.radius_neighbors(rows, sort_results=True) for each in (one, other)]
        for place in range(len(mine[1])):
            assert np.array_equal(mine[1][place], theirs[1][place])
            np.testing.assert_allclose(mine[0][place], theirs[0][place], rtol=1e-12, atol=1e-12)
    assert np.array_equal(
        one.kneighbors(new, 2, return_distance=False), other.kneighbors(new, 2, False)
    )


@given(st.integers(0, 9999), st.integers(1, 700), st.integers(1, 20), st.booleans())
@settings(max_examples=30)
def test_the_filtered_search_is_the_direct_one(seed, n, f, is_far):
    """Also far from the origin, where products lose all digits, and among many equal distances."""
    rng = np.random.default_rng(seed)
    Y = rng.integers(0, 5, (n, f)) + (1e9 if is_far else 0.0)
    X = Y[rng.integers(0, n, 20)] + rng.integers(0, 2, (20, f))
    k = 1 + seed % n
    fast, plain = find_nearest(X, Y, k, 2.0), nearest(X, Y, k, 2.0)
    assert np.array_equal(fast[1], plain[1])
    assert np.array_equal(fast[0], plain[0])  # of whole numbers: exact


@pytest.mark.parametrize("p", [1.0, 3.0, np.inf])
def test_other_distances_are_direct_too(p):
    X, Y = table(0, 20), table(1, 100)
    fast, plain = find_nearest(X, Y, 9, p), nearest(X, Y, 9, p)
    assert np.array_equal(fast[1], plain[1])
    np.testing.assert_allclose(fast[0], plain[0], rtol=1e-14)


def test_huge_numbers_find_their_neighbours():
    Y = np.array([[0.0], [1e200], [-1e200]])
    assert find_nearest(np.array([[9e199]]), Y, 1, 1.0)[1].tolist() == [[1]]
    with np.errstate(over="ignore"):
        distances, found = find_nearest(np.array([[1e200]]), Y, 2, 2.0)
    assert found.tolist() == [[1, 0]]
    assert distances.tolist() == [[0.0, np.inf]]  # squares beyond 1e308


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_equal_samples_come_in_their_order_and_none_is_its_own_neighbour(algorithm):
    X = np.zeros((6, 2))
    found = NearestNeighbors(n_neighbors=2, algorithm=algorithm).fit(X)
    assert found.kneighbors([[0.0, 0.0]])[1].tolist() == [[0, 1]]
    own = found.kneighbors(return_distance=False)
    assert own[:3].tolist() == [[1, 2], [0, 2], [0, 1]]
    assert all(row not in own[row] for row in range(6))
    assert [len(x) for x in found.radius_neighbors(radius=0.0)[1]] == [5] * 6


def test_within_is_all_that_is_within():
    X = np.arange(5.0)[:, None]
    counts, distances, found = within(X[:2], X, 1.0, 2.0)
    assert counts.tolist() == [2, 3]
    assert found.tolist() == [0, 1, 0, 1, 2]
    assert distances.tolist() == [0, 1, 1, 0, 1]


def test_a_neighbour_at_no_distance_is_all_that_counts():
    weights = inverse_distances(np.array([[0.0, 1.0, 0.0], [0.5, 1.0, 2.0]]))
    assert weights.tolist() == [[1, 0, 1], [2, 1, 0.5]]
    model = KNeighborsRegressor(2, weights="distance").fit([[0.0], [1.0]], [3.0, 5.0])
    assert model.predict([[0.0]]).tolist() == [3.0]


def test_a_replaced_search_runs():
    def always_the_last(X, Y, k, p):
        return np.ones((len(X), k)), np.full((len(X), k), len(Y) - 1)

    part = "classical.neighbor_search:nearest"
    stand_in = Replacement(part=part, file="", name="", sha256="", function=always_the_last)
    model = KNeighborsRegressor(1, algorithm="brute").fit([[0.0], [1.0]], [3.0, 5.0])
    with replaced([stand_in]):
        assert model.predict([[0.0]]).tolist() == [5.0]


def test_the_tree_is_chosen_where_it_helps():
    few, many = table(0, f=3), table(0, f=16)
    assert KNeighborsRegressor().fit(few, numbers(few))._fit_method == "kd_tree"
    assert KNeighborsRegressor().fit(many, numbers(many))._fit_method == "brute"
    assert KNeighborsRegressor(150).fit(few, numbers(few))._fit_method == "brute"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"algorithm": "ball_tree"}, "known are: auto, brute and kd_tree"),
        ({"metric": "cosine"}, "known are: minkowski, euclidean"),
        ({"p": 0.5}, "p is 0.5"),
        ({"n_neighbors": 0}, "Expected n_neighbors > 0"),
        ({"weights": "near"}, "weights is 'near'"),
        ({"leaf_size": 0, "algorithm": "kd_tree"}, "leaf_size is 0"),
    ],
)
def test_parameters_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        KNeighborsClassifier(**settings).fit([[1.0], [2.0]], [0, 1])


def test_bad_questions():
    with pytest.raises(NotFittedError):
        NearestNeighbors().kneighbors()
    model = NearestNeighbors(n_neighbors=3).fit([[0.0], [1.0], [2.0]])
    with pytest.raises(ValueError, match="n_neighbors = 3, n_samples_fit = 3"):
        model.kneighbors()
    with pytest.raises(TypeError, match="enter integer value"):
        model.kneighbors([[0.0]], 1.5)
    with pytest.raises(ValueError, match="radius is -1"):
        model.radius_neighbors(radius=-1)
    zero = KNeighborsClassifier(1, weights=np.zeros_like).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(ValueError, match="zero weights"):
        zero.predict([[0.0]])
