import sys
from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest

from groundup.course import plan_formats
from groundup.course.catalog import Step
from groundup.course.plan import Plan, Shortfall, Terms, make_plan
from groundup.course.plan_formats import calendar, markdown, refusal, spoken, summary

START = date(2026, 12, 28)  # so that the second week is of another year
STAMP = datetime(2026, 11, 25, 12, tzinfo=UTC)


def step(name, *prerequisites, minutes=120, title=None, kind="topic"):
    return Step(
        name=name, title=title or name, kind=kind, minutes=minutes, prerequisites=prerequisites
    )


STEPS = [
    step("p01_x/a", title="Sets, *relations* and [logic]; é→ß"),
    step("p01_x/b", "p01_x/a", minutes=800),
    step("P1", "p01_x/a", minutes=300, title="Backpropagation", kind="project"),
]


def plan(steps=STEPS, **terms):
    terms = Terms(**{"start": START, "hours": 10} | terms)
    return make_plan(steps, [one.name for one in steps], (), terms)


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0, "0 min"),
        (1, "1 min"),
        (59.6, "1 h"),
        (60, "1 h"),
        (225, "3 h 45 min"),
        (6000, "100 h"),
    ],
)
def test_minutes_are_said_in_hours(minutes, text):
    assert spoken(minutes) == text


def test_the_summary_adds_up():
    whole = plan()
    weeks = len(whole.weeks)
    assert whole.weeks[-1].is_buffer
    review = (weeks - 1) * 90
    assert summary(whole) == (
        f"{weeks} weeks of 10 hours, from 2026-12-28 to "
        f"{START + timedelta(days=7 * weeks - 1)}: 15 h 20 min of theory, 5 h of projects, "
        f"{spoken(review)} of reviews, 1 buffer week. Times are estimates."
    )
    assert "estimates times 1.50, your pace" in summary(plan(pace=1.5))
    one = summary(plan([step("p01_x/a", minutes=60)]))
    assert one.startswith("1 week of 10 hours, from 2026-12-28 to 2027-01-03: 1 h of theory. ")
    assert "nothing to plan" in summary(Plan(terms=Terms(start=START, hours=1), weeks=()))


def test_markdown_has_a_heading_a_week_and_a_box_for_each_thing():
    whole = plan()
    text = markdown(whole)
    lines = text.splitlines()
    assert lines[0] == "# Study plan, from 2026-12-28"
    assert lines[2] == summary(whole)
    weeks = [line for line in lines if line.startswith("## ")]
    assert weeks[:2] == [
        "## Week 1: 2026-12-28 to 2027-01-03",
        "## Week 2: 2027-01-04 to 2027-01-10",
    ]
    assert len(weeks) == len(whole.weeks)
    boxes = [line for line in lines if line.startswith("- [ ] ")]
    assert boxes[0] == r"- [ ] theory: Sets, \*relations\* and \[logic\]; é→ß (2 h)"
    assert boxes[1] == r"- [ ] theory: p01\_x/b (part 1 of 2, 8 h)"
    assert len(boxes) == sum(len(week.items) + bool(week.review) for week in whole.weeks)
    assert any(line.startswith("- [ ] build: P1: Backpropagation (part 1 of 2, ") for line in boxes)
    assert "- buffer after a project: 8 h 30 min for what took longer" in lines


def test_the_calendar_is_read_back_with_one_event_a_week():
    whole = plan()
    content = calendar(whole, STAMP)
    events = icalendar.Calendar.from_ical(content).walk("VEVENT")
    assert len(events) == len(whole.weeks)
    for event, week in zip(events, whole.weeks, strict=True):
        assert event.start == week.start
        assert event.end == week.start + timedelta(days=7)
        assert event.decoded("dtstamp") == STAMP
        assert event["transp"] == "TRANSPARENT"
        description = str(event["description"])
        for item in week.items:
            assert plan_formats.label(item) in description
        assert description.count("\n") == len(week.items) + bool(week.review) + week.is_buffer - 1
    assert len({event["uid"] for event in events}) == len(events)
    assert "Sets, *relations* and [logic]; é→ß" in str(events[0]["summary"])


def test_the_calendar_keeps_to_the_lines_of_the_standard():
    content = calendar(plan(), STAMP)
    lines = content.split(b"\r\n")
    assert content.endswith(b"END:VCALENDAR\r\n")
    assert b"\n" not in b"".join(lines)
    assert max(map(len, lines)) <= 75  # RFC 5545, 3.1
    assert lines.count(b"VERSION:2.0") == 1


def test_a_week_with_many_topics_has_a_short_title():
    many = plan([step(f"p01_x/{n}", minutes=60) for n in range(5)])
    [event] = icalendar.Calendar.from_ical(calendar(many, STAMP)).walk("VEVENT")
    assert event["summary"] == "groundup, week 1: p01_x/0, p01_x/1, and 3 more"


def test_a_plan_made_anew_names_its_weeks_alike():
    first = icalendar.Calendar.from_ical(calendar(plan(), STAMP)).walk("VEVENT")
    slower = plan(start=START + timedelta(weeks=1), pace=2)
    second = icalendar.Calendar.from_ical(calendar(slower, STAMP)).walk("VEVENT")
    assert second[0]["uid"] == first[1]["uid"]


def test_a_file_of_ours_is_known_and_another_is_not():
    whole = plan()
    assert plan_formats.is_markdown_plan(markdown(whole).encode())
    assert plan_formats.is_calendar_plan(calendar(whole, STAMP))
    assert not plan_formats.is_markdown_plan(b"# My notes")
    assert not plan_formats.is_calendar_plan(b"BEGIN:VCALENDAR\r\nPRODID:-//other//EN\r\n")


def test_without_icalendar_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "icalendar", None)
    with pytest.raises(ValueError, match=r"pip install 'groundup\[learn\]'"):
        calendar(plan(), STAMP)


def test_a_refusal_gives_the_numbers_and_what_would_fit():
    found = plan(hours=2, weeks=4)
    assert isinstance(found, Shortfall)
    lines = refusal(found).splitlines()
    assert lines[0] == (
        "20 h 20 min of topics and projects do not fit into 4 weeks of 2 hours: with reviews and "
        f"buffer weeks they take {found.weeks_needed} weeks."
    )
    assert f"  more weeks       --weeks {found.weeks_needed}" in lines
    assert f"  more hours       --hours {found.hours_needed:g}" in lines
    assert "    --without p01_x/b  p01_x/b" in lines
    alone = plan([step("p01_x/a", minutes=90_000)], hours=2, weeks=1)
    assert "hours  " not in refusal(alone)
    assert "smaller goal" not in refusal(alone)
