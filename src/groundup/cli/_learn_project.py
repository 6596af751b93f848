"""Run a project on your own parts, and judge it by numbers.

groundup learn project
groundup learn project transformer --brief
groundup learn project transformer --use ~/my-llm
"""

import argparse
import sys
import textwrap
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundup.course.project_run import Outcome


def run(arguments: list[str]) -> int:
    """List the projects, or run one: exit code 0 when it is passed."""
    options = _parser().parse_args(arguments)
    from groundup.course import project

    if options.name is None:
        print(listing())
        return 0
    chosen = project.find(options.name)
    if options.brief:
        print(chosen.brief.read_text(encoding="utf-8").rstrip())
        return 0
    from groundup.course import project_report, project_run
    from groundup.observe.progress import terminal

    workspace = options.use.expanduser() if options.use else None
    outcome = project_run.run(
        chosen, options.runs, workspace=workspace, progress=terminal, say=_say
    )
    page = project_report.write(outcome.folder)
    print(verdict(outcome))
    print(f"\nthe report: {page}")
    if not options.no_progress:
        _keep(outcome, options.progress)
    if options.open and not webbrowser.open(page.resolve().as_uri()):
        print("no browser could be started; open this file in one")
    return 0 if outcome.passed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="groundup learn project",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("name", nargs="?", help="a project's name or number (default: list them)")
    parser.add_argument(
        "--use", type=Path, metavar="WORKSPACE", help="the folder with your answers"
    )
    parser.add_argument("--brief", action="store_true", help="print what the project asks for")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where runs live (runs)")
    parser.add_argument("--open", action="store_true", help="open the report in the browser")
    parser.add_argument("--progress", type=Path, metavar="FILE", help="where progress is kept")
    parser.add_argument("--no-progress", action="store_true", help="do not record this run")
    return parser


def listing() -> str:
    """The projects, one a line."""
    from groundup.course import project

    lines = [f"  {one.name:<16} {one.number:<4} {one.title}" for one in project.projects()]
    last = "`groundup learn project NAME --brief` says what one asks for."
    return "\n".join(["projects that can be run:", *lines, "", last])


def verdict(outcome: "Outcome") -> str:
    """Each gate with its number and bound; where it failed, where to look."""
    lines = [""]
    width = max(len(one.gate.name) for one in outcome.verdicts)
    for one in outcome.verdicts:
        mark = "passed" if one.passed else "FAILED"
        value = "not measured" if one.value is None else f"{one.value:.3g}"
        lines.append(f"  {mark}  {one.gate.name:<{width}}  {value} ({one.gate.bound})")
        if not one.passed:
            lines += [f"          {one.problem}"] * bool(one.problem)
            lines += textwrap.wrap(
                one.gate.look, 90, initial_indent=" " * 10, subsequent_indent=" " * 10
            )
    passed = sum(one.passed for one in outcome.verdicts)
    is_done = "the project is passed" if outcome.passed else "not passed yet"
    return "\n".join([*lines, "", f"{passed} of {len(outcome.verdicts)} gates: {is_done}"])


def _keep(outcome: "Outcome", file: Path | None) -> None:
    from groundup.course.facts import ProjectRun
    from groundup.course.progress import Progress

    fact = ProjectRun(
        project=outcome.project.number, passed=outcome.passed, gates=outcome.as_json()
    )
    Progress(file).add(fact)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
