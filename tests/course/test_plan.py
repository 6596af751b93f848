import math
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.course import catalog
from groundup.course.catalog import Step
from groundup.course.plan import MOST_HOURS, Plan, Shortfall, Terms, make_plan

START = date(2026, 12, 1)


def topic(name, *prerequisites, minutes=120):
    return Step(name=name, title=name, kind="topic", minutes=minutes, prerequisites=prerequisites)


def project(name, *prerequisites, minutes=600):
    return Step(name=name, title=name, kind="project", minutes=minutes, prerequisites=prerequisites)


def planned(steps, *, goals=None, mastered=(), **terms):
    goals = [step.name for step in steps] if goals is None else goals
    terms = Terms(**{"start": START, "hours": 10, "weeks": 5200} | terms)
    return make_plan(steps, goals, mastered, terms)


@st.composite
def courses(draw):
    """Topics that each come after what they need, then projects that need some of them."""
    minutes = st.integers(1, 900)
    names = [f"p01_x/{n}" for n in range(draw(st.integers(0, 10)))]
    topics = [
        topic(name, *draw(st.sets(st.sampled_from(names[:n]))) if n else (), minutes=draw(minutes))
        for n, name in enumerate(names)
    ]
    projects = [
        project(
            f"P{n}",
            *draw(st.sets(st.sampled_from(names))) if names else (),
            minutes=draw(st.integers(1, 3000)),
        )
        for n in range(draw(st.integers(0, 4)))
    ]
    return topics + projects


@st.composite
def requests(draw):
    steps = draw(courses())
    names = [step.name for step in steps]
    goals = draw(st.sets(st.sampled_from(names))) if names else set()
    mastered = draw(st.sets(st.sampled_from(names))) if names else set()
    hours = draw(st.floats(1, MOST_HOURS) | st.integers(1, 80))
    pace = draw(st.floats(0.25, 4))
    plan = planned(steps, goals=sorted(goals), mastered=mastered, hours=hours, pace=pace)
    wanted = catalog.path_to(sorted(goals), steps, mastered)
    return plan, {step.name: step for step in wanted}, mastered


def weeks_of(plan):
    """For each step, the weeks in which it stands, by their place."""
    found = {}
    for place, week in enumerate(plan.weeks):
        for item in week.items:
            found.setdefault(item.name, []).append(place)
    return found


# What holds of every plan


@given(requests())
def test_no_week_exceeds_its_hours_and_each_minute_is_accounted_for(request):
    plan, _, _ = request
    for week in plan.weeks:
        assert week.minutes <= plan.terms.hours * 60
        assert week.minutes + week.room == math.floor(plan.terms.hours * 60)
        assert week.review >= 0
        assert week.room >= 0
        assert all(item.minutes > 0 for item in week.items)


@given(requests())
def test_everything_is_planned_once_at_the_pace_and_nothing_else_is(request):
    plan, wanted, mastered = request
    total = Counter()
    for week in plan.weeks:
        for item in week.items:
            total[item.name] += item.minutes
    assert set(total) == set(wanted)
    assert not set(total) & set(mastered)
    for name, minutes in total.items():
        assert minutes == max(1, math.ceil(wanted[name].minutes * plan.terms.pace))


@given(requests())
def test_prerequisites_come_first(request):
    plan, wanted, _ = request
    where = weeks_of(plan)
    order = [item.name for week in plan.weeks for item in week.theory]
    for step in wanted.values():
        for name in set(step.prerequisites) & set(wanted):
            if step.kind == "project":
                assert where[name][-1] < where[step.name][0]
            else:
                last = len(order) - 1 - order[::-1].index(name)
                assert last < order.index(step.name)


@given(requests())
def test_a_buffer_week_follows_each_project_and_no_other(request):
    plan, wanted, _ = request
    ends = {
        place
        for place, week in enumerate(plan.weeks)
        for item in week.build
        if item.part == item.parts
    }
    buffers = {place for place, week in enumerate(plan.weeks) if week.is_buffer}
    assert buffers == {place + 1 for place in ends}
    assert len(ends) == sum(step.kind == "project" for step in wanted.values())
    assert all(not plan.weeks[place].items for place in buffers)


@given(requests())
def test_parts_are_numbered_and_weeks_follow_each_other(request):
    plan, _, _ = request
    seen = Counter()
    parts = Counter(item.name for week in plan.weeks for item in week.items)
    for place, week in enumerate(plan.weeks):
        assert week.number == place + 1
        assert week.start == plan.terms.start + timedelta(weeks=place)
        assert len({item.name for item in week.items}) == len(week.items)
        for item in week.items:
            seen[item.name] += 1
            assert (item.part, item.parts) == (seen[item.name], parts[item.name])


@given(requests())
def test_a_week_is_left_with_room_only_where_there_is_nothing_to_put_there(request):
    plan, wanted, _ = request
    ends = {name: places[-1] for name, places in weeks_of(plan).items()}
    for place, week in enumerate(plan.weeks):
        topics_left = any(ends[n] > place for n, step in wanted.items() if step.kind == "topic")
        if topics_left and not week.is_buffer:
            assert week.room < 15


# Lanes and shares


