"""What is measured or chosen once, before the first step, and then never again: `plan.json`.

A run's result is a function of its config and its plan. A time budget becomes a number of steps,
"auto" becomes a precision, and both are written down, so that a run that is resumed, on a busier
machine or a quieter one, computes the very same numbers.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from groundup import config as configs
from groundup.checkpoints.store import flush_folder, write_durably


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The answers to what a `TrainConfig` leaves open."""

    steps: int
    """Updates in all."""
    precision: str
    """`float32` or `bfloat16`."""
    compile: bool
    """Whether the loss is compiled."""
    device: str
    """`cpu` or `cuda`."""
    threads: int
    """CPU threads: sums are split by them, so that another number would round differently."""
    config_fingerprint: str
    """Of the config it belongs to."""
    seconds_per_step: float | None = None
    """As measured, when the number of steps comes from a time budget."""
    notes: tuple[str, ...] = ()
    """One sentence for each thing that is not as one might expect."""


def read_plan(path: Path, *, config_fingerprint: str) -> Plan | None:
    """The plan of a run that was begun here, or None.

    Raises ValueError when it cannot be read, or belongs to another config.
    """
    if not path.exists():
        return None
    plan = configs.read(Plan, path)
    if plan.config_fingerprint != config_fingerprint:
        raise ValueError(
            f"{path} was made for another training config; "
            "train in another folder, or delete this one to start from the beginning"
        )
    return plan


def write_plan(plan: Plan, path: Path) -> None:
    """Write it atomically and durably: a plan that could change would break resuming."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    write_durably(partial, (json.dumps(configs.to_plain(plan), indent=2) + "\n").encode())
    os.replace(partial, path)
    flush_folder(path.parent)


def steps_within(
    seconds: float, *, per_step: float, per_evaluation: float, evaluations: int
) -> int:
    """How many steps fit beside the evaluations, which get at most half the time; at least 1."""
    left = max(seconds - evaluations * per_evaluation, seconds / 2)
    return max(1, int(left / per_step))
