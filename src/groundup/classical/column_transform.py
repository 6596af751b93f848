"""Several transforms side by side: of the same columns, or of different ones."""

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.composition import NamedParts, names_of, stacked, tags_of_parts
from groundup.classical.estimator import Transformer, clone, require_fitted
from groundup.classical.feature_names import Names, default_names, input_names
from groundup.classical.pipeline import fit_and_transform
from groundup.classical.validation import check_array, feature_names


class FeatureUnion(NamedParts, Transformer):
    """Each transformer's columns of the same rows, side by side.

    `transformer_list`: (name, transformer); "passthrough" gives the rows themselves, "drop"
    nothing. `transformer_weights`: factors by name. The transformers themselves are fitted.
    """

    parts_parameter = "transformer_list"

    def __init__(
        self,
        transformer_list: list[tuple[str, Any]],
        *,
        transformer_weights: dict[str, float] | None = None,
    ) -> None:
        self.transformer_list = transformer_list
        self.transformer_weights = transformer_weights

    def fit(self, X: Any, y: ArrayLike | None = None) -> Self:
        """Fit every transformer on X."""
        self._check()
        for _, transformer in self._active():
            if not isinstance(transformer, str):
                transformer.fit(X, y)
        return self

    def fit_transform(self, X: Any, y: ArrayLike | None = None) -> NDArray[Any]:
        """`fit(X, y)`, then the columns of all."""
        self._check()
        return self._side_by_side(X, lambda part: fit_and_transform(part, X, y))

    def transform(self, X: Any) -> NDArray[Any]:
        """The columns of all transformers: samples x (sum of their widths)."""
        return self._side_by_side(X, lambda part: part.transform(X))

    def _side_by_side(self, X: Any, move: Callable[[Any], Any]) -> NDArray[Any]:
        weights = self.transformer_weights or {}
        blocks = []
        for name, part in self._active():
            block = check_array(X) if isinstance(part, str) else move(part)
            blocks.append(block * weights[name] if name in weights else block)
        return stacked(blocks, X)

    def _active(self) -> list[tuple[str, Any]]:
        return [
            (name, part)
            for name, part in self.transformer_list
            if not (isinstance(part, str) and part == "drop")
        ]

    def _check(self) -> None:
        self.check_names()
        for name, part in self.transformer_list:
            refuse_no_transformer(name, part)
        known = [name for name, _ in self.transformer_list]
        for name in self.transformer_weights or {}:
            if name not in known:
                raise ValueError(
                    f"Attempting to weight transformer {name!r}, but it is not present in "
                    "transformer_list."
                )

    def __sklearn_tags__(self) -> Any:
        return tags_of_parts([part for _, part in self.named_parts()])

    def __sklearn_is_fitted__(self) -> bool:
        parts = [part for _, part in self._active() if not isinstance(part, str)]
        return all(hasattr(part, "n_features_in_") for part in parts)

    @property
    def n_features_in_(self) -> int:
        """The features that the first transformer saw."""
        count: int = next(
            part for _, part in self._active() if not isinstance(part, str)
        ).n_features_in_
        return count

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Names:
        """transformer__feature for each column."""
        names: list[str] = []
        for name, part in self._active():
            inner = (
                input_names(self, input_features)
                if isinstance(part, str)
                else part.get_feature_names_out(input_features)
            )
            names += [f"{name}__{feature}" for feature in inner]
        return np.array(names, dtype=object)


def refuse_no_transformer(name: str, part: Any) -> None:
    """TypeError unless it is a transformer, "passthrough" or "drop"."""
    if isinstance(part, str) and part in ("passthrough", "drop"):
        return
    if not (hasattr(part, "fit") and hasattr(part, "transform")):
        raise TypeError(
            "All estimators should implement fit and transform, or be 'drop' or 'passthrough'; "
            f"{name!r} is {part!r}"
        )


def make_union(*transformers: Any) -> FeatureUnion:
    """A union whose parts are named for their classes."""
    return FeatureUnion(list(zip(names_of(transformers), transformers, strict=True)))


