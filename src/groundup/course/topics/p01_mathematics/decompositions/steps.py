"""The singular value decomposition: seen, found by rotations, used, and where it bites."""

import numpy as np
import torch
from numpy.typing import NDArray

from groundup.maths.low_rank import low_rank, pseudo_inverse
from groundup.maths.randomized_svd import random_range
from groundup.maths.svd import svd
from groundup.optimizers.muon import orthogonalize

Array = NDArray[np.float64]

# What a matrix does


def stretch() -> dict[str, Array]:
    """The directions that come out at right angles, and how long they come out"""
    A = np.array([[1.5, 1.0], [0.0, 1.0]])
    _, s, Vt = svd(A)
    return {
        "v1 and v2, as rows": Vt,
        "A v1 and A v2, as rows": (A @ Vt.T).T,
        "their dot product": np.array((A @ Vt[0]) @ (A @ Vt[1])),
        "their lengths": np.linalg.norm(A @ Vt.T, axis=0),
        "the same lengths from svd": s,
    }


def as_a_sum() -> dict[str, Array]:
    """A, put together from rank-one pieces, one after the other"""
    A = np.array([[2.0, 2.0, 0.0], [2.0, 2.0, 1.0], [0.0, 0.0, 3.0]])
    U, s, Vt = svd(A)
    first = s[0] * np.outer(U[:, 0], Vt[0])
    second = first + s[1] * np.outer(U[:, 1], Vt[1])
    third = second + s[2] * np.outer(U[:, 2], Vt[2])
    return {"singular values": s, "one piece": first, "two": second, "three": third}


# How it is found


def one_rotation() -> dict[str, object]:
    """Turn two columns into each other until they are at right angles"""
    x, y = np.array([2.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.0])
    z = (y @ y - x @ x) / (2 * (x @ y))
    t = np.sign(z) / (abs(z) + np.hypot(1.0, z))  # the tangent of the smaller angle
    c = 1 / np.hypot(1.0, t)
    s = t * c
    turned_x, turned_y = c * x - s * y, s * x + c * y
    return {
        "dot product before": x @ y,
        "after": turned_x @ turned_y,
        "columns": np.stack([turned_x, turned_y], axis=1),
    }


def by_rotations() -> dict[str, object]:
    """A whole SVD: rotate every pair of columns, and again, until nothing is left to do"""
    A = np.random.default_rng(0).normal(size=(6, 4))
    columns, V = A.copy(), np.eye(4)
    largest = []
    for _ in range(6):
        cosines = []
        for p in range(4):
            for q in range(p + 1, 4):
                x, y = columns[:, p], columns[:, q]
                cosines.append(abs(x @ y) / np.sqrt((x @ x) * (y @ y)))
                z = (y @ y - x @ x) / (2 * (x @ y) or 1e-300)
                t = np.copysign(1.0, z) / (abs(z) + np.hypot(1.0, z))
                c = 1 / np.hypot(1.0, t)
                turn = np.array([[c, t * c], [-t * c, c]])
                columns[:, [p, q]] = columns[:, [p, q]] @ turn
                V[:, [p, q]] = V[:, [p, q]] @ turn
        largest.append(max(cosines))
    s = np.sort(np.linalg.norm(columns, axis=0))[::-1]
    return {
        "largest cosine, sweep by sweep": np.array(largest),
        "lengths of the columns": s,
        "LAPACK's singular values": np.linalg.svd(A, compute_uv=False),
        "columns less A V": np.abs(columns - A @ V).max(),
    }


# Low rank


def share_kept() -> float:
    """How many numbers two factors of rank 8 have, as a share of a 768 x 768 matrix"""
    m, n, k = 768, 768, 8
    return k * (m + n) / (m * n)


def no_better() -> dict[str, float]:
    """The SVD's rank-2 matrix against the best of 2,000 others of rank 2"""
    chance = np.random.default_rng(0)
    A = chance.normal(size=(6, 5))
    best = low_rank(A, 2)
    others = []
    for _ in range(2000):
        rows = best.right + 0.1 * chance.normal(size=best.right.shape)
        left = A @ np.linalg.pinv(rows)  # the best left factor for these rows
        others.append(np.linalg.norm(A - left @ rows))
    return {"SVD's error": best.frobenius_error, "best of 2,000 near it": float(min(others))}


