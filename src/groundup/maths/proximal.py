r"""Proximal operators: a step towards a small penalty that stays near.

    prox(v) = argmin_x  t g(x) + |x - v|^2 / 2

For a penalty without a gradient this is what a gradient step is for one with it, and for most
penalties it has a closed form. The prox of a set's indicator is the projection onto the set
(`projections`). Prox of g and of its conjugate g* split v between them (Moreau):
$v = \mathrm{prox}_{g}(v) + \mathrm{prox}_{g^*}(v)$. Source: Parikh and Boyd, "Proximal algorithms"
(2014), chapters 2 and 6. Left out: sums of penalties, whose prox is seldom the sum's.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import Floats, finite_array
from groundup.maths.matrices import finite_matrix
from groundup.swap import replaceable


def _weight(t: float) -> float:
    if not (np.isfinite(t) and t >= 0):
        raise ValueError(f"the weight of the penalty is {t}; wanted a finite number, 0 or more")
    return float(t)


@replaceable
def prox_l1(v: ArrayLike, t: float) -> Floats:
    r"""Of $t\|x\|_1$: soft thresholding, $\mathrm{sign}(v)\max(|v| - t, 0)$. Makes exact zeros."""
    point = finite_array(v, "v")
    return np.sign(point) * np.maximum(np.abs(point) - _weight(t), 0.0)


@replaceable
def prox_squares(v: ArrayLike, t: float) -> Floats:
    r"""Of $\frac t2\|x\|_2^2$: shrinking, $v/(1 + t)$. Never makes a zero."""
    return finite_array(v, "v") / (1 + _weight(t))


@replaceable
def prox_norm(v: ArrayLike, t: float) -> Floats:
    r"""Of $t\|x\|_2$: $\max(0, 1 - t/\|v\|)\,v$. All of v becomes 0 at once (group lasso)."""
    point = finite_array(v, "v")
    norm = float(np.linalg.norm(point))
    return point * (max(0.0, 1 - _weight(t) / norm) if norm > 0 else 0.0)


@replaceable
def prox_elastic_net(v: ArrayLike, t: float, ratio: float) -> Floats:
    r"""Of $t(\rho\|x\|_1 + \frac{1-\rho}2\|x\|^2)$: threshold, then shrink; $0 \le \rho \le 1$."""
    if not 0 <= ratio <= 1:
        raise ValueError(f"ratio is {ratio}; the share of the L1 penalty lies between 0 and 1")
    return prox_l1(v, _weight(t) * ratio) / (1 + t * (1 - ratio))


@replaceable
def prox_nuclear(v: ArrayLike, t: float) -> Floats:
    r"""Of $t\|X\|_*$, the sum of singular values, shape (m, n): they are soft thresholded.

    So the rank falls, as entries become 0 under L1.
    """
    left, sizes, right = np.linalg.svd(finite_matrix(v, "v"), full_matrices=False)
    shrunk: Floats = (left * np.maximum(sizes - _weight(t), 0.0)) @ right
    return shrunk
