"""Skip what you know: pass the deep checks of a phase's exercises, and the plan leaves them out.

groundup learn place "phase 3"               # answers are looked for in this folder
groundup learn place attention --use ~/my-llm
groundup learn place --known logic           # or say so yourself; --unknown takes it back

An answer is a file named for its exercise, as attention.py. All of its checks must pass, core and
deep; a topic whose exercises all do is mastered. What has no answer yet is left alone.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from groundup.course import catalog, catalogue, mastery
from groundup.course.catalog import Step
from groundup.course.catalogue import Entry
from groundup.course.facts import Attempt, Claim
from groundup.course.progress import Progress

if TYPE_CHECKING:
    from groundup.course.grader import Grader


def run(arguments: list[str]) -> int:
    """Check the answers of a phase, or keep what is claimed; exit code 1 when an answer fails."""
    options = _parser().parse_args(arguments)
    progress = Progress(options.progress)
    steps = catalog.steps()
    for names, known in ((options.known, True), (options.unknown, False)):
        for topic in _topics(names, steps):
            progress.add(Claim(topic=topic.name, known=known))
            print(f"{topic.name}: {'known' if known else 'not known'}, as you say")
    if not options.goal:
        if not options.known and not options.unknown:
            raise ValueError("say what to check, as `groundup learn place 'phase 3'`")
        return 0
    folder = options.use.expanduser()
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; --use wants the one with your answers")
    topics = _topics([" ".join(options.goal)], steps)
    failed = _place(topics, folder, progress)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="groundup learn place",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = parser.add_argument
    add("goal", nargs="*", metavar="PHASE", help="a phase ('phase 3') or a topic ('attention')")
    add("--use", type=Path, default=Path(), metavar="WORKSPACE", help="the folder (this one)")
    add("--known", action="append", default=[], metavar="TOPIC", help="you know this topic")
    add("--unknown", action="append", default=[], metavar="TOPIC", help="take that back")
    add("--progress", type=Path, metavar="FILE", help="where progress is kept")
    return parser


def _topics(texts: Iterable[str], steps: Sequence[Step]) -> list[Step]:
    names = [name for text in texts for name in catalog.goals(text, steps)]
    return [step for step in steps if step.kind == "topic" and step.name in names]


def _place(topics: Sequence[Step], folder: Path, progress: Progress) -> int:
    """Check the answers there are, tell and keep what was found; how many exercises failed."""
    from groundup.course.grader import Grader

    entries = catalogue.entries()
    before = mastery.exercise_states(entries, progress.facts())
    failed = 0
    with Grader() as grader:
        for topic in topics:
            own = [entry for entry in entries if entry.topic == topic.name]
            print(f"{topic.name}: {topic.title}")
            if not own:
                print("  no exercises; --known says that you know it")
            for entry in own:
                if before[entry.name] == "mastered":
                    print(f"  passed before  {entry.name}")
                elif file := _answer(entry, folder):
                    failed += not _check(grader, entry, file, progress)
                else:
                    print(f"  no answer      {entry.name} (there is no {entry.name}.py)")
    states = mastery.states(topics, entries, progress.facts())
    print(f"{len(mastery.done(states))} of {len(topics)} topics are mastered; the plan skips them")
    return failed


def _answer(entry: Entry, folder: Path) -> Path | None:
    """The file named for the exercise, wherever in the folder; hidden folders are left out."""
    found = [
        path
        for path in sorted(folder.rglob(f"{entry.name}.py"))
        if not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    ]
    if len(found) > 1:
        raise ValueError(f"{found[0]} and {found[1]} are both {entry.name}.py; keep one")
    return found[0] if found else None


def _check(grader: "Grader", entry: Entry, file: Path, progress: Progress) -> bool:
    """Whether nothing is wrong with the answer; one that nobody wrote yet is none."""
    result = grader.grade(entry, file, tier="deep")
    if result.status == "not implemented":
        print(f"  no answer      {entry.name} ({file.name} is as it was given)")
        return True
    progress.add(
        Attempt(
            exercise=entry.name,
            version=entry.version,
            tier="deep",
            status=result.status,
            seed=result.seed,
            purpose="placement",
            results=[asdict(one) for one in result.checks],
            code=file.read_text(encoding="utf-8", errors="replace"),
        )
    )
    if result.is_passed:
        print(f"  passed         {entry.name}")
        return True
    missed = [one for one in result.checks if one.status != "passed"]
    why = missed[0].check if missed else result.message
    print(f"  {result.status:<14} {entry.name}: {why}")
    return False
