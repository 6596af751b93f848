"""Householder reflections: one orthogonal step that sends a vector to a multiple of e1.

Householder (1958); Golub and Van Loan, "Matrix Computations" (4th ed., 2013), section 5.1. QR, the
Hessenberg, the tridiagonal and the bidiagonal form are all rows of such steps. LAPACK: larfg, larf.
Left out: the blocked form (WY) that makes large matrices fast.
"""

import math
from typing import NamedTuple

import numpy as np

from groundup.maths.matrices import Floats
from groundup.swap import replaceable


class Reflection(NamedTuple):
    """H = I - tau v v', symmetric and orthogonal, and the beta with H x = beta e1."""

    v: Floats
    """Shape (n,); its first entry is 1."""
    tau: float
    """0 for H = I, otherwise between 1 and 2."""
    beta: float
    """||x|| with the sign that differs from x[0]'s, or x[0] itself where H = I."""


@replaceable
def reflection(x: Floats) -> Reflection:
    r"""The reflection that keeps nothing of x (shape (n,), n >= 1) but its first entry.

    $\beta = -\mathrm{sign}(x_1)\lVert x\rVert$, $v = (x - \beta e_1)/(x_1 - \beta)$,
    $\tau = (\beta - x_1)/\beta$. The sign is chosen so that $x_1 - \beta$ adds and never cancels.
    Where x already is a multiple of e1 nothing is reflected, as in LAPACK. The norm is taken of x
    divided by its largest entry, so it neither overflows nor underflows.
    """
    largest = float(np.abs(x).max())
    if not np.any(x[1:]):
        return Reflection(np.eye(1, len(x))[0], 0.0, float(x[0]))
    y = x / largest
    norm = float(np.sqrt(y @ y))
    beta = -math.copysign(norm, y[0])
    v = y / (y[0] - beta)
    v[0] = 1.0
    return Reflection(v, (beta - float(y[0])) / beta, beta * largest)


def reflect_rows(H: Reflection, block: Floats) -> None:
    """Replace a block of shape (n, k) by H block, in place: mixes rows."""
    block -= np.outer(H.tau * H.v, H.v @ block)


def reflect_columns(H: Reflection, block: Floats) -> None:
    """Replace a block of shape (k, n) by block H, in place: mixes columns."""
    block -= np.outer(block @ H.v, H.tau * H.v)
