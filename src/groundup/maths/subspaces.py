"""The four subspaces of a matrix, and what can be asked of a set of vectors: rank, span, basis.

Strang, "The fundamental theorem of linear algebra" (1993); angles after Bjorck and Golub (1973).
Vectors are the columns of a matrix of shape (m, n). Rank is a decision: a singular value counts
when it exceeds rtol times the largest, by default max(m, n) eps, NumPy's rule. Fast twins:
`numpy.linalg.matrix_rank`, `scipy.linalg.orth`, `null_space` and `subspace_angles`. Left out:
weighted inner products, complex spaces.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.least_squares import by_qr
from groundup.maths.matrices import EPS, Floats, finite_matrix, real_number, right_sides
from groundup.maths.qr import qr
from groundup.maths.svd import singular_values, svd
from groundup.swap import replaceable


@replaceable
def rank(A: ArrayLike, rtol: float | None = None) -> int:
    """How many dimensions the columns of A span: its singular values above rtol s_1."""
    return count_above(singular_values(A), np.shape(A), rtol)


def count_above(s: Floats, shape: tuple[int, ...], rtol: float | None) -> int:
    """How many of the descending singular values s exceed rtol s_1 (max(shape) eps by default)."""
    if rtol is not None and not 0 <= real_number(rtol, "rtol") < 1:
        raise ValueError(f"rtol is {rtol}; wanted a share of the largest singular value, as 1e-12")
    threshold = max(shape, default=0) * EPS if rtol is None else rtol
    return int((s > threshold * s.max(initial=0.0)).sum())


def are_independent(A: ArrayLike, rtol: float | None = None) -> bool:
    """Whether no column of A, shape (m, n), is a combination of the others (up to rtol)."""
    columns = finite_matrix(A).shape[1]
    return bool(rank(A, rtol) == columns)


@replaceable
def range_basis(A: ArrayLike, rtol: float | None = None) -> Floats:
    """An orthonormal basis of all A x, shape (m, rank): the first left singular vectors."""
    U, s, _ = svd(A)
    return U[:, : count_above(s, np.shape(A), rtol)]


@replaceable
def null_basis(A: ArrayLike, rtol: float | None = None) -> Floats:
    """An orthonormal basis of all x with A x = 0, shape (n, n - rank).

    It is the orthogonal complement of the rows of A.
    """
    _, s, Vt = svd(A)
    return orthogonal_complement(Vt[: count_above(s, np.shape(A), rtol)].T)


def orthogonal_complement(A: ArrayLike, rtol: float | None = None) -> Floats:
    """An orthonormal basis of all vectors orthogonal to the columns of A, shape (m, m - rank).

    The columns by which the full Q of the range's basis goes on.
    """
    basis = range_basis(A, rtol)
    return qr(basis, "full").Q[:, basis.shape[1] :]


@replaceable
def project(x: ArrayLike, onto: ArrayLike, rtol: float | None = None) -> Floats:
    """The point Q Q'x nearest to x in the span of the columns of `onto`, Q their orthonormal basis.

    x has shape (m,) or (m, k), as has the result; `onto` (m, n) may have dependent columns.
    """
    Q = range_basis(onto, rtol)
    columns, single = right_sides(x, len(Q), "x")
    projected = Q @ (Q.T @ columns)
    return projected[:, 0] if single else projected


def projector(A: ArrayLike, rtol: float | None = None) -> Floats:
    """The matrix P = QQ' of that projection, shape (m, m): symmetric, and P P = P."""
    Q = range_basis(A, rtol)
    return Q @ Q.T


def coordinates(x: ArrayLike, basis: ArrayLike) -> Floats:
    """The c with basis @ c = x: x of shape (m,) in a basis (m, n) of independent columns.

    Raises ValueError when x does not lie in their span (up to 100 max(m, n) eps), and LinAlgError
    when the columns depend on each other.
    """
    fit = by_qr(basis, x)
    size = np.abs(np.asarray(x, dtype=np.float64)).max(initial=0.0)
    if np.abs(fit.residual).max(initial=0.0) > 100 * max(np.shape(basis)) * EPS * size:
        raise ValueError(
            "x is not in the span of the basis; subspaces.project gives the nearest point that is"
        )
    return fit.x


@replaceable
def principal_angles(A: ArrayLike, B: ArrayLike) -> Floats:
    r"""The angles between two subspaces, ascending, in radians, shape (min(rank A, rank B),).

    The smallest angle between a vector of one and a vector of the other, then the smallest among
    those orthogonal to the first pair, and so on. With orthonormal bases P and Q the cosines are
    the singular values of P'Q. A small angle is taken from its sine, a singular value of
    Q - P P'Q, since a cosine near 1 has lost it. A and B have shapes (m, .).
    """
    P, Q = range_basis(A), range_basis(B)
    if len(P) != len(Q):
        raise ValueError(f"the vectors have {len(P)} and {len(Q)} numbers; wanted as many")
    if P.shape[1] < Q.shape[1]:
        P, Q = Q, P
    cosines = np.minimum(singular_values(P.T @ Q), 1.0)
    sines = np.minimum(singular_values(Q - P @ (P.T @ Q))[::-1], 1.0)
    return np.where(cosines**2 >= 0.5, np.arcsin(sines), np.arccos(cosines))
