r"""How well scores put the positive samples before the negative ones, at every threshold at once.

Samples with a score of at least the threshold are called positive. Lowering it from infinity, the
shares of positives and negatives so called rise from 0 to 1: the ROC curve. The area under it is
the probability that a positive has a higher score than a negative (ties count half). Source:
Fawcett, "An introduction to ROC analysis" (2006). Lists of results: `retrieval_metrics`.
"""

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.label_averages import average_labels, class_columns, indicator
from groundup.classical.metric_targets import (
    Floats,
    as_labels,
    as_scores,
    positive_label,
    refuse_lengths,
    warn_undefined,
    weights_or_none,
)
from groundup.swap import replaceable

Curve = tuple[Floats, Floats, Floats]


@replaceable
def positives_at_thresholds(
    is_positive: NDArray[np.bool_], y_score: Floats, weights: Floats | None = None
) -> Curve:
    """(false positives, true positives, thresholds), one for each different score, highest first.

    One sort and two running sums: O(n log n). Samples of weight 0 are left out.
    """
    weight = np.ones(len(y_score)) if weights is None else weights
    order = np.argsort(-y_score, kind="stable")
    order = order[weight[order] > 0]
    scores, hits, weight = y_score[order], is_positive[order], weight[order]
    last_of_ties = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    true_positives = np.cumsum(np.where(hits, weight, 0))[last_of_ties]
    false_positives = np.cumsum(np.where(hits, 0, weight))[last_of_ties]
    return false_positives, true_positives, scores[last_of_ties]


def _binary(
    y_true: ArrayLike, y_score: ArrayLike, pos_label: Any, sample_weight: ArrayLike | None
) -> Curve:
    true, score = as_labels(y_true, "y_true"), as_scores(y_score, "y_score")
    refuse_lengths(true, score)
    if len(np.unique(true)) > 2:
        raise ValueError("y_true has more than two classes; a curve wants two (multiclass format)")
    weights = weights_or_none(sample_weight, true)
    return positives_at_thresholds(true == positive_label(true, pos_label), score, weights)


@replaceable
def roc_curve(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
    drop_intermediate: bool = True,
) -> Curve:
    """(false positive rates, true positive rates, thresholds), from (0, 0) to (1, 1).

    The first threshold is infinity. `drop_intermediate` leaves out points between two equal steps,
    which lie on a straight piece. Without positives (negatives) that rate is nan, with a warning.
    """
    wrong, right, thresholds = _binary(y_true, y_score, pos_label, sample_weight)
    if drop_intermediate and len(wrong) > 2:
        corner = (np.diff(wrong, 2) != 0) | (np.diff(right, 2) != 0)
        kept = np.concatenate([[True], corner, [True]])
        wrong, right, thresholds = wrong[kept], right[kept], thresholds[kept]
    rates = [
        _rate(np.append(0, found), what)
        for found, what in ((wrong, "negative"), (right, "positive"))
    ]
    return rates[0], rates[1], np.append(np.inf, thresholds)


def _rate(counts: Floats, what: str) -> Floats:
    if counts[-1] <= 0:
        warn_undefined(f"No {what} samples in y_true: their rate is 0 / 0 and set to nan", frames=5)
        return np.full(len(counts), np.nan)
    return np.asarray(counts / counts[-1])


@replaceable
def auc(x: ArrayLike, y: ArrayLike) -> float:
    """The area under points joined by straight lines (trapezoids); x must rise, or fall, only."""
    across, up = as_scores(x, "x"), as_scores(y, "y")
    refuse_lengths(across, up)
    if len(across) < 2:
        raise ValueError(f"an area wants at least 2 points; x has {len(across)}")
    steps = np.diff(across)
    if (steps < 0).any() and (steps > 0).any():
        raise ValueError(f"x is neither increasing nor decreasing: {across.tolist()[:8]}; sort it")
    area = float(steps @ (up[1:] + up[:-1]) / 2)
    return -area if (steps < 0).any() else area


def _area_under_roc(
    is_positive: NDArray[np.bool_], score: Floats, weights: Floats | None, max_fpr: float | None
) -> float:
    if is_positive.all() or not is_positive.any():
        warn_undefined(
            "Only one class is present in y_true. ROC AUC score is not defined.", frames=6
        )
        return float("nan")
    wrong, right, _ = positives_at_thresholds(is_positive, score, weights)
    if wrong[-1] == 0 or right[-1] == 0:
        warn_undefined("One class has weight 0. ROC AUC score is not defined.", frames=6)
        return float("nan")
    false_rate, true_rate = (np.append(0, found) / found[-1] for found in (wrong, right))
    if max_fpr is None or max_fpr == 1:
        return auc(false_rate, true_rate)
    if not 0 < max_fpr < 1:
        raise ValueError(f"Expected max_fpr in range (0, 1], got: {max_fpr!r}")
    stop = int(np.searchsorted(false_rate, max_fpr, "right"))
    edge = np.interp(max_fpr, false_rate[stop - 1 : stop + 1], true_rate[stop - 1 : stop + 1])
    area = auc(np.append(false_rate[:stop], max_fpr), np.append(true_rate[:stop], edge))
    least = max_fpr**2 / 2
    return 0.5 * (1 + (area - least) / (max_fpr - least))


