"""The file a learner begins with: the library's own source, bodies cut out, docstrings kept.

Nothing is written twice. The signature, the docstring, the legend of the letters in names and the
imports are those of the module the exercise is cut from, so a stub cannot fall behind the library.
What the part calls in its own module is imported from there; of a class, what asks for the class
itself stands in the file instead, so that it asks for the learner's.
"""

import ast
import copy
import importlib
import inspect
import textwrap
from collections.abc import Iterable, Sequence

from groundup.course.exercise import Exercise

_BODY = 'raise NotImplementedError("write me")'
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = _Function | ast.ClassDef


def stub(exercise: Exercise) -> str:
    """The file's text, the body of the function, or of the methods to write, cut out."""
    return _file(exercise, is_cut=True)


def solution(exercise: Exercise) -> str:
    """The same file, with the library's own body."""
    return _file(exercise, is_cut=False)


def _file(exercise: Exercise, *, is_cut: bool) -> str:
    module_name = exercise.of.partition(":")[0]
    text = inspect.getsource(importlib.import_module(module_name))
    tree = ast.parse(text)
    [node] = [n for n in tree.body if isinstance(n, _Definition) and n.name == exercise.part]
    lines: list[str | None] = [*text.splitlines()]
    if is_cut:
        for function in _to_write(exercise, node):
            _cut(lines, function)
    marks = {mark.lineno for mark in node.decorator_list if ast.unparse(mark) == "replaceable"}
    first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
    kept = [lines[i - 1] for i in range(first, (node.end_lineno or first) + 1) if i not in marks]
    part = "\n".join(line for line in kept if line is not None)
    along = _along(tree, node)
    imports = "\n".join(_imports(tree, [node, *along], module_name))
    given = ["\n\n" + (ast.get_source_segment(text, one) or "") for one in along]
    return "\n".join([_head(exercise, tree), imports, "", part, *given]) + "\n"


def _along(tree: ast.Module, node: _Definition) -> list[_Function]:
    """The module's functions that a class calls and that ask for the class in their bodies."""
    if not isinstance(node, ast.ClassDef):
        return []
    functions = [one for one in tree.body if isinstance(one, _Function)]
    called = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    return [one for one in functions if one.name in called and node.name in _asked_for(one)]


def _asked_for(function: _Function) -> set[str]:
    """The names its statements use, types left out."""
    walks = (ast.walk(_Untyped().visit(copy.deepcopy(statement))) for statement in function.body)
    return {one.id for walk in walks for one in walk if isinstance(one, ast.Name)}


class _Untyped(ast.NodeTransformer):
    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return ast.Assign([node.target], node.value) if node.value else ast.Pass()


def _to_write(exercise: Exercise, node: _Definition) -> list[_Function]:
    if not isinstance(node, ast.ClassDef):
        return [node]
    methods = {one.name: one for one in node.body if isinstance(one, _Function)}
    return [methods[name] for name in exercise.methods]


def _cut(lines: list[str | None], function: _Function) -> None:
    """Put one line in the place of a body; the docstring stays. Line numbers stay too."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    after_docstring = function.body[0].end_lineno or 0
    first = body[0].lineno if body else after_docstring + 1
    for number in range(first, (function.end_lineno or 0) + 1):
        lines[number - 1] = None
    if function.body[0].lineno == function.lineno:  # `def f(): ...` on one line
        raise ValueError(f"{function.name} is written on one line; an exercise needs a body to cut")
    lines[first - 1] = " " * function.body[0].col_offset + _BODY


def _head(exercise: Exercise, tree: ast.Module) -> str:
    """What it is, how it is checked, and the module's legend of letters."""
    paragraphs = (ast.get_docstring(tree) or "").split("\n\n")
    legend = [paragraph for paragraph in paragraphs if paragraph.startswith("Legend")]
    said = [
        f"{exercise.title}.",
        f"Check it with `groundup learn check {exercise.name}`; stuck: `groundup learn hint`.",
        *legend,
    ]
    filled = (textwrap.fill(" ".join(one.split()), 100) for one in said)
    return '"""' + "\n\n".join(filled) + '\n"""\n'


def _imports(tree: ast.Module, nodes: Sequence[_Definition], module_name: str) -> Iterable[str]:
    """The module's imports that the definitions use, and its own names from the module."""
    used = {one.id for node in nodes for one in ast.walk(node) if isinstance(one, ast.Name)}
    from_module: list[str] = []
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            names = [n for n in statement.names if (n.asname or n.name).split(".")[0] in used]
            names = [n for n in names if n.name != "replaceable"]
            if names:
                kept = type(statement)(**{**vars(statement), "names": names})
                yield ast.unparse(kept)
        elif statement not in nodes:
            from_module += [name for name in _defines(statement) if name in used]
    if from_module:
        yield f"from {module_name} import {', '.join(sorted(from_module))}"


def _defines(statement: ast.stmt) -> list[str]:
    if isinstance(statement, _Definition):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [name.id for name in statement.targets if isinstance(name, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    return []
