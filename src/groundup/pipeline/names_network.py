"""The stage of the names project that trains the network, and the ids of names.

Legend: B name, T position.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from groundup.models.array_training import batch_of, beginning, fit, restored, state_arrays
from groundup.models.rnn import RecurrentLM, padded
from groundup.observe.metrics import Metrics
from groundup.pipeline.stage import Work
from groundup.train.allocator import keep_freed_memory

START, END = 0, 1
"""The ids of a name's beginning and end; letters follow."""


def read_data(folder: Path) -> dict[str, Any]:
    """What the stage `names` wrote."""
    data: dict[str, Any] = json.loads((folder / "names.json").read_text(encoding="utf-8"))
    return data


def encode(names: list[str], letters: list[str]) -> list[list[int]]:
    """Ids of letters; 0 and 1 are a name's start and end."""
    ids = {letter: place + 2 for place, letter in enumerate(letters)}
    return [[ids[letter] for letter in name] for name in names]


def build(config: Any, letters: list[str]) -> RecurrentLM:
    """The untrained network of a `NetworkConfig`."""
    return RecurrentLM(
        len(letters) + 2,
        rng=np.random.default_rng(config.train.seed),
        kind=config.kind,
        width=config.width,
        layers=config.layers,
        dropout=config.dropout,
    )


def bits_per_character(model: RecurrentLM, names: list[list[int]]) -> float:
    """Bits over characters, where a name's end counts as one."""
    bits, characters = model.bits(*padded(names, START, END))
    return bits / characters


def network(work: Work) -> None:
    """Train, or go on; write `model.safetensors` and `metrics.jsonl`."""
    keep_freed_memory()
    config, data = work.config, read_data(work.inputs["names"])
    train = encode(data["train"], data["letters"])
    held_out = encode(data["held_out"], data["letters"])
    model = build(config, data["letters"])
    checkpoint = work.folder / "checkpoint.safetensors"
    state = beginning(model, config.train)
    if checkpoint.exists():
        state = restored(model, config.train, load_file(checkpoint))
    metrics = Metrics(work.folder / "metrics.jsonl", resume_at=state.done + 1)

    def loss(step: int) -> Any:
        rows = batch_of(len(train), config.train.batch_size, step, config.train.seed)
        return model.loss(*padded([train[i] for i in rows], START, END))

    def watch(step: int, row: dict[str, float]) -> None:
        row["train_bits"] = row.pop("loss") / math.log(2)
        is_last = step == config.train.steps
        if is_last or step % config.checkpoint_every == 0:
            row["held_out_bits"] = bits_per_character(model, held_out)
        metrics.write(step, **row)
        if step % config.checkpoint_every == 0 and not is_last:
            save(state_arrays(model, state), checkpoint)

    try:
        with np.errstate(over="ignore", invalid="ignore"):  # fit refuses a loss that is not finite
            fit(model, loss, config.train, state=state, watch=watch, progress=work.progress)
    finally:
        metrics.close()
    save(model.state_dict(), work.folder / "model.safetensors")
    checkpoint.unlink(missing_ok=True)
    found = bits_per_character(model, held_out)
    work.say(f"network: {found:.3f} bits per character on names it never saw")


def save(arrays: dict[str, Any], path: Path) -> None:
    """Write beside, then rename: after a crash there is the old file or the new one."""
    partial = path.with_name(path.name + ".partial")
    save_file({name: np.array(array, order="C") for name, array in arrays.items()}, partial)
    partial.replace(path)
