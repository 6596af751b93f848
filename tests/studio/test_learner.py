"""A learner's standing follows from the facts, and follows them."""

from datetime import UTC, datetime, timedelta

import pytest

from groundup.course.catalog import Step
from groundup.course.catalogue import Entry
from groundup.course.facts import Attempt, Hint, Study
from groundup.course.progress import Progress
from groundup.studio.learner import LocalLearner

TOPIC = "p01_x/a"


def entry(name):
    hints = ("1", "2", "3")
    return Entry(name=name, topic=TOPIC, of="m:f", title=name, minutes=20, hints=hints)


@pytest.fixture
def learner(tmp_path):
    steps = [Step(name=TOPIC, title="A", kind="topic", minutes=100)]
    progress = Progress(tmp_path / "progress.db")
    return LocalLearner(progress, steps=steps, exercises=[entry("one"), entry("two")])


def passed(name, **more):
    return Attempt(exercise=name, status="passed", **{"tier": "core", **more})


def test_nothing_done_is_nothing_reached(learner):
    reached = learner.reached()
    assert (reached.mastered, reached.begun, reached.due) == (frozenset(),) * 3
    assert learner.passed("one") is None
    assert learner.hints_shown("one") == 0
    assert learner.streak() == 0
    assert learner.pace() == 1.0


def test_reading_begins_and_passing_all_masters(learner):
    learner.progress.add(Study(about=TOPIC, minutes=3))
    assert learner.reached().begun == {TOPIC}
    learner.progress.add(passed("one"))
    assert learner.reached().begun == {TOPIC}
    learner.progress.add(passed("two", tier="deep"))
    assert learner.reached().mastered == {TOPIC}
    assert (learner.passed("one"), learner.passed("two")) == ("core", "deep")
    assert learner.streak() == 1
    assert [step.minutes for step in learner.left()] == [60]


def test_what_was_learned_long_ago_is_due(learner):
    long_ago = datetime.now(UTC) - timedelta(days=900)
    learner.progress.add(passed("one", at=long_ago), passed("two", at=long_ago))
    assert learner.reached().due == {TOPIC}


def test_facts_of_another_process_are_seen(learner):
    assert learner.passed("one") is None
    Progress(learner.progress.file).add(passed("one"))
    assert learner.passed("one") == "core"


def test_facts_are_read_once_while_they_stay_the_same(learner, monkeypatch):
    learner.progress.add(passed("one"))
    learner.reached()
    monkeypatch.setattr(Progress, "facts", lambda *args, **kwargs: pytest.fail("read again"))
    assert learner.passed("one") == "core"


def test_hints_count_to_three_and_the_solution_is_none(learner):
    learner.progress.add(Hint(exercise="one", level=2), Hint(exercise="one", level=4))
    assert learner.hints_shown("one") == 2
