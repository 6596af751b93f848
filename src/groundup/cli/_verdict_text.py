"""A result of the grader as text for a terminal."""

import textwrap
from collections.abc import Iterator

from groundup.course.case import Finding
from groundup.course.checking import Outcome
from groundup.course.verdict import Result

_WIDTH = 17
_INDENT = " " * 4


def text_of(result: Result) -> str:
    """All of it: each check, what was otherwise, what was printed.

    The first check that did not pass is told in full, with its inputs; of the others, what and
    where.
    """
    return "\n".join(_lines(result))


def _lines(result: Result) -> Iterator[str]:
    passed = sum(one.status == "passed" for one in result.checks)
    count = f", {passed} of {len(result.checks)} checks" if result.checks else ""
    yield f"{result.exercise}: {result.status}{count} ({result.tier}, {result.seconds:.2f} s)"
    if result.message:
        yield textwrap.indent(result.message, _INDENT)
    is_first = True
    for outcome in result.checks:
        yield f"  {outcome.status:<{_WIDTH}}{outcome.check}"
        if outcome.status in ("failed", "error"):
            yield from _reasons(outcome, in_full=is_first)
            is_first = False
    if result.output:
        yield "it printed:"
        yield textwrap.indent(result.output.rstrip("\n"), "  | ")
    if result.status != "passed":
        yield f"in {result.file}, with seed {result.seed}"


def _reasons(outcome: Outcome, *, in_full: bool) -> Iterator[str]:
    if outcome.problem:
        yield textwrap.indent(outcome.problem, _INDENT)
    if outcome.mistake:
        yield textwrap.indent(f"a known mistake: {outcome.mistake}", _INDENT)
    if outcome.finding:
        yield from _found(outcome.finding, in_full=in_full)


def _found(finding: Finding, *, in_full: bool) -> Iterator[str]:
    yield textwrap.indent(finding.says, _INDENT)
    if in_full:
        for name, value in finding.given.items():
            yield _entry(name, value)
        yield from _named(("got", finding.got), ("expected", finding.expected))
    yield from _named(("where", finding.where), ("tolerance", finding.tolerance))


def _named(*pairs: tuple[str, str]) -> Iterator[str]:
    yield from (_entry(name, value) for name, value in pairs if value)


def _entry(label: str, text: str) -> str:
    """A short value beside its name, a table below it."""
    if "\n" not in text:
        return f"{_INDENT}{label:<{_WIDTH - 4}}  {text}"
    return f"{_INDENT}{label}\n{textwrap.indent(text, _INDENT * 2)}"


def what_next(result: Result) -> str:
    """What a learner does after a pass."""
    name = result.exercise
    deep = f"`groundup learn check {name} --deep` asks for the edges; "
    return (
        f"{deep if result.tier == 'core' else ''}`groundup learn solution {name}` shows the "
        "library's own"
    )
