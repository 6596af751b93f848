r"""The conditions of Karush, Kuhn and Tucker, as numbers that must be 0 at a constrained minimum.

For min f(x) subject to c(x) = 0 and d(x) <= 0 there are multipliers y, and z >= 0, with

    stationarity       grad f + J_c' y + J_d' z = 0
    feasibility        c = 0,  d <= 0
    complementarity    z_i d_i = 0: what a constraint costs is 0 unless it binds

y and z are prices: moving the right-hand side of a constraint by one lowers or raises the minimum
by the multiplier. Where f and d are convex and c is linear the conditions prove a minimum;
otherwise they are necessary (under a constraint qualification). Source: Nocedal and Wright,
"Numerical optimization" (2006), theorem 12.1. Left out: second-order conditions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import Floats, finite_vector
from groundup.maths.matrices import finite_matrix
from groundup.swap import replaceable


@dataclass(frozen=True)
class Residuals:
    """How far each condition is from true, in the largest entry."""

    stationarity: float
    equality: float
    inequality: float
    """By how much an inequality is broken."""
    sign: float
    """By how much a multiplier of an inequality lies below 0."""
    complementarity: float

    @property
    def largest(self) -> float:
        """The worst of the five."""
        return max(float(value) for value in vars(self).values())


@replaceable
def kkt_residuals(
    gradient: ArrayLike,
    *,
    equality: ArrayLike = (),
    equality_jacobian: ArrayLike | None = None,
    equality_multipliers: ArrayLike = (),
    inequality: ArrayLike = (),
    inequality_jacobian: ArrayLike | None = None,
    inequality_multipliers: ArrayLike = (),
) -> Residuals:
    r"""The five residuals at a point, from the arrays there.

    `gradient` is that of f, shape (n,); `equality` holds c(x), shape (p,), with its Jacobian (p, n)
    and multipliers (p,); likewise for $d(x) \le 0$, m of them. Raises ValueError where shapes do
    not fit or entries are not finite.
    """
    g = finite_vector(gradient, "gradient")
    c, pull_c, _ = _terms(equality, equality_jacobian, equality_multipliers, "equality", g.size)
    d, pull_d, z = _terms(
        inequality, inequality_jacobian, inequality_multipliers, "inequality", g.size
    )
    return Residuals(
        stationarity=float(np.abs(g + pull_c + pull_d).max()),
        equality=float(np.abs(c).max(initial=0.0)),
        inequality=float(np.maximum(d, 0).max(initial=0.0)),
        sign=float(np.maximum(-z, 0).max(initial=0.0)),
        complementarity=float(np.abs(z * d).max(initial=0.0)),
    )


def _terms(
    values: ArrayLike, jacobian: ArrayLike | None, multipliers: ArrayLike, name: str, n: int
) -> tuple[Floats, Floats, Floats]:
    c = finite_vector(values, name, size=np.size(values))
    matrix = np.zeros((0, n)) if jacobian is None else jacobian
    J = finite_matrix(matrix, f"the Jacobian of the {name}", columns=n)
    if J.shape[0] != c.size:
        raise ValueError(f"{c.size} values of the {name} and {J.shape[0]} rows of its Jacobian")
    y = finite_vector(multipliers, f"the multipliers of the {name}", size=c.size)
    pull: Floats = J.T @ y
    return c, pull, y
