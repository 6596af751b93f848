"""What a run's folder says, read for the report: files that may be there, and the key figures.

A run that is not finished has a report too. So a file that is absent is empty here, never an
error; a file that is there but damaged is one (ValueError with its path), because a report that
silently left it out would lie.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.observe import metrics
from groundup.observe.progress import human_time
from groundup.pipeline import artifact

STAGES = ("corpus", "tokenizer", "shards", "pretrain", "instruct", "evaluate")
"""The stages a report shows, in the order in which they run."""


PRETRAINED = "pretrain/result.json"


class Run:
    """The folder of one run.

    Raises ValueError when the folder is absent or no stage in it has begun.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.is_dir():
            raise ValueError(f"there is no run at {folder}; `groundup build` makes one")
        found = {stage: artifact.read_record(folder / stage) for stage in STAGES}
        self.records = {stage: record for stage, record in found.items() if record is not None}
        if not self.records:
            raise ValueError(
                f"{folder} holds none of the stages {', '.join(STAGES)}, so there is nothing to "
                "report; give the folder of a run, as in runs/stdlib"
            )

    @property
    def name(self) -> str:
        """The run's name: that of its folder."""
        return self.folder.resolve().name

    def is_complete(self, stage: str) -> bool:
        """Whether the stage has run to its end."""
        record = self.records.get(stage)
        return record is not None and record.status == "complete"

    def has_model(self, stage: str) -> bool:
        """Whether the stage has left a model."""
        return (self.folder / stage / "model" / "config.json").is_file()

    def gaps(self) -> list[str]:
        """A sentence for each stage whose results are not all there."""
        return [f"{stage} {self.state(stage)}" for stage in STAGES if not self.is_complete(stage)]

    def state(self, stage: str) -> str:
        """How far the stage is, as the end of a sentence that begins with its name."""
        if stage not in self.records:
            return "has not run yet"
        if not self.is_complete(stage):
            return f"is not finished (its record says {self.records[stage].status})"
        return "is complete, but left none of the files shown here"

    def data(self, name: str) -> dict[str, Any]:
        """The JSON object in a file of the run, or an empty one when there is no such file."""
        path = self.folder / name
        if not path.is_file():
            return {}
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as problem:
            raise ValueError(f"{path} is not JSON ({problem}); run its stage again") from problem
        if not isinstance(found, dict):
            raise ValueError(f"{path} holds a {type(found).__name__}; wanted a JSON object")
        return found

    def rows(self, stage: str) -> list[dict[str, Any]]:
        """The rows of the stage's metrics.jsonl; none when there is no such file."""
        return metrics.read(self.folder / stage / "metrics.jsonl")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of the report's head, and where it came from."""

    label: str
    value: str
    note: str = ""
    source: str
    """File within the run, then the keys in it."""


def training_figures(run: Run) -> list[Figure]:
    """Parameters, tokens and share of the peak, those that the pre-training left; then the time."""
    result = run.data(PRETRAINED)
    found = [_parameters(result), _tokens(result), _share_of_peak(result), _time(run)]
    return [figure for figure in found if figure is not None]


def _parameters(result: Mapping[str, Any]) -> Figure | None:
    parameters, tokens = number(result, "parameters"), number(result, "tokens")
    if not parameters:
        return None
    return Figure(
        label="parameters",
        value=si(parameters),
        note=f"{tokens / parameters:.1f} training tokens for each" if tokens else "",
        source=f"{PRETRAINED}: parameters",
    )


def _tokens(result: Mapping[str, Any]) -> Figure | None:
    tokens, seconds = number(result, "tokens"), number(result, "seconds")
    if not tokens:
        return None
    return Figure(
        label="tokens trained on",
        value=si(tokens),
        note=f"{si(tokens / seconds)} a second" if seconds else "",
        source=f"{PRETRAINED}: tokens",
    )


def _share_of_peak(result: Mapping[str, Any]) -> Figure | None:
    achieved, peak = number(result, "achieved_flops"), number(result, "peak_flops")
    if not achieved or not peak:
        return None
    kind = f" in {result['precision']}" if "precision" in result else ""
    return Figure(
        label="of the machine's measured peak",
        value=f"{100 * achieved / peak:.0f} %",
        note=f"{achieved / 1e9:.0f} of {peak / 1e9:.0f} GFLOP/s{kind}",
        source=f"{PRETRAINED}: achieved_flops / peak_flops",
    )


def _time(run: Run) -> Figure:
    longest = max(run.records.values(), key=lambda record: record.seconds)
    return Figure(
        label="so far" if run.gaps() else "from text to model",
        value=minutes(sum(record.seconds for record in run.records.values())),
        note=f"{longest.stage} alone {minutes(longest.seconds)}",
        source="*/stage.json: seconds",
    )


def number(data: Mapping[str, Any], key: str) -> float | None:
    """The finite number at a key; None when it is absent, null or not finite."""
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def si(value: float) -> str:
    """`11.4 M`: a count with a unit prefix, to three digits."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 0.9995 * size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def minutes(seconds: float) -> str:
    """`8.2 min` or, below one minute, `12 s`; above an hour `1:05:09`."""
    if 60 <= seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return human_time(seconds)


def size(count: float) -> str:
    """`24.1 MB`: bytes, in powers of a thousand."""
    for unit_size, letter in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit_size:
            return f"{count / unit_size:.1f} {letter}"
    return f"{count:.0f} bytes"


def training_points(run: Run, stage: str, key: str) -> list[tuple[float, float]]:
    """(step, value) of every row of the stage's metrics that has the key."""
    return [
        (float(row["step"]), float(row[key]))
        for row in run.rows(stage)
        if isinstance(row.get(key), int | float)
    ]


def visible(token: bytes) -> str:
    """A token's bytes as text; bytes that are not UTF-8 on their own stand as hex escapes."""
    return token.decode("utf-8", errors="backslashreplace")


def spread(items: Sequence[Any], most: int) -> list[Any]:
    """At most `most` of the items, evenly spaced, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]
