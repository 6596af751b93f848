"""What a metric may be given: labels, numbers and weights, checked once, as scikit-learn has it.

Labels are whole numbers, booleans or text, one a sample. Left out: multilabel targets of ragged
lists (an array of zeros and ones, samples x labels, is taken where a metric says so).
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.scikit_learn import as_caught_there
from groundup.classical.validation import check_sample_weight, refuse_non_finite

Floats = NDArray[np.float64]
Labels = NDArray[Any]


class UndefinedMetricWarning(UserWarning):
    """A metric is 0 / 0 for these data; the message says why and what is returned."""


def warn_undefined(message: str, frames: int = 4) -> None:
    """Warn that a metric is not defined; `frames` up stands who called it."""
    warnings.warn(message, as_caught_there(UndefinedMetricWarning), stacklevel=frames)


def as_labels(values: ArrayLike, name: str) -> Labels:
    """One label a sample (samples,); a single column is taken too.

    Raises ValueError for no samples, other shapes, numbers with fractions, NaN, and missing labels.
    """
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"{name} should be a 1d array of labels, got shape {array.shape} instead")
    if not len(array):
        raise ValueError(f"{name} is empty; a metric needs at least one sample")
    if array.dtype.kind == "c":
        raise ValueError(f"{name} holds complex numbers; labels are whole numbers or text")
    if array.dtype.kind == "f":
        refuse_non_finite(array, name)
        if (array != np.floor(array)).any():
            raise ValueError(f"{name} is continuous; wanted class labels, round or cut it first")
    if array.dtype.kind == "O" and len({isinstance(label, str) for label in array}) > 1:
        raise ValueError(f"{name} mixes text with other labels; use one kind")
    if array.dtype.kind == "O" and any(str(label) in ("None", "nan") for label in array):
        raise ValueError(f"{name} holds None or NaN; leave those samples out")
    return array


def label_pair(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
) -> tuple[Labels, Labels, Floats | None]:
    """Two label vectors of one length and the samples' weights (None stays None)."""
    true, predicted = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
    refuse_lengths(true, predicted)
    if _is_text(true) != _is_text(predicted):
        raise ValueError("y_true and y_pred mix text labels with numbers; use one kind")
    return true, predicted, weights_or_none(sample_weight, true)


def _is_text(labels: Labels) -> bool:
    return labels.dtype.kind in "US" or isinstance(labels[0], str)


def refuse_lengths(*arrays: NDArray[Any]) -> None:
    """ValueError unless all have as many samples."""
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {lengths}")


def weights_or_none(sample_weight: ArrayLike | None, samples: NDArray[Any]) -> Floats | None:
    """Weights (samples,), none negative, at least one above 0; None stays None."""
    return None if sample_weight is None else check_sample_weight(sample_weight, samples)


def as_scores(values: ArrayLike, name: str, *, dimensions: tuple[int, ...] = (1,)) -> Floats:
    """Finite numbers, one a sample, or a row a sample where two dimensions are allowed."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {array.dtype}; wanted real numbers")
    if array.ndim == 2 and array.shape[1] == 1 and 2 not in dimensions:
        array = array[:, 0]
    if array.ndim not in dimensions:
        wanted = " or ".join(map(str, dimensions))
        raise ValueError(f"{name} has shape {array.shape}; wanted {wanted} dimension(s)")
    if not array.size:
        raise ValueError(f"{name} is empty; a metric needs at least one sample")
    array = array.astype(np.float64)
    refuse_non_finite(array, name)
    return array


def positive_label(y_true: Labels, pos_label: Any) -> Any:
    """The label that counts as positive: as given, or 1 where all labels are among -1, 0, 1.

    Raises ValueError where it cannot be guessed: for text, and other numbers.
    """
    if pos_label is not None:
        return pos_label
    present = np.unique(y_true)
    if present.dtype.kind in "USO" or not any(
        set(present.tolist()) <= allowed for allowed in ({0, 1}, {-1, 1})
    ):
        raise ValueError(
            f"y_true takes value in {present.tolist()} and pos_label is not specified: either make "
            "y_true take value in {0, 1} or {-1, 1} or pass pos_label explicitly."
        )
    return 1


def average(values: NDArray[Any], weights: Floats | None) -> float:
    """The mean of the samples' values, by their weights if there are any."""
    return float(np.average(values, weights=weights))
