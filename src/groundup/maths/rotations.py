"""Givens rotations: turn two coordinates so that one of them becomes zero.

Givens (1958); Golub and Van Loan, "Matrix Computations" (4th ed., 2013), section 5.1.8. Where a
reflection clears a whole column, a rotation clears one entry: for chasing a bulge along a diagonal
and for matrices with few entries to clear. LAPACK: lartg, rot.
"""

import math

from groundup.maths.matrices import Floats
from groundup.swap import replaceable


@replaceable
def rotation(a: float, b: float) -> tuple[float, float, float]:
    r"""(c, s, r) with $c^2 + s^2 = 1$ that turns (a, b) to (r, 0): $ca + sb = r$, $cb - sa = 0$.

    $r = \sqrt{a^2 + b^2}$. Both are divided by the larger first, so that nothing overflows or
    underflows and c and s are right to the last digits. Where b is zero nothing is turned and
    r = a.
    """
    if b == 0:
        return 1.0, 0.0, a
    largest = max(abs(a), abs(b))
    x, y = a / largest, b / largest
    r = math.hypot(x, y)
    return x / r, y / r, r * largest


def rotate_rows(matrix: Floats, i: int, j: int, c: float, s: float) -> None:
    """Rows i and j of the matrix become c i + s j and c j - s i, in place."""
    old = matrix[i].copy()
    matrix[i] = c * old + s * matrix[j]
    matrix[j] = c * matrix[j] - s * old
