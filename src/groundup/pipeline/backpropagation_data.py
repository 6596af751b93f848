"""The data of the backpropagation project: points on two spirals."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from groundup.pipeline.stage import Work


@dataclass(frozen=True, kw_only=True)
class SpiralsConfig:
    """Two arms that wind around each other: no line parts them."""

    points: int = 600
    """In both arms together; a fifth is held out."""
    turns: float = 1.5
    """How often each arm goes round."""
    noise: float = 0.03
    """Standard deviation of a point around its arm."""
    seed: int = 0
    """Of the noise and of what is held out."""

    def __post_init__(self) -> None:
        if self.points < 20 or not 0 <= self.noise < math.inf or not math.isfinite(self.turns):
            raise ValueError(
                f"points is {self.points}, noise {self.noise}, turns {self.turns}; wanted 20 or "
                "more, 0 or more, and a number"
            )


def spirals(config: SpiralsConfig) -> tuple[Any, Any]:
    """Points N x 2 in about [-1, 1], and which arm each is on, N x 1 of 0 and 1; shuffled."""
    rng = np.random.default_rng(config.seed)
    half = config.points // 2
    share = np.sqrt(rng.random((2, half)))  # as dense outside as inside
    angle = 2 * np.pi * config.turns * share + np.array([[0.0], [np.pi]])
    arms = share[..., None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    points = (arms + config.noise * rng.standard_normal(arms.shape)).reshape(-1, 2)
    labels = np.repeat([0.0, 1.0], half)[:, None]
    order = rng.permutation(2 * half)
    return points[order].astype(np.float32), labels[order].astype(np.float32)


def data(work: Work) -> None:
    """Write the points, the last fifth of them to be held out."""
    points, labels = spirals(work.config)
    save_file({"points": points, "labels": labels}, work.folder / "spirals.safetensors")
    work.say(f"data: {len(points)} points on two spirals, {len(points) // 5} held out")


def read_data(work: Work) -> tuple[Any, Any, int]:
    """Points, labels, and how many come before those held out."""
    arrays = load_file(work.inputs["data"] / "spirals.safetensors")
    return arrays["points"], arrays["labels"], len(arrays["points"]) - len(arrays["points"]) // 5
