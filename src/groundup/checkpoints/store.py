"""Checkpoints of a run in progress: written atomically, checked when read, survivors of kill -9.

    checkpoints/step_000120/model.safetensors      the tensors under state["model"]
                            optimizer.safetensors  the tensors under state["optimizer"]
                            state.json             everything else, and where each tensor belongs
                            manifest.json          bytes and SHA-256 of the other files
    checkpoints/best.json                          the step that was best so far

A checkpoint is written to a `.partial` folder, flushed to disk, and renamed: after a crash at any
moment a folder named `step_...` is complete. Bytes that changed later are found by their hash, and
the checkpoint before is taken. Nothing that is loaded is executed: safetensors and JSON only.

Left out: sharding over processes, writing in the background, remote storage.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

FORMAT = "groundup-checkpoint-1"
State = dict[str, Any]
"""Nested dicts, lists and tuples of tensors and of what JSON holds."""


class Store:
    """The checkpoints in one folder.

    `keep_last`: how many of the newest stay (at least 1); the best one stays besides. After `load`,
    `warnings` holds one sentence for each checkpoint that was passed over because it is damaged.
    """

    def __init__(self, folder: Path, keep_last: int = 2) -> None:
        if keep_last < 1:
            raise ValueError(f"keep_last is {keep_last}; a run that can resume keeps at least 1")
        self.folder = Path(folder)
        self.keep_last = keep_last
        self.warnings: list[str] = []

    def steps(self) -> list[int]:
        """The steps there is a checkpoint of, oldest first."""
        matches = [re.fullmatch(r"step_(\d+)", p.name) for p in self.folder.glob("step_*")]
        return sorted(int(match[1]) for match in matches if match)

    def best(self) -> int | None:
        """The step that was saved as the best last, or None."""
        path = self.folder / "best.json"
        if not path.exists():
            return None
        try:
            return int(json.loads(path.read_text(encoding="utf-8"))["step"])
        except (ValueError, TypeError, KeyError) as problem:
            raise ValueError(
                f"{path} does not name a step ({problem}); delete it to go on without a best one"
            ) from problem

    def path(self, step: int) -> Path:
        """The folder of a step's checkpoint."""
        return self.folder / f"step_{step:06}"

    def save(self, step: int, state: State, *, best: bool = False) -> Path:
        """Write a checkpoint, then delete those no longer kept.

        Raises OSError, in one sentence, when the disk refuses (full, read-only): what was there
        before is untouched. Raises ValueError for a value that is neither tensor nor JSON.
        """
        files = pack(step, state)
        self._recover()
        partial = self.folder / f".partial-{self.path(step).name}"
        beside = self.folder / ".partial-best.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            for name, content in files.items():
                write_durably(partial / name, content)
            if best:
                write_durably(beside, json.dumps({"step": step}).encode())
            flush_folder(partial)
            self._put_in_place(partial, self.path(step))
            if best:
                os.replace(beside, self.folder / "best.json")
        except OSError as problem:
            shutil.rmtree(partial, ignore_errors=True)
            kept = (
                f"the one of step {self.steps()[-1]} is intact" if self.steps() else "none exists"
            )
            raise OSError(
                problem.errno,
                f"the checkpoint of step {step} could not be written to {self.folder} "
                f"({problem.strerror or problem}); {kept}; make room there and run again to resume",
            ) from problem
        self._forget()
        return self.path(step)

    def load(self, step: int | None = None) -> tuple[int, State] | None:
        """The newest checkpoint that is whole, or that of `step`; None when there is none at all.

        Raises ValueError when `step` is damaged or missing, and when there are checkpoints but
        none is whole.
        """
        self.warnings = []
        self._recover()
        if step is not None:
            return step, unpack(self.path(step), step)
        for candidate in reversed(self.steps()):
            try:
                return candidate, unpack(self.path(candidate), candidate)
            except ValueError as problem:
                self.warnings.append(f"{problem}; taking the one before")
        if self.warnings:
            raise ValueError(
                f"none of the {len(self.warnings)} checkpoints in {self.folder} can be used; "
                f"the newest: {self.warnings[0].rpartition(';')[0]}; "
                "delete the folder to start from the beginning"
            )
        return None

    def load_best(self) -> tuple[int, State] | None:
        """The checkpoint last saved as best, or None."""
        best = self.best()
        return None if best is None else self.load(best)

    def _put_in_place(self, partial: Path, target: Path) -> None:
        stale = target.with_name(f".stale-{target.name}")
        if target.exists():
            os.rename(target, stale)
        os.rename(partial, target)
        flush_folder(self.folder)
        shutil.rmtree(stale, ignore_errors=True)

    def _recover(self) -> None:
        """Undo what a kill left: a checkpoint that had just been moved out of its own way."""
        for stale in self.folder.glob(".stale-step_*"):
            target = stale.with_name(stale.name.removeprefix(".stale-"))
            if target.exists():
                shutil.rmtree(stale)
            else:
                os.rename(stale, target)

    def _forget(self) -> None:
        for partial in self.folder.glob(".partial-step_*"):
            shutil.rmtree(partial)
        for old in self.steps()[: -self.keep_last]:
            if old != self.best():
                shutil.rmtree(self.path(old))


