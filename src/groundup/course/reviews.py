"""What to review, and when: spaced repetition over passed exercises and quizzes.

The library `fsrs` models a memory by its stability (days until recall falls to 90 %) and difficulty
(Ye 2022, the FSRS-6 parameters), and sets the next review to when recall has fallen so far. What a
learner did on one day is one rating; all of it is derived from the facts, so nothing is scheduled
that could get lost.

An exercise is reviewed when it is answered anew (`purpose="review"`): running an old answer again
shows nothing about memory.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import groupby
from typing import Literal

from groundup.course.facts import Attempt, Fact, Hint, QuizAnswer
from groundup.course.mastery import Graded, exercise_states

Grade = Literal["again", "hard", "good", "easy"]
RETENTION = 0.9
"""A review is due when the chance to recall has fallen to this."""
MANY_TRIES = 3
"""More failed attempts than this on a day make a pass a hard one."""
_SOLUTION = 4
"""The hint that is the solution."""


@dataclass(frozen=True, kw_only=True)
class Review:
    """Something learned, and when to look at it again."""

    name: str
    """An exercise's name, or a quiz's as `topic:quiz`."""
    kind: Literal["exercise", "quiz"]
    topic: str
    due: datetime
    stability: float
    """Days in which the chance to recall falls to 90 %."""
    why: Literal["memory", "changed"] = "memory"
    """`changed`: the exercise has a newer version than the one that was passed."""

    def is_due(self, now: datetime) -> bool:
        """Whether it is time."""
        return self.due <= now


def reviews(exercises: Sequence[Graded], facts: Sequence[Fact], zone: tzinfo = UTC) -> list[Review]:
    """Everything learned, what is due first at the front. A day is one of the learner's `zone`.

    What the course no longer has is left out. Raises ValueError when fsrs is not installed.
    """
    topics = {one.name: one.topic for one in exercises}
    changed = {n for n, s in exercise_states(exercises, facts).items() if s == "re-check"}
    found = []
    for name, grades in exercise_grades(facts, zone).items():
        if name in topics:
            due, stability = _remembered(grades)
            is_changed = name in changed
            found.append(
                Review(
                    name=name,
                    kind="exercise",
                    topic=topics[name],
                    due=grades[-1][0] if is_changed else due,
                    stability=stability,
                    why="changed" if is_changed else "memory",
                )
            )
    for (topic, quiz), grades in quiz_grades(facts, zone).items():
        due, stability = _remembered(grades)
        found.append(
            Review(name=f"{topic}:{quiz}", kind="quiz", topic=topic, due=due, stability=stability)
        )
    return sorted(found, key=lambda one: (one.due, one.name))


def exercise_grades(
    facts: Iterable[Fact], zone: tzinfo = UTC
) -> dict[str, list[tuple[datetime, Grade]]]:
    """For each exercise that was passed: the days it was passed or reviewed, and how that went.

    The first is the day of its first pass: again when the solution was shown before, hard with
    hints, easy by placement, else good. Then each day of reviews: again when it was not passed or
    the solution was shown, hard with hints or after many tries, else good.
    """
    by_exercise: dict[str, list[Attempt | Hint]] = defaultdict(list)
    for fact in sorted(facts, key=lambda one: (one.at, one.id)):
        if isinstance(fact, Attempt | Hint):
            by_exercise[fact.exercise].append(fact)
    found = {}
    for name, events in by_exercise.items():
        first = next((n for n, one in enumerate(events) if _is_passed(one)), None)
        if first is not None:
            rest = groupby(events[first + 1 :], key=lambda one: one.at.astimezone(zone).date())
            days = [_of_review([*day]) for _, day in rest]
            found[name] = [_of_first(events[: first + 1]), *(day for day in days if day)]
    return found


def quiz_grades(
    facts: Iterable[Fact], zone: tzinfo = UTC
) -> dict[tuple[str, str], list[tuple[datetime, Grade]]]:
    """For each quiz that was answered: each day's first answer.

    Later answers of a day, given after the explanation was read, show nothing.
    """
    by_quiz: dict[tuple[str, str], list[QuizAnswer]] = defaultdict(list)
    for fact in sorted(facts, key=lambda one: (one.at, one.id)):
        if isinstance(fact, QuizAnswer):
            by_quiz[fact.topic, fact.quiz].append(fact)
    found = {}
    for key, answers in by_quiz.items():
        firsts = [
            next(day) for _, day in groupby(answers, lambda one: one.at.astimezone(zone).date())
        ]
        found[key] = [(one.at, _grade(one.right)) for one in firsts]
    return found


def _grade(is_right: bool) -> Grade:
    return "good" if is_right else "again"


def _is_passed(event: Attempt | Hint) -> bool:
    return isinstance(event, Attempt) and event.status == "passed"


def _of_first(events: Sequence[Attempt | Hint]) -> tuple[datetime, Grade]:
    """Of what happened up to the first pass, which is the last event."""
    passed = events[-1]
    assert isinstance(passed, Attempt), "the first pass is an attempt"
    levels = [one.level for one in events if isinstance(one, Hint)]
    if _SOLUTION in levels:
        return passed.at, "again"
    if levels or passed.hints_used:
        return passed.at, "hard"
    return passed.at, "easy" if passed.purpose == "placement" else "good"


def _of_review(day: Sequence[Attempt | Hint]) -> tuple[datetime, Grade] | None:
    """Of one day after the first pass; None when nothing was reviewed on it."""
    tries = [one for one in day if isinstance(one, Attempt) and one.purpose == "review"]
    if not tries:
        return None
    levels = [one.level for one in day if isinstance(one, Hint)]
    if not any(_is_passed(one) for one in tries) or _SOLUTION in levels:
        return tries[-1].at, "again"
    failed = sum(not _is_passed(one) for one in tries)
    return tries[-1].at, "hard" if levels or failed > MANY_TRIES else "good"


def _remembered(grades: Sequence[tuple[datetime, Grade]]) -> tuple[datetime, float]:
    """When it is due after these, and the memory's stability in days.

    Raises ValueError when fsrs is not installed.
    """
    try:
        from fsrs import Card, Rating, Scheduler
    except ImportError as problem:
        raise ValueError(
            f"fsrs is not installed ({problem}); install it with `pip install 'groundup[learn]'`"
        ) from problem
    # no steps within a day and no random days: the same facts always give the same plan
    scheduler = Scheduler(
        desired_retention=RETENTION, learning_steps=(), relearning_steps=(), enable_fuzzing=False
    )
    card = Card(card_id=1)
    for at, grade in grades:
        rating = Rating[grade.capitalize()]
        card, _ = scheduler.review_card(card, rating, review_datetime=at)
    assert card.stability is not None, "a card that was graded has a stability"
    return card.due, card.stability
