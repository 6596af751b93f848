"""A load test as a picture: how its times are distributed, and what happened when."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from groundup.serve.load_summary import Call, gaps

FORMATS = (".png", ".svg", ".pdf")
_BINS = 60


def plot(calls: Sequence[Call], path: Path, *, title: str) -> None:
    """Draw to a file; its ending says how (.png, .svg, .pdf).

    Left: cumulative distributions of the time to the first token and between tokens; a curve
    further left is better, and its height says for how many. Right: requests under way and output
    tokens a second, over the test's time.
    """
    if path.suffix not in FORMATS:
        raise ValueError(f"{path} is no picture that can be drawn; end it in {', '.join(FORMATS)}")
    figure = Figure(figsize=(10, 6), layout="constrained")
    (first, flight), (between, rate) = figure.subplots(2, 2)
    good = [call for call in calls if call.pieces and not call.error]
    _distribution(first, [c.pieces[0] - c.due for c in good], "time to first token (s)")
    _distribution(between, gaps(good), "time between tokens (s)")
    _over_time(flight, rate, calls)
    figure.suptitle(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _distribution(axes: Axes, values: Sequence[float], label: str) -> None:
    axes.set_xlabel(label)
    axes.set_ylabel("share of them")
    axes.set_ylim(0, 1.02)
    axes.grid(alpha=0.3)
    if not values:
        return
    ordered = np.sort(values)
    axes.step(ordered, np.arange(1, len(ordered) + 1) / len(ordered), where="post")
    for percent in (50, 95):
        at = float(np.percentile(ordered, percent))
        axes.axvline(at, linestyle="--", linewidth=0.8, color="gray")
        axes.annotate(f" p{percent} {at:.3g}", (at, percent / 100), fontsize=8)


def _over_time(flight: Axes, rate: Axes, calls: Sequence[Call]) -> None:
    end = max((call.end for call in calls), default=0.0) or 1.0
    edges = np.linspace(0, end, _BINS + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    under_way = [sum(call.due <= at < call.end for call in calls) for at in middles]
    flight.step(middles, under_way, where="mid")
    failed = [call.end for call in calls if call.error]
    if failed:
        flight.plot(failed, [0] * len(failed), "x", color="tab:red", label="failed")
        flight.legend()
    flight.set_ylabel("requests under way")
    amounts = np.zeros(_BINS)
    for call in calls:
        if call.pieces:
            # A piece may be several tokens: the call's tokens are spread over its pieces.
            each = call.output_tokens / len(call.pieces)
            amounts += each * np.histogram(call.pieces, edges)[0]
    rate.step(middles, amounts / (end / _BINS), where="mid")
    rate.set_ylabel("output tokens / s")
    for axes in (flight, rate):
        axes.set_xlabel("time (s)")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
