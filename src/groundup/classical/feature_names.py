"""What the columns are called, before and after a transform.

A fitted estimator remembers a data frame's column names as `feature_names_in_`; without them the
columns are x0, x1, ... `get_feature_names_out` says what they have become, so that a coefficient of
a pipeline can be read (scikit-learn's convention, SLEP 7).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Estimator, require_fitted

Names = NDArray[np.object_]


def input_names(estimator: Estimator, input_features: ArrayLike | None = None) -> Names:
    """The names of the columns that `fit` saw: those given, those remembered, or x0, x1, ...

    Raises NotFittedError before `fit`; ValueError where the names given are not as many as there
    were features, or not those of `fit`.
    """
    require_fitted(estimator)
    fitted: Any = estimator
    known = getattr(estimator, "feature_names_in_", None)
    if input_features is None:
        return known if known is not None else default_names(fitted.n_features_in_)
    given = np.asarray(input_features, dtype=object)
    if known is not None and list(given) != list(known):
        raise ValueError("input_features is not equal to feature_names_in_, the names `fit` saw")
    if given.shape != (fitted.n_features_in_,):
        raise ValueError(
            f"input_features should have length equal to number of features "
            f"({fitted.n_features_in_}), got {given.shape}"
        )
    return given


def default_names(count: int, prefix: str = "x") -> Names:
    """x0, x1, ... as many as there are columns."""
    return np.array([f"{prefix}{i}" for i in range(count)], dtype=object)


class KeepsNames(Estimator):
    """A transformer that gives one column for each it takes, under the same name."""

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Names:
        """The columns' names after the transform: those before it."""
        return input_names(self, input_features)
