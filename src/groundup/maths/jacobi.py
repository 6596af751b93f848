"""Jacobi's method: rotate pairs of coordinates until the matrix, or its columns, are orthogonal.

Jacobi (1846); Golub and Van Loan, "Matrix Computations" (4th ed., 2013), sections 8.5 and 8.6.3;
Demmel and Veselic, "Jacobi's method is more accurate than QR" (1992). The pairs of one round of a
tournament share no coordinate, so a round is one step of array operations. SciPy has no such
function (LAPACK: gesvj). Left out: the sorting and preconditioning that make LAPACK's fast.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.maths.matrices import (
    EPS,
    TINY,
    Floats,
    Integers,
    finite_matrix,
    rescaled,
    symmetric_matrix,
    unit_scale,
)
from groundup.maths.qr import pivoted_qr, qr
from groundup.maths.svd import SVD
from groundup.maths.symmetric_eigen import SymmetricEigen
from groundup.swap import replaceable

SWEEPS = 40
"""How often all pairs may be rotated; six to ten sweeps are usual."""
SPECK = 1e-290
"""Rows shorter than this, beside a matrix of size one, have lost digits and count as zero."""


@replaceable
def jacobi_eigen(A: ArrayLike) -> SymmetricEigen:
    r"""Eigenvalues (ascending) and eigenvectors of a symmetric A, shape (n, n).

    A rotation by t = tan(angle) makes a_pq zero and takes $2a_{pq}^2$ off the sum of squares beside
    the diagonal. It ends when every $|a_{pq}| \le \epsilon \sqrt{|a_{pp} a_{qq}|}$ (or is
    negligible beside ||A||, where A is not definite). For a definite A = DBD, with a diagonal D
    and ones on the diagonal of B, every eigenvalue then has an error of about n eps cond(B)
    relative to *itself*. Raises ValueError when A is not symmetric.
    """
    A, exponent = unit_scale(symmetric_matrix(A))
    vectors = np.eye(len(A))  # as rows, which lie together in memory
    for _ in range(SWEEPS):
        rotated = False
        for p, q in tournament(len(A)):
            weight = np.sqrt(np.abs(A[p, p])) * np.sqrt(np.abs(A[q, q]))
            active = np.abs(A[p, q]) > EPS * weight + TINY
            if not active.any():
                continue
            rotated = True
            c, s = _angle(A[p, p], A[q, q], np.where(active, A[p, q], 0.0))
            for rows in (A, A.T, vectors):
                _rotate_rows(rows, p, q, c, s)
            A[p[active], q[active]] = A[q[active], p[active]] = 0.0
        if not rotated:
            order = np.argsort(np.diag(A), kind="stable")
            return SymmetricEigen(rescaled(np.diag(A)[order], exponent), vectors[order].T)
    raise _not_converged()


@replaceable
def jacobi_svd(A: ArrayLike) -> SVD:
    r"""The reduced SVD of A, shape (m, n), by rotating vectors until they are orthogonal.

    Hestenes (1958): Jacobi on a matrix times its transpose, which is never formed. The rows of R,
    from A[:, permutation] = QR, are rotated until row j has length $s_j$ and direction $v_j$; the
    rotations make up the left singular vectors. (Rows of R rather than columns of A, since pivoting
    has sorted them: Drmac and Veselic 2008.) For A = BD with a diagonal D and unit columns in B,
    every singular value has an error of about n eps cond(B) relative to itself, however small. A
    wide A is transposed.
    """
    A, exponent = unit_scale(finite_matrix(A))
    if A.shape[0] < A.shape[1]:
        U, s, Vt = jacobi_svd(A.T)
        return SVD(Vt.T, rescaled(s, exponent), U.T)
    Q, R, permutation = pivoted_qr(A)
    turned = np.eye(len(R))
    for _ in range(SWEEPS):
        rotated = False
        for p, q in tournament(len(R)):
            c, s, active = _orthogonalising(R[p], R[q])
            if not active.any():
                continue
            rotated = True
            for rows in (R, turned):
                _rotate_rows(rows, p, q, c, s)
        if not rotated:
            s, order, directions = _directions(R)
            Vt = np.empty_like(directions)
            Vt[:, permutation] = directions
            return SVD(Q @ turned[order].T, rescaled(s, exponent), Vt)
    raise _not_converged()


def tournament(n: int) -> Iterator[tuple[Integers, Integers]]:
    """All pairs p < q of 0 .. n-1, in rounds that name no number twice: two arrays a round.

    The circle method: number 0 stays, the others move on by one chair a round. With an odd n one
    number rests in every round.
    """
    chairs = list(range(n + n % 2))
    for _ in range(len(chairs) - 1):
        half = len(chairs) // 2
        pairs = [sorted(pair) for pair in zip(chairs[:half], chairs[: half - 1 : -1], strict=True)]
        playing = np.array([pair for pair in pairs if pair[1] < n], dtype=np.intp).reshape(-1, 2)
        yield playing[:, 0], playing[:, 1]
        chairs = [chairs[0], chairs[-1], *chairs[1:-1]]


def _angle(pp: Floats, qq: Floats, pq: Floats) -> tuple[Floats, Floats]:
    """Cosines and sines that make [[pp, pq], [pq, qq]] diagonal, by the smaller of two angles.

    t = tan solves t^2 + 2 z t - 1 = 0 with z = (qq - pp) / 2 pq.
    """
    active = pq != 0
    z = (qq - pp) / (2 * np.where(active, pq, 1.0))
    t = np.where(active, np.copysign(1.0, z) / (np.abs(z) + np.hypot(1.0, z)), 0.0)
    c = 1 / np.hypot(1.0, t)
    return c, t * c


def _orthogonalising(left: Floats, right: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Cosines and sines that make pairs of rows orthogonal, and for which pairs that is needed.

    `_angle` sees the cosine between two rows and the ratio of their lengths, not their squares,
    which would underflow for rows shorter than 1e-154.
    """
    lengths, others = _lengths(left), _lengths(right)
    there = (lengths > SPECK) & (others > SPECK)
    a, b = np.where(there, lengths, 1.0), np.where(there, others, 1.0)
    cosines = ((left / a[:, None]) * (right / b[:, None])).sum(axis=1)
    active = there & (np.abs(cosines) > left.shape[1] * EPS)
    c, s = _angle(a / b, b / a, np.where(active, cosines, 0.0))
    return c, s, active


def _lengths(rows: Floats) -> Floats:
    largest = np.abs(rows).max(axis=1, initial=0.0)
    scaled = rows / np.where(largest == 0, 1.0, largest)[:, None]
    lengths: Floats = largest * np.sqrt((scaled**2).sum(axis=1))
    return lengths


def _rotate_rows(matrix: Floats, p: Integers, q: Integers, c: Floats, s: Floats) -> None:
    left, right, c, s = matrix[p], matrix[q], c[:, None], s[:, None]
    matrix[p], matrix[q] = c * left - s * right, s * left + c * right


def _directions(rows: Floats) -> tuple[Floats, Integers, Floats]:
    """Lengths, descending, their order, and directions; rows without a length get what is left."""
    lengths = _lengths(rows)
    order = np.argsort(-lengths, kind="stable")
    lengths, rows = lengths[order], rows[order]
    found = int((lengths > SPECK).sum())
    basis = rows[:found] / lengths[:found, None]
    if found < len(rows):
        basis = np.vstack([basis, qr(basis.T, "full").Q[:, found:].T])
    return lengths, order, basis


def _not_converged() -> np.linalg.LinAlgError:
    return np.linalg.LinAlgError(f"no convergence in {SWEEPS} sweeps; scale the matrix, or use svd")
