"""Pictures of rotary positions to play with."""

import math
from typing import Annotated, Any

import altair as alt
import numpy as np

from groundup.course.lesson_forms import Choice, Slider

Rows = list[dict[str, Any]]


def hands(
    position: Annotated[int, Slider(0, 200)] = 0,
    base: Annotated[int, Choice(10, 100, 10000)] = 100,
) -> alt.LayerChart | alt.FacetChart:
    """Four pairs of a head of 8 numbers, as the hands of four clocks, at one position"""
    rings: Rows = []
    lines: Rows = []
    for p in range(4):
        speed = base ** (-2 * p / 8)
        angle = position * speed
        centre = 2.6 * p
        label = f"pair {p}: {math.degrees(angle) % 360:.0f} degrees"
        for step in range(41):
            turn = 2 * math.pi * step / 40
            point = {"x": centre + math.cos(turn), "y": math.sin(turn)}
            rings.append({**point, "pair": p, "order": step})
        lines.append({"x": centre, "y": 0.0, "pair": p, "label": ""})
        end = {"x": centre + math.cos(angle), "y": math.sin(angle)}
        lines.append({**end, "pair": p, "label": label})
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-1.3, 9.1]))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-1.5, 1.3]))
    ring = alt.Chart(alt.Data(values=rings)).mark_line(color="#b0b0b0")
    hand = alt.Chart(alt.Data(values=lines)).mark_line(color="#d95f02", strokeWidth=3, point=True)
    names = [{"x": 2.6 * p, "y": -1.35, "label": lines[2 * p + 1]["label"]} for p in range(4)]
    text = alt.Chart(alt.Data(values=names)).mark_text(color="#7a7a7a", fontSize=12)
    return alt.layer(
        ring.encode(x=x, y=y, detail="pair:N", order="order:Q"),
        hand.encode(x=x, y=y, detail="pair:N"),
        text.encode(x=x, y=y, text="label:N"),
        width=560,
        height=150,
    )


def match(
    base: Annotated[int, Choice(10, 100, 1000, 10000, 500000)] = 10000,
    width: Annotated[int, Choice(2, 8, 64, 128)] = 64,
    farthest: Annotated[int, Choice(50, 500, 5000)] = 500,
) -> alt.Chart:
    """A query that equals its key in all pairs: their product by distance, 1 at distance 0"""
    distances = np.unique(np.linspace(0, farthest, 400).astype(int))
    speed_P = base ** (-np.arange(0, width, 2) / width)
    products = np.cos(distances[:, None] * speed_P).mean(-1)
    rows = [
        {"distance": int(d), "product": float(value)}
        for d, value in zip(distances, products, strict=True)
    ]
    line = alt.Chart(alt.Data(values=rows)).mark_line(color="#1b9e77")
    y = alt.Y("product:Q", scale=alt.Scale(domain=[-1, 1]))
    return line.encode(x=alt.X("distance:Q"), y=y).properties(width=460, height=240)
