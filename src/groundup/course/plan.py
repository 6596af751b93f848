"""A study plan: weeks with two lanes, theory and build, that overlap.

Pure: steps, what is mastered, a start and the hours a week go in; weeks come out. Of a week about
65 % is new theory, 20 % the open project, 15 % review. A lane with nothing to do gives its time to
the other. A topic comes after what it needs; a project starts in a week after all it needs is done;
after a project comes a buffer week with nothing but reviews, for what took longer than thought.

Estimates are multiplied by the measured pace, so the same call some weeks later plans anew.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal

from groundup.course.catalog import Step, needed_by, path_to

BUILD_SHARE = 0.20
REVIEW_SHARE = 0.15
SHORTEST_PIECE = 15
"""Minutes; a topic is not begun or continued for less, unless that ends it."""
MOST_HOURS = 80.0
_MOST_WEEKS = 5200
"""Beyond a hundred years nobody plans."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a learner can give."""

    start: date
    """The first day; every week starts on its weekday."""
    hours: float
    """A week, 1 to 80."""
    weeks: int = 104
    """How many there are at most."""
    pace: float = 1.0
    """Minutes needed for an estimated minute."""
    knows_something: bool = False
    """Whether the first week already has reviews; `make_plan` sets it."""

    def __post_init__(self) -> None:
        if not 1 <= self.hours <= MOST_HOURS:
            raise ValueError(f"{self.hours:g} hours a week; wanted 1 to {MOST_HOURS:g}")
        if not 1 <= self.weeks <= _MOST_WEEKS:
            raise ValueError(f"a horizon of {self.weeks} weeks; wanted 1 to {_MOST_WEEKS}")
        if not 0.1 <= self.pace <= 10:
            raise ValueError(f"a pace of {self.pace:g}; wanted 0.1 to 10, where 1 is as estimated")
        if not 1970 <= self.start.year <= 9000:
            raise ValueError(f"the plan starts on {self.start}; wanted a year from 1970 to 9000")

    @property
    def minutes(self) -> int:
        """Of a week."""
        return math.floor(self.hours * 60)


@dataclass(frozen=True, kw_only=True)
class Item:
    """A topic or project in a week, or the part of it that fits."""

    name: str
    title: str
    kind: Literal["topic", "project"]
    minutes: int
    part: int = 1
    """Which of its parts this is, from 1."""
    parts: int = 1


