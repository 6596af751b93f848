"""One step of a build: what it is given, what decides its result, and whether it must run.

The deciding is plain Python on records (`decide`); `run_stage` does what was decided.
"""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from groundup import config as configs
from groundup.observe.progress import Progress
from groundup.pipeline import artifact
from groundup.pipeline.artifact import Record
from groundup.swap import Replacement

KEPT = 3
"""How many earlier results of a stage stay in `previous/`."""


def refuse_bad_name(name: str) -> None:
    """Raise ValueError when a run's name cannot be a folder's."""
    if not name or set(name) & set("/\\\0") or name in (".", ".."):
        raise ValueError(f"the name {name!r} cannot be a folder's name; give another")


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a stage's function is handed."""

    folder: Path
    """Where it writes; holds what an interrupted session left."""
    inputs: Mapping[str, Path]
    """The folders of the stages it needs."""
    config: Any
    """Its own config."""
    reference: Path | None
    """A complete folder of the same stage, run with the library's own code, if there is one."""
    progress: Progress
    """Opens progress bars."""
    say: Callable[[str], None]
    """Tells the person one line."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A named function from folders to a folder."""

    name: str
    config: Any
    run: Callable[[Work], None]
    needs: tuple[str, ...] = ()
    """Stages whose folders it reads, in order."""
    rooms: tuple[str, ...] = ()
    """Rooms whose replaceable parts change its result."""
    product: str = ""
    """What later stages depend on: file names that start so (all files, if empty)."""
    sources: Mapping[str, str] | None = None
    """Digests of inputs from outside the run, by name."""
    code_version: int = 1
    """Raised when the stage's code changes what it writes."""


Decision = Literal["skip", "resume", "restore", "run"]


def decide(
    wanted: str, current: Record | None, *, damaged: bool, kept: Sequence[str] = ()
) -> Decision:
    """What to do for a stage with fingerprint `wanted`.

    `current`: the record in its folder, if any; `damaged`: whether its files are not what the
    record says; `kept`: fingerprints of complete earlier results.

    - skip: the folder holds that very result;
    - resume: it holds an unfinished session of that very work;
    - restore: an earlier result with that fingerprint was kept;
    - run: start afresh.
    """
    if current is not None and current.fingerprint == wanted:
        if current.status == "complete":
            return "run" if damaged else "skip"
        return "resume"
    return "restore" if wanted in kept else "run"


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a run's stages live, and how to talk to the person."""

    run_folder: Path
    progress: Progress
    say: Callable[[str], None]

    def folder(self, stage: str) -> Path:
        """The stage's folder."""
        return self.run_folder / stage

    def previous(self, stage: str) -> list[tuple[Path, Record]]:
        """Earlier results of a stage that were kept, newest last."""
        folders = sorted((self.run_folder / "previous").glob(f"{stage}-*"))
        found = [(folder, artifact.read_record(folder)) for folder in folders]
        pairs = [(folder, record) for folder, record in found if record is not None]
        return sorted(pairs, key=lambda pair: pair[1].finished or pair[1].started)


def run_stage(
    stage: Stage, site: Site, *, inputs: Mapping[str, Record], uses: Sequence[Replacement] = ()
) -> Record:
    """Bring a stage's folder to the state its config asks for, with as little work as possible."""
    fresh = _new_record(stage, inputs, uses)
    folder = site.folder(stage.name)
    current = artifact.read_record(folder)
    problem = None
    if current is not None and current.status == "complete":
        problem = artifact.damage(current, folder)
    kept = site.previous(stage.name)
    complete_ones = [record.fingerprint for _, record in kept if record.status == "complete"]
    decision = decide(fresh.fingerprint, current, damaged=bool(problem), kept=complete_ones)
    if decision == "skip":
        assert current is not None, "only a folder with a record can be skipped"
        site.say(f"{stage.name}: up to date")
        return current
    if problem:
        site.say(f"{stage.name}: {problem}; running it again")
        shutil.rmtree(folder)
    elif decision != "resume" and folder.exists():
        _set_aside(stage.name, site, current)
    if decision == "restore":
        return _restore(stage.name, site, fresh.fingerprint)
    record = fresh
    if decision == "resume":
        assert current is not None, "only a folder with a record can be resumed"
        record = replace(fresh, started=current.started, seconds=current.seconds)
        site.say(f"{stage.name}: going on where it was")
    return _run(stage, site, record)


def _new_record(stage: Stage, inputs: Mapping[str, Record], uses: Sequence[Replacement]) -> Record:
    mine = [use.record() for use in uses if use.part.split(".")[0] in stage.rooms]
    digests = {name: inputs[name].digest() for name in stage.needs} | dict(stage.sources or {})

    def fingerprint(parts: Sequence[Mapping[str, str]]) -> str:
        return artifact.fingerprint(
            stage.name,
            code_version=stage.code_version,
            settings=stage.config,
            inputs=digests,
            uses=parts,
        )

    plain = configs.to_plain(stage.config)
    assert isinstance(plain, dict), "a stage's config is a dataclass"
    return Record(
        stage=stage.name,
        status="running",
        fingerprint=fingerprint(mine),
        base_fingerprint=fingerprint(()),
        config=plain,
        inputs=digests,
        product=stage.product,
        uses=tuple(mine),
        started=artifact.now(),
        versions=artifact.versions(),
        machine=artifact.machine(),
    )


def _run(stage: Stage, site: Site, record: Record) -> Record:
    folder = site.folder(stage.name)
    folder.mkdir(parents=True, exist_ok=True)
    artifact.write_record(record, folder)
    work = Work(
        folder=folder,
        inputs={name: site.folder(name) for name in stage.needs},
        config=stage.config,
        reference=_reference(record, site),
        progress=site.progress,
        say=site.say,
    )
    began = time.monotonic()
    try:
        stage.run(work)
    except BaseException:
        spent = round(record.seconds + time.monotonic() - began, 3)
        artifact.write_record(replace(record, seconds=spent), folder)
        raise
    return artifact.complete(record, folder, seconds=time.monotonic() - began)


def _reference(record: Record, site: Site) -> Path | None:
    """A kept result of the same work by the library's own code, to hold a learner's beside."""
    if not record.uses:
        return None
    for folder, earlier in reversed(site.previous(record.stage)):
        if earlier.status == "complete" and earlier.fingerprint == record.base_fingerprint:
            return folder
    return None


def _set_aside(name: str, site: Site, current: Record | None) -> None:
    """Keep a result that is about to be replaced, and forget the oldest beyond `KEPT`."""
    folder = site.folder(name)
    if current is None:
        raise ValueError(
            f"{folder} exists but has no {artifact.RECORD}, so it was not made by a build; "
            "move it away or choose another --name"
        )
    target = site.run_folder / "previous" / f"{name}-{current.fingerprint[:12]}"
    target.parent.mkdir(exist_ok=True)
    if target.exists():
        shutil.rmtree(target)
    folder.rename(target)
    for old, _ in site.previous(name)[:-KEPT]:
        shutil.rmtree(old)


def _restore(name: str, site: Site, fingerprint: str) -> Record:
    for folder, record in site.previous(name):
        if record.fingerprint == fingerprint and record.status == "complete":
            folder.rename(site.folder(name))
            site.say(f"{name}: taken from an earlier run with the same settings")
            return record
    raise AssertionError("a result is restored only after it was found")
