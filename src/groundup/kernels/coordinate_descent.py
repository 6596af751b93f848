"""One round of coordinate descent for the elastic net, compiled.

The plain twin, with the formulas, is `groundup.classical.coordinate_descent.coordinate_pass`.
"""

from typing import Any

import numba


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _dot(a, b):
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@numba.njit(cache=True, nogil=True)
def coordinate_pass(columns, squares, residual, coef, l1, l2, positive):
    """Minimise along each coordinate in turn; the largest change, and the largest coefficient."""
    change, largest = 0.0, 0.0
    for j in range(len(coef)):
        if squares[j] == 0:
            continue
        old = coef[j]
        correlation = _dot(columns[j], residual) + squares[j] * old
        new = 0.0
        if correlation > l1:
            new = (correlation - l1) / (squares[j] + l2)
        elif correlation < -l1 and not positive:
            new = (correlation + l1) / (squares[j] + l2)
        if new != old:
            move, column = old - new, columns[j]
            for i in range(len(residual)):
                residual[i] += move * column[i]
            coef[j] = new
        change, largest = max(change, abs(new - old)), max(largest, abs(new))
    return change, largest


def kernels() -> tuple[Any, ...]:
    """What is compiled on first use."""
    return _dot, coordinate_pass
