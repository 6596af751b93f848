"""The map: 114 bullets in their phases, ten projects, what each is to this learner, what is next.

Pure: from the course's index and three sets of names to what the page shows.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from groundup.course import catalog
from groundup.course.catalog import Step
from groundup.course.syllabus import Bullet, Topic

State = Literal["not written", "locked", "open", "begun", "passed", "review due"]
STATES: tuple[State, ...] = ("passed", "review due", "begun", "open", "locked", "not written")
"""In the order in which they are counted."""


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Where a learner is: names of topics and projects."""

    mastered: frozenset[str] = frozenset()
    begun: frozenset[str] = frozenset()
    due: frozenset[str] = frozenset()
    """Mastered, and to be looked at again."""


@dataclass(frozen=True, kw_only=True)
class Index:
    """What the course is; read once when the studio starts."""

    bullets: Sequence[Bullet]
    phases: Mapping[str, str]
    topics: Mapping[str, Topic]
    steps: Sequence[Step]
    projects_written: frozenset[str] = frozenset()

    def is_written(self, name: str) -> bool:
        """Whether there is something to read or to do."""
        topic = self.topics.get(name)
        if topic is None:
            return name in self.projects_written
        return bool(topic.lesson or topic.exercise)

    def title(self, name: str) -> str:
        """What a topic or project is called."""
        return next((step.title for step in self.steps if step.name == name), name)


@dataclass(frozen=True, kw_only=True)
class Place:
    """One bullet or project on the map."""

    number: str
    text: str
    state: State
    topic: str = ""
    """Where its link leads: a topic's name; empty where there is none."""
    title: str = ""
    """The topic's title."""
    minutes: int = 0
    needs: tuple[str, ...] = ()
    """Titles of what must be mastered before, and is not."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """Bullets under one heading."""

    title: str
    places: tuple[Place, ...]


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One of the ten."""

    number: str
    title: str
    sections: tuple[Section, ...]

    @property
    def places(self) -> list[Place]:
        """All of its bullets."""
        return [place for section in self.sections for place in section.places]

    @property
    def passed(self) -> int:
        """How many are passed."""
        return sum(place.state in ("passed", "review due") for place in self.places)


@dataclass(frozen=True, kw_only=True)
class Map:
    """The whole."""

    phases: tuple[Phase, ...]
    projects: tuple[Place, ...]
    counts: dict[State, int]
    """Bullets in each state."""
    next: Place | None
    """What to do now; None: all that is written is passed."""
    due: tuple[Place, ...] = field(default=())
    """Topics to look at again."""


def draw(index: Index, reached: Reached) -> Map:
    """The map of a learner."""
    phases = tuple(_phases(index, reached))
    places = [place for phase in phases for place in phase.places]
    projects = tuple(
        _place(bullet, bullet.number, index, reached)
        for bullet in index.bullets
        if bullet.number.startswith("P")
    )
    return Map(
        phases=phases,
        projects=projects,
        counts={state: sum(place.state == state for place in places) for state in STATES},
        next=_next(index, reached),
        due=tuple(
            _of_step(step, index, reached) for step in index.steps if step.name in reached.due
        ),
    )


def _phases(index: Index, reached: Reached) -> Iterator[Phase]:
    for number, title in index.phases.items():
        sections: dict[str, list[Place]] = {}
        for bullet in index.bullets:
            if bullet.number.partition(".")[0] == number:
                place = _place(bullet, _topic_of(bullet, index), index, reached)
                sections.setdefault(bullet.section, []).append(place)
        found = tuple(Section(title=name, places=tuple(some)) for name, some in sections.items())
        yield Phase(number=number, title=title, sections=found)


def _topic_of(bullet: Bullet, index: Index) -> str:
    """The topic a bullet's link leads to: one with a lesson before one without."""
    about = [
        topic
        for topic in index.topics.values()
        if bullet.number in topic.covers or bullet.number in topic.partly
    ]
    about.sort(key=lambda topic: (not index.is_written(topic.name), bullet.number in topic.partly))
    return about[0].name if about else ""


def _place(bullet: Bullet, name: str, index: Index, reached: Reached) -> Place:
    step = next((one for one in index.steps if one.name == name), None)
    if step is None:
        return Place(number=bullet.number, text=bullet.text, state="not written")
    return _of_step(step, index, reached, number=bullet.number, text=bullet.text)


def _of_step(
    step: Step, index: Index, reached: Reached, *, number: str = "", text: str = ""
) -> Place:
    return Place(
        number=number or step.name,
        text=text or step.title,
        state=_state(step, index, reached),
        topic=step.name,
        title=step.title,
        minutes=step.minutes,
        needs=tuple(index.title(name) for name in _missing(step, index, reached.mastered)),
    )


def _state(step: Step, index: Index, reached: Reached) -> State:
    if step.name in reached.due:
        return "review due"
    if step.name in reached.mastered:
        return "passed"
    if not index.is_written(step.name):
        return "not written"
    if step.name in reached.begun:
        return "begun"
    return "locked" if _missing(step, index, reached.mastered) else "open"


def _missing(step: Step, index: Index, mastered: Collection[str]) -> list[str]:
    """What must be mastered before; what nobody has written yet holds nobody up."""
    return [name for name in step.prerequisites if index.is_written(name) and name not in mastered]


def _next(index: Index, reached: Reached) -> Place | None:
    unwritten = {step.name for step in index.steps if not index.is_written(step.name)}
    mastered = reached.mastered | unwritten
    step = catalog.next_step(index.steps, mastered, reached.begun)
    return _of_step(step, index, reached) if step else None
