"""What the pages work with: the course, one learner's workspace and progress, and who runs code.

The studio decides nothing about learning. It needs of the course what the protocols say, and shows
it; so a test can hand it a course of three topics and a grader that answers at once.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from groundup.course import catalog, exercise, syllabus
from groundup.course.checking import Outcome
from groundup.course.exercise import Exercise, Tier
from groundup.course.lesson_parts import Lesson
from groundup.course.progress import Progress
from groundup.studio.map_view import Index, Reached


@dataclass(frozen=True, kw_only=True)
class Task:
    """An exercise and the topic it belongs to."""

    topic: str
    exercise: Exercise


class Verdict(Protocol):
    """What a grader found; `course.verdict.Result` is one."""

    @property
    def status(self) -> str:
        """`passed` only when every check of the tier was run and passed."""

    @property
    def checks(self) -> tuple[Outcome, ...]:
        """One for each check; none when the file could not be loaded."""

    @property
    def message(self) -> str:
        """What is wrong with the file as a whole."""

    @property
    def line(self) -> int | None:
        """Its line, where that is known."""

    @property
    def output(self) -> str:
        """What the answer printed."""

    @property
    def seed(self) -> int:
        """From which the inputs were drawn."""

    @property
    def seconds(self) -> float:
        """How long it took."""


class Workspace(Protocol):
    """The learner's files."""

    @property
    def folder(self) -> Path:
        """Where they lie."""

    def path(self, exercise: Exercise) -> Path:
        """The file of an exercise."""

    def begin(self, exercise: Exercise) -> Path:
        """Its file, made from the stub where there is none."""

    def reset(self, exercise: Exercise) -> Path:
        """Set the answer aside and begin anew; where the old one went."""


class Grader(Protocol):
    """Runs answers where they can do no harm."""

    def grade(self, exercise: Exercise, file: Path, *, tier: Tier) -> Verdict:
        """Check a file. Blocks; raises OSError or ValueError where nothing can be run."""


class Learner(Protocol):
    """One person's facts and what follows from them."""

    @property
    def progress(self) -> Progress:
        """Where the facts are kept."""

    def reached(self) -> Reached:
        """What is mastered, begun, due."""


Compute = Callable[[str, str, Mapping[str, Any] | None], Awaitable[dict[str, Any]]]
"""Topic, name, values -> what the part shows. Raises ValueError, or TimeoutError after too long."""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """All of it."""

    course: Index
    tasks: Mapping[str, Task]
    """Exercises by name."""
    lesson: Callable[[str], Lesson]
    """Raises ValueError where there is none."""
    compute: Compute
    workspace: Workspace
    grader: Grader
    learner: Learner
    runs: Path
    """The folder of `groundup build`'s runs."""


def read_course() -> Index:
    """The course that came with this groundup."""
    return Index(
        bullets=tuple(syllabus.bullets()),
        phases=syllabus.phases(),
        topics={topic.name: topic for topic in syllabus.topics()},
        steps=tuple(catalog.steps()),
    )


def read_tasks() -> dict[str, Task]:
    """Its exercises."""
    return {one.name: Task(topic=topic, exercise=one) for topic, one in exercise.exercises()}
