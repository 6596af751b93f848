r"""How much the samples of each class count: so that rare classes are not drowned.

"balanced" gives class c the weight $n / (k n_c)$, with $n_c$ of n samples in it and k classes: then
all classes weigh the same (King and Zeng, "Logistic regression in rare events data", 2001).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def balanced_weights(
    numbers: NDArray[np.int64], n_classes: int, sample_weight: Floats | None = None
) -> Floats:
    """$n / (k n_c)$ for each of the k classes, from the class number of each sample.

    With weights of samples, n and $n_c$ are sums of these.
    """
    counts = np.bincount(numbers, weights=sample_weight, minlength=n_classes).astype(np.float64)
    weights: Floats = counts.sum() / (n_classes * np.where(counts > 0, counts, np.inf))
    return weights


def weights_of_classes(
    class_weight: Any,
    classes: NDArray[Any],
    numbers: NDArray[np.int64],
    sample_weight: Floats | None = None,
) -> Floats:
    """The weight of each class: ones for None, balanced ones, or those of a dictionary by class.

    A class that the dictionary leaves out weighs 1. Raises ValueError for other words, for classes
    that are not among the samples', and for weights below zero.
    """
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ValueError(
                f"class_weight is {class_weight!r}; it may be None, 'balanced' or a dictionary"
            )
        return balanced_weights(numbers, len(classes), sample_weight)
    if not isinstance(class_weight, dict):
        raise ValueError(
            f"class_weight is {class_weight!r}; it may be None, 'balanced' or a dictionary"
        )
    known = classes.tolist()
    if unknown := [key for key in class_weight if key not in known]:
        raise ValueError(f"class_weight names {unknown[0]!r}, and the classes of y are {known}")
    weights = np.array([class_weight.get(label, 1.0) for label in known], np.float64)
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError(f"class_weight is {class_weight!r}; weights are finite and at least 0")
    return weights


def sample_weights_of_classes(
    class_weight: Any,
    classes: NDArray[Any],
    numbers: NDArray[np.int64],
    sample_weight: Floats | None = None,
) -> Floats:
    """The weight of each sample's class, (n,)."""
    return weights_of_classes(class_weight, classes, numbers, sample_weight)[numbers]


def weights_against_rest(of_class: Floats, numbers: NDArray[np.int64], k: int) -> Floats:
    """Weights of the samples in the problem "class k or not", (n,).

    With two classes each sample has its class's weight; with more those of class k have it, and the
    rest 1: as scikit-learn's one-vs-rest linear models do it.
    """
    if len(of_class) == 2:
        return of_class[numbers]
    return np.where(numbers == k, of_class[k], 1.0)
