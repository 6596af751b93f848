r"""Kernels: inner products of rows in a space that is never visited.

$k(x, y) = \phi(x) \cdot \phi(y)$, so a method that needs inner products alone works in the space of
$\phi$, however many dimensions it has (Scholkopf and Smola, "Learning with Kernels", 2002, chapter
2). A matrix of a valid kernel is symmetric and has no negative eigenvalue; the sigmoid's may have.
Each function takes X (n x f) and Y (m x f) and gives n x m.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.classical.distances import manhattan_distances, squared_distances_by_product
from groundup.swap import replaceable

Floats = NDArray[np.float64]
KERNELS = ("linear", "poly", "rbf", "sigmoid", "laplacian")
"""What `kernel_matrix` knows by name."""
_BLOCK = 1 << 18  # numbers: two megabytes stay near the processor from distance to exponential


@replaceable
def linear_kernel(X: Floats, Y: Floats) -> Floats:
    r"""$x \cdot y$."""
    result: Floats = X @ Y.T
    return result


@replaceable
def polynomial_kernel(
    X: Floats, Y: Floats, gamma: float, coef0: float = 0.0, degree: int = 3
) -> Floats:
    r"""$(\gamma \, x \cdot y + c_0)^d$: all products of up to d features."""
    base: Floats = gamma * (X @ Y.T) + coef0
    result = np.ones_like(base)
    for bit in f"{degree:b}":  # by squaring: NumPy's power of an array is ten times slower
        result *= result
        if bit == "1":
            result *= base
    return result


@replaceable
def rbf_kernel(X: Floats, Y: Floats, gamma: float) -> Floats:
    r"""$\exp(-\gamma \|x - y\|^2)$: near rows are alike; the space has no end of dimensions.

    The distances come from a matrix product, so the kernel of equal rows is 1 but for rounding,
    $1 - 4 f \epsilon \gamma \|x - \bar y\|^2$ at the least.
    """
    result = np.empty((len(X), len(Y)))
    step = max(1, _BLOCK // max(1, len(Y)))
    for start in range(0, len(X), step):
        rows = slice(start, start + step)
        np.exp(-gamma * squared_distances_by_product(X[rows], Y), out=result[rows])
    if X is Y:
        np.fill_diagonal(result, 1.0)
    return result


@replaceable
def laplacian_kernel(X: Floats, Y: Floats, gamma: float) -> Floats:
    r"""$\exp(-\gamma \sum_f |x_f - y_f|)$."""
    return np.asarray(np.exp(-gamma * manhattan_distances(X, Y)))


@replaceable
def sigmoid_kernel(X: Floats, Y: Floats, gamma: float, coef0: float = 0.0) -> Floats:
    r"""$\tanh(\gamma \, x \cdot y + c_0)$; no valid kernel for most settings."""
    return np.asarray(np.tanh(gamma * (X @ Y.T) + coef0))


def kernel_matrix(
    kernel: str | Callable[[Floats, Floats], Any],
    X: Floats,
    Y: Floats,
    *,
    gamma: float = 1.0,
    coef0: float = 0.0,
    degree: int = 3,
) -> Floats:
    """The kernel of that name, or a function of (X, Y), of all pairs of rows: n x m.

    Raises ValueError for an unknown name, and where a function gives another shape or NaN.
    """
    if callable(kernel):
        result: Floats = np.asarray(kernel(X, Y), np.float64)
        if result.shape != (len(X), len(Y)):
            raise ValueError(
                f"The kernel function gave a matrix of shape {result.shape} for {len(X)} and "
                f"{len(Y)} rows; it must be {(len(X), len(Y))}"
            )
    elif kernel == "linear":
        result = linear_kernel(X, Y)
    elif kernel == "poly":
        result = polynomial_kernel(X, Y, gamma, coef0, degree)
    elif kernel == "rbf":
        result = rbf_kernel(X, Y, gamma)
    elif kernel == "laplacian":
        result = laplacian_kernel(X, Y, gamma)
    elif kernel == "sigmoid":
        result = sigmoid_kernel(X, Y, gamma, coef0)
    else:
        raise ValueError(f"kernel is {kernel!r}; known are: {', '.join(KERNELS)}, or a function")
    if not np.isfinite(result).all():
        raise ValueError(
            "The kernel of some rows is not finite; scale the features, or lower gamma or degree"
        )
    return result


def gamma_of(gamma: str | float, X: Floats) -> float:
    r"""The width: $1 / (f \, Var(X))$ for "scale" (1 where X is constant), $1 / f$ for "auto".

    Raises ValueError for other words and for negative numbers.
    """
    if gamma == "scale":
        with np.errstate(over="ignore"):
            variance = float(X.var())
        if not np.isfinite(variance):
            raise ValueError("The variance of X is not finite; scale the features")
        return 1.0 / (int(X.shape[1]) * variance) if variance > 0 else 1.0
    if gamma == "auto":
        return 1.0 / int(X.shape[1])
    if isinstance(gamma, str) or not 0 <= gamma < np.inf:
        raise ValueError(f"gamma is {gamma!r}; it may be 'scale', 'auto' or a number from 0 up")
    width: float = float(gamma)
    return width
