r"""How a decision tree grows: ask the best question, split, and do the same with both sides.

The best question $x_f \le t$ is the one that lowers the impurity most,

$w I - w_{left} I_{left} - w_{right} I_{right}$

with $w$ a side's weight and $I$ its impurity (Breiman, Friedman, Olshen and Stone, "Classification
and Regression Trees", 1984, section 2.4). The search is greedy: each question is the best one for
its node, not for the tree. Thresholds lie in the middle of two neighbouring values. Of equally good
questions the one found first is kept: the lower feature, then the lower threshold.

The fast twin is `groundup.kernels.tree_growing.grow_tree`, which sorts nothing twice. It takes
$1 - \sum p_k^2$ apart, so that it and this file may differ in the last digits, and then in which of
two equally good questions they ask.
"""

import numpy as np
from numpy.typing import NDArray

from groundup.classical.impurity import (
    CRITERIA,
    entropy,
    gini,
    impurity,
    sums_of_each,
    variance,
    weight_of,
)
from groundup.classical.tree_structure import LEAF, UNDEFINED, GrowthRules, Tree
from groundup.swap import is_replaced, replaceable

TIE = 1e-12
"""Of drawn thresholds that part the rows alike, the first is taken: a gain must be so much larger.

Rounding would decide else, and differently for a row of weight 2 and the row twice.
"""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Rows = NDArray[np.int32]
Grown = tuple[Integers, Floats, Floats]
_EPSILON = float(np.finfo(np.float64).eps)


@replaceable
def best_split(
    values: Floats, sums: Floats, criterion: int, min_samples_leaf: int
) -> tuple[int, float]:
    """How many of the sorted `values` (m,) belong left, and the decrease of weight times impurity.

    `sums` (m x k): what each sample adds to the sums that its impurity is of. The count is 0, and
    the decrease minus infinity, where no two neighbours differ or a side would have too few.
    """
    left = np.cumsum(sums, axis=0)
    whole, left = left[-1], left[:-1]
    right = whole - left
    counts = np.arange(1, len(values))
    allowed = values[:-1] < values[1:]
    allowed &= (counts >= min_samples_leaf) & (len(values) - counts >= min_samples_leaf)
    allowed &= weight_of(criterion, left) < weight_of(criterion, whole)  # some weight is left
    if not allowed.any():
        return 0, -np.inf
    remaining = _weighted_impurity(criterion, left[allowed])
    remaining += _weighted_impurity(criterion, right[allowed])
    best = int(np.argmin(remaining))
    decrease = _weighted_impurity(criterion, whole) - remaining[best]
    return int(counts[allowed][best]), float(decrease)


def _weighted_impurity(criterion: int, sums: Floats) -> Floats:
    result: Floats = weight_of(criterion, sums) * impurity(criterion, sums)
    return result


@replaceable
def grow_tree(
    columns: Floats,
    order: Rows,
    targets: Floats,
    weights: Floats,
    rules: GrowthRules,
    rng: np.random.Generator,
) -> Grown:
    """The nodes of a tree, as integers (nodes x 4), floats (nodes x 3) and values (nodes x k).

    `columns`: f x n, the features; `order`: f x m, the rows that count in each column's order;
    `targets` (n,): numbers, or the numbers of classes; `weights` (n,). The integers are the left
    child, the right child, the feature and the count of samples; the floats the threshold, the
    impurity and the weight.
    """
    integers: list[list[int]] = []
    floats: list[list[float]] = []
    values: list[Floats] = []
    drawn = np.arange(len(columns))
    waiting = [(np.sort(order[0]), 0, -1, 0)]  # rows, depth, parent, and which child of it
    while waiting:
        rows, depth, parent, side = waiting.pop()
        if parent >= 0:
            integers[parent][side] = len(integers)
        value, weight, mixed, sums = _describe(targets[rows], weights[rows], rules)
        integers.append([LEAF, LEAF, UNDEFINED, len(rows)])
        floats.append([float(UNDEFINED), mixed, weight])
        values.append(value)
        enough = len(rows) >= max(rules.min_samples_split, 2 * rules.min_samples_leaf)
        is_pure = mixed <= (0.0 if CRITERIA[rules.criterion] == "squared_error" else _EPSILON)
        if depth >= rules.max_depth or not enough or is_pure:
            continue
        feature, threshold, gain = _best_question(columns[:, rows], sums, rules, drawn, rng)
        if feature < 0 or gain / floats[0][2] + _EPSILON < rules.min_impurity_decrease:
            continue
        node = len(integers) - 1
        integers[node][2], floats[node][0] = feature, threshold
        goes_left = columns[feature, rows] <= threshold
        waiting.append((rows[~goes_left], depth + 1, node, 1))
        waiting.append((rows[goes_left], depth + 1, node, 0))
    return np.array(integers, np.int64), np.array(floats), np.array(values)


