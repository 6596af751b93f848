"""What exercises there are, read from the topics' files without running them.

Fast: `groundup learn status` needs no torch. `exercise.of_topic` has the checks as well.
"""

import ast
import difflib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

TOPICS = Path(__file__).parent / "topics"
_PARSING = threading.Lock()  # Python 3.11 loses count when two threads make trees at once


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An exercise's declaration; see `exercise.Exercise` for the fields."""

    name: str
    topic: str
    """`p04_transformer/attention`."""
    of: str
    title: str
    minutes: int
    hints: tuple[str, str, str]
    methods: tuple[str, ...] = ()
    version: int = 1

    @property
    def phase(self) -> str:
        """`p04_transformer`."""
        return self.topic.partition("/")[0]

    @property
    def part(self) -> str:
        """The function's or class's name."""
        return self.of.partition(":")[2]


def entries(folder: Path = TOPICS) -> list[Entry]:
    """All exercises, in the order of the folders and of their files."""
    return [one for path in sorted(folder.glob("*/*/checks.py")) for one in _declared(path, folder)]


def find(name: str, among: list[Entry] | None = None) -> Entry:
    """The exercise of this name. Raises ValueError that names the nearest."""
    there = {one.name: one for one in (entries() if among is None else among)}
    if name in there:
        return there[name]
    near = difflib.get_close_matches(name, there, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "`groundup learn status` lists them"
    raise ValueError(f"there is no exercise {name!r}; {hint}")


def _declared(path: Path, folder: Path) -> Iterator[Entry]:
    topic = path.parent.relative_to(folder).as_posix()
    known = {one.name for one in fields(Entry)}
    with _PARSING:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        call = node.value if isinstance(node, ast.Assign) else None
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "Exercise"):
            continue
        try:
            given: dict[str, Any] = {
                str(word.arg): ast.literal_eval(word.value)
                for word in call.keywords
                if word.arg in known
            }
            name = ast.literal_eval(call.args[0])
        except (ValueError, IndexError) as problem:
            raise ValueError(
                f"{path}, line {node.lineno}: an Exercise is declared with its name first, and "
                f"with plain texts and numbers, so that it can be read without running it"
            ) from problem
        yield Entry(name=name, topic=topic, **given)
