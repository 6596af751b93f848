r"""How sure is a measured metric? Intervals for any of them, and an exact theory for the AUC.

Another test set would have given another value. The bootstrap draws test sets from the one at hand,
sample by sample with replacement (Efron 1979); two models are compared on the same draws, for most
of the chance is common to both. Sources: Efron and Tibshirani, "An introduction to the bootstrap"
(1993), chapters 13 and 14; DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or
more correlated ROC curves" (1988). Left out: test sets whose samples depend on each other.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.metric_targets import (
    Floats,
    as_labels,
    as_scores,
    positive_label,
    refuse_lengths,
)
from groundup.classical.validation import random_generator
from groundup.maths.resampling import bootstrap
from groundup.swap import replaceable

Metric = Callable[[Any, Any], float]
Method = Literal["percentile", "basic", "bca"]


@dataclass(frozen=True)
class MetricInterval:
    """A metric and how far another test set might have moved it."""

    value: float
    """The metric of the samples there are."""
    low: float
    """The lower end of the interval."""
    high: float
    """The upper end."""
    standard_error: float
    """The standard deviation over other test sets."""


@replaceable
def metric_interval(
    metric: Metric,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    confidence: float = 0.95,
    n_resamples: int = 2000,
    method: Method = "bca",
    random_state: Any = None,
) -> MetricInterval:
    """The bootstrap interval of `metric(y_true, y_pred)`.

    Rows of both are drawn together. `method`: "percentile" takes the middle of the values drawn,
    "basic" mirrors it, "bca" moves its ends for bias and skewness, for which the metric is also
    computed without each sample (see `groundup.maths.resampling`). Raises ValueError for fewer than
    2 samples, and where the metric is nan on a draw.
    """
    true, predicted = np.asarray(y_true), np.asarray(y_pred)

    def statistic(rows: NDArray[np.intp]) -> float:
        return float(metric(true[rows], predicted[rows]))

    refuse_lengths(true, predicted)
    return _interval(statistic, len(true), (confidence, n_resamples, method), random_state)


@replaceable
def metric_difference(
    metric: Metric,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    y_other: ArrayLike,
    *,
    confidence: float = 0.95,
    n_resamples: int = 2000,
    method: Method = "bca",
    random_state: Any = None,
) -> MetricInterval:
    """The interval of `metric(y_true, y_pred) - metric(y_true, y_other)`, on the same draws.

    If 0 lies outside, the two models differ at that confidence.
    """
    true, first, second = np.asarray(y_true), np.asarray(y_pred), np.asarray(y_other)

    def statistic(rows: NDArray[np.intp]) -> float:
        return float(metric(true[rows], first[rows])) - float(metric(true[rows], second[rows]))

    refuse_lengths(true, first, second)
    return _interval(statistic, len(true), (confidence, n_resamples, method), random_state)


def _interval(
    statistic: Callable[[NDArray[np.intp]], float],
    count: int,
    settings: tuple[float, int, Method],
    random_state: Any,
) -> MetricInterval:
    """The bootstrap of row numbers: a draw of rows is a test set, whose metric is its statistic."""
    confidence, n_resamples, method = settings
    _refuse(confidence, count)

    def of_draws(rows: Floats) -> Floats:
        draws = rows.astype(np.intp).reshape(-1, rows.shape[-1])
        values = np.array([statistic(draw) for draw in draws]).reshape(rows.shape[:-1])
        if np.isnan(values).any():
            raise ValueError(
                "the metric has no value (nan) on some draws, as AUC of one class; use more "
                "samples, a metric that always has one, or auc_interval"
            )
        return values

    rng = random_generator(random_state)
    found = bootstrap(
        np.arange(count), of_draws, confidence=confidence, method=method, resamples=n_resamples,
        rng=rng,
    )  # fmt: skip
    return MetricInterval(found.estimate, *found.interval, found.standard_error)


def _refuse(confidence: float, count: int) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; it must lie between 0 and 1, as 0.95")
    if count < 2:
        raise ValueError(f"an interval wants at least 2 samples; there are {count}")


# The area under the ROC curve, without drawing


@replaceable
def placements(is_positive: NDArray[np.bool_], score: Floats) -> tuple[Floats, Floats]:
    """For each positive the share of negatives below it, for each negative the share of positives
    above it; ties count half. The mean of either is the AUC. By two sorted searches, O(n log n).
    """
    above, below = np.sort(score[is_positive]), np.sort(score[~is_positive])

    def share(sorted_scores: Floats, of: Floats) -> Floats:
        less = np.searchsorted(sorted_scores, of, "left")
        at_most = np.searchsorted(sorted_scores, of, "right")
        return np.asarray((less + at_most) / (2 * len(sorted_scores)))

    return share(below, score[is_positive]), 1 - share(above, score[~is_positive])


@replaceable
def auc_covariance(
    y_true: ArrayLike, y_scores: ArrayLike, *, pos_label: Any = None
) -> tuple[Floats, Floats]:
    r"""(areas (models,), their covariance matrix) of several models' scores (models x samples).

    The AUC is a mean over pairs; its covariance is that of the `placements` of positives over their
    number plus that of negatives over theirs (DeLong et al. 1988; by sorting, Sun and Xu 2014).
    Raises ValueError unless there are two positives and two negatives.
    """
    true = as_labels(y_true, "y_true")
    scores = np.atleast_2d(as_scores(y_scores, "y_scores", dimensions=(1, 2)))
    refuse_lengths(true, scores[0])
    is_positive = true == positive_label(true, pos_label)
    sizes = np.count_nonzero(is_positive), np.count_nonzero(~is_positive)
    if min(sizes) < 2:
        raise ValueError(
            f"there are {sizes[0]} positives and {sizes[1]} negatives; wanted 2 of each"
        )
    pairs = [placements(is_positive, score) for score in scores]
    positives, negatives = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    covariance = np.cov(positives) / sizes[0] + np.cov(negatives) / sizes[1]
    return positives.mean(axis=1), np.atleast_2d(covariance)


def auc_interval(
    y_true: ArrayLike, y_score: ArrayLike, *, confidence: float = 0.95, pos_label: Any = None
) -> MetricInterval:
    """The AUC and its normal interval by DeLong's variance, cut to [0, 1]."""
    areas, covariance = auc_covariance(y_true, y_score, pos_label=pos_label)
    return _normal_interval(float(areas[0]), float(covariance[0, 0]), confidence, (0.0, 1.0))


def auc_difference(
    y_true: ArrayLike,
    y_score: ArrayLike,
    y_other: ArrayLike,
    *,
    confidence: float = 0.95,
    pos_label: Any = None,
) -> MetricInterval:
    """The difference of two models' AUC on the same samples, with what they have in common."""
    scores = np.stack([as_scores(y_score, "y_score"), as_scores(y_other, "y_other")])
    areas, covariance = auc_covariance(y_true, scores, pos_label=pos_label)
    contrast = np.array([1.0, -1.0])
    variance = float(contrast @ covariance @ contrast)
    return _normal_interval(float(contrast @ areas), variance, confidence, (-1.0, 1.0))


def _normal_interval(
    value: float, variance: float, confidence: float, limits: tuple[float, float]
) -> MetricInterval:
    _refuse(confidence, 2)
    error = math.sqrt(max(variance, 0.0))
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * error
    return MetricInterval(
        value, max(limits[0], value - reach), min(limits[1], value + reach), error
    )
