r"""The nearest point of a convex set: $P(x) = \arg\min_{z \in C} \|z - x\|$.

It exists, is unique, and moving x moves P(x) no farther (projections are nonexpansive). Sources:
Parikh and Boyd, "Proximal algorithms" (2014), section 6.2; for the simplex: Duchi, Shalev-Shwartz,
Singer and Chandra, "Efficient projections onto the l1-ball" (2008). Left out: second-order cones.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import Floats, finite_array, finite_vector, positive, real_array
from groundup.maths.matrices import finite_matrix, symmetric_matrix
from groundup.swap import replaceable


@replaceable
def onto_box(x: ArrayLike, low: ArrayLike, high: ArrayLike) -> Floats:
    """Onto low <= z <= high, elementwise; bounds may be infinite. ValueError where they cross."""
    point = finite_array(x, "x")
    below, above = real_array(low, "low"), real_array(high, "high")
    if not (below <= above).all():
        raise ValueError("low is above high somewhere; such a box is empty")
    return np.minimum(np.maximum(point, below), above)


@replaceable
def onto_ball(x: ArrayLike, radius: float = 1.0) -> Floats:
    r"""Onto $\|z\|_2 \le$ radius: points outside are pulled in along the ray."""
    point = finite_array(x, "x")
    largest = float(np.abs(point).max(initial=0.0))
    # scaled first, so that squares do not overflow
    norm = largest * float(np.linalg.norm(point / largest)) if largest > 0 else 0.0
    return point if norm <= positive(radius, "radius") else point * (radius / norm)


@replaceable
def onto_simplex(x: ArrayLike, total: float = 1.0) -> Floats:
    r"""Onto $z \ge 0, \sum z = $ total: $\max(x - \tau, 0)$ with the $\tau$ that makes the sum
    right.

    With x sorted downwards, $\tau = (\sum_{i \le k} x_i - total)/k$ for the last k at which
    $x_k > \tau$. $O(n \log n)$; x has shape (n,).
    """
    # moving all of x by a constant moves tau and nothing else; it keeps the sums small
    point = finite_vector(x, "x")
    point -= point.max()
    downwards = np.sort(point)[::-1]
    count = np.arange(1, point.size + 1)
    threshold = (np.cumsum(downwards) - positive(total, "total")) / count
    k = np.flatnonzero(downwards > threshold)[-1]
    nearest: Floats = np.maximum(point - threshold[k], 0.0)
    return nearest


@replaceable
def onto_l1_ball(x: ArrayLike, radius: float = 1.0) -> Floats:
    r"""Onto $\|z\|_1 \le$ radius: the sizes go onto the simplex, the signs stay."""
    point = finite_vector(x, "x")
    if np.abs(point).sum() <= positive(radius, "radius"):
        return point
    sizes = onto_simplex(np.abs(point), radius)
    inside: Floats = np.sign(point) * sizes
    return inside


@replaceable
def onto_half_space(x: ArrayLike, a: ArrayLike, b: float) -> Floats:
    r"""Onto $a \cdot z \le b$: $x - \max(0, a \cdot x - b)\, a/\|a\|^2$; ValueError if a = 0."""
    point = finite_vector(x, "x")
    normal = finite_vector(a, "a", size=point.size)
    length = float(np.linalg.norm(normal))
    if length == 0:
        raise ValueError("a is 0; a half space needs a direction")
    unit = normal / length
    nearest: Floats = point - max(0.0, float(unit @ point) - b / length) * unit
    return nearest


@replaceable
def onto_affine(x: ArrayLike, A: ArrayLike, b: ArrayLike) -> Floats:
    r"""Onto $Az = b$: $x - A^+(Ax - b)$. LinAlgError where no z satisfies the equations."""
    point = finite_vector(x, "x")
    matrix = finite_matrix(A, "A", columns=point.size)
    right = finite_vector(b, "b", size=matrix.shape[0])
    z: Floats = point - np.linalg.pinv(matrix) @ (matrix @ point - right)
    scale = np.abs(right).max(initial=0.0) + np.abs(matrix).max(initial=0.0) * np.abs(z).max()
    if np.abs(matrix @ z - right).max(initial=0.0) > 1e-9 * scale:
        raise np.linalg.LinAlgError("the equations A z = b contradict each other; no z solves them")
    return z


@replaceable
def onto_psd(A: ArrayLike) -> Floats:
    r"""Onto the positive semidefinite matrices (Frobenius norm): negative eigenvalues become 0."""
    values, vectors = np.linalg.eigh(symmetric_matrix(A, "A"))
    projected: Floats = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return (projected + projected.T) / 2
