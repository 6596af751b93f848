"""For each label: how often it was predicted, was there, and both; and ratios of such counts.

Precision, recall, F and Jaccard are ratios of these counts, for one label or averaged over labels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from groundup.classical.metric_targets import Floats, Labels, label_pair, warn_undefined

ZeroDivision = float | str
"""What 0 / 0 gives: 0, 1, nan, or "warn", which is 0 with a warning."""


def all_labels(y_true: Labels, y_pred: Labels, labels: ArrayLike | None = None) -> Labels:
    """The sorted labels of both, or `labels` if given."""
    return np.union1d(y_true, y_pred) if labels is None else np.asarray(labels)


@dataclass(frozen=True)
class Counts:
    """For each label the weight of hits, of predictions, and of samples there are, (labels,)."""

    hits: Floats
    predicted: Floats
    actual: Floats


def count(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    labels: ArrayLike | None,
    pos_label: Any,
    chosen: str | None,
    sample_weight: ArrayLike | None,
) -> Counts:
    """The counts of the labels that the average `chosen` is about; of their sum for "micro".

    Raises ValueError for an unknown average, for "binary" where there are more than two classes or
    the positive one does not occur.
    """
    true, predicted, weights = label_pair(y_true, y_pred, sample_weight)
    if chosen not in ("binary", "micro", "macro", "weighted", None):
        raise ValueError(f"average is {chosen!r}; wanted binary, micro, macro, weighted or None")
    present = all_labels(true, predicted)
    wanted = present if labels is None else np.asarray(labels)
    if chosen == "binary":
        if len(present) > 2:
            raise ValueError(
                "Target is multiclass but average='binary'. Please choose another average setting, "
                "one of [None, 'micro', 'macro', 'weighted']."
            )
        if pos_label not in present.tolist() and len(present) == 2:
            raise ValueError(
                f"pos_label={pos_label!r} is not a valid label: it should be one of "
                f"{present.tolist()}"
            )
        wanted = np.array([pos_label])
    every = np.union1d(present, wanted)
    places = [np.searchsorted(every, found) for found in (true, predicted)]
    is_hit = true == predicted
    kinds = ((places[0][is_hit], is_hit), (places[1], slice(None)), (places[0], slice(None)))
    counts = [
        np.bincount(place, None if weights is None else weights[which], minlength=len(every))
        for place, which in kinds
    ]
    order = np.searchsorted(every, wanted)
    found = [total[order].astype(np.float64) for total in counts]
    return Counts(*([total.sum(keepdims=True) for total in found] if chosen == "micro" else found))


def ratio(top: Floats, bottom: Floats, zero_division: ZeroDivision, name: str) -> Floats:
    """Top / bottom, and where bottom is 0 what `zero_division` says."""
    zero = bottom == 0
    if str(zero_division) not in ("warn", "nan") and zero_division not in (0, 1):
        raise ValueError(f"zero_division is {zero_division!r}; wanted 'warn', 0, 1 or nan")
    if zero_division == "warn" and zero.any():
        warn_undefined(
            f"{name} is 0 / 0 for a label and taken as 0.0; use zero_division to choose", frames=6
        )
    instead = 0.0 if zero_division == "warn" else float(zero_division)
    return np.where(zero, instead, top / np.where(zero, 1.0, bottom))


def combine(per_label: Floats, chosen: str | None, counts: Counts) -> Any:
    """The labels' values for None, else one number; nan values are left out of averages."""
    if chosen is None:
        return per_label
    known = ~np.isnan(per_label)
    if not known.any():
        return float("nan")
    weights = counts.actual[known] if chosen == "weighted" else None
    return float(np.average(per_label[known], weights=weights if np.any(weights) else None))


def f_measure(counts: Counts, beta: float, zero_division: ZeroDivision) -> Floats:
    """(1 + b^2) hits / (b^2 actual + predicted): the harmonic mean, recall counting b times."""
    if not beta >= 0:
        raise ValueError(f"beta is {beta}; wanted at least 0")
    if np.isinf(beta):
        return ratio(counts.hits, counts.actual, zero_division, "F-score")
    bottom = beta**2 * counts.actual + counts.predicted
    return ratio((1 + beta**2) * counts.hits, bottom, zero_division, "F-score")
