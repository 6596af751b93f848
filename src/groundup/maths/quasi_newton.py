r"""Quasi-Newton methods: the inverse Hessian, learnt from how the gradient changes.

A step s and the change y of the gradient tell that $H^{-1} y \approx s$ (the secant equation). BFGS
is the symmetric update closest to the old matrix that satisfies it, with $\rho = 1/(y \cdot s)$:

    H <- (I - rho s y') H (I - rho y s') + rho s s'          (H is the INVERSE Hessian)

It stays positive definite as long as $y \cdot s > 0$, which the strong Wolfe conditions ensure.
L-BFGS keeps the last m pairs in place of the matrix and applies H to a gradient by two loops: 4mn
multiplications. Source: Nocedal and Wright, "Numerical optimization" (2006), sections 6.1 and 7.2.
Left out: bounds (L-BFGS-B).
"""

from collections import deque

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.convergence import Solution, told
from groundup.maths.finite import Field, Floats, Scalar
from groundup.maths.line_descent import minimise_along
from groundup.maths.line_search import EPSILON
from groundup.swap import replaceable


@replaceable
def bfgs_update(inverse: Floats, s: Floats, y: Floats) -> Floats:
    r"""$(I - \rho s y^\top) H (I - \rho y s^\top) + \rho s s^\top$, shape (n, n), rho = 1/(y.s)."""
    rho = 1 / (y @ s)
    hy = inverse @ y
    mixed = np.outer(s, hy)
    second = rho * (1 + rho * (y @ hy)) * np.outer(s, s)
    updated: Floats = inverse - rho * (mixed + mixed.T) + second
    return updated


@replaceable
def two_loop(g: Floats, pairs: list[tuple[Floats, Floats]]) -> Floats:
    r"""H g from the pairs (s, y), the oldest first, without ever forming H (algorithm 7.4).

    It starts from $H_0 = \gamma I$ with $\gamma = s \cdot y / y \cdot y$ of the newest pair.
    """
    q, weights = g.copy(), []
    for s, y in reversed(pairs):
        weight = (s @ q) / (y @ s)
        q -= weight * y
        weights.append(weight)
    s, y = pairs[-1]
    r = (s @ y) / (y @ y) * q
    for (s, y), weight in zip(pairs, reversed(weights), strict=True):
        r += s * (weight - (y @ r) / (y @ s))
    return r


def has_curvature(s: Floats, y: Floats) -> bool:
    """Whether y.s is safely above 0; rounding can spoil it at the very end."""
    return bool(y @ s > EPSILON * np.linalg.norm(s) * np.linalg.norm(y))


class InverseHessian:
    """The direction of BFGS: -H g."""

    def __init__(self) -> None:
        self.matrix: Floats | None = None
        self.scaled = False

    def direction(self, x: Floats, g: Floats) -> Floats:
        """-H g, and -g before anything is learnt."""
        return -g if self.matrix is None else -(self.matrix @ g)

    def learn(self, s: Floats, y: Floats) -> None:
        """Update H. The first is scaled to the curvature just seen (equation 6.20)."""
        if has_curvature(s, y):
            if self.matrix is None:
                self.matrix = (y @ s) / (y @ y) * np.eye(s.size)
            self.matrix = bfgs_update(self.matrix, s, y)
            self.scaled = True

    def forget(self) -> None:
        """Back to the steepest descent."""
        self.matrix, self.scaled = None, False


class LimitedMemory:
    """The direction of L-BFGS: -H g by two loops over the last `memory` pairs."""

    def __init__(self, memory: int) -> None:
        self.pairs: deque[tuple[Floats, Floats]] = deque(maxlen=memory)
        self.scaled = False

    def direction(self, x: Floats, g: Floats) -> Floats:
        """-H g, and -g before anything is learnt."""
        return -two_loop(g, list(self.pairs)) if self.pairs else -g

    def learn(self, s: Floats, y: Floats) -> None:
        """Keep the pair; the oldest one falls out."""
        if has_curvature(s, y):
            self.pairs.append((s, y))
            self.scaled = True

    def forget(self) -> None:
        """Back to the steepest descent."""
        self.pairs.clear()
        self.scaled = False


@replaceable
def bfgs(
    function: Scalar,
    gradient: Field,
    start: ArrayLike,
    *,
    tolerance: float = 1e-6,
    steps: int = 10_000,
) -> Solution:
    r"""Minimise f by BFGS: superlinear, $O(n^2)$ a step and $n^2$ numbers of memory.

    Stops at $\max|\nabla f| \le$ tolerance. Returns a `Solution`; warns when it does not arrive.
    Raises ValueError for a start that is not a finite vector, or where f is not finite.
    """
    method = InverseHessian()
    return told(
        minimise_along(function, gradient, start, method, c2=0.9, tolerance=tolerance, steps=steps)
    )


@replaceable
def lbfgs(
    function: Scalar,
    gradient: Field,
    start: ArrayLike,
    *,
    memory: int = 10,
    tolerance: float = 1e-6,
    steps: int = 10_000,
) -> Solution:
    r"""Minimise f by L-BFGS: 4mn multiplications a step, with a memory of m = 3 ... 20 pairs.

    As `bfgs` otherwise. Raises ValueError for a memory below 1, too.
    """
    if memory < 1:
        raise ValueError(f"memory is {memory}; wanted 1 or more pairs")
    method = LimitedMemory(memory)
    return told(
        minimise_along(function, gradient, start, method, c2=0.9, tolerance=tolerance, steps=steps)
    )
