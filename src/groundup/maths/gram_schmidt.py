"""Gram-Schmidt: an orthonormal basis from any basis, and how rounding undoes it.

Three orders of the same sums. In exact arithmetic they agree; in float64 the loss of orthogonality
||I - Q'Q|| grows with the condition number k of A as about k^2 eps (classical), k eps (modified)
and eps (twice). Bjorck (1967); Giraud, Langou, Rozloznik and van den Eshof, "Rounding error
analysis of the classical Gram-Schmidt orthogonalization process" (2005). For work use `qr.qr`,
whose reflections are orthogonal whatever A is. All take A of shape (m, n) with m >= n and return Q
(m, n) and R (n, n) with a positive diagonal; LinAlgError when a column depends on those before it,
as far as the method can see: less than m eps of it is left.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.matrices import EPS, Floats, Integers, finite_matrix, rescaled
from groundup.maths.norms import spectral_norm
from groundup.maths.qr import QR
from groundup.swap import replaceable


@replaceable
def classical(A: ArrayLike) -> QR:
    r"""Subtract from each column its projections, all measured on the column as it came.

    $r_{ij} = q_i^\top a_j$, $v = a_j - \sum_{i<j} r_{ij} q_i$, $r_{jj} = \lVert v\rVert$,
    $q_j = v / r_{jj}$. One matrix-vector product a column, and the least orthogonal.
    """
    A, exponents = _tall(A)
    Q, R = np.zeros_like(A), np.zeros((A.shape[1],) * 2)
    for j in range(A.shape[1]):
        R[:j, j] = Q[:, :j].T @ A[:, j]
        v = A[:, j] - Q[:, :j] @ R[:j, j]
        R[j, j] = _length(v, A[:, j], j)
        Q[:, j] = v / R[j, j]
    return QR(Q, rescaled(R, exponents))


@replaceable
def modified(A: ArrayLike) -> QR:
    r"""Subtract one projection at a time, each measured on what the last one left.

    $r_{ij} = q_i^\top v$, $v \leftarrow v - r_{ij} q_i$: an error made at i is seen, and removed,
    at i + 1. A = QR holds to eps here too.
    """
    A, exponents = _tall(A)
    Q, R = A.copy(), np.zeros((A.shape[1],) * 2)
    for j in range(A.shape[1]):
        R[j, j] = _length(Q[:, j], A[:, j], j)
        Q[:, j] /= R[j, j]
        R[j, j + 1 :] = Q[:, j] @ Q[:, j + 1 :]  # all later columns lose this direction at once
        Q[:, j + 1 :] -= np.outer(Q[:, j], R[j, j + 1 :])
    return QR(Q, rescaled(R, exponents))


@replaceable
def twice(A: ArrayLike) -> QR:
    """Classical Gram-Schmidt, every column done twice: "twice is enough" (Kahan and Parlett).

    The first pass may leave a small vector that is mostly rounding error along the q before it; the
    second measures and removes that. What is left after both is orthogonal to eps.
    """
    A, exponents = _tall(A)
    Q, R = np.zeros_like(A), np.zeros((A.shape[1],) * 2)
    for j in range(A.shape[1]):
        v = A[:, j]
        for _ in range(2):
            along = Q[:, :j].T @ v
            v = v - Q[:, :j] @ along
            R[:j, j] += along
        R[j, j] = _length(v, A[:, j], j)
        Q[:, j] = v / R[j, j]
    return QR(Q, rescaled(R, exponents))


def orthogonality_loss(Q: ArrayLike) -> float:
    """||I - Q'Q|| in the spectral norm for Q of shape (m, n): 0 for orthonormal columns, else more.

    1 and above means that the columns of Q are dependent, or far from unit length.
    """
    Q = finite_matrix(Q, "Q")
    return spectral_norm(np.eye(Q.shape[1]) - Q.T @ Q)


def _tall(A: ArrayLike) -> tuple[Floats, Integers]:
    """The columns, each times a power of two that makes squaring it safe, and the exponents."""
    matrix = finite_matrix(A)
    rows, columns = matrix.shape
    if rows < columns:
        raise ValueError(
            f"A has shape {matrix.shape}: {columns} vectors of {rows} numbers cannot be "
            "independent; wanted at least as many rows as columns"
        )
    exponents = np.frexp(np.abs(matrix).max(axis=0, initial=0.0))[1]
    return np.ldexp(matrix, -exponents), exponents.astype(np.intp)


def _length(v: Floats, column: Floats, j: int) -> float:
    """||v||, what is left of a column: below len(v) eps of it that is rounding error alone."""
    norm = float(np.sqrt(v @ v))
    if norm <= len(v) * EPS * float(np.sqrt(column @ column)):
        raise np.linalg.LinAlgError(
            f"column {j} depends on those before it; leave it out, or use qr.pivoted_qr"
        )
    return norm
