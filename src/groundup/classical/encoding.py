"""Categories as one column each, 1 where it is that one.

A model that multiplies needs numbers. Ordinals 0, 1, 2 claim an order; one-hot columns claim
nothing, at the price of a column for each category. The result is always a dense array. Left out:
merging rare categories (`min_frequency`, `max_categories`), and sparse results.
"""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.categories import (
    Column,
    category_numbers,
    columns_of,
    given_categories,
    sorted_categories,
    unknown_categories,
)
from groundup.classical.estimator import Transformer, require_fitted
from groundup.classical.feature_names import Names, input_names
from groundup.classical.validation import feature_names
from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def one_hot(numbers: NDArray[np.int64], count: int) -> Floats:
    """A row for each number, `count` wide, with 1 in that place; all 0 for a negative number."""
    rows = np.zeros((len(numbers), count))
    known = np.flatnonzero(numbers >= 0)
    rows[known, numbers[known]] = 1.0
    return rows


class CategoryEncoder(Transformer):
    """What the two encoders of columns share: `categories_`, one sorted array a column."""

    tag_settings: ClassVar[dict[str, bool]] = {
        "categorical": True,
        "allow_nan": True,
        "string": True,
    }
    categories: Any
    handle_unknown: str
    categories_: list[Column]
    n_features_in_: int

    def learn_categories(self, X: Any) -> None:
        """Set `categories_` from the columns of X, or from those the user gave."""
        columns = columns_of(X)
        names = feature_names(X)
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self.n_features_in_ = len(columns)
        if isinstance(self.categories, str):
            if self.categories != "auto":
                raise ValueError(f"categories is {self.categories!r}; it may be 'auto' or a list")
            self.categories_ = [sorted_categories(column) for column in columns]
            return
        if len(self.categories) != len(columns):
            raise ValueError(
                "Shape mismatch: if categories is an array, it has to be of shape (n_features,): "
                f"{len(self.categories)} lists came for {len(columns)} features."
            )
        self.categories_ = [
            given_categories(given, column, place)
            for place, (given, column) in enumerate(zip(self.categories, columns, strict=True))
        ]
        if self.handle_unknown == "error":
            self.numbers(columns, "fit")

    def numbers(self, columns: list[Column], when: str) -> list[NDArray[np.int64]]:
        """The category numbers of each column; ValueError for strangers if they are an error."""
        result = []
        for place, (column, known) in enumerate(zip(columns, self.categories_, strict=True)):
            found = category_numbers(column, known)
            if self.handle_unknown == "error" and (found < 0).any():
                raise ValueError(unknown_categories(column, found, place, when))
            result.append(found)
        return result

    def check_columns(self, X: Any) -> list[Column]:
        """The columns of X, as many and named as in `fit`."""
        require_fitted(self)
        columns, names = columns_of(X), feature_names(X)
        known = getattr(self, "feature_names_in_", None)
        if names is not None and known is not None and list(known) != list(names):
            raise ValueError(
                "The feature names should match those that were passed during fit.\n"
                f"It was fitted with {list(known)} and is given {list(names)}."
            )
        if len(columns) != self.n_features_in_:
            raise ValueError(
                f"X has {len(columns)} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        return columns


class OneHotEncoder(CategoryEncoder):
    """For each column, a column for each of its categories, 1 where it is that one.

    `drop`: None; "first", to leave one category of each column to the intercept; "if_binary", to
    leave one of two; or a list of the categories to drop. `handle_unknown`: "error", or "ignore"
    for all zeros. Learned: `categories_`, `drop_idx_` (None where none is dropped).
    """

    drop_idx_: NDArray[Any] | None

    def __init__(
        self, *, categories: Any = "auto", drop: Any = None, handle_unknown: str = "error"
    ) -> None:
        self.categories = categories
        self.drop = drop
        self.handle_unknown = handle_unknown

    def fit(self, X: Any, y: ArrayLike | None = None) -> Self:
        """Learn the categories of the columns of X (samples x features). `y` is ignored."""
        if self.handle_unknown not in ("error", "ignore"):
            raise ValueError(
                f"handle_unknown is {self.handle_unknown!r}; it may be 'error' or 'ignore'"
            )
        self.learn_categories(X)
        self.drop_idx_ = _dropped(self.drop, self.categories_)
        return self

    def transform(self, X: Any) -> Floats:
        """The one-hot columns of all features side by side."""
        columns = self.check_columns(X)
        numbers = self.numbers(columns, "transform")
        return np.hstack(
            [
                one_hot(found, len(known))[:, kept]
                for found, known, kept in zip(numbers, self.categories_, self._kept(), strict=True)
            ]
        )

    def _kept(self) -> list[NDArray[np.int64]]:
        drops = [None] * len(self.categories_) if self.drop_idx_ is None else self.drop_idx_
        return [
            np.array([i for i in range(len(known)) if i != drop], np.int64)
            for known, drop in zip(self.categories_, drops, strict=True)
        ]

    def inverse_transform(self, X: ArrayLike) -> Column:
        """The category of each block of columns; None where all are 0 and none was dropped."""
        require_fitted(self)
        rows, kept = np.asarray(X, np.float64), self._kept()
        width = sum(map(len, kept))
        if rows.ndim != 2 or rows.shape[1] != width:
            raise ValueError(
                f"Shape of the passed X data is not correct. Expected {width} columns, got "
                f"{rows.shape}."
            )
        parts = np.split(rows, np.cumsum([len(places) for places in kept])[:-1], axis=1)
        drops = [None] * len(kept) if self.drop_idx_ is None else list(self.drop_idx_)
        found = [
            _categories_of(block, places, known, drop)
            for block, places, known, drop in zip(parts, kept, self.categories_, drops, strict=True)
        ]
        if self.handle_unknown == "error" and self.drop_idx_ is None:
            _refuse_blank(parts)
        return np.stack(found, axis=1)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Names:
        """feature_category for each column, as color_red."""
        names = input_names(self, input_features)
        return np.array(
            [
                f"{name}_{known[i]}"
                for name, known, kept in zip(names, self.categories_, self._kept(), strict=True)
                for i in kept
            ],
            dtype=object,
        )


def _dropped(drop: Any, categories: list[Column]) -> NDArray[Any] | None:
    """The place of the category dropped in each column, None for none."""
    if drop is None:
        return None
    places = np.empty(len(categories), dtype=object)
    if isinstance(drop, str):
        if drop not in ("first", "if_binary"):
            raise ValueError(f"drop is {drop!r}; it may be None, 'first', 'if_binary' or a list")
        places[:] = [0 if drop == "first" or len(c) == 2 else None for c in categories]
    else:
        if len(drop) != len(categories):
            raise ValueError(
                f"`drop` should have length equal to the number of features "
                f"({len(categories)}), got {len(drop)}"
            )
        found = [
            int(category_numbers(np.array([value], known.dtype), known)[0])
            for value, known in zip(drop, categories, strict=True)
        ]
        if absent := [(i, drop[i]) for i, place in enumerate(found) if place < 0]:
            raise ValueError(
                "The following categories were supposed to be dropped, but were not found in the "
                f"training data: {', '.join(f'{v!r} of column {i}' for i, v in absent)}"
            )
        places[:] = found
    return None if all(place is None for place in places) else places


def _refuse_blank(blocks: list[Floats]) -> None:
    blank = np.logical_or.reduce([~(block != 0).any(axis=1) for block in blocks])
    if blank.any():
        raise ValueError(
            f"Samples {np.flatnonzero(blank).tolist()} can not be inverted when drop=None and "
            "handle_unknown='error' because they contain all zeros"
        )


def _categories_of(
    block: Floats, places: NDArray[np.int64], known: Column, drop: int | None
) -> Column:
    values = np.full(len(block), None, dtype=object)
    blank = np.ones(len(block), bool)
    if len(places):
        blank = ~(block != 0).any(axis=1)
        values[:] = known[places[block.argmax(axis=1)]]
    values[blank] = None if drop is None else known[drop]
    return values if blank.any() and drop is None else values.astype(known.dtype)
