"""Dot products, lengths, angles, projections and bases, measured."""

import math

import numpy as np
from numpy.typing import NDArray

from groundup.maths import gram_schmidt, vectors
from groundup.maths.norms import vector_norm

Array = NDArray[np.float64]

# The dot product


def tastes() -> list[dict[str, object]]:
    """Four films and a viewer: how much explosion, love and song"""
    films = {"Fire": (9, 1, 0), "Letters": (0, 8, 1), "Chorus": (1, 4, 9), "Fire 2": (10, 0, 1)}
    viewer = np.array([1.0, 5.0, 4.0])
    return [
        {"film": name, "dot product with the viewer": float(viewer @ np.array(film))}
        for name, film in films.items()
    ]


def two_ways() -> dict[str, float]:
    """The same number, by coordinates and by geometry"""
    x, y = np.array([3.0, 0.0]), np.array([2.0, 2.0])
    by_coordinates = sum(a * b for a, b in zip(x, y, strict=True))
    turned = math.radians(45)  # what lies between these two
    by_geometry = math.hypot(*x) * math.hypot(*y) * math.cos(turned)
    return {"by coordinates": float(by_coordinates), "by geometry": by_geometry}


def turn_both() -> Array:
    """The dot product of two vectors, turned together by 0, 30, 60 and 90 degrees"""
    pair = np.array([[3.0, 1.0], [1.0, 2.0]])
    found = []
    for degrees in (0, 30, 60, 90):
        a = math.radians(degrees)
        turn = np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
        x, y = pair @ turn.T
        found.append(x @ y)
    return np.array(found)


# The shadow


def shadow() -> dict[str, object]:
    """A vector split in two: a part along the line, and the rest"""
    x, onto = np.array([3.0, 4.0]), np.array([2.0, 1.0])
    along = vectors.project(x, onto)
    rest = x - along
    return {"along": along, "rest": rest, "rest times line": rest @ onto}


def nearest() -> list[dict[str, float]]:
    """Other points of the same line, and how far from x they are"""
    x, onto = np.array([3.0, 4.0]), np.array([2.0, 1.0])
    best = float(x @ onto / (onto @ onto))
    return [
        {"multiple of the line": t, "distance from x": float(np.linalg.norm(x - t * onto))}
        for t in (best - 0.5, best - 0.1, best, best + 0.1, best + 0.5)
    ]


# How long?


def four_norms() -> list[dict[str, object]]:
    """Two vectors of four numbers, measured in four ways"""
    spread, lonely = np.array([1.0, 1.0, 1.0, 1.0]), np.array([2.0, 0.0, 0.0, 0.0])
    return [
        {"p": str(p), "1, 1, 1, 1": vector_norm(spread, p), "2, 0, 0, 0": vector_norm(lonely, p)}
        for p in (0, 1, 2, math.inf)
    ]


def overflow() -> dict[str, float]:
    """The length of (3e200, 4e200), squared first and scaled first"""
    x = np.array([3e200, 4e200])
    with np.errstate(over="ignore"):
        squared_first = float(np.sqrt((x**2).sum()))
    return {"squared first": squared_first, "scaled first": vector_norm(x)}


def half_precision() -> dict[str, np.floating]:
    """The length of 256 numbers of size 20 in 16 bits, and in 32"""
    x = np.full(256, 20.0, dtype=np.float16)
    with np.errstate(over="ignore"):
        narrow = np.sqrt((x * x).sum(dtype=np.float16))
    wide = np.sqrt((x.astype(np.float32) ** 2).sum())
    return {"summed in float16": narrow, "summed in float32": wide}


# Many dimensions


def right_angles() -> list[dict[str, float]]:
    """Angles between 1,000 pairs of random vectors, in degrees"""
    chance = np.random.default_rng(0)
    rows = []
    for n in (2, 10, 100, 1000):
        x, y = chance.normal(size=(2, 1000, n))
        lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
        angles = np.degrees(np.arccos((x * y).sum(axis=1) / lengths))
        middle = float(((angles > 80) & (angles < 100)).mean())
        rows.append({"dimensions": n, "smallest": angles.min(), "between 80 and 100": middle})
    return rows


def share_near_a_right_angle() -> float:
    """The share of pairs between 80 and 100 degrees, in 1,000 dimensions"""
    return float(right_angles()[-1]["between 80 and 100"])


def room() -> dict[str, float]:
    """2,000 random directions in 512 dimensions: how far from a right angle is the worst pair?"""
    chance = np.random.default_rng(0)
    directions = chance.normal(size=(2000, 512))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    cosines = np.abs(directions @ directions.T) - np.eye(2000)
    worst = math.degrees(math.acos(float(cosines.max())))
    return {"largest cosine": float(cosines.max()), "smallest angle": worst}


# A small angle


def small_angle() -> list[dict[str, float]]:
    """An angle that we know, by arccos of the cosine and by atan2 of two lengths"""
    rows = []
    for true in (1e-2, 1e-5, 1e-8, 1e-11):
        x, y = np.array([1.0, 0.0]), np.array([math.cos(true), math.sin(true)])
        by_cosine = math.acos(min(1.0, float(x @ y)))
        rows.append({"true": true, "arccos": by_cosine, "ours": vectors.angle(x, y)})
    return rows


def arccos_of_a_small_angle() -> str:
    """The arccosine's answer for an angle of 1e-8"""
    found = small_angle()[2]["arccos"]
    return "0" if found == 0 else "1e-8" if abs(found / 1e-8 - 1) < 1e-6 else "something near 1e-8"


def longest_wins() -> list[dict[str, object]]:
    """Three documents and a query: the dot product and the cosine disagree"""
    query = np.array([1.0, 1.0, 0.0])
    documents = {
        "short, on the point": (2.0, 2.0, 0.0),
        "long, a bit of all": (5.0, 4.0, 9.0),
        "something else": (0.0, 1.0, 3.0),
    }
    return [
        {
            "document": name,
            "dot product": float(query @ np.array(one)),
            "cosine": vectors.cosine_similarity(query, one),
        }
        for name, one in documents.items()
    ]


# Bases


def easy_coordinates() -> dict[str, Array]:
    """Coordinates in an orthonormal basis are dot products; in another one, equations"""
    x = np.array([3.0, 4.0])
    square = np.array([[0.8, 0.6], [-0.6, 0.8]])  # rows are orthonormal
    slanted = np.array([[1.0, 0.0], [0.8, 0.6]])  # rows are not
    return {
        "dot products": square @ x,
        "put together again": square.T @ (square @ x),
        "slanted: dot products": slanted @ x,
        "put together they are not x": slanted.T @ (slanted @ x),
        "slanted: solved for": np.linalg.solve(slanted.T, x),
    }


def gram_schmidt_small() -> object:
    """Two columns become orthonormal"""
    return gram_schmidt.modified([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])


def basis() -> dict[str, Array]:
    """The basis it finds, and what each column was made of"""
    A = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    Q, R = gram_schmidt.modified(A)
    return {"Q": Q, "R": R, "Q'Q": Q.T @ Q, "QR": Q @ R}


def lost() -> list[dict[str, object]]:
    """How far from orthogonal Q is, for matrices that are harder and harder"""
    rows = []
    for size in (1e-2, 1e-4, 1e-6, 1e-8):
        A = np.vstack([np.ones(4), size * np.eye(4)])
        row: dict[str, object] = {"columns differ by": size}
        for method in (gram_schmidt.classical, gram_schmidt.modified, gram_schmidt.twice):
            row[method.__name__] = gram_schmidt.orthogonality_loss(method(A).Q)
        rows.append(row)
    return rows
