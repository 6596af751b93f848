r"""Linear regression: the plane that is nearest to the targets, by least squares.

$\min_{w, b} \sum_i s_i (y_i - w \cdot x_i - b)^2$, with weights $s_i$ of the samples. The best
intercept puts the plane through the means, $b = \bar y - w \cdot \bar x$; so both are taken away
first, and what is left is a least-squares problem without intercept (Hastie, Tibshirani and
Friedman, "The Elements of Statistical Learning", 2nd ed., 2009, section 3.2).

Where features are more than rows, or depend on one another, many planes are equally near; of these
the one of least $\|w\|$ is taken. LAPACK's SVD does the work through NumPy; `groundup.maths` has
the decompositions to be read.
"""

from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Regressor
from groundup.classical.validation import check_fit_target, check_predict, check_sample_weight
from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def ordinary_least_squares(X: Floats, Y: Floats) -> tuple[Floats, int, Floats]:
    r"""The W (f x k) of least norm that minimises $\|X W - Y\|_F$; also X's rank, singular values.

    $W = V S^+ U^T Y$ with $X = U S V^T$ (n x f), where singular values below
    $\max(n, f) \epsilon s_1$ count as zero.
    """
    solution: tuple[Floats, Floats, int, Floats] = np.linalg.lstsq(X, Y, rcond=None)  # type: ignore[assignment]
    W, _, rank, singular_values = solution
    return W, int(rank), singular_values


@replaceable
def centre(
    X: Floats, y: Floats, sample_weight: Floats, fit_intercept: bool = True
) -> tuple[Floats, Floats, Floats, Floats]:
    """X and y less their weighted means, and these means; without intercept, means of zero."""
    if not fit_intercept:
        return X, y, np.zeros(X.shape[1]), np.zeros(y.shape[1:])
    shares = sample_weight / sample_weight.sum()
    x_mean, y_mean = shares @ X, np.asarray(shares @ y, np.float64)
    X, y = X - x_mean, y - y_mean
    # what rounding left in a mean is left in every row; a second pass takes it away
    x_left, y_left = shares @ X, shares @ y
    X -= x_left
    y -= y_left
    return X, y, x_mean + x_left, y_mean + y_left


def weigh(X: Floats, y: Floats, sample_weight: Floats) -> tuple[Floats, Floats]:
    r"""Rows times $\sqrt{s_i}$: so squares get the weights $s_i$."""
    if (sample_weight == 1).all():
        return X, y
    root = np.sqrt(sample_weight)
    return X * root[:, None], y * (root if y.ndim == 1 else root[:, None])


class LinearModel(Regressor):
    r"""A regressor that predicts $w \cdot x + b$; a member sets `coef_` and `intercept_` in `fit`.

    With one output `coef_` has shape (f,) and `intercept_` is a number; with k outputs they have
    the shapes (k, f) and (k,). Without an intercept that is 0.
    """

    coef_: Floats
    intercept_: float | Floats

    def predict(self, X: ArrayLike) -> Floats:
        """The value of the plane at each row of X: (n,), or n x k."""
        rows: Floats = check_predict(self, X)
        values: Floats = rows @ self.coef_.T + self.intercept_
        return values

    def set_plane(self, coef: Floats, x_mean: Floats, y_mean: Floats, fit_intercept: bool) -> None:
        """Keep the slopes, (f,) or (k, f), and the intercept that goes through the means."""
        self.coef_ = coef
        intercept = y_mean - coef @ x_mean if fit_intercept else 0.0
        self.intercept_ = intercept if np.ndim(intercept) else float(intercept)


class LinearRegression(LinearModel):
    """Ordinary least squares, as scikit-learn's, for one or several outputs.

    Learns `coef_`, `intercept_` (0 without `fit_intercept`), and of the centred X its `rank_` and
    `singular_` values. Left out: `positive`, `copy_X` (X is never changed), `n_jobs`, sparse X.
    """

    rank_: int
    singular_: Floats

    def __init__(self, *, fit_intercept: bool = True) -> None:
        self.fit_intercept = fit_intercept

    tag_settings: ClassVar[dict[str, bool]] = {"multi_output": True}

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from X (n x f) and y, (n,) or n x k."""
        rows, target = check_fit_target(self, X, y, multi_output=True)
        weights = check_sample_weight(sample_weight, rows)
        rows, target, x_mean, y_mean = centre(rows, target, weights, self.fit_intercept)
        coef, self.rank_, self.singular_ = ordinary_least_squares(*weigh(rows, target, weights))
        self.set_plane(coef.T, x_mean, y_mean, self.fit_intercept)
        return self
