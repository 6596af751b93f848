"""Functions of a square matrix: exponential, and square root, logarithm, powers of symmetric ones.

Higham, "Functions of Matrices" (2008). f(A) is not f applied to the entries: it has A's
eigenvectors and f of its eigenvalues. Fast twins: `scipy.linalg.expm`, `sqrtm`, `logm`. Left out:
the root and the logarithm of a matrix that is not symmetric, and the derivative of f.
"""

from collections.abc import Callable
from math import factorial

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import finite_array
from groundup.maths.lu import solve
from groundup.maths.matrices import EPS, Floats, square_matrix, whole_number
from groundup.maths.norms import one_norm
from groundup.maths.symmetric_eigen import symmetric_eigen
from groundup.swap import replaceable

PADE_13 = tuple(factorial(26 - k) // (factorial(13 - k) * factorial(k)) for k in range(14))
"""Numerator of the [13/13] Pade approximant of exp, from the constant up, all whole numbers."""
THETA_13 = 5.371920351148152
"""Up to this 1-norm the approximant is exact to float64 (Higham 2005, table 2.3)."""


@replaceable
def expm(A: ArrayLike) -> Floats:
    r"""$e^A = I + A + A^2/2! + \dots$ by scaling and squaring, shape (n, n).

    $e^A = (e^{A/2^s})^{2^s}$ with s so large that $A/2^s$ is small, where a quotient of two
    polynomials of degree 13 is exact to float64 (Higham, "The scaling and squaring method for the
    matrix exponential revisited", 2005). The series itself fails: for -20 its terms reach 10^7 and
    must cancel to 10^-9. Entries beyond float64's range are infinite or NaN, with NumPy's warning.
    """
    A = square_matrix(A)
    norm = one_norm(A)
    squarings = int(np.ceil(np.log2(norm / THETA_13))) if norm > THETA_13 else 0
    X = _pade(np.ldexp(A, -squarings))
    for _ in range(squarings):
        X = X @ X
    return X


def _pade(A: Floats) -> Floats:
    """p(A) / p(-A): the even powers of p are shared, the odd ones change sign."""
    identity = np.eye(len(A))
    square = A @ A
    even, odd, power = np.zeros_like(A), np.zeros_like(A), identity
    for k in range(0, len(PADE_13), 2):
        even += PADE_13[k] * power
        odd += PADE_13[k + 1] * power
        power = power @ square
    odd = A @ odd
    return solve(even - odd, even + odd)


@replaceable
def symmetric_function(A: ArrayLike, function: Callable[[Floats], Floats]) -> Floats:
    r"""$f(A) = V f(\Lambda) V^\top$ for a symmetric $A = V \Lambda V^\top$, shape (n, n).

    `function` takes and returns the n eigenvalues at once, as np.sin does. Raises ValueError when
    it returns NaN or infinity: A has an eigenvalue where f is not defined.
    """
    values, vectors = symmetric_eigen(A)
    images = finite_array(function(values), "f(eigenvalues)")
    if images.shape != values.shape:
        raise ValueError(f"the function returned shape {images.shape}; wanted {values.shape}")
    result = (vectors * images) @ vectors.T
    return 0.5 * result + 0.5 * result.T


@replaceable
def symmetric_sqrt(A: ArrayLike) -> Floats:
    """The positive semidefinite X with X X = A, for a positive semidefinite A, shape (n, n).

    Eigenvalues that are negative by rounding only (down to -n eps ||A||) count as 0. Raises
    LinAlgError when one is more negative.
    """
    return symmetric_function(A, lambda values: np.sqrt(_not_negative(values)))


def symmetric_inverse_sqrt(A: ArrayLike) -> Floats:
    """The X with X X = A^-1 for a positive definite A: it whitens data of covariance A."""
    return symmetric_function(A, lambda values: 1 / np.sqrt(_positive(values)))


@replaceable
def symmetric_log(A: ArrayLike) -> Floats:
    """The symmetric X with expm(X) = A, for a positive definite A, shape (n, n).

    The trace of X is log det A. Raises LinAlgError when A is not positive definite.
    """
    return symmetric_function(A, lambda values: np.log(_positive(values)))


@replaceable
def matrix_power(A: ArrayLike, exponent: int) -> Floats:
    """A^exponent by repeated squaring, in about 2 log2 |exponent| products; A^0 = I.

    A negative exponent takes powers of the inverse: LinAlgError when A is singular. Fast twin:
    `numpy.linalg.matrix_power`.
    """
    A = square_matrix(A)
    base, result = A, np.eye(len(A))
    left = abs(whole_number(exponent, "exponent"))
    if exponent < 0:
        base = solve(A, np.eye(len(A)))
    while left:
        if left % 2:
            result = result @ base
        left //= 2
        if left:
            base = base @ base
    return result


def _not_negative(values: Floats) -> Floats:
    allowed = len(values) * EPS * np.abs(values).max(initial=0.0)
    if values.min(initial=0.0) < -allowed:
        raise np.linalg.LinAlgError(
            f"A has the eigenvalue {values.min():.3g}; wanted a positive semidefinite matrix"
        )
    return np.maximum(values, 0.0)


def _positive(values: Floats) -> Floats:
    if values.min(initial=np.inf) <= 0:
        raise np.linalg.LinAlgError(
            f"A has the eigenvalue {values.min():.3g}; wanted a positive definite matrix"
        )
    return values
