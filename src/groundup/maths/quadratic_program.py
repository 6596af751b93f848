r"""Quadratic and linear programs, and their duals.

    primal    min  x'Px / 2 + q'x          subject to  Gx <= h (prices z >= 0),  Ax = b (prices y)
    dual      max  -w'Pw / 2 - h'z - b'y   subject to  Pw + q + G'z + A'y = 0,  z >= 0

with P positive semidefinite (P = 0: a linear program). The dual function is the least value of the
Lagrangian $L(x, y, z) = \frac12 x^\top Px + q^\top x + z^\top(Gx - h) + y^\top(Ax - b)$ over x.
Every dual value lies below every primal one (weak duality); at the optimum they meet, and a
feasible x with a gap of 0 needs no further proof. Sources: Boyd and Vandenberghe, "Convex
optimization" (2004), chapter 5; Dorn, "Duality in quadratic programming" (1960). Left out: cones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import Floats, finite_vector
from groundup.maths.matrices import finite_matrix, symmetric_matrix
from groundup.swap import replaceable


@dataclass(frozen=True)
class QuadraticProgram:
    """A program in the form above; made by `program`, which checks it."""

    P: Floats
    """Shape (n, n), symmetric positive semidefinite."""
    q: Floats
    """Shape (n,)."""
    G: Floats
    """Shape (m, n)."""
    h: Floats
    """Shape (m,)."""
    A: Floats
    """Shape (p, n)."""
    b: Floats
    """Shape (p,)."""

    def value(self, x: Floats) -> float:
        """X'Px / 2 + q'x."""
        return float(x @ self.P @ x / 2 + self.q @ x)

    def violation(self, x: Floats) -> float:
        """The largest amount by which x breaks a constraint; 0 where it breaks none."""
        over = np.maximum(self.G @ x - self.h, 0.0)
        return float(np.concatenate([over, np.abs(self.A @ x - self.b)]).max(initial=0.0))


@replaceable
def program(
    q: ArrayLike,
    *,
    P: ArrayLike | None = None,
    G: ArrayLike | None = None,
    h: ArrayLike | None = None,
    A: ArrayLike | None = None,
    b: ArrayLike | None = None,
) -> QuadraticProgram:
    """A checked program; what is not given is absent (no P: a linear program).

    Raises ValueError for arrays that are not finite or do not fit together, for G without h or A
    without b, and for a P that is not symmetric positive semidefinite: the problem would not be
    convex, and no method here would find its minimum.
    """
    cost = finite_vector(q, "q")
    n = cost.size
    bend = np.zeros((n, n)) if P is None else symmetric_matrix(P, "P", size=n, tolerance=1e-8)
    values = np.linalg.eigvalsh(bend)
    if values[0] < -1e-10 * max(1e-300, float(np.abs(values).max())):
        raise ValueError(f"P has the eigenvalue {values[0]:.3g}; wanted positive semidefinite")
    return QuadraticProgram(bend, cost, *_pair(G, h, "G", "h", n), *_pair(A, b, "A", "b", n))


def _pair(
    left: ArrayLike | None, right: ArrayLike | None, name: str, other: str, n: int
) -> tuple[Floats, Floats]:
    if left is None and right is None:
        return np.zeros((0, n)), np.zeros(0)
    if left is None or right is None:
        raise ValueError(f"{name} and {other} belong together; pass both or neither")
    matrix = finite_matrix(left, name, columns=n)
    return matrix, finite_vector(right, other, size=matrix.shape[0])


@replaceable
def dual_value(problem: QuadraticProgram, z: ArrayLike, y: ArrayLike) -> float:
    r"""$\min_x L(x, y, z) = -\frac12 r^\top P^+ r - h^\top z - b^\top y$ with
    $r = q + G^\top z + A^\top y$.

    It is minus infinity where some z is below 0, and where r has a part along which P is flat, so
    that L falls for ever. Parts and multipliers below 1e-8 of the terms' size count as 0: what a
    solver returns is exact to its tolerance, not beyond.
    """
    price = finite_vector(z, "z", size=problem.h.size)
    rent = finite_vector(y, "y", size=problem.b.size)
    r = problem.q + problem.G.T @ price + problem.A.T @ rent
    terms = np.abs(problem.G.T) @ np.abs(price) + np.abs(problem.A.T) @ np.abs(rent)
    slack = 1e-8 * max(float(np.abs(problem.q).max()) or 1.0, float(terms.max()))
    negative = price < -1e-8 * np.abs(price).max(initial=0.0)
    values, vectors = np.linalg.eigh(problem.P)
    curved = values > 1e-10 * max(1e-300, float(values.max()))
    part = vectors.T @ r
    if negative.any() or (np.abs(part[~curved]) > slack).any():
        return -np.inf
    bend = float((part[curved] ** 2 / values[curved]).sum())
    return float(-bend / 2 - problem.h @ price - problem.b @ rent)


@replaceable
def duality_gap(problem: QuadraticProgram, x: ArrayLike, z: ArrayLike, y: ArrayLike) -> float:
    """The primal value of x less the dual value of (z, y): 0 or more for a feasible x.

    It bounds how far x is from the minimum. Infinite where the multipliers are not feasible.
    """
    point = finite_vector(x, "x", size=problem.q.size)
    return problem.value(point) - dual_value(problem, z, y)


@replaceable
def dual_program(problem: QuadraticProgram) -> QuadraticProgram:
    r"""The dual as a program of its own, a minimum over (w, z, y), whose value is minus the dual's.

    w is left out of a linear program, where it has no effect, so that the dual of a dual is again
    one of the same value.
    """
    n, m, p = problem.q.size, problem.h.size, problem.b.size
    width = n if problem.P.any() else 0
    size = width + m + p
    if size == 0:
        raise ValueError("the program has neither curvature nor constraints; it has no dual")
    bend = np.zeros((size, size))
    bend[:width, :width] = problem.P[:width, :width]
    signs = np.zeros((m, size))
    signs[:, width : width + m] = -np.eye(m)
    return program(
        np.concatenate([np.zeros(width), problem.h, problem.b]),
        P=bend,
        G=signs,
        h=np.zeros(m),
        A=np.hstack([problem.P[:, :width], problem.G.T, problem.A.T]),
        b=-problem.q,
    )


@replaceable
def independent_rows(A: Floats, b: Floats) -> tuple[Floats, Floats, Floats, bool]:
    r"""Equations with the same solutions as Ax = b whose rows are independent.

    With rows scaled to size 1 and the singular value decomposition $A = USV^\top$ cut at the rank
    they are $SV^\top x = U^\top b$. Returns both sides, the matrix that brings multipliers back
    (U over the sizes of the rows), and whether the equations are consistent.
    """
    scale = row_sizes(A)
    A, b = A / scale[:, np.newaxis], b / scale
    left, sizes, right = np.linalg.svd(A, full_matrices=False)
    rank = int((sizes > 1e-12 * max(A.shape) * sizes.max(initial=0.0)).sum())
    left, sizes, right = left[:, :rank], sizes[:rank], right[:rank]
    reduced = left.T @ b
    lost = float(np.abs(b - left @ reduced).max(initial=0.0))
    consistent = lost <= 1e-9 * float(np.abs(b).max(initial=0.0))
    return sizes[:, np.newaxis] * right, reduced, left / scale[:, np.newaxis], consistent


def row_sizes(A: Floats) -> Floats:
    """The largest absolute entry of each row; 1 for a row of zeros."""
    sizes = np.abs(A).max(axis=1, initial=0.0)
    return np.where(sizes > 0, sizes, 1.0)
