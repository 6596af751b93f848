"""One round of dual coordinate descent for the linear support vector machine, compiled.

The plain twin, with the formulas, is `groundup.classical.dual_coordinates.dual_pass`.
"""

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _dot(a, b):
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@numba.njit(cache=True, nogil=True)
def dual_pass(X, signs, diagonal, upper, alpha, w, order, slopes):
    """Minimise along each sample's multiplier in turn; the largest and least slope met."""
    highest, lowest = -np.inf, np.inf
    for i in order:
        extra = diagonal[i]
        slope = signs[i] * _dot(X[i], w) - 1.0 + extra * alpha[i]
        free = slopes[i] = slope
        if alpha[i] <= 0:
            free = min(slope, 0.0)
        elif alpha[i] >= upper[i]:
            free = max(slope, 0.0)
        highest, lowest = max(highest, free), min(lowest, free)
        if free != 0:
            old = alpha[i]
            curvature = _dot(X[i], X[i]) + extra
            new = upper[i] if slope < 0 else 0.0
            if curvature > 0:
                new = min(max(old - slope / curvature, 0.0), upper[i])
            alpha[i] = new
            move = (new - old) * signs[i]
            for j in range(len(w)):
                w[j] += move * X[i, j]
    return highest, lowest


def kernels() -> tuple[Any, ...]:
    """What is compiled on first use."""
    return _dot, dual_pass
