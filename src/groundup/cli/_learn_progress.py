"""What you have learned so far; take it to another computer, or delete it.

groundup learn progress                      # by phase; what is due for review, what is next
groundup learn progress export mine.json     # every fact in one file
groundup learn progress import mine.json     # adds what is not here yet
groundup learn progress delete               # removes everything, for good

Progress is a list of facts (attempts, hints, minutes, answers) in one file in your data folder;
what is mastered, due and planned follows from it.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from groundup.course import catalog, catalogue, mastery, reviews, syllabus
from groundup.course.catalog import Step
from groundup.course.facts import Fact
from groundup.course.mastery import State
from groundup.course.plan_formats import spoken
from groundup.course.progress import Progress

_DUE_SHOWN = 8


def run(arguments: list[str]) -> int:
    """Show, export, import or delete."""
    options = _parser().parse_args(arguments)
    progress = Progress(options.progress)
    if options.command == "export":
        count = progress.export(options.file, overwrite=options.overwrite)
        print(f"{count} facts written to {options.file}")
    elif options.command == "import":
        _import(progress, options.file)
    elif options.command == "delete":
        return _delete(progress, is_sure=options.yes)
    else:
        facts = progress.facts()
        print(f"{len(facts)} facts in {progress.file}")
        print(standing(facts, datetime.now().astimezone()))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="groundup learn progress",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--progress", type=Path, metavar="FILE", help="where progress is kept")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    export = commands.add_parser("export", help="write every fact to one JSON file")
    export.add_argument("file", type=Path)
    export.add_argument("--overwrite", action="store_true", help="also where the file is there")
    commands.add_parser("import", help="add the facts of such a file").add_argument(
        "file", type=Path
    )
    delete = commands.add_parser("delete", help="remove everything, for good")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _import(progress: Progress, file: Path) -> None:
    merged = progress.merge(file)
    print(f"{merged.added} facts added; {merged.known} were here already")
    if merged.different:
        print(f"{merged.different} of those are different in {file}; the ones here were kept")


def _delete(progress: Progress, *, is_sure: bool) -> int:
    count = len(progress.facts())
    if not is_sure:
        if not sys.stdin.isatty():
            raise ValueError("there is nobody to ask; `delete --yes` deletes without asking")
        answer = input(f"Delete {count} facts in {progress.file} for good? Type delete: ")
        if answer.strip().lower() != "delete":
            print("nothing was deleted")
            return 1
    print(f"{progress.delete()} facts deleted from {progress.file}")
    return 0


def standing(facts: Sequence[Fact], now: datetime) -> str:
    """Topics by phase and how far they are, projects, days in a row, pace, reviews, what is next.

    `now` in the learner's own time zone.
    """
    steps, exercises = catalog.steps(), catalogue.entries()
    states = mastery.states(steps, exercises, facts)
    pace = mastery.pace(steps, exercises, facts)
    days = mastery.streak(facts, now.date(), now.tzinfo) if now.tzinfo else 0
    begun = [name for name, state in states.items() if state == "begun"]
    coming = catalog.next_step(steps, mastery.done(states), begun)
    lines = ["", *_phases(steps, states), "", _projects(steps, states)]
    lines.append(f"days in a row: {days}")
    if pace.finished:
        lines.append(
            f"pace: {spoken(pace.measured)} for what was estimated at {spoken(pace.estimated)}"
        )
    lines.append(_due(exercises, facts, now))
    if coming:
        lines.append(f"next: {coming.name}, {coming.title} ({spoken(coming.minutes)})")
    return "\n".join(lines)


def _phases(steps: Sequence[Step], states: Mapping[str, State]) -> list[str]:
    columns: tuple[State, ...] = ("mastered", "known", "re-check", "begun", "new")
    lines = [f"{'':<42}" + "".join(f"{column:>10}" for column in columns)]
    for number, title in syllabus.phases().items():
        own = Counter(states[step.name] for step in steps if step.phase == number)
        cells = "".join(f"{own[column] or '.':>10}" for column in columns)
        lines.append(f"{f'{number:>2} {title}':<42}{cells}")
    return lines


def _projects(steps: Sequence[Step], states: Mapping[str, State]) -> str:
    passed = [s.name for s in steps if s.kind == "project" and states[s.name] == "mastered"]
    return f"projects passed: {', '.join(passed) or 'none'}"


def _due(exercises: Sequence[mastery.Graded], facts: Sequence[Fact], now: datetime) -> str:
    found = reviews.reviews(exercises, facts, now.tzinfo) if now.tzinfo else []
    due = [one for one in found if one.is_due(now)]
    if not due:
        first = f"; the next on {found[0].due.astimezone(now.tzinfo).date()}" if found else ""
        return f"due for review: nothing{first}"
    names = [one.name + " (changed)" * (one.why == "changed") for one in due[:_DUE_SHOWN]]
    more = f" and {len(due) - _DUE_SHOWN} more" if len(due) > _DUE_SHOWN else ""
    return f"due for review: {', '.join(names)}{more}"
