"""Plan the weeks: what to learn and build when, at the pace measured so far.

groundup learn plan --hours 25 --from 2026-12-01
groundup learn plan --goal "phase 4" --ics plan.ics --markdown plan.md
groundup learn plan                              # anew, with the hours and the goal of last time

What was planned before changes nothing: the plan holds what is not mastered yet, with its estimates
multiplied by your pace. A goal is 'whole', a phase ('phase 4'), a project ('P4') or a topic
('attention'), and asks only for what it needs.
"""

import argparse
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from groundup.course import catalog, catalogue, mastery, plan_formats
from groundup.course.facts import Setting
from groundup.course.plan import Plan, Shortfall, Terms, make_plan
from groundup.course.progress import Progress

_SETTING = "plan"
_WEEKS_SHOWN = 6
_PIPE_WIDTH = 120


def run(arguments: list[str]) -> int:
    """Print the plan and write it where asked; exit code 1 when it does not fit."""
    options = _parser().parse_args(arguments)
    progress = Progress(options.progress)
    wish = _wish(options, progress, date.today())
    steps, exercises, facts = catalog.steps(), catalogue.entries(), progress.facts()
    mastered = mastery.done(mastery.states(steps, exercises, facts))
    pace = mastery.pace(steps, exercises, facts)
    found = make_plan(
        mastery.remaining(steps, exercises, facts),
        _goals(wish, steps),
        mastered,
        Terms(
            start=date.fromisoformat(wish["start"]),
            hours=wish["hours"],
            weeks=wish["weeks"],
            pace=options.pace or pace.ratio,
        ),
    )
    if isinstance(found, Shortfall):
        print(plan_formats.refusal(found))
        return 1
    _write(options, found)
    progress.add(Setting(name=_SETTING, value=wish))
    _show(found, None if options.all else _WEEKS_SHOWN)
    if not options.pace:
        print(_about(pace))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="groundup learn plan",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = parser.add_argument
    add("--hours", type=float, help="hours a week (default: those of the last plan)")
    add("--from", dest="start", type=_day, metavar="DAY", help="2026-12-01 (default: today)")
    add("--weeks", type=int, help="how many at most (104, or those of the last plan)")
    add("--goal", help="whole, a phase, a project or a topic (whole, or that of the last plan)")
    add("--without", action="append", metavar="NAME", help="leave this out, if nothing needs it")
    add("--pace", type=float, help="minutes for an estimated minute (default: as measured)")
    add("--ics", type=Path, metavar="FILE", help="write it for a calendar program")
    add("--markdown", type=Path, metavar="FILE", help="write it as Markdown")
    add("--all", action="store_true", help=f"show all weeks, not only the first {_WEEKS_SHOWN}")
    add("--progress", type=Path, metavar="FILE", help="where progress is kept")
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; wanted one as 2026-12-01") from None


def _wish(options: argparse.Namespace, progress: Progress, today: date) -> dict[str, Any]:
    """What is asked for, and where it is not said: what was asked for last time."""
    kept = [
        fact.value
        for fact in progress.facts(Setting)
        if isinstance(fact, Setting) and fact.name == _SETTING and isinstance(fact.value, dict)
    ]
    last: dict[str, Any] = kept[-1] if kept else {}
    hours = options.hours if options.hours is not None else last.get("hours")
    if hours is None:
        raise ValueError("say how many hours a week you have, as --hours 10")
    begin = max(date.fromisoformat(last["start"]), today) if "start" in last else today
    return {
        "hours": hours,
        "start": (options.start or begin).isoformat(),
        "weeks": options.weeks if options.weeks is not None else last.get("weeks", 104),
        "goal": options.goal if options.goal is not None else last.get("goal", catalog.WHOLE),
        "without": options.without if options.without is not None else last.get("without", []),
    }


def _goals(wish: dict[str, Any], steps: Sequence[catalog.Step]) -> list[str]:
    """The names asked for, without those to leave out."""
    out = {name for text in wish["without"] for name in catalog.goals(text, steps)}
    wanted = [name for name in catalog.goals(wish["goal"], steps) if name not in out]
    needed = {step.name for step in catalog.path_to(wanted, steps, ())} & out
    if needed:
        raise ValueError(
            f"{', '.join(sorted(needed))} cannot be left out: the rest of the goal needs it"
        )
    return wanted


def _write(options: argparse.Namespace, plan: Plan) -> None:
    if options.ics:
        content = plan_formats.calendar(plan, datetime.now(UTC))
        _replace(options.ics, content, plan_formats.is_calendar_plan)
    if options.markdown:
        content = plan_formats.markdown(plan).encode()
        _replace(options.markdown, content, plan_formats.is_markdown_plan)


def _replace(file: Path, content: bytes, is_plan: Callable[[bytes], bool]) -> None:
    """Write a file; one that is there must be a plan too."""
    if file.exists() and not is_plan(file.read_bytes()):
        raise ValueError(f"{file} is there and is no study plan; give another name")
    file.write_bytes(content)
    print(f"written: {file}")


def _show(plan: Plan, most: int | None) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=True)
    for column in ("week", "from", "theory", "build", "review"):
        table.add_column(column, justify="right" if column == "week" else "left")
    for week in plan.weeks[:most]:
        theory = "\n".join(map(plan_formats.label, week.theory))
        build = "buffer" if week.is_buffer else "\n".join(map(plan_formats.label, week.build))
        review = plan_formats.spoken(week.review) if week.review else ""
        cells = (str(week.number), week.start.isoformat(), theory, build, review)
        table.add_row(*(Text(cell) for cell in cells))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    if plan.weeks:
        console.print(table)
    if most is not None and len(plan.weeks) > most:
        print(f"... and {len(plan.weeks) - most} more weeks; --all shows them")
    print(plan_formats.summary(plan))


def _about(pace: mastery.Pace) -> str:
    if not pace.finished:
        return "Nothing is measured yet; the plan follows your pace when it is."
    return (
        f"Measured so far: {plan_formats.spoken(pace.measured)} for what was estimated at "
        f"{plan_formats.spoken(pace.estimated)} ({pace.finished} finished)."
    )
