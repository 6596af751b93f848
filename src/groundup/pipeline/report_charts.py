"""The report's charts: which marks on which axes, each with a title and a sentence that says it.

How a drawing becomes part of the page is in `report_svg`.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

from groundup.pipeline.report_svg import (
    ACCENT,
    INK,
    MUTED,
    NARROW,
    SECOND,
    THIRD,
    WIDE,
    Chart,
    drawn,
)

Points = Sequence[tuple[float, float]]
"""Pairs (step, value) in order of the step."""

MOST_POINTS = 240
_COLOURS = (ACCENT, SECOND, THIRD)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One row of a bar chart or of a dot-and-whisker chart."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    highlighted: bool = False


def loss_chart(training: Points, validation: Points, *, title: str) -> Chart:
    """Training loss (each step faint, smoothed in front) and validation loss, nats a token."""
    training, validation = _finite(training), _finite(validation)
    raw, smooth = thinned(training, MOST_POINTS), thinned(smoothed(training), MOST_POINTS)

    def draw(axes: Axes) -> None:
        axes.plot(*_columns(raw), color=ACCENT, alpha=0.28, linewidth=1)
        axes.plot(*_columns(smooth), color=ACCENT, label="training")
        if validation:
            axes.plot(*_columns(validation), color=SECOND, marker="o", markersize=3.5)
        _name_lines(axes, [("training", smooth, ACCENT), ("validation", validation, SECOND)])
        _step_axis(axes, training or validation)
        axes.set_ylabel("nats a token")
        _zoom(axes, [value for _, value in [*smooth, *validation]])

    words = [_from_to("training loss", smooth), _from_to("validation loss", validation)]
    return drawn(draw, title=title, label="; ".join(filter(None, words)), wide=WIDE)


def line_chart(points: Points, *, title: str, unit: str = "", from_zero: bool = True) -> Chart:
    """One quantity over the steps."""
    points = _finite(points)
    shown = thinned(points, MOST_POINTS)

    def draw(axes: Axes) -> None:
        axes.plot(*_columns(shown), color=ACCENT)
        _step_axis(axes, points)
        axes.set_ylabel(unit)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
        if from_zero:
            axes.set_ylim(bottom=0)

    return drawn(draw, title=title, label=_from_to(title, shown))


def lines_chart(lines: Mapping[str, Points], *, title: str, unit: str) -> Chart:
    """Up to three quantities over the steps, in one picture, the first one in front."""
    shown = [(name, thinned(_finite(points), MOST_POINTS)) for name, points in lines.items()]
    named = [
        (name, points, colour) for (name, points), colour in zip(shown, _COLOURS, strict=False)
    ]

    def draw(axes: Axes) -> None:
        for order, (_, points, colour) in enumerate(named):
            axes.plot(*_columns(points), color=colour, zorder=3 - order / 10)
        _name_lines(axes, named)
        _step_axis(axes, max((points for _, points, _ in named), key=len, default=[]))
        axes.set_ylabel(unit)
        axes.yaxis.set_major_locator(MaxNLocator(5))

    words = [_from_to(name, points) for name, points, _ in named]
    return drawn(draw, title=title, label="; ".join(filter(None, words)), wide=WIDE)


def throughput_chart(
    speeds: Points, *, title: str, flops_per_token: float | None, peak_flops: float | None
) -> Chart:
    """Tokens a second; with both figures, also GFLOP/s on the right and the measured peak dashed.

    speeds: (step, tokens/s); flops_per_token: of one training step; peak_flops: of the machine, a
    second. GFLOP/s = tokens/s * flops_per_token / 1e9.
    """
    speeds = _finite(speeds)
    shown = thinned(speeds, MOST_POINTS)
    peak = peak_flops / flops_per_token if peak_flops and flops_per_token else None
    label = _from_to("tokens a second", shown)
    if peak_flops and peak:
        label += f"; the machine's measured peak is {peak_flops / 1e9:.0f} GFLOP/s"

    def draw(axes: Axes) -> None:
        axes.plot(*_columns(shown), color=ACCENT)
        _step_axis(axes, speeds)
        axes.set_ylabel("tokens/s")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
        top = max([value for _, value in speeds] + ([peak] if peak else []), default=1.0)
        axes.set_ylim(0, 1.14 * top)
        if not peak or not flops_per_token:
            return
        axes.axhline(peak, color=SECOND, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate(
            "measured peak",
            (0.98, peak),
            xycoords=("axes fraction", "data"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="right",
            color=SECOND,
            fontsize=9.5,
        )
        giga = flops_per_token / 1e9
        right = axes.secondary_yaxis(
            "right", functions=(lambda x: np.multiply(x, giga), lambda x: np.divide(x, giga))
        )
        right.set_ylabel("GFLOP/s")
        right.spines["right"].set_visible(False)

    return drawn(draw, title=title, label=label)


def bar_chart(bars: Sequence[Bar], *, title: str, unit: str, decimals: int = 2) -> Chart:
    """Horizontal bars from zero, in the given order, the value written at each end."""

    def draw(axes: Axes) -> None:
        rows = range(len(bars))
        colours = [ACCENT if bar.highlighted else MUTED for bar in bars]
        patches = axes.barh(rows, [bar.value for bar in bars], height=0.62, color=colours)
        for bar, patch in zip(bars, patches, strict=True):
            patch.set_alpha(1 if bar.highlighted else 0.45)
        for row, bar in zip(rows, bars, strict=True):
            _write_beside(axes, (bar.value, row), f"{bar.value:.{decimals}f}", bar.highlighted)
        axes.set_xlim(0, 1.16 * max((bar.value for bar in bars), default=1.0))
        _row_axis(axes, bars)
        axes.set_xlabel(unit)

    label = f"{title}: " + ", ".join(f"{bar.name} {bar.value:.{decimals}f}" for bar in bars)
    return drawn(draw, title=title, label=label, narrow=(NARROW[0], 62 + 26 * len(bars)))


def whisker_chart(bars: Sequence[Bar], *, title: str, unit: str) -> Chart:
    """Shares as dots, their confidence intervals as whiskers, on a scale from 0 to 100 %."""

    def draw(axes: Axes) -> None:
        for row, bar in enumerate(bars):
            colour = ACCENT if bar.highlighted else MUTED
            if bar.low is not None and bar.high is not None:
                axes.plot([100 * bar.low, 100 * bar.high], [row, row], color=colour, linewidth=2.2)
            axes.plot([100 * bar.value], [row], color=colour, marker="o", markersize=7)
            right_end = 100 * (bar.value if bar.high is None else bar.high)
            _write_beside(axes, (right_end, row), f"{100 * bar.value:.0f} %", bar.highlighted)
        axes.set_xlim(-2, 114)
        axes.xaxis.set_major_locator(FixedLocator([0, 25, 50, 75, 100]))
        _row_axis(axes, bars)
        axes.set_xlabel(unit)

    label = f"{title}: " + ", ".join(f"{bar.name} {100 * bar.value:.0f} %" for bar in bars)
    return drawn(draw, title=title, label=label, narrow=(NARROW[0], 62 + 30 * len(bars)))


def column_chart(counts: Sequence[int], *, title: str, xlabel: str, ylabel: str) -> Chart:
    """Columns at 1, 2, 3 ...; counts[i] is the height of column i + 1."""

    def draw(axes: Axes) -> None:
        axes.bar(range(1, len(counts) + 1), counts, width=0.78, color=ACCENT)
        axes.grid(visible=False, axis="x")
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))

    most = max(range(len(counts)), key=lambda i: counts[i]) + 1 if counts else 0
    return drawn(draw, title=title, label=f"{title}; most have a {xlabel} of {most}")


def smoothed(points: Points, *, share: float = 0.02) -> list[tuple[float, float]]:
    """Centred moving average over about `share` of the steps; at the ends the window shrinks.

    s_t = mean(x_(t-w) ... x_(t+w)); centred, so that a falling curve is not drawn too late.
    """
    reach = int(share * len(points) / 2)
    sums = [0.0, *itertools.accumulate(value for _, value in points)]
    out = []
    for i, (step, _) in enumerate(points):
        w = min(reach, i, len(points) - 1 - i)
        out.append((step, (sums[i + w + 1] - sums[i - w]) / (2 * w + 1)))
    return out


def thinned(points: Points, most: int) -> list[tuple[float, float]]:
    """At most about `most` points: the mean of each of equally long stretches, and both ends."""
    if len(points) <= most:
        return list(points)
    middle = []
    for part in range(most):
        stretch = points[part * len(points) // most : (part + 1) * len(points) // most]
        steps, values = zip(*stretch, strict=True)
        middle.append((sum(steps) / len(steps), sum(values) / len(values)))
    return [points[0], *middle, points[-1]]


def compact(value: float) -> str:
    """`12.3k`, `0.0005`, `8M`: short enough for a tick."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    if 1e-6 <= abs(value) < 1e-4:  # where "g" would turn to 8e-05
        return f"{value:.7f}".rstrip("0")
    return f"{value:.3g}"


