from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from groundup.course import mastery
from groundup.course.catalog import Step
from groundup.course.facts import (
    Attempt,
    Claim,
    Hint,
    Prediction,
    ProjectRun,
    QuizAnswer,
    Setting,
    Study,
)

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Entry:
    name: str
    topic: str = "t"
    version: int = 1
    minutes: int = 30


def step(name="t", kind="topic", minutes=120):
    return Step(name=name, title=name, kind=kind, minutes=minutes)


def attempt(exercise="a", status="passed", **fields):
    return Attempt(exercise=exercise, status=status, **fields)


def state(facts, exercises=(Entry(name="a"), Entry(name="b")), of=None):
    of = of or step()
    return mastery.states([of], exercises, facts)[of.name]


# Exercises and topics


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], "new"),
        ([attempt(status="failed")], "begun"),
        ([attempt()], "mastered"),
        ([attempt(), attempt(status="failed", at=NOON + timedelta(9999))], "mastered"),
        ([attempt(version=3)], "mastered"),
        ([attempt(version=1)], "mastered"),
    ],
)
def test_an_exercise_passed_once_is_mastered(facts, expected):
    assert mastery.exercise_states([Entry(name="a")], facts) == {"a": expected}


def test_a_newer_version_asks_for_a_check_and_takes_nothing_away():
    newer = [Entry(name="a", version=2)]
    assert mastery.exercise_states(newer, [attempt()]) == {"a": "re-check"}
    again = [attempt(), attempt(version=2)]
    assert mastery.exercise_states(newer, again) == {"a": "mastered"}
    failed = [attempt(), attempt(version=2, status="failed")]
    assert mastery.exercise_states(newer, failed) == {"a": "re-check"}
    assert state([attempt()], newer) == "re-check"
    assert mastery.done({"t": "re-check"}) == {"t"}


def test_a_topic_is_mastered_when_all_its_exercises_are():
    assert state([]) == "new"
    assert state([attempt("a")]) == "begun"
    assert state([attempt("a"), attempt("b", "failed")]) == "begun"
    assert state([attempt("a"), attempt("b")]) == "mastered"
    assert state([attempt("of another topic")]) == "new"


def test_what_the_learner_claims_counts_until_it_is_taken_back():
    known = Claim(topic="t", known=True)
    assert state([known]) == "known"
    assert state([known], exercises=()) == "known"
    assert state([attempt("a"), known]) == "known"
    assert state([attempt("a"), attempt("b"), known]) == "mastered"
    assert state([known, Claim(topic="t", known=False)]) == "new"


@pytest.mark.parametrize(
    "fact",
    [
        Study(about="t", minutes=3),
        QuizAnswer(topic="t", quiz="q", choice=1, right=True),
        Prediction(topic="t", prediction="p", guess="1", truth="1"),
    ],
)
def test_reading_and_answering_begins_a_topic_but_does_not_master_it(fact):
    assert state([fact]) == "begun"
    assert state([fact], exercises=()) == "begun"


def test_a_project_is_mastered_by_a_run_that_passed():
    project = step("P1", "project")
    assert state([], of=project) == "new"
    assert state([Study(about="P1", minutes=1)], of=project) == "begun"
    runs = [ProjectRun(project="P1", passed=False)]
    assert state(runs, of=project) == "begun"
    runs.append(ProjectRun(project="P1", passed=True))
    assert state(runs, of=project) == "mastered"
    runs.append(ProjectRun(project="P1", passed=False))
    assert state(runs, of=project) == "mastered"


def test_done_is_what_opens_the_next():
    states = {"a": "new", "b": "begun", "c": "re-check", "d": "known", "e": "mastered"}
    assert mastery.done(states) == {"c", "d", "e"}


