"""An exercise at work: save, check, hint, reset, solution; and what of it becomes a fact."""

import asyncio
import hashlib
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool

from groundup.course.catalogue import Entry
from groundup.course.exercise import Tier
from groundup.course.facts import Attempt, Hint
from groundup.course.verdict import Result
from groundup.studio import answer_file
from groundup.studio.answer_file import Saved
from groundup.studio.desk import Desk
from groundup.studio.watching import Watch

SOLUTION = 4
"""The level of a hint that is the solution."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """An exercise as a page shows it."""

    entry: Entry
    text: str
    stamp: str
    file: str
    """Where the answer is, for the learner's own editor."""
    hints: tuple[str, ...]
    """Those that were shown already."""
    passed: Tier | None
    problem: str = ""
    """Why the file cannot be shown."""


class Bench:
    """The exercises of one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.watch = Watch(self._changed_elsewhere)

    def entry(self, name: str) -> Entry:
        """The exercise of this name. Raises KeyError."""
        return self._desk.tasks[name]

    def path(self, entry: Entry) -> Path:
        """Where the answer is."""
        return self._desk.workspace.path(entry)

    def box(self, entry: Entry) -> Box:
        """What a page needs; a file that is not there yet is shown as it will begin."""
        path, problem = "", ""
        try:
            path = str(self.path(entry))
            saved = answer_file.read(self.path(entry))
        except (ValueError, OSError) as found:
            saved, problem = Saved(text="", stamp=""), str(found)
        if saved is None:
            saved = Saved(text=self._desk.workspace.stub(entry), stamp="")
        shown = min(self._desk.learner.hints_shown(entry.name), len(entry.hints))
        return Box(
            entry=entry,
            text=saved.text,
            stamp=saved.stamp,
            file=path,
            hints=entry.hints[:shown],
            passed=self._desk.learner.passed(entry.name),
            problem=problem,
        )

    def save(self, entry: Entry, text: str, *, based_on: str, overwrite: bool = False) -> Saved:
        """Write the answer. Raises Changed (see `answer_file.write`)."""
        path = self.path(entry)
        saved = answer_file.write(path, text, based_on=based_on, overwrite=overwrite)
        self.watch.knows(entry.name, saved.stamp)
        return saved

    async def check(self, entry: Entry, tier: Tier) -> Result:
        """Run the checks on the file as it is, and keep that as a fact."""
        async with self._turns[entry.name]:
            path = self.path(entry)
            result = await run_in_threadpool(self._desk.grader.grade, entry, path, tier=tier)
            await run_in_threadpool(self._keep, entry, result)
        return result

    def _keep(self, entry: Entry, result: Result) -> None:
        """Note an attempt; a stub nobody touched is none."""
        learner = self._desk.learner
        text = _checked_text(self.path(entry), result.sha256)
        if result.status == "not implemented" and text == self._desk.workspace.stub(entry):
            return
        is_review = entry.topic in learner.reached().due
        learner.progress.add(
            Attempt(
                exercise=entry.name,
                version=entry.version,
                tier=result.tier,
                status=result.status,
                seed=result.seed,
                purpose="review" if is_review else "practice",
                hints_used=learner.hints_shown(entry.name),
                results=[asdict(one) for one in result.checks],
                code=text,
            )
        )

    async def _changed_elsewhere(self, name: str) -> None:
        """The learner saved in another editor: show it, check it, say what was found."""
        entry = self.entry(name)
        self.watch.tell(name, "file", self.current(entry))
        self.watch.tell(name, "checking", {})
        try:
            result = await self.check(entry, self._desk.learner.passed(name) or "core")
        except (OSError, ValueError) as problem:
            self.watch.tell(name, "problem", {"says": str(problem)})
            return
        self.watch.tell(name, "result", {"result": result})

    def current(self, entry: Entry) -> dict[str, Any]:
        """The file for a page that shows it: its text and stamp, or why it cannot be shown."""
        try:
            saved = answer_file.read(self.path(entry))
        except (ValueError, OSError) as problem:
            return {"problem": str(problem)}
        if saved is None:
            return {"problem": "the file is gone; a save makes it again"}
        return asdict(saved)

    def hint(self, entry: Entry) -> int:
        """Show the next hint: its number, from 1; the last one again when all are shown."""
        level = min(self._desk.learner.hints_shown(entry.name) + 1, len(entry.hints))
        self._desk.learner.progress.add(Hint(exercise=entry.name, level=level))
        return level

    def reset(self, entry: Entry) -> tuple[Saved, str]:
        """Begin anew. What was written is set aside: where."""
        aside = self._desk.workspace.set_aside(entry)
        text = self._desk.workspace.stub(entry)
        return self.save(entry, text, based_on="", overwrite=True), str(aside or "")

    def solution(self, entry: Entry, *, gives_up: bool) -> str:
        """The library's own. Raises ValueError before it was passed, unless one gives up."""
        if self._desk.learner.passed(entry.name) is None:
            if not gives_up:
                raise ValueError(
                    "the solution is shown once the exercise is passed, or when you give up"
                )
            self._desk.learner.progress.add(Hint(exercise=entry.name, level=SOLUTION))
        return self._desk.workspace.solution(entry)


def _checked_text(path: Path, sha256: str) -> str:
    """The text that was checked; empty when the file is another one by now, or none."""
    try:
        content = path.read_bytes()
    except OSError:
        return ""
    is_it = hashlib.sha256(content).hexdigest() == sha256
    return content.decode("utf-8-sig", "replace").replace("\r\n", "\n") if is_it else ""
