"""How much an answer can be trusted: condition numbers, backward and forward errors.

Backward error: how little the problem must change for the answer to be exact; good algorithms keep
it near eps. Condition number: how much the answer changes with the problem. Their product bounds
the forward error: how wrong the answer is. Higham, "Accuracy and Stability of Numerical Algorithms"
(2002), chapters 7, 9 and 15. Fast twins: `numpy.linalg.cond`; LAPACK gecon. Left out: condition
numbers of eigenvalues.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import finite_vector
from groundup.maths.lu import inverse, lu, solve
from groundup.maths.matrices import EPS, Floats, finite_matrix, square_matrix, unit_scale
from groundup.maths.norms import infinity_norm, one_norm, vector_norm
from groundup.maths.svd import singular_values
from groundup.swap import replaceable


@replaceable
def condition_number(A: ArrayLike, p: float = 2) -> float:
    r"""$\kappa_p = \lVert A\rVert_p \lVert A^{-1}\rVert_p$, p = 1, 2 or inf; s_1 / s_n for p = 2.

    Of a relative change in A or b, x in Ax = b feels at most $\kappa$ times as much: if
    $\kappa = 10^k$ about k of the 16 digits are lost. Infinite for a singular A; 1 is the least,
    for orthogonal ones (p = 2). For p = 2 A may have any shape (m, n), otherwise (n, n). Raises
    ValueError for an empty A.
    """
    A = unit_scale(finite_matrix(A))[0]
    if not A.size:
        raise ValueError(f"A has shape {A.shape}, and no condition number; wanted at least 1 x 1")
    if p == 2:
        s = singular_values(A)
        return float(s[0] / s[-1]) if s[-1] > 0 else math.inf
    norms = {1: one_norm, math.inf: infinity_norm}
    if p not in norms:
        raise ValueError(f"p is {p}; wanted 1, 2 or inf")
    try:
        return norms[p](A) * norms[p](inverse(A))
    except np.linalg.LinAlgError:
        if A.shape[0] != A.shape[1]:
            raise
        return math.inf


@replaceable
def backward_error(A: ArrayLike, b: ArrayLike, x: ArrayLike) -> float:
    r"""The smallest $\epsilon$ so that $(A + E)x = b + f$ holds exactly for the x that was found,
    $\lVert E\rVert \le \epsilon\lVert A\rVert$, $\lVert f\rVert \le \epsilon\lVert b\rVert$.

    $\lVert b - Ax\rVert / (\lVert A\rVert \lVert x\rVert + \lVert b\rVert)$ in infinity norms
    (Rigal and Gaches 1967). A has shape (n, n), b and x (n,). Nothing better than eps can be asked.
    """
    A, b, x = _system(A, b, x)
    scale = infinity_norm(A) * vector_norm(x, math.inf) + vector_norm(b, math.inf)
    return vector_norm(b - A @ x, math.inf) / scale if scale else 0.0


@replaceable
def componentwise_backward_error(A: ArrayLike, b: ArrayLike, x: ArrayLike) -> float:
    r"""The same, with every entry of A and b changed by at most $\epsilon$ of itself.

    $\max_i |b - Ax|_i / (|A||x| + |b|)_i$, 0/0 counting as 0 (Oettli and Prager 1964). Infinite
    where a row of zeros is asked to give something else.
    """
    A, b, x = _system(A, b, x)
    residual = np.abs(b - A @ x)
    scale = np.abs(A) @ np.abs(x) + np.abs(b)
    if np.any((scale == 0) & (residual > 0)):
        return math.inf
    return float((residual / np.where(scale == 0, 1.0, scale)).max(initial=0.0))


@replaceable
def forward_error_bound(A: ArrayLike, b: ArrayLike, x: ArrayLike) -> float:
    r"""A bound of the relative error, $\lVert x - A^{-1}b\rVert_\infty / \lVert x\rVert_\infty$.

    $\lVert |A^{-1}|\,(|r| + (n+1)\,\epsilon\,(|A||x| + |b|))\rVert_\infty / \lVert x\rVert_\infty$
    with the residual r, as LAPACK's gerfs reports it (Higham, section 7.4): the second part covers
    the rounding error of r itself. Raises LinAlgError for a singular A, ValueError for x = 0.
    """
    A, b, x = _system(A, b, x)
    if not x.any():
        raise ValueError("x is zero; a relative error needs an answer that is not")
    noise = (len(A) + 1) * EPS * (np.abs(A) @ np.abs(x) + np.abs(b))
    bound = np.abs(inverse(A)) @ (np.abs(b - A @ x) + noise)
    return vector_norm(bound, math.inf) / vector_norm(x, math.inf)


@replaceable
def skeel_condition(A: ArrayLike) -> float:
    r"""$\lVert |A^{-1}||A|\rVert_\infty$: the condition number when entries change relative to
    themselves (Skeel 1979).

    Scaling the rows of A leaves it alone, so it is small where a bad scale is all that is wrong.
    Infinite for a singular A, shape (n, n).
    """
    A = square_matrix(A)
    try:
        return infinity_norm(np.abs(inverse(A)) @ np.abs(A))
    except np.linalg.LinAlgError:
        return math.inf


@replaceable
def estimated_inverse_norm(A: ArrayLike, *, max_iterations: int = 5) -> float:
    r"""A lower bound of $\lVert A^{-1}\rVert_1$ that is nearly always within a factor 3 of it.

    Hager (1984), Higham (1988): climb the convex function $\lVert A^{-1}x\rVert_1$ from corner to
    corner of the 1-norm's ball. Each step solves with A and with A', which costs n^2 once an LU is
    there; `inverse` costs n^3. (This plain version factors anew in every step.)
    """
    A = square_matrix(A)
    x = np.full(len(A), 1 / max(len(A), 1))
    best = 0.0
    for _ in range(max_iterations):
        y = solve(A, x)
        size = vector_norm(y, 1)
        slope = solve(A.T, np.where(y >= 0, 1.0, -1.0))
        if size <= best or not len(A):
            break
        best = size
        corner = int(np.abs(slope).argmax())
        if abs(slope[corner]) <= slope @ x:
            break
        x = np.eye(len(A))[corner]
    return best


@replaceable
def growth_factor(A: ArrayLike) -> float:
    """The largest entry of LU's upper factor over the largest of A: 1 for a zero or empty A.

    Partial pivoting keeps it below 2^(n-1), and in practice below n^(2/3); its product with n eps
    is the backward error of `lu.solve`.
    """
    A = finite_matrix(A)
    largest = float(np.abs(A).max(initial=0.0))
    return float(np.abs(lu(A).upper).max()) / largest if largest else 1.0


def _system(A: ArrayLike, b: ArrayLike, x: ArrayLike) -> tuple[Floats, Floats, Floats]:
    A = square_matrix(A)
    return A, finite_vector(b, "b", size=len(A)), finite_vector(x, "x", size=len(A))
