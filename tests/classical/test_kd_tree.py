import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KDTree as Judge

from groundup.classical.kd_tree import Boxes, KDTree, build, minkowski, query
from groundup.classical.neighbor_search import nearest
from groundup.swap import Replacement, replaced

SIZES = st.tuples(st.integers(1, 120), st.integers(1, 5), st.integers(1, 12))
EXPONENTS = st.sampled_from([1.0, 1.5, 2.0, 3.0, np.inf])


def some(seed, n, f, is_grid=False):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 4, (n, f)).astype(float) if is_grid else rng.normal(size=(n, f))


@pytest.mark.reference
@given(st.integers(0, 9999), SIZES, EXPONENTS)
@settings(max_examples=60)
def test_queries_are_scikit_learns(seed, sizes, p):
    n, f, leaf_size = sizes
    points, rows = some(seed, n, f), some(seed + 1, 15, f)
    ours = KDTree(points, leaf_size, p)
    theirs = (
        Judge(points, leaf_size, metric="minkowski", p=p)
        if np.isfinite(p)
        else Judge(points, leaf_size, metric="chebyshev")
    )
    k = 1 + seed % n
    distances, numbers = ours.query(rows, k)
    expected = theirs.query(rows, k)
    np.testing.assert_allclose(distances, expected[0], rtol=1e-14)  # the roots' and powers' ulps
    assert np.array_equal(numbers, expected[1])
    assert np.array_equal(ours.query(rows, k, return_distance=False), numbers)
    # a radius between two distances, so that rounding decides nothing
    radius = np.linspace(0.3, 2.0, len(rows))
    found, away = ours.query_radius(rows, radius, return_distance=True, sort_results=True)
    judged, at = theirs.query_radius(rows, radius, return_distance=True, sort_results=True)
    for place in range(len(rows)):
        assert np.array_equal(found[place], judged[place])
        np.testing.assert_allclose(away[place], at[place], rtol=1e-14)
    assert np.array_equal(ours.query_radius(rows, radius, count_only=True), [len(x) for x in found])


@given(st.integers(0, 9999), SIZES, EXPONENTS)
@settings(max_examples=40)
def test_on_a_grid_full_of_ties_it_finds_what_brute_force_finds(seed, sizes, p):
    n, f, leaf_size = sizes
    points, rows = some(seed, n, f, is_grid=True), some(seed + 1, 10, f, is_grid=True)
    k = 1 + seed % n
    distances, numbers = KDTree(points, leaf_size, p).query(rows, k)
    expected = nearest(rows, points, k, p)
    np.testing.assert_allclose(distances, expected[0], rtol=1e-14)
    if p in (1.0, 2.0, np.inf):  # powers of other exponents round before they are compared
        assert np.array_equal(numbers, expected[1])


@given(st.integers(0, 9999), SIZES, st.booleans())
@settings(max_examples=40)
def test_the_boxes_hold_the_points(seed, sizes, is_grid):
    n, f, leaf_size = sizes
    points = some(seed, n, f, is_grid)
    boxes = KDTree(points, leaf_size).boxes
    plain = Boxes(*build(points, leaf_size))
    for name, one, other in zip(Boxes._fields, boxes, plain, strict=True):
        assert np.array_equal(one, other), name
    assert sorted(boxes.numbers) == list(range(n))
    assert np.array_equal(points[boxes.numbers], boxes.points)
    leaves = boxes.second < 0
    assert (boxes.end - boxes.start)[leaves].sum() == n
    assert (boxes.end - boxes.start)[leaves].max() <= leaf_size
    for node in np.flatnonzero(~leaves):
        second = boxes.second[node]
        assert boxes.end[node + 1] == boxes.start[second]
        assert boxes.start[node + 1] == boxes.start[node]
        assert boxes.end[second] == boxes.end[node]


@pytest.mark.parametrize("p", [1.0, 2.0, 2.5, np.inf])
def test_the_plain_path_finds_what_the_kernel_finds(p):
    points, rows = some(0, 100, 3), some(1, 20, 3)
    tree = KDTree(points, 5, p)
    fast = tree.query(rows, 7), tree.query_radius(rows, 0.9, True, sort_results=True)
    original = query.slot.original
    part = "classical.kd_tree:query"
    stand_in = Replacement(part=part, file="", name="", sha256="", function=original)
    with replaced([stand_in]):
        plain = tree.query(rows, 7), tree.query_radius(rows, 0.9, True, sort_results=True)
    assert np.array_equal(fast[0][1], plain[0][1])
    np.testing.assert_allclose(fast[0][0], plain[0][0], rtol=1e-14)
    for one, other in zip(fast[1][0], plain[1][0], strict=True):
        assert np.array_equal(one, other)


def test_a_replaced_distance_is_used():
    def only_the_first(differences, p):
        return np.abs(differences[:, 0])

    part = "classical.kd_tree:minkowski"
    stand_in = Replacement(part=part, file="", name="", sha256="", function=only_the_first)
    with replaced([stand_in]):
        numbers = KDTree([[0.0, 9.0], [3.0, 0.0]]).query([[1.0, 0.0]], return_distance=False)
    assert numbers.tolist() == [[0]]


def test_equal_points_come_in_order():
    tree = KDTree(np.ones((100, 2)), leaf_size=3)
    distances, numbers = tree.query([[1.0, 1.0]], k=100)
    assert numbers[0].tolist() == list(range(100))
    assert (distances == 0).all()


def test_minkowskis_limits():
    differences = np.array([[3.0, -4.0]])
    found = [float(minkowski(differences, p)[0]) for p in (1, 2, np.inf)]
    assert found == [7.0, 5.0, 4.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: KDTree([[1.0]], leaf_size=0), "leaf_size is 0"),
        (lambda: KDTree([[1.0]], p=0.5), "p is 0.5"),
        (lambda: KDTree(np.empty((0, 2))), "0 sample"),
        (lambda: KDTree([[np.nan]]), "NaN"),
        (lambda: KDTree([[1.0]]).query([[1.0]], k=2), "k is 2; it must be from 1"),
        (lambda: KDTree([[1.0]]).query([[1.0]], k=0), "k is 0"),
        (lambda: KDTree([[1.0]]).query([[1.0, 2.0]]), "query data dimension is 2"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
