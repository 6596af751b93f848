r"""Columns as smooth bumps: B-splines, so that a linear model can follow any smooth curve.

Unlike powers a bump is 0 beyond a few knots, so what happens at one end of the data does not move
the curve at the other. Source: de Boor, "A Practical Guide to Splines" (1978), chapters IX and X.
"""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Transformer
from groundup.classical.feature_names import Names, input_names
from groundup.classical.validation import check_fit, check_predict
from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def b_splines(x: Floats, knots: Floats, degree: int) -> Floats:
    r"""All B-splines of a degree at x (n,) on rising knots t: n x (knots - degree - 1).

    $B_{i,0}(x) = [t_i \le x < t_{i+1}]$ and, where knots coincide with 0/0 = 0,
    $B_{i,d}(x) = \frac{x - t_i}{t_{i+d} - t_i} B_{i,d-1}(x)
    + \frac{t_{i+d+1} - x}{t_{i+d+1} - t_{i+1}} B_{i+1,d-1}(x)$ (Cox 1972, de Boor 1972). Between
    the outer `degree` knots at each end they are 0 or more and sum to 1.
    """
    column = x[:, None]
    basis = ((knots[:-1] <= column) & (column < knots[1:])).astype(np.float64)
    for d in range(1, degree + 1):
        rising = _divided(column - knots[: -d - 1], knots[d:-1] - knots[: -d - 1])
        falling = _divided(knots[d + 1 :] - column, knots[d + 1 :] - knots[1:-d])
        basis = rising * basis[:, :-1] + falling * basis[:, 1:]
    return basis


def _divided(over: Floats, under: Floats) -> Floats:
    quotient: Floats = over * np.where(under > 0, 1 / np.where(under > 0, under, 1.0), 0.0)
    return quotient


class SplineTransformer(Transformer):
    """For each column its `n_knots + degree - 1` B-splines at the values.

    `knots`: "uniform" between least and greatest, "quantile" with equal counts between, or the
    knots themselves (knots x features). `extrapolation`: "constant" keeps beyond the outer knots
    the value there, "error" refuses such values. Without `include_bias` each column's last spline
    is left out, for they sum to 1. Learned: `knots_` (one array a column, with `degree` more at
    each end), `n_features_out_`. Left out: periodic and continued splines, gaps, sample weights.
    """

    def __init__(
        self,
        n_knots: int = 5,
        degree: int = 3,
        *,
        knots: str | ArrayLike = "uniform",
        extrapolation: str = "constant",
        include_bias: bool = True,
    ) -> None:
        self.n_knots = n_knots
        self.degree = degree
        self.knots = knots
        self.extrapolation = extrapolation
        self.include_bias = include_bias

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Place the knots for the columns of X (samples x features). `y` is ignored."""
        if self.extrapolation not in ("constant", "error"):
            raise ValueError(
                f"extrapolation is {self.extrapolation!r}; it may be 'constant' or 'error'"
            )
        if not isinstance(self.degree, int | np.integer) or self.degree < 0:
            raise ValueError(f"degree is {self.degree!r}; it must be a whole number of 0 or more")
        array = check_fit(self, X, min_samples=2)
        inner = self._inner_knots(array)
        self.knots_ = [_extended(column, self.degree) for column in inner.T]
        splines = len(inner) + self.degree - 1 - (not self.include_bias)
        self.n_features_out_ = splines * array.shape[1]
        return self

    def _inner_knots(self, array: Floats) -> Floats:
        if isinstance(self.knots, str):
            if self.knots not in ("uniform", "quantile"):
                raise ValueError(
                    f"knots is {self.knots!r}; it may be 'uniform', 'quantile' or an array"
                )
            if not isinstance(self.n_knots, int | np.integer) or self.n_knots < 2:
                raise ValueError(f"n_knots is {self.n_knots!r}; it must be 2 or more")
            if self.knots == "quantile":
                return np.percentile(array, np.linspace(0, 100, self.n_knots), axis=0)
            return np.linspace(array.min(axis=0), array.max(axis=0), self.n_knots)
        given = np.asarray(self.knots, np.float64)
        if given.ndim != 2 or given.shape[1] != array.shape[1] or len(given) < 2:
            raise ValueError(
                f"knots should be an array of two or more knots x {array.shape[1]} features, got "
                f"shape {given.shape}"
            )
        if (np.diff(given, axis=0) <= 0).any():
            raise ValueError("knots must be sorted without duplicates.")
        return given

    def transform(self, X: ArrayLike) -> Floats:
        """The splines of all columns side by side."""
        array = check_predict(self, X)
        blocks = []
        for column, knots in zip(array.T, self.knots_, strict=True):
            low, high = knots[self.degree], knots[len(knots) - 1 - self.degree]
            outside = (column < low) | (column > high)
            if self.extrapolation == "error" and outside.any():
                raise ValueError(
                    "X contains values beyond the limits of the knots; extrapolation='constant' "
                    "allows them"
                )
            inside = np.clip(column, low, high)
            if self.degree == 0:
                inside = np.minimum(inside, np.nextafter(high, -np.inf))  # the last step is closed
            splines = b_splines(inside, knots, self.degree)
            blocks.append(splines if self.include_bias else splines[:, :-1])
        return np.hstack(blocks)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Names:
        """name_sp_0, name_sp_1, ... for each column."""
        names = input_names(self, input_features)
        each = self.n_features_out_ // len(names)
        return np.array([f"{name}_sp_{i}" for name in names for i in range(each)], dtype=object)


def _extended(inner: Floats, degree: int) -> Floats:
    """`degree` more knots at each end, as far apart as the first two and the last two."""
    steps = np.arange(1, degree + 1)
    before = inner[0] - steps[::-1] * (inner[1] - inner[0])
    after = inner[-1] + steps * (inner[-1] - inner[-2])
    return np.concatenate([before, inner, after])
