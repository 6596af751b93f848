"""How long a vector is, how much a matrix stretches: the norms of both.

Golub and Van Loan, "Matrix Computations" (4th ed., 2013), sections 2.2 and 2.3; Higham, "Accuracy
and Stability of Numerical Algorithms" (2002), chapter 6. Fast twin: `numpy.linalg.norm`. Left out:
norms along an axis, complex numbers, and mixed norms from one p to another. NaN and infinity are
refused, where NumPy passes them on.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import finite_array
from groundup.maths.matrices import Floats, finite_matrix
from groundup.maths.svd import singular_values
from groundup.swap import replaceable


@replaceable
def vector_norm(x: ArrayLike, p: float = 2) -> float:
    r"""$\lVert x\rVert_p = (\sum_i |x_i|^p)^{1/p}$ of x, shape (n,).

    p = inf: the largest |x_i|; p = -inf: the smallest; p = 0: how many are not zero. For p < 1 the
    triangle inequality fails, and for p < 0 one zero makes the result 0; the names stay. All are
    divided by one of them first, so that no power overflows or underflows. A vector without numbers
    has norm 0. Raises ValueError for p < 0 and no numbers, and for p = NaN.
    """
    sizes = np.abs(_vector(x))
    if math.isnan(p) or (p < 0 and not sizes.size):
        raise ValueError(f"p is {p} for {sizes.size} numbers; wanted a number, above 0 for none")
    if p == 0:
        return float(np.count_nonzero(sizes))
    if math.isinf(p):
        return float(sizes.max(initial=0.0) if p > 0 else sizes.min())
    return _power_mean(sizes, p)


def _power_mean(sizes: Floats, p: float) -> float:
    largest = float(sizes.max(initial=0.0) if p > 0 else sizes.min())
    if largest == 0:
        return 0.0
    with np.errstate(over="ignore", under="ignore"):  # inf^p = 0 for p < 0, as it should be
        total = float(((sizes / largest) ** p).sum())
    try:
        return largest * float(total ** (1 / p))
    except OverflowError:  # a norm beyond 1.8e308, as many numbers have for a p near zero
        return math.inf


def frobenius_norm(A: ArrayLike) -> float:
    r"""$\sqrt{\sum_{ij} A_{ij}^2}$: the length of the matrix as one long vector, and of its s."""
    return vector_norm(finite_matrix(A).ravel())


def one_norm(A: ArrayLike) -> float:
    """The largest sum of |A_ij| down a column: the most that A stretches in the 1-norm."""
    return float(np.abs(finite_matrix(A)).sum(axis=0).max(initial=0.0))


def infinity_norm(A: ArrayLike) -> float:
    """The largest sum of |A_ij| along a row: the most that A stretches in the infinity norm."""
    return float(np.abs(finite_matrix(A)).sum(axis=1).max(initial=0.0))


def spectral_norm(A: ArrayLike) -> float:
    """The largest singular value: the most that A stretches in the 2-norm."""
    return schatten_norm(A, math.inf)


def nuclear_norm(A: ArrayLike) -> float:
    """The sum of the singular values: the convex stand-in for the rank."""
    return schatten_norm(A, 1)


@replaceable
def schatten_norm(A: ArrayLike, p: float) -> float:
    """The p-norm of the singular values of A, shape (m, n): 1 nuclear, 2 Frobenius, inf spectral.

    p = 0 counts those that are not exactly zero; for the rank up to rounding see `subspaces.rank`.
    Raises ValueError for p < 0.
    """
    if math.isnan(p) or p < 0:
        raise ValueError(f"p is {p}; wanted p >= 0")
    return vector_norm(singular_values(A), p)


def _vector(x: ArrayLike) -> Floats:
    given = np.asarray(x)
    if given.ndim != 1:
        raise ValueError(f"x has shape {given.shape}; wanted one dimension, pass x.ravel()")
    return finite_array(given, "x")
