r"""The augmented Lagrangian: constraints of any kind, by minimisations without constraints.

For min f(x) subject to c(x) = 0 and d(x) <= 0, add to the Lagrangian a penalty that grows:

    L(x) = f + y'c + (rho/2) |c|^2 + (1 / 2 rho) (|max(0, z + rho d)|^2 - |z|^2)

Minimise over x (by L-BFGS), then raise the prices by what is still broken,
$y \leftarrow y + \rho c$ and $z \leftarrow \max(0, z + \rho d)$, and $\rho$ itself only where that
did not help enough. A pure penalty would need $\rho \to \infty$ and an ever worse condition; the
multipliers make a finite one do. Sources: Hestenes (1969); Powell (1969); Rockafellar (1973);
Nocedal and Wright, "Numerical optimization" (2006), section 17.3. Left out: bounds as such (write
them as inequalities).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.convergence import ConstrainedSolution, told
from groundup.maths.finite import (
    Field,
    Floats,
    Scalar,
    finite_vector,
    matrix_at,
    number_at,
    positive,
    vector_at,
)
from groundup.maths.kkt import kkt_residuals
from groundup.maths.line_descent import minimise_along
from groundup.maths.quasi_newton import LimitedMemory
from groundup.swap import replaceable

Constraint = tuple[Field, Field]
"""The values, x to (p,), and their Jacobian, x to (p, n)."""
LARGEST_PENALTY = 1e12


@dataclass
class _Lagrangian:
    function: Scalar
    gradient: Field
    equality: Constraint | None
    inequality: Constraint | None
    y: Floats
    z: Floats
    rho: float

    def broken(self, x: Floats) -> tuple[Floats, Floats]:
        """c(x) and d(x)."""
        pairs = ((self.equality, self.y), (self.inequality, self.z))
        c, d = (
            np.zeros(0) if pair is None else vector_at(pair[0], x, "a constraint", price.size)
            for pair, price in pairs
        )
        return c, d

    def jacobians(self, x: Floats) -> tuple[Floats, Floats]:
        """Those of c and d."""
        pairs = ((self.equality, self.y), (self.inequality, self.z))
        J, K = (
            np.zeros((0, x.size))
            if pair is None
            else matrix_at(pair[1], x, "a Jacobian", price.size)
            for pair, price in pairs
        )
        return J, K

    def raised(self, x: Floats) -> tuple[Floats, Floats]:
        """The prices after what is broken at x."""
        c, d = self.broken(x)
        return self.y + self.rho * c, np.maximum(0.0, self.z + self.rho * d)

    def value(self, x: Floats) -> float:
        c, _ = self.broken(x)
        _, z = self.raised(x)
        penalty = self.y @ c + self.rho / 2 * (c @ c) + (z @ z - self.z @ self.z) / (2 * self.rho)
        return number_at(self.function, x) + float(penalty)

    def slope(self, x: Floats) -> Floats:
        (J, K), (y, z) = self.jacobians(x), self.raised(x)
        result: Floats = vector_at(self.gradient, x) + J.T @ y + K.T @ z
        return result

    def residual(self, x: Floats) -> float:
        """The largest KKT residual at x with the present prices."""
        (c, d), (J, K) = self.broken(x), self.jacobians(x)
        return kkt_residuals(
            vector_at(self.gradient, x),
            equality=c,
            equality_jacobian=J,
            equality_multipliers=self.y,
            inequality=d,
            inequality_jacobian=K,
            inequality_multipliers=self.z,
        ).largest


@replaceable
def augmented_lagrangian(
    function: Scalar,
    gradient: Field,
    start: ArrayLike,
    *,
    equality: Constraint | None = None,
    inequality: Constraint | None = None,
    tolerance: float = 1e-6,
    steps: int = 100,
) -> ConstrainedSolution:
    r"""Minimise f(x) subject to c(x) = 0 and d(x) <= 0, by the method of multipliers.

    `equality` is (c, its Jacobian), `inequality` (d, its Jacobian), as functions of x. Stops where
    every KKT residual is within tolerance; one step is one inner minimisation. The trace holds f.
    Returns a `ConstrainedSolution` with both kinds of multipliers; warns when it does not arrive,
    with `status` `infeasible` where the penalty grew without end. Finds a local minimum. Raises
    ValueError for a bad start, wrong shapes, or a problem without constraints.
    """
    x = finite_vector(start, "start")
    positive(tolerance, "tolerance")
    if equality is None and inequality is None:
        raise ValueError("there is no constraint; use lbfgs for a problem without any")
    counts = [0 if pair is None else np.size(pair[0](x)) for pair in (equality, inequality)]
    prices = np.zeros(counts[0]), np.zeros(counts[1])
    now = _Lagrangian(function, gradient, equality, inequality, *prices, rho=10.0)
    trace, inner, violation, status = [number_at(function, x)], 1e-2, np.inf, "stopped"
    for _ in range(steps):
        x = minimise_along(
            now.value, now.slope, x, LimitedMemory(10), c2=0.9, tolerance=inner, steps=2000
        ).x
        trace.append(number_at(function, x))
        new_y, new_z = now.raised(x)
        # the change of the prices over rho is what is broken, and what is slack at a price
        changes = np.concatenate([new_y - now.y, new_z - now.z])
        broken = float(np.abs(changes).max(initial=0.0)) / now.rho
        now.y, now.z = new_y, new_z
        if now.residual(x) <= tolerance:
            status = "optimal"
            break
        if broken > violation / 4:
            now.rho *= 10
        if now.rho > LARGEST_PENALTY:
            status = "infeasible"
            break
        violation, inner = broken, max(inner / 10, tolerance / 10)
    words = {
        "optimal": "the KKT conditions hold within tolerance",
        "infeasible": "the constraints cannot be met from here; start elsewhere, or relax them",
        "stopped": f"not within tolerance after {steps} steps; raise steps, or scale the problem",
    }
    return told(
        ConstrainedSolution(
            x=x,
            value=trace[-1],
            iterations=len(trace) - 1,
            converged=status == "optimal",
            message=words[status],
            trace=np.array(trace),
            equality=now.y,
            inequality=now.z,
            status=status,
        )
    )