def write_durably(path: Path, content: bytes) -> None:
    """Write a file and wait until the disk has it."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable, not only the contents of its files."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def pack(step: int, state: State) -> dict[str, bytes]:
    """A state as the contents of a checkpoint's files, by name.

    A tensor that occurs twice (tied weights) is written once and is one tensor again when loaded.
    """
    files: dict[str, bytes] = {}
    tree: dict[str, Any] = {}
    places: dict[tuple[Any, ...], str] = {}
    for name, value in state.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in ("state", "manifest"):
            raise ValueError(f"the part {name!r} of a state cannot name a file; use a-z, 0-9 and _")
        tensors: dict[str, torch.Tensor] = {}

        def place(
            tensor: torch.Tensor,
            path: str,
            name: str = name,
            tensors: dict[str, torch.Tensor] = tensors,
        ) -> str:
            key = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, tensor.device)
            if tensor.numel() and key in places:
                return places[key]
            tensors[path] = tensor.detach().cpu().contiguous().clone()
            places[key] = f"{name}:{path}"
            return places[key]

        tree[name] = _take_tensors(value, "", place)
        if tensors:
            files[f"{name}.safetensors"] = safetensors.torch.save(tensors)
    files["state.json"] = json.dumps({"step": step, "state": tree}).encode()
    manifest = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    files["manifest.json"] = json.dumps({"format": FORMAT, "files": manifest}).encode()
    return files


def unpack(folder: Path, step: int) -> State:
    """The state in a checkpoint's folder, every byte checked. Raises ValueError when it is not."""
    contents = _read_checked(folder)
    parts = {
        name.removesuffix(".safetensors"): safetensors.torch.load(content)
        for name, content in contents.items()
        if name.endswith(".safetensors")
    }
    data = json.loads(contents["state.json"])
    if data["step"] != step:
        raise ValueError(f"{folder} holds step {data['step']}, which its name does not say")

    def fetch(reference: str) -> torch.Tensor:
        name, _, path = reference.partition(":")
        return parts[name][path]

    return {name: _give_tensors(value, fetch) for name, value in data["state"].items()}


def _read_checked(folder: Path) -> dict[str, bytes]:
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        if manifest["format"] != FORMAT:
            raise ValueError(f"the format is {manifest['format']!r}, not {FORMAT!r}")
        contents = {}
        for name, expected in manifest["files"].items():
            if Path(name).name != name:
                raise ValueError(f"the manifest names {name!r}, which is outside the folder")
            contents[name] = content = (folder / name).read_bytes()
            if hashlib.sha256(content).hexdigest() != expected["sha256"]:
                raise ValueError(f"{name} is not what was written")
        if "state.json" not in contents:
            raise ValueError("the manifest lists no state.json")
    except (OSError, ValueError, KeyError, TypeError) as problem:
        reason = f"no {problem}" if isinstance(problem, KeyError) else str(problem)
        raise ValueError(f"{folder} is not a whole checkpoint: {reason}") from problem
    return contents


def _take_tensors(value: Any, path: str, place: Callable[[torch.Tensor, str], str]) -> Any:
    """The same tree for JSON: tensors, tuples and dicts are written as one-key tables."""
    if isinstance(value, torch.Tensor):
        return {"tensor": place(value, path)}
    if isinstance(value, dict):
        # As pairs, because JSON would make text of an optimizer's integer keys.
        pairs = [[key, _take_tensors(v, f"{path}/{key}", place)] for key, v in value.items()]
        return {"dict": pairs}
    if isinstance(value, list | tuple):
        items = [_take_tensors(item, f"{path}/{i}", place) for i, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(
        f"a checkpoint holds tensors, numbers and text; at {path} there is a {type(value).__name__}"
    )


def _give_tensors(value: Any, fetch: Callable[[str], torch.Tensor]) -> Any:
    if isinstance(value, list):
        return [_give_tensors(item, fetch) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return fetch(content)
    if kind == "tuple":
        return tuple(_give_tensors(item, fetch) for item in content)
    return {key: _give_tensors(item, fetch) for key, item in content}
