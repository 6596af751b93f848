r"""Derivatives of functions of many variables by central differences: what autograd is checked by.

For $f: R^n \to R$ the partial derivatives make the gradient, the second ones the Hessian, whose
trace is the Laplacian. For $F: R^n \to R^m$ they make the Jacobian,
$J_{ij} = \partial F_i/\partial x_j$. The chain rule says that the Jacobian of a composition is the
product of the Jacobians; in which order that product is taken (from the output: backpropagation,
from the input: forward mode) changes the cost and nothing else.

Steps are those of `finite_differences`, scaled by each coordinate: $\epsilon^{1/3}\max(1,|x_j|)$
for first and $\epsilon^{1/4}\max(1,|x_j|)$ for second derivatives; errors about $10^{-10}$ and
$10^{-7}$ times the size of f. Exact derivatives: `dual_numbers`. Source: Nocedal and Wright,
"Numerical optimization" (2006), section 8.1. Left out: sparse Jacobians by colouring.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import Field, Floats, Scalar, finite_vector, number_at, real_array
from groundup.maths.finite_differences import EPSILON
from groundup.maths.matrices import finite_matrix
from groundup.swap import replaceable


def _steps(x: Floats, power: float) -> Floats:
    h = EPSILON**power * np.maximum(1.0, np.abs(x))
    # what x + h really adds, after rounding
    steps: Floats = (x + h) - x
    return steps


def _moved(x: Floats, index: int, by: float) -> Floats:
    there = x.copy()
    there[index] += by
    return there


@replaceable
def partial(function: Scalar, x: ArrayLike, index: int) -> float:
    """The partial derivative of f along coordinate `index`, the others held still.

    Raises ValueError for a point that is not a finite vector or has no such coordinate.
    """
    point = finite_vector(x, "x")
    if not -point.size <= index < point.size:
        raise ValueError(f"index is {index}; x has {point.size} coordinates")
    h = float(_steps(point, 1 / 3)[index])
    ahead, behind = _moved(point, index, h), _moved(point, index, -h)
    return (number_at(function, ahead) - number_at(function, behind)) / (2 * h)


@replaceable
def gradient(function: Scalar, x: ArrayLike) -> Floats:
    """All partial derivatives of f at x, shape (n,), from 2n values of f."""
    point = finite_vector(x, "x")
    return np.array([partial(function, point, index) for index in range(point.size)])


@replaceable
def directional(function: Scalar, x: ArrayLike, direction: ArrayLike) -> float:
    r"""The slope of f at x along a direction: $\lim (f(x + hv) - f(x))/h = \nabla f(x) \cdot v$.

    The direction's length counts: twice the vector, twice the slope. Raises ValueError where x and
    the direction are not finite vectors of one length.
    """
    point = finite_vector(x, "x")
    along = finite_vector(direction, "direction", size=point.size)
    length = float(np.linalg.norm(along))
    if length == 0:
        return 0.0
    h = EPSILON ** (1 / 3) * max(1.0, float(np.abs(point).max()))
    unit = along / length
    ahead, behind = number_at(function, point + h * unit), number_at(function, point - h * unit)
    slope: float = length * (ahead - behind) / (2 * h)
    return slope


@replaceable
def jacobian(function: Field, x: ArrayLike) -> Floats:
    r"""$J_{ij} = \partial F_i/\partial x_j$ of a function from (n,) to (m,): shape (m, n)."""
    point = finite_vector(x, "x")
    columns = []
    for index, h in enumerate(_steps(point, 1 / 3)):
        ahead = real_array(function(_moved(point, index, h)), "the value of the function")
        behind = real_array(function(_moved(point, index, -h)), "the value of the function")
        if ahead.ndim != 1:
            raise ValueError(f"the function returned shape {ahead.shape}; wanted a vector")
        columns.append((ahead - behind) / (2 * h))
    return np.stack(columns, axis=1)


@replaceable
def hessian(function: Scalar, x: ArrayLike) -> Floats:
    r"""$H_{ij} = \partial^2 f/\partial x_i \partial x_j$ at x: symmetric, shape (n, n).

    On the diagonal $(f(x+h_i) - 2f(x) + f(x-h_i))/h_i^2$; off it the four corners,
    $(f_{++} - f_{+-} - f_{-+} + f_{--})/4h_ih_j$. About $2n^2$ values of f. Where a gradient is at
    hand, its `jacobian` is more exact.
    """
    point = finite_vector(x, "x")
    steps = _steps(point, 1 / 4)
    here = number_at(function, point)
    result = np.empty((point.size, point.size))
    for i, a in enumerate(steps):
        pair = [number_at(function, _moved(point, i, sign * a)) for sign in (1, -1)]
        result[i, i] = (pair[0] - 2 * here + pair[1]) / a**2
        for j, b in enumerate(steps[:i]):
            corners = [
                s * t * number_at(function, _moved(_moved(point, i, s * a), j, t * b))
                for s in (1, -1)
                for t in (1, -1)
            ]
            result[i, j] = result[j, i] = sum(corners) / (4 * a * b)
    return result


@replaceable
def laplacian(function: Scalar, x: ArrayLike) -> float:
    r"""$\sum_i \partial^2 f/\partial x_i^2$, the trace of the Hessian, from 2n + 1 values of f."""
    point = finite_vector(x, "x")
    here = number_at(function, point)
    total = 0.0
    for index, h in enumerate(_steps(point, 1 / 4)):
        pair = [number_at(function, _moved(point, index, sign * h)) for sign in (1, -1)]
        total += (pair[0] - 2 * here + pair[1]) / float(h) ** 2
    return total


@replaceable
def divergence(function: Field, x: ArrayLike) -> float:
    r"""$\sum_i \partial F_i/\partial x_i$ of a field from (n,) to (n,): its Jacobian's trace."""
    matrix = jacobian(function, x)
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"the Jacobian has shape {matrix.shape}; divergence wants a square one")
    return float(np.trace(matrix))


@replaceable
def chain(jacobians: Sequence[ArrayLike]) -> Floats:
    r"""The Jacobian of $F_k \circ ... \circ F_1$ from $[J_1, ..., J_k]$: $J_k \cdots J_1$.

    $J_i$, shape (n_i, n_{i-1}), is that of $F_i$ *at the point that the earlier ones give*. The
    product is taken from the output side, as backpropagation does: where the last function is a
    loss (one row), every product is a row times a matrix and never a matrix times a matrix. Raises
    ValueError for no Jacobian at all and where the shapes do not fit together.
    """
    matrices = [finite_matrix(item, "a Jacobian") for item in jacobians]
    if not matrices:
        raise ValueError("chain was given no Jacobian; wanted one or more, the innermost first")
    product = matrices[-1]
    for inner in reversed(matrices[:-1]):
        if product.shape[1] != inner.shape[0]:
            raise ValueError(f"Jacobians {product.shape} and {inner.shape} do not fit together")
        product = product @ inner
    return product


@replaceable
def relative_error(estimate: ArrayLike, exact: ArrayLike) -> float:
    r"""$\max|a - b| / \max(1, \max|a|, \max|b|)$: what gradient checks compare."""
    a, b = real_array(estimate, "estimate"), real_array(exact, "exact")
    if a.shape != b.shape:
        raise ValueError(f"estimate has shape {a.shape} and exact {b.shape}; wanted the same")
    if a.size == 0:
        return 0.0
    scale = max(1.0, float(np.abs(a).max()), float(np.abs(b).max()))
    return float(np.abs(a - b).max()) / scale
