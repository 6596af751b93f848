import random
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest

from groundup.course.facts import Attempt, Hint, QuizAnswer, Study
from groundup.course.reviews import exercise_grades, quiz_grades, reviews

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Entry:
    name: str
    topic: str = "t"
    version: int = 1
    minutes: int = 30


A = [Entry(name="a")]


def attempt(day=0, status="passed", minute=0, exercise="a", **fields):
    at = NOON + timedelta(days=day, minutes=minute)
    return Attempt(exercise=exercise, status=status, at=at, **fields)


def again(day, status="passed", minute=0):
    return attempt(day, status, minute, purpose="review")


def hint(day=0, level=1, minute=-1):
    return Hint(exercise="a", level=level, at=NOON + timedelta(days=day, minutes=minute))


def answer(day=0, right=True, minute=0):
    at = NOON + timedelta(days=day, minutes=minute)
    return QuizAnswer(topic="t", quiz="q", choice=0, right=right, at=at)


def grades(facts):
    return [grade for _, grade in exercise_grades(facts).get("a", [])]


# What a day was worth


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], []),
        ([attempt(status="failed")], []),
        ([Study(about="a", minutes=5)], []),
        ([attempt()], ["good"]),
        ([attempt(-1, "failed"), attempt()], ["good"]),
        ([hint(), attempt()], ["hard"]),
        ([attempt(hints_used=1)], ["hard"]),
        ([hint(level=4), attempt()], ["again"]),
        ([attempt(purpose="placement")], ["easy"]),
        ([attempt(), hint(minute=5)], ["good"]),  # shown afterwards
    ],
)
def test_the_first_pass_is_graded_by_the_help_it_needed(facts, expected):
    assert grades(facts) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([attempt(5)], []),  # the old answer, run again
        ([attempt(5, "failed")], []),
        ([again(5)], ["good"]),
        ([again(5, "failed")], ["again"]),
        ([again(5, "failed"), again(5, minute=9)], ["good"]),
        ([again(5, "failed", n) for n in range(4)] + [again(5, minute=9)], ["hard"]),
        ([hint(5), again(5)], ["hard"]),
        ([hint(5, level=4), again(5)], ["again"]),
        ([hint(4), again(5)], ["good"]),
        ([again(5, "failed"), again(6)], ["again", "good"]),
    ],
)
def test_a_day_of_reviews_is_one_grade(facts, expected):
    facts = [attempt(), *facts]
    assert grades(facts) == ["good", *expected]
    random.Random(0).shuffle(facts)
    assert grades(facts) == ["good", *expected]


def test_of_a_quiz_only_a_days_first_answer_counts():
    facts = [answer(0, right=False), answer(0, right=True, minute=3), answer(2), answer(3, False)]
    found = quiz_grades(facts)
    assert [grade for _, grade in found["t", "q"]] == ["again", "good", "again"]


def test_a_day_ends_at_the_learners_midnight():
    facts = [attempt(), again(5, "failed"), again(5, minute=11 * 60)]  # 12:00 and 23:00 UTC
    assert grades(facts) == ["good", "good"]
    tokyo = exercise_grades(facts, timezone(timedelta(hours=9)))["a"]
    assert [grade for _, grade in tokyo] == ["good", "again", "good"]


# When it is due


def test_nothing_learned_is_nothing_to_review():
    assert reviews(A, [attempt(status="failed"), Study(about="a", minutes=5)]) == []


def test_it_is_due_when_recall_has_fallen_to_nine_tenths():
    [one] = reviews(A, [attempt()])
    # a first "good" of FSRS-6 has a stability of 2.3065 days, its third parameter
    assert one.stability == pytest.approx(2.3065)
    assert one.due == NOON + timedelta(days=2)
    assert not one.is_due(NOON + timedelta(days=1, hours=23))
    assert one.is_due(NOON + timedelta(days=2))
    assert (one.name, one.kind, one.topic, one.why) == ("a", "exercise", "t", "memory")


def test_each_review_that_goes_well_lengthens_the_wait_and_a_bad_one_shortens_it():
    facts, waits = [attempt()], []
    for _ in range(4):
        [one] = reviews(A, facts)
        waits.append((one.due - facts[-1].at).days)
        facts.append(again((one.due - NOON).days))
    assert waits == sorted(set(waits))
    [before] = reviews(A, facts)
    [after] = reviews(A, [*facts, again((before.due - NOON).days, "failed")])
    assert after.stability < before.stability


def test_help_and_placement_change_the_first_wait():
    def wait(facts):
        return reviews(A, facts)[0].stability

    solution, hints = wait([hint(level=4), attempt()]), wait([hint(), attempt()])
    assert solution < hints < wait([attempt()]) < wait([attempt(purpose="placement")])


def test_the_same_facts_give_the_same_plan_in_any_order():
    facts = [attempt(), again(3), again(9, "failed"), answer(), answer(4), hint(8)]
    expected = reviews(A, facts)
    for seed in range(5):
        random.Random(seed).shuffle(facts)
        assert reviews(A, facts) == expected


def test_what_is_due_first_stands_first_and_what_is_gone_is_left_out():
    facts = [attempt(5), attempt(0, exercise="b"), attempt(0, exercise="gone"), answer(9)]
    found = reviews([Entry(name="b"), *A], facts)
    assert [one.name for one in found] == ["b", "a", "t:q"]
    assert found[2].kind == "quiz"


def test_a_newer_version_is_due_at_once_until_it_is_passed():
    newer = [Entry(name="a", version=2)]
    [one] = reviews(newer, [attempt()])
    assert (one.why, one.due) == ("changed", NOON)
    [one] = reviews(newer, [attempt(), attempt(1, version=2)])
    assert one.why == "memory"


def test_without_fsrs_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsrs", None)
    with pytest.raises(ValueError, match=r"pip install 'groundup\[learn\]'"):
        reviews(A, [attempt()])
