"""A circle becomes an ellipse, a picture loses its small pieces, spectra of three kinds."""

import math
from typing import Annotated, Any, Literal

import altair as alt
import numpy as np
from numpy.typing import NDArray

from groundup.course.lesson_forms import Choice, Slider
from groundup.maths.low_rank import low_rank

Array = NDArray[np.float64]
_GREEN, _ORANGE, _PURPLE = "#1b9e77", "#d95f02", "#7570b3"
_SIZE = 40


def ellipse(
    top_left: Annotated[float, Slider(-2.0, 2.0, step=0.1)] = 1.5,
    top_right: Annotated[float, Slider(-2.0, 2.0, step=0.1)] = 1.0,
    bottom_left: Annotated[float, Slider(-2.0, 2.0, step=0.1)] = 0.0,
    bottom_right: Annotated[float, Slider(-2.0, 2.0, step=0.1)] = 1.0,
) -> alt.LayerChart | alt.FacetChart:
    """Where a matrix sends the grey circle; its axes, and the directions that become them"""
    A = np.array([[top_left, top_right], [bottom_left, bottom_right]])
    U, s, Vt = np.linalg.svd(A)
    turns = np.linspace(0, 2 * math.pi, 121)
    circle = np.stack([np.cos(turns), np.sin(turns)])
    arrows = [
        _path(np.stack([np.zeros(2), Vt[i]]), colour, 2, dash=[5, 4])
        for i, colour in enumerate((_ORANGE, _PURPLE))
    ]
    arrows += [
        _path(np.stack([np.zeros(2), s[i] * U[:, i]]), colour, 4)
        for i, colour in enumerate((_ORANGE, _PURPLE))
    ]
    title = f"singular values {s[0]:.2f} and {s[1]:.2f}"
    curves = (_path(circle.T, "#aaaaaa", 2), _path((A @ circle).T, _GREEN, 3))
    return alt.layer(*curves, *arrows, width=360, height=360, title=title)


def _path(points: Array, colour: str, width: int, *, dash: list[int] | None = None) -> alt.Chart:
    rows = [{"a": float(a), "b": float(b), "n": n} for n, (a, b) in enumerate(points)]
    mark = alt.Chart(alt.Data(values=rows)).mark_line(
        color=colour, strokeWidth=width, strokeDash=dash or [1, 0]
    )
    scale = alt.Scale(domain=[-3, 3])
    return mark.encode(
        x=alt.X("a:Q", scale=scale, title=None),
        y=alt.Y("b:Q", scale=scale, title=None),
        order="n:Q",
    )


def picture(
    pieces: Annotated[int, Slider(0, 20)] = 3,
    of: Literal["a ring", "a checkerboard", "a diagonal line", "noise"] = "a ring",
) -> alt.Chart:
    """A picture of 40 x 40 points, from its first pieces alone"""
    image = _image(of)
    found = low_rank(image, pieces)
    shown = found.left @ found.right
    kept = 1 - found.frobenius_error**2 / float((image**2).sum())
    numbers = pieces * 2 * _SIZE
    title = f"{numbers} numbers for {_SIZE * _SIZE}, {kept:.1%} of the squares kept"
    rows = [
        {"column": column, "row": row, "value": float(shown[row, column])}
        for row in range(_SIZE)
        for column in range(_SIZE)
    ]
    cells = alt.Chart(alt.Data(values=rows), title=title).mark_rect()
    low, high = float(image.min()), float(image.max())
    colour = alt.Color(
        "value:Q", scale=alt.Scale(domain=[low, high], scheme="greys", clamp=True), legend=None
    )
    x, y = (alt.Axis(labels=False, ticks=False, title=None) for _ in range(2))
    return cells.encode(
        x=alt.X("column:O", axis=x), y=alt.Y("row:O", axis=y), color=colour
    ).properties(width=320, height=320)


def _image(of: str) -> Array:
    place = np.linspace(-1, 1, _SIZE)
    x, y = place[None], place[:, None]
    if of == "a ring":
        return np.exp(-30 * (np.sqrt(x * x + y * y) - 0.6) ** 2)
    if of == "a checkerboard":
        squares = (np.arange(_SIZE) // 5) % 2
        return (squares[:, None] ^ squares[None]).astype(float)
    if of == "a diagonal line":
        return np.exp(-200 * (x - y) ** 2)
    noise: Array = np.random.default_rng(0).normal(size=(_SIZE, _SIZE))
    return noise


def spectrum(
    kind: Literal["noise", "smooth", "low rank and noise"] = "low rank and noise",
    noise: Annotated[float, Choice(0.01, 0.1, 1.0)] = 0.1,
) -> alt.Chart:
    """The singular values of a 60 x 60 matrix, on a logarithmic scale"""
    chance = np.random.default_rng(0)
    grid = np.linspace(0, 1, 60)
    random: Any = chance.normal(size=(60, 60))
    matrix = {
        "noise": noise * random,
        "smooth": 10 / (1 + 4 * (grid[:, None] + grid[None])),
        "low rank and noise": chance.normal(size=(60, 6)) @ chance.normal(size=(6, 60))
        + noise * random,
    }[kind]
    s = np.linalg.svd(matrix, compute_uv=False)
    rows = [{"number": n, "value": float(max(one, 1e-16))} for n, one in enumerate(s, 1)]
    points = alt.Chart(alt.Data(values=rows)).mark_line(point=True, color=_GREEN)
    scale = alt.Scale(type="log", domain=[1e-16, 1e3])
    axis = alt.Axis(format=".0e", values=[1e-15, 1e-10, 1e-5, 1, 100])
    return points.encode(
        x=alt.X("number:Q", title="number of the singular value"),
        y=alt.Y("value:Q", scale=scale, axis=axis, title="size"),
        tooltip=["number:Q", alt.Tooltip("value:Q", format=".3g")],
    ).properties(width=440, height=260)