def test_the_lanes_overlap_and_have_their_shares():
    steps = [topic("a", minutes=60)]
    steps += [topic(f"t{n}", minutes=600) for n in range(20)]
    steps += [project("P1", "a", minutes=600)]
    plan = planned(steps, hours=20)
    first, second = plan.weeks[:2]
    assert (first.review, first.build) == (0, ())  # nothing learned yet, nothing open
    assert sum(item.minutes for item in second.theory) == 0.65 * 1200
    assert sum(item.minutes for item in second.build) == 0.20 * 1200
    assert second.review == 0.15 * 1200
    assert plan.weeks[3].build[0].minutes == 120  # the rest of it, and theory takes what is left
    assert plan.weeks[3].room == 0
    assert plan.weeks[4].is_buffer
    after = plan.weeks[5]
    assert sum(item.minutes for item in after.theory) == 0.85 * 1200  # the build lane is idle


def test_when_theory_is_done_the_project_has_the_whole_week():
    plan = planned([topic("a", minutes=60), project("P1", "a", minutes=2000)], hours=10)
    assert [sum(i.minutes for i in week.build) for week in plan.weeks] == [0, 510, 510, 510, 470, 0]


def test_what_is_mastered_before_is_reviewed_from_the_first_week():
    plan = planned([topic("a"), topic("b", "a", minutes=1000)], mastered={"a"})
    assert plan.weeks[0].review == 90


def test_nothing_to_do_is_an_empty_plan():
    plan = planned([topic("a")], mastered={"a"})
    assert plan.weeks == ()
    assert plan.end == START


def test_a_goal_is_reached_by_the_least():
    steps = [topic("a"), topic("b"), topic("c", "a")]
    names = [item.name for week in planned(steps, goals=["c"]).weeks for item in week.items]
    assert names == ["a", "c"]
    with pytest.raises(ValueError, match="no topic or project 'z'"):
        planned(steps, goals=["z"])


def test_a_slower_pace_makes_the_plan_longer_in_proportion():
    steps = [topic(f"t{n}", minutes=510) for n in range(10)]
    assert len(planned(steps).weeks) == 10
    assert len(planned(steps, pace=2.0).weeks) == 20
    assert planned(steps, pace=0.5).theory_minutes == 2550


def test_the_real_course_fits_into_two_years_of_25_hours():
    steps = catalog.steps()
    plan = make_plan(steps, catalog.goals("whole", steps), (), Terms(start=START, hours=25))
    assert isinstance(plan, Plan)
    assert len(weeks_of(plan)) == len(steps)
    in_both = [week for week in plan.weeks if week.theory and week.build]
    assert len(in_both) > 5


# When it does not fit


LONG = [topic(f"t{n}", minutes=600) for n in range(4)]
LONG += [topic("small", minutes=100), project("P1", "t0", minutes=1200)]


@pytest.mark.parametrize("weeks", range(5, 11))
def test_hours_that_do_not_fit_are_refused_with_what_would_fit(weeks):
    found = planned(LONG, hours=5, weeks=weeks)
    assert isinstance(found, Shortfall)
    assert found.minutes_needed == 4 * 600 + 100 + 1200
    assert found.weeks_needed == len(planned(LONG, hours=5).weeks) > weeks
    assert isinstance(planned(LONG, hours=found.hours_needed, weeks=weeks), Plan)
    assert isinstance(planned(LONG, hours=found.hours_needed - 0.5, weeks=weeks), Shortfall)


def test_the_cuts_make_it_fit_and_nothing_kept_needs_them():
    found = planned(LONG, hours=5, weeks=10)
    cut = {step.name for step in found.cuts}
    kept = [step for step in LONG if step.name not in cut]
    plan = planned(kept, hours=5, weeks=10)
    assert isinstance(plan, Plan)
    assert len(plan.weeks) == found.weeks_with_cuts <= 10
    assert found.cuts[0].name == "P1"  # the longest that nothing needs
    assert not any(set(step.prerequisites) & cut for step in kept)


@given(courses(), st.integers(1, 20), st.integers(1, 30))
def test_every_shortfall_is_true(steps, hours, weeks):
    found = planned(steps, hours=hours, weeks=weeks)
    if isinstance(found, Plan):
        assert len(found.weeks) <= weeks
        return
    assert found.weeks_needed == len(planned(steps, hours=hours).weeks) > weeks
    if found.hours_needed is not None:
        assert isinstance(planned(steps, hours=found.hours_needed, weeks=weeks), Plan)
    cut = {step.name for step in found.cuts}
    kept = [step for step in steps if step.name not in cut]
    assert not any(set(step.prerequisites) & cut for step in kept)
    if cut:
        assert len(planned(kept, hours=hours).weeks) == found.weeks_with_cuts <= weeks


def test_one_goal_cannot_be_cut_and_some_work_fits_in_no_week():
    found = planned(LONG, goals=["P1"], hours=1, weeks=1)
    assert found.cuts == ()
    assert found.hours_needed is None


# Terms


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("hours", 0.5, "0.5 hours a week; wanted 1 to 80"),
        ("hours", 81, "81 hours a week"),
        ("hours", math.nan, "nan hours a week"),
        ("weeks", 0, "a horizon of 0 weeks; wanted 1 to 5200"),
        ("weeks", 10**9, "a horizon of 1000000000 weeks"),
        ("pace", 0, "a pace of 0; wanted 0.1 to 10"),
        ("pace", math.inf, "a pace of inf"),
        ("start", date(9999, 1, 1), "the plan starts on 9999-01-01; wanted a year from 1970"),
    ],
)
def test_terms_that_nobody_can_keep_are_refused(field, value, message):
    with pytest.raises(ValueError, match=message):
        replace(Terms(start=START, hours=25), **{field: value})
