"""A study plan as Markdown and as a calendar file, and what does not fit as a text."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from groundup.course.plan import Item, Plan, Shortfall, Week

_TITLE = "# Study plan"
_MAKER = "-//groundup//study plan//EN"


def spoken(minutes: float) -> str:
    """Minutes for people: `45 min`, `2 h`, `3 h 45 min`."""
    hours, rest = divmod(round(minutes), 60)
    parts = [f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest or not hours)
    return " ".join(parts)


def label(item: Item) -> str:
    """A topic or project in a week, with its part and its time."""
    name = f"{item.name}: {item.title}" if item.kind == "project" else item.title
    part = f"part {item.part} of {item.parts}, " if item.parts > 1 else ""
    return f"{name} ({part}{spoken(item.minutes)})"


def summary(plan: Plan) -> str:
    """The plan in two sentences."""
    if not plan.weeks:
        return "Everything up to the goal is mastered; there is nothing to plan."
    buffers = sum(week.is_buffer for week in plan.weeks)
    sums = [
        f"{spoken(minutes)} of {what}"
        for what, minutes in (
            ("theory", plan.theory_minutes),
            ("projects", plan.build_minutes),
            ("reviews", plan.review_minutes),
        )
        if minutes
    ]
    sums += [f"{buffers} buffer {_weeks(buffers)}"] * bool(buffers)
    is_measured = plan.terms.pace != 1
    pace = f" times {plan.terms.pace:.2f}, your pace" if is_measured else ""
    count = len(plan.weeks)
    return (
        f"{count} {_weeks(count)} of {plan.terms.hours:g} hours, from {plan.terms.start} to "
        f"{plan.end - timedelta(days=1)}: {', '.join(sums)}. Times are estimates{pace}."
    )


def _weeks(count: int) -> str:
    return "week" if count == 1 else "weeks"


def markdown(plan: Plan) -> str:
    """A heading a week, and a box to tick for each topic and project."""
    lines = [f"{_TITLE}, from {plan.terms.start}", "", summary(plan)]
    for week in plan.weeks:
        lines += ["", f"## Week {week.number}: {_span(week)}", "", *_ticks(week)]
    return "\n".join(lines) + "\n"


def is_markdown_plan(content: bytes) -> bool:
    """Whether `markdown` wrote this, so that a newer plan may take its place."""
    return content.startswith(_TITLE.encode())


def _span(week: Week) -> str:
    return f"{week.start} to {week.start + timedelta(days=6)}"


def _ticks(week: Week) -> Iterator[str]:
    for lane, items in (("theory", week.theory), ("build", week.build)):
        yield from (f"- [ ] {lane}: {_escaped(label(item))}" for item in items)
    if week.review:
        yield f"- [ ] reviews ({spoken(week.review)})"
    if week.is_buffer:
        yield f"- buffer after a project: {spoken(week.room)} for what took longer"


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", text)


def calendar(plan: Plan, stamp: datetime) -> bytes:
    """An iCalendar file (RFC 5545): an all-day event a week that blocks no time.

    An event is known by its week's first day, so a plan that was made anew replaces the old one
    where the calendar program merges. `stamp`: when the file is made. Raises ValueError when
    icalendar is not installed.
    """
    try:
        import icalendar
    except ImportError as problem:
        raise ValueError(
            f"icalendar is not installed ({problem}); install it with "
            "`pip install 'groundup[learn]'`"
        ) from problem
    found = icalendar.Calendar()
    found.add("prodid", _MAKER)
    found.add("version", "2.0")
    found.add("x-wr-calname", "groundup study plan")
    for week in plan.weeks:
        event = icalendar.Event()
        event.add("uid", f"groundup-week-{week.start.isoformat()}@groundup.invalid")
        event.add("dtstamp", stamp.astimezone(UTC))
        event.add("dtstart", week.start)
        event.add("dtend", week.start + timedelta(days=7))  # the first day that is not in it
        event.add("summary", _headline(week))
        event.add("description", "\n".join(_lines(week)))
        event.add("transp", "TRANSPARENT")
        found.add_component(event)
    return bytes(found.to_ical())


def is_calendar_plan(content: bytes) -> bool:
    """Whether `calendar` wrote this, so that a newer plan may take its place."""
    return content.startswith(b"BEGIN:VCALENDAR") and _MAKER.encode() in content


def _headline(week: Week) -> str:
    if week.is_buffer:
        return f"groundup, week {week.number}: buffer"
    names = [item.title if item.kind == "topic" else item.name for item in week.items]
    more = [f"and {len(names) - 2} more"] * (len(names) > 3)
    shown = names[:2] + more if more else names
    return f"groundup, week {week.number}: {', '.join(shown)}"


def _lines(week: Week) -> Iterator[str]:
    yield from (f"theory: {label(item)}" for item in week.theory)
    yield from (f"build: {label(item)}" for item in week.build)
    if week.review:
        yield f"reviews: {spoken(week.review)}"
    if week.is_buffer:
        yield f"buffer after a project: {spoken(week.room)} for what took longer"


def refusal(found: Shortfall) -> str:
    """What does not fit, and each thing that would, with its numbers."""
    terms = found.terms
    lines = [
        f"{spoken(found.minutes_needed)} of topics and projects do not fit into {terms.weeks} "
        f"weeks of {terms.hours:g} hours: with reviews and buffer weeks they take "
        f"{found.weeks_needed} weeks.",
        "",
        "What would fit:",
        f"  more weeks       --weeks {found.weeks_needed}",
    ]
    if found.hours_needed is not None:
        lines.append(f"  more hours       --hours {found.hours_needed:g}")
    if found.cuts:
        saved = sum(step.minutes for step in found.cuts)
        lines.append(
            f"  a smaller goal   without the following ({spoken(saved)} as estimated) it takes "
            f"{found.weeks_with_cuts} weeks:"
        )
        lines += [f"    --without {step.name}  {step.title}" for step in found.cuts]
    return "\n".join(lines)
