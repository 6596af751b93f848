"""A walk back over a record, and how slopes multiply along a row of functions."""

import math
from typing import Annotated, Any, Literal

import altair as alt

from groundup.course.lesson_forms import Slider

Rows = list[dict[str, Any]]
_GREEN, _ORANGE, _PURPLE, _GREY = "#1b9e77", "#d95f02", "#7570b3", "#aaaaaa"
_PLACES = {"a": (0.0, 0.0), "b": (1.0, 0.0), "c": (2.0, 1.0), "d": (3.0, 0.0)}
_DATA = {"a": 2, "b": 6, "c": 36, "d": 42}
_EDGES = {"d": [("b", 1), ("c", 1)], "c": [("b", 12)], "b": [("a", 3)], "a": []}
"""Of each value its parents, with the slope (c = b * b has b twice: 6 + 6)."""


def way_back(
    steps: Annotated[int, Slider(0, 4)] = 0,
    order: Literal["as met", "topological"] = "as met",
) -> alt.LayerChart | alt.FacetChart:
    """The way back over d = b + c, c = b * b, b = 3 a: green has handed on, and cannot again"""
    visits = {"as met": "dbca", "topological": "dcba"}[order][:steps]
    gradients = dict.fromkeys(_PLACES, 0.0) | {"d": 1.0}
    for name in visits:
        for parent, slope in _EDGES[name]:
            gradients[parent] += gradients[name] * slope
    edges = [
        {"from": name, "to": parent, "slope": f"times {slope}"}
        for name, parents in _EDGES.items()
        for parent, slope in parents
    ]
    layers = (_lines(edges), _slopes(edges), _circles(visits), *_words(gradients))
    return alt.layer(*layers, width=460, height=220)


def _lines(edges: Rows) -> alt.Chart:
    rows = []
    for edge in edges:
        (x, y), (x2, y2) = _PLACES[edge["from"]], _PLACES[edge["to"]]
        rows.append({"x": x, "y": y, "x2": x2, "y2": y2})
    rule = alt.Chart(alt.Data(values=rows)).mark_rule(color=_GREY, strokeWidth=2)
    return rule.encode(x=_place("x"), y=_place("y"), x2="x2", y2="y2")


def _slopes(edges: Rows) -> alt.Chart:
    rows = []
    for edge in edges:
        (x, y), (x2, y2) = _PLACES[edge["from"]], _PLACES[edge["to"]]
        rows.append({"x": (x + x2) / 2, "y": (y + y2) / 2, "text": edge["slope"]})
    texts = alt.Chart(alt.Data(values=rows)).mark_text(dy=-9, fontSize=12, color="#7a7a7a")
    return texts.encode(x=_place("x"), y=_place("y"), text="text:N")


def _circles(visits: str) -> alt.Chart:
    rows = [
        {"x": x, "y": y, "colour": _GREEN if name in visits else _ORANGE}
        for name, (x, y) in _PLACES.items()
    ]
    circles = alt.Chart(alt.Data(values=rows)).mark_circle(size=900, opacity=1.0)
    return circles.encode(
        x=_place("x"), y=_place("y"), color=alt.Color("colour:N", scale=None, legend=None)
    )


def _words(gradients: dict[str, float]) -> list[alt.Chart]:
    """A letter in each circle, and beside it its number and its gradient."""
    rows = [
        {"x": x, "y": y, "name": name, "is": f"{_DATA[name]}, gradient {gradients[name]:g}"}
        for name, (x, y) in _PLACES.items()
    ]
    made = [_text(rows, "name", dy=0, size=15, colour="white")]
    for dy, level in ((30, 0.0), (-28, 1.0)):
        these = [row for row in rows if row["y"] == level]
        made.append(_text(these, "is", dy=dy, size=13, colour="#7a7a7a"))
    return made


def _text(rows: Rows, field: str, *, dy: int, size: int, colour: str) -> alt.Chart:
    mark = alt.Chart(alt.Data(values=rows)).mark_text(dy=dy, fontSize=size, color=colour)
    return mark.encode(x=_place("x"), y=_place("y"), text=f"{field}:N")


def _place(name: str) -> Any:
    domain = [-0.5, 3.5] if name == "x" else [-0.6, 1.5]
    kind = alt.X if name == "x" else alt.Y
    return kind(f"{name}:Q", scale=alt.Scale(domain=domain), axis=None)


def depth(
    weight: Annotated[float, Slider(0.2, 3.0, step=0.1)] = 1.5,
    start: Annotated[float, Slider(-1.0, 1.0, step=0.1)] = 0.5,
) -> alt.Chart:
    """From y to tanh(weight * y), 40 times: the slope from the start to each step, logarithmic"""
    y, slope, rows = start, 1.0, [{"step": 0, "slope": 1.0}]
    for step in range(1, 41):
        y = math.tanh(weight * y)
        slope *= weight * (1 - y * y)
        rows.append({"step": step, "slope": max(abs(slope), 1e-20)})
    line = alt.Chart(alt.Data(values=rows)).mark_line(point=True, color=_PURPLE)
    scale = alt.Scale(type="log", domain=[1e-20, 1e20])
    axis = alt.Axis(format=".0e", values=[1e-20, 1e-10, 1, 1e10, 1e20])
    return line.encode(
        x=alt.X("step:Q", title="steps"),
        y=alt.Y("slope:Q", scale=scale, axis=axis, title="size of the slope"),
        tooltip=["step:Q", alt.Tooltip("slope:Q", format=".3g")],
    ).properties(width=440, height=240)
