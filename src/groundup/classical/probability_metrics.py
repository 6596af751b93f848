"""How good predicted probabilities are: proper scores, least on average for the true probabilities.

Log loss is the cross-entropy a language model trains on; the Brier score its square-error sister.
Source: Gneiting and Raftery, "Strictly proper scoring rules, prediction, and estimation" (2007).
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.metric_targets import (
    Floats,
    Labels,
    as_labels,
    as_scores,
    average,
    positive_label,
    refuse_lengths,
    weights_or_none,
)
from groundup.swap import replaceable


def one_hot(y_true: Labels, labels: ArrayLike | None, columns: int) -> NDArray[np.bool_]:
    """Samples x classes, True at each sample's class; classes sorted, from `labels` or y_true.

    Raises ValueError unless there are as many classes as `columns`.
    """
    classes = np.unique(y_true if labels is None else np.asarray(labels))
    if not np.isin(y_true, classes).all():
        raise ValueError("y_true contains labels that are not in `labels`")
    if len(classes) == 1:
        raise ValueError(
            f"y_true contains only one label ({classes.tolist()[0]!r}). Please provide the true "
            "labels explicitly through the labels argument."
        )
    if len(classes) != columns:
        raise ValueError(
            f"y_true and the probabilities contain different number of classes: {len(classes)} vs "
            f"{columns}. Please provide the true labels explicitly through the labels argument."
        )
    return np.asarray(y_true[:, None] == classes)


def as_probabilities(y_proba: ArrayLike) -> Floats:
    """Samples x classes; one number a sample is the probability of the second of two classes.

    Raises ValueError outside [0, 1]; warns where rows do not sum to 1.
    """
    proba = as_scores(y_proba, "y_proba", dimensions=(1, 2))
    if proba.min() < 0 or proba.max() > 1:
        raise ValueError(f"y_proba goes from {proba.min()} to {proba.max()}; wanted 0 to 1")
    if proba.ndim == 1:
        proba = proba[:, None]
    if proba.shape[1] == 1:
        proba = np.hstack([1 - proba, proba])
    if not np.allclose(proba.sum(axis=1), 1, rtol=np.sqrt(np.finfo(float).eps), atol=0):
        warnings.warn(
            "The y_proba values do not sum to one. Make sure to pass probabilities.", stacklevel=4
        )
    return proba


@replaceable
def log_loss(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    normalize: bool = True,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
) -> float:
    """The mean of -ln p(true class), in nats; the sum if not `normalize`.

    Columns of `y_proba` stand for the sorted classes. Probabilities are cut to [eps, 1 - eps], so
    that one sure mistake costs 36 nats and not infinity.
    """
    true, proba = as_labels(y_true, "y_true"), as_probabilities(y_proba)
    refuse_lengths(true, proba)
    weights = weights_or_none(sample_weight, true)
    eps = np.finfo(float).eps
    losses = -np.log(np.clip(proba, eps, 1 - eps))[one_hot(true, labels, proba.shape[1])]
    if normalize:
        return average(losses, weights)
    return float(losses.sum() if weights is None else losses @ weights)


@replaceable
def brier_score_loss(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    pos_label: Any = None,
    labels: ArrayLike | None = None,
    scale_by_half: bool | str = "auto",
) -> float:
    r"""The mean of $\sum_k (y_k - p_k)^2$ over classes k; half of it for two classes ("auto").

    With one number a sample (the probability of `pos_label`) that is $(y - p)^2$. Brier (1950).
    """
    true = as_labels(y_true, "y_true")
    proba = as_probabilities(y_proba)
    refuse_lengths(true, proba)
    weights = weights_or_none(sample_weight, true)
    if np.ndim(y_proba) == 1 or np.shape(y_proba)[1] == 1:
        if len(np.unique(true)) > 2:
            raise ValueError("y_true has more than two classes; give a column for each of them")
        is_positive = true == positive_label(true, pos_label)
        hot = np.column_stack([~is_positive, is_positive])
    else:
        hot = one_hot(true, labels, proba.shape[1])
    score = average(((hot - proba) ** 2).sum(axis=1), weights)
    halved = proba.shape[1] < 3 if scale_by_half == "auto" else bool(scale_by_half)
    return score / 2 if halved else score


@replaceable
def hinge_loss(
    y_true: ArrayLike,
    pred_decision: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """The mean of max(0, 1 - margin), an upper bound of the share of mistakes.

    For two classes the margin is +decision for the second and -decision for the first; for more,
    the true class's decision less the largest other one (Crammer and Singer 2001).
    """
    true = as_labels(y_true, "y_true")
    decision = as_scores(pred_decision, "pred_decision", dimensions=(1, 2))
    refuse_lengths(true, decision)
    classes = np.unique(true if labels is None else np.asarray(labels))
    if len(classes) > 2:
        if decision.ndim == 1:
            raise ValueError(
                f"pred_decision has shape {decision.shape}; with {len(classes)} classes it must be "
                "samples x classes"
            )
        hot = one_hot(true, classes, decision.shape[1])
        margin = decision[hot] - np.where(hot, -np.inf, decision).max(axis=1)
    else:
        margin = np.where(true == classes[-1], 1, -1) * _one_column(decision)
        if len(classes) == 1:
            margin = -_one_column(decision)
    return average(np.maximum(0, 1 - margin), weights_or_none(sample_weight, true))


def _one_column(decision: Floats) -> Floats:
    if decision.ndim == 2 and decision.shape[1] != 1:
        raise ValueError(f"pred_decision has shape {decision.shape}; for two classes wanted (n,)")
    return decision.ravel()


def d2_log_loss_score(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
) -> float:
    """1 - log loss / log loss of always saying the classes' shares: 1 is perfect, 0 no better."""
    true = as_labels(y_true, "y_true")
    weights = weights_or_none(sample_weight, true)
    loss = log_loss(true, y_proba, sample_weight=weights, labels=labels)
    columns = as_probabilities(y_proba).shape[1]
    shares = np.average(one_hot(true, labels, columns), axis=0, weights=weights)
    always = np.tile(shares / shares.sum(), (len(true), 1))
    return 1 - loss / log_loss(true, always, sample_weight=weights, labels=labels)
