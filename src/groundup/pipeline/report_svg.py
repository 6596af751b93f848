"""A matplotlib drawing as an inline SVG that takes its colours from the page around it.

Each colour a chart uses stands for a role (`ink`, `accent` ...). The finished SVG refers to the
page's CSS variables instead of fixed colours, so one drawing serves the light and the dark theme.
Text stays text: it can be searched, copied and read aloud, and uses the page's font.

A chart is drawn for the width of a phone (`narrow`) and, where it pays, again for a desktop
(`wide`); the style sheet shows one of the two. Left out: axes a reader can zoom.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Stand-ins: colours that occur nowhere else, each replaced by a CSS variable in the finished SVG.
INK, MUTED, LINE = "#010101", "#010102", "#010103"
ACCENT, SECOND, THIRD = "#010104", "#010105", "#010106"
_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    ACCENT: "var(--accent)",
    SECOND: "var(--second)",
    THIRD: "var(--third)",
}
_STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 10.5,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "text.color": INK,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
}
NARROW, WIDE = (348, 232), (1040, 330)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawing, its title, and in words what it shows."""

    title: str
    label: str
    """Read aloud in the drawing's place."""
    narrow: Markup
    wide: Markup | None = None

    def within(self, place: str) -> "Chart":
        """The same chart with ids of its own, so that a page may hold another one like it."""
        wide = None if self.wide is None else _prefixed(self.wide, place)
        return replace(self, narrow=_prefixed(self.narrow, place), wide=wide)


def drawn(
    draw: Callable[[Axes], None],
    *,
    title: str,
    label: str,
    narrow: tuple[int, int] = NARROW,
    wide: tuple[int, int] | None = None,
) -> Chart:
    """The chart that `draw` draws on empty axes, at one size (points, width first) or at two."""
    return Chart(
        title=title,
        label=label,
        narrow=_svg(draw, size=narrow, label=label, salt=f"{title} narrow"),
        wide=_svg(draw, size=wide, label=label, salt=f"{title} wide") if wide else None,
    )


def _svg(draw: Callable[[Axes], None], *, size: tuple[int, int], label: str, salt: str) -> Markup:
    settings: dict[Any, Any] = {**_STYLE, "svg.hashsalt": salt}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(size[0] / 72, size[1] / 72), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _inlined(buffer.getvalue(), size=size, label=label)


def _inlined(svg: str, *, size: tuple[int, int], label: str) -> Markup:
    """An SVG file as an element of an HTML page: nothing in it can touch the rest of the page."""
    body = svg[svg.index("<svg") :]
    body = body[body.index(">") + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)  # it would style the whole page
    used = set(re.findall(r"[\"(]#([\w.-]+)[\")]", body))
    body = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", body)
    body = re.sub(r"; font-family: [^;\"]*|font-family: [^;\"]*; ", "", body)
    body = re.sub(r' transform="rotate\(-?0 [^"]*"', "", body)
    body = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0]), body)
    body = re.sub(r"\s*\n\s*", "\n", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    start = (
        f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {size[0]} {size[1]}" '
        f'width="{size[0]}" height="{size[1]}" role="img" aria-label="{escape(label)}">'
    )
    return Markup(start + body)


def _prefixed(svg: Markup, place: str) -> Markup:
    return Markup(re.sub(r'( id="|href="#|url\(#)', rf"\1{place}-", str(svg)))
