"""A decision tree is grown from presorted columns; the fast twin of `classical.tree_growing`.

Every column is sorted once, before the first node (Mehta, Agrawal and Rissanen, "SLIQ: a fast
scalable classifier for data mining", 1996). A node is the same stretch of every sorted column; a
split moves the rows of the left child to the front of the stretch, which keeps both children
sorted. So a level costs one pass over the data, and nothing is sorted twice.
"""

from typing import Any

import numba
import numpy as np

_EPSILON = 2.220446049250313e-16
_TIE = 1e-12  # as `classical.tree_growing.TIE`


@numba.njit(cache=True, nogil=True)
def grow_tree(columns, order, targets, weights, rules, rng):
    """Nodes: integers (left, right, feature, count), floats (threshold, impurity, weight), values.

    `columns`: f x n; `order`: f x m, the rows that count in each column's order; `targets` and
    `weights`: (n,); `rules`: a `GrowthRules`; `rng` draws features where not all are looked at.
    """
    features, size = order.shape
    order = order.copy()
    capacity = 2 * size - 1
    if rules.max_depth < 30:
        capacity = min(capacity, 2 ** (rules.max_depth + 1) - 1)
    integers = np.empty((capacity, 4), np.int64)
    floats = np.empty((capacity, 3))
    values = np.empty((capacity, rules.n_classes))
    is_left, buffer = np.zeros(len(targets), np.bool_), np.empty(size, order.dtype)
    drawn, left = np.arange(features), np.empty(rules.n_classes)
    stack = np.empty((min(size, rules.max_depth) + 2, 4), np.int64)
    stack[0] = 0, size, 0, -1  # from, to, depth, and where the parent keeps this node's number
    waiting, nodes, root_weight = 1, 0, 0.0
    while waiting:
        waiting -= 1
        start, end, depth, parent = stack[waiting]
        node, nodes = nodes, nodes + 1
        rows = order[0, start:end]
        weight, impurity = _summary(rows, targets, weights, rules, values[node])
        if node == 0:
            root_weight = weight
        else:
            integers[parent // 2, parent % 2] = node
        integers[node] = -1, -1, -2, end - start
        floats[node] = -2.0, impurity, weight
        enough = end - start >= max(rules.min_samples_split, 2 * rules.min_samples_leaf)
        is_mixed = impurity > (0.0 if rules.criterion == 2 else _EPSILON)
        if depth < rules.max_depth and enough and is_mixed:
            data = (columns, order[:, start:end], targets, weights)
            totals = (weight, values[node], left)
            feature, threshold, count, gain = _best_split(data, totals, rules, drawn, rng)
            if count and gain / root_weight + _EPSILON >= rules.min_impurity_decrease:
                integers[node, 2], floats[node, 0] = feature, threshold
                _move_left_first(order, (start, start + count, end), feature, is_left, buffer)
                stack[waiting] = start + count, end, depth + 1, 2 * node + 1
                stack[waiting + 1] = start, start + count, depth + 1, 2 * node
                waiting += 2
        if rules.criterion < 2:
            values[node] /= weight
    return integers[:nodes].copy(), floats[:nodes].copy(), values[:nodes].copy()


@numba.njit(cache=True, nogil=True)
def _summary(rows, targets, weights, rules, value):
    """The rows' weight and impurity; `value` becomes the classes' weights, or the mean."""
    weight = 0.0
    value[:] = 0.0
    if rules.criterion == 2:
        for row in rows:
            weight += weights[row]
            value[0] += weights[row] * (targets[row] - targets[rows[0]])
        value[0] = targets[rows[0]] + value[0] / weight
        squares = 0.0
        for row in rows:
            squares += weights[row] * (targets[row] - value[0]) ** 2
        return weight, squares / weight
    for row in rows:
        value[int(targets[row])] += weights[row]
        weight += weights[row]
    impurity = 1.0 if rules.criterion == 0 else 0.0
    for sum_of_class in value:
        share = sum_of_class / weight
        if rules.criterion == 0:
            impurity -= share * share
        elif share > 0:
            impurity -= share * np.log2(share)
    return weight, impurity


@numba.njit(cache=True, nogil=True)
def _best_split(data, totals, rules, drawn, rng):
    """The feature, threshold, rows to the left (0: no split) and the decrease of weight x impurity.

    Features are drawn until `max_features` were looked at and one of them was not constant.
    """
    columns, order, targets, weights = data
    best_feature, best_threshold, best_count, best_score = -2, -2.0, 0, -np.inf
    visited, constants = 0, 0
    while visited < len(drawn) and (visited < rules.max_features or visited == constants):
        if rules.max_features < len(drawn):
            other = visited + int(rng.random() * (len(drawn) - visited))
            drawn[visited], drawn[other] = drawn[other], drawn[visited]
        feature = drawn[visited]
        visited += 1
        column, rows = columns[feature], order[feature]
        least, most = column[rows[0]], column[rows[-1]]
        if not least < most:
            constants += 1
            continue
        threshold = np.nan
        if rules.random_thresholds:
            threshold = least + rng.random() * (most - least)
            if threshold >= most:
                threshold = least
        samples = (column, targets, weights)
        if rules.criterion == 2:
            score, count = _scan_numbers(rows, samples, totals, rules.min_samples_leaf, threshold)
        else:
            score, count = _scan_classes(rows, samples, totals, rules, threshold)
        margin = _TIE * abs(best_score) if rules.random_thresholds and best_feature >= 0 else 0.0
        if count and score > best_score + margin:
            best_feature, best_count, best_score = feature, count, score
            best_threshold = threshold
            if not rules.random_thresholds:
                below, above = column[rows[count - 1]], column[rows[count]]
                middle = below / 2.0 + above / 2.0
                best_threshold = middle if below <= middle < above else below
    return best_feature, best_threshold, best_count, best_score + _unsplit(totals, rules.criterion)


@numba.njit(cache=True, nogil=True)
def _unsplit(totals, criterion):
    """What the score of no split is, taken from zero: score and this are the decrease."""
    weight, value, _ = totals
    result = 0.0
    if criterion < 2:
        for total in value:
            if criterion == 0:
                result -= total * total / weight
            elif total > 0:
                result -= total * np.log2(total / weight)
    return result


@numba.njit(cache=True, nogil=True)
def _scan_numbers(rows, samples, totals, min_samples_leaf, threshold):
    """The largest decrease of the sum of squared errors, and how many rows are on its left.

    With s the weighted sum of deviations from the node's mean on the left, it is
    s^2 (1 / w_left + 1 / w_right). A threshold that is not NaN is the only one looked at.
    """
    column, targets, weights = samples
    weight, value, _ = totals
    mean = value[0]
    best_score, best_count = -np.inf, 0
    total, left_weight = 0.0, 0.0
    searches, following = np.isnan(threshold), column[rows[0]]
    for count in range(1, len(rows) - min_samples_leaf + 1):
        row = rows[count - 1]
        left_weight += weights[row]
        total += weights[row] * (targets[row] - mean)
        this = following
        following = column[rows[count]]
        is_border = this < following if searches else this <= threshold < following
        if is_border and count >= min_samples_leaf and left_weight < weight:
            right_weight = weight - left_weight  # quotients first: products of tiny ones are zero
            score = (total / left_weight) * (total / right_weight) * weight
            if score > best_score:
                best_score, best_count = score, count
    return best_score, best_count


@numba.njit(cache=True, nogil=True)
def _scan_classes(rows, samples, totals, rules, threshold):
    """The largest score, and how many rows are on its left.

    Gini: sum_k l_k^2 / w_left + sum_k r_k^2 / w_right. Entropy: sum_k l_k log2(l_k / w_left), and
    the same of the right. What exceeds the whole node's is the decrease of weight x impurity.
    """
    column, targets, weights = samples
    weight, value, left = totals
    best_score, best_count = -np.inf, 0
    left[:] = 0.0
    left_weight, least_count, is_gini = 0.0, rules.min_samples_leaf, rules.criterion == 0
    searches, following = np.isnan(threshold), column[rows[0]]
    for count in range(1, len(rows) - least_count + 1):
        row = rows[count - 1]
        left_weight += weights[row]
        left[int(targets[row])] += weights[row]
        this = following
        following = column[rows[count]]
        is_border = this < following if searches else this <= threshold < following
        if is_border and count >= least_count and left_weight < weight:
            right_weight = weight - left_weight
            if is_gini:
                on_left, on_right = 0.0, 0.0
                for k in range(len(left)):
                    right = value[k] - left[k]
                    on_left += left[k] * left[k]
                    on_right += right * right
                score = on_left / left_weight + on_right / right_weight
            else:
                score = _log_score(left, value, left_weight, right_weight)
            if score > best_score:
                best_score, best_count = score, count
    return best_score, best_count


@numba.njit(cache=True, nogil=True)
def _log_score(left, value, left_weight, right_weight):
    score = 0.0
    for k in range(len(left)):
        right = value[k] - left[k]
        if left[k] > 0:
            score += left[k] * np.log2(left[k] / left_weight)
        if right > 0:
            score += right * np.log2(right / right_weight)
    return score


@numba.njit(cache=True, nogil=True)
def _move_left_first(order, stretch, feature, is_left, buffer):
    """In every column the left child's rows come first; both children's keep their order."""
    start, middle, end = stretch
    for place in range(start, end):
        is_left[order[feature, place]] = place < middle
    for rows in order:
        to_left, to_right = start, 0
        for place in range(start, end):
            row = rows[place]
            rows[to_left] = row
            buffer[to_right] = row
            to_left += is_left[row]
            to_right += not is_left[row]
        rows[middle:end] = buffer[:to_right]


def kernels() -> tuple[Any, ...]:
    """What is compiled on first use."""
    return (
        grow_tree, _summary, _best_split, _unsplit, _scan_numbers, _scan_classes, _log_score,
        _move_left_first,
    )  # fmt: skip
