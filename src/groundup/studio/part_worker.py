"""A process that computes what lessons show; the studio starts it, and ends it when it is late.

It reads a JSON list a line (topic, name, values) and answers each with a JSON object: `given`, or
`refused` with the words of a ValueError, or `broken` with what a lesson's code raised. What that
code prints goes nowhere.
"""

import json
import os
import sys
from typing import Any, TextIO

from groundup.course import confinement, lesson_runs
from groundup.course.confinement import Limits

MEMORY = 3 << 30
"""Bytes beyond what Python, NumPy and torch take."""


def answer(line: str) -> dict[str, Any]:
    """What one line asks for."""
    topic, name, values = json.loads(line)
    try:
        return {"given": lesson_runs.compute(topic, name, values)}
    except ValueError as problem:
        return {"refused": str(problem)}


def main() -> None:
    """Answer until there is nothing more to read."""
    import altair  # noqa: F401, loaded before the first question
    import torch  # noqa: F401, and before the limit on memory

    spoken = os.fdopen(os.dup(1), "w", encoding="utf-8")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    confinement.die_with_parent()
    confinement.limit(Limits(memory=MEMORY))
    _say(spoken, {"ready": True})
    for line in sys.stdin:
        try:
            _say(spoken, answer(line))
        except Exception as problem:  # a lesson's code may leave anything behind: a new process
            _say(spoken, {"broken": f"{type(problem).__name__}: {problem}"})
            raise


def _say(spoken: TextIO, what: dict[str, Any]) -> None:
    spoken.write(json.dumps(what) + "\n")
    spoken.flush()


if __name__ == "__main__":
    main()
