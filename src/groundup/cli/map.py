"""Show the rooms of the house, floor by floor, and what is in them.

groundup map
groundup map layers
"""

import argparse
import ast
import shutil
import textwrap
from pathlib import Path

CHAPTER = "look"
FLOORS = (
    ("people", (("cli",), ("studio",), ("course",), ("recipes",), ("pipeline",))),
    ("running", (("operate",), ("serve",))),
    ("proving", (("align",), ("finetune", "compress", "evaluate"))),
    ("making", (("train",), ("data", "parallel", "scaling"))),
    ("parts", (("inference", "safety"), ("checkpoints",), ("models",))),
    ("parts", (("layers", "optimizers", "tokenizers"),)),
    ("ground", (("autograd", "classical"), ("maths", "observe", "kernels"))),
)
"""Rooms from the top down; a room imports only from rooms below its own group."""
_HOUSE = Path(__file__).parent.parent


def run(arguments: list[str]) -> int:
    """Print the whole house, or one room."""
    parser = argparse.ArgumentParser(
        prog="groundup map", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("room", nargs="?", help="show this room's files")
    room = parser.parse_args(arguments).room
    print(house() if room is None else one_room(room))
    return 0


def rooms() -> list[str]:
    """The names of all rooms, from the top floor down."""
    return [room for _, groups in FLOORS for group in groups for room in group]


def house() -> str:
    """Every room with the number of its files and what it is for; an empty one says so."""
    lines = []
    floor_before = ""
    for floor, groups in FLOORS:
        for room in (room for group in groups for room in group):
            count = len(files(room))
            stock = f"{count:>2} file{'s' if count != 1 else ' '}" if count else "empty   "
            label = floor if floor != floor_before else ""
            lines += _entry(f"{label:<8} {room:<12} {stock:<9} ", _summary(_HOUSE / room))
            floor_before = floor
    empty = [room for room in rooms() if not files(room)]
    lines.append("")
    lines.append("Imports only point down. `groundup map ROOM` lists a room's files.")
    if empty:
        lines.append(f"{len(empty)} of {len(rooms())} rooms are still empty.")
    return "\n".join(lines)


def _entry(head: str, text: str) -> list[str]:
    """The head and the text beside it, wrapped under itself."""
    width = max(60, shutil.get_terminal_size((100, 24)).columns)
    return textwrap.wrap(text, width, initial_indent=head, subsequent_indent=" " * len(head))


def one_room(room: str) -> str:
    """The files of a room with their first lines. Raises ValueError for a room there is not."""
    if room not in rooms():
        raise ValueError(f"there is no room {room!r}; there are: {', '.join(rooms())}")
    lines = [f"{room}: {_summary(_HOUSE / room)}", ""]
    for path in files(room):
        lines += _entry(f"  {path.name:<20} ", _summary(path))
    return "\n".join(lines if files(room) else [*lines, "  empty"])


def files(room: str) -> list[Path]:
    """A room's modules, without its `__init__`."""
    return sorted(path for path in (_HOUSE / room).glob("*.py") if path.stem != "__init__")


def _summary(path: Path) -> str:
    """First line of a module's or room's docstring, read without importing it."""
    source = path / "__init__.py" if path.is_dir() else path
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]