def three_matrices() -> list[dict[str, object]]:
    """Rank that keeps 99 % of the squares of three 100 x 100 matrices"""
    chance = np.random.default_rng(0)
    grid = np.linspace(0, 1, 100)
    noise = chance.normal(size=(100, 100))
    matrices = {
        "noise": noise,
        "smooth: exp(-5 (x - y)^2)": np.exp(-5 * (grid[:, None] - grid[None]) ** 2),
        "rank 5 and a little noise": chance.normal(size=(100, 5)) @ chance.normal(size=(5, 100))
        + 0.1 * noise,
    }
    rows: list[dict[str, object]] = []
    for name, matrix in matrices.items():
        squares = np.linalg.svd(matrix, compute_uv=False) ** 2
        rank = int(np.argmax(np.cumsum(squares) >= 0.99 * squares.sum())) + 1
        rows.append({"matrix": name, "rank for 99 %": rank})
    return rows


def rank_of_noise() -> float:
    """The rank that keeps 99 % of noise"""
    return float(three_matrices()[0]["rank for 99 %"])  # type: ignore[arg-type]


# The inverse that always is


def noisy_readings() -> list[dict[str, object]]:
    """Solve for x from readings with an error of 0.001, keeping more and more singular values"""
    chance = np.random.default_rng(0)
    grid = np.linspace(0, 1, 12)
    A = np.exp(-20 * (grid[:, None] - grid[None]) ** 2)  # each reading blurs its neighbours in
    x = np.sin(3 * grid)
    b = A @ x + 1e-3 * chance.normal(size=12)
    s = np.linalg.svd(A, compute_uv=False)
    rows: list[dict[str, object]] = []
    for kept in (3, 5, 7, 9, 12):
        found = pseudo_inverse(A, rtol=float(s[kept] / s[0]) if kept < 12 else 0.0) @ b
        error = float(np.linalg.norm(found - x) / np.linalg.norm(x))
        rows.append({"kept": kept, "1 / smallest kept": float(1 / s[kept - 1]), "error": error})
    return rows


# A shortcut


def probes() -> list[dict[str, object]]:
    """What a basis of 10 columns misses of an 80 x 60 matrix; 1 is the least that is possible"""
    chance = np.random.default_rng(0)
    left = np.linalg.qr(chance.normal(size=(80, 60))).Q
    right = np.linalg.qr(chance.normal(size=(60, 60))).Q
    rows: list[dict[str, object]] = []
    for name, s in (("fall fast", 0.7 ** np.arange(60)), ("fall slowly", 0.97 ** np.arange(60))):
        A = (left * s) @ right.T
        row: dict[str, object] = {"singular values": name}
        for power in (0, 1, 2):
            Q = random_range(A, 10, power=power)
            row[f"{power} more rounds"] = float(np.linalg.norm(A - Q @ (Q.T @ A), 2) / s[10])
        rows.append(row)
    return rows


# What goes wrong


def signs() -> dict[str, Array]:
    """Turn a column of U and the row of Vt that goes with it round: it is the same matrix"""
    U, s, Vt = svd(np.array([[1.0, 2.0], [3.0, 4.0]]))
    flip = np.diag([-1.0, 1.0])
    return {"U": U, "U, turned": U @ flip, "both turned, and multiplied": U @ flip * s @ flip @ Vt}


def any_axes() -> dict[str, Array]:
    """Two equal singular values: any two orthogonal directions will do"""
    A = np.diag([2.0, 2.0, 1.0])
    moved = A + 1e-10 * np.random.default_rng(2).normal(size=(3, 3))
    return {"Vt": svd(A).Vt, "Vt after a change of 1e-10": np.linalg.svd(moved).Vh}


def by_squares() -> dict[str, object]:
    """Singular values 1 and 1e-9, from A itself and from A'A"""
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    A = turn @ np.diag([1.0, 1e-9]) @ turn
    squared = np.linalg.eigvalsh(A.T @ A)[::-1]
    return {
        "from A": svd(A).s,
        "from A'A, eigenvalues": squared,
        "their roots": np.sqrt(np.maximum(squared, 0)),
    }


def full_size() -> dict[str, object]:
    """Numbers in U of a 50,000 x 64 matrix: all columns, or those that are needed"""
    m, n = 50_000, 64
    return {"full, GB": m * m * 8 / 1e9, "reduced, GB": m * n * 8 / 1e9}


# In the system


def even_speeds() -> dict[str, object]:
    """Singular values of a gradient before and after Muon makes it orthogonal"""
    gradient = torch.tensor(
        np.random.default_rng(0).normal(size=(6, 4)) * [10.0, 1.0, 0.3, 0.1], dtype=torch.float64
    )
    made = orthogonalize(gradient)
    return {
        "before": torch.linalg.svdvals(gradient),
        "after five rounds, no SVD": torch.linalg.svdvals(made),
    }
