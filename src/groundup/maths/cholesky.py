"""Cholesky: the square root of a symmetric positive definite matrix, and the LDL' without roots.

Golub and Van Loan, "Matrix Computations" (4th ed., 2013), sections 4.1 and 4.2. Fast twins:
`numpy.linalg.cholesky`, `scipy.linalg.cho_solve` (LAPACK potrf, potrs). Left out: pivoting, and
the 2 x 2 pivots of Bunch and Kaufman that an indefinite matrix needs to be safe.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.matrices import EPS, Floats, right_sides, symmetric_matrix
from groundup.maths.triangular import solve_lower, solve_upper
from groundup.swap import replaceable


@replaceable
def cholesky(A: ArrayLike) -> Floats:
    r"""The lower triangular L with positive diagonal and $A = LL^\top$, shape (n, n).

    Column by column: $L_{jj}^2 = A_{jj} - \sum_{k<j} L_{jk}^2$ and
    $L_{ij} = (A_{ij} - \sum_{k<j} L_{ik} L_{jk}) / L_{jj}$. No pivoting is needed: no entry of L
    can be larger than the root of the diagonal entry beside it. Raises LinAlgError when A is not
    positive definite, which is the cheapest test of it, and ValueError when it is not symmetric.
    """
    A = symmetric_matrix(A)
    L = np.zeros_like(A)
    for j in range(len(A)):
        column = A[j:, j] - L[j:, :j] @ L[j, :j]
        if column[0] <= 0:
            raise np.linalg.LinAlgError(
                f"A is not positive definite: pivot {j} is {column[0]:.3g}; add a positive number "
                "to the diagonal, or use ldl or lu"
            )
        L[j:, j] = column / np.sqrt(column[0])
    return L


def is_positive_definite(A: ArrayLike) -> bool:
    """Whether x'A x > 0 for all x but 0: whether `cholesky` succeeds (up to rounding).

    Raises ValueError when A is not symmetric.
    """
    A = symmetric_matrix(A)
    try:
        cholesky(A)
    except np.linalg.LinAlgError:
        return False
    return True


def solve_positive_definite(A: ArrayLike, b: ArrayLike) -> Floats:
    """The x with A x = b: L y = b, then L'x = y. Half the work of LU; b has shape (n,) or (n, k).

    Raises LinAlgError when A is not positive definite.
    """
    L = cholesky(A)
    columns, single = right_sides(b, len(L))
    x = solve_upper(L.T, solve_lower(L, columns))
    return x[:, 0] if single else x


@replaceable
def ldl(A: ArrayLike) -> tuple[Floats, Floats]:
    r"""A unit lower triangular L and a diagonal d with $A = L\,\mathrm{diag}(d)\,L^\top$.

    $d_j = A_{jj} - \sum_{k<j} L_{jk}^2 d_k$,
    $L_{ij} = (A_{ij} - \sum_{k<j} L_{ik} d_k L_{jk}) / d_j$: Cholesky without square roots. The
    signs of d are those of A's eigenvalues (Sylvester's law of inertia). It exists when no leading
    block of A is singular. It is as stable as Cholesky for a definite A; for an indefinite one the
    entries of L may grow without bound, then use `lu`. Raises LinAlgError when a pivot is zero
    up to the rounding of its own terms.
    """
    A = symmetric_matrix(A)
    L, d = np.eye(len(A)), np.zeros(len(A))
    for j in range(len(A)):
        scaled = L[j, :j] * d[:j]
        column = A[j:, j] - L[j:, :j] @ scaled
        terms = abs(A[j, j]) + np.abs(L[j, :j]) @ np.abs(scaled)
        if abs(column[0]) <= (j + 1) * EPS * terms:
            raise np.linalg.LinAlgError(
                f"A has no LDL' without pivoting: its leading {j + 1} x {j + 1} block is singular; "
                "use lu"
            )
        d[j] = column[0]
        L[j + 1 :, j] = column[1:] / column[0]
    return L, d
