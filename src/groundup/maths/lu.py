"""LU with partial pivoting: Gaussian elimination, and what it gives: solve, determinant, inverse.

Trefethen and Bau, "Numerical Linear Algebra" (1997), lectures 20 to 22; Golub and Van Loan,
"Matrix Computations" (4th ed., 2013), section 3.4. Fast twins: `scipy.linalg.lu`,
`numpy.linalg.solve`, `det`, `slogdet` and `inv` (LAPACK getrf). Left out: complete pivoting,
blocking, sparse and banded matrices.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import finite_array
from groundup.maths.matrices import Floats, Integers, finite_matrix, right_sides, square_matrix
from groundup.maths.triangular import solve_lower, solve_upper
from groundup.swap import replaceable


class LU(NamedTuple):
    """A[permutation] = lower @ upper."""

    permutation: Integers
    """The rows of A in the order of elimination, shape (m,)."""
    lower: Floats
    """Ones on the diagonal, multipliers of at most 1 in size below it, shape (m, min(m, n))."""
    upper: Floats
    """Upper triangular (trapezoidal), shape (min(m, n), n)."""


@replaceable
def lu(A: ArrayLike) -> LU:
    r"""Eliminate column by column; the pivot is the largest entry that is left of the column.

    $\ell_{ij} = a_{ij}/a_{jj}$, then $a_{ik} \leftarrow a_{ik} - \ell_{ij} a_{jk}$ for all rows
    below and all columns to the right. A has shape (m, n). A column without a pivot is left alone
    (upper has a zero there), so every matrix has its LU. Backward error: A + E = PLU with
    |E| <= n eps |L||U|, which pivoting keeps near n eps ||A|| except for matrices made to show that
    it need not (growth up to 2^(n-1); see `conditioning.growth_factor`).
    """
    A = finite_matrix(A)
    permutation = np.arange(len(A))
    steps = min(A.shape)
    for j in range(steps):
        pivot = j + int(np.abs(A[j:, j]).argmax())
        if A[pivot, j] == 0:
            continue
        if pivot != j:
            A[[j, pivot]] = A[[pivot, j]]
            permutation[[j, pivot]] = permutation[[pivot, j]]
        A[j + 1 :, j] /= A[j, j]
        A[j + 1 :, j + 1 :] -= np.outer(A[j + 1 :, j], A[j, j + 1 :])
    lower = np.tril(A[:, :steps], -1) + np.eye(len(A), steps)
    return LU(permutation, lower, np.triu(A[:steps]))


@replaceable
def solve(A: ArrayLike, b: ArrayLike) -> Floats:
    """The x with A x = b, by LU: PA = LU, then L y = Pb, then U x = y.

    A has shape (n, n), b and x (n,) or (n, k). Raises LinAlgError when A is exactly singular. A
    nearly singular A gives an x with a small residual and a large error: multiply `EPS` by
    `conditioning.condition_number` to see how large.
    """
    A = square_matrix(A)
    columns, single = right_sides(b, len(A))
    permutation, lower, upper = lu(A)
    if np.any(np.diag(upper) == 0):
        raise np.linalg.LinAlgError(
            "A is singular: a pivot of its LU is zero; use least_squares.by_svd for the solution "
            "of least norm"
        )
    x = solve_upper(upper, solve_lower(lower, columns[permutation], unit_diagonal=True))
    return x[:, 0] if single else x


def inverse(A: ArrayLike) -> Floats:
    """The matrix X with A X = I, shape (n, n): `solve` for every column of the identity.

    To compute A^-1 b, `solve(A, b)` is three times cheaper and more accurate. Raises LinAlgError
    when A is exactly singular.
    """
    A = square_matrix(A)
    return solve(A, np.eye(len(A)))


@replaceable
def determinant(A: ArrayLike) -> float:
    """The volume by which A stretches, with its sign: the product of LU's pivots.

    Every exchange of rows flips the sign. The product is taken on mantissas and exponents apart, so
    that it overflows (to infinity) or underflows (to zero) only where the determinant itself does.
    The determinant of the 0 x 0 matrix is 1.
    """
    A = square_matrix(A)
    permutation, _, upper = lu(A)
    mantissa, exponent = parity(permutation), 0
    for pivot in np.diag(upper):
        mantissa, shift = math.frexp(mantissa * float(pivot))
        exponent += shift
    return _ldexp(mantissa, exponent)


def log_determinant(A: ArrayLike) -> tuple[float, float]:
    """The sign of det A (-1, 0 or 1) and log|det A| (-inf for a singular A), as `slogdet`."""
    A = square_matrix(A)
    permutation, _, upper = lu(A)
    pivots = np.diag(upper)
    if np.any(pivots == 0):
        return 0.0, -math.inf
    return parity(permutation) * float(np.prod(np.sign(pivots))), float(
        np.log(np.abs(pivots)).sum()
    )


def parity(permutation: ArrayLike) -> float:
    """1.0 for an even permutation of 0 .. n-1, -1.0 for an odd one: (-1)^(n - number of cycles).

    Raises ValueError when a number is missing or comes twice.
    """
    given = finite_array(permutation, "permutation")
    if not np.array_equal(np.sort(given), np.arange(given.size)):
        raise ValueError(f"{given} is not a permutation of 0 to {given.size - 1}")
    order = given.astype(np.intp)
    sign = 1.0
    for place in range(order.size):
        while (held := order[place]) != place:  # each exchange brings one number home
            order[place], order[held] = order[held], held
            sign = -sign
    return sign


def _ldexp(mantissa: float, exponent: int) -> float:
    try:
        return math.ldexp(mantissa, exponent)
    except OverflowError:
        return math.copysign(math.inf, mantissa)
