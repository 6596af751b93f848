"""Cells of Python, and the marimo notebook file that they make.

A marimo notebook is a Python module in which each cell is a function: its parameters are the names
it takes from other cells, what it returns are the names it defines. A name is defined in one cell
only, and one that begins with an underscore stays in its cell.
Source: https://docs.marimo.io/guides/coming_from/jupyter/ and files that marimo 0.25 writes.
"""

import ast
import io
import textwrap
import tokenize
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

_FORMAT = "0.25.2"
"""The version of marimo whose form of file this is."""


@dataclass(frozen=True)
class Cell:
    """One cell; its code is hidden where it only shows text."""

    code: str
    is_hidden: bool = False


def text_cell(markdown: str) -> Cell:
    """A cell that shows Markdown."""
    return Cell(f"mo.md({quoted(markdown.strip())})", is_hidden=True)


def quoted(text: str) -> str:
    """A literal of this text, raw and over several lines where that is possible, else escaped."""
    for mark in ('"""', "'''"):
        if mark not in text:
            return f"r{mark}\n{text}\n{mark}"
    return repr(text)


def notebook(says: str, cells: Sequence[Cell]) -> str:
    """The file's text. Raises ValueError when two cells define one name."""
    defines = [_defined(cell.code) for cell in cells]
    every = [name for names in defines for name in names]
    if twice := sorted({name for name in every if every.count(name) > 1}):
        raise ValueError(f"two cells define {twice[0]}; a notebook's cells share their names")
    head = f'"""{says}"""\n\nimport marimo\n\n__generated_with = "{_FORMAT}"\napp = marimo.App()\n'
    blocks = [_block(cell, names, set(every)) for cell, names in zip(cells, defines, strict=True)]
    last = 'if __name__ == "__main__":\n    app.run()\n'
    return "\n\n".join([head, *blocks, last])


def _block(cell: Cell, names: Sequence[str], every: Collection[str]) -> str:
    tree = ast.parse(cell.code)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    taken = sorted((used & set(every)) - set(names))
    mark = "@app.cell(hide_code=True)" if cell.is_hidden else "@app.cell"
    given = f"return ({', '.join(names)},)" if names else "return"
    body = textwrap.indent(f"{cell.code.strip()}\n{given}", "    ")
    return f"{mark}\ndef _({', '.join(taken)}):\n{body}\n"


def _defined(code: str) -> list[str]:
    """The names a cell defines for others, in order."""
    found: dict[str, None] = {}
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = None
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [(one.asname or one.name).partition(".")[0] for one in node.names]
            found |= dict.fromkeys(names)
        else:
            stored = [n.id for n in ast.walk(node) if _is_stored(n) and isinstance(n, ast.Name)]
            found |= dict.fromkeys(stored)
    return [name for name in found if not name.startswith("_")]


def _is_stored(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def renamed(code: str, names: Mapping[str, str]) -> str:
    """The code with names replaced, wherever they stand as words of the language."""
    lines = code.splitlines(keepends=True)
    found = list(tokenize.generate_tokens(io.StringIO(code).readline))
    for token in reversed(found):
        if token.type == tokenize.NAME and token.string in names:
            row, start = token.start
            line = lines[row - 1]
            lines[row - 1] = line[:start] + names[token.string] + line[token.end[1] :]
    return "".join(lines)
