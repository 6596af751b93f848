"""Two vectors: their inner product, the angle between them, the part of one along the other.

Axler, "Linear Algebra Done Right" (4th ed., 2024), chapter 6; the angle after Kahan, "How futile
are mindless assessments of roundoff" (2006), section 12. Fast twin: `numpy.vdot`. Left out:
complex vectors.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.cholesky import cholesky
from groundup.maths.finite import finite_vector
from groundup.maths.matrices import Floats, unit_scale
from groundup.swap import replaceable


@replaceable
def inner_product(x: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> float:
    r"""$\langle x, y\rangle = \sum_i x_i y_i$, or $x^\top W y$ with a weight W, of shapes (n,).

    W, shape (n, n), must be symmetric positive definite, or <x, x> would not be a length squared:
    LinAlgError otherwise. With W = LL' it is the plain inner product of L'x and L'y.
    """
    x, y = _pair(x, y)
    if weight is not None:
        Lt = _root(weight, x.size).T
        x, y = Lt @ x, Lt @ y
    return float(x @ y)


def length(x: ArrayLike, weight: ArrayLike | None = None) -> float:
    r"""$\sqrt{\langle x, x\rangle}$, shape (n,), in the inner product of `weight`."""
    scaled, exponent = unit_scale(finite_vector(x, "x"))
    return math.ldexp(math.sqrt(inner_product(scaled, scaled, weight)), exponent)


@replaceable
def angle(x: ArrayLike, y: ArrayLike) -> float:
    r"""The angle between two vectors of shape (n,), in radians, from 0 to pi.

    $2\,\mathrm{atan2}(\lVert u - v\rVert, \lVert u + v\rVert)$ with the unit vectors u and v. The
    formula of the textbooks, arccos(u'v), loses half the digits of a small angle. Raises
    ValueError for a zero vector, which has no direction.
    """
    x, y = _pair(x, y)
    u, v = _direction(x, "x"), _direction(y, "y")
    return 2 * math.atan2(length(u - v), length(u + v))


def cosine_similarity(x: ArrayLike, y: ArrayLike) -> float:
    """Cosine of the angle, <x, y> / (||x|| ||y||), from -1 to 1. ValueError for a zero vector."""
    x, y = _pair(x, y)
    return max(-1.0, min(1.0, float(_direction(x, "x") @ _direction(y, "y"))))


@replaceable
def project(x: ArrayLike, onto: ArrayLike) -> Floats:
    r"""The point of the line through 0 and `onto` nearest to x: $(u^\top x) u$, shape (n,).

    What is left, x minus it, is orthogonal to `onto`. Raises ValueError where `onto` is zero. For a
    subspace of more dimensions see `subspaces.project`.
    """
    x, onto = _pair(x, onto)
    u = _direction(onto, "onto")
    return (u @ x) * u


def are_orthogonal(x: ArrayLike, y: ArrayLike, tolerance: float = 1e-12) -> bool:
    """Whether |<x, y>| <= tolerance ||x|| ||y||; the zero vector is orthogonal to all."""
    x, y = (unit_scale(vector)[0] for vector in _pair(x, y))
    return abs(float(x @ y)) <= tolerance * length(x) * length(y)


def _pair(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    first = finite_vector(x, "x")
    return first, finite_vector(y, "y", size=first.size)


def _direction(x: Floats, name: str) -> Floats:
    if not x.any():
        raise ValueError(f"{name} is the zero vector, which has no direction; pass another one")
    scaled = unit_scale(x)[0]
    return scaled / np.sqrt(scaled @ scaled)


def _root(weight: ArrayLike, size: int) -> Floats:
    L = cholesky(weight)
    if len(L) != size:
        raise ValueError(f"weight has shape {L.shape}; wanted ({size}, {size})")
    return L
