"""Pictures of attention to play with.

Legend: T query, S key, D width.
"""

import math
from typing import Annotated, Any

import altair as alt
import numpy as np
from numpy.typing import NDArray

from groundup.course.lesson_forms import Choice, Slider, Text

Rows = list[dict[str, Any]]
_MOST_WORDS = 12


def plane(
    angle: Annotated[int, Slider(0, 360, step=5)] = 40,
    length: Annotated[float, Slider(0.0, 4.0, step=0.1)] = 1.5,
    is_key_c_forbidden: bool = False,
) -> alt.LayerChart | alt.FacetChart:
    """Turn the query and stretch it: circles are keys, as large as their shares of the answer"""
    query = length * _direction(angle)
    keys = np.stack([2 * _direction(one) for one in (20, 80, 150, 220, 310)])
    scores = keys @ query / math.sqrt(2)
    if is_key_c_forbidden:
        scores[2] = -math.inf
    shares = _softmax(scores)
    answer = shares @ keys  # here each key is its own value
    rows = [
        {"x": x, "y": y, "key": name, "share": share, "score": score, "percent": f"{share:.0%}"}
        for (x, y), name, share, score in zip(keys, "abcde", shares, scores, strict=True)
    ]
    ends = [{"x": 0.0, "y": 0.0}, {"x": query[0], "y": query[1]}]
    found = [{"x": answer[0], "y": answer[1], "what": "answer"}]
    layers = (_arrow(ends), _keys(rows), _names(rows), _answer(found))
    return alt.layer(*layers, width=360, height=360)


def _arrow(rows: Rows) -> alt.Chart:
    line = alt.Chart(alt.Data(values=rows)).mark_line(strokeWidth=3, color="#d95f02", point=True)
    return line.encode(x=_place("x"), y=_place("y"))


def _keys(rows: Rows) -> alt.Chart:
    size = alt.Size("share:Q", scale=alt.Scale(domain=[0, 1], range=[20, 3000]), legend=None)
    shown = [alt.Tooltip(f"{name}:Q", format=".3f") for name in ("score", "share")]
    circles = alt.Chart(alt.Data(values=rows)).mark_circle(color="#1b9e77", opacity=0.7)
    return circles.encode(x=_place("x"), y=_place("y"), size=size, tooltip=["key:N", *shown])


def _names(rows: Rows) -> alt.Chart:
    labelled = [{**row, "label": f"{row['key']} {row['percent']}"} for row in rows]
    texts = alt.Chart(alt.Data(values=labelled)).mark_text(dy=-34, fontSize=13, color="#7a7a7a")
    return texts.encode(x=_place("x"), y=_place("y"), text="label:N")


def _answer(rows: Rows) -> alt.Chart:
    mark = alt.Chart(alt.Data(values=rows)).mark_point(
        shape="diamond", size=220, color="#7570b3", filled=True, opacity=1.0
    )
    return mark.encode(x=_place("x"), y=_place("y"), tooltip="what:N")


def _place(name: str) -> Any:
    kind = alt.X if name == "x" else alt.Y
    return kind(f"{name}:Q", scale=alt.Scale(domain=[-4, 4]), title=None)


def sentence(
    words: Annotated[str, Text(80)] = "the other mother gathered the feathers",
    sharpness: Annotated[float, Slider(0.0, 6.0, step=0.5)] = 3.0,
    is_causal: bool = False,
) -> alt.LayerChart | alt.FacetChart:
    """Words ask words: here a match is letters in common, each row the shares of one query"""
    names = words.split()[:_MOST_WORDS] or ["(nothing)"]
    letters_TD = np.array([[word.lower().count(one) for one in _ALPHABET] for word in names])
    scores_TS = sharpness * letters_TD @ letters_TD.T / math.sqrt(len(_ALPHABET))
    if is_causal:
        scores_TS = np.where(np.tri(len(names), dtype=bool), scores_TS, -math.inf)
    shares_TS = _softmax(scores_TS)
    labels = [f"{number} {name[:12]}" for number, name in enumerate(names, 1)]
    rows = [
        {"query": labels[t], "key": labels[s], "share": share, "percent": f"{share:.0%}"}
        for t, row in enumerate(shares_TS)
        for s, share in enumerate(row)
    ]
    x = alt.X("key:O", sort=labels, title="key", axis=alt.Axis(labelAngle=-40, orient="top"))
    grid = alt.Chart(alt.Data(values=rows)).encode(x=x, y=alt.Y("query:O", sort=labels))
    colour = alt.Color("share:Q", scale=alt.Scale(domain=[0, 1], scheme="blues"), legend=None)
    is_dark = alt.datum.share > 0.5
    ink = alt.condition(is_dark, alt.value("white"), alt.value("#444"))
    cells = grid.mark_rect().encode(color=colour, tooltip=["query:O", "key:O", "percent:N"])
    texts = grid.mark_text(fontSize=11).encode(text="percent:N", color=ink)
    return alt.layer(cells, texts, width=alt.Step(46), height=alt.Step(32))


def widths(
    width: Annotated[int, Choice(1, 4, 16, 64, 256, 1024)] = 64,
    is_divided_by_the_root: bool = False,
    draw: Annotated[int, Slider(1, 20)] = 1,
) -> alt.Chart:
    """A random query and 16 random keys of this width: the share of each"""
    chance = np.random.default_rng(draw)
    scores = chance.normal(size=(16, width)) @ chance.normal(size=width)
    if is_divided_by_the_root:
        scores = scores / math.sqrt(width)
    rows = [
        {"key": number, "share": share, "score": score}
        for number, (share, score) in enumerate(zip(_softmax(scores), scores, strict=True), 1)
    ]
    title = f"scores from {scores.min():.1f} to {scores.max():.1f}"
    bars = alt.Chart(alt.Data(values=rows), title=title).mark_bar(color="#1b9e77")
    shown = [alt.Tooltip(f"{name}:Q", format=".3f") for name in ("score", "share")]
    share = alt.Y("share:Q", scale=alt.Scale(domain=[0, 1]), title="share of the answer")
    x = alt.X("key:O", axis=alt.Axis(labelAngle=0))
    return bars.encode(x=x, y=share, tooltip=shown).properties(width=420, height=220)


_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def _direction(degrees: float) -> NDArray[np.float64]:
    return np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return shares
