"""What a run of an exercise's checks found, gathered from what the checking process reports.

Pure: lines in, a `Result` out. A check passes only when the process that ran it said so, in the
order in which the exercise declares its checks and with the key it was given; silence is a failure.

A `Result` is data, much like a test runner's results on exercism.org (version 3).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from groundup.course.case import Finding
from groundup.course.checking import Outcome, Status
from groundup.course.exercise import Tier

FORGED = (
    "something other than the grader wrote where it reads its results; an answer leaves open files "
    "that are not its own alone"
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run of an exercise's checks on one file."""

    exercise: str
    status: Status
    """`passed` only when every check of the tier was run and passed."""
    checks: tuple[Outcome, ...]
    """One for each declared check of the tier; none when the file could not be loaded."""
    message: str = ""
    """What is wrong with the file as a whole."""
    line: int | None = None
    """Its line, where that is known."""
    tier: Tier
    seed: int
    seconds: float
    """From the start of the process to its last word."""
    output: str = ""
    """What the answer printed, cut after some kilobytes."""
    file: str
    sha256: str
    version: int = 1
    """The exercise's."""
    kept: tuple[str, ...] = ()
    """What the system kept the answer from or within: `no network`, `memory` ..."""

    @property
    def is_passed(self) -> bool:
        """Whether all went well."""
        return self.status == "passed"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def read(kept: Mapping[str, Any]) -> Result:
    """A `Result` from what `as_dict` gave. Raises TypeError on other fields."""
    checks = tuple(_outcome(one) for one in kept["checks"])
    return Result(**{**kept, "checks": checks, "kept": tuple(kept["kept"])})


def _outcome(kept: Mapping[str, Any]) -> Outcome:
    finding = Finding(**kept["finding"]) if kept.get("finding") else None
    return Outcome(**{**kept, "finding": finding})


class Collector:
    """Takes the lines of one or more processes that run an exercise's checks, in order."""

    def __init__(self, key: str) -> None:
        self._key = key
        self.declared: list[tuple[str, Tier]] = []
        self.outcomes: list[Outcome] = []
        self.message = ""
        self.line: int | None = None
        self.kept: list[str] = []
        self.is_done = False
        self._is_loaded = False

    def begin(self) -> None:
        """A process begins: it loads the file, then goes on with the checks that are left."""
        self._is_loaded = False

    def take(self, line: bytes) -> Outcome | None:
        """One line of the process; the outcome in it, if it holds one."""
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        if not isinstance(said, dict) or said.pop("key", None) != self._key:
            self.fail(FORGED)
        elif "outcome" in said:
            return self._take_outcome(said["outcome"])
        elif "problem" in said:
            self.fail(said["problem"], said.get("line"))
        elif "declared" in said:  # sent before the file is loaded
            self._expect([(says, tier) for says, tier in said["declared"]])
        elif "loaded" in said:
            self._is_loaded, self.kept = True, said["loaded"]
        elif "done" in said:
            self.is_done = True
        return None

    def _expect(self, declared: list[tuple[str, Tier]]) -> None:
        if not declared:
            self.fail("the exercise declares no check")
        elif self.declared not in ([], declared):
            self.fail("the exercise's checks changed while it was checked")
        self.declared = declared

    def _take_outcome(self, kept: Mapping[str, Any]) -> Outcome | None:
        outcome = _outcome(kept)
        place = len(self.outcomes)
        if self.declared[place : place + 1] != [(outcome.check, outcome.tier)]:
            self.fail(f"a check came that was not due: {outcome.check!r}")
            return None
        self.outcomes.append(outcome)
        return outcome

    def fail(self, message: str, line: int | None = None) -> None:
        """There is something wrong with the file as a whole; no more is run."""
        if not self.message:
            self.message, self.line = message, line
        self.is_done = True

    def ended(self, how: str) -> Outcome | None:
        """The process is gone; what was going on then is an error. Returns that check's outcome."""
        if self.is_done:
            return None
        if not self._is_loaded:
            self.fail(f"while the file was loaded, {how}")
            return None
        place = len(self.outcomes)
        if place >= len(self.declared):
            self.fail(f"after the last check, {how}")
            return None
        says, tier = self.declared[place]
        self.outcomes.append(Outcome(check=says, tier=tier, status="error", problem=how))
        self.is_done = len(self.outcomes) == len(self.declared)
        return self.outcomes[-1]

    def all_outcomes(self) -> tuple[Outcome, ...]:
        """One for each check; those that were not reached as `not run`. None if none was run."""
        if self.message and not self.outcomes:
            return ()
        left = self.declared[len(self.outcomes) :]
        rest = [Outcome(check=says, tier=tier, status="not run") for says, tier in left]
        return (*self.outcomes, *rest)

    def status(self) -> Status:
        """Of all. Anything but a passed outcome for every declared check is no pass."""
        if self.message or not self.declared:
            return "error"
        there = [one.status for one in self.all_outcomes()]
        status: Status
        for status in ("failed", "error", "not implemented", "not run"):
            if status in there:
                return status
        return "passed"
