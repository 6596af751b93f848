"""Triangular systems: forward and back substitution.

The end of every direct solver. Fast twin: `scipy.linalg.solve_triangular` (LAPACK trtrs). Left out:
transposed solves (pass the transpose, which swaps lower and upper) and blocking for large matrices.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.matrices import Floats, right_sides, square_matrix
from groundup.swap import replaceable


@replaceable
def solve_lower(L: ArrayLike, b: ArrayLike, *, unit_diagonal: bool = False) -> Floats:
    r"""Solve $Lx = b$ from the top: $x_i = (b_i - \sum_{j<i} L_{ij} x_j) / L_{ii}$.

    L has shape (n, n), b has (n,) or (n, k), as has x. Only the lower triangle is read, and with
    `unit_diagonal` not even the diagonal. The computed x solves a system whose entries differ
    from L's by at most n eps relatively (Higham, "Accuracy and Stability of Numerical Algorithms",
    2002, theorem 8.5). Raises LinAlgError when an entry of the diagonal is zero.
    """
    L = square_matrix(L, "L")
    x, single = right_sides(b, len(L))
    _refuse_zeros(L, unit_diagonal)
    for i in range(len(L)):
        x[i] -= L[i, :i] @ x[:i]
        if not unit_diagonal:
            x[i] /= L[i, i]
    return x[:, 0] if single else x


@replaceable
def solve_upper(U: ArrayLike, b: ArrayLike, *, unit_diagonal: bool = False) -> Floats:
    r"""Solve $Ux = b$ from the bottom: $x_i = (b_i - \sum_{j>i} U_{ij} x_j) / U_{ii}$.

    As `solve_lower`, for the upper triangle.
    """
    U = square_matrix(U, "U")
    x, single = right_sides(b, len(U))
    _refuse_zeros(U, unit_diagonal)
    for i in reversed(range(len(U))):
        x[i] -= U[i, i + 1 :] @ x[i + 1 :]
        if not unit_diagonal:
            x[i] /= U[i, i]
    return x[:, 0] if single else x


def _refuse_zeros(matrix: Floats, unit_diagonal: bool) -> None:
    zeros = np.flatnonzero(np.diag(matrix) == 0)
    if len(zeros) and not unit_diagonal:
        raise np.linalg.LinAlgError(
            f"the matrix is singular: entry {zeros[0]} of the diagonal is zero; use "
            "least_squares.by_svd for the solution of least norm"
        )
