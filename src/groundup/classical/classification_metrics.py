r"""How good predicted classes are, all of it read off one table: the confusion matrix.

Entry (i, j) counts samples of class i that were taken for class j. For one class, hits are its
diagonal entry, its row sums to what is actually there, its column to what was predicted. Names and
conventions are scikit-learn's. Source: Sokolova and Lapalme, "A systematic analysis of performance
measures for classification tasks" (2009). Left out: multilabel targets, `average="samples"`.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.class_counts import (
    ZeroDivision,
    all_labels,
    combine,
    count,
    f_measure,
    ratio,
)
from groundup.classical.metric_targets import Floats, average, label_pair, warn_undefined
from groundup.swap import replaceable


@replaceable
def confusion_matrix(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    normalize: str | None = None,
) -> NDArray[Any]:
    """The weight of samples of each true class (rows) taken for each class (columns).

    `labels` chooses and orders the classes; samples of others are left out. `normalize`: "true"
    makes rows sum to 1, "pred" columns, "all" everything; 0 / 0 is 0. Whole numbers unless weighted
    or normalised. Raises ValueError if no label occurs in y_true.
    """
    true, predicted, weights = label_pair(y_true, y_pred, sample_weight)
    classes = all_labels(true, predicted, labels)
    if labels is not None and not np.isin(classes, true).any():
        raise ValueError("At least one label specified must be in y_true")
    places = {label: i for i, label in enumerate(classes.tolist())}
    rows = np.array([places.get(label, -1) for label in true.tolist()])
    columns = np.array([places.get(label, -1) for label in predicted.tolist()])
    kept = (rows >= 0) & (columns >= 0)
    size = len(classes)
    flat = np.bincount(
        rows[kept] * size + columns[kept],
        None if weights is None else weights[kept],
        minlength=size * size,
    )
    matrix = flat.reshape(size, size)
    axes = {"true": 1, "pred": 0, "all": None}
    if normalize is None:
        return matrix
    if normalize not in axes:
        raise ValueError(f"normalize is {normalize!r}; wanted 'true', 'pred', 'all' or None")
    total = matrix.sum(axis=axes[normalize], keepdims=True)
    return np.asarray(matrix / np.where(total == 0, 1, total))


@replaceable
def accuracy_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    normalize: bool = True,
    sample_weight: ArrayLike | None = None,
) -> float:
    """The share of samples whose class is right; their number or weight if not `normalize`."""
    true, predicted, weights = label_pair(y_true, y_pred, sample_weight)
    hits = true == predicted
    if normalize:
        return average(hits, weights)
    return float(hits.sum() if weights is None else hits @ weights)


def zero_one_loss(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    normalize: bool = True,
    sample_weight: ArrayLike | None = None,
) -> float:
    """The share (number, weight) of samples whose class is wrong: 1 - accuracy."""
    true, predicted, weights = label_pair(y_true, y_pred, sample_weight)
    misses = true != predicted
    if normalize:
        return average(misses, weights)
    return float(misses.sum() if weights is None else misses @ weights)


@replaceable
def balanced_accuracy_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    adjusted: bool = False,
) -> float:
    """The mean of the classes' recalls: each class counts as much, however rare.

    `adjusted` puts guessing at 0: (b - 1/k) / (1 - 1/k). nan if there is only one class. Classes
    that only occur in y_pred are left out, with a warning. Brodersen et al. (2010).
    """
    matrix = confusion_matrix(y_true, y_pred, sample_weight=sample_weight)
    actual = matrix.sum(axis=1)
    there = actual > 0
    if not there.all():
        warn_undefined("y_pred contains classes not in y_true; they are left out")
    score = float(np.mean(np.diagonal(matrix)[there] / actual[there]))
    if not adjusted:
        return score
    chance = 1 / np.count_nonzero(there)
    return float((score - chance) / (1 - chance)) if chance < 1 else float("nan")


@replaceable
def precision_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    pos_label: Any = 1,
    average: str | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: ZeroDivision = "warn",
) -> Any:
    """Hits / predicted: how much of what was found is right.

    `average`: "binary" the label `pos_label` alone; "macro" the mean over labels; "weighted" by how
    often they occur; "micro" hits and predictions summed first; None one value a label.
    """
    counts = count(y_true, y_pred, labels, pos_label, average, sample_weight)
    return combine(
        ratio(counts.hits, counts.predicted, zero_division, "Precision"), average, counts
    )


@replaceable
def recall_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    pos_label: Any = 1,
    average: str | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: ZeroDivision = "warn",
) -> Any:
    """Hits / actual: how much of what is there was found. Averages as in `precision_score`."""
    counts = count(y_true, y_pred, labels, pos_label, average, sample_weight)
    return combine(ratio(counts.hits, counts.actual, zero_division, "Recall"), average, counts)


@replaceable
def fbeta_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    beta: float,
    labels: ArrayLike | None = None,
    pos_label: Any = 1,
    average: str | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: ZeroDivision = "warn",
) -> Any:
    r"""$(1 + \beta^2) P R / (\beta^2 P + R)$: precision and recall in one, recall weighing $\beta$.

    van Rijsbergen, "Information retrieval" (1979), chapter 7. Averages as in `precision_score`.
    """
    counts = count(y_true, y_pred, labels, pos_label, average, sample_weight)
    return combine(f_measure(counts, beta, zero_division), average, counts)


@replaceable
def f1_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    pos_label: Any = 1,
    average: str | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: ZeroDivision = "warn",
) -> Any:
    """2 hits / (actual + predicted): the harmonic mean of precision and recall."""
    counts = count(y_true, y_pred, labels, pos_label, average, sample_weight)
    return combine(f_measure(counts, 1.0, zero_division), average, counts)


def jaccard_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    pos_label: Any = 1,
    average: str | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: ZeroDivision = "warn",
) -> Any:
    """Hits / (actual + predicted - hits), the label's sets in common over both together."""
    counts = count(y_true, y_pred, labels, pos_label, average, sample_weight)
    either = counts.actual + counts.predicted - counts.hits
    return combine(ratio(counts.hits, either, zero_division, "Jaccard"), average, counts)


def precision_recall_fscore_support(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    beta: float = 1.0,
    labels: ArrayLike | None = None,
    pos_label: Any = 1,
    average: str | None = None,
    sample_weight: ArrayLike | None = None,
    zero_division: ZeroDivision = "warn",
) -> tuple[Any, Any, Any, Floats | None]:
    """Precision, recall, F and the weight of samples of each label (None for an average)."""
    counts = count(y_true, y_pred, labels, pos_label, average, sample_weight)
    values = (
        ratio(counts.hits, counts.predicted, zero_division, "Precision"),
        ratio(counts.hits, counts.actual, zero_division, "Recall"),
        f_measure(counts, beta, zero_division),
    )
    precision, recall, f = (combine(value, average, counts) for value in values)
    return precision, recall, f, counts.actual if average is None else None
