"""A learner's files: one for each exercise, made from its stub, in a folder that is theirs.

    my-llm/
      groundup.json               which exercise is in which file, and the hash of the stub it had
      p04_transformer/
        attention.py
      _backups/                   what `reset` set aside

A file is written where there is none, and replaced only while it is exactly the stub it was given
as. Everything else in the folder is the learner's: files may be moved within it, and the folder
itself, and what was deleted is given again by `start`.
"""

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from groundup.course import catalogue
from groundup.course.catalogue import Entry
from groundup.pipeline.artifact import write_text_atomically

MANIFEST = "groundup.json"
BACKUPS = "_backups"
_FORMAT = "groundup workspace"
_VERSION = 1
State = Literal["missing", "untouched", "written"]


@dataclass(frozen=True, kw_only=True)
class Given:
    """A stub that was written."""

    file: str
    """Where, below the workspace, with `/`."""
    sha256: str
    version: int
    """The exercise's version then."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What bringing a workspace up to date did, in names of exercises."""

    given: list[str] = field(default_factory=list)
    """Files that were not there."""
    renewed: list[str] = field(default_factory=list)
    """Untouched stubs that were replaced by the course's new ones."""
    outdated: list[str] = field(default_factory=list)
    """Written on, from a stub the course has changed since: left as they are."""


class Workspace:
    """One folder. Raises ValueError when it is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.expanduser().absolute()
        self._given = _read(self._folder)

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self._folder

    def path(self, entry: Entry) -> Path:
        """An exercise's file: where it was written, else where it was moved to, else its place.

        Raises ValueError when it is not in its place and two others have its name.
        """
        given = self._given.get(entry.name)
        place = self._folder / (given.file if given else _place(entry))
        if place.is_file():
            return place
        elsewhere = [
            path
            for path in sorted(self._folder.rglob(f"{entry.name}.py"))
            if not any(p.startswith((".", "_")) for p in path.relative_to(self._folder).parts)
        ]
        if len(elsewhere) > 1:
            raise ValueError(f"{elsewhere[0]} and {elsewhere[1]} have one name; keep one of them")
        return elsewhere[0] if elsewhere else place

    def state(self, entry: Entry) -> State:
        """Whether an exercise's file is there, and whether anything was written into it."""
        path = self.path(entry)
        if not path.is_file():
            return "missing"
        given = self._given.get(entry.name)
        return "untouched" if given and _hash(path.read_bytes()) == given.sha256 else "written"

    def is_outdated(self, entry: Entry) -> bool:
        """Whether the course has a newer version of what this file began as."""
        given = self._given.get(entry.name)
        return given is not None and given.version < entry.version

    def stub(self, entry: Entry) -> str:
        """What an exercise's file begins with."""
        from groundup.course import stub

        return stub.stub(_exercise(entry))

    def solution(self, entry: Entry) -> str:
        """The library's own."""
        from groundup.course import stub

        return stub.solution(_exercise(entry))

    def set_aside(self, entry: Entry) -> Path | None:
        """Move an exercise's file to the backups; where it is now. None: there was none."""
        path = self.path(entry)
        if not path.is_file():
            return None
        now = datetime.now().strftime("%Y%m%d-%H%M%S")
        number, aside = 1, self._backup(entry, now)
        while aside.exists():
            number += 1
            aside = self._backup(entry, f"{now}-{number}")
        aside.parent.mkdir(parents=True, exist_ok=True)
        return path.rename(aside)

    def _backup(self, entry: Entry, when: str) -> Path:
        return self._folder / BACKUPS / entry.phase / f"{entry.name}-{when}.py"

    def reset(self, entry: Entry) -> Path | None:
        """Begin an exercise anew; where the old file is now."""
        text, path = self.stub(entry), self.path(entry)
        aside = self.set_aside(entry)
        self._give(entry, text, path)
        self._keep()
        return aside

    def update(self, entries: Sequence[Entry] | None = None) -> Changes:
        """Give what is missing, renew stubs nobody touched, and leave all else as it is."""
        changes = Changes()
        try:
            for entry in catalogue.entries() if entries is None else entries:
                self._bring_up_to_date(entry, changes)
        finally:
            self._keep()  # also what was done before a full disk
        return changes

    def _bring_up_to_date(self, entry: Entry, changes: Changes) -> None:
        state, text = self.state(entry), self.stub(entry)
        given = self._given.get(entry.name)
        is_new = given is None or given.sha256 != _hash(text.encode())
        if state == "missing":
            self._give(entry, text, self.path(entry))
            changes.given.append(entry.name)
        elif state == "untouched" and is_new:
            path = self.path(entry)
            write_text_atomically(path, text)
            self._note(entry, text, path)
            changes.renewed.append(entry.name)
        elif state == "written" and given is None:
            # a manifest was lost: what stands there is the learner's until shown otherwise
            self._note(entry, text, self.path(entry))
        elif state == "written" and is_new:
            changes.outdated.append(entry.name)

    def _give(self, entry: Entry, text: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
            file.write(text)
        self._note(entry, text, path)

    def _note(self, entry: Entry, text: str, path: Path) -> None:
        place = path.relative_to(self._folder).as_posix()
        given = Given(file=place, sha256=_hash(text.encode()), version=entry.version)
        self._given[entry.name] = given

    def _keep(self) -> None:
        _write(self._folder, self._given)


def start(folder: Path) -> tuple[Workspace, Changes]:
    """Make a folder a workspace, or bring one up to date; no file of the learner's is changed.

    Raises ValueError for a file in its place and for a folder full of other things.
    """
    folder = folder.expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; give a folder for your workspace")
    if not (folder / MANIFEST).exists():
        foreign = _foreign(folder)
        if foreign:
            raise ValueError(
                f"{folder} is no workspace and has other things in it ({foreign} ...); give a new "
                "or an empty folder"
            )
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, {})
    workspace = Workspace(folder)
    return workspace, workspace.update()


