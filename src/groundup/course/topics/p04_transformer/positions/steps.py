"""Rotary positions, step by step: from a pair turned by hand to a context that was stretched.

Legend: B sequence, T position, H head, D head width, P = D / 2 pairs.
"""

import math

import torch
from torch import Tensor

from groundup.layers.positions import RotaryScaling, rotary_tables, rotate

Table = list[dict[str, object]]


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _at(x_D: Tensor, position: int) -> Tensor:
    """One vector, turned as one that stands at this position."""
    cos_TP, sin_TP = rotary_tables(position + 1, len(x_D))
    return rotate(x_D[None, None, None], cos_TP[-1:], sin_TP[-1:])[0, 0, 0]


# The problem


def scores() -> Table:
    """A query and a key, two places apart: their product, with positions added and turned"""
    query, key = _random(8, seed=1), _random(8, seed=2)
    added_TD = _random(200, 8, seed=3)  # a learned vector for each position, before training
    rows: Table = []
    for t, s in ((2, 0), (12, 10), (102, 100)):
        row: dict[str, object] = {"query at": t, "key at": s}
        row["added"] = float((query + added_TD[t]) @ (key + added_TD[s]))
        row["turned"] = float(_at(query, t) @ _at(key, s))
        rows.append(row)
    return rows


# One pair


def by_hand() -> Table:
    """The point (1, 0), turned by 30 degrees for each position"""
    rows: Table = []
    for t in range(5):
        angle = math.radians(30 * t)
        x, y = 1.0, 0.0
        turned_x = x * math.cos(angle) - y * math.sin(angle)
        turned_y = x * math.sin(angle) + y * math.cos(angle)
        rows.append({"position": t, "x": round(turned_x, 4), "y": round(turned_y, 4)})
    return rows


def distance_only() -> Table:
    """Two points of the plane, turned by 30 degrees a position: their dot product"""

    def turned(point: tuple[float, float], t: int) -> complex:
        return complex(*point) * complex(math.cos(math.pi * t / 6), math.sin(math.pi * t / 6))

    rows: Table = []
    for t, s in ((1, 0), (5, 4), (9, 8), (9, 4)):
        q, k = turned((2.0, 1.0), t), turned((1.0, 3.0), s)
        rows.append({"t": t, "s": s, "t - s": t - s, "product": (q * k.conjugate()).real})
    return rows


# All pairs


def speeds() -> Table:
    """A head of 16 numbers: how fast its 8 pairs turn"""
    rows: Table = []
    for p in range(8):
        speed = 10000.0 ** (-2 * p / 16)
        rows.append({"pair": p, "radians a token": speed, "tokens a turn": 2 * math.pi / speed})
    return rows


def slowest() -> float:
    """Tokens for one full turn of the slowest of 32 pairs, base 10,000"""
    return 2 * math.pi / 10000.0 ** (-62 / 64)


def tables() -> dict[str, Tensor]:
    """Cosines and sines of four positions, for a head of 8 numbers"""
    cos_TP, sin_TP = rotary_tables(4, 8)
    return {"cos": cos_TP, "sin": sin_TP}


def flow() -> Tensor:
    """Two positions of one head, the same four numbers at both"""
    x_BTHD = torch.tensor([1.0, 2.0, 0.0, 0.0]).expand(1, 2, 1, 4)
    cos_TP, sin_TP = rotary_tables(2, 4)
    return rotate(x_BTHD, cos_TP, sin_TP)


# Two ways to pair


def pairing() -> Table:
    """A query and a key, turned with halves paired, and with neighbours paired"""
    query, key = _random(8, seed=1), _random(8, seed=2)
    order = torch.tensor([0, 4, 1, 5, 2, 6, 3, 7])  # neighbours (0, 1) where halves have (0, 4)

    def product(t: int, s: int, is_reordered: bool) -> float:
        q, k = (x[order.argsort()] if is_reordered else x for x in (query[order], key[order]))
        return float(_at(q, t) @ _at(k, s))

    rows: Table = []
    for t in (0, 1, 5):
        right = float(_at(query, t) @ _at(key, 0))
        rows.append(
            {
                "distance": t,
                "as trained": right,
                "paired the other way": product(t, 0, is_reordered=False),
                "and the numbers put in order": product(t, 0, is_reordered=True),
            }
        )
    return rows


# Longer contexts


def turns() -> Table:
    """Turns within 8,192 tokens, for six of 64 pairs, base 500,000; and their speed, stretched"""
    speed_P = 1.0 / 500000.0 ** (torch.arange(0, 128, 2, dtype=torch.float64) / 128)
    slowed_P = RotaryScaling(factor=8.0).apply(speed_P)
    rows: Table = []
    for p in (0, 20, 30, 35, 40, 63):
        turned = float(8192 * speed_P[p] / (2 * math.pi))
        rows.append({"pair": p, "turns": turned, "slowed by": float(speed_P[p] / slowed_P[p])})
    return rows


# What goes wrong


def offset() -> Table:
    """A new token after 5 cached ones: the score with the key at 2, by where the query is turned"""
    query, key = _random(8, seed=1), _random(8, seed=2)
    kept = _at(key, 2)
    right = float(_at(query, 5) @ kept)
    return [
        {"the query is turned as at": "5, where it stands", "score": right},
        {"the query is turned as at": "0, the first of what is new", "score": float(query @ kept)},
    ]


def coarse() -> dict[str, Tensor]:
    """Positions 1000 to 1007 in bfloat16, and the error of the fastest pair's cosine"""
    positions = torch.arange(1000, 1008)
    rounded = positions.bfloat16().float()
    return {
        "positions": positions,
        "in bfloat16": rounded,
        "error of the cosine": (rounded.cos() - positions.double().cos()).float(),
    }


def distinct() -> float:
    """How many different numbers the positions 0 to 8,191 are in bfloat16"""
    return float(len(torch.arange(8192).bfloat16().unique()))
