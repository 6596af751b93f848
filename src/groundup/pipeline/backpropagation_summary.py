"""The last stage of the backpropagation project: one picture of four, and a few lines."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from safetensors.numpy import load_file

from groundup.autograd.record import no_grad
from groundup.autograd.tensor import Tensor
from groundup.models.mlp import MLP
from groundup.pipeline.artifact import machine, write_text_atomically
from groundup.pipeline.stage import Work

_COLOURS = {
    "he": "#059669",
    "xavier": "#2563eb",
    "orthogonal": "#7c3aed",
    "large": "#db2777",
    "small": "#d97706",
}


@dataclass(frozen=True, kw_only=True)
class SummaryConfig:
    """What the picture shows."""

    grid: int = 160
    """Points on a side of the map of what the network says."""


def summary(work: Work) -> None:
    """Write `result.json`, `table.txt` and `backpropagation.png`; say the table."""
    scalar, network, signals = (
        json.loads((work.inputs[name] / "result.json").read_text(encoding="utf-8"))
        for name in ("scalar", "network", "signals")
    )
    lines = table(scalar, network, signals)
    write_text_atomically(work.folder / "table.txt", "\n".join(lines) + "\n")
    data = {"scalar": scalar, "network": network, "signals": signals, "machine": machine()}
    write_text_atomically(work.folder / "result.json", json.dumps(data, indent=2) + "\n")
    points = load_file(work.inputs["data"] / "spirals.safetensors")
    model = MLP(network["sizes"], rng=np.random.default_rng(0), activation=network["activation"])
    model.load_state_dict(load_file(work.inputs["network"] / "model.safetensors"))
    picture = work.folder / "backpropagation.png"
    drawing = figure(scalar, network, signals, points, says(model, work.config.grid))
    drawing.savefig(picture, dpi=140, metadata={"Software": None})
    for line in lines:
        work.say(line)
    work.say(f"summary: {picture}")


def says(model: MLP, grid: int) -> Any:
    """The network's share for the second arm on a grid over [-1.2, 1.2] squared."""
    ticks = np.linspace(-1.2, 1.2, grid, dtype=np.float32)
    places = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
    with no_grad():
        return model.eval()(Tensor(places)).sigmoid().data.reshape(grid, grid)


def table(scalar: Any, network: Any, signals: Any) -> list[str]:
    """What was found, in words."""
    lines = [
        f"number by number: the loss went from {scalar['losses'][0]:.3f} to "
        f"{scalar['losses'][-1]:.3f} on {scalar['points']} points",
        f"both engines' gradients agree to {scalar['apart_from_tensors']:.0e}",
        f"with tensors: {100 * network['accuracy']:.0f} % of the points held out are told right",
        "gradient at the first layer over that at the last, by how the weights began:",
    ]
    for name, rows in signals.items():
        lines.append(f"  {name:<11} {_ratio(rows)}")
    return lines


def _ratio(rows: Any) -> str:
    first, last = rows[0][1], rows[-2][1]
    if first is None or last is None:
        return "beyond what a float32 holds: it explodes"
    return "0: it has vanished" if first == 0 or last == 0 else f"{first / last:.1e}"


def figure(scalar: Any, network: Any, signals: Any, points: Any, shares: Any) -> Figure:
    """The map, the two curves, and gradients through depth."""
    drawing = Figure(figsize=(10, 8), layout="constrained")
    ((plane, numbers), (curve, depth)) = drawing.subplots(2, 2)
    plane.imshow(shares, extent=(-1.2, 1.2, -1.2, 1.2), origin="lower", cmap="RdBu", alpha=0.6)
    sides = points["labels"][:, 0] > 0.5
    for side, colour in ((False, "#b91c1c"), (True, "#1d4ed8")):
        plane.scatter(*points["points"][sides == side].T, s=7, color=colour)
    plane.set_title("what the network says, and the points")
    numbers.plot(scalar["losses"], color="#2563eb")
    numbers.set_title("number by number")
    steps, train, held = zip(*network["curve"], strict=True)
    curve.plot(steps, train, color="#93c5fd", label="training")
    curve.plot(steps, held, color="#2563eb", label="held out")
    curve.set_title("with tensors")
    curve.legend(frameon=False)
    for axes in (numbers, curve):
        axes.set_xlabel("step")
        axes.set_ylabel("loss")
        axes.set_ylim(bottom=0)
    for name, rows in signals.items():
        gradients = np.array([row[1] for row in rows[:-1]], float)
        gradients[gradients == 0] = np.nan  # a logarithm has no place for it
        dashes = "--" if name == "orthogonal" else "-"  # it lies on xavier's line
        depth.plot(gradients, dashes, color=_COLOURS.get(name), label=name)
    depth.set_yscale("log")
    depth.set_xlabel("from the first step of a deep network to the last")
    depth.set_ylabel("root mean square of the gradient")
    depth.set_title("gradients, by how the weights began")
    depth.legend(frameon=False, fontsize=8)
    for axes in (numbers, curve, depth):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#e2e8f0", linewidth=0.7)
    return drawing
