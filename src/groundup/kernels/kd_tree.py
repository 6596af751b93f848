"""A k-d tree is built and searched; the plain twins are in `groundup.classical.kd_tree`.

Distances are compared before the root is taken of them. A row's best so far are kept sorted by
distance, then number.
"""

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def build(X, leaf_size):
    """Points and their numbers in the tree's order; each box's start, end, second half, sides."""
    n, features = X.shape
    capacity = 2 * n
    numbers = np.arange(n)
    start, end = np.empty(capacity, np.int64), np.empty(capacity, np.int64)
    second = np.full(capacity, -1)
    waiting = np.empty((128, 3), np.int64)  # halves: no tree of 2^64 points is deeper
    waiting[0] = 0, n, -1
    todo, nodes = 1, 0
    while todo:
        todo -= 1
        first, last, first_of = waiting[todo]
        if first_of >= 0:
            second[first_of] = nodes
        start[nodes], end[nodes] = first, last
        nodes += 1
        if last - first > leaf_size:
            widest, width = 0, -1.0
            for feature in range(features):
                least, most = np.inf, -np.inf
                for place in range(first, last):
                    value = X[numbers[place], feature]
                    least, most = min(least, value), max(most, value)
                if most - least > width:
                    widest, width = feature, most - least
            inside = numbers[first:last].copy()
            order = np.argsort(X[inside, widest], kind="mergesort")
            numbers[first:last] = inside[order]
            middle = (first + last) // 2
            waiting[todo] = middle, last, nodes - 1
            waiting[todo + 1] = first, middle, -1
            todo += 2
    points = X[numbers]
    lower, upper = np.empty((nodes, features)), np.empty((nodes, features))
    for node in range(nodes):
        for feature in range(features):
            column = points[start[node] : end[node], feature]
            lower[node, feature], upper[node, feature] = column.min(), column.max()
    return (
        points,
        numbers,
        start[:nodes].copy(),
        end[:nodes].copy(),
        second[:nodes].copy(),
        lower,
        upper,
    )


@numba.njit(cache=True, nogil=True)
def _power_distance(a, b, p):
    """The sum of |a - b|^p, or the largest difference."""
    total = 0.0
    if p == 2:
        for f in range(len(a)):
            total += (a[f] - b[f]) * (a[f] - b[f])
    elif p == 1:
        for f in range(len(a)):
            total += abs(a[f] - b[f])
    elif np.isinf(p):
        for f in range(len(a)):
            total = max(total, abs(a[f] - b[f]))
    else:
        for f in range(len(a)):
            total += abs(a[f] - b[f]) ** p
    return total


@numba.njit(cache=True, nogil=True, inline="always")
def _from_point(points, place, x, p):
    if p == 2:  # the usual one, without the price of taking a row out
        total = 0.0
        for f in range(len(x)):
            total += (points[place, f] - x[f]) * (points[place, f] - x[f])
        return total
    return _power_distance(points[place], x, p)


@numba.njit(cache=True, nogil=True)
def _to_box(sides, node, x, p):
    lower, upper = sides
    total = 0.0
    for f in range(len(x)):
        outside = max(lower[node, f] - x[f], x[f] - upper[node, f], 0.0)
        if p == 2:
            total += outside * outside
        elif p == 1:
            total += outside
        elif np.isinf(p):
            total = max(total, outside)
        else:
            total += outside**p
    return total


@numba.njit(cache=True, nogil=True)
def _root(power, p):
    if p == 2:
        return np.sqrt(power)
    return power if p == 1 or np.isinf(p) else power ** (1 / p)


@numba.njit(cache=True, nogil=True)
def insert(distances, numbers, distance, number):
    """Put a point among the sorted best, if it is nearer than the last (or as near, and before)."""
    last = len(distances) - 1
    if distance > distances[last] or (distance == distances[last] and number > numbers[last]):
        return
    place = last
    while place > 0 and (
        distance < distances[place - 1]
        or (distance == distances[place - 1] and number < numbers[place - 1])
    ):
        distances[place], numbers[place] = distances[place - 1], numbers[place - 1]
        place -= 1
    distances[place], numbers[place] = distance, number


@numba.njit(cache=True, nogil=True)
def query(boxes, X, k, p):
    """The distances and the numbers of the k points nearest to each row of X, nearest first."""
    points, second, sides = boxes.points, boxes.second, (boxes.lower, boxes.upper)
    distances, numbers = np.full((len(X), k), np.inf), np.full((len(X), k), len(points))
    waiting, far = np.empty(128, np.int64), np.empty(128)
    for row in range(len(X)):
        x, best, names = X[row], distances[row], numbers[row]
        waiting[0], far[0] = 0, _to_box(sides, 0, x, p)
        todo = 1
        while todo:
            todo -= 1
            node = waiting[todo]
            if far[todo] > best[k - 1]:
                continue
            if second[node] < 0:
                for place in range(boxes.start[node], boxes.end[node]):
                    distance = _from_point(points, place, x, p)
                    if distance <= best[k - 1]:
                        insert(best, names, distance, boxes.numbers[place])
                continue
            one, other = node + 1, second[node]
            to_one, to_other = _to_box(sides, one, x, p), _to_box(sides, other, x, p)
            if to_one > to_other:
                one, other, to_one, to_other = other, one, to_other, to_one
            waiting[todo], far[todo] = other, to_other
            waiting[todo + 1], far[todo + 1] = one, to_one
            todo += 2
        for place in range(k):
            best[place] = _root(best[place], p)
    return distances, numbers


@numba.njit(cache=True, nogil=True)
def query_radius(boxes, X, r, p):
    """All points within r (n,) of each row of X: how many, then every distance and number."""
    points, second, sides = boxes.points, boxes.second, (boxes.lower, boxes.upper)
    counts = np.zeros(len(X), np.int64)
    distances, numbers = np.empty(1024), np.empty(1024, np.int64)
    found = 0
    waiting = np.empty(128, np.int64)
    for row in range(len(X)):
        x = X[row]
        waiting[0] = 0
        todo = 1
        while todo:
            todo -= 1
            node = waiting[todo]
            if _root(_to_box(sides, node, x, p), p) > r[row]:
                continue
            if second[node] >= 0:
                waiting[todo], waiting[todo + 1] = second[node], node + 1
                todo += 2
                continue
            for place in range(boxes.start[node], boxes.end[node]):
                distance = _root(_from_point(points, place, x, p), p)
                if distance <= r[row]:
                    if found == len(distances):
                        distances = np.concatenate((distances, np.empty(found)))
                        numbers = np.concatenate((numbers, np.empty(found, np.int64)))
                    distances[found], numbers[found] = distance, boxes.numbers[place]
                    found += 1
                    counts[row] += 1
    return counts, distances[:found].copy(), numbers[:found].copy()


def kernels() -> tuple[Any, ...]:
    """What is compiled on first use."""
    return build, _power_distance, _from_point, _to_box, _root, insert, query, query_radius
