r"""How alike two clusterings are, whatever their labels are called.

All is read off the contingency table: n_ij samples lie in class i and cluster j, a_i and b_j are
its sums. Either pairs of samples are counted (together or apart in both?), or information is (how
much does the cluster tell of the class?). Names are scikit-learn's. Source: Vinh, Epps and Bailey,
"Information theoretic measures for clusterings comparison" (2010). The shape of clusters, without
true classes, is judged in `cluster_shape_metrics`.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.metric_targets import label_pair
from groundup.swap import replaceable

Ints = NDArray[np.int64]
EPS = float(np.finfo(np.float64).eps)


@replaceable
def contingency_matrix(labels_true: ArrayLike, labels_pred: ArrayLike) -> Ints:
    """How many samples lie in each class (rows) and each cluster (columns), both sorted."""
    true, predicted, _ = label_pair(labels_true, labels_pred)
    classes, rows = np.unique(true, return_inverse=True)
    clusters, columns = np.unique(predicted, return_inverse=True)
    shape = (len(classes), len(clusters))
    flat = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(np.int64)


# Counting pairs


@replaceable
def pair_confusion_matrix(labels_true: ArrayLike, labels_pred: ArrayLike) -> Ints:
    """2 x 2: ordered pairs apart (0) or together (1) in classes (rows) and clusters (columns)."""
    table = contingency_matrix(labels_true, labels_pred)
    n = int(table.sum())
    both = int((table**2).sum())
    classes, clusters = (int((table.sum(axis=axis) ** 2).sum()) for axis in (1, 0))
    rest = n * n - classes - clusters + both
    return np.array([[rest, clusters - both], [classes - both, both - n]], np.int64)


@replaceable
def rand_score(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
    """The share of pairs that both put together or both keep apart, in [0, 1]. Rand (1971)."""
    pairs = pair_confusion_matrix(labels_true, labels_pred)
    return float(np.trace(pairs) / pairs.sum()) if pairs.any() else 1.0


@replaceable
def adjusted_rand_score(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
    """The Rand index moved so that chance gets 0 on average, for the same sizes; 1 is best.

    (index - expected) / (largest - expected), Hubert and Arabie (1985). Down to -0.5.
    """
    pairs = pair_confusion_matrix(labels_true, labels_pred)
    (apart, only_pred), (only_true, both) = pairs.tolist()
    if only_pred == 0 and only_true == 0:
        return 1.0
    top = 2 * (both * apart - only_true * only_pred)
    bottom = (both + only_true) * (only_true + apart) + (both + only_pred) * (only_pred + apart)
    return float(top / bottom)


def fowlkes_mallows_score(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
    """The geometric mean of precision and recall of pairs put together, in [0, 1] (1983)."""
    (_, only_pred), (only_true, both) = pair_confusion_matrix(labels_true, labels_pred).tolist()
    if both == 0:
        return 0.0
    return math.sqrt(both / (both + only_pred)) * math.sqrt(both / (both + only_true))


# Counting information, in nats


def label_entropy(counts: NDArray[Any]) -> float:
    """-sum p ln p of the shares of groups of these sizes."""
    sizes = counts[counts > 0]
    if len(sizes) < 2:
        return 0.0
    shares = sizes / sizes.sum()
    return float(-(shares @ np.log(shares)))


def _information(table: Ints) -> float:
    rows, columns = np.nonzero(table)
    a, b, n = table.sum(axis=1), table.sum(axis=0), table.sum()
    if len(a) == 1 or len(b) == 1:
        return 0.0
    cells = table[rows, columns]
    # logs of whole counts: independent cells cancel to 0 exactly or nearly so
    logs = (
        np.log(cells) - np.log(n) + (np.log(n) - np.log(a[rows])) + (np.log(n) - np.log(b[columns]))
    )
    return max(0.0, float((cells / n) @ np.where(np.abs(logs) < 4 * EPS, 0.0, logs)))


@replaceable
def mutual_info_score(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
    r"""$\sum_{ij} \frac{n_{ij}}{n} \ln \frac{n\,n_{ij}}{a_i b_j}$: nats one tells of the other."""
    return _information(contingency_matrix(labels_true, labels_pred))


@replaceable
def homogeneity_completeness_v_measure(
    labels_true: ArrayLike, labels_pred: ArrayLike, *, beta: float = 1.0
) -> tuple[float, float, float]:
    r"""(homogeneity, completeness, V): is each cluster of one class, each class in one cluster?

    $h = I / H(\text{classes})$, $c = I / H(\text{clusters})$, V their harmonic mean, completeness
    weighing `beta`. Rosenberg and Hirschberg, "V-measure" (2007).
    """
    if not beta >= 0:
        raise ValueError(f"beta is {beta}; wanted at least 0")
    table = contingency_matrix(labels_true, labels_pred)
    shared = _information(table)
    class_entropy, cluster_entropy = (label_entropy(table.sum(axis=axis)) for axis in (1, 0))
    homogeneity = shared / class_entropy if class_entropy else 1.0
    completeness = shared / cluster_entropy if cluster_entropy else 1.0
    if homogeneity + completeness == 0:
        return homogeneity, completeness, 0.0
    bottom = beta * homogeneity + completeness
    v = (1 + beta) * homogeneity * completeness / bottom if bottom else 0.0
    return homogeneity, completeness, v


def homogeneity_score(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
    """1 if every cluster holds one class only."""
    return homogeneity_completeness_v_measure(labels_true, labels_pred)[0]


def completeness_score(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
    """1 if every class lies in one cluster."""
    return homogeneity_completeness_v_measure(labels_true, labels_pred)[1]


def v_measure_score(labels_true: ArrayLike, labels_pred: ArrayLike, *, beta: float = 1.0) -> float:
    """The harmonic mean of homogeneity and completeness: normalised mutual information."""
    return homogeneity_completeness_v_measure(labels_true, labels_pred, beta=beta)[2]


def _mean_entropy(table: Ints, average_method: str) -> float:
    first, second = (label_entropy(table.sum(axis=axis)) for axis in (1, 0))
    means = {
        "min": min(first, second),
        "geometric": math.sqrt(first * second),
        "arithmetic": (first + second) / 2,
        "max": max(first, second),
    }
    if average_method not in means:
        raise ValueError(f"average_method is {average_method!r}; wanted one of {list(means)}")
    return means[average_method]


@replaceable
def normalized_mutual_info_score(
    labels_true: ArrayLike, labels_pred: ArrayLike, *, average_method: str = "arithmetic"
) -> float:
    """Mutual information over a mean of the two entropies, in [0, 1]; 1 if both are one group."""
    table = contingency_matrix(labels_true, labels_pred)
    mean = _mean_entropy(table, average_method)
    if table.shape == (1, 1):
        return 1.0
    shared = _information(table)
    return shared / mean if shared else 0.0


@replaceable
def expected_mutual_information(table: Ints) -> float:
    r"""The mean mutual information of two random clusterings with the sizes of this table.

    The counts n_ij are hypergeometric: $\sum_{ij} \sum_{m} \frac mn \ln\frac{nm}{a_i b_j}
    P(n_{ij} = m)$, its probabilities from logarithms of factorials. Vinh, Epps and Bailey (2010),
    equation 24. Pairs of equal sizes are computed once.
    """
    n = int(table.sum())
    log_factorial = np.array([math.lgamma(i + 1) for i in range(n + 1)])
    rows, row_counts = np.unique(table.sum(axis=1), return_counts=True)
    columns, column_counts = np.unique(table.sum(axis=0), return_counts=True)
    total = 0.0
    for a, a_count in zip(rows.tolist(), row_counts.tolist(), strict=True):
        for b, b_count in zip(columns.tolist(), column_counts.tolist(), strict=True):
            m = np.arange(max(1, a + b - n), min(a, b) + 1)
            log_probability = (
                log_factorial[a] + log_factorial[b] + log_factorial[n - a] + log_factorial[n - b]
                - log_factorial[n] - log_factorial[m] - log_factorial[a - m]
                - log_factorial[b - m] - log_factorial[n - a - b + m]
            )  # fmt: skip
            gain = m / n * (np.log(n * m) - math.log(a) - math.log(b))
            total += a_count * b_count * float(gain @ np.exp(log_probability))
    return total


@replaceable
def adjusted_mutual_info_score(
    labels_true: ArrayLike, labels_pred: ArrayLike, *, average_method: str = "arithmetic"
) -> float:
    """(I - expected) / (mean entropy - expected): 0 on average for chance, 1 for equal clusterings.

    1 too where chance leaves no room, as against clusters of one sample each with "min". Unlike the
    normalised information, many small clusters do not raise it.
    """
    table = contingency_matrix(labels_true, labels_pred)
    mean = _mean_entropy(table, average_method)
    if table.shape == (1, 1):
        return 1.0
    if 1 in table.shape:
        return 0.0
    expected = expected_mutual_information(table)
    room = mean - expected
    n = int(table.sum())
    if abs(room) <= 8 * EPS * n * math.log(n):  # the error of exp(log n!), so nothing but rounding
        return 1.0
    return (_information(table) - expected) / room
