"""Where text comes from: a folder is walked in one fixed order, each file is text or is not.

Nothing here decides what is good text (that is `filters`), only what is text at all.
"""

import re
import sysconfig
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path

PYTHON_SUFFIXES = (".py",)
TEXT_SUFFIXES = (
    *(".py", ".txt", ".md", ".rst", ".tex", ".org", ".adoc"),
    *(".c", ".h", ".cc", ".cpp", ".hpp", ".cs", ".go", ".java", ".js", ".ts", ".kt", ".lua"),
    *(".pl", ".php", ".r", ".rb", ".rs", ".scala", ".sh", ".sql", ".swift", ".hs", ".ml", ".jl"),
)
"""File name endings that are read from a person's own folder unless the config names others."""

_NEVER_ENTERED = {"__pycache__", "site-packages", "dist-packages", "node_modules", "venv"}
_LICENCE_NAME = re.compile(r"(licen[cs]e|copying|notice)([.\-_].*)?", re.IGNORECASE)


def standard_library() -> Path:
    """The folder of the running interpreter's standard library."""
    return Path(sysconfig.get_paths()["stdlib"])


def walk(root: Path, suffixes: Sequence[str]) -> Iterator[Path]:
    """Files below `root` with one of the endings, sorted by path; `root` itself if it is a file.

    Installed packages, caches, hidden folders and links to folders are not entered, so the walk
    ends whatever the links are, and a virtual environment is not taken for somebody's own text.
    """
    if root.is_file():
        yield root
        return
    for path in sorted(root.iterdir(), key=lambda entry: entry.name):
        if path.is_dir():
            is_hidden = path.name.startswith(".") or path.name in _NEVER_ENTERED
            if not is_hidden and not path.is_symlink() and not (path / "pyvenv.cfg").exists():
                yield from walk(path, suffixes)
        elif path.suffix.lower() in suffixes:
            yield path


def read_text(path: Path) -> str:
    """The file's text with line feeds alone between lines and without a byte order mark.

    A `.py` file is read in the encoding it declares (PEP 263), any other as UTF-8. Raises OSError
    when it cannot be read, ValueError when it is not text.
    """
    try:
        if path.suffix.lower() == ".py":
            with tokenize.open(path) as file:
                text = file.read()
        else:
            text = path.read_text(encoding="utf-8-sig")
        # a declared encoding such as utf-7 can smuggle in what UTF-8 cannot hold
        text.encode("utf-8")
    except (SyntaxError, LookupError, UnicodeError) as problem:
        raise ValueError(f"{path} is not text: {problem}") from problem
    if "\0" in text:
        raise ValueError(f"{path} is not text: it holds NUL characters")
    return text


def pieces(text: str, most_bytes: int) -> list[str]:
    """Cut a long text after blank lines (else after lines) into pieces of at most `most_bytes`.

    A line longer than that stays whole, so a piece can be longer. Joined, the pieces are the text.
    """
    if len(text.encode()) <= most_bytes:
        return [text]
    blocks = re.split(r"(?<=\n\n)(?!\n)", text)
    units = [
        line
        for block in blocks
        for line in ([block] if len(block.encode()) <= most_bytes else block.splitlines(True))
    ]
    out: list[str] = []
    held: list[str] = []
    size = 0
    for unit in units:
        if held and size + len(unit.encode()) > most_bytes:
            out.append("".join(held))
            held, size = [], 0
        held.append(unit)
        size += len(unit.encode())
    return [*out, "".join(held)] if held else out


def licence_files(root: Path) -> list[str]:
    """Names of the files beside the text that state its licence, sorted."""
    folder = root if root.is_dir() else root.parent
    return sorted(
        path.name
        for path in folder.iterdir()
        if _LICENCE_NAME.fullmatch(path.name) and path.is_file()
    )
