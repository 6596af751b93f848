r"""Interior points: convex quadratic and linear programs, through the middle of what is feasible.

With slacks $s = h - Gx$ the KKT conditions (`kkt`) are equations, but for $s, z \ge 0$ and
$s_i z_i = 0$. Newton's method walks towards $s_i z_i = \mu$ and lets $\mu \to 0$. Mehrotra's
steps: first aim at $\mu = 0$ (the prediction); from how far that got, choose
$\sigma = (\mu_{aff}/\mu)^3$; then aim at $\sigma\mu$, correcting for the product $ds_i\,dz_i$ that
Newton neglects. Each system is

    [ P  A'  G'       ] [dx]
    [ A  0   0        ] [dy]  = right-hand side
    [ G  0  -diag(s/z)] [dz]

Ten to thirty steps whatever the size. Infeasible and unbounded programs are recognised by their
certificates, towards which the iterates diverge. Sources: Mehrotra, "On the implementation of a
primal-dual interior point method" (1992); Boyd and Vandenberghe, "Convex optimization" (2004),
chapter 11. Left out: sparse matrices, warm starts (see `active_set`).
"""

from dataclasses import dataclass, replace

import numpy as np

from groundup.maths.convergence import ConstrainedSolution, told
from groundup.maths.finite import Floats, positive
from groundup.maths.quadratic_program import QuadraticProgram, independent_rows, row_sizes
from groundup.swap import replaceable

WORDS = {
    "optimal": "all residuals and the gap are within tolerance",
    "infeasible": "no x meets the constraints; relax one that has a large multiplier",
    "unbounded": "the function falls for ever within the constraints; bound the variables",
}
PATIENCE = 40
"""Steps after which predictions are no longer trusted: each then aims at a third of mu."""


@dataclass(frozen=True)
class _State:
    x: Floats
    y: Floats
    z: Floats
    s: Floats

    @property
    def mu(self) -> float:
        return float(self.s @ self.z) / max(1, self.s.size)


@replaceable
def interior_point(
    problem: QuadraticProgram, *, tolerance: float = 1e-9, steps: int = 100
) -> ConstrainedSolution:
    r"""Minimise $\frac12 x^\top Px + q^\top x$ subject to $Gx \le h$, $Ax = b$.

    Stops where every residual and the gap $s^\top z$ are within tolerance, relative to the data.
    `status` is `optimal`, `infeasible`, `unbounded` or `stopped`; all but the first warn. The trace
    holds the value, which may rise while the iterates are not yet feasible. Where several x are
    best, one in the middle of them is returned; multipliers: `inequality` z, `equality` y.
    """
    positive(tolerance, "tolerance")
    A, b, left, consistent = independent_rows(problem.A, problem.b)
    rows_of_G = row_sizes(problem.G)
    G, h = problem.G / rows_of_G[:, np.newaxis], problem.h / rows_of_G
    # directions that neither the curvature nor any constraint sees are taken out
    bend = problem.P / (_size(problem.P) or 1.0)
    _, sizes, rows = np.linalg.svd(np.vstack([bend, A, G]), full_matrices=False)
    basis = rows[sizes > 1e-12 * max(1e-300, float(sizes.max(initial=0.0)))]
    P, q = basis @ problem.P @ basis.T, basis @ problem.q
    falls = bool(np.abs(problem.q - basis.T @ q).max() > 1e-9 * np.abs(problem.q).max())
    small = QuadraticProgram(P, q, G @ basis.T, h, A @ basis.T, b)
    state, status, trace = _solve_in_good_units(small, tolerance, steps)
    if not consistent:
        status = "infeasible"
    elif falls and status == "optimal":
        status = "unbounded"
    x = basis.T @ state.x
    words = WORDS.get(status, f"not within tolerance after {steps} steps; rescale the problem")
    return told(
        ConstrainedSolution(
            x=x,
            value=problem.value(x),
            iterations=trace.size - 1,
            converged=status == "optimal",
            message=words,
            trace=trace,
            equality=left @ state.y,
            inequality=state.z / rows_of_G,
            status=status,
        )
    )


def _solve_in_good_units(
    problem: QuadraticProgram, tolerance: float, steps: int
) -> tuple[_State, str, Floats]:
    """Solve in the units of the largest bound, then in those of the solution if it is far smaller.

    A bound of 1e10 that stands for none must not make 1e-9 of it the accuracy of an x of size 1.
    """
    unit = _size(problem.h, problem.b) or 1.0
    found = _solve_in_units(problem, unit, tolerance, steps)
    if found[1] == "unbounded":
        # a direction of endless fall is of use only from a feasible point: look for the shortest
        shortest = replace(problem, P=np.eye(problem.q.size), q=0 * problem.q)
        if _solve_in_units(shortest, unit, tolerance, steps)[1] != "optimal":
            return found[0], "infeasible", found[2]
    for _ in range(4):
        size = max(_size(found[0].x), 1e-6 * unit)
        if found[1] != "optimal" or size > unit / 100:
            break
        unit = size
        finer = _solve_in_units(problem, unit, tolerance, steps)
        found = finer if finer[1] == "optimal" else found
    return found


def _solve_in_units(
    problem: QuadraticProgram, unit: float, tolerance: float, steps: int
) -> tuple[_State, str, Floats]:
    """Solve for x / unit, with the costs scaled to size 1, so that tolerances mean something."""
    cost = max(_size(problem.q), unit * _size(problem.P)) or 1.0
    scaled = replace(
        problem,
        P=problem.P * (unit / cost),
        q=problem.q / cost,
        h=problem.h / unit,
        b=problem.b / unit,
    )
    at, status, trace = _iterate(scaled, tolerance, steps)
    state = _State(unit * at.x, cost * at.y, cost * at.z, unit * at.s)
    return state, status, unit * cost * np.array(trace)


