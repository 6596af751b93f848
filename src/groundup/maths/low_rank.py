"""The best approximation of low rank, and the pseudo-inverse: what the SVD is for.

Eckart and Young (1936), Mirsky (1960): of all matrices of rank k, the SVD cut after k terms is the
nearest, in the spectral and the Frobenius norm. Compression of weights, latent semantic analysis
and LoRA rest on it. Fast twin: `numpy.linalg.svd`, `pinv`. Left out: weighted and masked
approximation (matrix completion), and non-negative factors.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import finite_vector
from groundup.maths.matrices import (
    EPS,
    Floats,
    finite_matrix,
    real_number,
    rescaled,
    unit_scale,
    whole_number,
)
from groundup.maths.norms import vector_norm
from groundup.maths.svd import svd
from groundup.swap import replaceable


class LowRank(NamedTuple):
    """A is about left @ right."""

    left: Floats
    """Shape (m, k): k numbers a row."""
    right: Floats
    """Shape (k, n): k numbers a column. Its rows are orthogonal, as are the columns of left."""
    spectral_error: float
    """||A - left right||, the first singular value left out."""
    frobenius_error: float
    """The root of the sum of the squares of all those left out."""


@replaceable
def low_rank(A: ArrayLike, k: int) -> LowRank:
    r"""The nearest matrix of rank k: $\sum_{i \le k} s_i u_i v_i^\top$, for A of shape (m, n).

    Each $s_i$ is shared between the factors as two square roots, as LoRA would train them. It
    takes k (m + n) numbers in place of m n. The k-th matrix is unique where s_k > s_(k+1). Raises
    ValueError unless 0 <= k <= min(m, n).
    """
    scaled, exponent = unit_scale(finite_matrix(A))
    U, s, Vt = svd(scaled)
    k = whole_number(k, "k", 0, len(s))
    roots, rest = np.sqrt(s[:k]), s[k:]
    errors = np.array([rest.max(initial=0.0), vector_norm(rest)])
    half = exponent // 2  # the scale is shared, too
    return LowRank(
        rescaled(U[:, :k] * roots, half),
        rescaled(roots[:, None] * Vt[:k], exponent - half),
        *rescaled(errors, exponent).tolist(),
    )


@replaceable
def rank_for_energy(s: ArrayLike, share: float) -> int:
    r"""The smallest k with $\sum_{i \le k} s_i^2 \ge share \cdot \sum_i s_i^2$.

    s are singular values in descending order, shape (r,), and 1 - share is the squared relative
    Frobenius error that is left. Raises ValueError for a share outside [0, 1], and for values that
    are negative or ascend.
    """
    values = finite_vector(s, "s")
    if not 0 <= real_number(share, "share") <= 1:
        raise ValueError(f"share is {share}; wanted 0 to 1")
    if values[-1] < 0 or np.any(np.diff(values) > 0):
        raise ValueError("s must descend and not be negative; pass the singular values of svd")
    if values[0] == 0:
        return 0
    # summed from the small end: what is left out after k terms, to full relative accuracy
    left_out = np.append(np.cumsum(((values / values[0]) ** 2)[::-1])[::-1], 0.0)
    enough = int(np.argmax(left_out <= (1 - share) * left_out[0]))
    return max(enough, 1 if share > 0 else 0)


@replaceable
def pseudo_inverse(A: ArrayLike, rtol: float | None = None) -> Floats:
    r"""The Moore-Penrose inverse $A^+ = \sum_{s_i > tol} v_i u_i^\top / s_i$, shape (n, m).

    Penrose (1955): the only X with AXA = A, XAX = X, and AX and XA symmetric; $A^+ b$ is the
    shortest least-squares solution. Singular values up to rtol s_1 count as zero: by default
    max(m, n) eps (`numpy.linalg.pinv` has 1e-15 by default).
    """
    A = finite_matrix(A)
    U, s, Vt = svd(A)
    threshold = max(A.shape) * EPS if rtol is None else rtol
    kept = int((s > threshold * s.max(initial=0.0)).sum())
    inverse: Floats = (Vt[:kept].T / s[:kept]) @ U[:, :kept].T
    return inverse
