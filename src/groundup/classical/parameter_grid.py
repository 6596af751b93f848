"""The candidates of a search: every point of a grid, or some drawn from lists and distributions."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.classical.random_states import random_state_of

Parameters = dict[str, Any]


class ParameterGrid:
    """Every combination of the listed values: {"C": [1, 10], "penalty": ["l1", "l2"]} has four.

    Several grids in a list follow one another. Names are taken in order, the last one changes
    fastest. Raises ValueError for an empty list of values, TypeError where there is no list.
    """

    def __init__(self, param_grid: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        self.param_grid = _list_of_tables(param_grid)
        for grid in self.param_grid:
            for name, values in grid.items():
                is_list = isinstance(values, Sequence | np.ndarray) and not isinstance(values, str)
                if not is_list or (isinstance(values, np.ndarray) and values.ndim > 1):
                    raise TypeError(
                        f"Parameter grid for parameter {name!r} needs to be a list or a numpy "
                        f"array of one dimension, but got {values!r}. Single values need to be "
                        "wrapped in a list."
                    )
                if len(values) == 0:
                    raise ValueError(
                        f"Parameter grid for parameter {name!r} need to be a non-empty sequence, "
                        f"got: {values!r}"
                    )

    def __iter__(self) -> Iterator[Parameters]:
        for grid in self.param_grid:
            names = sorted(grid)
            for values in product(*(grid[name] for name in names)):
                yield dict(zip(names, values, strict=True))

    def __len__(self) -> int:
        return sum(prod(len(values) for values in grid.values()) for grid in self.param_grid)


class ParameterSampler:
    """`n_iter` candidates drawn at random, the same at the same seed as scikit-learn's.

    A value is a list, or a distribution: anything with `rvs(random_state=...)`, as SciPy's. From
    lists alone the points of the grid are drawn without repeating one; fewer, with a warning, where
    the grid has fewer. Random search covers each single parameter with n different values where a
    grid of n points covers it with few (Bergstra and Bengio, 2012).
    """

    def __init__(
        self,
        param_distributions: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        n_iter: int,
        *,
        random_state: Any = None,
    ) -> None:
        self.param_distributions = _list_of_tables(param_distributions)
        for table in self.param_distributions:
            for name, values in table.items():
                if not hasattr(values, "rvs") and (
                    isinstance(values, str) or not hasattr(values, "__len__")
                ):
                    raise TypeError(
                        f"Parameter grid for parameter {name!r} is not iterable or a distribution "
                        f"(value={values!r})"
                    )
        self.n_iter = n_iter
        self.random_state = random_state

    def _are_lists(self) -> bool:
        values = [value for table in self.param_distributions for value in table.values()]
        return not any(hasattr(value, "rvs") for value in values)

    def __len__(self) -> int:
        if self._are_lists():
            return min(self.n_iter, len(ParameterGrid(self.param_distributions)))
        return self.n_iter

    def __iter__(self) -> Iterator[Parameters]:
        draws = random_state_of(self.random_state)
        if self._are_lists():
            grid = list(ParameterGrid(self.param_distributions))
            if len(grid) < self.n_iter:
                warnings.warn(
                    f"The total space of parameters {len(grid)} is smaller than "
                    f"n_iter={self.n_iter}. Running {len(grid)} iterations. For exhaustive "
                    "searches, use GridSearchCV.",
                    stacklevel=2,
                )
            yield from (grid[i] for i in draw_without_repeats(len(grid), len(self), draws))
            return
        for _ in range(self.n_iter):
            table = self.param_distributions[draws.choice(len(self.param_distributions))]
            yield {name: _draw(values, draws) for name, values in sorted(table.items())}


def _draw(values: Any, draws: np.random.RandomState) -> Any:
    if hasattr(values, "rvs"):
        return values.rvs(random_state=draws)
    return values[draws.randint(len(values))]


def draw_without_repeats(total: int, count: int, draws: np.random.RandomState) -> NDArray[np.int64]:
    """`count` different numbers below `total`: the first of a random order.

    Where nearly all or very few are wanted it draws one by one: a later number takes the place of
    an earlier one (reservoir sampling), or numbers are drawn until they are new.
    """
    ratio = count / total
    if 0.01 < ratio < 0.99:
        return draws.permutation(total)[:count]
    if ratio < 0.2:
        chosen: dict[int, None] = {}
        while len(chosen) < count:
            chosen.setdefault(int(draws.randint(total)))
        return np.array(list(chosen), np.int64)
    reservoir = np.arange(count)
    for later in range(count, total):
        place = draws.randint(0, later + 1)
        if place < count:
            reservoir[place] = later
    return reservoir


def _list_of_tables(tables: Any) -> list[dict[str, Any]]:
    listed = [tables] if isinstance(tables, Mapping) else list(tables)
    for table in listed:
        if not isinstance(table, Mapping):
            raise TypeError(f"Parameter grid is not a dict ({table!r})")
    return [dict(table) for table in listed]