def _iterate(
    problem: QuadraticProgram, tolerance: float, steps: int
) -> tuple[_State, str, list[float]]:
    state = _start(problem)
    trace = [problem.value(state.x)]
    for count in range(steps):
        status = _status(problem, state, tolerance)
        if status != "stopped":
            return state, status, trace
        # Mehrotra's steps are fast, and in rare cases go in circles
        state = _step(problem, state, count >= PATIENCE)
        trace.append(problem.value(state.x))
    return state, _status(problem, state, tolerance), trace


def _start(problem: QuadraticProgram) -> _State:
    """The minimum of the Lagrangian with squared slacks, then slacks and prices pushed well above
    0.
    """
    m = problem.h.size
    x, y, z = _solve(problem, np.ones(m), -problem.q, problem.b, problem.h)
    s = problem.h - problem.G @ x

    def lifted(part: Floats) -> Floats:
        lowest = float(part.min(initial=np.inf))
        return part if lowest > 1e-3 else part + (1 - lowest)

    return _State(x, y, lifted(z), lifted(s))


def _solve(
    problem: QuadraticProgram, ratio: Floats, *right: Floats
) -> tuple[Floats, Floats, Floats]:
    n, p, m = problem.q.size, problem.b.size, problem.h.size
    K = np.zeros((n + p + m, n + p + m))
    K[:n, :n] = problem.P
    K[n : n + p, :n], K[:n, n : n + p] = problem.A, problem.A.T
    K[n + p :, :n], K[:n, n + p :] = problem.G, problem.G.T
    K[n + p :, n + p :] = -np.diag(ratio)
    try:
        found = np.linalg.solve(K, np.concatenate(right))
    except np.linalg.LinAlgError:
        found = np.linalg.lstsq(K, np.concatenate(right), rcond=None)[0]
    solution = np.asarray(found, dtype=np.float64)
    return solution[:n], solution[n : n + p], solution[n + p :]


def _residuals(problem: QuadraticProgram, at: _State) -> tuple[Floats, Floats, Floats]:
    dual = problem.P @ at.x + problem.q + problem.G.T @ at.z + problem.A.T @ at.y
    return dual, problem.A @ at.x - problem.b, problem.G @ at.x + at.s - problem.h


def _size(*parts: Floats) -> float:
    return max((float(np.abs(part).max(initial=0.0)) for part in parts), default=0.0)


def _status(problem: QuadraticProgram, at: _State, tolerance: float) -> str:
    dual, equality, inequality = _residuals(problem, at)
    Px, Gz, Ay = problem.P @ at.x, problem.G.T @ at.z, problem.A.T @ at.y
    # each residual is compared with the terms that it is the difference of
    fits = _size(dual) <= tolerance * (1 + _size(problem.q, Px, Gz, Ay))
    fits &= bool((np.abs(equality) <= tolerance * (1 + np.abs(problem.b))).all())
    fits &= bool((np.abs(inequality) <= tolerance * (1 + np.abs(problem.h))).all())
    if fits and at.s @ at.z <= tolerance * (1 + abs(problem.value(at.x))):
        return "optimal"
    # Farkas: z >= 0 with G'z + A'y = 0 and h'z + b'y < 0 contradict every x; with the sum that
    # small
    # and not 0 they contradict every x below 1e7
    lack = -float(problem.h @ at.z + problem.b @ at.y)
    if lack > 0 and _size(Gz + Ay) <= 1e-7 * lack and _size(at.z, at.y) > 1e4:
        return "infeasible"
    # a direction x that stays feasible, along which the function falls in a straight line
    fall = -float(problem.q @ at.x)
    seen = _size(Px, problem.A @ at.x, problem.G @ at.x + at.s)
    if fall > 0 and seen <= 1e-7 * fall and _size(at.x) > 1e4:
        return "unbounded"
    return "stopped"


def _step(problem: QuadraticProgram, at: _State, careful: bool) -> _State:
    dual, equality, inequality = _residuals(problem, at)

    def direction(products: Floats) -> _State:
        """Newton's step towards s_i z_i = s_i z_i - products_i and residuals of 0."""
        dx, dy, dz = _solve(problem, at.s / at.z, -dual, -equality, products / at.z - inequality)
        return _State(dx, dy, dz, -(products + at.s * dz) / at.z)

    if at.s.size == 0:
        step = direction(np.zeros(0))
        return _State(at.x + step.x, at.y + step.y, at.z, at.s)
    guess = direction(at.s * at.z)
    reach = min(1.0, _longest(at, guess))
    after = float((at.s + reach * guess.s) @ (at.z + reach * guess.z)) / at.s.size
    if careful:
        step = direction(at.s * at.z - at.mu / 3)
    else:
        target = (after / at.mu) ** 3 * at.mu
        step = direction(at.s * at.z + guess.s * guess.z - target)
    length = min(1.0, 0.99 * _longest(at, step))
    return replace(
        at,
        x=at.x + length * step.x,
        y=at.y + length * step.y,
        z=at.z + length * step.z,
        s=at.s + length * step.s,
    )


def _longest(at: _State, step: _State) -> float:
    """How far until a slack or a price reaches 0; infinite where none shrinks."""
    now, change = np.concatenate([at.s, at.z]), np.concatenate([step.s, step.z])
    shrinking = change < 0
    return float((-now[shrinking] / change[shrinking]).min(initial=np.inf))
