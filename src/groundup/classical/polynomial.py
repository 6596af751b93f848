r"""Products of columns, so that a linear model can bend.

Degree d of f columns gives all $x_1^{p_1} \dots x_f^{p_f}$ with $p_1 + \dots + p_f \le d$: there
are $\binom{f + d}{d}$ of them, which grows fast. Scale the columns first: powers of large numbers
drown the rest, and powers of one column are nearly parallel.
"""

from collections.abc import Iterator
from itertools import chain, combinations, combinations_with_replacement
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Transformer, require_fitted
from groundup.classical.feature_names import Names, input_names
from groundup.classical.validation import check_fit, check_predict
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Term = tuple[int, ...]
_ROWS = 256  # so many rows of products stay in the cache while they are turned


def terms(
    n_features: int, low: int, high: int, *, interaction_only: bool, include_bias: bool
) -> Iterator[Term]:
    """The columns that each product multiplies, by degree and then in order: (), (0,), (0, 1) ...

    With `interaction_only` no column twice. () is the constant 1.
    """
    choose = combinations if interaction_only else combinations_with_replacement
    chosen = chain.from_iterable(
        choose(range(n_features), degree) for degree in range(max(1, low), high + 1)
    )
    return chain([()], chosen) if include_bias else iter(chosen)


@replaceable
def products(X: Floats, chosen: list[Term]) -> Floats:
    """One column for each term: each is a shorter term's column times one more of X's."""
    result = np.empty((len(X), len(chosen)))
    for start in range(0, len(X), _ROWS):
        rows = slice(start, start + _ROWS)
        result[rows] = _products_of_columns(np.ascontiguousarray(X[rows].T), chosen).T
    return result


def _products_of_columns(columns: Floats, chosen: list[Term]) -> Floats:
    known: dict[Term, Floats] = {(): np.ones(columns.shape[1])}

    def column(term: Term) -> Floats:
        if term not in known:
            known[term] = column(term[:-1]) * columns[term[-1]]
        return known[term]

    return np.array([column(term) for term in chosen])


class PolynomialFeatures(Transformer):
    """All products of columns up to a degree: a number, or (lowest, highest).

    Learned: `powers_` (products x features), the power of each column in each product, and
    `n_output_features_`. Left out: sparse matrices, `order`.
    """

    def __init__(
        self,
        degree: int | tuple[int, int] = 2,
        *,
        interaction_only: bool = False,
        include_bias: bool = True,
    ) -> None:
        self.degree = degree
        self.interaction_only = interaction_only
        self.include_bias = include_bias

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Count the features of X (samples x features). `y` is ignored."""
        low, high = self._degrees()
        n_features = check_fit(self, X).shape[1]
        self._terms = list(
            terms(
                n_features,
                low,
                high,
                interaction_only=self.interaction_only,
                include_bias=self.include_bias,
            )
        )
        self.n_output_features_ = len(self._terms)
        if not self._terms:
            raise ValueError(
                "Setting degree to zero and include_bias to False would result in an empty output "
                "array."
            )
        return self

    def _degrees(self) -> tuple[int, int]:
        degrees = (0, self.degree) if isinstance(self.degree, int | np.integer) else self.degree
        is_pair = isinstance(degrees, tuple) and len(degrees) == 2
        whole = is_pair and all(isinstance(d, int | np.integer) for d in degrees)
        if not whole or not 0 <= degrees[0] <= degrees[1]:
            raise ValueError(
                "degree must be a non-negative int or tuple (min_degree, max_degree), "
                f"got {self.degree!r}."
            )
        return int(degrees[0]), int(degrees[1])

    @property
    def powers_(self) -> NDArray[np.int64]:
        """The power of each column (second axis) in each product (first axis)."""
        require_fitted(self)
        n_features: int = self.n_features_in_  # type: ignore[attr-defined]
        counts = [np.bincount(term, minlength=n_features) for term in self._terms if term]
        constants = [np.zeros(n_features, np.int64)] * (not all(self._terms))
        return np.array(constants + counts, np.int64)

    def transform(self, X: ArrayLike) -> Floats:
        """The products of the columns of X: samples x products."""
        return products(check_predict(self, X), self._terms)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Names:
        """1, x0, x0^2, x0 x1, ..."""
        names = input_names(self, input_features)
        return np.array([_name(row, names) for row in self.powers_], dtype=object)


def _name(powers: NDArray[np.int64], names: Names) -> str:
    factors = [
        name if power == 1 else f"{name}^{power}"
        for name, power in zip(names, powers, strict=True)
        if power
    ]
    return " ".join(factors) or "1"
