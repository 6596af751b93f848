"""Sequential minimal optimisation, compiled; the plain twin is `groundup.classical.smo.smo`.

One pass over the variables chooses the second of the pair, another brings the scores up to date and
finds the next first one.
"""

from typing import Any

import numba
import numpy as np

_LEAST_CURVATURE = 1e-12


@numba.njit(cache=True, nogil=True)
def smo(K, signs, scores, bounds, tolerance, max_steps):
    """The variables, their scores, and the steps taken, from all variables zero."""
    n, copies = len(K), len(signs) // len(K)
    scores, alpha = scores.copy(), np.zeros(len(signs))
    diagonal = np.diag(K).copy()
    may_rise, may_fall = (signs > 0) & (bounds > 0), (signs < 0) & (bounds > 0)
    i, least = _extremes(scores, may_rise, may_fall)
    for step in range(max_steps):
        if i < 0 or scores[i] - least <= tolerance:
            return alpha, scores, step
        row_of_i = K[i % n]
        j, best = -1, 0.0
        for copy in range(copies):
            first = copy * n
            for t in range(n):
                gap = scores[i] - scores[first + t]
                if gap > 0 and may_fall[first + t]:
                    curvature = diagonal[i % n] + diagonal[t] - 2.0 * row_of_i[t]
                    gain = gap * gap / max(curvature, _LEAST_CURVATURE)
                    if gain > best:
                        j, best = first + t, gain
        if j < 0:
            return alpha, scores, step
        row_of_j = K[j % n]
        curvature = max(diagonal[i % n] + diagonal[j % n] - 2.0 * row_of_i[j % n], _LEAST_CURVATURE)
        room_of_i = bounds[i] - alpha[i] if signs[i] > 0 else alpha[i]
        room_of_j = alpha[j] if signs[j] > 0 else bounds[j] - alpha[j]
        move = min((scores[i] - scores[j]) / curvature, room_of_i, room_of_j)
        alpha[i] += signs[i] * move
        alpha[j] -= signs[j] * move
        if move == room_of_i:
            alpha[i] = bounds[i] if signs[i] > 0 else 0.0
        if move == room_of_j:
            alpha[j] = 0.0 if signs[j] > 0 else bounds[j]
        for moved in (i, j):
            above, below = alpha[moved] > 0, alpha[moved] < bounds[moved]
            may_rise[moved], may_fall[moved] = (
                (below, above) if signs[moved] > 0 else (above, below)
            )
        for copy in range(copies):
            some = scores[copy * n : (copy + 1) * n]
            for t in range(n):
                some[t] -= move * (row_of_i[t] - row_of_j[t])
        i, least = _extremes(scores, may_rise, may_fall)
    return alpha, scores, max_steps


@numba.njit(cache=True, nogil=True)
def _extremes(scores, may_rise, may_fall):
    """Which may rise and has the largest score (-1: none), and the least score of what may fall."""
    i, most, least = -1, -np.inf, np.inf
    for t in range(len(scores)):
        if may_rise[t] and scores[t] > most:
            i, most = t, scores[t]
        if may_fall[t] and scores[t] < least:
            least = scores[t]
    return i, least


def kernels() -> tuple[Any, ...]:
    """What is compiled on first use."""
    return smo, _extremes
