"""Each kind of directive, and the part of a lesson it becomes.

    :::{source} groundup.layers.attention:attend     the running function's text
    :::{explore} weights                             a function of figures.py
    :::{step} naive                                  a function of steps.py
    :::{trace} flow                                  a function of steps.py; with a body
    of = "groundup.layers.attention:attend"          it is this one, called by it, that is watched
    :::{check} attention                             an exercise of the topic
    :::{quiz} name / :::{predict} name               TOML: see `_quiz` and `_predict`

A directive ends with a line `:::`. What is wrong is a ValueError.
"""

import ast
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from groundup.course import lesson_files, lesson_forms, lesson_source
from groundup.course.lesson_markdown import Directive, WrongLesson, html, html_line
from groundup.course.lesson_parts import (
    ExerciseCheck,
    Explore,
    Part,
    Predict,
    Quiz,
    QuizChoice,
    Source,
    Step,
    Trace,
)

_WITHIN = 0.1
"""How near a guess must come, relative to the answer, where a lesson does not say."""


def part(topic: str, directive: Directive) -> Part:
    """What a directive becomes. Raises ValueError, in words for whoever writes the lesson."""
    if directive.kind not in _KINDS:
        raise ValueError(f"there is no directive {directive.kind!r}; there is: {', '.join(_KINDS)}")
    if not directive.argument:
        raise ValueError(f"{directive.kind} needs a name after it")
    table = _table(directive)
    made = _KINDS[directive.kind](topic, directive.argument, table)
    if table:
        raise ValueError(f"{directive.kind} knows no {next(iter(table))!r}")
    return made


def _table(directive: Directive) -> dict[str, Any]:
    """The body as TOML; what a directive reads of it, it takes out."""
    try:
        return tomllib.loads(directive.body)
    except tomllib.TOMLDecodeError as problem:
        place = re.search(r"at line (\d+)", str(problem))
        line = directive.line + (int(place[1]) if place else 0)
        raise WrongLesson(line, f"the body is no TOML: {problem}") from problem


def _source(_: str, name: str, __: dict[str, Any]) -> Source:
    found = lesson_source.of_part(name)
    html_of = lesson_source.highlighted(found.code)
    return Source(name=name, code=found.code, html=html_of, file=found.file, line=found.line)


def _explore(topic: str, name: str, _: dict[str, Any]) -> Explore:
    function = lesson_files.function(topic, "figures", name)
    title = _own(topic, "figures", name).title
    return Explore(name=name, title=title, form=lesson_forms.form(function))


def _step(topic: str, name: str, _: dict[str, Any]) -> Step:
    found = _own(topic, "steps", name)
    html_of = lesson_source.highlighted(found.code)
    return Step(name=name, title=found.title, code=found.code, html=html_of)


def _trace(topic: str, name: str, table: dict[str, Any]) -> Trace:
    own = _own(topic, "steps", name)
    of = _word(table, "of", default="")
    found = lesson_source.of_part(of, with_docstring=False) if of else own
    html_of = lesson_source.highlighted(found.code)
    return Trace(name=name, title=own.title, of=of, code=found.code, html=html_of)


def _check(topic: str, name: str, _: dict[str, Any]) -> ExerciseCheck:
    path = lesson_files.folder(topic) / "checks.py"
    names = _exercises(path) if path.is_file() else []
    if name not in names:
        there = ", ".join(names) or "none"
        raise ValueError(f"the topic has no exercise {name!r}; it has: {there}")
    return ExerciseCheck(exercise=name)


def _exercises(path: Path) -> list[str]:
    """The names that a `checks.py` declares, read without importing it."""
    calls = [
        one for one in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(one, ast.Call)
    ]
    return [
        str(call.args[0].value)
        for call in calls
        if ast.unparse(call.func) == "Exercise"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    ]


def _quiz(_: str, name: str, table: dict[str, Any]) -> Quiz:
    """`question = "..."`; then `[[choice]]`: `says`, `because` and, of one, `right = true`."""
    question = _word(table, "question")
    choices = table.pop("choice", None)
    if not isinstance(choices, list) or not all(isinstance(one, dict) for one in choices):
        raise ValueError("a quiz has [[choice]] tables")
    made = tuple(map(_quiz_choice, choices))
    if len(made) < 2 or sum(one.right for one in made) != 1:
        right = sum(one.right for one in made)
        raise ValueError(f"a quiz has two or more choices, one right; {right} of {len(made)} are")
    return Quiz(name=name, question_html=html(question), choices=made)


def _quiz_choice(table: dict[str, Any]) -> QuizChoice:
    says, because, right = _word(table, "says"), _word(table, "because"), table.pop("right", False)
    if not isinstance(right, bool) or table:
        wrong = next(iter(table), "right")
        raise ValueError(
            f"a choice has says, because and right = true or false, not this {wrong!r}"
        )
    return QuizChoice(html=html_line(says), right=right, because_html=html(because))


def _predict(topic: str, name: str, table: dict[str, Any]) -> Predict:
    """`question`, `run` (a function of steps.py), `because`; `choices = [..]` or `within = 0.1`."""
    question, run, because = (_word(table, key) for key in ("question", "run", "because"))
    choices, within = table.pop("choices", []), table.pop("within", _WITHIN)
    if not isinstance(choices, list) or not all(isinstance(one, str) for one in choices):
        raise ValueError("choices is a list of texts")
    if isinstance(within, bool) or not isinstance(within, int | float) or not 0 <= within < 1:
        raise ValueError(f"within is a part of the answer, from 0 to 1, not {within!r}")
    found = _own(topic, "steps", run)
    return Predict(
        name=name,
        question_html=html(question),
        because_html=html(because),
        choices=tuple(choices),
        within=float(within),
        run=run,
        code=found.code,
        html=lesson_source.highlighted(found.code),
    )


def _own(topic: str, kind: str, name: str) -> lesson_source.Definition:
    """A function of the topic's own file, without its docstring, whose first words are a title."""
    path = lesson_files.folder(topic) / f"{kind}.py"
    if not path.is_file():
        raise ValueError(f"the topic has no {kind}.py")
    return lesson_source.definition(path, name, with_docstring=False)


def _word(table: dict[str, Any], key: str, default: str | None = None) -> str:
    found = table.pop(key, default)
    if not isinstance(found, str) or (default is None and not found.strip()):
        raise ValueError(f'{key} = "..." is missing' if found is None else f"{key} is a text")
    return found


_KINDS: Mapping[str, Callable[[str, str, dict[str, Any]], Part]] = {
    "source": _source,
    "explore": _explore,
    "step": _step,
    "trace": _trace,
    "check": _check,
    "quiz": _quiz,
    "predict": _predict,
}
