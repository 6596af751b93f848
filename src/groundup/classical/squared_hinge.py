r"""The squared hinge, minimised as it stands, without its dual.

$g(w) = \frac12 \|w\|^2 + \sum_i C_i \max(0, 1 - y_i w \cdot x_i)^2$ has a slope everywhere, and a
curvature almost everywhere, $I + 2 \sum_{i \in A} C_i x_i x_i^T$, where A are the samples inside
the margin. Newton's method ends exactly once A is right (Chapelle, "Training a support vector
machine in the primal", 2007).
"""

import numpy as np
from numpy.typing import NDArray

from groundup.maths.line_descent import minimise_along
from groundup.maths.newton import NewtonDirection
from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def squared_hinge(margins: Floats) -> tuple[Floats, Floats]:
    r"""$\max(0, 1 - m)^2$ for each margin $m = y w \cdot x$, and its slope."""
    missed = np.maximum(0.0, 1.0 - margins)
    return missed * missed, -2.0 * missed


class SquaredHingeObjective:
    """g, its gradient and its Hessian, divided by the sum of the costs."""

    def __init__(self, X: Floats, signs: Floats, costs: Floats) -> None:
        self.X, self.signs = X, signs
        self.total = float(costs.sum())
        self.costs = costs / self.total

    def value(self, w: Floats) -> float:
        """g(w)."""
        losses, _ = squared_hinge(self.signs * (self.X @ w))
        return float(w @ w) / (2 * self.total) + float(self.costs @ losses)

    def gradient(self, w: Floats) -> Floats:
        r"""$w + \sum_i C_i \ell'(m_i) y_i x_i$."""
        _, slopes = squared_hinge(self.signs * (self.X @ w))
        result: Floats = w / self.total + (self.costs * slopes * self.signs) @ self.X
        return result

    def hessian(self, w: Floats) -> Floats:
        r"""$I + 2 \sum_{i \in A} C_i x_i x_i^T$."""
        inside = self.signs * (self.X @ w) < 1
        rows = self.X[inside]
        result: Floats = 2.0 * (rows.T * self.costs[inside]) @ rows
        return result + np.eye(len(w)) / self.total


def smooth_machine(
    X: Floats, signs: Floats, costs: Floats, *, tol: float = 1e-4, max_iter: int = 1000
) -> tuple[Floats, int, bool]:
    """The w (f,) that minimises g, Newton steps taken, whether slopes are at most tol.

    `signs`: -1 or 1 (n,); `costs`: C of each sample (n,), at least one above zero.
    """
    objective = SquaredHingeObjective(X, signs, costs)
    found = minimise_along(
        objective.value,
        objective.gradient,
        np.zeros(X.shape[1]),
        NewtonDirection(objective.hessian),
        c2=0.9,
        tolerance=tol,
        steps=max_iter,
    )
    return found.x, found.iterations, found.converged
