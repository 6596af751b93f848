"""What a learner masters, for how many days, and how fast: derived from the facts, never kept.

An exercise is passed at a version. Where the course has a newer one it is to be checked again, and
counts as mastered until then: an update of the course takes nothing away.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta, tzinfo
from typing import Literal, Protocol

from groundup.course.catalog import Step
from groundup.course.facts import (
    Attempt,
    Claim,
    Fact,
    Hint,
    Prediction,
    ProjectRun,
    QuizAnswer,
    Setting,
    Study,
)

State = Literal["new", "begun", "re-check", "known", "mastered"]
"""`known`: the learner says so. `re-check`: passed, but the course has a newer version."""
DONE = frozenset({"re-check", "known", "mastered"})
"""States that open what needs it."""
PACE_PRIOR = 600.0
"""Minutes at the estimate that a measured pace is mixed with: an hour proves little."""
PACE_RANGE = (0.25, 4.0)


class Graded(Protocol):
    """What is asked of an exercise here."""

    @property
    def name(self) -> str:
        """Its name, as in the facts."""

    @property
    def topic(self) -> str:
        """`p04_transformer/attention`."""

    @property
    def version(self) -> int:
        """The course's version of it."""

    @property
    def minutes(self) -> int:
        """About how long it takes."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long things take this learner, against the estimates."""

    ratio: float
    """Minutes needed for an estimated minute; 1 where nothing is measured."""
    measured: float
    """Minutes spent on what is finished and was measured."""
    estimated: float
    """The estimates for the same."""
    finished: int
    """How many topics and projects that is."""


def exercise_states(exercises: Iterable[Graded], facts: Iterable[Fact]) -> dict[str, State]:
    """How far each exercise is."""
    passed: dict[str, int] = defaultdict(int)
    tried = set()
    for fact in facts:
        if isinstance(fact, Attempt):
            tried.add(fact.exercise)
            if fact.status == "passed":
                passed[fact.exercise] = max(passed[fact.exercise], fact.version)
    return {one.name: _exercise_state(one, passed, tried) for one in exercises}


def _exercise_state(one: Graded, passed: Mapping[str, int], tried: set[str]) -> State:
    if one.name in passed:
        return "mastered" if passed[one.name] >= one.version else "re-check"
    return "begun" if one.name in tried else "new"


def states(
    steps: Iterable[Step], exercises: Sequence[Graded], facts: Sequence[Fact]
) -> dict[str, State]:
    """How far each topic and project is.

    A topic is mastered when all of its exercises are passed, or known when the learner says so; one
    without exercises can only be known. A project is mastered when a run passed its gates.
    """
    own = _by_topic(exercises)
    of_exercises = exercise_states(exercises, facts)
    claims = {fact.topic: fact.known for fact in facts if isinstance(fact, Claim)}
    touched = _touched(facts)
    runs: dict[str, bool] = {}
    for fact in facts:
        if isinstance(fact, ProjectRun):
            runs[fact.project] = runs.get(fact.project, False) or fact.passed
    found: dict[str, State] = {}
    for step in steps:
        if step.kind == "project":
            begun: State = "begun" if step.name in runs or step.name in touched else "new"
            found[step.name] = "mastered" if runs.get(step.name) else begun
            continue
        state = _topic_state([of_exercises[one.name] for one in own[step.name]])
        if state not in DONE and claims.get(step.name):
            state = "known"
        found[step.name] = "begun" if state == "new" and step.name in touched else state
    return found


def _topic_state(of_exercises: Sequence[State]) -> State:
    if of_exercises and all(state in DONE for state in of_exercises):
        return "re-check" if "re-check" in of_exercises else "mastered"
    return "begun" if any(state != "new" for state in of_exercises) else "new"


def _touched(facts: Iterable[Fact]) -> set[str]:
    """What was studied or answered something about."""
    found = {fact.about for fact in facts if isinstance(fact, Study)}
    return found | {fact.topic for fact in facts if isinstance(fact, QuizAnswer | Prediction)}


def done(of_steps: Mapping[str, State]) -> frozenset[str]:
    """The names of what opens what needs it."""
    return frozenset(name for name, state in of_steps.items() if state in DONE)


def remaining(
    steps: Iterable[Step], exercises: Sequence[Graded], facts: Sequence[Fact]
) -> list[Step]:
    """The steps, each with the minutes that are left: without the exercises that are passed."""
    of_exercises = exercise_states(exercises, facts)
    own = _by_topic(exercises)
    return [
        dataclasses.replace(
            step, minutes=max(1, step.minutes - _passed(own[step.name], of_exercises))
        )
        for step in steps
    ]


def _passed(own: Iterable[Graded], of_exercises: Mapping[str, State]) -> int:
    return sum(one.minutes for one in own if of_exercises[one.name] in DONE)


def _by_topic(exercises: Iterable[Graded]) -> Mapping[str, list[Graded]]:
    found: dict[str, list[Graded]] = defaultdict(list)
    for one in exercises:
        found[one.topic].append(one)
    return found


def streak(facts: Iterable[Fact], today: date, zone: tzinfo = UTC) -> int:
    """Days in a row, up to today or yesterday, on which something was learned.

    A day is one of the learner's own time zone. Settings and claims are no learning.
    """
    days = {
        fact.at.astimezone(zone).date()
        for fact in facts
        if not isinstance(fact, Setting | Claim | Hint)
    }
    day = today if today in days else today - timedelta(days=1)
    count = 0
    while day in days:
        count += 1
        day -= timedelta(days=1)
    return count


def minutes_spent(facts: Iterable[Fact]) -> dict[str, float]:
    """Minutes by what they were spent on: topics, exercises and projects."""
    found: dict[str, float] = defaultdict(float)
    for fact in facts:
        if isinstance(fact, Study):
            found[fact.about] += fact.minutes
        elif isinstance(fact, Attempt):
            found[fact.exercise] += fact.seconds / 60
    return dict(found)


def pace(steps: Sequence[Step], exercises: Sequence[Graded], facts: Sequence[Fact]) -> Pace:
    """(prior + measured minutes) / (prior + estimated minutes), over what is finished.

    Of a topic whose lesson nobody measured, only the exercises count, on both sides. What was
    passed by placement says nothing about pace and is left out.
    """
    of_steps = states(steps, exercises, facts)
    own = _by_topic(exercises)
    spent = minutes_spent(facts)
    placed = {
        fact.exercise
        for fact in facts
        if isinstance(fact, Attempt) and fact.purpose == "placement" and fact.status == "passed"
    }
    pairs = []
    for step in steps:
        mine = own[step.name]
        if of_steps[step.name] in ("mastered", "re-check") and not placed & {e.name for e in mine}:
            pairs.append(_measured(step, mine, spent))
    pairs = [(measured, estimated) for measured, estimated in pairs if measured > 0]
    measured, estimated = sum(m for m, _ in pairs), float(sum(e for _, e in pairs))
    low, high = PACE_RANGE
    ratio = min(high, max(low, (PACE_PRIOR + measured) / (PACE_PRIOR + estimated)))
    return Pace(ratio=ratio, measured=measured, estimated=estimated, finished=len(pairs))


def _measured(step: Step, own: Sequence[Graded], spent: Mapping[str, float]) -> tuple[float, float]:
    on_exercises = sum(spent.get(one.name, 0.0) for one in own)
    if on_lesson := spent.get(step.name, 0.0):
        return on_lesson + on_exercises, step.minutes
    return on_exercises, sum(one.minutes for one in own if spent.get(one.name))
