"""Pictures of softmax and of the logarithm of a sum of powers."""

from typing import Annotated, Any

import altair as alt
import numpy as np

from groundup.autograd.reductions import logsumexp
from groundup.course.lesson_forms import Slider
from groundup.maths.vector_jacobian import softmax

Rows = list[dict[str, Any]]


def shares(
    cat: Annotated[float, Slider(-5, 5, step=0.5)] = 2.0,
    dog: Annotated[float, Slider(-5, 5, step=0.5)] = 1.0,
    sofa: Annotated[float, Slider(-5, 5, step=0.5)] = -1.0,
    added_to_all: Annotated[int, Slider(-1000, 1000, step=100)] = 0,
) -> alt.LayerChart | alt.FacetChart:
    """Scores of three words, and their shares: what counts is the distance between scores"""
    scores = np.array([cat, dog, sofa]) + added_to_all
    rows = [
        {"word": word, "score": score, "share": share, "percent": f"{share:.1%}"}
        for word, score, share in zip(("cat", "dog", "sofa"), scores, softmax(scores), strict=True)
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("word:N", sort=None, title=None),
        x=alt.X("share:Q", scale=alt.Scale(domain=[0, 1]), title="share"),
    )
    bars = base.mark_bar(color="#1b9e77").encode(tooltip=["word:N", "score:Q", "percent:N"])
    texts = base.mark_text(align="left", dx=6, color="#7a7a7a").encode(text="percent:N")
    return alt.layer(bars, texts, width=420, height=140)


def smooth_maximum(
    sharpness: Annotated[float, Slider(0.5, 10.0, step=0.5)] = 1.0,
) -> alt.LayerChart | alt.FacetChart:
    """The larger of x and 0, and ln(e^(s x) + e^0) / s, which is nearly that and has no corner"""
    rows: Rows = []
    for x in np.linspace(-4, 4, 81):
        smooth = float(logsumexp(sharpness * np.array([x, 0.0]), (0,), False)) / sharpness
        rows.append({"x": float(x), "value": smooth, "line": "log-sum-exp"})
        rows.append({"x": float(x), "value": max(float(x), 0.0), "line": "maximum"})
    chart = alt.Chart(alt.Data(values=rows)).mark_line()
    colour = alt.Color(
        "line:N",
        scale=alt.Scale(domain=["log-sum-exp", "maximum"], range=["#1b9e77", "#d95f02"]),
        legend=alt.Legend(title=None, orient="top-left"),
    )
    y = alt.Y("value:Q", scale=alt.Scale(domain=[-0.5, 4.5]), title=None)
    lines = chart.encode(
        x=alt.X("x:Q"), y=y, color=colour, strokeDash=alt.StrokeDash("line:N", legend=None)
    )
    return alt.layer(lines, width=420, height=240)