@replaceable
def roc_auc_score(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    average: str | None = "macro",
    sample_weight: ArrayLike | None = None,
    max_fpr: float | None = None,
    multi_class: str = "raise",
    labels: ArrayLike | None = None,
) -> Any:
    """The area under the ROC curve: how often a positive scores above a negative.

    Two classes: the larger label is positive; with `max_fpr` only the left part counts, scaled so
    that chance is 0.5 (McClish 1989). More classes need `multi_class`: "ovr" each against the rest,
    "ovo" the mean over pairs (Hand and Till 2001), and rows of probabilities. An array of zeros and
    ones, samples x labels, is an area a label. nan and a warning where a class is missing.
    """
    score = as_scores(y_score, "y_score", dimensions=(1, 2))
    targets = np.asarray(y_true)
    weights = weights_or_none(sample_weight, targets)
    if targets.ndim == 2 and targets.shape[1] > 1:
        return _average_columns(indicator(targets, score), score, average, weights, max_fpr)
    true = as_labels(y_true, "y_true")
    refuse_lengths(true, score)
    present = np.unique(true)
    if len(present) <= 2 and (score.ndim == 1 or score.shape[1] == 1):
        return _area_under_roc(true == present[-1], score.ravel(), weights, max_fpr)
    if score.ndim == 2 and score.shape[1] == 2 and len(present) <= 2 and labels is None:
        raise ValueError("y_score has two columns for two classes; give the second class's alone")
    classes = class_columns(true, score, labels)
    hot = true[:, None] == classes
    if max_fpr not in (None, 1):
        raise ValueError("max_fpr is for two classes; leave it None for more")
    if multi_class == "ovr":
        return _average_columns(hot, score, average, weights, None)
    if multi_class == "ovo":
        return _one_against_one(hot, score, average, weights)
    raise ValueError("multi_class must be in ('ovo', 'ovr') for more than two classes")


def _average_columns(
    hot: NDArray[np.bool_],
    score: Floats,
    average: str | None,
    weights: Floats | None,
    max_fpr: float | None,
) -> Any:
    def area(is_positive: NDArray[np.bool_], column: Floats, weight: Floats | None) -> float:
        return _area_under_roc(is_positive, column, weight, max_fpr)

    return average_labels(area, hot, score, average, weights)


def _one_against_one(
    hot: NDArray[np.bool_], score: Floats, average: str | None, weights: Floats | None
) -> float:
    if weights is not None or average not in ("macro", "weighted"):
        raise ValueError("one against one takes no sample_weight, and macro or weighted averages")
    areas, shares = [], []
    for a, b in combinations(range(hot.shape[1]), 2):
        either = hot[:, a] | hot[:, b]
        both = [_area_under_roc(hot[either, k], score[either, k], None, None) for k in (a, b)]
        areas.append((both[0] + both[1]) / 2)
        shares.append(either.mean())
    return float(np.average(areas, weights=shares if average == "weighted" else None))


@replaceable
def precision_recall_curve(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
) -> Curve:
    """(precisions, recalls, thresholds), thresholds rising, ended by precision 1 and recall 0.

    Without positives recall is 1 throughout, with a warning.
    """
    return _precision_recall(*_binary(y_true, y_score, pos_label, sample_weight))


def _precision_recall(wrong: Floats, right: Floats, thresholds: Floats) -> Curve:
    called = wrong + right
    precision = np.where(called > 0, right / np.where(called > 0, called, 1), 0.0)
    if right[-1] == 0:
        warn_undefined(
            "No positive class found in y_true, recall is set to one for all thresholds."
        )
        recall = np.ones(len(right))
    else:
        recall = right / right[-1]
    return np.append(precision[::-1], 1.0), np.append(recall[::-1], 0.0), thresholds[::-1]


@replaceable
def average_precision_score(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    average: str | None = "macro",
    pos_label: Any = 1,
    sample_weight: ArrayLike | None = None,
) -> Any:
    r"""$\sum_k (R_k - R_{k-1}) P_k$: the precision at each recall that is reached, averaged.

    Unlike the trapezoid under the curve it does not promise what lies between two thresholds. Many
    classes, or zeros and ones (samples x labels), are averaged as in `average_labels`.
    """

    def area(is_positive: NDArray[np.bool_], column: Floats, weight: Floats | None) -> float:
        points = positives_at_thresholds(is_positive, column, weight)
        precision, recall, _ = _precision_recall(*points)
        return max(0.0, -float(np.diff(recall) @ precision[:-1]))

    score = as_scores(y_score, "y_score", dimensions=(1, 2))
    targets = np.asarray(y_true)
    weights = weights_or_none(sample_weight, targets)
    if targets.ndim == 2 and targets.shape[1] > 1:
        return average_labels(area, indicator(targets, score), score, average, weights)
    true = as_labels(y_true, "y_true")
    refuse_lengths(true, score)
    present = np.unique(true)
    if len(present) > 2:
        hot = indicator(true[:, None] == present, score)
        return average_labels(area, hot, score, average, weights)
    if len(present) == 2 and pos_label not in present.tolist():
        raise ValueError(f"pos_label={pos_label!r} is no label of y_true: {present.tolist()}")
    if score.ndim == 2 and score.shape[1] != 1:
        raise ValueError(f"y_score has shape {score.shape}; for two classes wanted one a sample")
    return area(true == pos_label, score.ravel(), weights)
