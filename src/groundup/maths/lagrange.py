r"""Lagrange multipliers: minimise f(x) where c(x) = 0, by Newton's method on the KKT equations.

At a minimum f cannot fall along the constraint surface, so its gradient is a combination of theirs.
With the Lagrangian $L(x, y) = f(x) + y^\top c(x)$ and J the Jacobian of c:

    grad f + J'y = 0,   c = 0,    and Newton's step     [ W  J' ] [  p  ]     [ grad f ]
                                                        [ J  0  ] [y_new] = - [   c    ]

with W the Hessian of L. The multiplier $y_i$ is a price: raising the right-hand side of
$c_i(x) = t$ changes the minimum by $-y_i$ per unit. For a quadratic f and linear c one step is
exact. Otherwise steps are shortened until $f + \nu\|c\|_1$ falls, and W is lifted by a multiple of
the identity until it is positive definite along the constraints, so that saddles and maxima are
not mistaken for minima. Source: Nocedal and Wright, "Numerical optimization" (2006), chapters 12,
16.1 and 18. Left out: inequalities (`interior_point`, `active_set`, `augmented_lagrangian`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths import derivatives
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
from groundup.maths.line_search import EPSILON
from groundup.maths.quadratic_program import independent_rows, program
from groundup.swap import replaceable


@replaceable
def equality_quadratic(
    P: ArrayLike, q: ArrayLike, A: ArrayLike, b: ArrayLike
) -> tuple[Floats, Floats]:
    r"""Minimise $\frac12 x^\top Px + q^\top x$ subject to $Ax = b$: (x, y), by one linear system.

    P, shape (n, n), is positive semidefinite, and positive definite where Ax = 0. Equations may
    repeat each other; y is then the shortest of the possible multipliers. Raises ValueError for
    arrays that do not fit, LinAlgError where the equations contradict each other or no single x is
    best.
    """
    problem = program(q, P=P, A=A, b=b)
    rows, right, left, consistent = independent_rows(problem.A, problem.b)
    if not consistent:
        raise np.linalg.LinAlgError("the equations A x = b contradict each other; no x solves them")
    n, p = problem.q.size, right.size
    K = np.block([[problem.P, rows.T], [rows, np.zeros((p, p))]])
    sizes = np.abs(np.linalg.eigvalsh(K))
    if sizes.min() <= 1e-13 * sizes.max():
        raise np.linalg.LinAlgError("no single x is best: P is flat along the constraints")
    solution = np.linalg.solve(K, np.concatenate([-problem.q, right]))
    x: Floats = solution[:n]
    y: Floats = left @ solution[n:]
    return x, y


@dataclass
class _Point:
    """What is known at x."""

    x: Floats
    value: float
    g: Floats
    c: Floats
    J: Floats

    def multipliers(self) -> Floats:
        """The y that bring grad f + J'y closest to 0."""
        y = np.linalg.lstsq(self.J.T, -self.g, rcond=None)[0]
        return np.asarray(y, dtype=np.float64)


class _Problem:
    def __init__(
        self, function: Scalar, gradient: Field, constraints: Field, jacobian: Field, p: int
    ) -> None:
        self.function, self.gradient = function, gradient
        self.constraints, self.jacobian, self.p = constraints, jacobian, p

    def at(self, x: Floats) -> _Point:
        return _Point(
            x,
            number_at(self.function, x),
            vector_at(self.gradient, x),
            vector_at(self.constraints, x, "the constraints", self.p),
            matrix_at(self.jacobian, x, "the Jacobian", self.p),
        )

    def merit(self, x: Floats, nu: float) -> float:
        c = vector_at(self.constraints, x, "the constraints", self.p)
        value = number_at(self.function, x) + nu * float(np.abs(c).sum())
        return value if np.isfinite(value) else np.inf


