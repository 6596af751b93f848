"""The file an answer is in: the page's editor and the learner's own write the same one.

Whoever saves says which text they changed. If the file holds another one by then, somebody else
saved in between, and nothing is overwritten unasked.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from groundup.pipeline.artifact import write_text_atomically

LONGEST = 1 << 20
"""Bytes of an answer."""


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What the file holds."""

    text: str
    stamp: str
    """Of this text; empty where there is no file."""


class Changed(Exception):  # noqa: N818, something to be told, no error of ours
    """The file is not the one that was edited. `now` is what it holds."""

    def __init__(self, now: Saved) -> None:
        super().__init__("the file was changed by another program meanwhile")
        self.now = now


def stamp_of(text: str) -> str:
    """Another one for another text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def read(path: Path) -> Saved | None:
    """What is there; None: no file. Raises ValueError for what no editor can show."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(content) > LONGEST:
        raise ValueError(f"{path} has {len(content):,} bytes; {LONGEST:,} are the most")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as problem:
        raise ValueError(
            f"{path} is not text in UTF-8 ({problem.reason} at byte {problem.start}); save it as "
            "UTF-8, or begin anew with reset"
        ) from problem
    return Saved(text=text, stamp=stamp_of(text))


def write(path: Path, text: str, *, based_on: str, overwrite: bool = False) -> Saved:
    """Save a text that was made from the one with the stamp `based_on`.

    Raises Changed where the file holds another text by now (and not this very one), unless
    `overwrite`; ValueError for too much of it.
    """
    if len(text.encode()) > LONGEST:
        raise ValueError(f"the answer has {len(text.encode()):,} bytes; {LONGEST:,} are the most")
    now = read(path)
    saved = Saved(text=text, stamp=stamp_of(text))
    if now == saved:
        return saved
    if now is not None and now.stamp != based_on and not overwrite:
        raise Changed(now)
    write_text_atomically(path.resolve(), text)
    return saved


def mark(path: Path) -> tuple[int, int, int] | None:
    """Cheap to ask for, and another one when the file was written; None: there is none."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino
