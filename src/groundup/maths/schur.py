"""The real Schur form of any square matrix, by Francis's double-shift QR iteration.

Francis, "The QR transformation" (1961, 1962); Golub and Van Loan, "Matrix Computations" (4th ed.,
2013), sections 7.4 and 7.5. Fast twins: `scipy.linalg.hessenberg`, `scipy.linalg.schur` (LAPACK
gehrd, hseqr). Left out: many shifts at once, aggressive early deflation, reordering, equal
diagonals in the 2 x 2 blocks.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.householder import reflect_columns, reflect_rows, reflection
from groundup.maths.matrices import EPS, TINY, Floats, rescaled, square_matrix, unit_scale
from groundup.maths.qr import apply_q
from groundup.maths.rotations import rotate_rows, rotation
from groundup.swap import replaceable

SWEEPS = 300
"""How often one block may be tried, as in LAPACK; two to four sweeps an eigenvalue are usual."""


class Hessenberg(NamedTuple):
    """A = Q H Q'."""

    Q: Floats
    """Orthogonal, shape (n, n)."""
    H: Floats
    """Zero below the first diagonal under the main one, shape (n, n)."""


class Schur(NamedTuple):
    """A = Q T Q'."""

    Q: Floats
    """Orthogonal, shape (n, n)."""
    T: Floats
    """Upper triangular but for a 2 x 2 block on the diagonal for every complex pair, (n, n)."""


@replaceable
def hessenberg(A: ArrayLike) -> Hessenberg:
    """Reflect A, shape (n, n), from both sides until it is a triangle and one diagonal more.

    A full triangle cannot be reached this way: the reflection from the right would undo the left.
    A QR step on a full matrix costs n^3 operations, on this form n^2, and it keeps the form.
    """
    H = square_matrix(A)
    n = len(H)
    reflections = []
    for k in range(n - 2):
        step = reflection(H[k + 1 :, k])
        reflect_rows(step, H[k + 1 :, k:])
        reflect_columns(step, H[:, k + 1 :])
        H[k + 2 :, k] = 0.0
        reflections.append(step)
    Q = np.eye(n)
    Q[1:, 1:] = apply_q(reflections, Q[1:, 1:])
    return Hessenberg(Q, H)


@replaceable
def real_schur(A: ArrayLike) -> Schur:
    """Iterate QR with shifts until the eigenvalues of A, shape (n, n), stand on the diagonal.

    T and Q belong to a matrix within about n eps ||A|| of A. That says nothing about how near the
    eigenvalues are where A is not normal: those of a defective A move by eps^(1/k) for a block of
    size k. Raises LinAlgError in the case, never met, that a block does not converge.
    """
    scaled, exponent = unit_scale(square_matrix(A))
    Q, T = hessenberg(scaled)
    low, high, tries = 0, len(T) - 1, 0
    while high > 0:
        low = _split(T, high)
        if high - low < 2:  # one eigenvalue or two have come off
            if high - low == 1:
                _triangular_pair(T, Q, low)
            high, tries = low - 1, 0
            continue
        if tries == SWEEPS:
            raise np.linalg.LinAlgError(f"no convergence in {SWEEPS} sweeps; balance the matrix")
        _double_sweep(T, Q, low, high, tries)
        tries += 1
    return Schur(Q, rescaled(T, exponent))


def _split(T: Floats, high: int) -> int:
    """Zero what is negligible under the diagonal; where the last block that is left begins."""
    beside = np.abs(np.diagonal(T))
    below = np.abs(np.diagonal(T, -1))[:high]
    small = below <= EPS * (beside[:high] + beside[1 : high + 1]) + TINY
    places = np.flatnonzero(small)
    T[places + 1, places] = 0.0
    return int(places[-1]) + 1 if places.size else 0


def _double_sweep(T: Floats, Q: Floats, low: int, high: int, tries: int) -> None:
    """Two QR steps at once, with a shift and its conjugate, in real numbers and never formed.

    (T - m I)^2 - d I, for the shifts m +- sqrt(d), is real and has a first column of three entries.
    Its reflection makes a bulge; reflections of three rows and columns chase it down and out.
    """
    middle, spread = _shifts(T, low, high, tries)
    # differences first: a^2 - (sum of shifts) a + (their product) would cancel to rounding error
    a, d = T[low, low] - middle, T[low + 1, low + 1] - middle
    b, c = T[low, low + 1], T[low + 1, low]
    head = np.array([(a * a - spread) / c + b, a + d, T[low + 2, low + 1]])
    for k in range(low, high):
        width = min(3, high - k + 1)
        step = reflection(head[:width])
        reflect_rows(step, T[k : k + width, max(k - 1, low) :])
        reflect_columns(step, T[: min(k + width, high) + 1, k : k + width])
        reflect_columns(step, Q[:, k : k + width])
        if k > low:
            T[k + 1 : k + width, k - 1] = 0.0
        head = T[k + 1 : k + 4, k].copy()


def _shifts(T: Floats, low: int, high: int, tries: int) -> tuple[float, float]:
    """The two shifts, m +- sqrt(d), as (m, d): the eigenvalues of the last 2 x 2 block.

    Where they are real, the one nearer to the last entry stands for both, which is faster. Some
    matrices, as a cyclic permutation, are left as they are by their own shifts, for ever: therefore
    every tenth try takes shifts of no meaning on purpose, from the end and the beginning by turns.
    """
    if tries % 10 == 9:
        k = high if tries % 20 == 9 else low + 2
        size = float(abs(T[k, k - 1]) + abs(T[k - 1, k - 2]))
        return float(T[k, k]) + 0.75 * size, -0.4375 * size * size
    half, discriminant = pair_discriminant(T, high - 1)
    last = float(T[high, high])
    if discriminant < 0:
        return last + half, discriminant
    reach = half + math.copysign(math.sqrt(discriminant), half)
    outer = float(T[high - 1, high]) * float(T[high, high - 1])
    return (last - outer / reach if reach else last), 0.0


def _triangular_pair(T: Floats, Q: Floats, k: int) -> None:
    """Rotate a 2 x 2 block with real eigenvalues to a triangle; a complex pair stays a block."""
    half, discriminant = pair_discriminant(T, k)
    if discriminant < 0:
        return
    # (lambda - d, c) is the eigenvector of the eigenvalue farther from d: no cancellation
    c, s, _ = rotation(half + math.copysign(math.sqrt(discriminant), half), float(T[k + 1, k]))
    rotate_rows(T[:, k:], k, k + 1, c, s)
    rotate_rows(T[: k + 2].T, k, k + 1, c, s)
    rotate_rows(Q.T, k, k + 1, c, s)
    T[k + 1, k] = 0.0


def pair_discriminant(T: Floats, k: int) -> tuple[float, float]:
    """Half the difference p = (a - d) / 2, and p^2 + bc, for the block [[a, b], [c, d]] at k.

    Its eigenvalues are (a + d) / 2 +- sqrt(p^2 + bc).
    """
    half = 0.5 * float(T[k, k] - T[k + 1, k + 1])
    return half, half * half + float(T[k, k + 1]) * float(T[k + 1, k])
