"""Categories as their places in order: one number a column."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.categories import Column, is_nan
from groundup.classical.encoding import CategoryEncoder
from groundup.classical.estimator import require_fitted
from groundup.classical.feature_names import KeepsNames

Floats = NDArray[np.float64]


class OrdinalEncoder(KeepsNames, CategoryEncoder):
    """Each category as its place 0 ... k - 1 among the sorted ones of its column.

    `handle_unknown`: "error", or "use_encoded_value" to give `unknown_value` (NaN or a whole number
    that stands for no category). NaN becomes `encoded_missing_value`; None is a category.
    """

    def __init__(
        self,
        *,
        categories: Any = "auto",
        handle_unknown: str = "error",
        unknown_value: float | None = None,
        encoded_missing_value: float = np.nan,
    ) -> None:
        self.categories = categories
        self.handle_unknown = handle_unknown
        self.unknown_value = unknown_value
        self.encoded_missing_value = encoded_missing_value

    def fit(self, X: Any, y: ArrayLike | None = None) -> Self:
        """Learn the categories of the columns of X (samples x features). `y` is ignored."""
        if self.handle_unknown not in ("error", "use_encoded_value"):
            raise ValueError(
                f"handle_unknown is {self.handle_unknown!r}; it may be 'error' or "
                "'use_encoded_value'"
            )
        if (self.handle_unknown == "error") != (self.unknown_value is None):
            raise ValueError(
                "unknown_value should be a number or np.nan when handle_unknown is "
                f"'use_encoded_value', and None otherwise, got {self.unknown_value!r}."
            )
        self.learn_categories(X)
        self._refuse_taken_value()
        return self

    def _refuse_taken_value(self) -> None:
        most = max(sum(not is_nan(c) for c in known) for known in self.categories_)
        if self.unknown_value is not None and 0 <= self.unknown_value < most:
            raise ValueError(
                f"The used value for unknown_value {self.unknown_value} is one of the values "
                "already used for encoding the seen categories."
            )

    def transform(self, X: Any) -> Floats:
        """The place of each value's category."""
        columns = self.check_columns(X)
        result = np.empty((len(columns[0]), len(columns)))
        for i, numbers in enumerate(self.numbers(columns, "transform")):
            places = numbers.astype(np.float64)
            if self.unknown_value is not None:
                places[numbers < 0] = self.unknown_value
            for place, category in enumerate(self.categories_[i]):
                if is_nan(category):
                    places[numbers == place] = self.encoded_missing_value
            result[:, i] = places
        return result

    def inverse_transform(self, X: ArrayLike) -> Column:
        """The category at each place; None for the unknown value."""
        require_fitted(self)
        rows = np.asarray(X, np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.n_features_in_:
            raise ValueError(
                f"Shape of the passed X data is not correct. Expected {self.n_features_in_} "
                f"columns, got {rows.shape}."
            )
        found = [self._values_at(rows[:, i], known) for i, known in enumerate(self.categories_)]
        return np.stack(found, axis=1)

    def _values_at(self, places: Floats, known: Column) -> Column:
        missing = [i for i, category in enumerate(known) if is_nan(category)]
        if missing:
            encoded = self.encoded_missing_value
            is_gap = np.isnan(places) if np.isnan(encoded) else places == encoded
            places = np.where(is_gap, missing[-1], places)
        if self.unknown_value is None:
            return known[places.astype(np.int64)]
        unknown = self.unknown_value
        strange = np.isnan(places) if np.isnan(unknown) else places == unknown
        values = known.astype(object)[np.where(strange, 0, places).astype(np.int64)]
        values[strange] = None
        return values if strange.any() else values.astype(known.dtype)