def _finite(points: Points) -> list[tuple[float, float]]:
    return [(step, value) for step, value in points if math.isfinite(value)]


def _columns(points: Points) -> tuple[list[float], list[float]]:
    return [step for step, _ in points], [value for _, value in points]


def _from_to(name: str, points: Points) -> str:
    if not points:
        return ""
    return f"{name} from {points[0][1]:.3g} to {points[-1][1]:.3g} at step {points[-1][0]:,.0f}"


def _step_axis(axes: Axes, points: Points) -> None:
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
    axes.grid(visible=False, axis="x")
    if len(points) == 1:  # a line of one point cannot be seen
        axes.plot(*_columns(points), color=ACCENT, marker="o", markersize=4)
        axes.set_xlim(points[0][0] - 1, points[0][0] + 1)
    elif points:
        axes.set_xlim(points[0][0], points[-1][0] + 0.01 * (points[-1][0] - points[0][0]))


def _row_axis(axes: Axes, bars: Sequence[Bar]) -> None:
    axes.set_yticks(range(len(bars)), [bar.name for bar in bars])
    axes.set_ylim(len(bars) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    for bar, text in zip(bars, axes.get_yticklabels(), strict=True):
        text.set_color(INK if bar.highlighted else MUTED)
        text.set_fontweight("bold" if bar.highlighted else "normal")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _write_beside(axes: Axes, place: tuple[float, float], text: str, is_bold: bool) -> None:
    axes.annotate(
        text,
        place,
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        color=INK if is_bold else MUTED,
        fontweight="bold" if is_bold else "normal",
    )


def _name_lines(axes: Axes, lines: Sequence[tuple[str, Points, str]]) -> None:
    """Names in the upper right corner, each in its line's colour: a falling curve leaves room."""
    for row, (name, _, colour) in enumerate([line for line in lines if line[1]]):
        axes.annotate(
            name,
            (0.985, 0.96),
            xycoords="axes fraction",
            xytext=(0, -14 * row),
            textcoords="offset points",
            ha="right",
            va="top",
            color=colour,
            fontweight="bold",
        )


def _zoom(axes: Axes, values: Sequence[float]) -> None:
    """Leave out the cliff of the very first steps, or the rest of the curve is a flat line."""
    if len(values) < 20:
        return
    ordered = sorted(values)
    low, high = ordered[0], ordered[int(0.985 * (len(ordered) - 1))]
    pad = 0.08 * (high - low) or 0.1
    axes.set_ylim(low - pad, high + 2 * pad)
