r"""The linear support vector machine: the plane with the widest margin.

$\min_{w, b} \frac12 \|(w, b)\|^2 + C \sum_i s_i \max(0, 1 - y_i (w \cdot x_i + b))^p$: a short w is
a wide margin, $1 / \|w\|$ to each side; samples inside it, or on the wrong side, cost (Cortes and
Vapnik, "Support-vector networks", 1995). How it is solved is in
`groundup.classical.dual_coordinates`; the squared hinge with more rows than features is smooth and
small enough for Newton's method (`groundup.classical.squared_hinge`). For curved borders there are
kernels.
"""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.class_weights import weights_against_rest, weights_of_classes
from groundup.classical.dual_coordinates import linear_machine
from groundup.classical.linear_classifier import LinearClassifier
from groundup.classical.scikit_learn import as_caught_there
from groundup.classical.squared_hinge import smooth_machine
from groundup.classical.validation import (
    check_fit_classes,
    check_sample_weight,
    random_generator,
)
from groundup.maths.convergence import ConvergenceWarning

Floats = NDArray[np.float64]


class LinearSVC(LinearClassifier):
    """The linear support vector classifier, as scikit-learn's; several classes one from the rest.

    `loss`: "hinge" or "squared_hinge"; `C`: how much samples cost against the margin;
    `intercept_scaling`: the intercept is the coefficient of a feature of that value, so it is
    penalised, less so the larger the value; `class_weight`: None, "balanced", or weights by class;
    `tol`: how far slopes of the dual may differ at the end (of Newton's method: the largest slope
    over the sum of costs); `random_state`: of the order.

    Learns `coef_`, `intercept_`, `n_iter_` (passes or Newton steps, the most of any class). Warns
    (ConvergenceWarning) when `max_iter` were too few. Left out: the L1 penalty (see
    `LogisticRegression`), `dual` (always "auto"), Crammer and Singer's `multi_class`, sparse X.
    """

    n_iter_: int

    def __init__(
        self,
        *,
        loss: str = "squared_hinge",
        C: float = 1.0,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1.0,
        class_weight: Any = None,
        random_state: Any = None,
        max_iter: int = 1000,
    ) -> None:
        self.loss = loss
        self.C = C
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from X (n x f) and the classes y (n,)."""
        self._check_settings()
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        of_class = weights_of_classes(self.class_weight, self.classes_, numbers, weights)
        features = rows.shape[1]
        if self.fit_intercept:
            rows = np.column_stack([rows, np.full(len(rows), self.intercept_scaling)])
        planes = len(self.classes_) if len(self.classes_) > 2 else 1
        rng = random_generator(self.random_state)
        machines = []
        for k in range(planes) if planes > 1 else (1,):
            signs = np.where(numbers == k, 1.0, -1.0)
            costs = self.C * weights * weights_against_rest(of_class, numbers, k)
            machines.append(self._machine(rows, signs, costs, rng))
        W = np.array([w for w, _, _ in machines])
        self.coef_ = W[:, :features].copy()
        last = W[:, -1] * self.intercept_scaling
        self.intercept_ = last if self.fit_intercept else np.zeros(planes)
        self.n_iter_ = max(steps for _, steps, _ in machines)
        if not all(arrived for _, _, arrived in machines):
            warnings.warn(
                f"{self.loss} failed to converge in max_iter={self.max_iter} steps; raise "
                f"max_iter, scale the features, or lower C={self.C}",
                as_caught_there(ConvergenceWarning),
                stacklevel=2,
            )
        return self

    def _machine(
        self, X: Floats, signs: Floats, costs: Floats, rng: np.random.Generator
    ) -> tuple[Floats, int, bool]:
        """Coefficients (f,), the steps taken, whether they arrived."""
        if self.loss == "squared_hinge" and len(X) >= X.shape[1]:
            return smooth_machine(X, signs, costs, tol=self.tol, max_iter=self.max_iter)
        found = linear_machine(
            X, signs, costs, loss=self.loss, tol=self.tol, max_iter=self.max_iter, rng=rng
        )
        return found.w, found.passes, found.converged

    def _check_settings(self) -> None:
        if not (np.isfinite(self.C) and self.C > 0):
            raise ValueError(f"C is {self.C}; it must be finite and above 0")
        if not self.intercept_scaling > 0:
            raise ValueError(f"intercept_scaling is {self.intercept_scaling}; it must be above 0")
        if not self.tol > 0 or self.max_iter < 1:
            raise ValueError(
                f"tol is {self.tol} and max_iter {self.max_iter}; wanted tol > 0, max_iter >= 1"
            )
