"""The first singular values of a large matrix from a few products with random vectors.

Halko, Martinsson and Tropp, "Finding structure with randomness" (2011), algorithms 4.3, 4.4 and
5.1. Fast twin: `sklearn.utils.extmath.randomized_svd`, `torch.svd_lowrank`. Left out: structured
random matrices, one pass over the data, and matrices that do not fit in memory.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.finite import finite_vector
from groundup.maths.matrices import Floats, finite_matrix, rescaled, unit_scale, whole_number
from groundup.maths.qr import qr
from groundup.maths.svd import SVD, singular_values, svd
from groundup.swap import replaceable

Seed = np.random.Generator | int | None


@replaceable
def random_range(A: ArrayLike, size: int, *, power: int = 2, rng: Seed = 0) -> Floats:
    r"""Orthonormal columns Q, shape (m, size), with $A \approx QQ^\top A$ for A of shape (m, n).

    A times a random matrix spans what A stretches most. Power iteration multiplies by $AA^\top$ q
    times more, so that s_j counts as $s_j^{2q+1}$, for singular values that fall slowly. QR
    between the products keeps the small ones from drowning in rounding error.
    """
    A, _ = unit_scale(finite_matrix(A))
    size, power = whole_number(size, "size", 1, min(A.shape)), whole_number(power, "power", 0)
    Q = qr(A @ np.random.default_rng(rng).standard_normal((A.shape[1], size))).Q
    for _ in range(power):
        Q = qr(A @ qr(A.T @ Q).Q).Q
    return Q


@replaceable
def randomized_svd(
    A: ArrayLike, k: int, *, oversample: int = 10, power: int = 2, rng: Seed = 0
) -> SVD:
    """The first k singular values and vectors, nearly: the SVD of the small matrix Q'A.

    A has shape (m, n); Q comes from `random_range` with k + oversample columns (at most the smaller
    side of A, where the result is exact). The default `rng` gives the same answer every time.
    """
    scaled, exponent = unit_scale(finite_matrix(A))
    k = whole_number(k, "k", 1, min(scaled.shape))
    size = k + whole_number(oversample, "oversample", 0)
    Q = random_range(scaled, min(size, *scaled.shape), power=power, rng=rng)
    U, s, Vt = svd(Q.T @ scaled)
    return SVD(Q @ U[:, :k], rescaled(s[:k], exponent), Vt[:k])


@replaceable
def expected_error_bound(s: ArrayLike, k: int, oversample: int) -> float:
    r"""The most that $\lVert A - QQ^\top A\rVert$ (spectral) is on average without power iteration.

    $(1 + \sqrt{k/(p-1)})\, s_{k+1} + \frac{e\sqrt{k+p}}{p} \sqrt{\sum_{j>k} s_j^2}$ with
    $p \ge 2$ columns more than k >= 2 (theorem 10.6), from all singular values s, descending. With
    q power iterations put $s^{2q+1}$ in and take the (2q+1)-th root (corollary 10.10).
    """
    values = finite_vector(s, "s")
    k = whole_number(k, "k", 2, values.size - 2)
    p = whole_number(oversample, "oversample", 2, values.size - k)
    tail = values[k:]
    tail_norm = float(np.sqrt(tail @ tail))
    average = math.e * math.sqrt(k + p) / p * tail_norm
    return float((1 + math.sqrt(k / (p - 1))) * tail[0]) + average


@replaceable
def measured_error_bound(A: ArrayLike, Q: ArrayLike, *, probes: int = 10, rng: Seed = 1) -> float:
    r"""A number that $\lVert A - QQ^\top A\rVert$ exceeds with probability at most 10^-probes.

    $10\sqrt{2/\pi}\,\max_i \lVert (I - QQ^\top) A \omega_i\rVert$ over random normal vectors
    (equation 4.3): it needs no singular value and costs `probes` products. A has shape (m, n), Q
    (m, k). The probes must be others than those that Q was made of: take another `rng`.
    """
    A, exponent = unit_scale(finite_matrix(A))
    Q = finite_matrix(Q, "Q", rows=len(A))
    shape = A.shape[1], whole_number(probes, "probes", 1)
    images = A @ np.random.default_rng(rng).standard_normal(shape)
    missed = images - Q @ (Q.T @ images)
    longest = np.sqrt((missed**2).sum(axis=0).max(initial=0.0))
    return float(np.ldexp(10 * math.sqrt(2 / math.pi) * longest, exponent))


def exact_error(A: ArrayLike, Q: ArrayLike) -> float:
    """||A - QQ'A|| in the spectral norm, for A of shape (m, n) and orthonormal Q (m, k)."""
    A = finite_matrix(A)
    Q = finite_matrix(Q, "Q", rows=len(A))
    return float(singular_values(A - Q @ (Q.T @ A)).max(initial=0.0))
