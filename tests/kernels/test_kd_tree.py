import numpy as np
import pytest

from groundup.classical import kd_tree as plain
from groundup.classical import neighbor_search as plain_search
from groundup.kernels import kd_tree, neighbor_search


@pytest.mark.parametrize("p", [1.0, 2.0, 4.0, np.inf])
@pytest.mark.parametrize("n", [1, 2, 300])
def test_both_twins_find_the_same(p, n):
    rng = np.random.default_rng(n)
    points, rows = rng.normal(size=(n, 3)), rng.normal(size=(25, 3))
    boxes = plain.Boxes(*kd_tree.build(points, 8))
    for one, other in zip(boxes, plain.build(points, 8), strict=True):
        assert np.array_equal(one, other)
    k = min(n, 11)
    pairs = [
        (kd_tree.query(boxes, rows, k, p), plain.query(boxes, rows, k, p)),
        (neighbor_search.nearest(rows, points, k, p), plain_search.nearest(rows, points, k, p)),
    ]
    for one, other in pairs:
        np.testing.assert_allclose(one[0], other[0], rtol=1e-14)
        assert np.array_equal(one[1], other[1])
    radii = rng.uniform(0.2, 1.5, len(rows))
    one, other = [each.query_radius(boxes, rows, radii, p) for each in (kd_tree, plain)]
    assert np.array_equal(one[0], other[0])
    assert np.array_equal(one[2], other[2])
    np.testing.assert_allclose(one[1], other[1], rtol=1e-14)


def test_more_than_a_thousand_results_fit():
    points = np.zeros((3000, 1))
    boxes = plain.Boxes(*kd_tree.build(points, 10))
    counts, _, numbers = kd_tree.query_radius(boxes, np.zeros((2, 1)), np.zeros(2), 2.0)
    assert counts.tolist() == [3000, 3000]
    assert len(numbers) == 6000


def test_what_is_compiled_is_named():
    assert kd_tree.kernels()
    assert neighbor_search.kernels()