@dataclass(frozen=True, kw_only=True)
class Week:
    """What one week holds."""

    number: int
    """From 1."""
    start: date
    theory: tuple[Item, ...] = ()
    build: tuple[Item, ...] = ()
    review: int = 0
    """Minutes kept for reviews."""
    room: int = 0
    """Minutes nothing is planned for."""
    is_buffer: bool = False
    """It follows a project, and is for what took longer."""

    @property
    def items(self) -> tuple[Item, ...]:
        """Of both lanes."""
        return self.theory + self.build

    @property
    def minutes(self) -> int:
        """What is planned, room left out."""
        return sum(item.minutes for item in self.items) + self.review


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Weeks that hold everything up to the goal, once."""

    terms: Terms
    weeks: tuple[Week, ...]

    @property
    def end(self) -> date:
        """The day after the last week."""
        return self.terms.start + timedelta(weeks=len(self.weeks))

    @property
    def theory_minutes(self) -> int:
        """Of all weeks."""
        return sum(item.minutes for week in self.weeks for item in week.theory)

    @property
    def build_minutes(self) -> int:
        """Of all weeks."""
        return sum(item.minutes for week in self.weeks for item in week.build)

    @property
    def review_minutes(self) -> int:
        """Of all weeks."""
        return sum(week.review for week in self.weeks)


@dataclass(frozen=True, kw_only=True)
class Shortfall:
    """The hours do not fit, and what would."""

    terms: Terms
    minutes_needed: int
    """Theory and projects at this pace."""
    weeks_needed: int
    """With these hours, reviews and buffers included."""
    hours_needed: float | None
    """A week, to end in time; None when 80 are not enough."""
    cuts: tuple[Step, ...]
    """What to leave out to end in time; empty when there is nothing the goal can do without."""
    weeks_with_cuts: int


def make_plan(
    steps: Sequence[Step], goals: Iterable[str], mastered: Collection[str], terms: Terms
) -> Plan | Shortfall:
    """Plan the least that leads to the goals, or say why it does not fit and what would.

    `steps`: in an order in which each comes after its prerequisites (see `catalog.steps`), with the
    minutes that are left of each. Raises ValueError on a goal that is no step.
    """
    goals = list(goals)
    wanted = path_to(goals, steps, mastered)
    terms = replace(terms, knows_something=bool(mastered))
    plan = _planned(wanted, terms)
    return plan if len(plan.weeks) <= terms.weeks else _shortfall(wanted, goals, plan)


def _planned(wanted: Sequence[Step], terms: Terms) -> Plan:
    """As many weeks as it takes."""
    table = _Table(
        theory=[_Left(step=s, minutes=_paced(s, terms)) for s in wanted if s.kind == "topic"],
        build=[_Left(step=s, minutes=_paced(s, terms)) for s in wanted if s.kind == "project"],
        waiting={step.name for step in wanted},
        something_is_learned=terms.knows_something,
    )
    weeks: list[Week] = []
    while table.theory or table.build:
        ended_before = table.projects_ended
        weeks.append(_week(table, len(weeks), terms))
        if table.projects_ended > ended_before:
            weeks.append(_buffer(len(weeks), terms))
    return Plan(terms=terms, weeks=_with_parts(weeks))


def _paced(step: Step, terms: Terms) -> int:
    return max(1, math.ceil(step.minutes * terms.pace))


@dataclass(kw_only=True)
class _Left:
    """A step, and how many minutes of it are not planned yet."""

    step: Step
    minutes: int


@dataclass(kw_only=True)
class _Table:
    """What is not planned yet, while weeks are filled."""

    theory: list[_Left]
    build: list[_Left]
    waiting: set[str]
    """Names of what is not wholly planned in weeks before this one."""
    ended: list[str] = field(default_factory=list)
    """Names of what ends in this week."""
    projects_ended: int = 0
    something_is_learned: bool = False
    """So that there can be reviews."""


def _week(table: _Table, place: int, terms: Terms) -> Week:
    """The next week. Each lane gets its share first, then what the other has left."""
    review = int(terms.minutes * REVIEW_SHARE) if table.something_is_learned else 0
    project = next(
        (one for one in table.build if not table.waiting & {*one.step.prerequisites}), None
    )
    share = int(terms.minutes * BUILD_SHARE) if project else 0
    theory, left = _theory(table, terms.minutes - review - share)
    build, left = _build(table, project, share + left)
    more, left = _theory(table, left)
    table.waiting -= {*table.ended}
    table.ended.clear()
    table.something_is_learned = True
    return Week(
        number=place + 1,
        start=terms.start + timedelta(weeks=place),
        theory=_joined(theory + more),
        build=build,
        review=review,
        room=left,
    )


def _theory(table: _Table, budget: int) -> tuple[list[Item], int]:
    """Topics in their order into these minutes; and the minutes that are left."""
    items = []
    while table.theory and (given := _piece(table.theory[0], budget)):
        items.append(_item(table.theory[0].step, given))
        budget -= given
        if table.theory[0].minutes == 0:
            table.ended.append(table.theory.pop(0).step.name)
    return items, budget


def _build(table: _Table, project: _Left | None, budget: int) -> tuple[tuple[Item, ...], int]:
    """The open project into these minutes; and the minutes that are left."""
    if project is None or not (given := _piece(project, budget)):
        return (), budget
    if project.minutes == 0:
        table.build.remove(project)
        table.ended.append(project.step.name)
        table.projects_ended += 1
    return (_item(project.step, given),), budget - given


def _piece(left: _Left, budget: int) -> int:
    """Take from a step what fits into the budget; how much. 0 when that is too little."""
    given = min(left.minutes, budget)
    if given < min(SHORTEST_PIECE, left.minutes):
        return 0
    left.minutes -= given
    return given


def _item(step: Step, minutes: int) -> Item:
    return Item(name=step.name, title=step.title, kind=step.kind, minutes=minutes)


def _joined(items: Sequence[Item]) -> tuple[Item, ...]:
    """Two pieces of one step in the same week become one."""
    found: list[Item] = []
    for item in items:
        if found and found[-1].name == item.name:
            item = replace(item, minutes=found.pop().minutes + item.minutes)
        found.append(item)
    return tuple(found)


def _buffer(place: int, terms: Terms) -> Week:
    review = int(terms.minutes * REVIEW_SHARE)
    return Week(
        number=place + 1,
        start=terms.start + timedelta(weeks=place),
        review=review,
        room=terms.minutes - review,
        is_buffer=True,
    )


def _with_parts(weeks: Sequence[Week]) -> tuple[Week, ...]:
    """Every item knows which part of its step it is, and of how many."""
    names = [item.name for week in weeks for item in week.items]
    seen: dict[str, int] = {}

    def numbered(items: Iterable[Item]) -> tuple[Item, ...]:
        found = []
        for item in items:
            seen[item.name] = seen.get(item.name, 0) + 1
            found.append(replace(item, part=seen[item.name], parts=names.count(item.name)))
        return tuple(found)

    return tuple(
        replace(week, theory=numbered(week.theory), build=numbered(week.build)) for week in weeks
    )


def _shortfall(wanted: Sequence[Step], goals: Sequence[str], plan: Plan) -> Shortfall:
    terms = plan.terms
    cuts, weeks = _cuts(wanted, goals, terms)
    return Shortfall(
        terms=terms,
        minutes_needed=plan.theory_minutes + plan.build_minutes,
        weeks_needed=len(plan.weeks),
        hours_needed=_hours_that_fit(wanted, terms),
        cuts=cuts,
        weeks_with_cuts=weeks,
    )


def _hours_that_fit(wanted: Sequence[Step], terms: Terms) -> float | None:
    """The first that fit, in steps of half an hour."""
    hours = math.floor(terms.hours * 2) / 2
    while hours < MOST_HOURS:
        hours += 0.5
        if len(_planned(wanted, replace(terms, hours=hours)).weeks) <= terms.weeks:
            return hours
    return None


def _cuts(
    wanted: Sequence[Step], goals: Sequence[str], terms: Terms
) -> tuple[tuple[Step, ...], int]:
    """Leave out what nothing else needs, the longest first, until the rest fits.

    With a single goal there is nothing to leave out.
    """
    kept, cuts = list(wanted), []
    while len({*goals} & {step.name for step in kept}) > 1:
        counts = needed_by(kept)
        leaves = [step for step in kept if counts[step.name] == 0]
        cut = max(reversed(leaves), key=lambda step: step.minutes)  # of equals, the last
        kept.remove(cut)
        cuts.append(cut)
        weeks = len(_planned(kept, terms).weeks)
        if weeks <= terms.weeks:
            return tuple(cuts), weeks
    return (), 0
