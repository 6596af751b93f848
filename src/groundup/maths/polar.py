r"""The polar decomposition A = UP: a rotation and a stretch, as $z = e^{i\theta} r$ for matrices.

U is the nearest matrix with orthonormal columns (Fan and Hoffman 1955), which is what the optimizer
Muon replaces a gradient by. Higham, "Functions of Matrices" (2008), chapter 8. Fast twin:
`scipy.linalg.polar`; `optimizers.muon:orthogonalize` is the Newton-Schulz iteration in torch.
Left out: scaled Newton iteration, wide matrices in `polar` (pass the transpose).
"""

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.matrices import EPS, Floats, finite_matrix
from groundup.maths.norms import frobenius_norm
from groundup.maths.svd import svd
from groundup.swap import replaceable

CUBIC = (1.5, -0.5, 0.0)
"""Newton-Schulz: f(s) = (3 s - s^3) / 2. f(1) = 1 and f'(1) = 0: quadratic convergence."""
QUINTIC = (1.875, -1.25, 0.375)
"""f(s) = (15 s - 10 s^3 + 3 s^5) / 8: f''(1) = 0 too, cubic convergence."""
JORDAN = (3.4445, -4.7750, 2.0315)
"""Muon's (Jordan 2024): steep at 0, no fixed point at 1. Five steps take 0.002..1 to 0.68..1.21."""


class Polar(NamedTuple):
    """A = U P."""

    U: Floats
    """Orthonormal columns, shape (m, n)."""
    P: Floats
    """Symmetric positive semidefinite, shape (n, n): the square root of A'A."""


@replaceable
def polar(A: ArrayLike) -> Polar:
    r"""From the SVD $A = W S V^\top$: $U = W V^\top$ and $P = V S V^\top$, for m >= n.

    P is always unique, U where A has full column rank. Raises ValueError for a wide A.
    """
    A = finite_matrix(A)
    if A.shape[0] < A.shape[1]:
        raise ValueError(f"A has shape {A.shape}; wanted rows >= columns, pass A.T")
    W, s, Vt = svd(A)
    P = (Vt.T * s) @ Vt
    return Polar(W @ Vt, 0.5 * P + 0.5 * P.T)


def nearest_orthogonal(A: ArrayLike) -> Floats:
    """The Q with orthonormal columns (rows, if A is wide) that minimises ||A - Q||_F: polar's U.

    For A = B'C it is the rotation that best turns B's rows onto C's (the Procrustes problem).
    """
    A = finite_matrix(A)
    return polar(A).U if A.shape[0] >= A.shape[1] else polar(A.T).U.T


@replaceable
def newton_schulz_step(X: Floats, coefficients: tuple[float, float, float] = CUBIC) -> Floats:
    r"""$X \leftarrow aX + (bG + cG^2)X$ with $G = XX^\top$, for X of shape (m, n).

    The singular vectors stay; every singular value s becomes $as + bs^3 + cs^5$. Matrix products
    only, which is why it suits a GPU.
    """
    a, b, c = coefficients
    G = X @ X.T
    return a * X + (b * G + c * (G @ G)) @ X


@replaceable
def newton_schulz(
    A: ArrayLike,
    coefficients: tuple[float, float, float] = CUBIC,
    *,
    tolerance: float | None = None,
    max_iterations: int = 100,
) -> Floats:
    r"""U of the polar decomposition by Newton-Schulz alone, shape of A (rows orthonormal if wide).

    After division by ||A||_F all singular values are in (0, 1], where both iterations converge.
    A value s grows by 1.5 (1.875) a step at first: about log(1/s) / log 1.5 steps, then a few more.
    It stops when ||I - G||_F <= tolerance, by default 10 n eps for G's size n. Warns with
    `ConvergenceWarning` when that is not reached: a singular A never does, nor do `JORDAN`'s
    coefficients (call `newton_schulz_step` five times, as Muon does).
    """
    A = finite_matrix(A)
    wide = A if A.shape[0] <= A.shape[1] else A.T
    norm = frobenius_norm(A)
    if norm == 0:
        return A
    X, size = wide / norm, len(wide)
    wanted = 10 * size * EPS if tolerance is None else tolerance
    step = 0
    while (gap := frobenius_norm(np.eye(size) - X @ X.T)) > wanted and step < max_iterations:
        X, step = newton_schulz_step(X, coefficients), step + 1
    if gap > wanted:
        warnings.warn(
            f"the rows are orthonormal up to {gap:.3g} only after {step} steps; use polar for a "
            "(nearly) singular matrix, or raise max_iterations or tolerance",
            ConvergenceWarning,
            stacklevel=3,
        )
    return X if wide is A else X.T
