"""The last stage of the tokenizer study: one table, one picture, one file of figures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from groundup.pipeline.artifact import machine, write_text_atomically
from groundup.pipeline.stage import Work

Results = Mapping[str, Mapping[str, Any]]
"""Of each contender, what its `result.json` says."""
_COLOURS = ("#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#475569", "#0891b2", "#65a30d")
_HEADINGS = (
    "",
    "vocabulary",
    "bytes/token",
    "context",
    "tokens",
    "TFLOPs",
    "unknown",
    "spelling",
    "bits/byte",
)


@dataclass(frozen=True, kw_only=True)
class SummaryConfig:
    """Whom the summary is of."""

    names: tuple[str, ...]
    """The contenders, in order."""


def summary(work: Work) -> None:
    """Write `result.json`, `table.txt` and `bits_per_byte.png`; say the table."""
    config: SummaryConfig = work.config
    results = {
        name: json.loads((work.inputs[f"model-{name}"] / "result.json").read_text(encoding="utf-8"))
        for name in config.names
    }
    data = {"contenders": results, "machine": machine()}
    write_text_atomically(work.folder / "result.json", json.dumps(data, indent=2) + "\n")
    lines = table(results)
    write_text_atomically(work.folder / "table.txt", "\n".join(lines) + "\n")
    picture = work.folder / "bits_per_byte.png"
    figure(results).savefig(picture, dpi=150, metadata={"Software": None})
    for line in lines:
        work.say(line)
    work.say(f"summary: {picture}")


def table(results: Results) -> list[str]:
    """A line for each contender, the best first, and what one must know to read it."""
    ordered = sorted(results, key=lambda name: results[name]["bits_per_byte"])
    rows = [_HEADINGS, *(_row(name, results[name]) for name in ordered)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADINGS))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    any_one = results[ordered[0]]
    return [
        *lines,
        f"Each model read {any_one['bytes'] / 1e6:.2f} MB of text and was scored on the same "
        f"{any_one['held_out_bytes'] / 1e3:.0f} kB of held-out files.",
        "context: bytes that the model sees at once. unknown: held-out tokens that the vocabulary",
        "lacks. spelling: what these take, bits per byte, by an n-gram model of bytes that read as",
        "much text; it is part of the bits in the last column. One seed: small gaps mean nothing.",
    ]


def _row(name: str, result: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        name,
        f"{result['vocab_size']:,}",
        f"{result['bytes_per_token']:.2f}",
        f"{result['context_bytes']:.0f} B",
        f"{result['tokens'] / 1e6:.2f} M",
        f"{result['flops'] / 1e12:.2f}",
        f"{100 * result['unknown_share_of_tokens']:.1f} %",
        f"{result['spelling_bits_per_byte']:.3f}",
        f"{result['bits_per_byte']:.3f}",
    )


def figure(results: Results) -> Figure:
    """Left, bits per byte while bytes are read; right, where each ends, the spelling hatched."""
    drawing = Figure(figsize=(10, 4.2), layout="constrained")
    curves, bars = drawing.subplots(1, 2, width_ratios=(3, 2))
    names = list(results)
    for name, colour in zip(names, _colours(names), strict=True):
        points = results[name]["curve"]
        megabytes, bits = [x / 1e6 for x, _ in points], [y for _, y in points]
        curves.plot(megabytes, bits, color=colour, label=name, linewidth=1.8)
    curves.set_xlabel("MB of text read")
    curves.set_ylabel("bits per byte, part of the held-out text")
    curves.legend(frameon=False, fontsize=9)
    curves.grid(color="#e2e8f0", linewidth=0.7)
    final = [results[name]["bits_per_byte"] for name in names]
    spelled = [results[name]["spelling_bits_per_byte"] for name in names]
    rows = range(len(names))
    by_model = [whole - part for whole, part in zip(final, spelled, strict=True)]
    bars.barh(rows, by_model, color=_colours(names), height=0.62)
    hatched = {"fill": False, "hatch": "////", "edgecolor": "#64748b", "linewidth": 0}
    bars.barh(rows, spelled, left=by_model, height=0.62, label="spelling the unknown", **hatched)
    for row, value in enumerate(final):
        bars.text(value, row, f" {value:.2f}", va="center", fontsize=9)
    bars.set_yticks(rows, names)
    bars.invert_yaxis()
    bars.set_xlim(0, 1.15 * max(final))
    bars.set_xlabel("bits per byte at the end")
    if any(spelled):
        bars.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1))
    for axes in (curves, bars):
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_axisbelow(True)
    return drawing


def _colours(names: Sequence[str]) -> list[str]:
    return [_COLOURS[i % len(_COLOURS)] for i in range(len(names))]
