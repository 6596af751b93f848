"""The evaluation (`evaluate/result.json`) as the report shows it: tables, charts, functions."""

from collections.abc import Iterable
from dataclasses import dataclass

from groundup import config
from groundup.evaluate.functions import FunctionScore, Sample
from groundup.evaluate.table import BitsRow, EvaluateResult
from groundup.pipeline import report_charts as charts
from groundup.pipeline.report_charts import Bar
from groundup.pipeline.report_facts import Figure, Run, size
from groundup.pipeline.report_svg import Chart

RESULT = "evaluate/result.json"
_MODEL = "model"


@dataclass(frozen=True, kw_only=True)
class Writer:
    """Who wrote functions, at which temperature, and the first ones in the order drawn."""

    name: str
    score: FunctionScore
    samples: tuple[Sample, ...]
    is_model: bool


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What the evaluation section shows."""

    result: EvaluateResult
    tested_on: str
    """The validation files in words."""
    bits: tuple[BitsRow, ...]
    """Most bits first."""
    bits_chart: Chart
    writers: tuple[Writer, ...]
    shares_chart: Chart | None

    def bits_of(self, name: str) -> float | None:
        """Bits per byte of `model`, `xz` ...; None when it is not in the table."""
        return next((row.bits_per_byte for row in self.bits if row.name == name), None)

    def share_of(self, name: str) -> float | None:
        """Share of the functions of `model` or `n-gram` that parse, at the lowest temperature."""
        scores = [writer.score for writer in self.writers if writer.score.name == name]
        return min(scores, key=lambda score: score.temperature).share if scores else None


def evaluation(run: Run, *, most_functions: int) -> Evaluation | None:
    """The evaluation's results, or None when the stage has left none.

    Raises ValueError, naming the file, when it is not what the stage writes.
    """
    if not run.data(RESULT):
        return None
    result = config.read(EvaluateResult, run.folder / RESULT)
    bits = tuple(sorted(result.bits_per_byte, key=lambda row: -row.bits_per_byte))
    writers = tuple(_writer(score, most_functions) for score in result.functions)
    return Evaluation(
        result=result,
        tested_on=f"{result.documents:,} files, {size(result.bytes)}, {result.tokens:,} tokens",
        bits=bits,
        bits_chart=_bits_chart(bits),
        writers=writers,
        shares_chart=_shares_chart(writers) if writers else None,
    )


def _writer(score: FunctionScore, most: int) -> Writer:
    name = "this model" if score.name == _MODEL else score.name
    how = f"T = {score.temperature:g}" if score.temperature else "greedy"
    return Writer(
        name=f"{name}, {how}",
        score=score,
        samples=score.samples[:most],
        is_model=score.name == _MODEL,
    )


def _bits_chart(rows: Iterable[BitsRow]) -> Chart:
    bars = [
        Bar(
            name="this model" if row.name == _MODEL else row.name,
            value=row.bits_per_byte,
            highlighted=row.name == _MODEL,
        )
        for row in rows
    ]
    return charts.bar_chart(bars, title="Bits per byte", unit="bits per byte, less is better")


def _shares_chart(writers: Iterable[Writer]) -> Chart:
    bars = [
        Bar(
            name=writer.name,
            value=writer.score.share,
            low=writer.score.low,
            high=writer.score.high,
            highlighted=writer.is_model,
        )
        for writer in writers
    ]
    return charts.whisker_chart(
        bars, title="Sampled functions that parse", unit="% of those sampled, 95 % interval"
    )


def figures(found: Evaluation) -> list[Figure]:
    """The two figures of the report's head that tell how good the model is."""
    out = []
    if bits := found.bits_of(_MODEL):
        note = ""
        if xz := found.bits_of("xz"):
            word = "less" if bits <= xz else "more"
            note = f"{100 * abs(1 - bits / xz):.0f} % {word} than xz, {xz:.2f}"
        source = f"{RESULT}: bits_per_byte"
        out.append(Figure(label="bits per byte", value=f"{bits:.3f}", note=note, source=source))
    share, other = found.share_of(_MODEL), found.share_of("n-gram")
    if share is not None:
        out.append(
            Figure(
                label="functions that parse",
                value=f"{100 * share:.0f} %",
                note="" if other is None else f"an n-gram model: {100 * other:.0f} %",
                source=f"{RESULT}: functions",
            )
        )
    return out
