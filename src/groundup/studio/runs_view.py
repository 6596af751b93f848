"""What lies in `runs/`: each run's stages, and the numbers they wrote while they trained.

A curve is read from a stage's `metrics.jsonl` (see `observe.metrics`), while it is being written as
well as afterwards. Long ones are thinned to what a picture can show.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.observe import metrics
from groundup.pipeline import artifact
from groundup.studio import answer_file

METRICS = "metrics.jsonl"
MOST_POINTS = 400
_LEFT_OUT = {"step"}


@dataclass(frozen=True, kw_only=True)
class StageLine:
    """One stage of a run."""

    name: str
    status: str
    """`complete`, `not finished`, or `unreadable`."""
    seconds: float
    parts: tuple[str, ...]
    """The learner's parts that ran in it."""
    has_curve: bool


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """One run."""

    name: str
    stages: tuple[StageLine, ...]
    started: str
    """When its first stage did (UTC)."""
    has_report: bool


class Runs:
    """The runs of a folder. Curves that did not change are not read again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[Path, tuple[object, list[dict[str, Any]]]] = {}

    def all(self) -> list[RunLine]:
        """Every run, the latest first."""
        if not self.folder.is_dir():
            return []
        found = [self._run(one) for one in sorted(self.folder.iterdir()) if one.is_dir()]
        return sorted((run for run in found if run.stages), key=lambda r: r.started, reverse=True)

    def _run(self, folder: Path) -> RunLine:
        stages = [stage for path in sorted(folder.iterdir()) for stage in _stage(path)]
        return RunLine(
            name=folder.name,
            stages=tuple(line for _, line in sorted(stages, key=lambda one: one[0])),
            started=min((started for started, _ in stages if started), default=""),
            has_report=(folder / "report.html").is_file(),
        )

    def stage_folder(self, run: str, stage: str) -> Path:
        """Where a stage's files are. Raises LookupError for a name that is none of these."""
        for line in self.all():
            if line.name == run and stage in [one.name for one in line.stages]:
                return self.folder / run / stage
        raise LookupError(f"there is no stage {stage[:60]!r} of a run {run[:60]!r}")

    def curve(self, run: str, stage: str, quantity: str = "") -> dict[str, Any]:
        """Points of one quantity (first the training loss), and which other ones there are.

        Raises LookupError for names that are none, ValueError for a damaged file.
        """
        rows = self._rows(self.stage_folder(run, stage) / METRICS)
        there = quantities(rows)
        if quantity and quantity not in there:
            raise LookupError(f"{run}/{stage} did not measure {quantity[:60]!r}")
        chosen = quantity or ("loss" if "loss" in there else there[0] if there else "")
        points = [
            (float(row["step"]), float(row[chosen])) for row in rows if _is_number(row.get(chosen))
        ]
        return {
            "quantities": there,
            "quantity": chosen,
            "last_step": rows[-1]["step"] if rows else None,
            "points": shown(points),
        }

    def _rows(self, path: Path) -> list[dict[str, Any]]:
        mark = answer_file.mark(path)
        if self._read.get(path, (None, []))[0] != mark:
            self._read[path] = (mark, metrics.read(path))
        return self._read[path][1]


def _stage(folder: Path) -> Iterator[tuple[str, StageLine]]:
    """When it started, and its line, if the folder is a stage's."""
    if not folder.is_dir() or folder.name == "previous":
        return
    has_curve = (folder / METRICS).is_file()
    try:
        record = artifact.read_record(folder)
    except ValueError:
        yield (
            "",
            StageLine(
                name=folder.name, status="unreadable", seconds=0.0, parts=(), has_curve=has_curve
            ),
        )
        return
    if record is None and not has_curve:
        return
    yield (
        record.started if record else "",
        StageLine(
            name=folder.name,
            status="complete" if record and record.status == "complete" else "not finished",
            seconds=record.seconds if record else 0.0,
            parts=tuple(one["part"] for one in record.uses) if record else (),
            has_curve=has_curve,
        ),
    )


def quantities(rows: list[dict[str, Any]]) -> list[str]:
    """The names of what was measured as a number, in the order in which they came."""
    found: dict[str, None] = {}
    for row in rows:
        found |= {name: None for name, value in row.items() if _is_number(value)}
    return [name for name in found if name not in _LEFT_OUT]


def _is_number(value: object) -> bool:
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return is_one and math.isfinite(value)  # type: ignore[arg-type]


def shown(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most about `MOST_POINTS` of them."""
    if len(points) <= MOST_POINTS:
        return points
    from groundup.pipeline import report_charts  # brings matplotlib, which takes a second

    return report_charts.thinned(points, MOST_POINTS)
