"""Run a project: its steps on the learner's own parts, its gates on what they found.

In the run's folder stand the steps' files, `<step>.json` with what each found, and `gates.json`
with every number, bound and verdict, and whose code ran: file, hash, number of calls. A step that
fails, in whatever way, fails the gates that ask for its numbers; the others are measured.
"""

import hashlib
import json
import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from groundup import config as configs
from groundup.course import project_parts
from groundup.course.project import OWN, Found, Gate, Project, Step, Verdict, Work, judge
from groundup.course.project_parts import Parts
from groundup.observe.progress import Progress, silent
from groundup.pipeline import artifact

GATES = "gates.json"
_OWN_GATE = Gate(
    name=OWN,
    number="parts.missing",
    at_most=0,
    look="The table of parts says which are the library's, and why; pass their exercises first.",
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run came to."""

    project: Project
    folder: Path
    verdicts: tuple[Verdict, ...]
    parts: Parts

    @property
    def passed(self) -> bool:
        """Whether every gate did."""
        return all(verdict.passed for verdict in self.verdicts)

    def as_json(self) -> list[dict[str, Any]]:
        """The gates as facts keep them."""
        return [_plain(verdict) for verdict in self.verdicts]


def run(
    project: Project,
    runs: Path,
    *,
    workspace: Path | None = None,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Run the project into `runs/<name>`; what an earlier run left there is replaced.

    Raises ValueError when the workspace or a file in it cannot be used; what goes wrong while the
    learner's code runs is in the verdicts.
    """
    parts = project_parts.find(project.parts, workspace)
    folder = runs.expanduser() / project.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GATES).unlink(missing_ok=True)
    work = Work(
        folder=folder,
        own=parts.standing_in,
        uses=parts.uses,
        digest=parts.digest,
        progress=progress,
        say=say,
    )
    numbers: dict[str, float] = {}
    problems: dict[str, str] = {}
    steps = []
    for step in project.steps:
        found, problem, seconds = _step(step, work, _files(parts))
        numbers |= {f"{step.name}.{name}": value for name, value in found.items()}
        problems |= {step.name: problem} if problem else {}
        steps.append({"step": step.name, "says": step.says, "seconds": seconds, "problem": problem})
        if problem:
            say(f"{step.name}: {problem}")
    numbers["parts.missing"] = sum(one.is_owed for one in parts.standings)
    verdicts = tuple(judge((*project.gates, _OWN_GATE), numbers, problems))
    outcome = Outcome(project=project, folder=folder, verdicts=verdicts, parts=parts)
    _write(outcome, steps)
    return outcome


def _step(step: Step, work: Work, files: Sequence[str]) -> tuple[Mapping[str, float], str, float]:
    """What a step found, what it ended in, and how long it took."""
    path = work.folder / f"{step.name}.json"
    path.unlink(missing_ok=True)
    work.say(f"{step.name}: {step.says}")
    began, problem = time.monotonic(), ""
    numbers: Mapping[str, float] = {}
    try:
        found = step.body(work)
        _write_found(found, path)
        numbers = found.numbers
    except (Exception, SystemExit) as error:
        problem = _said(error, files)
    return numbers, problem, round(time.monotonic() - began, 3)


def _files(parts: Parts) -> list[str]:
    return [str(one.file) for one in parts.standings if one.file]


def _said(error: BaseException, files: Sequence[str]) -> str:
    """An error in a line, with the learner's own line that it came from."""
    words = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename in files]
    if not frames:
        return words
    last = frames[-1]
    return f"{words} ({Path(last.filename).name}, line {last.lineno}: {last.line})"


def _write_found(found: Found, path: Path) -> None:
    table = {
        **asdict(found),
        "numbers": {name: _number(value) for name, value in found.numbers.items()},
        "curves": {
            name: [point for point in map(list, points) if all(map(math.isfinite, point))]
            for name, points in found.curves.items()
        },
    }
    artifact.write_text_atomically(path, json.dumps(table, indent=1, allow_nan=False) + "\n")


def _number(value: float) -> float | str:
    """As JSON holds it, which knows no NaN."""
    return float(value) if math.isfinite(value) else repr(float(value))


def _plain(verdict: Verdict) -> dict[str, Any]:
    gate = verdict.gate
    return {
        "gate": gate.name,
        "number": gate.number,
        "value": None if verdict.value is None else _number(verdict.value),
        "at_most": gate.at_most,
        "at_least": gate.at_least,
        "passed": verdict.passed,
        "problem": verdict.problem,
        "look": gate.look,
    }


def _write(outcome: Outcome, steps: Sequence[Mapping[str, Any]]) -> None:
    project, folder = outcome.project, outcome.folder
    table = {
        "project": project.number,
        "name": project.name,
        "title": project.title,
        "passed": outcome.passed,
        "finished": artifact.now(),
        "gates": outcome.as_json(),
        "parts": [one.record() for one in outcome.parts.standings],
        "steps": list(steps),
        "brief_sha256": hashlib.sha256(project.brief.read_bytes()).hexdigest(),
        "versions": artifact.versions(),
        "machine": artifact.machine(),
    }
    text = json.dumps(configs.to_plain(table), indent=2, allow_nan=False)
    artifact.write_text_atomically(folder / GATES, text + "\n")
