"""One person's standing, derived from the facts; derived again when the facts are others."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from groundup.course import mastery, reviews
from groundup.course.catalog import Step
from groundup.course.catalogue import Entry
from groundup.course.exercise import Tier
from groundup.course.facts import Attempt, Fact, Hint
from groundup.course.progress import Progress
from groundup.course.reviews import Review
from groundup.studio import answer_file
from groundup.studio.map_view import Reached


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What follows from the facts, whatever the hour."""

    facts: Sequence[Fact] = ()
    states: dict[str, mastery.State] = field(default_factory=dict)
    reviews: Sequence[Review] = ()


class LocalLearner:
    """The facts of one file, and what follows from them."""

    def __init__(
        self, progress: Progress, *, steps: Sequence[Step], exercises: Sequence[Entry]
    ) -> None:
        self.progress = progress
        self._steps, self._exercises = steps, exercises
        self._lock = threading.Lock()
        self._mark: object = object()
        self._known = _Known()

    def known(self) -> _Known:
        """From the facts as they are now."""
        file = self.progress.file
        beside = file.with_name(file.name + "-wal")  # new facts stand there first
        mark = answer_file.mark(file), answer_file.mark(beside)
        with self._lock:
            if mark != self._mark:
                facts = self.progress.facts()
                self._known = _Known(
                    facts=facts,
                    states=mastery.states(self._steps, self._exercises, facts),
                    reviews=reviews.reviews(self._exercises, facts),
                )
                self._mark = mark
            return self._known

    def reached(self) -> Reached:
        """What is mastered, begun, due."""
        known, now = self.known(), datetime.now(UTC)
        return Reached(
            mastered=mastery.done(known.states),
            begun=frozenset(name for name, state in known.states.items() if state == "begun"),
            due=frozenset(one.topic for one in known.reviews if one.is_due(now)),
        )

    def passed(self, exercise: str) -> Tier | None:
        """How far an exercise was passed; None: not yet."""
        tiers = {
            fact.tier
            for fact in self.known().facts
            if isinstance(fact, Attempt) and fact.exercise == exercise and fact.status == "passed"
        }
        return "deep" if "deep" in tiers else "core" if tiers else None

    def hints_shown(self, exercise: str) -> int:
        """How many of its hints."""
        levels = [
            fact.level
            for fact in self.known().facts
            if isinstance(fact, Hint) and fact.exercise == exercise
        ]
        return max((level for level in levels if level <= 3), default=0)

    def left(self) -> list[Step]:
        """All topics and projects, each with the minutes that are left of it."""
        return mastery.remaining(self._steps, self._exercises, self.known().facts)

    def pace(self) -> float:
        """Minutes needed for an estimated minute, to two digits."""
        ratio = mastery.pace(self._steps, self._exercises, self.known().facts).ratio
        return round(ratio, 2)

    def streak(self) -> int:
        """Days in a row, in this machine's time zone, on which something was learned."""
        now = datetime.now().astimezone()
        assert now.tzinfo is not None, "astimezone gives one"
        return mastery.streak(self.known().facts, now.date(), now.tzinfo)
