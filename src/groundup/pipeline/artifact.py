"""What a stage leaves behind: a folder of files and the record that says how they came to be.

`stage.json` holds the stage's resolved config, the digests of its inputs and outputs, whose code
ran, when and on what. Two runs whose fingerprints are equal would do the same work, so the second
is not needed.
"""

import hashlib
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from groundup import config

RECORD = "stage.json"


@dataclass(frozen=True, kw_only=True)
class Record:
    """The content of `stage.json`."""

    stage: str
    """The stage's name."""
    status: str
    """`running`, then `complete`."""
    fingerprint: str
    """Hash of all that decides the result: config, inputs, code version, replaced parts."""
    base_fingerprint: str
    """The same without the replaced parts: what a run with the library's own code would have."""
    config: dict[str, Any]
    """The resolved config."""
    inputs: dict[str, str]
    """Digest of each input, by name."""
    product: str = ""
    """What later stages depend on: file names that start so (all files, if empty)."""
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Bytes and SHA-256 of each file, by path inside the folder."""
    uses: tuple[dict[str, str], ...] = ()
    """The replaced parts that ran: part, file, name, sha256."""
    started: str = ""
    """When it first started (UTC)."""
    finished: str = ""
    """When it was complete (UTC)."""
    seconds: float = 0.0
    """Time spent, summed over all sessions that were interrupted."""
    versions: dict[str, str] = field(default_factory=dict)
    """Of groundup, Python and torch."""
    machine: dict[str, Any] = field(default_factory=dict)
    """System, processor and number of cores."""

    def digest(self) -> str:
        """One hash of the product: what a later stage sees of this one."""
        listing = sorted(
            (name, item["sha256"])
            for name, item in self.outputs.items()
            if name.startswith(self.product)
        )
        return hashlib.sha256(json.dumps(listing).encode()).hexdigest()


def fingerprint(
    stage: str,
    *,
    code_version: int,
    settings: Any,
    inputs: Mapping[str, str],
    uses: Sequence[Mapping[str, str]] = (),
) -> str:
    """SHA-256 over what decides a stage's result; the file a part came from counts by content."""
    parts = sorted((use["part"], use["name"], use["sha256"]) for use in uses)
    return config.fingerprint(
        {
            "stage": stage,
            "code_version": code_version,
            "config": config.to_plain(settings),
            "inputs": dict(inputs),
            "uses": [list(part) for part in parts],
        }
    )


def read_record(folder: Path) -> Record | None:
    """The record of a stage's folder, or None when there is none.

    Raises ValueError when `stage.json` is there but cannot be read.
    """
    path = folder / RECORD
    if not path.exists():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Record(**{**data, "uses": tuple(data.get("uses", ()))})
    except (ValueError, TypeError) as problem:
        raise ValueError(
            f"{path} cannot be read ({problem}); delete its folder to run that stage again"
        ) from problem


def write_record(record: Record, folder: Path) -> None:
    """Write `stage.json` atomically: after a crash there is the old one or the new one."""
    write_text_atomically(
        folder / RECORD, json.dumps(config.to_plain(record), indent=2, sort_keys=True) + "\n"
    )


def write_text_atomically(path: Path, text: str) -> None:
    """Write beside, flush to disk, then rename over."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def complete(record: Record, folder: Path, *, seconds: float) -> Record:
    """The record of a stage that has just ended, with the hash of every file it left."""
    done = replace(
        record,
        status="complete",
        outputs=hash_files(folder),
        finished=now(),
        seconds=round(record.seconds + seconds, 3),
    )
    write_record(done, folder)
    return done


def hash_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Bytes and SHA-256 of every file below `folder`, the record itself left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / RECORD:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            name = path.relative_to(folder).as_posix()
            found[name] = {"bytes": path.stat().st_size, "sha256": digest}
    return found


def damage(record: Record, folder: Path) -> str | None:
    """What is wrong with a complete stage's files (one missing, one changed), or None."""
    for name, item in record.outputs.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != item["sha256"]:
                return f"{name} has changed since it was written"
    return None


def now() -> str:
    """The time as text, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Of what decides results: groundup, Python, torch, NumPy."""
    names = ("groundup", "torch", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def machine() -> dict[str, Any]:
    """Enough to know what kind of machine a number was measured on, and nothing that names it."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count() or 1,
        "byte_order": sys.byteorder,
    }
