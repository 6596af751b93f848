"""The categories of a column: found, sorted, and numbered.

Categories are any values that can be compared with one another: numbers or text. Two kinds of
missing value may be among them, None and NaN; they sort last, in that order, and each is a category
of its own.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.swap import replaceable

Column = NDArray[Any]


def columns_of(X: Any) -> list[Column]:
    """The columns of a table of any values; a data frame's keep their own dtypes.

    Raises ValueError unless there are two dimensions, and at least one row and column; TypeError
    for a sparse matrix.
    """
    if hasattr(X, "toarray"):
        raise TypeError(
            "Sparse data was passed for X, but dense data is required; use '.toarray()'"
        )
    if hasattr(X, "iloc"):
        columns = [_plain(np.asarray(X.iloc[:, i])) for i in range(X.shape[1])]
    else:
        table = np.asarray(X)
        if table.dtype.kind in "US" and not hasattr(X, "dtype"):
            table = np.asarray(X, dtype=object)  # a list of numbers and text stays what it is
        if np.iscomplexobj(table):
            raise ValueError(f"Complex data not supported\n{table}\n")
        if table.ndim != 2:
            raise ValueError(
                f"Expected 2D array, got {table.ndim}D array instead:\narray={table}.\nReshape "
                "your data using array.reshape(-1, 1) if it has a single feature or "
                "array.reshape(1, -1) if it contains a single sample."
            )
        columns = [_plain(table[:, i]) for i in range(table.shape[1])]
    _refuse_empty(columns, X)
    return columns


def _plain(column: Column) -> Column:
    return column.astype(object) if column.dtype.kind in "US" else column


def _refuse_empty(columns: list[Column], X: Any) -> None:
    for size, what in ((len(columns[0]) if columns else 1, "sample"), (len(columns), "feature")):
        if size == 0:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={np.shape(X)}) while a minimum of 1 is "
                "required."
            )


@replaceable
def sorted_categories(column: Column) -> Column:
    """The different values of a column in order, then None, then NaN, where they occur.

    Raises TypeError where values cannot be compared, as numbers with text.
    """
    if column.dtype.kind != "O":
        return np.unique(column)
    values = set(column.tolist())
    missing = [None] * (None in values) + [np.nan] * any(is_nan(value) for value in values)
    try:
        present = sorted(value for value in values if value is not None and not is_nan(value))
    except TypeError as problem:
        kinds = sorted({type(value).__name__ for value in values})
        raise TypeError(
            "Encoders require their input argument must be uniformly strings or numbers. "
            f"Got {kinds}"
        ) from problem
    result = np.empty(len(present) + len(missing), dtype=object)
    result[:] = [*present, *missing]
    return result


def is_nan(value: Any) -> bool:
    """Whether a value of any kind is NaN."""
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


@replaceable
def category_numbers(column: Column, categories: Column) -> NDArray[np.int64]:
    """The place of each value among the categories, -1 where it is none of them."""
    if column.dtype.kind != "O" and categories.dtype.kind != "O":
        return _numbers_by_search(column, categories)
    places = {category: place for place, category in enumerate(categories.tolist())}
    numbers = np.array([places.get(value, -1) for value in column.tolist()], np.int64)
    last = [place for place, category in enumerate(categories) if is_nan(category)]
    if last:
        numbers[np.asarray(column != column, bool)] = last[-1]  # noqa: PLR0124  (NaN alone)
    return numbers


def _key(value: Any) -> Any:
    return (np.nan,) if is_nan(value) else value  # NaN equals nothing; this tuple equals itself


def _numbers_by_search(column: Column, categories: Column) -> NDArray[np.int64]:
    order = np.argsort(categories)  # those given by the user may stand in any order; NaN last
    place = np.minimum(np.searchsorted(categories, column, sorter=order), len(categories) - 1)
    found = order[place]
    equal = categories[found] == column
    if column.dtype.kind == "f" and categories.dtype.kind == "f":
        equal |= np.isnan(categories[found]) & np.isnan(column)
    return np.where(equal, found, -1)


def given_categories(given: Any, column: Column, place: int) -> Column:
    """The categories a user lists for a column: all different, numbers in order, NaN last."""
    categories = np.asarray(given, dtype=object if column.dtype.kind == "O" else None)
    if categories.dtype.kind in "US":
        categories = categories.astype(object)
    if len({_key(value) for value in categories.tolist()}) < len(categories):
        raise ValueError(
            f"In column {place}, the predefined categories contain duplicate elements."
        )
    if categories.dtype.kind in "iuf":
        known = categories[~np.isnan(categories)]
        if (np.diff(known) < 0).any() or np.isnan(categories[:-1]).any():
            raise ValueError("Unsorted categories are not supported for numerical categories")
    return categories


def unknown_categories(column: Column, numbers: NDArray[np.int64], place: int, when: str) -> str:
    """The sentence that says which values of a column are no category."""
    strangers = list(dict.fromkeys(_key(value) for value in column[numbers < 0].tolist()))
    shown = [value[0] if isinstance(value, tuple) else value for value in strangers]
    return f"Found unknown categories {shown} in column {place} during {when}"
