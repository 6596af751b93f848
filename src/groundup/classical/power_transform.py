r"""A power for each column that makes it as normal as a power can.

Box and Cox ("An analysis of transformations", 1964), for numbers above 0: $(x^\lambda - 1) /
\lambda$, or $\ln x$ for $\lambda = 0$. Yeo and Johnson ("A new family of power transformations",
2000), for all numbers: Box and Cox's of x + 1 from 0 up, and minus that of 1 - x with $2 - \lambda$
below. $\lambda$ maximises the likelihood that the result is normal.
"""

from collections.abc import Callable
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Transformer
from groundup.classical.feature_names import KeepsNames
from groundup.classical.scaling import StandardScaler
from groundup.classical.validation import check_fit, check_predict
from groundup.swap import replaceable

Floats = NDArray[np.float64]
_GOLDEN = (np.sqrt(5.0) - 1) / 2
_STEPS = 80


def _power(log_x: Floats, exponent: float) -> Floats:
    r"""$(x^\lambda - 1) / \lambda$ from $\ln x$, without loss near $\lambda = 0$ or x = 1."""
    return log_x if exponent == 0 else np.expm1(exponent * log_x) / exponent


def _root(y: Floats, exponent: float) -> Floats:
    """The logarithm of the x whose power is y."""
    return y if exponent == 0 else np.log1p(exponent * y) / exponent


@replaceable
def box_cox(x: Floats, exponent: float) -> Floats:
    r"""$(x^\lambda - 1) / \lambda$ for x > 0."""
    return _power(np.log(x), exponent)


@replaceable
def yeo_johnson(x: Floats, exponent: float) -> Floats:
    r"""Box and Cox's of 1 + x for $x \ge 0$, and minus that of 1 - x with $2 - \lambda$ below."""
    result = np.empty_like(x)
    up = x >= 0
    result[up] = _power(np.log1p(x[up]), exponent)
    result[~up] = -_power(np.log1p(-x[~up]), 2 - exponent)
    return result


def log_likelihood(x: Floats, moved: Floats, exponent: float, method: str) -> float:
    r"""$-\frac n2 \ln Var(y) + \sum \ln |dy / dx|$: how likely x is if the moved y is normal."""
    with np.errstate(divide="ignore"):
        spread = float(np.log(moved.var()))
    slope = np.log(x) if method == "box-cox" else np.sign(x) * np.log1p(np.abs(x))
    value = -len(x) / 2 * spread + (exponent - 1) * float(slope.sum())
    return value if np.isfinite(value) else -np.inf


@replaceable
def best_exponent(x: Floats, method: str) -> float:
    """The exponent of greatest likelihood; 1, which changes nothing, for a constant column."""
    if len(x) == 0 or x.max() == x.min():
        return 1.0
    transform = box_cox if method == "box-cox" else yeo_johnson

    def likelihood(exponent: float) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            return log_likelihood(x, transform(x, exponent), exponent, method)

    return golden_section(likelihood, -2.0, 2.0)


def golden_section(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one peak is greatest; the interval is widened until it holds the peak.

    Each step keeps the part around the better of two inner points and reuses its value (Kiefer,
    1953). A peak is flat, so its place is known to about the root of the rounding error, 1e-8.
    """
    for _ in range(10):
        width = high - low
        inner = max(function(low + width * share) for share in (0.25, 0.5, 0.75))
        if inner >= function(low) and inner >= function(high):
            break
        low, high = low - width / 2, high + width / 2
    a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_a, at_b = function(a), function(b)
    for _ in range(_STEPS):
        if at_a >= at_b:
            high, b, at_b = b, a, at_a
            a = high - _GOLDEN * (high - low)
            at_a = function(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + _GOLDEN * (high - low)
            at_b = function(b)
    return float((low + high) / 2)


class PowerTransformer(KeepsNames, Transformer):
    """Each column by its best power, then, if `standardize`, with mean 0 and variance 1.

    `method`: "yeo-johnson" or "box-cox". NaN is left out and stays. Learned: `lambdas_`. Raises
    ValueError for numbers of 0 and below with "box-cox".
    """

    tag_settings: ClassVar[dict[str, bool]] = {"allow_nan": True}

    def __init__(self, method: str = "yeo-johnson", *, standardize: bool = True) -> None:
        self.method = method
        self.standardize = standardize

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Find the power of each column of X (samples x features). `y` is ignored."""
        if self.method not in ("yeo-johnson", "box-cox"):
            raise ValueError(f"method is {self.method!r}; it may be 'yeo-johnson' or 'box-cox'")
        array = check_fit(self, X, allow_nan=True)
        self._refuse_negative(array)
        present = [column[~np.isnan(column)] for column in array.T]
        self.lambdas_ = np.array([best_exponent(column, self.method) for column in present])
        self._scaler = StandardScaler().fit(self._moved(array))
        return self

    def _refuse_negative(self, array: Floats) -> None:
        if self.method == "box-cox" and np.nanmin(array, initial=np.inf) <= 0:
            raise ValueError(
                "The Box-Cox transformation can only be applied to strictly positive data; use "
                "'yeo-johnson'"
            )

    def _moved(self, array: Floats) -> Floats:
        transform = box_cox if self.method == "box-cox" else yeo_johnson
        result = array.copy()
        for column, exponent in zip(result.T, self.lambdas_, strict=True):
            present = ~np.isnan(column)
            column[present] = transform(column[present], float(exponent))
        return result

    def transform(self, X: ArrayLike) -> Floats:
        """The powers of the values."""
        array = check_predict(self, X, allow_nan=True)
        self._refuse_negative(array)
        moved = self._moved(array)
        return self._scaler.transform(moved) if self.standardize else moved

    def inverse_transform(self, X: ArrayLike) -> Floats:
        """The values whose powers those are."""
        array = check_predict(self, X, allow_nan=True)
        array = self._scaler.inverse_transform(array) if self.standardize else array.copy()
        for column, exponent in zip(array.T, self.lambdas_.tolist(), strict=True):
            if self.method == "box-cox":
                column[:] = np.exp(_root(column, exponent))
                continue
            up = column >= 0
            column[up] = np.expm1(_root(column[up], exponent))
            column[~up] = -np.expm1(_root(-column[~up], 2 - exponent))
        return array