def _describe(
    targets: Floats, weights: Floats, rules: GrowthRules
) -> tuple[Floats, float, float, Floats]:
    """A node's value, weight and impurity, and what each of its samples adds to sums."""
    center = 0.0
    if CRITERIA[rules.criterion] == "squared_error":
        center = float(targets[0] + np.average(targets - targets[0], weights=weights))
    sums = sums_of_each(rules.criterion, targets, weights, rules.n_classes, center)
    whole = sums.sum(axis=0)
    weight = float(weight_of(rules.criterion, whole))
    is_number = CRITERIA[rules.criterion] == "squared_error"
    value = np.array([center]) if is_number else whole / weight
    return value, weight, float(impurity(rules.criterion, whole)), sums


def _best_question(
    columns: Floats, sums: Floats, rules: GrowthRules, drawn: Integers, rng: np.random.Generator
) -> tuple[int, float, float]:
    """Feature (negative: there is none), threshold and decrease of weight times impurity.

    Features are drawn until `max_features` were looked at and one of them was not constant.
    """
    best = (UNDEFINED, float(UNDEFINED), -np.inf)
    visited = constants = 0
    while visited < len(drawn) and (visited < rules.max_features or visited == constants):
        if rules.max_features < len(drawn):
            other = visited + int(rng.random() * (len(drawn) - visited))
            drawn[[visited, other]] = drawn[[other, visited]]
        feature = int(drawn[visited])
        visited += 1
        column = columns[feature]
        if not column.min() < column.max():
            constants += 1
            continue
        threshold, gain = _best_threshold(column, sums, rules, rng)
        margin = TIE * abs(best[2]) if rules.random_thresholds and best[0] >= 0 else 0.0
        if gain > best[2] + margin:
            best = (feature, threshold, gain)
    return best


def _best_threshold(
    column: Floats, sums: Floats, rules: GrowthRules, rng: np.random.Generator
) -> tuple[float, float]:
    if rules.random_thresholds:
        threshold = random_threshold(float(column.min()), float(column.max()), rng)
        column = np.where(column <= threshold, 0.0, 1.0)
    sorted_rows = np.argsort(column, kind="stable")
    column = column[sorted_rows]
    count, gain = best_split(column, sums[sorted_rows], rules.criterion, rules.min_samples_leaf)
    if not rules.random_thresholds and count:
        threshold = middle(float(column[count - 1]), float(column[count]))
    return (threshold, gain) if count else (float(UNDEFINED), gain)


def middle(below: float, above: float) -> float:
    """The threshold between two neighbouring values: at least the lower, less than the upper."""
    halfway = below / 2.0 + above / 2.0  # halves first: their sum does not overflow
    return halfway if below <= halfway < above else below


def random_threshold(least: float, most: float, rng: np.random.Generator) -> float:
    """A threshold drawn between the least and the largest value (Geurts, Ernst, Wehenkel, 2006)."""
    threshold = least + rng.random() * (most - least)
    return threshold if threshold < most else least


def sorted_columns(X: Floats) -> tuple[Floats, Rows]:
    """The columns of X (n x f) as rows of a table (f x n), and each one's rows in its order."""
    columns = np.array(X.T, order="C")
    return columns, np.argsort(columns, axis=1, kind="stable").astype(np.int32)


def grown(
    columns: Floats,
    order: Rows,
    targets: Floats,
    weights: Floats,
    rules: GrowthRules,
    rng: np.random.Generator,
) -> Tree:
    """The tree of the rows of weight above zero, by the compiled twin where nothing stands in.

    Targets and weights are scaled by powers of two, which is exact, so that neither products of
    tiny ones nor squares of huge ones leave the range of numbers.
    """
    if not (weights > 0).all():
        order = order[weights[order] > 0].reshape(len(columns), -1)
    grow = grow_tree
    if not any(is_replaced(part) for part in (grow_tree, best_split, gini, entropy, variance)):
        from groundup.kernels import tree_growing  # compiles on first use, so not on import

        grow = tree_growing.grow_tree
    heaviest = _exponent(weights)
    largest = _exponent(targets) if CRITERIA[rules.criterion] == "squared_error" else 0
    least = float(np.ldexp(rules.min_impurity_decrease, -2 * largest))
    integers, floats, values = grow(
        columns,
        order,
        np.ldexp(targets, -largest),
        np.ldexp(weights, -heaviest),
        rules._replace(min_impurity_decrease=least),
        rng,
    )
    left, right, feature, counts = integers.T.copy()
    threshold, mixed, node_weights = floats.T.copy()
    with np.errstate(over="ignore", under="ignore"):  # of squares beyond the range of numbers
        mixed = np.ldexp(mixed, 2 * largest)
    return Tree(
        children_left=left,
        children_right=right,
        feature=feature,
        threshold=threshold,
        impurity=mixed,
        n_node_samples=counts,
        weighted_n_node_samples=np.ldexp(node_weights, heaviest),
        value=np.ldexp(values, largest)[:, None, :],
    )


def _exponent(values: Floats) -> int:
    """The power of two that is just above all sizes."""
    return int(np.frexp(np.abs(values).max())[1])
