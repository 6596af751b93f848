r"""Logistic regression: a linear score, read as the log-odds of a class.

$\min_{W, b} C \sum_i s_i \ell(W x_i + b, y_i) + \rho \|W\|_1 + \frac{1 - \rho}{2} \|W\|^2$, where
the loss is that of `groundup.classical.logistic_loss` and $s_i$ are weights. With two classes W is
one row: moving along a feature by 1 multiplies the odds by $e^w$. The intercept has no penalty.
Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning" (2009), section 4.4.

Smooth objectives ($\rho = 0$) are minimised by L-BFGS or by Newton's method, both from
`groundup.maths`; the kink of the L1 norm needs `groundup.classical.proximal_newton`.
"""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.class_weights import sample_weights_of_classes
from groundup.classical.linear_classifier import LinearClassifier
from groundup.classical.logistic_loss import LogisticObjective, log_probabilities
from groundup.classical.proximal_newton import proximal_newton
from groundup.classical.scikit_learn import as_caught_there
from groundup.classical.validation import check_fit_classes, check_sample_weight
from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.line_descent import Direction, minimise_along
from groundup.maths.newton import NewtonDirection
from groundup.maths.quasi_newton import LimitedMemory

Floats = NDArray[np.float64]
SOLVERS = ("lbfgs", "newton-cholesky", "proximal-newton")
"""Ways to the minimum; only the last knows an L1 penalty."""


class LogisticRegression(LinearClassifier):
    """Logistic regression for two or more classes, as scikit-learn's.

    `C`: how much the samples count against the penalty (`np.inf`: no penalty); `l1_ratio`: rho;
    `class_weight`: None, "balanced", or weights by class; `tol`: the largest slope of the mean loss
    with its penalty to stop at; `warm_start`: begin from the last coefficients; `solver`: "lbfgs",
    "newton-cholesky" (fewer, dearer steps: best for few features and much data), or
    "proximal-newton", which alone takes an l1_ratio above 0.

    Learns `coef_` (k x f, one row for two classes), `intercept_`, `n_iter_`. Warns
    (ConvergenceWarning) when `max_iter` steps were too few. Raises ValueError for one class.
    Left out: the deprecated `penalty`, `dual`, the solvers liblinear, newton-cg, sag and saga with
    their `random_state` and `intercept_scaling`, sparse X.
    """

    n_iter_: NDArray[np.int64]

    def __init__(
        self,
        *,
        C: float = 1.0,
        l1_ratio: float = 0.0,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        class_weight: Any = None,
        solver: str = "lbfgs",
        max_iter: int = 100,
        warm_start: bool = False,
    ) -> None:
        self.C = C
        self.l1_ratio = l1_ratio
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.max_iter = max_iter
        self.warm_start = warm_start

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from X (n x f) and the classes y (n,)."""
        self._check_settings()
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        weights = weights * sample_weights_of_classes(
            self.class_weight, self.classes_, numbers, weights
        )
        targets = (np.arange(len(self.classes_))[:, None] == numbers).astype(np.float64)
        if len(targets) == 2:
            targets = targets[1:]
        total = float(weights.sum())
        l1, l2 = self.l1_ratio / (self.C * total), (1 - self.l1_ratio) / (self.C * total)
        objective = LogisticObjective(rows, targets, weights / total, l2, self.fit_intercept)
        W, steps, converged = self._minimise(objective, l1)
        if not converged:
            warnings.warn(
                f"{self.solver} failed to converge after {steps} step(s); raise max_iter="
                f"{self.max_iter}, scale the features, or lower C={self.C}",
                as_caught_there(ConvergenceWarning),
                stacklevel=2,
            )
        features = rows.shape[1]
        self.coef_ = W[:, :features].copy()
        self.intercept_ = W[:, features] if self.fit_intercept else np.zeros(len(W))
        if len(W) > 1:
            self.intercept_ = self.intercept_ - self.intercept_.mean()
        self.n_iter_ = np.array([steps])
        return self

    def _check_settings(self) -> None:
        if self.solver not in SOLVERS:
            raise ValueError(f"solver is {self.solver!r}; known are: {', '.join(SOLVERS)}")
        if not self.C > 0:
            raise ValueError(f"C is {self.C}; it must be above 0, and np.inf for no penalty")
        if not 0 <= self.l1_ratio <= 1:
            raise ValueError(f"l1_ratio is {self.l1_ratio}; it must be in [0, 1]")
        if self.l1_ratio > 0 and self.solver != "proximal-newton":
            raise ValueError(
                f"solver {self.solver!r} supports l1_ratio=0 only, got l1_ratio={self.l1_ratio}; "
                "use solver='proximal-newton'"
            )
        if not self.tol > 0 or self.max_iter < 1:
            raise ValueError(
                f"tol is {self.tol} and max_iter {self.max_iter}; wanted tol > 0, max_iter >= 1"
            )

    def _minimise(self, objective: LogisticObjective, l1: float) -> tuple[Floats, int, bool]:
        """Coefficients (k x f, or f + 1), the steps taken, whether they arrived."""
        start = self._start(objective.shape)
        if self.solver == "proximal-newton":
            return proximal_newton(objective, start, l1, tol=self.tol, max_iter=self.max_iter)
        method: Direction = LimitedMemory(10)
        if self.solver == "newton-cholesky":
            method = NewtonDirection(objective.hessian)
        found = minimise_along(
            objective.value,
            objective.gradient,
            start.ravel(),
            method,
            c2=0.9,
            tolerance=self.tol,
            steps=self.max_iter,
        )
        return found.x.reshape(objective.shape), found.iterations, found.converged

    def _start(self, shape: tuple[int, int]) -> Floats:
        if self.warm_start and hasattr(self, "coef_"):
            before = self.coef_
            if self.fit_intercept:
                before = np.column_stack([before, self.intercept_])
            if before.shape == shape:
                return before
        return np.zeros(shape)

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """The logarithm of each class's probability, n x k; finite also where that rounds to 0."""
        return log_probabilities(self.decision_function(X))

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Each class's probability, n x k."""
        return np.exp(self.predict_log_proba(X))
