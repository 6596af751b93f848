"""Check an exercise: the current one, one by name, or all that you wrote.

groundup learn check
groundup learn check attention --deep
groundup learn check --all

Your file runs with limits on time, memory, files and processes, and without a network where the
system allows that. It protects from accidents and tricks within reason, not from malice.
"""

import argparse

from groundup.cli import _learning, _verdict_text
from groundup.cli._learning import Desk
from groundup.course.catalogue import Entry
from groundup.course.grader import Grader


def run(arguments: list[str]) -> int:
    """Check, print, keep; exit code 1 unless all passed."""
    parser = _learning.parser("check", __doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="exercises (the current one)")
    parser.add_argument("--deep", action="store_true", help="all checks: edges, types, gradients")
    parser.add_argument("--all", action="store_true", help="every exercise that you wrote")
    parser.add_argument("--seed", type=int, help="the inputs of an earlier run")
    options = _learning.parsed(parser, arguments)
    desk = _learning.opened(options)
    entries = _entries(desk, options)
    if not entries:
        print("nothing is written yet; `groundup learn next` says what to begin with")
        return 1
    failed = 0
    with Grader() as grader:
        for entry in entries:
            failed += not _check(grader, desk, entry, options)
    return 1 if failed else 0


def _entries(desk: Desk, options: argparse.Namespace) -> list[Entry]:
    if options.all:
        return [one for one in desk.entries if desk.workspace.state(one) == "written"]
    return [desk.named(name) for name in options.names or [None]]


def _check(grader: Grader, desk: Desk, entry: Entry, options: argparse.Namespace) -> bool:
    tier = "deep" if options.deep else "core"
    path = desk.workspace.path(entry)
    result = grader.grade(entry, path, tier=tier, seed=options.seed)  # type: ignore[arg-type]
    desk.keep(entry, result)
    print(_verdict_text.text_of(result))
    if result.is_passed and not options.all:
        print(_verdict_text.what_next(result))
    return result.is_passed
