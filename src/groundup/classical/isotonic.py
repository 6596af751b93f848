r"""Isotonic regression: the rising steps that are nearest to the targets.

$\min_f \sum_i w_i (y_i - f_i)^2$ with $f_1 \le f_2 \le \dots$ for rows sorted by x. The pool
adjacent violators algorithm goes through them once: where a step would fall, it is pooled with the
step before, at their common mean, until none falls (Barlow, Bartholomew, Bremner and Brunk,
"Statistical inference under order restrictions", 1972). Exact, in linear time.
"""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Regressor, Transformer, require_fitted
from groundup.classical.validation import as_numbers, check_array, check_target, refuse_non_finite
from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def pool_adjacent_violators(y: Floats, weights: Floats) -> Floats:
    """The non-decreasing sequence nearest to y (n,), with weights above zero (n,)."""
    means: list[float] = []
    totals: list[float] = []
    counts: list[int] = []
    for value, weight in zip(y.tolist(), weights.tolist(), strict=True):
        mean, total, count = value, weight, 1
        while means and means[-1] >= mean:
            before = totals.pop()
            total += before
            mean += before / total * (means.pop() - mean)
            count += counts.pop()
        means.append(mean)
        totals.append(total)
        counts.append(count)
    return np.repeat(np.array(means), counts)


@replaceable
def rank_correlation(x: Floats, y: Floats) -> float:
    """Spearman's: the correlation of ranks; equals share the mean of theirs. 0 if constant."""
    ranks = []
    for values in (x, y):
        _, numbers, counts = np.unique(values, return_inverse=True, return_counts=True)
        ranks.append((np.cumsum(counts) - (counts - 1) / 2)[numbers])
    first, second = ranks[0] - ranks[0].mean(), ranks[1] - ranks[1].mean()
    size = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / size if size > 0 else 0.0


class IsotonicRegression(Regressor, Transformer):
    """A monotone function of one feature, as scikit-learn's: straight lines between the steps.

    `y_min`, `y_max`: bounds of the values; `increasing`: True, False, or "auto", by the sign of the
    rank correlation; `out_of_bounds`: for x outside of those seen, "nan", "clip" (the end's value),
    or "raise" (ValueError).

    Learns `X_thresholds_` and `y_thresholds_` (the corners), `X_min_`, `X_max_`, `increasing_`.
    Rows of equal x are first pooled. X has the shape (n,) or n x 1.
    """

    tag_settings: ClassVar[dict[str, bool]] = {"one_d_array": True, "two_d_array": False}
    X_thresholds_: Floats
    y_thresholds_: Floats
    X_min_: float
    X_max_: float
    increasing_: bool

    def __init__(
        self,
        *,
        y_min: float | None = None,
        y_max: float | None = None,
        increasing: bool | str = True,
        out_of_bounds: str = "nan",
    ) -> None:
        self.y_min = y_min
        self.y_max = y_max
        self.increasing = increasing
        self.out_of_bounds = out_of_bounds

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from X, (n,) or n x 1, and y (n,)."""
        self._check_settings()
        x = _feature(X)
        target = as_numbers(check_target(self, y), "y", np.float64)
        refuse_non_finite(target, "y")
        weights = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, float)
        if not len(x) == len(target) == len(weights):
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: "
                f"[{len(x)}, {len(target)}, {len(weights)}]"
            )
        if (weights < 0).any() or not (weights > 0).any():
            raise ValueError("sample_weight must not be negative, and not zero everywhere")
        x, target, weights = x[weights > 0], target[weights > 0], weights[weights > 0]
        self.increasing_ = (
            rank_correlation(x, target) >= 0 if self.increasing == "auto" else bool(self.increasing)
        )
        x, target, weights = _pooled(x, target, weights)
        sign = 1.0 if self.increasing_ else -1.0
        steps = sign * pool_adjacent_violators(sign * target, weights)
        if self.y_min is not None or self.y_max is not None:
            steps = np.clip(steps, self.y_min, self.y_max)
        corner = np.ones(len(x), bool)
        corner[1:-1] = (steps[1:-1] != steps[:-2]) | (steps[1:-1] != steps[2:])
        self.X_min_, self.X_max_ = float(x[0]), float(x[-1])
        self.X_thresholds_, self.y_thresholds_ = x[corner], steps[corner]
        return self

    def _check_settings(self) -> None:
        if self.out_of_bounds not in ("nan", "clip", "raise"):
            raise ValueError(
                f"out_of_bounds is {self.out_of_bounds!r}; known are: nan, clip, raise"
            )
        if self.increasing not in (True, False, "auto"):
            raise ValueError(f"increasing is {self.increasing!r}; known are: True, False, 'auto'")
        low = -np.inf if self.y_min is None else self.y_min
        high = np.inf if self.y_max is None else self.y_max
        if not low <= high:
            raise ValueError(f"y_min={low} is above y_max={high}")

    def predict(self, X: ArrayLike) -> Floats:
        """The value at each x."""
        require_fitted(self, "X_thresholds_")
        x = _feature(X)
        outside = (x < self.X_min_) | (x > self.X_max_)
        if self.out_of_bounds == "raise" and outside.any():
            raise ValueError(
                f"A value in x_new is outside of [{self.X_min_}, {self.X_max_}], where it was "
                "fitted; give out_of_bounds='clip'"
            )
        values: Floats = np.interp(x, self.X_thresholds_, self.y_thresholds_)
        if self.out_of_bounds == "nan":
            values = np.where(outside, np.nan, values)
        return values

    def transform(self, X: ArrayLike) -> Floats:
        """The same as `predict`."""
        return self.predict(X)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """One name: "isotonicregression0"."""
        return np.array(["isotonicregression0"], dtype=object)


def _feature(X: ArrayLike) -> Floats:
    """X as (n,), checked."""
    array = np.asarray(X)
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    column: Floats = check_array(array)
    if column.shape[1] != 1:
        raise ValueError(
            f"Isotonic regression input X should be a 1d array or 2d array with 1 feature; got "
            f"{column.shape[1]} features"
        )
    return column[:, 0]


def _pooled(x: Floats, y: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Different values of x, ascending, with the mean of y and the sum of weights at each."""
    values, numbers = np.unique(x, return_inverse=True)
    totals = np.bincount(numbers, weights).astype(np.float64)
    return values, np.bincount(numbers, weights * y) / totals, totals
