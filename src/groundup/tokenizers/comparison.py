"""Several tokenizers on the same texts: what each makes of them, how fast, and a picture.

Speed is one pass over texts that the tokenizer has not seen, one thread, after a warm-up on a few
words; it is for orders of magnitude, `benchmarks/tokenizers.py` measures. Leaves out what a model
makes of the tokens (`groundup build six_tokenizers`).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from groundup.observe.progress import Progress, silent
from groundup.tokenizers.compare import Measures, measure_each
from groundup.tokenizers.kinds import unknown_id
from groundup.tokenizers.tokenizer import Tokenizer

_WARM_UP = "A few words, and 123 numbers.\n"
_MUTED, _ACCENT = "#94a3b8", "#2563eb"


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one tokenizer makes of all texts."""

    name: str
    vocab_size: int
    total: Measures
    """Over all texts together."""
    each: Mapping[str, Measures]
    """Of every text by itself."""
    bytes_per_second: float


def compare(
    tokenizers: Mapping[str, Tokenizer], texts: Mapping[str, str], *, progress: Progress = silent
) -> list[Row]:
    """A row for each tokenizer. Raises ValueError without texts, and where one refuses a text."""
    if not any(texts.values()):
        raise ValueError("there is no text to compare the tokenizers on; the files are empty")
    rows = []
    with progress("comparing", total=len(tokenizers), unit="tokenizers") as advance:
        for name, tokenizer in tokenizers.items():
            rows.append(_row(name, tokenizer, texts))
            advance(1)
    return rows


def _row(name: str, tokenizer: Tokenizer, texts: Mapping[str, str]) -> Row:
    try:
        tokenizer.encode(_WARM_UP)
        began = time.perf_counter()
        for text in texts.values():
            tokenizer.encode(text)
        seconds = time.perf_counter() - began
        each = measure_each(tokenizer, texts, unknown_id=unknown_id(tokenizer))
    except ValueError as problem:
        raise ValueError(f"{name}: {problem}") from problem
    total = sum_of(list(each.values()))
    return Row(
        name=name,
        vocab_size=tokenizer.vocab_size,
        total=total,
        each=each,
        bytes_per_second=total.bytes / max(seconds, 1e-9),
    )


def sum_of(measures: Sequence[Measures]) -> Measures:
    """The counts of several texts together."""
    names = Measures.__dataclass_fields__
    return Measures(**{name: sum(getattr(m, name) for m in measures) for name in names})


def figure(rows: Sequence[Row]) -> Figure:
    """Bars of bytes per token, the best in colour, and beside them of speed."""
    drawing = Figure(figsize=(9, 1.6 + 0.36 * len(rows)), layout="constrained")
    length, speed = drawing.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    places = range(len(rows))
    values = [row.total.bytes_per_token for row in rows]
    best = max(values)
    colours = [_ACCENT if value == best else _MUTED for value in values]
    length.barh(places, values, color=colours, height=0.62)
    length.set_xlabel("bytes per token")
    length.set_yticks(places, [row.name for row in rows], parse_math=False)
    length.invert_yaxis()
    rates = [row.bytes_per_second / 1e6 for row in rows]
    speed.barh(places, rates, color=_MUTED, height=0.62)
    speed.set_xlabel("MB/s, one pass, one thread")
    for axes, numbers, form in ((length, values, ".2f"), (speed, rates, ".1f")):
        for place, number in zip(places, numbers, strict=True):
            axes.text(number, place, f" {number:{form}}", va="center", fontsize=9)
        axes.set_xlim(0, 1.16 * max(numbers))
        axes.spines[["top", "right"]].set_visible(False)
    return drawing
