"""A few eigenvalues by multiplying again and again: power, inverse, Rayleigh, orthogonal iteration.

Trefethen and Bau, "Numerical Linear Algebra" (1997), lectures 27 and 28; Saad, "Numerical Methods
for Large Eigenvalue Problems" (2011), chapter 4. Each stops when ||A x - value x|| <= tolerance
||A||_F: then the value and vector are exact for a matrix that near to A. Otherwise it warns with
`ConvergenceWarning` and returns where it stopped. PageRank and the spectral norm of a large layer
are found this way. Fast twin: `scipy.sparse.linalg.eigs`. Left out: Krylov methods (Lanczos,
Arnoldi), complex starts, and complex pairs, whose plane `orthogonal_iteration` finds.
"""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.finite import finite_vector
from groundup.maths.lu import solve
from groundup.maths.matrices import (
    EPS,
    Floats,
    real_number,
    rescaled,
    square_matrix,
    unit_scale,
    whole_number,
)
from groundup.maths.qr import qr
from groundup.swap import replaceable

Seed = np.random.Generator | int | None
Improve = Callable[[Floats, Floats, float], Floats]
"""The next vector from the matrix, the vector and its Rayleigh quotient."""


class EigenPair(NamedTuple):
    """One eigenvalue and its vector, as far as the iteration came."""

    value: float
    """The Rayleigh quotient of the vector."""
    vector: Floats
    """Of length 1, shape (n,)."""
    residual: float
    """||A x - value x||."""
    iterations: int
    """How many products (or solutions) it took."""
    converged: bool
    """Whether the residual is within the tolerance."""


class InvariantSubspace(NamedTuple):
    """An orthonormal basis that A maps into its own span: A Q = Q B."""

    Q: Floats
    """Orthonormal columns, shape (n, k)."""
    B: Floats
    """Q'A Q, shape (k, k): its eigenvalues are eigenvalues of A."""
    residual: float
    """||A Q - Q B|| in the Frobenius norm."""
    iterations: int
    """How many products it took."""
    converged: bool
    """Whether the residual is within the tolerance."""


@replaceable
def rayleigh_quotient(A: ArrayLike, x: ArrayLike) -> float:
    r"""$x^\top A x / x^\top x$: the number nearest to an eigenvalue for the vector x, shape (n,).

    It minimises ||A x - value x||. For a symmetric A its error is the square of the vector's.
    Raises ValueError for the zero vector.
    """
    A = square_matrix(A)
    x = _unit(finite_vector(x, "x", size=len(A)))
    return float(x @ (A @ x))


@replaceable
def power_iteration(
    A: ArrayLike,
    start: ArrayLike | None = None,
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 1000,
    rng: Seed = 0,
) -> EigenPair:
    r"""The eigenvalue of largest size: $x \leftarrow Ax / \lVert Ax\rVert$.

    The error shrinks by |second / first| a step. It does not converge when two eigenvalues share
    the largest size, as 1 and -1 or a complex pair do. A random start (from `rng`) has a part along
    every eigenvector, with probability one; one of your own need not.
    """
    return _iterate(A, start, rng, tolerance, max_iterations, lambda A, x, _: A @ x)


@replaceable
def inverse_iteration(
    A: ArrayLike,
    shift: float,
    start: ArrayLike | None = None,
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 1000,
    rng: Seed = 0,
) -> EigenPair:
    r"""The eigenvalue nearest to `shift`: power iteration with $(A - \sigma I)^{-1}$.

    The error shrinks by |nearest - shift| / |second nearest - shift| a step: with a shift that is
    an eigenvalue to a few digits, two steps do. (The matrix is then nearly singular, and the error
    of the solution lies along the eigenvector that is wanted.)
    """
    near = float(np.ldexp(real_number(shift, "shift"), -unit_scale(square_matrix(A))[1]))
    return _iterate(A, start, rng, tolerance, max_iterations, lambda A, x, _: _solve(A, near, x))


