r"""Gradients of the scalar functions of a matrix or vector that learning keeps meeting.

The gradient of f at X is the G with $df = \langle G, dX\rangle = \sum_{ij} G_{ij}\, dX_{ij}$, so it
has the shape of X. Magnus and Neudecker, "Matrix Differential Calculus" (1988); Petersen and
Pedersen, "The Matrix Cookbook" (2012); Giles, "Collected matrix derivative results for forward and
reverse mode algorithmic differentiation" (2008). Judged against numbers and torch.autograd. Left
out: complex matrices. Functions with matrix values are in `vector_jacobian`.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import finite_vector
from groundup.maths.lu import determinant, inverse
from groundup.maths.matrices import (
    Floats,
    finite_matrix,
    square_matrix,
    symmetric_matrix,
    whole_number,
)
from groundup.maths.norms import frobenius_norm
from groundup.maths.svd import svd
from groundup.maths.symmetric_eigen import symmetric_eigen
from groundup.swap import replaceable


@replaceable
def linear_form_gradient(a: ArrayLike) -> Floats:
    r"""$\nabla_x\, a^\top x = a$, shape (n,)."""
    return finite_vector(a, "a")


@replaceable
def quadratic_form_gradient(A: ArrayLike, x: ArrayLike) -> Floats:
    r"""$\nabla_x\, x^\top A x = (A + A^\top) x$, shape (n,); 2 A x for a symmetric A.

    d(x'A x) = dx'A x + x'A dx, and a number is its own transpose.
    """
    A = square_matrix(A)
    x = finite_vector(x, "x", size=len(A))
    return A @ x + A.T @ x


def quadratic_form_hessian(A: ArrayLike) -> Floats:
    r"""$\nabla^2_x\, x^\top A x = A + A^\top$, shape (n, n)."""
    A = square_matrix(A)
    return A + A.T


@replaceable
def least_squares_gradient(A: ArrayLike, b: ArrayLike, x: ArrayLike) -> Floats:
    r"""$\nabla_x \lVert Ax - b\rVert^2 = 2 A^\top (Ax - b)$ for A (m, n), b (m,), x (n,).

    It is zero where the residual is orthogonal to the columns: the normal equations.
    """
    A = finite_matrix(A)
    b, x = finite_vector(b, "b", size=len(A)), finite_vector(x, "x", size=A.shape[1])
    return 2 * A.T @ (A @ x - b)


def least_squares_hessian(A: ArrayLike) -> Floats:
    r"""$\nabla^2_x \lVert Ax - b\rVert^2 = 2 A^\top A$, shape (n, n): never negative."""
    A = finite_matrix(A)
    return 2 * A.T @ A


@replaceable
def trace_product_gradient(B: ArrayLike) -> Floats:
    r"""$\nabla_A\, \mathrm{tr}(AB) = B^\top$ for A (m, n), B (n, m): tr(dA B) = <B', dA>."""
    return finite_matrix(B, "B").T


@replaceable
def log_det_gradient(A: ArrayLike) -> Floats:
    r"""$\nabla_A \log|\det A| = A^{-\top}$, shape (n, n): LinAlgError for a singular A."""
    return inverse(A).T


@replaceable
def determinant_gradient(A: ArrayLike) -> Floats:
    r"""$\nabla_A \det A = \mathrm{cof}(A)$, the cofactors; $\det(A) A^{-\top}$ where that exists.

    Jacobi (1841). From A = U S V': cof(A) = det(U) det(V) U cof(S) V', and the cofactors of a
    diagonal matrix are products of the other entries, so that singular matrices are no exception.
    """
    A = square_matrix(A)
    U, s, Vt = svd(A)
    others = [float(np.prod(np.delete(s, i))) for i in range(len(s))]
    sign = round(determinant(U) * determinant(Vt))
    cofactors: Floats = (sign * U * np.array(others)) @ Vt
    return cofactors


@replaceable
def frobenius_gradient(A: ArrayLike) -> Floats:
    r"""$\nabla_A \lVert A\rVert_F = A / \lVert A\rVert_F$, shape (m, n): ValueError for A = 0."""
    A = finite_matrix(A)
    norm = frobenius_norm(A)
    if norm == 0:
        raise ValueError("A is zero, where a norm has a corner and no gradient")
    return A / norm


@replaceable
def nuclear_gradient(A: ArrayLike) -> Floats:
    r"""$\nabla_A \lVert A\rVert_* = UV^\top$, shape (m, n), where A has full rank.

    The steepest direction of the sum of singular values raises all of them alike: Muon's step. For
    a singular A it is one subgradient of many.
    """
    U, _, Vt = svd(A)
    return U @ Vt


@replaceable
def spectral_gradient(A: ArrayLike) -> Floats:
    r"""$\nabla_A \lVert A\rVert_2 = u_1 v_1^\top$, shape (m, n), where s_1 > s_2."""
    U, s, Vt = svd(A)
    if not s.any():
        raise ValueError("A is zero or empty, where the norm has no gradient")
    return np.outer(U[:, 0], Vt[0])


@replaceable
def eigenvalue_gradient(A: ArrayLike, index: int) -> Floats:
    r"""$\nabla_A \lambda_i = v_i v_i^\top$ for a symmetric A, eigenvalues ascending, shape (n, n).

    From $d\lambda = v^\top dA\, v$, where the eigenvalue is simple (Hellmann and Feynman). Raises
    ValueError when there is no eigenvalue of that index (a negative one counts from the end).
    """
    A = symmetric_matrix(A)
    index = whole_number(index, "index", -len(A), len(A) - 1)
    v = symmetric_eigen(A).vectors[:, index]
    return np.outer(v, v)


@replaceable
def rayleigh_gradient(A: ArrayLike, x: ArrayLike) -> Floats:
    r"""$\nabla_x \frac{x^\top A x}{x^\top x} = \frac{2}{x^\top x}(Ax - \rho x)$, A symmetric.

    It is zero at the eigenvectors and nowhere else. Shape (n,); ValueError for x = 0.
    """
    A = symmetric_matrix(A)
    x = finite_vector(x, "x", size=len(A))
    if not x.any():
        raise ValueError("x is zero, where the quotient is not defined")
    square = x @ x
    return 2 / square * (A @ x - (x @ A @ x) / square * x)
