"""Eigenvalues and eigenvectors of a symmetric matrix: tridiagonal form, then QR with shifts.

Golub and Van Loan, "Matrix Computations" (4th ed., 2013), section 8.3; Trefethen and Bau,
"Numerical Linear Algebra" (1997), lectures 26 to 29. Fast twins: `numpy.linalg.eigh`, `eigvalsh`
(LAPACK sytrd, steqr). Left out: a chosen few eigenvalues, divide and conquer. See `jacobi` for a
slower way that keeps the small eigenvalues of a definite matrix accurate.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.householder import reflection
from groundup.maths.matrices import EPS, TINY, Floats, rescaled, symmetric_matrix, unit_scale
from groundup.maths.qr import apply_q
from groundup.maths.rotations import rotate_rows, rotation
from groundup.swap import replaceable

SWEEPS = 30
"""How often one eigenvalue may be tried, as in LAPACK; two or three are usual."""


class SymmetricEigen(NamedTuple):
    """A = vectors @ diag(values) @ vectors.T."""

    values: Floats
    """Ascending, shape (n,)."""
    vectors: Floats
    """Orthonormal columns, shape (n, n); column i belongs to value i."""


class Tridiagonal(NamedTuple):
    """A = Q T Q' with T symmetric and tridiagonal."""

    Q: Floats
    """Orthogonal, shape (n, n)."""
    diagonal: Floats
    """Shape (n,)."""
    off_diagonal: Floats
    """Shape (n - 1,) (0 for n = 0)."""


@replaceable
def symmetric_eigen(A: ArrayLike) -> SymmetricEigen:
    """All eigenvalues and eigenvectors of a symmetric A, shape (n, n).

    Every eigenvalue is right to n eps ||A|| (Weyl: a symmetric change of A moves none by more than
    its norm); each eigenvector to that over the gap between its eigenvalue and the next. Raises
    ValueError when A is not symmetric.
    """
    A, exponent = unit_scale(symmetric_matrix(A))
    Q, diagonal, off_diagonal = tridiagonalize(A)
    rows = Q.T.copy()
    values = np.array(_diagonalize(diagonal.tolist(), off_diagonal.tolist(), rows))
    order = np.argsort(values, kind="stable")
    return SymmetricEigen(rescaled(values[order], exponent), rows[order].T)


def symmetric_eigenvalues(A: ArrayLike) -> Floats:
    """The eigenvalues alone, ascending, shape (n,): no rotation is applied to any vector."""
    A, exponent = unit_scale(symmetric_matrix(A))
    _, diagonal, off_diagonal = tridiagonalize(A)
    nothing = np.zeros((len(A), 0))
    values = _diagonalize(diagonal.tolist(), off_diagonal.tolist(), nothing)
    return rescaled(np.sort(np.array(values)), exponent)


@replaceable
def tridiagonalize(A: ArrayLike) -> Tridiagonal:
    r"""Reflect a symmetric A from both sides until only three diagonals are left.

    $H A H = A - vw^\top - wv^\top$ with $p = \tau A v$ and $w = p - \frac{\tau}{2}(p^\top v) v$:
    one matrix-vector product and one symmetric change a column.
    """
    A = symmetric_matrix(A)
    n = len(A)
    off_diagonal, reflections = np.zeros(max(n - 1, 0)), []
    for k in range(n - 1):
        H = reflection(A[k + 1 :, k])
        off_diagonal[k] = H.beta
        rest = A[k + 1 :, k + 1 :]
        p = H.tau * (rest @ H.v)
        w = p - (H.tau / 2 * (p @ H.v)) * H.v
        rest -= np.outer(H.v, w) + np.outer(w, H.v)
        reflections.append(H)
    Q = np.eye(n)
    Q[1:, 1:] = apply_q(reflections, Q[1:, 1:])
    return Tridiagonal(Q, np.diag(A).copy(), off_diagonal)


def _diagonalize(d: list[float], e: list[float], rows: Floats) -> list[float]:
    """Sweep until every off-diagonal entry is negligible; `rows` (n, k) turns with the matrix."""
    high, tries = len(d) - 1, 0
    while high > 0:
        low = high
        while low > 0 and abs(e[low - 1]) > EPS * (abs(d[low - 1]) + abs(d[low])) + TINY:
            low -= 1
        if low == high:  # the last eigenvalue of the block has come off
            high, tries = high - 1, 0
            continue
        if tries == SWEEPS:
            raise np.linalg.LinAlgError(
                f"eigenvalue {high} did not converge in {SWEEPS} sweeps; try jacobi.jacobi_eigen"
            )
        _sweep(d, e, rows, low, high)
        tries += 1
    return d


def _sweep(d: list[float], e: list[float], rows: Floats, low: int, high: int) -> None:
    """One implicit QR step on d[low..high]: T - shift I = QR, T <- RQ + shift I, never formed.

    The first rotation is that of the shifted matrix; it makes a bulge beside the three diagonals,
    and the others chase it down and out.
    """
    x, bulge = d[low] - wilkinson_shift(d[high - 1], e[high - 1], d[high]), e[low]
    for k in range(low, high):
        c, s, r = rotation(x, bulge)
        if k > low:
            e[k - 1] = r
        upper, beside, lower = d[k], e[k], d[k + 1]
        d[k] = c * c * upper + 2 * c * s * beside + s * s * lower
        d[k + 1] = s * s * upper - 2 * c * s * beside + c * c * lower
        e[k] = c * s * (lower - upper) + (c * c - s * s) * beside
        if k < high - 1:
            x, bulge = e[k], s * e[k + 1]
            e[k + 1] *= c
        rotate_rows(rows, k, k + 1, c, s)


def wilkinson_shift(a: float, b: float, c: float) -> float:
    r"""The eigenvalue of [[a, b], [b, c]] that is nearer to c (the smaller one in a tie).

    $c - b^2/(\delta + \mathrm{sign}(\delta)\sqrt{\delta^2 + b^2})$ with $\delta = (a - c)/2$: no
    cancellation. With it the last off-diagonal entry converges to zero always, and cubically.
    """
    delta = (a - c) / 2
    reach = delta + math.copysign(math.hypot(delta, b), delta)
    return c if reach == 0 else c - b * (b / reach)
