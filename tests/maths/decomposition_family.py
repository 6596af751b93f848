"""What every decomposition must hold, and the matrices on which it must hold it.

How far a product of factors may be from its matrix: the algorithms of this room are backward
stable, so the error is at most c n eps ||A||, with the larger side n, the Frobenius norm, and a
constant that grows slowly (Higham 2002, theorems 9.3, 10.3, 19.4). Rounding errors have both signs,
so that c = 10 is far more than is ever seen and far less than one unstable step would cost.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from groundup.maths import special_matrices as special

EPS = np.finfo(np.float64).eps
RNG = np.random.default_rng(20240607)


def _random(rows, columns, scale=1.0):
    return scale * RNG.standard_normal((rows, columns))


def _orthogonal(n):
    return np.linalg.qr(_random(n, n))[0]


def _clustered(n):
    """Eigenvalues 1 + k eps and 2 + k eps: two clusters closer than rounding."""
    values = np.where(np.arange(n) % 2, 1.0, 2.0) + np.arange(n) * EPS
    Q = _orthogonal(n)
    return (Q * values) @ Q.T


def sparse(n, ones):
    """Zero but for ones at the given places, "row column row column ..."."""
    A = np.zeros((n, n))
    for i, j in zip(ones[::2], ones[1::2], strict=True):
        A[int(i), int(j)] = 1.0
    return A


MATRICES = {
    "0 x 0": np.zeros((0, 0)),
    "0 x 3": np.zeros((0, 3)),
    "3 x 0": np.zeros((3, 0)),
    "one": np.array([[-3.0]]),
    "zero": np.zeros((4, 4)),
    "zero wide": np.zeros((2, 5)),
    "identity": np.eye(5),
    "random": _random(9, 9),
    "tall": _random(11, 4),
    "wide": _random(4, 11),
    "column": _random(6, 1),
    "row": _random(1, 6),
    "rank 2": _random(7, 2) @ _random(2, 6),
    "all ones": np.ones((6, 6)),
    "two equal columns": _random(6, 3)[:, [0, 1, 1, 2]],
    "huge": _random(6, 6, 1e150),
    "tiny": _random(6, 6, 1e-150),
    "tiny tall": _random(7, 3, 1e-160),
    "graded columns": _random(8, 6) * 10.0 ** -np.arange(0, 60, 10),
    "Hilbert": special.hilbert(11),
    "growing": special.growing(12),
    "defective": special.jordan_block(2.0, 7),
    "nilpotent": special.jordan_block(0.0, 6),
    "companion": special.companion(np.poly(np.arange(1, 9))),
    "roots of unity": special.companion([1, 0, 0, 0, 0, 0, -1]),
    "orthogonal": _orthogonal(8),
    "rotations": np.kron(np.eye(3), [[0.6, -0.8], [0.8, 0.6]]),
    "zeros and ones": RNG.integers(0, 2, (9, 9)).astype(float),
    # 1 and -1 twice each, both defective: shifts of 1 and -1 change nothing
    "two defective pairs": sparse(8, "00030406162627323443465661"),
    # a^2 - (sum of shifts) a + their product cancels to rounding error, and no sweep converges
    "cancelling shifts": sparse(10, "0105070813182327444550616975819296"),
    # Jacobi takes three vectors to zero; they shrink by eps a sweep
    "rank 7 of 10": sparse(10, "162528364052636982869798"),
    "graded to nothing": _random(6, 5) * 10.0 ** -np.array([0, 60, 120, 180, 240]),
    "denormal corner": np.array([[1.0, 0.0], [1e-310, 0.0]]),
}
SYMMETRIC = {
    "Wilkinson": special.wilkinson(21),
    "clustered": _clustered(10),
    "indefinite": np.array([[0.0, 1.0], [1.0, 0.0]]),
    "zero diagonal": np.ones((6, 6)) - np.eye(6),
    "graded": np.diag(10.0 ** -np.arange(0, 20, 2)) + 1e-30,
    **{
        f"symmetric {name}": (A + A.T) / 2
        for name, A in MATRICES.items()
        if A.shape[0] == A.shape[1]
    },
}
DEFINITE = {
    "Gram": (lambda B: B @ B.T)(_random(8, 12)),
    "huge Gram": (lambda B: B @ B.T)(_random(5, 8, 1e75)),
    "tiny Gram": (lambda B: B @ B.T)(_random(5, 8, 1e-75)),
    "definite Hilbert": special.hilbert(9),
    "graded definite": (lambda d: np.outer(d, d) * (0.2 + 0.8 * np.eye(8)))(
        10.0 ** -np.arange(8.0)
    ),
    "identity": np.eye(5),
    "one": np.array([[4.0]]),
    "0 x 0": np.zeros((0, 0)),
}
EVERY = {**MATRICES, **SYMMETRIC, **DEFINITE}
KINDS = {
    "any": EVERY,
    "tall": {name: A for name, A in EVERY.items() if A.shape[0] >= A.shape[1]},
    "square": {name: A for name, A in EVERY.items() if A.shape[0] == A.shape[1]},
    "symmetric": {**SYMMETRIC, **DEFINITE},
    "definite": DEFINITE,
    "independent": {
        name: A
        for name, A in EVERY.items()
        if A.shape[0] >= A.shape[1]
        and np.linalg.matrix_rank(A / (np.abs(A).max(initial=0) or 1)) == A.shape[1]
    },
}
"""Which matrices a decomposition is for."""


@dataclass(frozen=True)
class Member:
    """A decomposition and what its factors must be."""

    decompose: Any
    """From a matrix to a tuple of factors."""
    rebuild: Any
    """From the factors to the matrix."""
    kind: str = "any"
    """A key of KINDS."""
    orthonormal: tuple = ()
    """Which factors have orthonormal columns (by name)."""
    upper: tuple = ()
    """Which are upper triangular, exactly."""
    lower: tuple = ()
    """Which are lower triangular, exactly."""
    descending: tuple = ()
    """Which are descending and not negative."""
    ascending: tuple = ()
    """Which are ascending."""
    spread: Any = field(default=lambda A, factors, power: np.sqrt((A**2).sum()))
    """What the error is relative to; ||A||_F but for LU, whose multipliers may grow."""


def largest(A):
    return float(np.abs(A).max(initial=0.0)) or 1.0


def check_product(member, A):
    """The factors give back A, up to 10 n eps."""
    factors = member.decompose(A)
    # measured after division by a power of two, so that squares neither overflow nor vanish
    power = 2.0 ** np.floor(np.log2(largest(A)))
    error = (member.rebuild(factors) / power) - A / power
    allowed = 10 * max(A.shape, default=0) * EPS * member.spread(A / power, factors, power)
    assert np.sqrt((error**2).sum()) <= allowed + 1e-150


def check_structure(member, A):
    """Orthonormal columns to 10 n eps, triangles exactly, values in order."""
    factors = member.decompose(A)
    for name in member.orthonormal:
        Q = getattr(factors, name)
        gap = np.abs(Q.conj().T @ Q - np.eye(Q.shape[1])).max(initial=0.0)
        assert gap <= 10 * max(*A.shape, 1) * EPS, name
    for name in member.upper:
        assert not np.tril(getattr(factors, name), -1).any(), name
    for name in member.lower:
        assert not np.triu(getattr(factors, name), 1).any(), name
    for name in member.descending:
        values = getattr(factors, name)
        assert np.all(values >= 0), name
        assert np.all(np.diff(values) <= 0), name
    for name in member.ascending:
        assert np.all(np.diff(getattr(factors, name)) >= 0), name


def check_manners(member, A):
    """The input is only read, the answer is the same each time, and shares no memory with it."""
    read_only = A.copy()
    read_only.flags.writeable = False
    first, second = member.decompose(read_only), member.decompose(A.copy(order="F"))
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one, other)
        assert not np.shares_memory(one, read_only)
    assert np.array_equal(read_only, A)


@st.composite
def matrices(draw, kind="any", largest=8):
    """Random matrices of a kind, of any rank and of any scale from 1e-150 to 1e150."""
    m, n = draw(st.integers(0, largest)), draw(st.integers(0, largest))
    if kind in ("square", "symmetric", "definite"):
        m = n
    if kind in ("tall", "independent"):
        m, n = max(m, n), min(m, n)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    full = kind in ("independent", "definite")
    inner = max(m, n) if full else draw(st.integers(0, largest))
    A = (
        rng.standard_normal((m, n))
        if full
        else rng.standard_normal((m, inner)) @ rng.standard_normal((inner, n))
    )
    if kind == "symmetric":
        A = A + A.T
    if kind == "definite":
        A = A @ A.T + 0.1 * np.eye(n)
    return A * 10.0 ** draw(st.integers(-150, 150))
