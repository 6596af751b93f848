"""A function run line by line: which lines ran, in what order, and what each one changed.

`sys.settrace` watches one function's first call only, so what it calls runs at full speed. After
200 lines, or 60,000 characters of values, watching ends; the function still runs to its end.
"""

import sys
from collections.abc import Callable, Mapping
from types import CodeType, FrameType, ModuleType
from typing import Any

from groundup.course.lesson_parts import TraceLine, Value
from groundup.course.lesson_values import value

_MOST_LINES = 200
_MOST_CHARACTERS = 60_000


class Recorder:
    """What was seen.

    `places`: of each line in the file, where its statement begins in the lesson, and its text.
    """

    def __init__(self, code: CodeType, places: Mapping[int, tuple[int, str]]) -> None:
        self.code, self.places = code, places
        self.lines: list[TraceLine] = []
        self.result: Value | None = None
        """What the watched call returned; None: it was never called."""
        self.is_cut = False
        self._frame: FrameType | None = None
        self._line = 0
        self._seen: dict[str, Value] = {}
        self._characters = 0

    def run(self, function: Callable[[], Any]) -> None:
        """Call the function and watch."""
        before = sys.gettrace()
        sys.settrace(self._on_call)
        try:
            function()
        finally:
            sys.settrace(before)

    def _on_call(self, frame: FrameType, event: str, _: Any) -> Any:
        if event != "call" or frame.f_code is not self.code or self._frame is not None:
            return None
        self._frame = frame
        self._line = min(self.places)  # its head: it gives the parameters their values
        return self._on_line

    def _on_line(self, frame: FrameType, event: str, given: Any) -> Any:
        if event == "line" and self.places.get(frame.f_lineno) != self.places.get(self._line):
            self._close(frame)
            self._line = frame.f_lineno
        elif event == "return":
            self._close(frame)
            self.result = value("", given)
        return self._on_line

    def _close(self, frame: FrameType) -> None:
        """Write down the statement that has just been run."""
        if self.is_cut or self._line not in self.places:
            return
        now = _locals(frame)
        changed = tuple(one for name, one in now.items() if self._seen.get(name) != one)
        self._seen = now
        number, text = self.places[self._line]
        if changed or self._line != min(self.places):
            self.lines.append(TraceLine(number=number, text=text, values=changed))
        self._characters += sum(map(_size, changed))
        self.is_cut = len(self.lines) >= _MOST_LINES or self._characters >= _MOST_CHARACTERS


def _locals(frame: FrameType) -> dict[str, Value]:
    """Variables that hold no function and no module."""
    return {
        name: value(name, one)
        for name, one in frame.f_locals.items()
        if not callable(one) and not isinstance(one, ModuleType) and name.isidentifier()
    }


def _size(one: Value) -> int:
    return len(one.text) + sum(len(cell) for row in one.rows for cell in row)
