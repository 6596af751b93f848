"""A metric of two classes for many: each label against the rest, then averaged.

"macro" counts every label alike, "weighted" by how often it occurs, "micro" every decision alike.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.metric_targets import Floats


def indicator(targets: NDArray[Any], score: Floats) -> NDArray[np.bool_]:
    """Zeros and ones, samples x labels, as booleans; ValueError unless shaped like the scores."""
    if targets.shape != score.shape or not np.isin(targets, (0, 1)).all():
        raise ValueError(
            f"y_true of shape {targets.shape} for scores of shape {score.shape}; wanted zeros and "
            "ones, samples x labels, both alike"
        )
    return targets.astype(bool)


def class_columns(true: NDArray[Any], score: Floats, labels: ArrayLike | None) -> NDArray[Any]:
    """The class of each column of probabilities: sorted, from `labels` or the true ones.

    Raises ValueError where columns and classes differ, and for rows that do not sum to 1.
    """
    classes = np.unique(true) if labels is None else np.asarray(labels)
    if score.ndim != 2 or score.shape[1] != len(classes):
        raise ValueError(
            f"y_score has shape {score.shape}; for {len(classes)} classes it must be "
            f"({len(true)}, {len(classes)})"
        )
    if not np.array_equal(np.unique(classes), classes):
        raise ValueError("labels must be unique and ordered")
    if not np.isin(true, classes).all():
        raise ValueError("y_true contains labels that are not in `labels`")
    if not np.allclose(1, score.sum(axis=1)):
        raise ValueError("y_score must hold probabilities: rows that sum to 1 over the classes")
    return classes


def average_labels(
    metric: Callable[[NDArray[np.bool_], Floats, Floats | None], float],
    hot: NDArray[np.bool_],
    score: Floats,
    average: str | None,
    weights: Floats | None,
) -> Any:
    """The metric of each column (None), their mean ("macro"), their mean by the weight of their
    positives ("weighted"), or the metric of all columns as one ("micro").
    """
    if average not in ("macro", "weighted", "micro", None):
        raise ValueError(f"average is {average!r}; wanted macro, weighted, micro or None")
    if average == "micro":
        repeated = None if weights is None else np.repeat(weights, hot.shape[1])
        return metric(hot.ravel(), score.ravel(), repeated)
    values = np.array([metric(hot[:, k], score[:, k], weights) for k in range(hot.shape[1])])
    if average is None:
        return values
    if average == "macro":
        return float(values.mean())
    shares = hot.sum(axis=0) if weights is None else weights @ hot
    if not shares.any():
        return 0.0
    return float(np.average(np.where(shares == 0, 0, values), weights=shares))