@replaceable
def rayleigh_iteration(
    A: ArrayLike,
    start: ArrayLike | None = None,
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 100,
    rng: Seed = 0,
) -> EigenPair:
    """Inverse iteration whose shift is the Rayleigh quotient of the last vector.

    The number of right digits triples a step for a symmetric A (doubles for others); which
    eigenvalue it finds depends on the start.
    """
    return _iterate(
        A, start, rng, tolerance, max_iterations, lambda A, x, value: _solve(A, value, x)
    )


@replaceable
def orthogonal_iteration(
    A: ArrayLike,
    k: int,
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 1000,
    rng: Seed = 0,
) -> InvariantSubspace:
    r"""The subspace of the k eigenvalues of largest size, by power iteration of a block: QR = AQ.

    QR keeps the columns from all turning to the first eigenvector. The error shrinks by
    |value k+1 / value k| a step; a complex pair is found as the plane it turns. With k = n this is
    the QR algorithm without shifts.
    """
    A = square_matrix(A)
    k = whole_number(k, "k", 1, len(A))
    scaled, exponent = unit_scale(A)
    bound = tolerance * float(np.sqrt((scaled**2).sum()))
    Q = qr(np.random.default_rng(rng).standard_normal((len(A), k))).Q
    step = 0
    while True:
        image = scaled @ Q
        B = Q.T @ image
        residual = float(np.sqrt(((image - Q @ B) ** 2).sum()))
        if residual <= bound or step >= max_iterations:
            break
        Q, step = qr(image).Q, step + 1
    _warn_unless(residual <= bound, step, 4)
    size = float(np.ldexp(residual, exponent))
    return InvariantSubspace(Q, rescaled(B, exponent), size, step, residual <= bound)


def _iterate(
    A: ArrayLike,
    start: ArrayLike | None,
    rng: Seed,
    tolerance: float,
    max_iterations: int,
    improve: Improve,
) -> EigenPair:
    scaled, exponent = unit_scale(square_matrix(A))
    if len(scaled) == 0:
        raise ValueError("A has shape (0, 0), and no eigenvalue; wanted at least one row")
    if start is None:
        start = np.random.default_rng(rng).standard_normal(len(scaled))
    x = _unit(finite_vector(start, "start", size=len(scaled)))
    bound = tolerance * float(np.sqrt((scaled**2).sum()))
    step = 0
    while True:
        image = scaled @ x
        value = float(x @ image)
        residual = float(np.sqrt(((image - value * x) ** 2).sum()))
        if residual <= bound or step >= max_iterations:
            break
        x, step = _unit(improve(scaled, x, value)), step + 1
    _warn_unless(residual <= bound, step, 5)
    value, size = (float(np.ldexp(number, exponent)) for number in (value, residual))
    return EigenPair(value, x, size, step, residual <= bound)


def _solve(A: Floats, shift: float, x: Floats) -> Floats:
    """(A - shift I)^-1 x; where that is singular or overflows, for a shift beside it."""
    for nudge in (0.0, EPS, 1e-8, 1e-4):
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                y = solve(A - (shift + nudge) * np.eye(len(A)), x)
        except np.linalg.LinAlgError:
            continue
        if np.isfinite(y).all() and y.any():
            return y
    raise np.linalg.LinAlgError(f"A - {shift} I is singular, and so near it; use another shift")


def _unit(x: Floats) -> Floats:
    if not x.any():
        raise ValueError("the zero vector has no direction; pass another start")
    x = unit_scale(x)[0]
    unit: Floats = x / np.sqrt(x @ x)
    return unit


def _warn_unless(converged: bool, step: int, frames: int) -> None:
    """Warn at the line that called the iteration, so many frames up."""
    if not converged:
        warnings.warn(
            f"no eigenvector within the tolerance after {step} iterations; raise max_iterations or "
            "tolerance, or use eigen.eigen where eigenvalues are of (nearly) the same size",
            ConvergenceWarning,
            stacklevel=frames,
        )
