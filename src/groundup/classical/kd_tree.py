r"""A k-d tree: points in boxes inside boxes, so that far boxes need not be looked into.

Each box is cut at the median of its widest side into two of equal count, down to `leaf_size` points
(Bentley, "Multidimensional binary search trees used for associative searching", 1975). A search
goes into the nearer box first and passes over every box that is farther away than what it has
(Friedman, Bentley and Finkel, "An algorithm for finding best matches in logarithmic expected time",
1977): O(log n) a query in few dimensions; in more than about fifteen nearly all boxes are near, and
brute force is faster.

Distances are Minkowski's, $(\sum_f |x_f - y_f|^p)^{1/p}$ with $p \ge 1$, or the largest difference
for p infinite. Equally near points are found in the order of their numbers.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.validation import check_array
from groundup.swap import is_replaced, replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Boxes(NamedTuple):
    """The nodes of a k-d tree, depth first: a box's first half follows it at once."""

    points: Floats
    """n x f, in the tree's order: each box is a stretch of it."""
    numbers: Integers
    """(n,): the number of each point as it was given."""
    start: Integers
    """(nodes,): where the box's stretch begins."""
    end: Integers
    """(nodes,): where it ends."""
    second: Integers
    """(nodes,): the box's second half, -1 for a leaf."""
    lower: Floats
    """nodes x f: the least coordinates."""
    upper: Floats
    """nodes x f: the largest ones."""


@replaceable
def build(X: Floats, leaf_size: int) -> tuple[Any, ...]:
    """The fields of the `Boxes` of points X (n x f)."""
    numbers = np.arange(len(X))
    nodes: list[tuple[int, int]] = []
    second: list[int] = []
    waiting = [(0, len(X), -1)]  # from, to, and the box that this is the second half of
    while waiting:
        start, end, first_of = waiting.pop()
        if first_of >= 0:
            second[first_of] = len(nodes)
        nodes.append((start, end))
        second.append(-1)
        if end - start > leaf_size:
            inside = X[numbers[start:end]]
            widest = int(np.argmax(inside.max(axis=0) - inside.min(axis=0)))
            order = np.argsort(inside[:, widest], kind="stable")
            numbers[start:end] = numbers[start:end][order]
            middle = (start + end) // 2
            waiting.append((middle, end, len(nodes) - 1))
            waiting.append((start, middle, -1))
    points = X[numbers]
    lower = np.array([points[start:end].min(axis=0) for start, end in nodes])
    upper = np.array([points[start:end].max(axis=0) for start, end in nodes])
    starts, ends = np.array(nodes, np.int64).T.copy()
    return points, numbers, starts, ends, np.array(second, np.int64), lower, upper


@replaceable
def query(boxes: Boxes, X: Floats, k: int, p: float) -> tuple[Floats, Integers]:
    """The distances and the numbers of the k points nearest to each row of X, nearest first."""
    distances, numbers = np.empty((len(X), k)), np.empty((len(X), k), np.int64)
    for row, x in enumerate(X):
        best: list[tuple[float, int]] = []
        waiting = [(distance_to_box(boxes, 0, x, p), 0)]
        while waiting:
            distance, node = waiting.pop()
            if len(best) == k and distance > best[-1][0]:
                continue
            if boxes.second[node] < 0:
                inside = slice(boxes.start[node], boxes.end[node])
                found = minkowski(boxes.points[inside] - x, p)
                best += zip(found.tolist(), boxes.numbers[inside].tolist(), strict=True)
                best = sorted(best)[:k]
            else:
                halves = (node + 1, int(boxes.second[node]))
                waiting += sorted(
                    [(distance_to_box(boxes, half, x, p), half) for half in halves], reverse=True
                )
        distances[row], numbers[row] = zip(*best, strict=True)
    return distances, numbers


@replaceable
def query_radius(boxes: Boxes, X: Floats, r: Floats, p: float) -> tuple[Integers, Floats, Integers]:
    """All points within r (n,) of each row of X: how many, then every distance and number."""
    counts = np.zeros(len(X), np.int64)
    distances, numbers = [np.empty(0)], [np.empty(0, np.int64)]
    for row, x in enumerate(X):
        waiting = [0]
        while waiting:
            node = waiting.pop()
            if distance_to_box(boxes, node, x, p) > r[row]:
                continue
            if boxes.second[node] >= 0:
                waiting += [int(boxes.second[node]), node + 1]
                continue
            inside = slice(boxes.start[node], boxes.end[node])
            found = minkowski(boxes.points[inside] - x, p)
            near = found <= r[row]
            distances.append(found[near])
            numbers.append(boxes.numbers[inside][near])
            counts[row] += np.count_nonzero(near)
    return counts, np.concatenate(distances), np.concatenate(numbers)


