r"""Is it convex? Three equivalent tests, each of which returns a counterexample or none.

    chord      f(t a + (1 - t) b) <= t f(a) + (1 - t) f(b)          no derivative
    tangent    f(b) >= f(a) + grad f(a).(b - a)                     one
    Hessian    every eigenvalue of H(a) is 0 or more                two

A counterexample is proof; that none was found among random points is not. Convexity is what makes a
local minimum global. Two numbers say how well a convex f can be minimised: with
$\mu I \preceq H \preceq L I$ (mu-strongly convex, L-smooth), methods of first order need about
$\kappa = L/\mu$ steps, or $\sqrt\kappa$ with momentum. Also here: the convex conjugate
$f^*(s) = \sup_x s x - f(x)$, convex whatever f is. Source: Boyd and Vandenberghe, "Convex
optimization" (2004), chapter 3. Left out: rules that prove convexity from a formula.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import (
    Field,
    Floats,
    Scalar,
    finite_array,
    finite_vector,
    matrix_at,
    number_at,
    vector_at,
)
from groundup.maths.matrices import symmetric_matrix
from groundup.swap import replaceable

SLACK = 1e-9
"""Relative to the largest value seen: what rounding may do to a test."""


@dataclass(frozen=True)
class Counterexample:
    """Two points (for the Hessian: one, twice) at which an inequality of the module's head
    fails.
    """

    a: Floats
    b: Floats
    excess: float
    """By how much it fails, above 0; for the Hessian, the negative eigenvalue's size."""


def _pairs(
    low: ArrayLike, high: ArrayLike, trials: int, rng: np.random.Generator | int | None
) -> tuple[Floats, Floats, Floats]:
    below = finite_vector(low, "low")
    above = finite_vector(high, "high", size=below.size)
    if not (below <= above).all():
        raise ValueError("low is above high somewhere; such a box is empty")
    if trials < 1:
        raise ValueError(f"trials is {trials}; wanted 1 or more")
    random = np.random.default_rng(rng)
    a, b = random.uniform(below, above, size=(2, trials, below.size))
    return a, b, random.uniform(size=trials)


def _values(function: Scalar, points: Floats) -> Floats:
    return np.array([number_at(function, point) for point in points])


def _worst(a: Floats, b: Floats, excess: Floats, values: Floats) -> Counterexample | None:
    """The pair with the largest excess, if that is more than rounding."""
    if not np.isfinite(excess).all():
        raise ValueError("the function is not finite everywhere in the box; choose a smaller one")
    worst = int(excess.argmax())
    if excess[worst] <= SLACK * np.abs(values).max():
        return None
    return Counterexample(a[worst], b[worst], float(excess[worst]))


@replaceable
def chord_counterexample(
    function: Scalar,
    low: ArrayLike,
    high: ArrayLike,
    *,
    trials: int = 1000,
    rng: np.random.Generator | int | None = None,
) -> Counterexample | None:
    """Two points of the box low <= x <= high whose chord runs below f somewhere; None if none.

    Raises ValueError for a box that is empty or not finite, here and in the tests below.
    """
    a, b, t = _pairs(low, high, trials, rng)
    between = t[:, np.newaxis] * a + (1 - t)[:, np.newaxis] * b
    f_a, f_b, f_between = (_values(function, points) for points in (a, b, between))
    return _worst(a, b, f_between - t * f_a - (1 - t) * f_b, f_a)


@replaceable
def tangent_counterexample(
    function: Scalar,
    gradient: Field,
    low: ArrayLike,
    high: ArrayLike,
    *,
    trials: int = 1000,
    rng: np.random.Generator | int | None = None,
) -> Counterexample | None:
    """Two points such that f at b lies below the tangent at a; None if none was found."""
    a, b, _ = _pairs(low, high, trials, rng)
    f_a, f_b = _values(function, a), _values(function, b)
    rises = np.array([vector_at(gradient, p) @ (r - p) for p, r in zip(a, b, strict=True)])
    return _worst(a, b, f_a + rises - f_b, f_a)


@replaceable
def hessian_counterexample(
    hessian: Field,
    low: ArrayLike,
    high: ArrayLike,
    *,
    trials: int = 1000,
    rng: np.random.Generator | int | None = None,
) -> Counterexample | None:
    """A point at which the Hessian has an eigenvalue below 0; None if none was found."""
    for a, _, _ in zip(*_pairs(low, high, trials, rng), strict=True):
        H = matrix_at(hessian, a, "the Hessian", a.size)
        values = np.linalg.eigvalsh((H + H.T) / 2)
        if values[0] < -SLACK * np.abs(values).max():
            return Counterexample(a, a, float(-values[0]))
    return None


@replaceable
def is_positive_semidefinite(A: ArrayLike, *, slack: float = 1e-10) -> bool:
    """Whether no eigenvalue of a symmetric A, shape (n, n), lies below -slack max|eigenvalue|.

    The matrix of no rows is: it has no eigenvalue.
    """
    values = np.linalg.eigvalsh(symmetric_matrix(A, "A"))
    return bool(values.min(initial=0.0) >= -slack * np.abs(values).max(initial=0.0))


@replaceable
def strong_convexity_and_smoothness(
    hessian: Field,
    low: ArrayLike,
    high: ArrayLike,
    *,
    trials: int = 1000,
    rng: np.random.Generator | int | None = None,
) -> tuple[float, float]:
    r"""The smallest and largest eigenvalue of the Hessian seen in the box: (mu, L), from inside.

    The true mu is at most, the true L at least, what is returned; for a quadratic they are equal.
    """
    ends = []
    for a, _, _ in zip(*_pairs(low, high, trials, rng), strict=True):
        H = matrix_at(hessian, a, "the Hessian", a.size)
        ends.append(np.linalg.eigvalsh((H + H.T) / 2)[[0, -1]])
    return float(np.min(ends)), float(np.max(ends))


@replaceable
def conjugate_on_grid(x: ArrayLike, values: ArrayLike, slopes: ArrayLike) -> Floats:
    r"""$f^*(s) = \max_i s x_i - f(x_i)$ over a grid, for every slope s: shape that of `slopes`.

    The exact conjugate of f restricted to the grid; of f itself, off by $O(h^2)$ for a grid of
    spacing h. Twice over gives the largest convex function below f. Raises ValueError where x and
    values differ in length.
    """
    points = finite_vector(x, "x")
    heights = finite_vector(values, "values", size=points.size)
    s = finite_array(slopes, "slopes")
    lines: Floats = s[..., np.newaxis] * points - heights
    best: Floats = lines.max(axis=-1)
    return best


@replaceable
def fenchel_gap(
    function: Callable[[float], float], conjugate: Callable[[float], float], x: float, s: float
) -> float:
    r"""$f(x) + f^*(s) - sx \ge 0$ (Fenchel-Young); 0 exactly where s is a subgradient at x."""
    return float(function(x) + conjugate(s) - s * x)
