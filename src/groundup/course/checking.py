"""Run an exercise's checks on an answer, and name the mistake it makes.

Pure: no process, file or clock. `grader` runs this where an answer cannot do harm.

When a comparison fails, every mistake the exercise names is put through the same check with the
same seed; one that gives the same value at the same comparison is what the learner did.
"""

import contextlib
import traceback
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from groundup.course.case import Case, Finding, Mismatch, differs
from groundup.course.exercise import Check, Exercise, Mistake, Subject, Tier

Status = Literal["passed", "failed", "error", "not implemented", "not run"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one check found."""

    check: str
    tier: Tier
    status: Status
    finding: Finding | None = None
    """Of a failed check: what was otherwise."""
    mistake: str = ""
    """Of a failed check: the known mistake that gives the same."""
    problem: str = ""
    """Of an error: its type, its message, and the line of the answer it came from."""


def run(
    exercise: Exercise, subject: Subject, *, seed: int, tier: Tier = "core", file: str = ""
) -> Iterator[Outcome]:
    """The checks of a tier (deep: all), one outcome each, as they are done.

    `file`: the learner's, so that an error says which of its lines it came from.
    """
    for check in chosen(exercise, tier):
        yield run_one(exercise, check, subject, seed=seed, file=file)


def chosen(exercise: Exercise, tier: Tier) -> list[Check]:
    """The checks of a tier; deep includes core."""
    return [one for one in exercise.checks if tier == "deep" or one.tier == "core"]


def seed_of(seed: int, check: Check) -> int:
    """A check's own seed: what another check draws changes nothing here."""
    return zlib.crc32(f"{seed}:{check.says}".encode())


def run_one(
    exercise: Exercise, check: Check, subject: Subject, *, seed: int, file: str = ""
) -> Outcome:
    """One check; `seed` is the run's. A check that compares nothing is an error."""
    outcome = _outcome(check)
    seed = seed_of(seed, check)
    case = Case(seed)
    try:
        check.body(subject, case)
    except Mismatch as found:
        mistake = _known(exercise.mistakes, check, found, seed)
        name = mistake.says if mistake else ""
        return outcome(status="failed", finding=found.finding, mistake=name)
    except NotImplementedError as problem:
        return outcome(status="not implemented", problem=said(problem, file))
    except (Exception, SystemExit) as problem:
        return outcome(status="error", problem=said(problem, file))
    if not case.compared:
        return outcome(status="error", problem="the check compared nothing")
    return outcome(status="passed")


def _outcome(check: Check) -> Callable[..., Outcome]:
    def make(**fields: Any) -> Outcome:
        return Outcome(check=check.says, tier=check.tier, **fields)

    return make


def _known(mistakes: list[Mistake], check: Check, found: Mismatch, seed: int) -> Mistake | None:
    """The mistake that gives the same value at the same comparison, if there is one.

    Those that this check is there to catch are asked first.
    """
    for mistake in sorted(mistakes, key=lambda one: one.caught_by != check.says):
        case = Case(seed)
        with contextlib.suppress(Exception):  # a wrong answer may fail in any way
            check.body(mistake.answer, case)
        if len(case.compared) > found.place:
            theirs = case.compared[found.place]
            if type(theirs) is type(found.value) and differs(found.value, theirs) is None:
                return mistake
    return None


def said(problem: BaseException, file: str) -> str:
    """An error in a line: type and message, and the answer's line where it happened."""
    words = "".join(traceback.format_exception_only(problem)).strip().splitlines()[-1]
    own = [frame for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == file]
    return f"{words} (line {own[-1].lineno}: {own[-1].line})" if own else words