def _foreign(folder: Path) -> str:
    """Something that no workspace has; hidden files and a lost manifest's phases are no matter."""
    if not folder.is_dir():
        return ""
    phases = {entry.phase for entry in catalogue.entries()} | {BACKUPS}
    names = sorted(path.name for path in folder.iterdir())
    return next((n for n in names if not n.startswith(".") and n not in phases), "")


def find(here: Path, last: str | None) -> Workspace:
    """The workspace that `here` lies in, or else the one last started.

    Raises ValueError, with what to do, when there is neither.
    """
    here = here.absolute()
    for folder in (here, *here.parents):
        if (folder / MANIFEST).is_file():
            return Workspace(folder)
    if last is None:
        raise ValueError("there is no workspace yet; `groundup learn start ~/my-llm` makes one")
    if not Path(last).is_dir():
        raise ValueError(
            f"your workspace {last} is gone; if you moved it, go into its folder; if you deleted "
            f"it, `groundup learn start {last}` makes it anew (your progress is kept elsewhere)"
        )
    return Workspace(Path(last))


def _exercise(entry: Entry) -> Any:
    from groundup.course import exercise

    return next(one for one in exercise.of_topic(entry.topic) if one.name == entry.name)


def _place(entry: Entry) -> str:
    return f"{entry.phase}/{entry.name}.py"


def _hash(content: bytes) -> str:
    """Of a text, however its lines end."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def _read(folder: Path) -> dict[str, Given]:
    path = folder / MANIFEST
    again = f"`groundup learn start {folder}` makes it anew and leaves your files as they are"
    try:
        table = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ValueError(f"{folder} is no workspace: it has no {MANIFEST}; {again}") from None
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"{path} is damaged ({problem}); delete it, then {again}") from problem
    if not isinstance(table, dict) or table.get("format") != _FORMAT:
        raise ValueError(f"{path} is not a workspace's; delete it, then {again}")
    if table.get("version") != _VERSION:
        raise ValueError(
            f"{path} was written by another groundup (version {table.get('version')!r}; this one "
            f"reads {_VERSION}): update groundup"
        )
    try:
        given = {str(name): Given(**one) for name, one in table["exercises"].items()}
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"{path} is damaged ({problem}); delete it, then {again}") from problem
    return {name: one for name, one in given.items() if _is_inside(folder, one.file)}


def _is_inside(folder: Path, file: Any) -> bool:
    """A hostile manifest must not lead out of the workspace."""
    return isinstance(file, str) and (folder / file).resolve().is_relative_to(folder.resolve())


def _write(folder: Path, given: dict[str, Given]) -> None:
    table = {
        "format": _FORMAT,
        "version": _VERSION,
        "course": version("groundup"),
        "exercises": {name: asdict(one) for name, one in sorted(given.items())},
    }
    write_text_atomically(folder / MANIFEST, json.dumps(table, indent=1) + "\n")
