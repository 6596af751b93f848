"""The classes of a target as numbers."""

from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.categories import Column, category_numbers, sorted_categories
from groundup.classical.estimator import Estimator, require_fitted


class LabelEncoder(Estimator):
    """The classes of a target y as 0 ... k - 1, in the order of `classes_`. For y, not for X.

    NumPy's text cannot end in a NUL character: such an end is lost.
    """

    tag_settings: ClassVar[dict[str, bool]] = {"two_d_array": False, "one_d_labels": True}
    classes_: Column

    def fit(self, y: ArrayLike) -> Self:
        """Learn the different values of y (samples,)."""
        self.classes_ = sorted_categories(_labels(y))
        if self.classes_.dtype.kind == "O" and all(isinstance(c, str) for c in self.classes_):
            self.classes_ = self.classes_.astype(str)
        return self

    def transform(self, y: ArrayLike) -> NDArray[np.int64]:
        """The number of each label. Raises ValueError for one that `fit` did not see."""
        require_fitted(self, "classes_")
        column = _labels(y)
        numbers = category_numbers(column, self.classes_)
        if (numbers < 0).any():
            strangers = sorted_categories(column[numbers < 0]).tolist()
            raise ValueError(f"y contains previously unseen labels: {strangers}")
        return numbers

    def fit_transform(self, y: ArrayLike) -> NDArray[np.int64]:
        """`fit(y)`, then `transform(y)`."""
        return self.fit(y).transform(y)

    def inverse_transform(self, y: ArrayLike) -> Column:
        """The label of each number. Raises ValueError for a number that stands for none."""
        require_fitted(self, "classes_")
        numbers = _labels(y).astype(np.int64)
        strangers = np.setdiff1d(numbers, np.arange(len(self.classes_)))
        if len(strangers):
            raise ValueError(f"y contains previously unseen labels: {strangers.tolist()}")
        return self.classes_[numbers]


def _labels(y: ArrayLike) -> Column:
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"y should be a 1d array, got an array of shape {labels.shape} instead.")
    return labels.astype(object) if labels.dtype.kind in "US" else labels