def test_what_remains_is_without_the_passed_exercises():
    exercises = [Entry(name="a", minutes=30), Entry(name="b", minutes=50)]
    for facts, minutes in [([], 120), ([attempt("a")], 90), ([attempt("a"), attempt("b")], 40)]:
        assert mastery.remaining([step()], exercises, facts)[0].minutes == minutes
    long = [Entry(name="a", minutes=500)]
    assert mastery.remaining([step()], long, [attempt("a")])[0].minutes == 1


# Days


def study(days_ago, hour=12, about="t"):
    return Study(about=about, minutes=5, at=NOON.replace(hour=hour) - timedelta(days=days_ago))


@pytest.mark.parametrize(
    ("days_ago", "expected"),
    [
        ([], 0),
        ([0], 1),
        ([1], 1),
        ([2], 0),
        ([0, 1, 2], 3),
        ([1, 2, 3], 3),
        ([0, 0, 1], 2),
        ([0, 2, 3], 1),
    ],
)
def test_a_streak_goes_back_from_today_or_yesterday(days_ago, expected):
    assert mastery.streak([study(n) for n in days_ago], date(2026, 12, 1)) == expected


def test_a_day_is_one_of_the_learners_own_zone():
    late = [study(0, hour=23), study(1, hour=23)]  # in India: the days after
    india = timezone(timedelta(hours=5, minutes=30))
    assert mastery.streak(late, date(2026, 12, 2), india) == 2
    assert mastery.streak(late, date(2026, 12, 3), india) == 2
    assert mastery.streak(late, date(2026, 12, 3), UTC) == 0


def test_settings_claims_and_hints_are_no_learning():
    idle = [
        Setting(name="plan", value=1, at=NOON),
        Claim(topic="t", known=True, at=NOON),
        Hint(exercise="a", level=1, at=NOON),
    ]
    assert mastery.streak(idle, date(2026, 12, 1)) == 0


# Pace


def pace(facts, exercises=(Entry(name="a"), Entry(name="b", minutes=50))):
    return mastery.pace([step(), step("P1", "project", 600)], exercises, facts)


def test_nothing_measured_is_the_estimate():
    assert pace([]) == mastery.Pace(ratio=1.0, measured=0, estimated=0, finished=0)
    assert pace([attempt("a"), attempt("b")]).finished == 0  # passed, and nobody looked at a clock


def test_pace_is_time_spent_against_the_estimate_with_a_prior():
    spent = [
        Study(about="t", minutes=120),
        attempt("a", "failed", seconds=3600),
        attempt("a", seconds=1800),
        attempt("b", seconds=1800),
    ]
    found = pace(spent)
    assert (found.measured, found.estimated, found.finished) == (240, 120, 1)
    assert found.ratio == pytest.approx((600 + 240) / (600 + 120))


def test_without_the_lesson_measured_only_measured_exercises_count():
    found = pace([attempt("a", seconds=600), attempt("b")])
    assert (found.measured, found.estimated) == (10, 30)


def test_what_is_not_finished_or_was_placed_says_nothing():
    assert pace([attempt("a", seconds=600), Study(about="t", minutes=500)]).finished == 0
    placed = [attempt("a", seconds=60, purpose="placement"), attempt("b", seconds=60)]
    assert pace(placed).finished == 0
    tried = [attempt("a", "failed", purpose="placement"), attempt("a", seconds=60), attempt("b")]
    assert pace(tried).finished == 1


def test_projects_count_too_and_no_pace_is_beyond_all_bounds():
    slow = [Study(about="P1", minutes=90_000), ProjectRun(project="P1", passed=True)]
    assert pace(slow).ratio == 4.0
    assert pace(slow).measured == 90_000
    many = [step(f"t{n}", minutes=6000) for n in range(9)]
    exercises = [Entry(name=f"e{n}", topic=f"t{n}") for n in range(9)]
    fast = [attempt(f"e{n}", seconds=6) for n in range(9)]
    fast += [Study(about=f"t{n}", minutes=1) for n in range(9)]
    assert mastery.pace(many, exercises, fast).ratio == 0.25
