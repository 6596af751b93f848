"""Eigenvalues and eigenvectors of any square real matrix, from its real Schur form.

Golub and Van Loan, "Matrix Computations" (4th ed., 2013), sections 7.5 and 7.6; balancing after
Parlett and Reinsch (1969). Fast twins: `numpy.linalg.eig`, `eigvals` (LAPACK geev). Left out: left
eigenvectors, permutations in balancing, generalised problems. For a symmetric matrix
`symmetric_eigen` is faster and its vectors are orthogonal.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.maths.matrices import EPS, TINY, Floats, Integers, rescaled, square_matrix, unit_scale
from groundup.maths.schur import pair_discriminant, real_schur
from groundup.swap import replaceable

Complexes = NDArray[np.complex128]


class Eigen(NamedTuple):
    """A @ vectors = vectors @ diag(values)."""

    values: Complexes
    """Shape (n,), in the order of the Schur form; complex ones come as exact conjugate pairs."""
    vectors: Complexes
    """Columns of length 1, shape (n, n); those of a real value are real."""


@replaceable
def eigen(A: ArrayLike) -> Eigen:
    """All eigenvalues and eigenvectors of A, shape (n, n); always complex128, unlike NumPy.

    The eigenvectors of the triangle T of the Schur form A = QTQ* come from back substitution, and
    Q turns them into A's. Balancing first makes small entries count beside large ones. A defective
    matrix has fewer eigenvectors than n: then some columns are (nearly) the same.
    """
    scaled, exponent = unit_scale(square_matrix(A))
    balanced, powers = balance(scaled)
    Q, T = real_schur(balanced)
    values = schur_eigenvalues(T)
    triangle, basis = _complex_schur(T, Q, values)
    vectors = np.empty_like(triangle)
    for k in range(len(values)):
        if values[k].imag < 0:  # the second of a pair, which is (+, -)
            vectors[:, k] = vectors[:, k - 1].conj()
            continue
        vector = basis @ _triangle_vector(triangle, k)
        vectors[:, k] = _normalised(vector, powers, real=values[k].imag == 0)
    return Eigen(_grown(values, exponent), vectors)


def eigenvalues(A: ArrayLike) -> Complexes:
    """The eigenvalues alone, shape (n,), complex128."""
    scaled, exponent = unit_scale(square_matrix(A))
    return _grown(schur_eigenvalues(real_schur(balance(scaled)[0]).T), exponent)


@replaceable
def balance(A: ArrayLike) -> tuple[Floats, Integers]:
    r"""D^-1 A D with D = diag(2^powers), whose rows and columns are about equally long.

    The eigenvalues stay the same, without one rounding error, and the rounding errors of what
    follows are small beside the smaller norm. Each step divides row i and multiplies column i by
    the power of two nearest to $\sqrt{\lVert row\rVert / \lVert column\rVert}$ (diagonal left out).
    """
    B = square_matrix(A)
    powers = np.zeros(len(B), dtype=np.intp)
    changed = True
    while changed:
        changed = False
        for i in range(len(B)):
            others = np.arange(len(B)) != i
            column, row = np.abs(B[others, i]).sum(), np.abs(B[i, others]).sum()
            if column == 0 or row == 0:
                continue
            power = int(np.round((np.log2(row) - np.log2(column)) / 2))
            factor = 2.0**power
            if column * factor + row / factor < 0.95 * (column + row):
                B[:, i] *= factor
                B[i] /= factor
                powers[i] += power
                changed = True
    return B, powers


def schur_eigenvalues(T: ArrayLike) -> Complexes:
    """The eigenvalues of a real Schur form, shape (n,), from its 1 x 1 and 2 x 2 blocks."""
    T = square_matrix(T, "T")
    values = np.diag(T).astype(np.complex128)
    for k in np.flatnonzero(np.diag(T, -1)):
        discriminant = pair_discriminant(T, int(k))[1]
        middle = 0.5 * (T[k, k] + T[k + 1, k + 1])
        root = np.sqrt(complex(discriminant))
        values[k], values[k + 1] = middle + root, middle - root
    return values


def _complex_schur(T: Floats, Q: Floats, values: Complexes) -> tuple[Complexes, Complexes]:
    """Turn every 2 x 2 block to a triangle by a unitary 2 x 2 matrix, whose first column is its
    eigenvector (lambda - d, c).
    """
    triangle, basis = T.astype(np.complex128), Q.astype(np.complex128)
    for k in np.flatnonzero(np.diag(T, -1)):
        x, y = values[k] - triangle[k + 1, k + 1], triangle[k + 1, k]
        u, w = np.array([x, y]) / np.hypot(abs(x), abs(y))
        turn = np.array([[u, -w.conjugate()], [w, u.conjugate()]])
        pair = [k, k + 1]
        triangle[:, pair] = triangle[:, pair] @ turn
        triangle[pair] = turn.conj().T @ triangle[pair]
        basis[:, pair] = basis[:, pair] @ turn
        triangle[k + 1, k] = 0.0
    return triangle, basis


def _triangle_vector(T: Complexes, k: int) -> Complexes:
    """Solve (T - T_kk I) x = 0 with x_k = 1 from row k upwards.

    Where another eigenvalue equals T_kk the divisor is replaced by eps: that is the vector of a
    matrix that near to T. What grows beyond all bounds is scaled down on the way.
    """
    x = np.zeros(len(T), dtype=np.complex128)
    x[k] = 1.0
    x[:k] = -T[:k, k]
    smallest = EPS * max(float(np.abs(T).max()), TINY)
    for i in reversed(range(k)):
        gap = T[i, i] - T[k, k]
        x[i] /= gap if abs(gap) > smallest else smallest
        x[:i] -= x[i] * T[:i, i]
        largest = np.abs(x).max()
        if largest > 1 / TINY:
            x /= largest
    return x


def _normalised(vector: Complexes, powers: Integers, *, real: bool) -> Complexes:
    """Undo the balancing, then length 1 and a largest entry that is real (and so all, if real)."""
    down = vector * np.exp2(powers - powers.max(initial=0))
    if not down.any():
        down = vector
    largest = down[np.abs(down).argmax()]
    down = down / largest
    if real:
        down = down.real.astype(np.complex128)
    unit: Complexes = down / np.sqrt((np.abs(down) ** 2).sum())
    return unit


def _grown(values: Complexes, exponent: int) -> Complexes:
    result = np.empty_like(values)
    result.real, result.imag = rescaled(values.real, exponent), rescaled(values.imag, exponent)
    return result