class ColumnTransformer(NamedParts, Transformer):
    """Different transforms for different columns, their results side by side.

    `transformers`: (name, transformer, columns). Columns are a number, a name (one column as a
    vector), a list of either, a slice, a mask of booleans, or a function of X that gives one of
    these. `remainder`: what becomes of the other columns: "drop", "passthrough" or a transformer.
    `verbose_feature_names_out`: whether output names begin with the transformer's.

    Learned: `transformers_`, fitted copies. Left out: sparse results, `set_output`.
    """

    parts_parameter = "transformers"

    def __init__(
        self,
        transformers: list[tuple[str, Any, Any]],
        *,
        remainder: Any = "drop",
        transformer_weights: dict[str, float] | None = None,
        verbose_feature_names_out: bool = True,
    ) -> None:
        self.transformers = transformers
        self.remainder = remainder
        self.transformer_weights = transformer_weights
        self.verbose_feature_names_out = verbose_feature_names_out

    def fit(self, X: Any, y: ArrayLike | None = None) -> Self:
        """Fit every transformer on its columns of X."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: ArrayLike | None = None) -> NDArray[Any]:
        """Fit every transformer on its columns, and their results."""
        table = _table(X)
        self._remember(table)
        plan = [(name, clone(part), columns) for name, part, columns in self._plan(table)]

        def fit_one(part: Any, columns: Any) -> Any:
            return fit_and_transform(part, take_columns(table, columns), y)

        result = self._side_by_side(table, plan, fit_one)
        self.transformers_ = plan
        return result

    def _remember(self, table: Any) -> None:
        self.check_names()
        for name, part, _ in [*self.transformers, ("remainder", self.remainder, None)]:
            refuse_no_transformer(name, part)
        names = feature_names(table)
        self.n_features_in_: int = table.shape[1]
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _plan(self, table: Any) -> Iterator[tuple[str, Any, Any]]:
        """(name, transformer, columns) with the functions called, and the remainder last."""
        used: set[int] = set()
        for name, part, asked in self.transformers:
            columns = asked(table) if callable(asked) else asked
            used |= set(column_places(table, columns).tolist())
            yield name, part, columns
        rest = sorted(set(range(table.shape[1])) - used)
        yield "remainder", self.remainder, rest

    def transform(self, X: Any) -> NDArray[Any]:
        """The results of all transformers on their columns of X."""
        require_fitted(self, "transformers_")
        table = _table(X)
        known = getattr(self, "feature_names_in_", None)
        names = feature_names(table)
        if known is not None and names is not None:
            if absent := sorted(set(known) - set(names)):
                raise ValueError(f"columns are missing: {absent}")
            table = table[list(known)]  # other order, or more columns than in fit: those of fit
        if table.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {table.shape[1]} features, but ColumnTransformer is expecting "
                f"{self.n_features_in_} features as input."
            )

        def move(part: Any, columns: Any) -> Any:
            return part.transform(take_columns(table, columns))

        return self._side_by_side(table, self.transformers_, move)

    def _side_by_side(
        self, table: Any, plan: list[tuple[str, Any, Any]], move: Any
    ) -> NDArray[Any]:
        weights = self.transformer_weights or {}
        blocks = []
        for name, part, columns in plan:
            places = column_places(table, columns)
            if (isinstance(part, str) and part == "drop") or len(places) == 0:
                continue
            is_kept = isinstance(part, str)
            block = take_columns(table, places) if is_kept else move(part, columns)
            blocks.append(block * weights[name] if name in weights else block)
        return stacked(blocks, table)

    def __sklearn_tags__(self) -> Any:
        return tags_of_parts([part for _, part, _ in self.named_parts()])

    @property
    def named_transformers_(self) -> dict[str, Any]:
        """The fitted transformers by name."""
        return {name: part for name, part, _ in self.transformers_}

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Names:
        """transformer__feature for each column, or feature alone if not `verbose_...`."""
        require_fitted(self, "transformers_")
        known = input_names(self, input_features)
        names: list[str] = []
        for name, part, columns in self.transformers_:
            chosen = known[_places(known, self.n_features_in_, columns)]
            if (isinstance(part, str) and part == "drop") or len(chosen) == 0:
                continue
            inner = chosen if isinstance(part, str) else part.get_feature_names_out(chosen)
            names += [f"{name}__{f}" if self.verbose_feature_names_out else f for f in inner]
        if len(set(names)) < len(names):
            raise ValueError(
                f"Output feature names: {names} are not unique. Please set "
                "verbose_feature_names_out=True to add prefixes to feature names"
            )
        return np.array(names, dtype=object)


def _table(X: Any) -> Any:
    """A data frame as it is, anything else as an array of two dimensions."""
    return X if hasattr(X, "iloc") else check_array(X, dtype=None)


def column_places(table: Any, columns: Any) -> NDArray[np.int64]:
    """The numbers of the columns that a number, name, list, slice or mask means."""
    names = feature_names(table)
    known = default_names(table.shape[1]) if names is None else names
    return _places(known, table.shape[1], columns)


def _places(names: Names, count: int, columns: Any) -> NDArray[np.int64]:
    every = np.arange(count)
    one = [columns] if isinstance(columns, str | int | np.integer) else columns
    if isinstance(one, slice):
        where = {name: i for i, name in enumerate(names)}
        start, stop = where.get(one.start, one.start), where.get(one.stop, one.stop)
        if isinstance(one.stop, str):
            stop = where[one.stop] + 1  # a slice of names holds its last one
        return every[slice(start, stop, one.step)]
    listed = list(one)
    if any(isinstance(column, str) for column in listed):
        if absent := [column for column in listed if column not in names]:
            raise ValueError(f"A given column is not a column of the dataframe: {absent}")
        return np.array([list(names).index(column) for column in listed], np.int64)
    chosen = np.asarray(listed, bool if listed and isinstance(listed[0], bool | np.bool_) else int)
    try:
        places: NDArray[np.int64] = every[chosen]
    except IndexError as problem:
        raise ValueError(
            f"all features must be in [0, {count - 1}] or [-{count}, 0]; got {columns!r}"
        ) from problem
    return places


def take_columns(table: Any, columns: Any) -> Any:
    """Those columns of a table; a single number or name gives one column as a vector."""
    places = column_places(table, columns)
    if isinstance(columns, str | int | np.integer):
        return table.iloc[:, places[0]] if hasattr(table, "iloc") else table[:, places[0]]
    return table.iloc[:, places] if hasattr(table, "iloc") else table[:, places]


def make_column_transformer(*pairs: tuple[Any, Any], remainder: Any = "drop") -> ColumnTransformer:
    """A ColumnTransformer from (transformer, columns), named for their classes."""
    names = names_of(tuple(part for part, _ in pairs))
    parts = [(name, *pair) for name, pair in zip(names, pairs, strict=True)]
    return ColumnTransformer(parts, remainder=remainder)
