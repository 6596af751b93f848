"""A lesson as a marimo notebook, to play with: prose, steps and figures become cells.

The steps are copied into the notebook, to be changed there; the library and the figures are
imported. Private names of `steps.py` lose their underscore, since marimo keeps those in their cell.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from groundup.course import lesson, lesson_files, lesson_forms
from groundup.course.lab_cells import Cell, notebook, quoted, renamed, text_cell
from groundup.course.lesson_markdown import Directive, texts
from groundup.course.lesson_parts import Field

_LINK = re.compile(r"\[([^\]]+)\]\((?:\.\./)+[^)]+\)")
_RUNS = ("step", "trace")
_IMPORTS = "import marimo as mo\nfrom groundup.course.lesson_source import of_part"


def write(topic: str) -> str:
    """The notebook's text. Raises ValueError for what is no lesson, as `lesson.read` does."""
    read = lesson.read(topic)
    text = (lesson_files.folder(topic) / "lesson.md").read_text(encoding="utf-8")
    parts = list(texts(text))
    shown = [one.argument for one in parts if isinstance(one, Directive) and one.kind in _RUNS]
    steps = _Steps(topic, shown)
    cells = [Cell(_IMPORTS, is_hidden=True), text_cell(f"# {read.title}")]
    cells += steps.setup()
    if any(isinstance(one, Directive) and one.kind == "explore" for one in parts):
        module = f"groundup.course.topics.{topic.replace('/', '.')}"
        cells.append(Cell(f"from {module} import figures"))
    for part in parts:
        cells += (
            [text_cell(_unlinked(part))] if isinstance(part, str) else _cells(topic, part, steps)
        )
    says = f"{read.title}: a lesson to play with, written by `groundup learn lab`."
    return notebook(says, [cell for cell in cells if cell != text_cell("")])


def _unlinked(markdown: str) -> str:
    """Links to other lessons lead nowhere from a notebook: their words stay."""
    return _LINK.sub(r"*\1*", markdown).strip()


class _Steps:
    """What `steps.py` holds: a cell for each function that the lesson shows, one for the rest."""

    def __init__(self, topic: str, shown: list[str]) -> None:
        path = lesson_files.folder(topic) / "steps.py"
        self.shown = shown
        self.text = path.read_text(encoding="utf-8") if path.is_file() else ""
        private = [name for name in _top_names(self.text) if name.startswith("_")]
        self.names = {name: f"{name.strip('_')}_" for name in private}

    def setup(self) -> list[Cell]:
        """The imports, then a cell for every definition that is not shown by itself.

        One cell for all would ask for the shown ones, which ask for the imports: a circle.
        """
        imports, cells = [], []
        for node in ast.parse(self.text).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports.append(ast.unparse(node))
            elif not isinstance(node, ast.Expr) and getattr(node, "name", "") not in self.shown:
                cells.append(Cell(self._code(node)))
        return [Cell("\n".join(imports)), *cells] if imports else cells

    def _code(self, node: ast.stmt) -> str:
        first = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
        lines = self.text.splitlines()[first - 1 : node.end_lineno]
        return renamed("\n".join(lines) + "\n", self.names)

    def cell(self, name: str) -> Cell:
        """A function, and its result below it."""
        [node] = [one for one in ast.parse(self.text).body if getattr(one, "name", "") == name]
        return Cell(f"{self._code(node)}\n{name}()")


def _top_names(text: str) -> Iterator[str]:
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            yield from (one.id for one in ast.walk(node) if isinstance(one, ast.Name))


def _cells(topic: str, directive: Directive, steps: _Steps) -> list[Cell]:
    name, table = directive.argument, tomllib.loads(directive.body)
    if directive.kind in _RUNS:
        return [steps.cell(name)]
    if directive.kind == "explore":
        return _explore(topic, name)
    if directive.kind == "source":
        code = f"mo.md(f'`{name}`\\n\\n```python\\n{{of_part(\"{name}\").code}}```')"
        return [Cell(code, is_hidden=True)]
    if directive.kind == "check":
        return [text_cell(f"**Exercise**: `groundup learn check {name}`")]
    if directive.kind == "quiz":
        return [_quiz(table)]
    return [_predict(table)]


def _explore(topic: str, name: str) -> list[Cell]:
    fields = lesson_forms.form(lesson_files.function(topic, "figures", name))
    inputs = "".join(f"        {one.name!r}: {_input(one)},\n" for one in fields)
    form = f"{name}_form = mo.ui.dictionary(\n    {{\n{inputs}    }}\n)\n{name}_form"
    return [Cell(form, is_hidden=True), Cell(f"figures.{name}(**{name}_form.value)")]


def _input(field: Field) -> str:
    """The notebook's own input for a field of a form."""
    label = f"label={field.label!r}"
    if field.kind == "slider":
        low, high = (int(x) if field.is_whole else x for x in (field.low, field.high))
        step = field.step or (1 if field.is_whole else (field.high - field.low) / 100)
        bounds = f"{low!r}, {high!r}, step={step!r}, value={field.default!r}"
        return f"mo.ui.slider({bounds}, show_value=True, {label})"
    if field.kind == "choice":
        options = {str(one): one for one in field.choices}
        return f"mo.ui.dropdown({options!r}, value={str(field.default)!r}, {label})"
    if field.kind == "text":
        return f"mo.ui.text({field.default!r}, max_length={field.longest}, {label})"
    return f"mo.ui.switch({field.default!r}, {label})"


def _quiz(table: dict[str, Any]) -> Cell:
    choices = "".join(f"    {one['says']!r}: mo.md({_answer(one)!r}),\n" for one in table["choice"])
    question = f"mo.md({quoted(table['question'].strip())})"
    return Cell(f"mo.vstack([{question}, mo.accordion({{\n{choices}}})])", is_hidden=True)


def _answer(choice: dict[str, Any]) -> str:
    verdict = "Right." if choice.get("right") else "No."
    return f"**{verdict}** {_unlinked(choice['because'])}"


def _predict(table: dict[str, Any]) -> Cell:
    question = f"mo.md({quoted(table['question'].strip())})"
    answer = f"mo.vstack([{table['run']}(), mo.md({_unlinked(table['because'])!r})])"
    opened = f"mo.accordion({{'Guess first, then look': {answer}}})"
    return Cell(f"mo.vstack([{question}, {opened}])", is_hidden=True)
