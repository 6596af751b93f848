"""The map says of every bullet what it is to this learner."""

import pytest

from groundup.course.catalog import Step
from groundup.course.syllabus import Bullet, Topic
from groundup.studio import desk
from groundup.studio.map_view import STATES, Index, Reached, draw

A, B, C = "p01_x/a", "p01_x/b", "p02_y/c"


def bullet(number, section="S"):
    return Bullet(number=number, text=f"about {number}", section=section)


def topic(name, covers, lesson="lesson.md", **more):
    return Topic(name=name, title=name[-1].upper(), covers=covers, lesson=lesson, **more)


def index(**changes):
    """A, then B, then C; C is not written; 2.1.2 belongs to nobody."""
    topics = {
        A: topic(A, ("1.1.1", "1.1.2")),
        B: topic(B, ("1.1.3",)),
        C: topic(C, ("2.1.1",), lesson=None),
        **changes,
    }
    steps = [
        Step(name=A, title="A", kind="topic", minutes=30),
        Step(name=B, title="B", kind="topic", minutes=90, prerequisites=(A,)),
        Step(name=C, title="C", kind="topic", minutes=60, prerequisites=(B,)),
        Step(name="P1", title="about P1", kind="project", minutes=600, prerequisites=(B,)),
    ]
    numbers = ["1.1.1", "1.1.2", "1.1.3", "2.1.1", "2.1.2", "P1"]
    return Index(
        bullets=[bullet(number) for number in numbers],
        phases={"1": "One", "2": "Two"},
        topics=topics,
        steps=steps,
        projects_written=frozenset({"P1"}),
    )


def states(drawn):
    places = [place for phase in drawn.phases for place in phase.places]
    return {place.number: place.state for place in [*places, *drawn.projects]}


def test_a_newcomer_finds_the_first_open_the_rest_locked_and_the_unwritten_named():
    drawn = draw(index(), Reached())
    assert states(drawn) == {
        "1.1.1": "open",
        "1.1.2": "open",
        "1.1.3": "locked",
        "2.1.1": "not written",
        "2.1.2": "not written",
        "P1": "locked",
    }
    assert drawn.next.topic == A
    locked = drawn.phases[0].places[2]
    assert locked.needs == ("A",)


def test_passing_opens_what_needs_it_and_moves_on():
    drawn = draw(index(), Reached(mastered=frozenset({A}), begun=frozenset({A})))
    assert states(drawn)["1.1.1"] == "passed"
    assert states(drawn)["1.1.3"] == "open"
    assert drawn.next.topic == B
    assert [phase.passed for phase in drawn.phases] == [2, 0]
    assert drawn.counts["passed"] == 2
    assert sum(drawn.counts.values()) == 5
    assert set(drawn.counts) == set(STATES)


def test_what_is_begun_or_due_says_so():
    reached = Reached(mastered=frozenset({A}), begun=frozenset({B}), due=frozenset({A}))
    drawn = draw(index(), reached)
    assert states(drawn)["1.1.1"] == "review due"
    assert states(drawn)["1.1.3"] == "begun"
    assert [place.topic for place in drawn.due] == [A]
    assert drawn.phases[0].passed == 2, "what is due is passed all the same"


def test_what_nobody_has_written_holds_nobody_up():
    changed = index(**{A: topic(A, ("1.1.1", "1.1.2"), lesson=None)})
    drawn = draw(changed, Reached())
    assert states(drawn)["1.1.1"] == "not written"
    assert states(drawn)["1.1.3"] == "open"
    assert drawn.next.topic == B


def test_when_all_that_is_written_is_passed_there_is_no_next():
    assert draw(index(), Reached(mastered=frozenset({A, B, "P1"}))).next is None


def test_a_bullet_in_two_topics_leads_to_the_one_that_is_written():
    other = topic(C, ("1.1.3", "2.1.1"), lesson=None)
    assert draw(index(**{C: other}), Reached()).phases[0].places[2].topic == B
    written = topic(C, (), partly={"1.1.1": "more"})
    assert draw(index(**{C: written}), Reached()).phases[0].places[0].topic == A


def test_the_real_course_has_114_bullets_and_ten_projects():
    drawn = draw(desk.read_course(), Reached())
    assert sum(drawn.counts.values()) == 114
    assert len(drawn.phases) == len(drawn.projects) == 10


@pytest.mark.parametrize("name", [A, B, C])
def test_every_place_of_a_topic_has_its_title(name):
    places = [place for phase in draw(index(), Reached()).phases for place in phase.places]
    assert {place.title for place in places if place.topic == name} == {name[-1].upper()}
