"""QR: an orthonormal basis of the columns, by Householder reflections or Givens rotations.

Golub and Van Loan, "Matrix Computations" (4th ed., 2013), sections 5.2 and 5.4; Trefethen and Bau,
"Numerical Linear Algebra" (1997), lecture 10. Fast twins: `numpy.linalg.qr`, `scipy.linalg.qr`
(LAPACK geqrf, geqp3). Left out: blocking, updates of a QR when a row or column comes or goes.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.householder import Reflection, reflect_rows, reflection
from groundup.maths.matrices import EPS, Floats, Integers, finite_matrix, rescaled, unit_scale
from groundup.maths.rotations import rotate_rows, rotation
from groundup.swap import replaceable


class QR(NamedTuple):
    """A = Q R."""

    Q: Floats
    """Orthonormal columns: shape (m, min(m, n)), or (m, m) in full mode."""
    R: Floats
    """Upper triangular (trapezoidal): shape (min(m, n), n), or (m, n) in full mode."""


class PivotedQR(NamedTuple):
    """A[:, permutation] = Q R, with |R_11| >= |R_22| >= ..."""

    Q: Floats
    """Orthonormal columns, shape (m, min(m, n))."""
    R: Floats
    """Upper triangular (trapezoidal), shape (min(m, n), n)."""
    permutation: Integers
    """The columns in the order they were taken, shape (n,)."""


@replaceable
def qr(A: ArrayLike, mode: Literal["reduced", "full"] = "reduced") -> QR:
    """Reflect column after column of A, shape (m, n), until a triangle is left.

    H_k ... H_2 H_1 A = R, so Q = H_1 H_2 ... H_k, each H with an error of a few eps whatever A is:
    ||Q'Q - I|| and ||A - QR|| / ||A|| stay near n eps, for singular matrices too. The diagonal of R
    has LAPACK's signs; the QR with positive diagonal is unique where A has full column rank.
    """
    reflections, R = reflect_to_triangle(finite_matrix(A))
    rows = len(R)
    size = rows if mode == "full" else min(R.shape)
    if mode not in ("full", "reduced"):
        raise ValueError(f"mode is {mode!r}; wanted 'reduced' or 'full'")
    return QR(apply_q(reflections, np.eye(rows, size)), R[:size])


def reflect_to_triangle(A: Floats) -> tuple[list[Reflection], Floats]:
    """The reflections of `qr` (the j-th acts on rows j and below) and R, shape (m, n).

    This is the compact form: multiplying by Q costs less from the reflections than from Q.
    """
    R = A.copy()
    reflections = []
    for j in range(min(R.shape)):
        H = reflection(R[j:, j])
        reflect_rows(H, R[j:, j:])
        R[j + 1 :, j] = 0.0
        reflections.append(H)
    return reflections, R


def apply_q(reflections: list[Reflection], block: Floats, *, transpose: bool = False) -> Floats:
    """Q block, or Q' block with `transpose`, for a block of shape (m, k)."""
    block = block.copy()
    steps = list(enumerate(reflections))
    for j, H in steps if transpose else reversed(steps):
        reflect_rows(H, block[j:])
    return block


@replaceable
def givens_qr(A: ArrayLike) -> QR:
    """QR by rotations: each entry below the diagonal is turned into the one above it.

    Q has shape (m, m), R (m, n) (full mode). Half as fast as reflections on a full matrix; on a
    Hessenberg or banded one, where most entries are zero already, only the others are turned.
    """
    R = finite_matrix(A)
    rows, columns = R.shape
    Qt = np.eye(rows)
    for j in range(min(rows, columns)):
        for i in reversed(range(j + 1, rows)):
            c, s, _ = rotation(float(R[i - 1, j]), float(R[i, j]))
            if s:
                rotate_rows(R[:, j:], i - 1, i, c, s)
                rotate_rows(Qt, i - 1, i, c, s)
                R[i, j] = 0.0
    return QR(Qt.T, R)


@replaceable
def pivoted_qr(A: ArrayLike) -> PivotedQR:
    """QR that always takes the column of which most is left: the diagonal of R reveals the rank.

    Businger and Golub (1965). Small diagonal entries mean that the columns left are nearly in the
    span of those taken. (Kahan's matrix shows that the reverse can fail: R may hide a small
    singular value. The SVD never does.) The norms are computed anew in every step; LAPACK updates
    them, which is faster and takes care.
    """
    R, exponent = unit_scale(finite_matrix(A))
    permutation = np.arange(R.shape[1])
    reflections = []
    for j in range(min(R.shape)):
        pivot = j + int(np.square(R[j:, j:]).sum(axis=0).argmax())
        R[:, [j, pivot]] = R[:, [pivot, j]]
        permutation[[j, pivot]] = permutation[[pivot, j]]
        H = reflection(R[j:, j])
        reflect_rows(H, R[j:, j:])
        R[j + 1 :, j] = 0.0
        reflections.append(H)
    size = min(R.shape)
    Q = apply_q(reflections, np.eye(len(R), size))
    return PivotedQR(Q, rescaled(R[:size], exponent), permutation)


def rank_by_qr(A: ArrayLike, rtol: float | None = None) -> int:
    """How many diagonal entries of the pivoted R exceed rtol |R_11| (max(m, n) eps by default)."""
    R = pivoted_qr(A).R
    diagonal = np.abs(np.diag(R))
    threshold = max(np.shape(A), default=0) * EPS if rtol is None else rtol
    return int((diagonal > threshold * diagonal.max(initial=0.0)).sum())
