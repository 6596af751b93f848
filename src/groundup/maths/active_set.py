r"""Active sets: strictly convex quadratic programs, by finding out which constraints bind.

The dual method of Goldfarb and Idnani starts at the minimum under the equalities alone and adds the
most violated inequality, one at a time. With N the normals of the constraints that bind and n the
new one,

    r = (N' P^-1 N)^-1 N' P^-1 n        how prices of the old fall as the new one's rises by 1
    d = P^-1 (n - N r)                  how x moves: along the old constraints, off the new

The price of the new constraint rises until it holds; an old one whose price reaches 0 on the way
drops out. The value rises with every constraint, so no set comes twice and the end is reached in
finitely many steps, with exact multipliers. If x cannot move and no price falls, the constraints
contradict each other. Source: Goldfarb and Idnani, "A numerically stable dual method for solving
strictly convex quadratic programs" (1983). Left out: updates of the factors (each step solves
anew).
"""

from dataclasses import replace

import numpy as np

from groundup.maths.convergence import ConstrainedSolution, told
from groundup.maths.finite import Floats, positive
from groundup.maths.quadratic_program import QuadraticProgram, independent_rows, row_sizes
from groundup.swap import replaceable


class _Working:
    """The point, and the constraints that bind there with their prices; equalities come first."""

    def __init__(self, problem: QuadraticProgram, A: Floats, b: Floats) -> None:
        self.problem = problem
        self.inverse = np.linalg.inv(np.linalg.cholesky(problem.P))
        self.normals = A
        self.active: list[int] = []
        self.fixed = b.size
        free = -self._unbend(problem.q)
        pull = self._product(A, A)
        self.prices = np.linalg.solve(pull, A @ free - b) if b.size else np.zeros(0)
        self.x = free - self._unbend(A.T @ self.prices)

    def _unbend(self, v: Floats) -> Floats:
        """P^-1 v by the Cholesky factor."""
        result: Floats = self.inverse.T @ (self.inverse @ v)
        return result

    def _product(self, left: Floats, right: Floats) -> Floats:
        result: Floats = (self.inverse @ left.T).T @ (self.inverse @ right.T)
        return result

    def directions(self, normal: Floats) -> tuple[Floats, Floats]:
        """(d, r) of the module's head."""
        N = self.normals
        if N.shape[0] == 0:
            return self._unbend(normal), np.zeros(0)
        r = np.linalg.lstsq((self.inverse @ N.T), self.inverse @ normal, rcond=None)[0]
        prices = np.asarray(r, dtype=np.float64)
        return self._unbend(normal - N.T @ prices), prices

    def enforce(self, index: int) -> bool:
        """Make inequality `index` hold; False where the constraints contradict each other."""
        normal, price = self.problem.G[index], 0.0
        size = float(normal @ self._unbend(normal))
        while True:
            d, r = self.directions(normal)
            moves = float(d @ normal) > 1e-12 * size
            over = float(normal @ self.x - self.problem.h[index])
            full = max(over, 0.0) / float(d @ normal) if moves else np.inf
            falling = [k for k in range(self.fixed, r.size) if r[k] > 1e-12]
            partial, drop = min(
                ((max(self.prices[k], 0.0) / r[k], k) for k in falling), default=(np.inf, -1)
            )
            length = min(full, partial)
            if not np.isfinite(length):
                return False
            if moves:
                self.x = self.x - length * d
            self.prices, price = self.prices - length * r, price + length
            if full <= partial:
                self.normals = np.vstack([self.normals, normal])
                self.prices = np.append(self.prices, price)
                self.active.append(index)
                return True
            self.normals = np.delete(self.normals, drop, axis=0)
            self.prices = np.delete(self.prices, drop)
            del self.active[drop - self.fixed]


@replaceable
def active_set(
    problem: QuadraticProgram, *, tolerance: float = 1e-10, steps: int | None = None
) -> ConstrainedSolution:
    r"""Minimise $\frac12 x^\top Px + q^\top x$ subject to $Gx \le h$, $Ax = b$, for positive
    definite P.

    Stops where no inequality is broken by more than tolerance, relative to its own terms. The trace
    rises: it holds the minima under more and more constraints. `status` is `optimal`, `infeasible`
    or `stopped` (after `steps` constraints were added, by default 20 (m + 1)); the last two warn.
    Raises ValueError where P is not positive definite.
    """
    positive(tolerance, "tolerance")
    values = np.linalg.eigvalsh(problem.P)
    if not values[0] > 1e-13 * values[-1]:
        raise ValueError(
            f"P has eigenvalues from {values[0]:.3g} to {values[-1]:.3g}; active_set wants them "
            "above 0: use interior_point"
        )
    m = problem.h.size
    A, b, left, consistent = independent_rows(problem.A, problem.b)
    rows = row_sizes(problem.G)
    G, h = problem.G / rows[:, np.newaxis], problem.h / rows
    now = _Working(replace(problem, G=G, h=h), A, b)
    trace = [problem.value(now.x)]
    status = "stopped" if consistent else "infeasible"
    for _ in range(20 * (m + 1) if steps is None else steps):
        terms = np.abs(h) + np.abs(G) @ np.abs(now.x)
        over = (G @ now.x - h) / np.where(terms > 0, terms, 1.0)
        over[now.active] = 0.0
        if status == "infeasible" or over.max(initial=0.0) <= tolerance:
            status = "optimal" if status == "stopped" else status
            break
        if not now.enforce(int(over.argmax())):
            status = "infeasible"
            break
        trace.append(problem.value(now.x))
    z = np.zeros(m)
    z[now.active] = np.maximum(now.prices[now.fixed :], 0.0) / rows[now.active]
    words = {
        "optimal": "every constraint holds and every price is 0 or more",
        "infeasible": "no x meets the constraints; relax one of them",
        "stopped": "the steps ran out; raise them, or use interior_point",
    }
    return told(
        ConstrainedSolution(
            x=now.x,
            value=problem.value(now.x),
            iterations=len(trace) - 1,
            converged=status == "optimal",
            message=words[status],
            trace=np.array(trace),
            equality=left @ now.prices[: now.fixed],
            inequality=z,
            status=status,
        )
    )
