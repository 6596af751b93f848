"""Gaps filled with one number a column: the mean, the median, the commonest value, or a given one.

The number comes from the training rows alone. That a value was missing may itself tell something:
`add_indicator` adds a column of 0 and 1 for each column that had gaps in `fit`. Left out: filling
from other columns (iterative, k-nearest-neighbour), sparse matrices. Source: Little and Rubin,
"Statistical Analysis with Missing Data" (2002), chapter 4, which also says what it costs: variances
and correlations shrink.
"""

import warnings
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.categories import is_nan
from groundup.classical.estimator import Transformer, require_fitted
from groundup.classical.feature_names import Names, input_names
from groundup.classical.validation import check_fit, check_predict
from groundup.swap import replaceable

Gaps = NDArray[np.bool_]
STRATEGIES = ("mean", "median", "most_frequent", "constant")


@replaceable
def filling(column: NDArray[Any], strategy: str) -> Any:
    """What stands for a gap in a column whose present values are these; there is at least one.

    "mean", "median", or "most_frequent": the commonest value, the smallest of those equally common.
    """
    if strategy == "mean":
        return column.mean()
    if strategy == "median":
        return np.median(column)
    values, counts = np.unique(column, return_counts=True)
    return values[counts.argmax()]


class SimpleImputer(Transformer):
    """Fill the gaps of each column with one value; those of text with the commonest or a given one.

    `missing_values`: what marks a gap, NaN or any value. Learned: `statistics_`, the filling of
    each column. A column without any value is dropped, with a warning, or, with
    `keep_empty_features`, filled with 0 (or `fill_value`).
    """

    tag_settings: ClassVar[dict[str, bool]] = {"allow_nan": True, "string": True}
    statistics_: NDArray[Any]

    def __init__(
        self,
        *,
        missing_values: Any = np.nan,
        strategy: str = "mean",
        fill_value: Any = None,
        add_indicator: bool = False,
        keep_empty_features: bool = False,
    ) -> None:
        self.missing_values = missing_values
        self.strategy = strategy
        self.fill_value = fill_value
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features

    def fit(self, X: Any, y: ArrayLike | None = None) -> Self:
        """Learn what fills each column of X (samples x features). `y` is ignored."""
        if self.strategy not in STRATEGIES:
            raise ValueError(f"strategy is {self.strategy!r}; it may be one of {STRATEGIES}")
        array = check_fit(self, *self._table(X), **self._options(X))
        self._is_text = array.dtype.kind == "O"
        gaps: Gaps = is_gap(array, self.missing_values)
        is_empty = np.atleast_1d(gaps.all(axis=0))
        blank = self._blank(array)
        found = [
            (blank if self.keep_empty_features else np.nan)
            if empty
            else (blank if self.strategy == "constant" else filling(column[~gap], self.strategy))
            for column, gap, empty in zip(array.T, gaps.T, is_empty, strict=True)
        ]
        self.statistics_ = np.array(found, dtype=array.dtype)
        self.kept_: NDArray[np.int64] = np.flatnonzero(~is_empty | self.keep_empty_features)
        self.with_gaps_: NDArray[np.int64] = np.flatnonzero(gaps.any(axis=0))
        return self

    def _table(self, X: Any) -> tuple[Any]:
        holds_text = self.strategy in ("most_frequent", "constant")
        if holds_text and isinstance(X, list | tuple) and np.asarray(X).dtype.kind in "US":
            return (np.asarray(X, dtype=object),)
        return (X,)

    def _options(self, X: Any) -> dict[str, Any]:
        """Text stays text where the strategy can use it; numbers become float64."""
        kind = np.asarray(X).dtype.kind
        if self.strategy in ("most_frequent", "constant") and kind in "OUS":
            return {"dtype": object, "allow_nan": True}
        return {"allow_nan": is_nan(self.missing_values) or self.missing_values is None}

    def _blank(self, array: NDArray[Any]) -> Any:
        if self.fill_value is None or self.strategy != "constant":
            return "missing_value" if self._is_text else 0
        if not self._is_text and not isinstance(self.fill_value, int | float | np.number):
            raise ValueError(
                f"fill_value={self.fill_value!r} cannot fill a column of numbers "
                f"(dtype {array.dtype}); give a number"
            )
        return self.fill_value

    def transform(self, X: Any) -> NDArray[Any]:
        """X with its gaps filled, less the columns that were empty in `fit`, plus indicators."""
        require_fitted(self)
        array = check_predict(self, *self._table(X), **self._options(X))
        if (array.dtype.kind == "O") != self._is_text:
            raise ValueError("X holds text and numbers other than in fit; give the same kind")
        gaps: Gaps = is_gap(array, self.missing_values)
        dropped = np.setdiff1d(np.arange(array.shape[1]), self.kept_)
        if len(dropped):
            warnings.warn(
                f"Skipping features without any observed values: {dropped.tolist()}. At least one "
                f"non-missing value is needed for imputation with strategy={self.strategy!r}.",
                stacklevel=2,
            )
        filled = np.where(gaps, self.statistics_, array)[:, self.kept_]
        if not self.add_indicator:
            return filled
        return np.hstack([filled, gaps[:, self.with_gaps_].astype(filled.dtype)])

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Names:
        """The names of the columns kept, then missingindicator_name of those that had gaps."""
        names = input_names(self, input_features)
        marks = [f"missingindicator_{name}" for name in names[self.with_gaps_]]
        return np.array([*names[self.kept_], *(marks if self.add_indicator else [])], dtype=object)


def is_gap(array: NDArray[Any], missing: Any) -> Gaps:
    """Where a value is the one that marks a gap; NaN is found although it equals nothing."""
    if is_nan(missing):  # only NaN differs from itself
        return np.asarray(array != array, dtype=bool)  # noqa: PLR0124
    if missing is None:
        return np.array([[value is None for value in row] for row in array], bool)
    return np.asarray(array == missing, dtype=bool)
