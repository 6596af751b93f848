"""Learning in batches: which classes there are is said once, before all of them have been seen."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.classical.estimator import Classifier
from groundup.classical.validation import check_fit, check_predict, check_target


def check_batch(
    classifier: Classifier, X: Any, y: Any, classes: Any
) -> tuple[NDArray[Any], NDArray[np.int64], bool]:
    """For `partial_fit`: rows, the class number of each, and whether this is the first batch.

    The first one sets `classes_`, and must be given them. Raises ValueError where it is not, where
    they differ later, for a class that was not named, and for other numbers of features.
    """
    first = not hasattr(classifier, "classes_")
    if first and classes is None:
        raise ValueError("classes must be passed on the first call to partial_fit.")
    rows = check_fit(classifier, X) if first else check_predict(classifier, X)
    if classes is not None:
        named = np.unique(np.asarray(classes))
        if not first and not np.array_equal(named, classifier.classes_):
            raise ValueError(
                f"`classes={classes}` is not the same as on last call to partial_fit, "
                f"was: {classifier.classes_}"
            )
        if len(named) < 2:
            raise ValueError(f"classes are {named}; at least two classes are needed")
        classifier.classes_ = named
    target = check_target(classifier, y)
    if len(target) != len(rows):
        raise ValueError(f"X has {len(rows)} samples and y {len(target)}; give one class each")
    if unknown := set(target.tolist()) - set(classifier.classes_.tolist()):
        raise ValueError(
            f"The target label(s) {sorted(unknown)} in y do not exist in the initial classes "
            f"{classifier.classes_}"
        )
    return rows, np.searchsorted(classifier.classes_, target).astype(np.int64), first