@replaceable
def minkowski(differences: Floats, p: float) -> Floats:
    r"""$(\sum_f |d_f|^p)^{1/p}$ of the rows of differences (n x f)."""
    sizes = np.abs(differences)
    if np.isinf(p):
        return np.asarray(sizes.max(axis=1))
    if p == 1:
        return np.asarray(sizes.sum(axis=1))
    if p == 2:
        return np.asarray(np.sqrt(np.einsum("nf,nf->n", sizes, sizes)))
    return np.asarray((sizes**p).sum(axis=1) ** (1 / p))


def distance_to_box(boxes: Boxes, node: int, x: Floats, p: float) -> float:
    """How far a point is from the nearest point of the box, 0 inside."""
    outside = np.maximum(boxes.lower[node] - x, x - boxes.upper[node])
    return float(minkowski(np.maximum(outside, 0.0)[None], p)[0])


class KDTree:
    """A k-d tree of the rows of X (n x f), as scikit-learn's.

    `leaf_size`: the most points of a box that is not cut; `p`: of Minkowski's distance, at least 1.
    Raises ValueError for bad input. Left out: other metrics, kernel density, two-point correlation.
    """

    def __init__(self, X: ArrayLike, leaf_size: int = 40, p: float = 2.0) -> None:
        if not leaf_size >= 1:
            raise ValueError(f"leaf_size is {leaf_size}; it must be at least 1")
        if not p >= 1:
            raise ValueError(f"p is {p}; Minkowski's distance needs at least 1")
        points = check_array(X)
        self.p = float(p)
        self.boxes = Boxes(*self._twin("build", build)(np.array(points), int(leaf_size)))

    def query(
        self, X: ArrayLike, k: int = 1, return_distance: bool = True
    ) -> tuple[Floats, Integers] | Integers:
        """Distances (n x k) and numbers (n x k) of the k nearest points, nearest first.

        Raises ValueError where k is not between 1 and the number of points.
        """
        rows = self._rows(X)
        if not 1 <= k <= len(self.boxes.points):
            raise ValueError(
                f"k is {k}; it must be from 1 to the number of points, {len(self.boxes.points)}"
            )
        found: tuple[Floats, Integers] = self._twin("query", query)(
            self.boxes, rows, int(k), self.p
        )
        return found if return_distance else found[1]

    def query_radius(
        self,
        X: ArrayLike,
        r: ArrayLike,
        return_distance: bool = False,
        count_only: bool = False,
        sort_results: bool = False,
    ) -> Any:
        """The numbers of the points within r of each row, an array of arrays.

        `r`: one radius, or one for each row. `count_only`: just how many. `return_distance`:
        (numbers, distances). `sort_results`: nearest first; else in no promised order.
        """
        rows = self._rows(X)
        radii = np.broadcast_to(np.asarray(r, np.float64), (len(rows),)).copy()
        counts, distances, numbers = self._twin("query_radius", query_radius)(
            self.boxes, rows, radii, self.p
        )
        if count_only:
            return counts
        if sort_results:
            order = np.lexsort((numbers, distances, np.repeat(np.arange(len(rows)), counts)))
            numbers, distances = numbers[order], distances[order]
        cuts = np.cumsum(counts)[:-1]
        result = [np.empty(len(rows), object), np.empty(len(rows), object)]
        for place, values in enumerate((numbers, distances)):
            result[place][:] = np.split(values, cuts)
        return (result[0], result[1]) if return_distance else result[0]

    def _rows(self, X: ArrayLike) -> Floats:
        rows = check_array(X)
        features = self.boxes.points.shape[1]
        if rows.shape[1] != features:
            raise ValueError(f"query data dimension is {rows.shape[1]}, and the tree's {features}")
        own: Floats = np.require(rows, requirements="W")  # read-only ones would be compiled anew
        return own

    def _twin(self, name: str, plain: Any) -> Any:
        if any(is_replaced(part) for part in (build, query, query_radius, minkowski)):
            return plain
        from groundup.kernels import kd_tree  # compiles on first use, so not on import

        return getattr(kd_tree, name)
