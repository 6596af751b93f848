"""Two arrows, the shapes of lengths, angles in many dimensions."""

import math
from typing import Annotated, Any

import altair as alt
import numpy as np

from groundup.course.lesson_forms import Choice, Slider

Rows = list[dict[str, Any]]
_GREEN, _ORANGE, _PURPLE = "#1b9e77", "#d95f02", "#7570b3"


def two(
    angle: Annotated[int, Slider(0, 360, step=5)] = 50,
    length_of_x: Annotated[float, Slider(0.0, 4.0, step=0.1)] = 3.0,
    length_of_y: Annotated[float, Slider(0.5, 4.0, step=0.1)] = 2.0,
) -> alt.LayerChart | alt.FacetChart:
    """Turn x and stretch both: the thick line is the shadow of x on the line of y"""
    turn = math.radians(angle)
    x = (length_of_x * math.cos(turn), length_of_x * math.sin(turn))
    shadow = (x[0], 0.0)  # y lies along the first axis
    dot = x[0] * length_of_y
    title = f"dot product {dot:.2f} = length of y {length_of_y:.1f} times shadow {shadow[0]:.2f}"
    layers = (
        _line([(-4.0, 0.0), (4.0, 0.0)], "#bbbbbb", 1),
        _line([(0.0, 0.0), (length_of_y, 0.0)], _GREEN, 3),
        _line([x, shadow], "#999999", 1, dash=[4, 4]),
        _line([(0.0, 0.0), shadow], _PURPLE, 9, opacity=0.5),
        _line([(0.0, 0.0), x], _ORANGE, 3),
        _labels([(x[0], x[1], "x"), (length_of_y, 0.0, "y")]),
    )
    return alt.layer(*layers, width=360, height=360, title=title)


def _line(
    ends: list[tuple[float, float]],
    colour: str,
    width: int,
    *,
    opacity: float = 1.0,
    dash: list[int] | None = None,
) -> alt.Chart:
    rows = [{"a": a, "b": b, "place": place} for place, (a, b) in enumerate(ends)]
    mark = alt.Chart(alt.Data(values=rows)).mark_line(
        color=colour, strokeWidth=width, opacity=opacity, strokeDash=dash or [1, 0]
    )
    return mark.encode(x=_place("a"), y=_place("b"), order="place:Q")


def _labels(places: list[tuple[float, float, str]]) -> alt.Chart:
    rows = [{"a": a, "b": b, "name": name} for a, b, name in places]
    texts = alt.Chart(alt.Data(values=rows)).mark_text(dx=12, dy=-10, fontSize=15, color="#7a7a7a")
    return texts.encode(x=_place("a"), y=_place("b"), text="name:N")


def _place(name: str, most: float = 4) -> Any:
    kind = alt.X if name == "a" else alt.Y
    return kind(f"{name}:Q", scale=alt.Scale(domain=[-most, most]), title=None)


def ball(
    p: Annotated[float, Slider(0.3, 10.0, step=0.1)] = 2.0,
    slope: Annotated[float, Slider(0.1, 3.0, step=0.1)] = 0.5,
) -> alt.LayerChart | alt.FacetChart:
    """All points of length 1, and the point of a line that is shortest in this sense"""
    turns = np.linspace(0, 2 * math.pi, 181)
    raw = np.stack([np.cos(turns), np.sin(turns)])
    points = raw / _length(raw, p)
    best = _shortest(p, slope)
    size = float(_length(np.array(best)[:, None], p)[0])
    reach = np.array([-3.0, 3.0])
    layers = (
        _line([(float(a), slope * float(a) + 1.5) for a in reach], _ORANGE, 2),
        _line([(float(a), float(b)) for a, b in points.T], _GREEN, 3),
        _line([(float(size * a), float(size * b)) for a, b in points.T], "#aaaaaa", 1),
        _diamond(best),
    )
    title = f"the shortest point of the line is ({best[0]:.2f}, {best[1]:.2f})"
    return alt.layer(*layers, width=360, height=360, title=title)


def _length(points: Any, p: float) -> Any:
    return (np.abs(points) ** p).sum(axis=0) ** (1 / p)


def _shortest(p: float, slope: float) -> tuple[float, float]:
    """Of the line b = slope a + 1.5, by looking at many points."""
    a = np.union1d(np.linspace(-3, 3, 6001), [0.0, -1.5 / slope])
    b = slope * a + 1.5
    best = int(np.argmin(_length(np.stack([a, b]), p)))
    return float(a[best]), float(b[best])


def _diamond(place: tuple[float, float]) -> alt.Chart:
    rows = [{"a": place[0], "b": place[1]}]
    mark = alt.Chart(alt.Data(values=rows)).mark_point(
        shape="diamond", size=200, color=_PURPLE, filled=True, opacity=1.0
    )
    return mark.encode(x=_place("a"), y=_place("b"))


def angles(
    dimensions: Annotated[int, Choice(2, 3, 10, 50, 200, 1000)] = 3,
    draw: Annotated[int, Slider(1, 10)] = 1,
) -> alt.Chart:
    """The angles between 4,000 pairs of random directions"""
    chance = np.random.default_rng(draw)
    x, y = chance.normal(size=(2, 4000, dimensions))
    cosines = (x * y).sum(1) / (np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1))
    counts, edges = np.histogram(np.degrees(np.arccos(cosines)), bins=36, range=(0, 180))
    rows = [
        {"from": low, "to": low + 5, "share": float(count / 4000)}
        for low, count in zip(edges[:-1], counts, strict=True)
    ]
    bars = alt.Chart(alt.Data(values=rows)).mark_bar(color=_GREEN)
    is_binned = alt.BinParams(binned=True, step=5)
    x_axis = alt.X("from:Q", bin=is_binned, title="angle in degrees")
    shown = [alt.Tooltip("share:Q", format=".1%")]
    return bars.encode(
        x=x_axis, x2="to", y=alt.Y("share:Q", title="share of pairs"), tooltip=shown
    ).properties(width=440, height=220)
