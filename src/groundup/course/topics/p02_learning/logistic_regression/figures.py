"""A curve through yes and no, the loss and its slope, a border in the plane."""

from typing import Annotated, Any, Literal

import altair as alt
import numpy as np

from groundup.classical.logistic import LogisticRegression
from groundup.classical.logistic_loss import binary_loss, sigmoid
from groundup.course.lesson_forms import Choice, Slider

_GREEN, _ORANGE, _GREY = "#1b9e77", "#d95f02", "#999999"
_HOURS = np.array([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 12.0])
_PASSED = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0])


def curve(
    weight: Annotated[float, Slider(-1.0, 4.0, step=0.1)] = 0.3,
    middle: Annotated[float, Slider(0.0, 8.0, step=0.1)] = 5.0,
) -> alt.LayerChart | alt.FacetChart:
    """Fit it by hand: lines show how far each answer is from its chance"""
    z = weight * (_HOURS - middle)
    p, losses = sigmoid(z), binary_loss(z, _PASSED)[0]
    points = [
        {"hours": h, "y": y, "chance": c, "loss": one}
        for h, y, c, one in zip(*map(_list, (_HOURS, _PASSED, p, losses)), strict=True)
    ]
    grid = np.linspace(0, 12.5, 126)
    line = [
        {"hours": h, "chance": c}
        for h, c in zip(_list(grid), _list(sigmoid(weight * (grid - middle))), strict=True)
    ]
    x = alt.X("hours:Q", title="hours of study")
    scale = alt.Scale(domain=[0, 1])
    data = alt.Chart(alt.Data(values=points)).encode(x=x)
    y = alt.Y("y:Q", scale=scale, title="passed, and chance to pass")
    layers = (
        data.mark_rule(color=_GREY).encode(y=y, y2="chance"),
        data.mark_circle(size=90, color=_ORANGE, opacity=1.0).encode(
            y=y, tooltip=[alt.Tooltip("loss:Q", format=".3f")]
        ),
        alt.Chart(alt.Data(values=line))
        .mark_line(color=_GREEN, strokeWidth=3)
        .encode(x=x, y=alt.Y("chance:Q", scale=scale)),
    )
    return alt.layer(*layers, width=460, height=240, title=f"mean loss {losses.mean():.3f}")


def _list(values: Any) -> list[float]:
    return [float(one) for one in values]


def cost(
    answer: Literal["yes", "no"] = "yes",
    shown: Literal["loss", "slope"] = "loss",
) -> alt.Chart:
    """What a score costs, and how hard it is pulled: log-loss, and squared error of the chance"""
    z = np.linspace(-8, 8, 161)
    y = np.full(161, 1.0 if answer == "yes" else 0.0)
    p = sigmoid(z)
    losses, slopes = binary_loss(z, y)
    values = {
        "loss": (losses, (p - y) ** 2),
        "slope": (slopes, 2 * (p - y) * p * (1 - p)),
    }[shown]
    rows = [
        {"score": float(a), "value": float(b), "of": name}
        for name, curve_of in zip(("log-loss", "squared error"), values, strict=True)
        for a, b in zip(z, curve_of, strict=True)
    ]
    colour = alt.Color(
        "of:N",
        scale=alt.Scale(domain=["log-loss", "squared error"], range=[_GREEN, _ORANGE]),
        legend=alt.Legend(title=None, orient="top"),
    )
    lines = alt.Chart(alt.Data(values=rows)).mark_line(strokeWidth=3)
    return lines.encode(
        x=alt.X("score:Q"), y=alt.Y("value:Q", title=shown), color=colour
    ).properties(width=440, height=240)


def border(
    C: Annotated[float, Choice(0.001, 0.01, 0.1, 1.0, 100.0)] = 1.0,
    gap: Annotated[float, Slider(0.0, 4.0, step=0.2)] = 2.0,
    draw: Annotated[int, Slider(1, 10)] = 1,
) -> alt.LayerChart | alt.FacetChart:
    """Two clouds and the chance of the orange one everywhere; a small C is a strong penalty"""
    chance = np.random.default_rng(draw)
    y = np.arange(60) % 2
    X = chance.normal(size=(60, 2)) + gap * (y[:, None] - 0.5)
    model = LogisticRegression(C=C, max_iter=1000).fit(X, y)
    side = np.arange(-4.0, 4.0, 0.4)
    mesh = np.array([(a + 0.2, b + 0.2) for a in side for b in side])
    cells = [
        {
            "a": float(a - 0.2),
            "a2": float(a + 0.2),
            "b": float(b - 0.2),
            "b2": float(b + 0.2),
            "p": p,
        }
        for (a, b), p in zip(mesh, _list(model.predict_proba(mesh)[:, 1]), strict=True)
    ]
    dots = [
        {"a": float(a), "b": float(b), "colour": _ORANGE if one else _GREEN}
        for (a, b), one in zip(X, y, strict=True)
    ]
    scale = alt.Scale(domain=[-4, 4])
    x, y_axis = alt.X("a:Q", scale=scale, title=None), alt.Y("b:Q", scale=scale, title=None)
    shade = alt.Color("p:Q", scale=alt.Scale(domain=[1, 0], scheme="brownbluegreen"), legend=None)
    field = alt.Chart(alt.Data(values=cells)).mark_rect(opacity=0.6)
    points = alt.Chart(alt.Data(values=dots)).mark_circle(size=70, opacity=1.0, clip=True)
    size = float(np.linalg.norm(model.coef_))
    return alt.layer(
        field.encode(x=x, x2="a2", y=y_axis, y2="b2", color=shade),
        points.encode(x=x, y=y_axis, color=alt.Color("colour:N", scale=None, legend=None)),
        width=340,
        height=340,
        title=f"length of the weights {size:.2f}",
    ).resolve_scale(color="independent")
