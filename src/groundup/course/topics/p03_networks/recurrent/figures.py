"""A memory with gates, step by step, and how far back a slope reaches."""

import math
from typing import Annotated, Any

import altair as alt

from groundup.course.lesson_forms import Slider

_COLOURS = {"cell c": "#1b9e77", "shown h": "#7570b3", "plain state": "#d95f02"}
_WRITES = {3: 1.0, 18: -1.0}
"""What comes in, and when; at all other steps nothing does."""


def memory(
    forget: Annotated[float, Slider(0.0, 1.0, step=0.01)] = 0.95,
    write: Annotated[float, Slider(0.0, 1.0, step=0.05)] = 1.0,
    show: Annotated[float, Slider(0.0, 1.0, step=0.05)] = 0.8,
    plain_weight: Annotated[float, Slider(0.0, 1.5, step=0.05)] = 0.9,
) -> alt.Chart:
    """+1 comes in at step 3, -1 at step 18: three gates set by hand, and a plain cell beside"""
    c, h, plain, rows = 0.0, 0.0, 0.0, []
    for step in range(31):
        x = _WRITES.get(step, 0.0)
        c = forget * c + (write * x if x else 0.0)
        h = show * math.tanh(c)
        plain = math.tanh(plain_weight * plain + x)
        rows += [
            {"step": step, "value": value, "of": name}
            for name, value in zip(_COLOURS, (c, h, plain), strict=True)
        ]
    lines = alt.Chart(alt.Data(values=rows)).mark_line(point=True)
    scale = alt.Scale(domain=[-1.1, 1.1])
    return lines.encode(
        x=alt.X("step:Q"), y=alt.Y("value:Q", scale=scale, title=None), color=_colour(_COLOURS)
    ).properties(width=460, height=240)


def _colour(colours: dict[str, str]) -> Any:
    scale = alt.Scale(domain=[*colours], range=[*colours.values()])
    return alt.Color("of:N", scale=scale, legend=alt.Legend(title=None, orient="top"))


def slopes(
    weight: Annotated[float, Slider(0.5, 1.5, step=0.05)] = 0.9,
    state: Annotated[float, Slider(0.0, 0.9, step=0.1)] = 0.3,
    forget_bias: Annotated[float, Slider(0.0, 6.0, step=0.5)] = 1.0,
) -> alt.Chart:
    """The slope of today's memory towards that of n steps ago: a product of n equal factors"""
    plain = weight * (1 - state**2)
    gate = 1 / (1 + math.exp(-forget_bias))
    colours = {
        f"plain: {plain:.3f} a step": "#d95f02",
        f"LSTM's cell: {gate:.3f} a step": "#1b9e77",
    }
    rows = [
        {"steps": n, "slope": max(factor**n, 1e-12), "of": name}
        for name, factor in zip(colours, (plain, gate), strict=True)
        for n in range(0, 101, 2)
    ]
    lines = alt.Chart(alt.Data(values=rows)).mark_line(strokeWidth=3, clip=True)
    scale = alt.Scale(type="log", domain=[1e-12, 1e6])
    axis = alt.Axis(format=".0e", values=[1e-12, 1e-9, 1e-6, 1e-3, 1, 1e3, 1e6])
    return lines.encode(
        x=alt.X("steps:Q", title="steps back"),
        y=alt.Y("slope:Q", scale=scale, axis=axis),
        color=_colour(colours),
    ).properties(width=460, height=240)
