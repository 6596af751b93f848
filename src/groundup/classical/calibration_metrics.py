r"""Does 70 percent mean seven times in ten? Predicted probabilities against observed shares.

Predictions are put into bins; in a calibrated bin the share of positives is the mean prediction.
Sources: Murphy, "A new vector partition of the probability score" (1973); Naeini, Cooper and
Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning" (2015); Guo et al., "On
calibration of modern neural networks" (2017). Left out: kernel estimates. The expected error of
bins is biased upwards when they hold few samples; compare models at equal bins and samples.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.metric_targets import (
    Floats,
    as_labels,
    as_scores,
    positive_label,
    refuse_lengths,
    weights_or_none,
)
from groundup.swap import replaceable


@dataclass(frozen=True)
class Reliability:
    """What each bin that holds samples says: the data of a reliability diagram, (bins,) each."""

    observed: Floats
    """The share of positives."""
    predicted: Floats
    """The mean predicted probability."""
    weight: Floats
    """The weight of its samples; sums to 1."""
    edges: Floats
    """The bins' borders, (all bins + 1,), those of empty ones too."""


def bin_edges(y_prob: Floats, n_bins: int, strategy: str) -> Floats:
    """Borders of equal width ("uniform") or with equally many samples between ("quantile")."""
    if n_bins < 1:
        raise ValueError(f"n_bins is {n_bins}; wanted at least 1")
    if strategy == "uniform":
        return np.linspace(0, 1, n_bins + 1)
    if strategy == "quantile":
        return np.asarray(np.percentile(y_prob, 100 * np.linspace(0, 1, n_bins + 1)))
    raise ValueError(f"strategy is {strategy!r}; wanted 'uniform' or 'quantile'")


@replaceable
def reliability(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    pos_label: Any = None,
    n_bins: int = 10,
    strategy: str = "uniform",
    sample_weight: ArrayLike | None = None,
) -> Reliability:
    """Shares and mean predictions in bins (low, high]; the first one holds its lower border too.

    `y_prob` is the probability of `pos_label` (samples,). Raises ValueError for more than two
    classes and for probabilities outside [0, 1].
    """
    true, prob = as_labels(y_true, "y_true"), as_scores(y_prob, "y_prob")
    refuse_lengths(true, prob)
    if len(present := np.unique(true)) > 2:
        raise ValueError(
            f"Only binary classification is supported. Provided labels {present.tolist()}; "
            "for more classes see top_label"
        )
    if prob.min() < 0 or prob.max() > 1:
        raise ValueError("y_prob has values outside [0, 1].")
    is_positive = true == positive_label(true, pos_label)
    weights = weights_or_none(sample_weight, true)
    weights = np.ones(len(true)) if weights is None else weights
    edges = bin_edges(prob, n_bins, strategy)
    place = np.searchsorted(edges[1:-1], prob)
    total, hits, sums = (
        np.bincount(place, weights * part, minlength=n_bins) for part in (1.0, is_positive, prob)
    )
    used = total > 0
    observed, predicted = hits[used] / total[used], sums[used] / total[used]
    return Reliability(observed, predicted, total[used] / total.sum(), edges)


def calibration_curve(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    pos_label: Any = None,
    n_bins: int = 5,
    strategy: str = "uniform",
) -> tuple[Floats, Floats]:
    """(share of positives, mean predicted probability) of each bin that holds samples."""
    found = reliability(y_true, y_prob, pos_label=pos_label, n_bins=n_bins, strategy=strategy)
    return found.observed, found.predicted


@replaceable
def expected_calibration_error(
    y_true: ArrayLike, y_prob: ArrayLike, *, n_bins: int = 10, strategy: str = "uniform"
) -> float:
    r"""ECE $= \sum_b w_b\,|o_b - p_b|$: how far shares and predictions are apart, on average."""
    found = reliability(y_true, y_prob, n_bins=n_bins, strategy=strategy)
    return float(found.weight @ np.abs(found.observed - found.predicted))


@replaceable
def maximum_calibration_error(
    y_true: ArrayLike, y_prob: ArrayLike, *, n_bins: int = 10, strategy: str = "uniform"
) -> float:
    r"""MCE $= \max_b |o_b - p_b|$: in the worst bin."""
    found = reliability(y_true, y_prob, n_bins=n_bins, strategy=strategy)
    return float(np.abs(found.observed - found.predicted).max())


def top_label(
    y_true: ArrayLike, y_proba: ArrayLike, *, labels: ArrayLike | None = None
) -> tuple[NDArray[np.int64], Floats]:
    """(was the most likely class right?, its probability): many classes as a yes-or-no question.

    Feed both to `expected_calibration_error` for the ECE of Guo et al. (2017). Columns stand for
    the sorted classes; the first of equals is taken.
    """
    true = as_labels(y_true, "y_true")
    proba = as_scores(y_proba, "y_proba", dimensions=(2,))
    refuse_lengths(true, proba)
    classes = np.unique(true if labels is None else np.asarray(labels))
    if len(classes) != proba.shape[1]:
        raise ValueError(
            f"there are {len(classes)} classes and {proba.shape[1]} columns; give all `labels`"
        )
    right = classes[proba.argmax(axis=1)] == true
    return right.astype(np.int64), proba.max(axis=1)


@dataclass(frozen=True)
class BrierParts:
    """The Brier score of two classes taken apart: score = reliability - resolution + uncertainty
    + within.
    """

    score: float
    """The mean of (y - p)^2."""
    reliability: float
    """The mean of (p_b - o_b)^2 over bins: miscalibration, 0 is best."""
    resolution: float
    """The mean of (o_b - o)^2: how far bins tell cases apart, large is best."""
    uncertainty: float
    """o (1 - o), the score of always predicting the overall share o; not the model's doing."""
    within: float
    """What differing predictions inside a bin add or take; 0 if each bin holds one value."""


@replaceable
def brier_decomposition(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    pos_label: Any = None,
    n_bins: int = 10,
    strategy: str = "uniform",
) -> BrierParts:
    r"""$\sum w_b (p_b - o_b)^2 - \sum w_b (o_b - \bar o)^2 + \bar o (1 - \bar o)$ and a remainder.

    Murphy (1973), exact where all predictions of a bin are equal; else the remainder `within` is
    that of Stephenson, Coelho and Jolliffe (2008).
    """
    found = reliability(y_true, y_prob, pos_label=pos_label, n_bins=n_bins, strategy=strategy)
    true = as_labels(y_true, "y_true")
    is_positive = true == positive_label(true, pos_label)
    score = float(np.mean((is_positive - as_scores(y_prob, "y_prob")) ** 2))
    overall = float(is_positive.mean())
    missed = float(found.weight @ (found.predicted - found.observed) ** 2)
    told = float(found.weight @ (found.observed - overall) ** 2)
    doubt = overall * (1 - overall)
    return BrierParts(score, missed, told, doubt, score - missed + told - doubt)
