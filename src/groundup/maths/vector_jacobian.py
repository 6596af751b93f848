r"""Vector-Jacobian products: how a gradient passes back through one operation.

If y = f(x) and the loss has gradient g at y, it has $g^\top \partial y/\partial x$ at x. The
Jacobian of a matrix product has as many entries as both matrices multiplied; its product with g is
again two matrix products. That is all of backpropagation: one such rule an operation, and the chain
rule from the last to the first (`backpropagation`). Giles (2008), section 2; Murray,
"Differentiation of the Cholesky decomposition" (2016). Left out: Jacobian-vector products (forward
mode), which `dual_numbers` has.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import finite_array, finite_vector
from groundup.maths.lu import inverse, solve
from groundup.maths.matrices import Floats, finite_matrix, square_matrix
from groundup.maths.triangular import solve_upper
from groundup.swap import replaceable


@replaceable
def matmul_vjp(A: ArrayLike, B: ArrayLike, gradient: ArrayLike) -> tuple[Floats, Floats]:
    r"""For C = AB: $\bar A = \bar C B^\top$, $\bar B = A^\top \bar C$.

    A has shape (m, k), B (k, n), the gradient at C (m, n). From <C', dA B> = <C'B', dA>; the shapes
    leave no other choice.
    """
    A, B = finite_matrix(A), finite_matrix(B, "B")
    G = finite_matrix(gradient, "gradient")
    if A.shape[1] != B.shape[0] or G.shape != (A.shape[0], B.shape[1]):
        raise ValueError(
            f"A {A.shape}, B {B.shape} and the gradient {G.shape} do not fit; wanted (m, k), "
            "(k, n) and (m, n)"
        )
    return G @ B.T, A.T @ G


@replaceable
def affine_vjp(X: ArrayLike, W: ArrayLike, gradient: ArrayLike) -> tuple[Floats, Floats, Floats]:
    r"""For Y = XW + b: the gradients at X, W and b.

    X has shape (batch, inputs), W (inputs, outputs), the gradient at Y (batch, outputs). b was
    added to every row, so its gradient is the sum over the rows.
    """
    at_X, at_W = matmul_vjp(X, W, gradient)
    return at_X, at_W, finite_matrix(gradient, "gradient").sum(axis=0)


@replaceable
def inverse_vjp(A: ArrayLike, gradient: ArrayLike) -> Floats:
    r"""For X = A^-1: $\bar A = -X^\top \bar X X^\top$, all of shape (n, n).

    From 0 = d(AX) = dA X + A dX: dX = -X dA X.
    """
    X = inverse(A)
    return -X.T @ _like(gradient, X) @ X.T


@replaceable
def solve_vjp(A: ArrayLike, b: ArrayLike, gradient: ArrayLike) -> tuple[Floats, Floats]:
    r"""For x = A^-1 b, shape (n,): $\bar b = A^{-\top} \bar x$, $\bar A = -\bar b x^\top$.

    One solution with A' (the adjoint system), whatever the size of the parameters.
    """
    A = square_matrix(A)
    x = solve(A, finite_vector(b, "b", size=len(A)))
    at_b = solve(A.T, finite_vector(gradient, "gradient", size=len(A)))
    return -np.outer(at_b, x), at_b


@replaceable
def cholesky_vjp(L: ArrayLike, gradient: ArrayLike) -> Floats:
    r"""For A = LL': $\bar A = \frac12 (S + S^\top)$, $S = L^{-\top} \Phi(L^\top \bar L) L^{-1}$.

    Phi takes the lower triangle and halves its diagonal (Murray 2016, equation 10). The gradient at
    L and the symmetric one at A have shape (n, n).
    """
    L = square_matrix(L, "L")
    middle = np.tril(L.T @ np.tril(_like(gradient, L)))
    middle[np.diag_indices(len(L))] *= 0.5
    S = solve_upper(L.T, solve_upper(L.T, middle.T).T)
    return 0.5 * (S + S.T)


@replaceable
def softmax(x: ArrayLike) -> Floats:
    r"""$p_i = e^{x_i} / \sum_j e^{x_j}$ along the last axis, any shape.

    The largest is subtracted first, which changes nothing and keeps e^x from overflowing.
    """
    scores = finite_array(x, "x")
    if scores.ndim == 0 or scores.shape[-1] == 0:
        raise ValueError(f"x has shape {scores.shape}; wanted at least one score to share among")
    with np.errstate(over="ignore"):  # a difference beyond float64 is -inf, and e^-inf is 0
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return shares


@replaceable
def softmax_jacobian(x: ArrayLike) -> Floats:
    r"""$\partial p_i / \partial x_j = p_i (\delta_{ij} - p_j)$: $\mathrm{diag}(p) - pp^\top$.

    x has shape (n,), the Jacobian (n, n); it is symmetric, its rows sum to 0. The diagonal alone,
    p (1 - p), is the commonest mistake.
    """
    p = softmax(finite_vector(x, "x"))
    return np.diag(p) - np.outer(p, p)


@replaceable
def softmax_vjp(p: ArrayLike, gradient: ArrayLike) -> Floats:
    r"""$\bar x = p \odot (\bar p - \langle p, \bar p\rangle)$ along the last axis, from p itself.

    The Jacobian, of n^2 entries, is never formed.
    """
    p = finite_array(p, "p")
    g = _like(gradient, p)
    result: Floats = p * (g - (p * g).sum(axis=-1, keepdims=True))
    return result


@replaceable
def cross_entropy_gradient(scores: ArrayLike, labels: ArrayLike) -> Floats:
    r"""$\nabla_x$ of the mean of $-\log \mathrm{softmax}(x)_{label}$: (p - onehot) / batch.

    scores has shape (batch, classes), labels (batch,) whole numbers from 0 to classes - 1:
    ValueError otherwise.
    """
    p = softmax(finite_matrix(scores, "scores"))
    rows, classes = p.shape
    chosen = np.asarray(labels)
    fits = chosen.dtype.kind in "iu" and chosen.shape == (rows,)
    if not rows or not fits or not ((chosen >= 0) & (chosen < classes)).all():
        raise ValueError(
            f"labels have dtype {chosen.dtype} and shape {chosen.shape}; wanted {rows} whole "
            f"numbers from 0 to {classes - 1}"
        )
    p[np.arange(rows), chosen] -= 1
    gradient: Floats = p / rows
    return gradient


@replaceable
def unit_vjp(x: ArrayLike, gradient: ArrayLike) -> Floats:
    r"""For y = x / ||x||, shape (n,): $\bar x = (\bar y - y\,(y^\top \bar y)) / \lVert x\rVert$.

    Growing x changes nothing, so the part of the gradient along y is taken out: as in every
    normalisation layer. Raises ValueError for x = 0.
    """
    x = finite_vector(x, "x")
    g = _like(gradient, x)
    norm = float(np.sqrt(x @ x))
    if norm == 0:
        raise ValueError("x is zero, which has no direction")
    y = x / norm
    result: Floats = (g - y * (y @ g)) / norm
    return result


@replaceable
def sandwich_jacobian(A: ArrayLike, B: ArrayLike) -> Floats:
    r"""The Jacobian of X -> A X B on vectors of stacked rows: $A \otimes B^\top$.

    A has shape (m, k), B (l, n), X (k, l); the result (m n, k l). The Kronecker product holds
    A_ij B' at block (i, j). On stacked columns it would be $B^\top \otimes A$, as in most books.
    """
    A, B = finite_matrix(A), finite_matrix(B, "B")
    blocks = np.einsum("ik,ln->inkl", A, B)
    jacobian: Floats = blocks.reshape(A.shape[0] * B.shape[1], A.shape[1] * B.shape[0])
    return jacobian


def _like(gradient: ArrayLike, y: Floats) -> Floats:
    g = finite_array(gradient, "gradient")
    if g.shape != y.shape:
        raise ValueError(f"the gradient has shape {g.shape}; wanted {y.shape}")
    return g
