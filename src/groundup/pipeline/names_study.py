"""The project "a simple RNN for text generation": learn names letter by letter, and invent some.

    names -> network -> summary

The network runs on the NumPy engine. It is judged by bits per character on names it never saw,
beside an n-gram model and a fair choice of letters, and by what it writes: how many of its names
are new.
"""

import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from groundup.data.names import LEAST_NAMES, built_in, read_names
from groundup.models.array_training import ArrayTraining
from groundup.models.rnn import KINDS, Kind
from groundup.pipeline.artifact import write_text_atomically
from groundup.pipeline.names_network import network
from groundup.pipeline.names_summary import summary
from groundup.pipeline.stage import Stage, Work, refuse_bad_name


@dataclass(frozen=True, kw_only=True)
class NamesConfig:
    """Where the names come from."""

    file: Path | None = None
    """A list of your own, one name a line (none: first names of many peoples)."""
    held_out: float = 0.1
    """The share of names that is kept for judging."""
    seed: int = 0
    """Which ones these are."""

    def __post_init__(self) -> None:
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out is {self.held_out}; it is a share, between 0 and 1")


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """The network and its training."""

    kind: Kind = "gru"
    """rnn, lstm or gru."""
    width: int = 64
    """Numbers in the state."""
    layers: int = 1
    """Recurrent layers on top of each other."""
    dropout: float = 0.2
    """The share of numbers that is dropped while training."""
    train: ArrayTraining = field(default_factory=ArrayTraining)
    """How it is trained."""
    checkpoint_every: int = 100
    """Steps between two places that a stopped run goes on from, and between two validations."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}; it is one of {', '.join(KINDS)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; it is a share, from 0 to below 1")
        if min(self.width, self.layers, self.checkpoint_every) < 1:
            raise ValueError(
                f"width is {self.width}, layers {self.layers}, checkpoint_every "
                f"{self.checkpoint_every}; all must be 1 or more"
            )


@dataclass(frozen=True, kw_only=True)
class SamplesConfig:
    """What the network writes in the end."""

    count: int = 200
    """How many names are drawn at each temperature."""
    temperatures: tuple[float, ...] = (0.5, 0.8, 1.0)
    """Below 1 the likely is made likelier."""
    longest: int = 20
    """Letters after which a name is cut."""
    seed: int = 0
    """Of the draws."""

    def __post_init__(self) -> None:
        if self.count < 1 or self.longest < 1 or not self.temperatures:
            raise ValueError(
                f"count is {self.count}, longest {self.longest}, temperatures "
                f"{self.temperatures}; wanted 1 or more, and at least one temperature"
            )
        if not all(0 <= temperature < math.inf for temperature in self.temperatures):
            raise ValueError(f"temperatures are {self.temperatures}; each is a number from 0 on")


@dataclass(frozen=True, kw_only=True)
class NamesStudyConfig:
    """The whole project."""

    name: str
    """The run's folder below `runs/`."""
    names: NamesConfig = field(default_factory=NamesConfig)
    """The text."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """What learns it."""
    samples: SamplesConfig = field(default_factory=SamplesConfig)
    """What it writes."""

    def __post_init__(self) -> None:
        refuse_bad_name(self.name)


def stages(config: NamesStudyConfig) -> list[Stage]:
    """The stages in order, each with what decides its result."""
    return [
        Stage(
            name="names",
            config=config.names,
            run=names,
            sources={"file": _digest(config.names)},
        ),
        Stage(
            name="network",
            config=config.network,
            run=network,
            needs=("names",),
            rooms=("autograd", "models", "optimizers"),
        ),
        Stage(
            name="summary",
            config=config.samples,
            run=summary,
            needs=("names", "network"),
            rooms=("autograd", "models"),
        ),
    ]


def _digest(config: NamesConfig) -> str:
    listed = built_in() if config.file is None else read_names(config.file)
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()


def names(work: Work) -> None:
    """Write `names.json`: the alphabet, and the names to learn from and to judge by."""
    config: NamesConfig = work.config
    listed = built_in() if config.file is None else read_names(config.file)
    order = np.random.default_rng(config.seed).permutation(len(listed))
    count = max(1, min(round(config.held_out * len(listed)), len(listed) - LEAST_NAMES // 2))
    held_out = [listed[i] for i in order[:count]]
    train = [listed[i] for i in order[count:]]
    letters = sorted(set("".join(train)))
    unknown = set("".join(held_out)) - set(letters)
    data: dict[str, Any] = {
        "letters": letters,
        "train": train,
        "held_out": [name for name in held_out if not set(name) & unknown],
    }
    left_out = len(held_out) - len(data["held_out"])
    if not data["held_out"]:
        raise ValueError("every name kept for judging has a letter of its own; give more names")
    write_text_atomically(work.folder / "names.json", json.dumps(data, ensure_ascii=False) + "\n")
    work.say(
        f"names: {len(train):,} to learn from, {len(data['held_out']):,} to judge by, "
        f"{len(letters)} letters"
        + f"; {left_out} left out for a letter that only they have"
        * bool(left_out)
    )
