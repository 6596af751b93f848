"""One epoch of the perceptron, compiled.

The plain twin, with the formulas, is `groundup.classical.perceptron.perceptron_epoch`.
"""

from typing import Any

import numba


@numba.njit(cache=True, nogil=True)
def perceptron_epoch(X, signs, steps, plane, order, fit_intercept):
    """Show each sample once; the loss and the mistakes. `plane` is changed where it stands."""
    features, loss, mistakes = X.shape[1], 0.0, 0
    for i in order:
        score = 0.0
        for j in range(features):
            score += X[i, j] * plane[j]
        margin = signs[i] * (score + plane[features])
        if margin <= 0:
            loss -= margin
            mistakes += 1
            move = steps[i] * signs[i]
            for j in range(features):
                plane[j] += move * X[i, j]
            if fit_intercept:
                plane[features] += move
    return loss, mistakes


def kernels() -> tuple[Any, ...]:
    """What is compiled on first use."""
    return (perceptron_epoch,)
