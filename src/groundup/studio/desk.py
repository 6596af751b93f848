"""What the pages work with: the course, one learner's workspace and progress, and who runs code.

The studio decides nothing about learning. It needs of the course what the protocols say, and shows
it; so a test can hand it a course of three topics and a grader that answers at once.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from groundup.course import catalog, catalogue, syllabus
from groundup.course.catalog import Step
from groundup.course.catalogue import Entry
from groundup.course.checking import Outcome
from groundup.course.exercise import Tier
from groundup.course.lesson_parts import Lesson
from groundup.course.progress import Progress
from groundup.course.verdict import Result
from groundup.studio.map_view import Index, Reached


class Workspace(Protocol):
    """The learner's files."""

    @property
    def folder(self) -> Path:
        """Where they lie."""

    def path(self, entry: Entry) -> Path:
        """The file of an exercise."""

    def stub(self, entry: Entry) -> str:
        """What it begins with."""

    def solution(self, entry: Entry) -> str:
        """The library's own."""

    def set_aside(self, entry: Entry) -> Path | None:
        """Move the answer away, so that one can begin anew; where it went."""


class Grader(Protocol):
    """Runs answers where they can do no harm."""

    def grade(
        self,
        exercise: Entry,
        file: Path,
        *,
        tier: Tier = "core",
        on_outcome: Callable[[Outcome], None] = ...,
    ) -> Result:
        """Check a file. Blocks; raises OSError where nothing can be run."""


class Learner(Protocol):
    """One person's facts and what follows from them."""

    @property
    def progress(self) -> Progress:
        """Where the facts are kept."""

    def reached(self) -> Reached:
        """What is mastered, begun, due."""

    def passed(self, exercise: str) -> Tier | None:
        """How far an exercise was passed; None: not yet."""

    def hints_shown(self, exercise: str) -> int:
        """How many of its hints."""

    def left(self) -> list[Step]:
        """All topics and projects, each with the minutes that are left of it."""

    def pace(self) -> float:
        """Minutes needed for an estimated minute."""

    def streak(self) -> int:
        """Days in a row on which something was learned."""


Compute = Callable[[str, str, Mapping[str, Any] | None], Awaitable[dict[str, Any]]]
"""Topic, name, values -> what the part shows. Raises ValueError, or TimeoutError after too long."""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """All of it."""

    course: Index
    tasks: Mapping[str, Entry]
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


def read_tasks() -> dict[str, Entry]:
    """Its exercises, in order."""
    return {one.name: one for one in catalogue.entries()}
