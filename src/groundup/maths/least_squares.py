r"""Least squares: the x that makes the residual r = b - Ax shortest.

Three ways, in the order of their price and of what they survive: the normal equations
$A^\top A x = A^\top b$ (square the condition number), QR (needs full column rank), the SVD.
Golub and Van Loan, "Matrix Computations" (4th ed., 2013), chapter 5; Bjorck, "Numerical Methods for
Least Squares Problems" (1996). Fast twin: `numpy.linalg.lstsq` (LAPACK gelsd). Left out:
constraints, errors in A (total least squares), robust losses. A has shape (m, n), b (m,) or (m, k),
x (n,) or (n, k).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.cholesky import solve_positive_definite
from groundup.maths.finite import finite_vector
from groundup.maths.matrices import (
    EPS,
    Floats,
    finite_matrix,
    real_number,
    rescaled,
    right_sides,
    unit_scale,
)
from groundup.maths.qr import apply_q, reflect_to_triangle
from groundup.maths.svd import svd
from groundup.maths.triangular import solve_upper
from groundup.swap import replaceable


class LeastSquares(NamedTuple):
    """The shortest residual there is."""

    x: Floats
    """Shape (n,) or (n, k)."""
    residual: Floats
    """b - A x, orthogonal to every column of A; shape of b."""
    rank: int
    """How many columns of A count as independent."""


@replaceable
def by_normal_equations(A: ArrayLike, b: ArrayLike) -> LeastSquares:
    """Solve A'A x = A'b by Cholesky: the fewest operations, and half the digits.

    The error of x grows with cond(A)^2 eps, and from cond(A) near 1 / sqrt(eps) = 7e7 on A'A may
    not even be positive definite in float64: LinAlgError. Needs full column rank.
    """
    A, columns, single = _problem(A, b)
    scaled, exponent = unit_scale(A)
    x = rescaled(solve_positive_definite(scaled.T @ scaled, scaled.T @ columns), -exponent)
    return _answer(A, columns, x, A.shape[1], single)


@replaceable
def by_qr(A: ArrayLike, b: ArrayLike) -> LeastSquares:
    """With A = QR, ||b - Ax|| = ||Q'b - Rx||: solve the triangle R x = Q'b.

    The x is exact for an A changed by about n eps relatively. Raises LinAlgError when the columns
    depend on each other: a diagonal entry of R is below max(m, n) eps times the column it is of.
    """
    A, columns, single = _problem(A, b)
    rows, n = A.shape
    reflections, R = reflect_to_triangle(A)
    lengths = np.abs(A).max(axis=0, initial=0.0)
    if rows < n or np.any(np.abs(np.diag(R)) <= max(A.shape) * EPS * lengths):
        raise np.linalg.LinAlgError(
            f"the {n} columns of A depend on each other; use least_squares.by_svd for the solution "
            "of least norm, or leave columns out"
        )
    x = solve_upper(R[:n], apply_q(reflections, columns, transpose=True)[:n])
    return _answer(A, columns, x, n, single)


@replaceable
def by_svd(A: ArrayLike, b: ArrayLike, rtol: float | None = None) -> LeastSquares:
    r"""The shortest of all solutions, for any A: $x = \sum_{s_i > tol} v_i (u_i^\top b) / s_i$.

    Singular values up to rtol s_1 (by default max(m, n) eps, as in NumPy) count as zero: divided
    by, they would only blow up the noise in b.
    """
    A, columns, single = _problem(A, b)
    U, s, Vt = svd(A)
    threshold = max(A.shape) * EPS if rtol is None else rtol
    rank = int((s > threshold * s.max(initial=0.0)).sum())
    x = Vt[:rank].T @ ((U[:, :rank].T @ columns) / s[:rank, None])
    return _answer(A, columns, x, rank, single)


@replaceable
def ridge(A: ArrayLike, b: ArrayLike, penalty: float) -> LeastSquares:
    r"""The x that minimises $\lVert b - Ax\rVert^2 + \lambda \lVert x\rVert^2$, penalty > 0.

    Tikhonov (1963), Hoerl and Kennard (1970).
    $x = \sum_i v_i\, (u_i^\top b)\, s_i / (s_i^2 + \lambda)$: least squares in which every
    singular value s acts as s + penalty / s, so that small ones cannot blow up the noise in b. All
    columns count: the rank is n, whatever A's own is. Raises ValueError for a penalty of 0 or less.
    """
    A, columns, single = _problem(A, b)
    if not real_number(penalty, "penalty") > 0:
        raise ValueError(f"penalty is {penalty}; wanted a positive number, or by_svd for none")
    scaled, exponent = unit_scale(A)
    U, s, Vt = svd(scaled)
    length = np.hypot(s, np.ldexp(np.sqrt(penalty), -exponent))
    x = rescaled(Vt.T @ ((s / length / length)[:, None] * (U.T @ columns)), -exponent)
    return _answer(A, columns, x, A.shape[1], single)


def weighted(A: ArrayLike, b: ArrayLike, weights: ArrayLike) -> LeastSquares:
    r"""Minimise $\sum_i w_i r_i^2$ for weights w >= 0, shape (m,): row i times sqrt(w_i), by SVD.

    The right weight of a measurement is one over its variance (Gauss 1823, Aitken 1935). A row of
    weight 0 takes no part. The residual returned is the plain b - A x.
    """
    A, columns, single = _problem(A, b)
    w = finite_vector(weights, "weights", size=len(A))
    if np.any(w < 0):
        raise ValueError(f"weights go down to {w.min():.3g}; wanted none below zero")
    roots = np.sqrt(w)[:, None]
    fit = by_svd(roots * A, roots * columns)
    return _answer(A, columns, fit.x, fit.rank, single)


def sensitivity(A: ArrayLike, b: ArrayLike) -> tuple[float, float]:
    r"""How much a relative error in b, and one in A, can grow on its way into x: (from b, from A).

    With $\kappa = s_1/s_n$, the angle $\theta$ between b and the range of A, and
    $\eta = \lVert A\rVert \lVert x\rVert / \lVert Ax\rVert$: $\kappa/(\eta\cos\theta)$ and
    $\kappa + \kappa^2 \tan\theta/\eta$ (Trefethen and Bau 1997, theorem 18.1). Times eps, the
    second bounds the error of `by_qr`. Both are infinite when the columns of A are dependent or b
    is orthogonal to them. b has shape (m,).
    """
    fit = by_svd(A, finite_vector(b, "b"))
    s = svd(A).s
    fitted = np.asarray(b, dtype=np.float64) - fit.residual
    size, rest = float(np.sqrt(fitted @ fitted)), float(np.sqrt(fit.residual @ fit.residual))
    if fit.rank < fit.x.size or size <= len(fitted) * EPS * rest or not size:
        return np.inf, np.inf
    kappa = float(s[0] / s[-1])
    eta = float(s[0] * np.sqrt(fit.x @ fit.x)) / size
    return kappa * np.hypot(1.0, rest / size) / eta, kappa + kappa**2 * (rest / size) / eta


def _problem(A: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats, bool]:
    matrix = finite_matrix(A)
    columns, single = right_sides(b, len(matrix))
    return matrix, columns, single


def _answer(A: Floats, b: Floats, x: Floats, rank: int, single: bool) -> LeastSquares:
    residual = b - A @ x
    return (
        LeastSquares(x[:, 0], residual[:, 0], rank) if single else LeastSquares(x, residual, rank)
    )
