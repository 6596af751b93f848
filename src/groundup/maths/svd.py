"""The singular value decomposition by Golub and Kahan: bidiagonal form, then QR with shifts.

Golub and Kahan (1965); Golub and Van Loan, "Matrix Computations" (4th ed., 2013), section 8.6;
zero shifts after Demmel and Kahan, "Accurate singular values of bidiagonal matrices" (1990). Fast
twin: `numpy.linalg.svd` (LAPACK gesdd). Left out: divide and conquer, and the columns that would
complete U and V (see `subspaces.orthogonal_complement`). `jacobi.jacobi_svd` is slower and finds
small singular values to more digits; `randomized_svd` finds the first few of a large matrix.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.householder import reflect_columns, reflect_rows, reflection
from groundup.maths.matrices import EPS, Floats, finite_matrix, rescaled, unit_scale
from groundup.maths.qr import apply_q
from groundup.maths.rotations import rotate_rows, rotation
from groundup.maths.symmetric_eigen import wilkinson_shift
from groundup.swap import replaceable

SWEEPS = 30
"""How often one singular value may be tried; two or three are usual."""


class SVD(NamedTuple):
    """A = U @ diag(s) @ Vt, with k = min(m, n)."""

    U: Floats
    """Left singular vectors: orthonormal columns, shape (m, k)."""
    s: Floats
    """Singular values, descending and not negative, shape (k,)."""
    Vt: Floats
    """Right singular vectors: orthonormal rows, shape (k, n)."""


class Bidiagonal(NamedTuple):
    """A = U B V' for m >= n, with B upper bidiagonal."""

    U: Floats
    """Orthonormal columns, shape (m, n)."""
    diagonal: Floats
    """Shape (n,)."""
    off_diagonal: Floats
    """Above the diagonal, shape (n - 1,) (0 for n = 0)."""
    V: Floats
    """Orthogonal, shape (n, n)."""


@replaceable
def svd(A: ArrayLike) -> SVD:
    """The reduced SVD of any real A, shape (m, n).

    A wide matrix is transposed first. Every singular value is right to about n eps s_1 (a change E
    of A moves none by more than ||E||), however small it is itself.
    """
    A, exponent = unit_scale(finite_matrix(A))
    if A.shape[0] < A.shape[1]:
        U, s, Vt = svd(A.T)
        return SVD(Vt.T, rescaled(s, exponent), U.T)
    U, diagonal, off_diagonal, V = bidiagonalize(A)
    left, right = U.T.copy(), V.T.copy()
    s = np.array(_diagonalize(diagonal.tolist(), off_diagonal.tolist(), left, right))
    right[s < 0] *= -1
    order = np.argsort(-np.abs(s), kind="stable")
    return SVD(left[order].T, rescaled(np.abs(s[order]), exponent), right[order])


def singular_values(A: ArrayLike) -> Floats:
    """The singular values alone, descending, shape (min(m, n),): no vector is rotated."""
    A, exponent = unit_scale(finite_matrix(A))
    _, diagonal, off_diagonal, _ = bidiagonalize(A if A.shape[0] >= A.shape[1] else A.T)
    nothing = np.zeros((len(diagonal), 0))
    s = _diagonalize(diagonal.tolist(), off_diagonal.tolist(), nothing, nothing)
    return rescaled(-np.sort(-np.abs(np.array(s))), exponent)


@replaceable
def bidiagonalize(A: ArrayLike) -> Bidiagonal:
    """Reflect A, shape (m, n) with m >= n, from the left and the right until two diagonals remain.

    From the left everything below the diagonal of a column goes, then from the right everything
    beyond the neighbour of the diagonal in that row. Raises ValueError for a wide matrix.
    """
    A = finite_matrix(A)
    rows, columns = A.shape
    if rows < columns:
        raise ValueError(f"A has shape {A.shape}; wanted rows >= columns, pass A.T")
    left, right = [], []
    for k in range(columns):
        H = reflection(A[k:, k])
        reflect_rows(H, A[k:, k:])
        left.append(H)
        if k < columns - 1:
            H = reflection(A[k, k + 1 :])
            reflect_columns(H, A[k:, k + 1 :])
            right.append(H)
    U, V = apply_q(left, np.eye(rows, columns)), np.eye(columns)
    V[1:, 1:] = apply_q(right, V[1:, 1:])
    return Bidiagonal(U, np.diag(A).copy(), np.diag(A, 1)[: max(columns - 1, 0)].copy(), V)


