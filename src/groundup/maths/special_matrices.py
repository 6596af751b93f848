"""Matrices that are known for what they do to algorithms: to learn from, and to test with.

Higham, "Accuracy and Stability of Numerical Algorithms" (2002), chapter 28. Fast twins:
`scipy.linalg.hilbert`, `invhilbert`, `companion`, `numpy.vander`. Left out: the rest of the zoo.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import finite_vector
from groundup.maths.matrices import Floats, real_number, whole_number


def hilbert(n: int) -> Floats:
    """H_ij = 1 / (i + j - 1): positive definite, and cond about e^(3.5 n), 10^16 at n = 12.

    The normal equations of fitting a polynomial to [0, 1].
    """
    i = _numbers(n)
    return 1 / (i[:, None] + i - 1)


def inverse_hilbert(n: int) -> Floats:
    """Its inverse, of whole numbers: exact in float64 up to n = 11 or so, rounded beyond.

    (-1)^(i+j) (i+j-1) C(n+i-1, n-j) C(n+j-1, n-i) C(i+j-2, i-1)^2 (Choi 1983).
    """
    size = range(1, len(_numbers(n)) + 1)
    entries = [[_inverse_hilbert_entry(n, i, j) for j in size] for i in size]
    return np.array(entries, dtype=np.float64).reshape(n, n)


def _inverse_hilbert_entry(n: int, i: int, j: int) -> int:
    sign = -1 if (i + j) % 2 else 1
    outer = math.comb(n + i - 1, n - j) * math.comb(n + j - 1, n - i)
    return sign * (i + j - 1) * outer * math.comb(i + j - 2, i - 1) ** 2


def vandermonde(points: ArrayLike, columns: int | None = None) -> Floats:
    """V_ij = x_i^j for j = 0 .. columns - 1: polynomials at the points, shape (m, columns)."""
    x = finite_vector(points, "points")
    return x[:, None] ** np.arange(x.size if columns is None else len(_numbers(columns)))


def wilkinson(n: int) -> Floats:
    """W+: |i - (n-1)/2| on the diagonal of a symmetric tridiagonal matrix of ones.

    For odd n the largest eigenvalues come in pairs that agree to many digits (14 at n = 21), though
    no two can be equal: a test for deflation.
    """
    middle = np.abs(_numbers(n) - (n + 1) / 2)
    return np.diag(middle) + np.eye(n, k=1) + np.eye(n, k=-1)


def growing(n: int) -> Floats:
    """Wilkinson's matrix on which partial pivoting is at its worst: LU grows to 2^(n-1).

    Ones on the diagonal and in the last column, -1 below the diagonal.
    """
    matrix = np.eye(n, len(_numbers(n))) - np.tri(n, k=-1)
    matrix[:, n - 1 :] = 1.0
    return matrix


def companion(coefficients: ArrayLike) -> Floats:
    """The matrix whose eigenvalues are the roots of c_0 x^n + c_1 x^(n-1) + ... + c_n.

    coefficients has shape (n + 1,), highest power first, as in `numpy.roots`, which finds roots
    this way. Raises ValueError when c_0 is zero or there is no root.
    """
    c = finite_vector(coefficients, "coefficients")
    if c.size < 2 or c[0] == 0:
        raise ValueError(
            f"{c} is no polynomial with a root; wanted two coefficients or more, the first not 0"
        )
    matrix = np.eye(c.size - 1, k=-1)
    matrix[0] = -c[1:] / c[0]
    return matrix


def jordan_block(value: float, n: int) -> Floats:
    """`value` on the diagonal and ones above: one eigenvector for an n-fold eigenvalue.

    A change of eps in the corner moves the eigenvalues by eps^(1/n).
    """
    return real_number(value, "value") * np.eye(len(_numbers(n))) + np.eye(n, k=1)


def _numbers(n: int) -> Floats:
    return np.arange(1, whole_number(n, "the size", 0) + 1, dtype=np.float64)
