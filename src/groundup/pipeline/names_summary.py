"""The last stage of the names project: what the network wrote, and how well it knows names."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from safetensors.numpy import load_file

from groundup.models.ngram import NGram
from groundup.models.rnn import RecurrentLM
from groundup.observe import metrics
from groundup.pipeline.artifact import machine, read_record, write_text_atomically
from groundup.pipeline.names_network import (
    END,
    START,
    bits_per_character,
    encode,
    read_data,
)
from groundup.pipeline.stage import Work

ORDERS = (2, 4)
"""Of the n-gram models beside it."""


def summary(work: Work) -> None:
    """Write `result.json`, `table.txt` and `curve.png`; say the table."""
    data = read_data(work.inputs["names"])
    model = load_network(work.inputs["network"], data["letters"])
    held_out = encode(data["held_out"], data["letters"])
    bits = {"a fair choice of letters": math.log2(len(data["letters"]) + 1)}
    for order in ORDERS:
        bits[f"{order}-gram"] = ngram_bits(data, order)
    bits[f"the network ({type(model.recurrent).__name__})"] = bits_per_character(model, held_out)
    written = [draw_names(model, data, work.config, t) for t in work.config.temperatures]
    result = {"bits_per_character": bits, "samples": written, "machine": machine()}
    write_text_atomically(
        work.folder / "result.json", json.dumps(result, indent=2, ensure_ascii=False) + "\n"
    )
    lines = table(bits, written)
    write_text_atomically(work.folder / "table.txt", "\n".join(lines) + "\n")
    rows = metrics.read(work.inputs["network"] / "metrics.jsonl")
    picture = work.folder / "curve.png"
    curve(rows, bits).savefig(picture, dpi=150, metadata={"Software": None})
    for line in lines:
        work.say(line)
    work.say(f"summary: {picture}")


def load_network(folder: Path, letters: list[str]) -> RecurrentLM:
    """The trained network of a finished `network` stage."""
    record = read_record(folder)
    assert record is not None, "a needed stage has a record"
    arrays, config = load_file(folder / "model.safetensors"), record.config
    model = RecurrentLM(
        len(letters) + 2,
        rng=np.random.default_rng(0),
        kind=config["kind"],
        width=config["width"],
        layers=config["layers"],
    )
    model.load_state_dict(arrays)
    return model


def ngram_bits(data: dict[str, Any], order: int) -> float:
    """Bits per character of the names held out, by an n-gram model of the others."""
    size = len(data["letters"]) + 1  # an end is the next one's start
    streams = [
        np.array([END - 1, *(i for name in encode(names, data["letters"]) for i in _ended(name))])
        for names in (data["train"], data["held_out"])
    ]
    model = NGram.fit(streams[0], vocab_size=size, order=order)
    return float(-model.log_probabilities(streams[1]).mean() / math.log(2))


def _ended(name: list[int]) -> list[int]:
    return [*(letter - 1 for letter in name), 0]


def draw_names(
    model: RecurrentLM, data: dict[str, Any], config: Any, temperature: float
) -> dict[str, Any]:
    """Names drawn at one temperature, and how many are new, or known by heart."""
    rng = np.random.default_rng(config.seed)
    rows = model.generate(
        start=START, end=END, count=config.count, longest=config.longest,
        temperature=temperature, rng=rng,
    )  # fmt: skip
    names = ["".join(data["letters"][i - 2] for i in row if i >= 2) for row in rows]
    different = list(dict.fromkeys(name for name in names if name))
    known, held = set(data["train"]), set(data["held_out"])
    return {
        "temperature": temperature,
        "different": len(different) / len(names),
        "known": sum(name in known for name in different) / max(1, len(different)),
        "held_out": sum(name in held for name in different),
        "new": [name for name in different if name not in known | held],
    }


def table(bits: dict[str, float], written: list[dict[str, Any]]) -> list[str]:
    """Bits per character, the worst first, and some new names at each temperature."""
    width = max(map(len, bits))
    lines = [f"{name:<{width}}  {value:.3f} bits per character" for name, value in bits.items()]
    for row in written:
        lines += [
            "",
            f"temperature {row['temperature']}: {100 * row['different']:.0f} % are different, "
            f"{100 * row['known']:.0f} % of these it has read; {row['held_out']} are true names "
            "that were held back. Some new ones:",
            "  " + ", ".join(row["new"][:12]),
        ]
    return lines


def curve(rows: list[dict[str, Any]], bits: dict[str, float]) -> Figure:
    """Bits per character over the steps, with the n-grams' as lines."""
    drawing = Figure(figsize=(7.5, 4.2), layout="constrained")
    axes = drawing.subplots()
    steps = [row["step"] for row in rows]
    axes.plot(steps, [row["train_bits"] for row in rows], color="#93c5fd", label="training")
    judged = [row for row in rows if "held_out_bits" in row]
    axes.plot(
        [row["step"] for row in judged],
        [row["held_out_bits"] for row in judged],
        color="#2563eb", marker="o", markersize=3.5, label="names held out",
    )  # fmt: skip
    for (name, value), colour in zip(list(bits.items())[1:-1], ("#d97706", "#059669"), strict=True):
        axes.axhline(value, color=colour, linestyle="--", linewidth=1.2, label=name)
    axes.set_xlabel("step")
    axes.set_ylabel("bits per character")
    axes.set_ylim(0, 1.05 * max(bits.values()))
    axes.legend(frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e2e8f0", linewidth=0.7)
    return drawing