def _diagonalize(d: list[float], e: list[float], left: Floats, right: Floats) -> list[float]:
    """Sweep until every e is negligible; `left` and `right`, shape (n, .), turn with it.

    Negligible, and put to 0, is what moves no singular value by more than eps times the largest
    number of B. Smallness beside its own neighbours cannot be asked of an e: among singular values
    that are rounding noise, it might never be reached.
    """
    high, tries = len(d) - 1, 0
    least = EPS * max(map(abs, [*d, *e]), default=0.0)
    while high > 0:
        low = high
        while low > 0 and abs(e[low - 1]) > least:
            low -= 1
        if low == high:
            high, tries = high - 1, 0
            continue
        if low:
            e[low - 1] = 0.0
        d[low : high + 1] = [0.0 if abs(x) <= least else x for x in d[low : high + 1]]
        if tries == SWEEPS:
            raise np.linalg.LinAlgError(
                f"singular value {high} did not converge in {SWEEPS} sweeps; try jacobi.jacobi_svd"
            )
        shift = _shift(d, e, low, high)
        if abs(shift) <= EPS * abs(d[low]):
            _sweep_unshifted(d, e, left, right, low, high)
        else:
            _sweep(d, e, left, right, low, high, shift)
        tries += 1
    return d


def _sweep_unshifted(
    d: list[float], e: list[float], left: Floats, right: Floats, low: int, high: int
) -> None:
    """A QR step without a shift, in which nothing is subtracted (Demmel and Kahan 1990, section 3).

    `_sweep` with shift 0 is the same step in exact arithmetic. But where the numbers of B fall by
    many orders, its first rotation says nothing of the last ones in 53 bits, and they stay put.
    """
    c, old_c, old_s = 1.0, 1.0, 0.0
    for k in range(low, high):
        c, s, r = rotation(d[k] * c, e[k])
        rotate_rows(right, k, k + 1, c, s)
        if k > low:
            e[k - 1] = old_s * r
        old_c, old_s, d[k] = rotation(old_c * r, d[k + 1] * s)
        rotate_rows(left, k, k + 1, old_c, old_s)
    last = d[high] * c
    d[high], e[high - 1] = last * old_c, last * old_s


def _sweep(
    d: list[float],
    e: list[float],
    left: Floats,
    right: Floats,
    low: int,
    high: int,
    shift: float,
) -> None:
    """One implicit QR step on B'B, done on B itself: B'B would square the condition number.

    The first rotation mixes two columns, as a QR step on B'B - shift I would. It makes a bulge
    below the diagonal; a rotation of two rows moves it above, one of two columns below again, until
    it falls out at the end.
    """
    x, bulge = d[low] - shift, e[low]
    for k in range(low, high):
        c, s, r = rotation(x, bulge)
        if k > low:
            e[k - 1] = r
        x, e[k] = c * d[k] + s * e[k], c * e[k] - s * d[k]
        bulge, d[k + 1] = s * d[k + 1], c * d[k + 1]
        rotate_rows(right, k, k + 1, c, s)
        c, s, d[k] = rotation(x, bulge)
        e[k], d[k + 1] = c * e[k] + s * d[k + 1], c * d[k + 1] - s * e[k]
        rotate_rows(left, k, k + 1, c, s)
        if k < high - 1:
            x, bulge = e[k], s * e[k + 1]
            e[k + 1] *= c


def _shift(d: list[float], e: list[float], low: int, high: int) -> float:
    """Wilkinson's shift of B'B over d[low]; 0 where B is singular: it then splits in one sweep."""
    if 0.0 in d[low : high + 1]:
        return 0.0
    before = e[high - 2] if high - 1 > low else 0.0
    a = d[high - 1] * d[high - 1] + before * before
    b = d[high - 1] * e[high - 1]
    return wilkinson_shift(a, b, d[high] * d[high] + e[high - 1] * e[high - 1]) / d[low]
