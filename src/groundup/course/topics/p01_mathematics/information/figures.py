"""Surprise, a distribution and a belief about it, a joint table."""

from typing import Annotated, Any

import altair as alt
import numpy as np

from groundup.course.lesson_forms import Slider
from groundup.maths.information import cross_entropy, entropy, kl_divergence, mutual_information

_GREEN, _ORANGE, _PURPLE = "#1b9e77", "#d95f02", "#7570b3"


def coin(
    heads: Annotated[float, Slider(0.0, 1.0, step=0.01)] = 0.7,
    belief: Annotated[float, Slider(0.01, 0.99, step=0.01)] = 0.5,
) -> alt.LayerChart | alt.FacetChart:
    """A coin, and what you believe of it: entropy below, your mean surprise above, in bits"""
    p = np.array([heads, 1 - heads])
    rows = []
    for share in np.linspace(0.01, 0.99, 99):
        q = np.array([share, 1 - share])
        rows.append({"p": float(share), "bits": float(entropy(q)) / np.log(2)})
    believed = [{"p": heads, "bits": float(cross_entropy(p, [belief, 1 - belief])) / np.log(2)}]
    truth = [{"p": heads, "bits": float(entropy(p)) / np.log(2)}]
    line = [
        {
            "p": float(share),
            "bits": -float(share * np.log2(belief) + (1 - share) * np.log2(1 - belief)),
        }
        for share in (0.0, 1.0)
    ]
    excess = believed[0]["bits"] - truth[0]["bits"]
    title = f"entropy {truth[0]['bits']:.3f}, paid {believed[0]['bits']:.3f}: {excess:.3f} too much"
    layers = (
        _curve(rows, _GREEN),
        _curve(line, _ORANGE),
        _dot(truth, _GREEN),
        _dot(believed, _ORANGE),
    )
    return alt.layer(*layers, width=420, height=260, title=title)


def _curve(rows: list[dict[str, Any]], colour: str) -> alt.Chart:
    return (
        alt.Chart(alt.Data(values=rows)).mark_line(color=colour, clip=True).encode(x=_x(), y=_y())
    )


def _dot(rows: list[dict[str, Any]], colour: str) -> alt.Chart:
    mark = alt.Chart(alt.Data(values=rows)).mark_circle(
        color=colour, size=160, opacity=1.0, clip=True
    )
    return mark.encode(x=_x(), y=_y(), tooltip=[alt.Tooltip("bits:Q", format=".3f")])


def _x() -> Any:
    return alt.X("p:Q", scale=alt.Scale(domain=[0, 1]), title="probability of heads")


def _y() -> Any:
    return alt.Y("bits:Q", scale=alt.Scale(domain=[0, 4]), title="mean surprise in bits")


def beliefs(
    spread: Annotated[float, Slider(0.3, 3.0, step=0.1)] = 1.0,
    shift: Annotated[float, Slider(-3.0, 3.0, step=0.1)] = 1.0,
) -> alt.LayerChart | alt.FacetChart:
    """Bars: what happens, p. Line: what is believed, q. Both divergences are in the title"""
    x = np.arange(-5, 6)
    p = _hill(x, 0.0, 1.0)
    q = _hill(x, shift, spread)
    forward, back = float(kl_divergence(p, q)), float(kl_divergence(q, p))
    title = f"KL(p, q) = {forward:.3f}   KL(q, p) = {back:.3f} nats"
    rows = [
        {"x": int(one), "p": float(a), "q": float(b)} for one, a, b in zip(x, p, q, strict=True)
    ]
    chart = alt.Chart(alt.Data(values=rows)).encode(x=alt.X("x:O", axis=alt.Axis(labelAngle=0)))
    scale = alt.Scale(domain=[0, 0.85])
    bars = chart.mark_bar(color=_GREEN, opacity=0.6).encode(
        y=alt.Y("p:Q", scale=scale, title="probability")
    )
    line = chart.mark_line(color=_ORANGE, point=True, strokeWidth=3).encode(
        y=alt.Y("q:Q", scale=scale)
    )
    return alt.layer(bars, line, width=420, height=240, title=title)


def _hill(x: Any, middle: float, width: float) -> Any:
    curve = np.exp(-(((x - middle) / width) ** 2) / 2) + 1e-12
    return curve / curve.sum()


def related(
    agreement: Annotated[float, Slider(0.0, 1.0, step=0.02)] = 0.8,
    yes: Annotated[float, Slider(0.05, 0.95, step=0.05)] = 0.5,
) -> alt.LayerChart | alt.FacetChart:
    """Two questions: the share of each pair of answers, and the bits that one tells of the other"""
    table = np.array(
        [
            [yes * agreement, yes * (1 - agreement)],
            [(1 - yes) * (1 - agreement), (1 - yes) * agreement],
        ]
    )
    bits = mutual_information(table) / np.log(2)
    rows = [
        {"first": a, "second": b, "share": float(table[i, j]), "text": f"{table[i, j]:.0%}"}
        for i, a in enumerate(("yes", "no"))
        for j, b in enumerate(("yes", "no"))
    ]
    grid = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("second:N", sort=["yes", "no"], axis=alt.Axis(labelAngle=0)),
        y=alt.Y("first:N", sort=["yes", "no"]),
    )
    colour = alt.Color("share:Q", scale=alt.Scale(domain=[0, 1], scheme="blues"), legend=None)
    ink = alt.condition(alt.datum.share > 0.5, alt.value("white"), alt.value("#444"))
    cells, texts = grid.mark_rect().encode(color=colour), grid.mark_text(fontSize=15)
    return alt.layer(
        cells,
        texts.encode(text="text:N", color=ink),
        width=220,
        height=220,
        title=f"{bits:.3f} bits",
    )
