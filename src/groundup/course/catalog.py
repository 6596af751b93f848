"""The course as a graph: what comes before what, what is open, what is next, the way to a goal.

Nodes are topics and projects; an edge leads from what must be mastered to what needs it. Everything
here is derived from `topic.toml`, `syllabus.toml` and `projects.toml`, and from a set of names that
are mastered, which is given.
"""

import difflib
import heapq
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from groundup.course import syllabus
from groundup.course.syllabus import Bullet, Topic

_HERE = Path(__file__).parent
WHOLE = "whole"
"""The goal that asks for everything."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something to master: a topic or a project."""

    name: str
    """A topic's folder, as `p04_transformer/attention`, or `P1` to `P10`."""
    title: str
    kind: Literal["topic", "project"]
    minutes: int
    """About how long it takes."""
    prerequisites: tuple[str, ...] = ()
    """The topics that must be mastered before."""

    @property
    def phase(self) -> str:
        """A topic's phase, as `4`; a project has none."""
        return phase_of(self.name) if self.kind == "topic" else ""


def phase_of(topic: str) -> str:
    """The phase in a topic's name: `p04_transformer/attention` is of phase `4`."""
    return topic.partition("_")[0].removeprefix("p").lstrip("0")


def steps() -> list[Step]:
    """All topics, each after what it needs and else as in the syllabus, then the projects."""
    topics = sorted(syllabus.topics(), key=place_in_syllabus)
    return in_order([of_topic(topic) for topic in topics]) + projects()


def place_in_syllabus(topic: Topic) -> tuple[int, tuple[int, ...], str]:
    """By phase, then by its phase's first bullet it is about, then by name; projects' come last."""
    phase = phase_of(topic.name)
    numbers = [
        tuple(int(part) for part in number.split("."))
        for number in [*topic.covers, *topic.partly]
        if number.partition(".")[0] == phase
    ]
    return int(phase), min(numbers, default=(int(phase) + 1,)), topic.name


def of_topic(topic: Topic) -> Step:
    """A topic as something to master."""
    return Step(
        name=topic.name,
        title=topic.title,
        kind="topic",
        minutes=topic.minutes,
        prerequisites=topic.prerequisites,
    )


def projects(file: Path = _HERE / "projects.toml") -> list[Step]:
    """The ten projects, in the syllabus's order."""
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    return [
        Step(
            name=project.number,
            title=project.text,
            kind="project",
            minutes=table[project.number]["minutes"],
            prerequisites=tuple(table[project.number]["topics"]),
        )
        for project in _projects(syllabus.bullets())
    ]


def _projects(bullets: Iterable[Bullet]) -> list[Bullet]:
    return [bullet for bullet in bullets if bullet.number.startswith("P")]


def in_order(some: Sequence[Step]) -> list[Step]:
    """Each after its prerequisites, and as near to the given order as that allows (Kahn 1962).

    Raises ValueError on a circle and on a prerequisite that is not among them.
    """
    place = {step.name: number for number, step in enumerate(some)}
    followers: dict[str, list[str]] = defaultdict(list)
    waits_for = {}
    for step in some:
        waits_for[step.name] = len(set(step.prerequisites))
        for name in set(step.prerequisites):
            if name not in place:
                raise ValueError(f"{step.name} needs {name}, which is not there")
            followers[name].append(step.name)
    free = [place[name] for name, count in waits_for.items() if count == 0]
    heapq.heapify(free)
    order = []
    while free:
        order.append(step := some[heapq.heappop(free)])
        for name in followers[step.name]:
            waits_for[name] -= 1
            if waits_for[name] == 0:
                heapq.heappush(free, place[name])
    if len(order) < len(some):
        stuck = sorted(name for name, count in waits_for.items() if count > 0)
        raise ValueError(f"prerequisites lead in a circle; these wait for it: {', '.join(stuck)}")
    return order


def is_open(step: Step, mastered: Collection[str]) -> bool:
    """Whether all it needs is mastered, and it is not itself."""
    return step.name not in mastered and all(name in mastered for name in step.prerequisites)


def open_steps(some: Iterable[Step], mastered: Collection[str]) -> list[Step]:
    """What may be begun now, in the order given."""
    return [step for step in some if is_open(step, mastered)]


def next_step(
    some: Sequence[Step], mastered: Collection[str], begun: Collection[str] = ()
) -> Step | None:
    """What to do next: of what is open, the first that is begun, or else the first. None: done."""
    found = open_steps(some, mastered)
    return next((step for step in found if step.name in begun), found[0] if found else None)


def path_to(goals: Iterable[str], some: Sequence[Step], mastered: Collection[str]) -> list[Step]:
    """The least that leads to the goals: they and all they need, without what is mastered.

    What only something mastered needs is not needed. Raises ValueError on a name that is no step.
    """
    by_name = {step.name: step for step in some}
    wanted: set[str] = set()
    waiting = list(goals)
    while waiting:
        name = waiting.pop()
        if name not in by_name:
            raise ValueError(f"there is no topic or project {name!r}")
        if name not in wanted and name not in mastered:
            wanted.add(name)
            waiting += by_name[name].prerequisites
    return [step for step in some if step.name in wanted]


def goals(text: str, some: Sequence[Step]) -> list[str]:
    """The names of what a person asks for.

    `whole`; a phase, with the projects that can be built after it, as `phase 3`, `3` or
    `p03_networks`; a project as `P4`; a topic in full or by the end of its name, as `attention`.
    Raises ValueError, with what there is, for anything else, and where two topics' names end so.
    """
    wanted = text.strip().lower()
    if wanted in ("", WHOLE):
        return [step.name for step in some]
    topics = [step for step in some if step.kind == "topic"]
    phase = wanted.removeprefix("phase").strip()
    for step in some:
        if step.name.lower() == wanted:
            return [step.name]
    of_phase = [
        step
        for step in topics
        if (phase.isdecimal() and step.phase == phase.lstrip("0"))
        or step.name.partition("/")[0] == wanted
    ]
    if of_phase:
        number = int(of_phase[0].phase)
        built = [step for step in some if step.kind == "project" and last_phase(step) == number]
        return [step.name for step in of_phase + built]
    ends_so = [step.name for step in topics if step.name.partition("/")[2] == wanted]
    if len(ends_so) > 1:
        raise ValueError(f"{text!r} can be {' or '.join(ends_so)}; give one of these in full")
    if not ends_so:
        raise ValueError(_no_goal(text, topics))
    return ends_so


def last_phase(project: Step) -> int:
    """The phase after which a project can be built: the last one it needs a topic of."""
    return max((int(phase_of(name)) for name in project.prerequisites), default=0)


def _no_goal(text: str, topics: Sequence[Step]) -> str:
    ends = [step.name.partition("/")[2] for step in topics]
    near = difflib.get_close_matches(text.strip().lower(), ends, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return (
        f"there is no goal {text!r}; {hint}wanted 'whole', a phase ('phase 4'), "
        "a project ('P4') or a topic ('attention')"
    )


def needed_by(some: Sequence[Step]) -> Mapping[str, int]:
    """For each, how many of the others need it, directly or not."""
    by_name = {step.name: step for step in some}
    counts = dict.fromkeys(by_name, 0)
    for step in some:
        seen: set[str] = set()
        waiting = list(step.prerequisites)
        while waiting:
            name = waiting.pop()
            if name in by_name and name not in seen:
                seen.add(name)
                waiting += by_name[name].prerequisites
        for name in seen:
            counts[name] += 1
    return counts
