"""Code that a lesson prints, read from its file and highlighted; nothing is imported for it."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import groundup

_PACKAGE = Path(groundup.__file__).parent
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = _Function | ast.ClassDef


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A function's or a class's own text."""

    path: Path
    lines: tuple[tuple[int, str], ...]
    """Number in the file, and text."""
    title: str
    """The first sentence of its docstring."""
    statements: tuple[tuple[int, int], ...]
    """First and last line in the file, of each statement; of one with a body, its head's."""

    @property
    def code(self) -> str:
        """The text."""
        return "\n".join(text for _, text in self.lines) + "\n"

    @property
    def file(self) -> str:
        """Its file within the package."""
        return self.path.relative_to(_PACKAGE).as_posix()

    @property
    def line(self) -> int:
        """Where it begins in its file."""
        return self.lines[0][0]

    def places(self) -> dict[int, tuple[int, str]]:
        """Of each line in the file: where its statement begins here, from 1, and its whole text."""
        numbers = {line: number for number, (line, _) in enumerate(self.lines, 1)}
        texts = dict(self.lines)
        found: dict[int, tuple[int, str]] = {}
        for first, last in self.statements:
            text = "\n".join(texts[line] for line in range(first, last + 1) if line in texts)
            found |= dict.fromkeys(range(first, last + 1), (numbers[first], text))
        return found


def path_of(module: str) -> Path:
    """Where a module of the package lies. Raises ValueError when there is none."""
    first, *rest = module.split(".")
    path = _PACKAGE.joinpath(*rest).with_suffix(".py")
    if first != groundup.__name__ or not all(map(str.isidentifier, rest)) or not path.is_file():
        raise ValueError(f"{module} is no module of groundup")
    return path


def of_part(name: str, *, with_docstring: bool = True) -> Definition:
    """`groundup.room.module:function`, `...:Class` or `...:Class.method`.

    Raises ValueError when there is none.
    """
    module, colon, part = name.partition(":")
    if not colon:
        raise ValueError(f"{name!r} should read groundup.room.module:function")
    return definition(path_of(module), part, with_docstring=with_docstring)


def definition(path: Path, name: str, *, with_docstring: bool = True) -> Definition:
    """What a file defines under a name. Raises ValueError when it does not, or has a wrong syntax.

    `with_docstring` false: the text without it, for where its first sentence stands above as title.
    """
    text, found = _read(path, path.stat().st_mtime_ns)
    if name not in found:
        near = ", ".join(one for one in found if "." not in one and not one.startswith("_"))
        raise ValueError(f"{path.name} defines no {name!r}; it defines: {near or 'nothing'}")
    node = found[name]
    first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
    left_out = set() if with_docstring else _docstring_lines(node)
    numbers = range(first, (node.end_lineno or first) + 1)
    kept = [number for number in numbers if number not in left_out]
    indent = node.col_offset
    return Definition(
        path=path,
        lines=tuple((number, text[number - 1][indent:]) for number in kept),
        title=_first_sentence(ast.get_docstring(node) or ""),
        statements=tuple(span for span in _statements(node) if span[0] not in left_out),
    )


@functools.lru_cache(maxsize=256)
def _read(path: Path, _changed: int) -> tuple[list[str], dict[str, _Definition]]:
    """A file's lines, and what it defines: functions, classes, and methods as `Class.method`."""
    text = path.read_text(encoding="utf-8")
    try:
        tree = ast.parse(text)
    except SyntaxError as problem:
        raise ValueError(f"{path.name}, line {problem.lineno}: {problem.msg}") from problem
    return text.splitlines(), dict(_definitions(tree, ""))


def _definitions(tree: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, _Definition]]:
    for node in tree.body:
        if isinstance(node, _Definition):
            yield prefix + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from _definitions(node, f"{prefix}{node.name}.")


def _docstring_lines(node: _Definition) -> set[int]:
    """Of a docstring that is not all there is."""
    if ast.get_docstring(node) is None or len(node.body) == 1:
        return set()
    start, end = node.body[0].lineno, node.body[0].end_lineno or 0
    return set(range(start, node.body[1].lineno)) if start > node.lineno else set(range(start, end))


def _statements(node: ast.stmt) -> Iterator[tuple[int, int]]:
    """The node's own lines, and those of every statement in it."""
    inner = [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.stmt)]
    for case in ast.iter_child_nodes(node):
        if isinstance(case, ast.ExceptHandler | ast.match_case):
            inner += case.body
    first_inner = min((one.lineno for one in inner), default=None)
    last = node.end_lineno or node.lineno
    yield node.lineno, last if first_inner is None else max(node.lineno, first_inner - 1)
    for one in inner:
        yield from _statements(one)


def _first_sentence(docstring: str) -> str:
    paragraph = " ".join(docstring.partition("\n\n")[0].split())
    return paragraph.removesuffix(".")


def highlighted(code: str, language: str = "python") -> str:
    """Code as `<pre class="code">`, its words in spans of Pygments' short classes."""
    from pygments import highlight, lexers, util
    from pygments.formatters import HtmlFormatter

    try:
        lexer = lexers.get_lexer_by_name(language or "text", stripnl=False)
    except util.ClassNotFound as problem:
        raise ValueError(f"Pygments knows no language {language!r}; leave it out") from problem
    inner = highlight(code, lexer, HtmlFormatter(nowrap=True))
    return f'<pre class="code"><code>{inner}</code></pre>'


def style(name: str = "default") -> str:
    """CSS that colours highlighted code in one of Pygments' styles."""
    from pygments.formatters import HtmlFormatter

    return str(HtmlFormatter(style=name).get_style_defs("pre.code"))
