r"""Poisson regression: counts whose logarithm is expected to be linear.

$y \sim \mathrm{Poisson}(\mu)$ with $\ln \mu = w \cdot x + b$: features multiply what is expected.
The model is a generalised linear one with the canonical link, so the slope of its loss is
$\mu - y$, and the curvature $\mu$; Newton's method on it is iteratively reweighted least squares
(McCullagh and Nelder, "Generalized linear models", 2nd ed., 1989, sections 2.5 and 6.2).
Left out: other families (gamma, Tweedie); the binomial one is `LogisticRegression`.
"""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.linear import LinearModel
from groundup.classical.scikit_learn import as_caught_there
from groundup.classical.validation import check_fit_target, check_sample_weight
from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.line_descent import Direction, minimise_along
from groundup.maths.newton import NewtonDirection
from groundup.maths.quasi_newton import LimitedMemory
from groundup.swap import replaceable

Floats = NDArray[np.float64]
SOLVERS = ("lbfgs", "newton-cholesky")


@replaceable
def poisson_loss(eta: Floats, y: Floats) -> tuple[Floats, Floats]:
    r"""$e^\eta - y \eta$, minus the log-likelihood up to a constant, and its slope; both (n,).

    Infinite beyond $e^{300}$, where a line search should turn back before squares overflow.
    """
    mean = np.where(eta > 300, np.inf, np.exp(np.minimum(eta, 300)))
    return mean - y * eta, mean - y


@replaceable
def poisson_deviance(y: Floats, mean: Floats, sample_weight: Floats) -> float:
    r"""$2 \overline{y \ln (y / \mu) - y + \mu}$: twice the log-likelihood that is missed.

    Where y is 0 the first term is 0. `mean`: above zero, (n,), as are y and the weights.
    """
    ratio = np.where(y > 0, y, mean) / mean
    return 2.0 * float(np.average(y * np.log(ratio) - y + mean, weights=sample_weight))


class PoissonObjective:
    r"""$\sum_i s_i (e^{\eta_i} - y_i \eta_i) + \frac{\alpha}{2} \|w\|^2$, weights s of sum 1."""

    def __init__(self, rows: Floats, y: Floats, weights: Floats, penalties: Floats) -> None:
        self.rows, self.y, self.weights, self.penalties = rows, y, weights, penalties

    def value(self, x: Floats) -> float:
        """The objective at coefficients x, of which the last may be the intercept."""
        losses, _ = poisson_loss(self.rows @ x, self.y)
        return float(self.weights @ losses) + float(self.penalties @ (x * x)) / 2

    def gradient(self, x: Floats) -> Floats:
        r"""$\sum_i s_i (\mu_i - y_i) x_i + \alpha w$."""
        _, slopes = poisson_loss(self.rows @ x, self.y)
        result: Floats = (self.weights * slopes) @ self.rows + self.penalties * x
        return result

    def hessian(self, x: Floats) -> Floats:
        r"""$\sum_i s_i \mu_i x_i x_i^T + \alpha I$."""
        _, slopes = poisson_loss(self.rows @ x, self.y)
        curvatures = self.weights * (slopes + self.y)
        result: Floats = (self.rows.T * curvatures) @ self.rows
        return result + np.diag(self.penalties)


class PoissonRegressor(LinearModel):
    """Poisson regression with an L2 penalty, as scikit-learn's.

    `alpha`: the penalty, against the mean loss; `solver`: "lbfgs" or "newton-cholesky"; `tol`: the
    largest slope to stop at. The intercept has no penalty.

    Learns `coef_`, `intercept_`, `n_iter_`. Warns (ConvergenceWarning) when `max_iter` steps were
    too few. Raises ValueError for a negative y, and where all are 0. Left out: `warm_start`.
    """

    intercept_: float
    n_iter_: int

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        fit_intercept: bool = True,
        solver: str = "lbfgs",
        max_iter: int = 100,
        tol: float = 1e-4,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from X (n x f) and counts y (n,), which need not be whole."""
        self._check_settings()
        rows, target = check_fit_target(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        weights = weights / weights.sum()
        mean = float(weights @ target)
        if (target < 0).any() or not mean > 0:
            raise ValueError(
                "Some value(s) of y are out of the valid range of the loss of counts: none may be "
                "negative, and one must be above 0"
            )
        features = rows.shape[1]
        penalties, start = np.full(features, self.alpha), np.zeros(features)
        if self.fit_intercept:
            rows = np.column_stack([rows, np.ones(len(rows))])
            penalties, start = np.append(penalties, 0.0), np.append(start, np.log(mean))
        objective = PoissonObjective(rows, target, weights, penalties)
        method: Direction = LimitedMemory(10)
        if self.solver == "newton-cholesky":
            method = NewtonDirection(objective.hessian)
        found = minimise_along(
            objective.value,
            objective.gradient,
            start,
            method,
            c2=0.9,
            tolerance=self.tol,
            steps=self.max_iter,
        )
        if not found.converged:
            warnings.warn(
                f"{self.solver} failed to converge after {found.iterations} step(s); raise "
                f"max_iter={self.max_iter}, or scale the features",
                as_caught_there(ConvergenceWarning),
                stacklevel=2,
            )
        self.coef_, self.n_iter_ = found.x[:features], found.iterations
        self.intercept_ = float(found.x[features]) if self.fit_intercept else 0.0
        return self

    def _check_settings(self) -> None:
        if self.solver not in SOLVERS:
            raise ValueError(f"solver is {self.solver!r}; known are: {', '.join(SOLVERS)}")
        if not (np.isfinite(self.alpha) and self.alpha >= 0):
            raise ValueError(f"alpha is {self.alpha}; a penalty must be finite and at least 0")
        if not self.tol > 0 or self.max_iter < 1:
            raise ValueError(
                f"tol is {self.tol} and max_iter {self.max_iter}; wanted tol > 0, max_iter >= 1"
            )

    def __sklearn_tags__(self) -> Any:
        result = super().__sklearn_tags__()
        result.target_tags.positive_only = True
        return result

    def predict(self, X: ArrayLike) -> Floats:
        """The expected count of each row, (n,)."""
        return np.exp(super().predict(X))

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        r"""$D^2 = 1 - D(y, \hat\mu) / D(y, \bar y)$: as $R^2$, with deviances (`poisson_deviance`).

        Where y is constant it is 1 if the prediction is exact and 0 if not.
        """
        target = np.asarray(y, np.float64).reshape(-1)
        weights = check_sample_weight(sample_weight, target[:, None])
        missed = poisson_deviance(target, self.predict(X), weights)
        mean = np.full(len(target), np.average(target, weights=weights))
        spread = poisson_deviance(target, mean, weights) if mean[0] > 0 else 0.0
        if spread == 0:
            return 1.0 if missed == 0 else 0.0
        return 1 - missed / spread
