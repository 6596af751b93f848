"""The process in which one answer is checked; it ends with it.

    python -m groundup.course.grader_child       # where processes cannot be forked

It reports over a pipe, a line of JSON at a time, each with the run's key: that the file is loaded,
each outcome, that all is done. It is never asked to be believed beyond that: what does not arrive
has not happened.
"""

import importlib
import json
import os
import secrets
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from groundup.course import answer, checking, confinement, exercise, sealing
from groundup.course.answer import Library, Unusable, Watch
from groundup.course.case import Case, differs, shown
from groundup.course.checking import Outcome
from groundup.course.confinement import Limits, OutOfTime
from groundup.course.exercise import Check, Exercise, Tier

_TIMEOUTS = 2
"""After so many checks out of time, the others are not tried."""
Report = Callable[[dict[str, Any]], None]
Seals = tuple[sealing.Seal, sealing.Seal]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be checked."""

    topic: str
    exercise: str
    file: str
    text: str
    tier: Tier
    seed: int
    first: int = 0
    """The first check to run: the earlier ones were run by a process that is gone."""
    key: str = ""
    limits: Limits = field(default_factory=Limits)

    def as_text(self) -> str:
        """As JSON, on one line."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> "Job":
        """From `as_text`."""
        kept = json.loads(text)
        return cls(**{**kept, "limits": Limits(**kept["limits"])})


def find(job: Job) -> Exercise:
    """The exercise a job names, its part imported, to be sealed too. Raises ValueError."""
    for one in exercise.of_topic(job.topic):
        if one.name == job.exercise:
            one.reference()
            return one
    raise ValueError(f"topic {job.topic} has no exercise {job.exercise!r}")


def prepare() -> None:
    """Import what every check needs, and let one thread do the sums: others are checked beside.

    What torch and NumPy make when they are first used is made here, once, and not in every child.
    """
    torch.set_num_threads(1)
    confinement.load()
    importlib.import_module("torch._dynamo")  # the optimizers load it, and it changes torch then
    numbers = Case(0).tensor(2, 2)
    shown(numbers.tril().softmax(-1) @ numbers)
    differs(numbers, numbers + 1)


def report_to(pipe: int, key: str) -> Report:
    """Writes a line; only this process may, not one that an answer forked."""
    owner, dumps, write, process = os.getpid(), json.dumps, os.write, os.getpid
    leave, out, err = os._exit, sys.stdout, sys.stderr

    def report(said: dict[str, Any]) -> None:
        if process() != owner:
            leave(1)
        for stream in (out, err):
            if not stream.closed:
                stream.flush()
        rest = dumps({"key": key, **said}).encode() + b"\n"
        while rest:
            rest = rest[write(pipe, rest) :]

    return report


def near_seal(one: Exercise) -> sealing.Seal:
    """The seal of what an exercise's checks are made of."""
    bodies = {f"check {n}": check.body for n, check in enumerate(one.checks)}
    modules = {sys.modules[check.body.__module__] for check in one.checks}
    names = {name: value for module in modules for name, value in vars(module).items()}
    return sealing.near(names | bodies)


def run(job: Job, one: Exercise, report: Report, *, seals: Seals, kept: list[str]) -> None:
    """Load the answer, run the checks from `job.first` on, and report.

    `seals`: of all modules, and of those that are near; `kept`: what the answer is kept from
    already, for people.
    """
    checks = checking.chosen(one, job.tier)
    report({"declared": [(check.says, check.tier) for check in checks]})
    kept = [*kept, *confinement.limit(job.limits)]
    confinement.limit_computing(job.limits)
    try:
        judge = _Judge(one, job, seals)
        found = judge.admit(Path(job.file), job.text)
        report({"loaded": kept})
        _run_all(judge, found, checks[job.first :], report)
    except Unusable as problem:
        report({"problem": str(problem), "line": problem.line})
    except sealing.Tampered as problem:
        report({"problem": f"the answer cannot be judged: {problem}"})
    except OutOfTime as problem:
        where = checking.said(problem, job.file).partition(" (")[2].removesuffix(")")
        report({"problem": f"loading the file {_too_long(job.limits)}; {where}"})
    except BaseException as problem:  # a KeyboardInterrupt of the answer's own, say
        report({"problem": f"it raises {checking.said(problem, job.file)}"})
        raise
    report({"done": True})


class _Judge:
    """Everything that must stand before the learner's file is run."""

    def __init__(self, one: Exercise, job: Job, seals: Seals) -> None:
        self.exercise, self.job = one, job
        self._reference = one.reference()
        answer.hide_the_course()
        self.library = Library(one, Path(job.file))
        for function in self.library.changed:
            for seal in seals:
                seal.accept(function)
        self._near, self._seals = seals[-1], [*seals, sealing.table()]
        self.watch: Watch

    def admit(self, path: Path, text: str) -> exercise.Subject:
        """The answer, ready to be checked. Raises Unusable, Tampered."""
        watch = Watch(self._near, None)
        module = answer.load(text, path)
        self._look(watch)
        found = answer.subject(module, self.exercise, path)
        answer.refuse_other_signature(found, self.exercise, self._reference)
        self.watch = Watch(self._near, found if isinstance(found, type) else None)
        return answer.watched(found, self.watch)

    def check(self, check: Check, found: exercise.Subject) -> Outcome:
        """One check's outcome. Raises Tampered, OutOfTime."""
        self.watch.reset()
        self.library.was_called = False
        job = self.job
        outcome = checking.run_one(self.exercise, check, found, seed=job.seed, file=job.file)
        self._look(self.watch)
        if self.library.was_called and outcome.status == "passed":
            problem = f"it calls the library's own {self.exercise.part}"
            return Outcome(check=check.says, tier=check.tier, status="error", problem=problem)
        return outcome

    def _look(self, watch: Watch) -> None:
        watch.look(at_once=True)
        for seal in self._seals:
            if changed := seal.broken():
                raise sealing.Tampered(f"it changes {changed}, by which it is judged")


def _run_all(judge: _Judge, found: exercise.Subject, checks: list[Check], report: Report) -> None:
    timeouts = 0
    for check in checks:
        if timeouts == _TIMEOUTS:
            break
        confinement.limit_computing(judge.job.limits)
        try:
            outcome = judge.check(check, found)
        except OutOfTime as problem:
            timeouts += 1
            where = checking.said(problem, judge.job.file).partition(" (")[2].removesuffix(")")
            says = _too_long(judge.job.limits) + (f"; then it was at {where}" if where else "")
            outcome = Outcome(check=check.says, tier=check.tier, status="error", problem=says)
        report({"outcome": asdict(outcome)})


def _too_long(limits: Limits) -> str:
    return f"took more than {limits.seconds:g} s of computing (does a loop end?)"


def main() -> int:
    """A job as JSON on standard input; its report on standard output, the prints on the other."""
    job = Job.read(sys.stdin.readline())
    pipe = os.dup(1)
    os.dup2(2, 1)
    report = report_to(pipe, job.key)
    prepare()
    one = find(job)
    run(job, one, report, seals=(sealing.whole(), near_seal(one)), kept=[])
    return 0


def new_key() -> str:
    """A key that no answer can guess."""
    return secrets.token_hex(16)


if __name__ == "__main__":
    sys.exit(main())
