"""Numbers of a run, one JSON object a line: written as they come, readable while they come.

JSONL is always written; anything that draws (the report, TensorBoard) reads from it. A file that
was cut off in the middle of a line by a crash stays readable, and a resumed run first drops what
lies beyond the step it resumes from, so no step stands in the file twice.
"""

import json
import os
from pathlib import Path
from typing import Any


class Metrics:
    """Appends rows to a JSONL file; each row has a `step`.

    `resume_at`: rows with `step >= resume_at` are dropped first (0 starts afresh).
    """

    def __init__(self, path: Path, *, resume_at: int = 0) -> None:
        rows = [row for row in read(path) if row["step"] < resume_at] if resume_at else []
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        os.replace(partial, path)
        self._file = path.open("a", encoding="utf-8")

    def write(self, step: int, **values: Any) -> None:
        """Append one row and flush it, so that a reader sees it at once."""
        self._file.write(json.dumps({"step": step, **values}) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file; writing after this is an error."""
        self._file.close()


def read(path: Path) -> list[dict[str, Any]]:
    """All complete rows of a metrics file (none if there is none); a torn last line is ignored."""
    if not path.exists():
        return []
    rows = []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(json.loads(line))
        except ValueError as problem:
            if number == len(lines):
                break
            raise ValueError(f"{path}, line {number} is not JSON: {problem}") from problem
    return rows
