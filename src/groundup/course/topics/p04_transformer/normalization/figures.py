"""Pictures of norms to play with."""

from typing import Annotated, Any, Literal

import altair as alt
import numpy as np

from groundup.course.lesson_forms import Slider

Rows = list[dict[str, Any]]


def table(
    norm: Literal["none", "layer norm", "batch norm", "RMS norm"] = "none",
    third_feature: Annotated[float, Slider(-20, 20, step=1)] = 10.0,
    second_example_times: Annotated[float, Slider(0.5, 10, step=0.5)] = 1.0,
) -> alt.LayerChart | alt.FacetChart:
    """Four examples (rows) of five features (columns), before and after a norm"""
    x_BC = np.random.default_rng(4).normal(size=(4, 5))
    x_BC[:, 2] += third_feature
    x_BC[1] *= second_example_times
    if norm == "layer norm":
        x_BC = (x_BC - x_BC.mean(1, keepdims=True)) / x_BC.std(1, keepdims=True)
    elif norm == "batch norm":
        x_BC = (x_BC - x_BC.mean(0)) / x_BC.std(0)
    elif norm == "RMS norm":
        x_BC = x_BC / np.sqrt(np.square(x_BC).mean(1, keepdims=True))
    rows: Rows = [
        {
            "example": b + 1,
            "feature": c + 1,
            "value": float(value),
            "text": f"{round(value, 1) + 0.0:.1f}",
        }
        for b, row in enumerate(x_BC)
        for c, value in enumerate(row)
    ]
    top = alt.Axis(orient="top", labelAngle=0)
    grid = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("feature:O", axis=top), y=alt.Y("example:O")
    )
    scale = alt.Scale(scheme="purplegreen", domain=[-3, 3], clamp=True)
    cells = grid.mark_rect(stroke="white").encode(color=alt.Color("value:Q", scale=scale))
    is_strong = (alt.datum.value > 2) | (alt.datum.value < -2)
    ink = alt.condition(is_strong, alt.value("white"), alt.value("#444"))
    texts = grid.mark_text(fontSize=12).encode(text="text:N", color=ink)
    return alt.layer(cells, texts, width=alt.Step(58), height=alt.Step(38))


def deep(
    scale: Annotated[float, Slider(0.5, 1.5, step=0.05)] = 1.2,
    layers: Annotated[int, Slider(5, 60, step=5)] = 30,
    is_normed: bool = False,
) -> alt.Chart:
    """The size of a vector on its way through random layers, on a scale of powers of ten"""
    chance = np.random.default_rng(0)
    x = chance.normal(size=64)
    rows: Rows = []
    for layer in range(layers + 1):
        rows.append({"layer": layer, "size": float(np.sqrt(np.square(x).mean()))})
        x = scale * chance.normal(size=(64, 64)) @ x / 8
        if is_normed:
            x = x / np.sqrt(np.square(x).mean())
    line = alt.Chart(alt.Data(values=rows)).mark_line(color="#1b9e77", point={"color": "#1b9e77"})
    y = alt.Y(
        "size:Q",
        scale=alt.Scale(type="log", domain=[1e-8, 1e8]),
        axis=alt.Axis(format=".0e", tickCount=8),
        title="root mean square",
    )
    return line.encode(x=alt.X("layer:Q"), y=y).properties(width=440, height=240)
