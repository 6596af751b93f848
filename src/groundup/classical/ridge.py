r"""Ridge regression: least squares that pays for large coefficients.

$\min_w \|y - X w\|^2 + \alpha \|w\|^2$, solved by $(X^T X + \alpha I) w = X^T y$. In the axes of
$X = U S V^T$ the coefficient along axis j is that of least squares times
$s_j^2 / (s_j^2 + \alpha)$: directions in which the rows hardly vary, where noise is worst, shrink
most. The price is bias, the gain less variance (Hoerl and Kennard, "Ridge regression: biased
estimation for nonorthogonal problems", 1970; Hastie, Tibshirani and Friedman, 2009, section 3.4.1).
The intercept is not shrunk.
"""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.class_weights import sample_weights_of_classes
from groundup.classical.linear import LinearModel, centre, weigh
from groundup.classical.linear_classifier import LinearClassifier
from groundup.classical.validation import (
    check_array,
    check_fit_classes,
    check_fit_target,
    check_sample_weight,
)
from groundup.swap import replaceable

Floats = NDArray[np.float64]
SOLVERS = ("auto", "cholesky", "svd")
"""Ways to the coefficients."""


@replaceable
def ridge_by_normal_equations(X: Floats, Y: Floats, alpha: float) -> Floats:
    r"""$(X^T X + \alpha I)^{-1} X^T Y$, f x k, by way of the smaller of two systems.

    With more features than rows the same is $X^T (X X^T + \alpha I)^{-1} Y$. Fast; but products
    square the condition number. Raises LinAlgError unless the matrix is positive definite.
    """
    n, f = X.shape
    if f <= n:
        return _solve_symmetric(X.T @ X + alpha * np.eye(f), X.T @ Y)
    return X.T @ _solve_symmetric(X @ X.T + alpha * np.eye(n), Y)


def _solve_symmetric(A: Floats, B: Floats) -> Floats:
    lower = np.linalg.cholesky(A)
    half: Floats = np.linalg.solve(lower, B)
    solution: Floats = np.linalg.solve(lower.T, half)
    return solution


@replaceable
def ridge_by_svd(X: Floats, Y: Floats, alpha: float | Floats) -> Floats:
    r"""$V \mathrm{diag}(s_j / (s_j^2 + \alpha)) U^T Y$, f x k; alpha a number or one a column of Y.

    As accurate as the data allow, also with alpha = 0, where singular values below
    $\max(n, f) \epsilon s_1$ count as zero.
    """
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    kept = s > max(X.shape) * np.finfo(np.float64).eps * s[0]
    s, alphas = s[kept, None], np.broadcast_to(alpha, (Y.shape[1],))
    W: Floats = Vt[kept].T @ (s / (s**2 + alphas) * (U.T[kept] @ Y))
    return W


def ridge_trace(X: ArrayLike, y: ArrayLike, alphas: ArrayLike) -> Floats:
    """The coefficients for each alpha, a x f: one decomposition gives the whole plot.

    X and y are centred first, as `Ridge` does with an intercept.
    """
    rows = check_array(X)
    target = np.asarray(y, np.float64)
    penalties = np.asarray(alphas, np.float64).reshape(-1)
    if target.shape != (len(rows),):
        raise ValueError(f"y has the shape {target.shape}; one target a row is wanted: {len(rows)}")
    _check_penalty(penalties, len(penalties))
    rows, target, _, _ = centre(rows, target, np.ones(len(rows)))
    return ridge_by_svd(rows, np.repeat(target[:, None], len(penalties), axis=1), penalties).T


def _check_penalty(alpha: Any, outputs: int) -> Floats:
    penalty = np.asarray(alpha, np.float64)
    if penalty.ndim > 1 or (penalty.ndim == 1 and len(penalty) != outputs):
        raise ValueError(
            f"Number of targets and number of penalties do not correspond: {outputs} != "
            f"{penalty.size}; give one alpha, or one for each output"
        )
    if not (np.isfinite(penalty).all() and (penalty >= 0).all()):
        raise ValueError(f"alpha is {alpha}; a penalty must be finite and at least 0")
    return penalty


def _ridge(X: Floats, Y: Floats, alpha: Any, solver: str) -> tuple[Floats, str]:
    """Coefficients f x k, and the solver that gave them."""
    if solver not in SOLVERS:
        raise ValueError(f"solver is {solver!r}; known are: {', '.join(SOLVERS)}")
    penalty = _check_penalty(alpha, Y.shape[1])
    if penalty.ndim == 1 and (penalty == penalty[0]).all():
        penalty = penalty[0]
    if solver == "svd" or penalty.ndim == 1 or (solver == "auto" and penalty == 0):
        return ridge_by_svd(X, Y, penalty), "svd"
    try:
        return ridge_by_normal_equations(X, Y, float(penalty)), "cholesky"
    except np.linalg.LinAlgError:
        return ridge_by_svd(X, Y, penalty), "svd"


class Ridge(LinearModel):
    """Ridge regression, as scikit-learn's, for one or several outputs.

    `alpha`: the penalty, or one for each output. `solver`: "cholesky" (normal equations; where
    these are singular, SVD), "svd", or "auto": SVD where alpha is 0 or differs by output.

    Learns `coef_`, `intercept_`, and the `solver_` that was used. Left out: iterative solvers with
    their `tol`, `max_iter` and `random_state`, `positive`, `copy_X`, sparse X.
    """

    solver_: str
    tag_settings: ClassVar[dict[str, bool]] = {"multi_output": True}

    def __init__(
        self, alpha: Any = 1.0, *, fit_intercept: bool = True, solver: str = "auto"
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from X (n x f) and y, (n,) or n x k."""
        rows, target = check_fit_target(self, X, y, multi_output=True)
        weights = check_sample_weight(sample_weight, rows)
        rows, target, x_mean, y_mean = centre(rows, target, weights, self.fit_intercept)
        rows, columns = weigh(rows, target.reshape(len(rows), -1), weights)
        coef, self.solver_ = _ridge(rows, columns, self.alpha, self.solver)
        self.set_plane(
            coef.T if coef.shape[1] > 1 else coef[:, 0], x_mean, y_mean, self.fit_intercept
        )
        return self


class RidgeClassifier(LinearClassifier):
    """Ridge regression on targets of -1 and 1, one output for each class: as scikit-learn's.

    With two classes there is one output. `class_weight`: None, "balanced", or weights by class.
    Left out: as for `Ridge`.
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        class_weight: Any = None,
        solver: str = "auto",
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from X (n x f) and the classes y (n,)."""
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        weights = weights * sample_weights_of_classes(self.class_weight, self.classes_, numbers)
        targets = np.where(numbers[:, None] == np.arange(len(self.classes_)), 1.0, -1.0)
        if len(self.classes_) == 2:
            targets = targets[:, 1:]
        rows, targets, x_mean, y_mean = centre(rows, targets, weights, self.fit_intercept)
        coef, self.solver_ = _ridge(*weigh(rows, targets, weights), self.alpha, self.solver)
        self.coef_, self.intercept_ = coef.T, y_mean - coef.T @ x_mean
        return self