@replaceable
def newton_kkt(
    function: Scalar,
    gradient: Field,
    constraints: Field,
    jacobian: Field,
    start: ArrayLike,
    *,
    hessian: Callable[[Floats, Floats], Floats] | None = None,
    tolerance: float = 1e-8,
    steps: int = 200,
) -> ConstrainedSolution:
    r"""Minimise f(x) subject to c(x) = 0: x, and the multipliers in `equality`.

    `constraints` maps x, shape (n,), to (p,), `jacobian` to (p, n). `hessian` maps (x, y) to that
    of the Lagrangian; without it, differences of gradients are taken. `start` need not meet the
    constraints. Stops at $\max|\nabla f + J^\top y| \le$ tolerance and $\max|c| \le$ tolerance. The
    trace holds f. Returns a `ConstrainedSolution`; warns when it does not arrive, as it must where
    the constraints contradict each other. Raises ValueError for a bad start or wrong shapes.
    """
    x = finite_vector(start, "start")
    positive(tolerance, "tolerance")
    problem = _Problem(function, gradient, constraints, jacobian, np.size(constraints(x)))
    now = problem.at(x)
    if not all(np.isfinite(part).all() for part in (now.value, now.g, now.c, now.J)):
        raise ValueError("f, c or a derivative is not finite at the start; start elsewhere")
    y, trace, nu = now.multipliers(), [now.value], 1.0
    message = f"not within tolerance after {steps} steps; raise steps, or start closer"
    for _ in range(steps):
        if _arrived(now, y, tolerance):
            break
        W = _lagrangian_hessian(problem, hessian, now.x, y)
        p, new_y = _kkt_step(now, W)
        # it may fall again: a weight left over from far away would keep steps short for ever
        nu = max(nu / 2, _weight(now, p, new_y))
        moved = _search(problem, now, p, nu)
        if moved is None:
            message = (
                "no step lowers f and the constraints together; they may contradict each other"
            )
            break
        now = problem.at(moved)
        y = now.multipliers()
        trace.append(now.value)
    arrived = _arrived(now, y, tolerance)
    return told(
        ConstrainedSolution(
            x=now.x,
            value=now.value,
            iterations=len(trace) - 1,
            converged=arrived,
            message="the KKT conditions hold within tolerance" if arrived else message,
            trace=np.array(trace),
            equality=y,
            status="optimal" if arrived else "stopped",
        )
    )


def _arrived(at: _Point, y: Floats, tolerance: float) -> bool:
    still = np.abs(at.g + at.J.T @ y).max() <= tolerance
    return bool(still and np.abs(at.c).max(initial=0.0) <= tolerance)


def _lagrangian_hessian(
    problem: _Problem, hessian: Callable[[Floats, Floats], Floats] | None, x: Floats, y: Floats
) -> Floats:
    if hessian is not None:
        W = matrix_at(lambda at: hessian(at, y), x, "the Hessian", x.size)
    else:
        W = derivatives.jacobian(lambda at: problem.gradient(at) + problem.jacobian(at).T @ y, x)
    return (W + W.T) / 2


def _kkt_step(at: _Point, W: Floats) -> tuple[Floats, Floats]:
    """Newton's step and the new multipliers, W lifted until it is convex along the constraints."""
    _, sizes, rows = np.linalg.svd(at.J, full_matrices=True)
    rank = int((sizes > 1e-12 * sizes.max(initial=0.0)).sum())
    along = rows[rank:]
    lowest = float(np.linalg.eigvalsh(along @ W @ along.T).min(initial=np.inf))
    floor = 1e-8 * max(1.0, float(np.abs(W).max()))
    # a concave direction is followed as if it were as steeply convex
    lift = 0.0 if lowest > floor else max(-2 * lowest, 1e4 * floor)
    n, p = at.g.size, at.c.size
    K = np.block([[W + lift * np.eye(n), at.J.T], [at.J, np.zeros((p, p))]])
    solution: Floats = np.linalg.lstsq(K, -np.concatenate([at.g, at.c]), rcond=None)[0]
    return solution[:n], solution[n:]


def _weight(at: _Point, p: Floats, y: Floats) -> float:
    """A nu with which f + nu |c| falls along p: above the prices, and so that its slope,
    g.p - nu |c|, is at most -nu |c| / 2 (equation 18.36).
    """
    prices = 1.5 * float(np.abs(y).max(initial=0.0))
    broken = float(np.abs(at.c).sum())
    return max(prices, 2 * float(at.g @ p) / broken) if broken > 1e-12 else prices


def _search(problem: _Problem, at: _Point, p: Floats, nu: float) -> Floats | None:
    """The first of x + p, its correction, x + p/2, ... at which the merit falls enough."""
    start = at.value + nu * float(np.abs(at.c).sum())
    slope = float(at.g @ p) - nu * float(np.abs(at.c).sum())
    rounding = 8 * EPSILON * (abs(start) + nu)

    def falls(x: Floats, length: float) -> bool:
        return problem.merit(x, nu) <= start + 1e-4 * length * min(slope, 0.0) + rounding

    if falls(at.x + p, 1.0):
        return at.x + p
    # back onto the curved surface: without it full steps may be refused for ever (Maratos)
    c = vector_at(problem.constraints, at.x + p, "the constraints", problem.p)
    if np.isfinite(c).all():
        bent = at.x + p - np.linalg.pinv(at.J) @ c
        if falls(bent, 1.0):
            return bent
    length = 0.5
    while length > 1e-12:
        if falls(at.x + length * p, length):
            return at.x + length * p
        length /= 2
    return None
