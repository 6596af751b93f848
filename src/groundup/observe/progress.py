"""Progress of long work: a bar with rate and time left in a terminal, plain lines elsewhere.

Library code never prints. It takes a `Progress` and says how far it is:

    with progress("tokenizing", total=len(texts), unit="documents") as advance:
        for text in texts:
            ...
            advance(1)
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

Advance = Callable[..., None]
"""`advance(amount=1, note="")`: this much more is done; `note` replaces the text behind the bar."""


class Progress(Protocol):
    """Starts one bar: a label, how much there is in all (None: not known), and of what."""

    def __call__(
        self, label: str, *, total: float | None = None, unit: str = "", done: float = 0
    ) -> AbstractContextManager[Advance]:
        """Open the bar; the context's value advances it."""
        ...


def unwatched(amount: float = 1, note: str = "") -> None:
    """An `Advance` that tells nobody."""


@contextlib.contextmanager
def silent(
    label: str, *, total: float | None = None, unit: str = "", done: float = 0
) -> Iterator[Advance]:
    """Shows nothing: the default of library functions."""
    yield unwatched


@contextlib.contextmanager
def terminal(
    label: str, *, total: float | None = None, unit: str = "", done: float = 0
) -> Iterator[Advance]:
    """A bar with rate and time left; where the output is no terminal, a line every ten seconds."""
    shown = _bar if sys.stderr.isatty() else _lines
    with shown(label, total, unit, done) as advance:
        yield advance


@contextlib.contextmanager
def _bar(label: str, total: float | None, unit: str, done: float) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("  {task.description:<14}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f}%" if total else "{task.completed:,.0f}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        TextColumn("{task.fields[note]}"),
    )
    began = time.monotonic()
    with Bars(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(label, total=total, completed=int(done), rate="", note="")
        here = 0.0

        def advance(amount: float = 1, note: str = "") -> None:
            nonlocal here
            here += amount
            rate = human_rate(here / max(time.monotonic() - began, 1e-9), unit)
            if note:
                bars.update(task, note=note)
            bars.update(task, advance=amount, rate=rate)

        yield advance


@contextlib.contextmanager
def _lines(
    label: str, total: float | None, unit: str, done: float, every: float = 10.0
) -> Iterator[Advance]:
    began = last = time.monotonic()
    here = 0.0

    def advance(amount: float = 1, note: str = "") -> None:
        nonlocal here, last
        here += amount
        if (now := time.monotonic()) - last < every:
            return
        last = now
        rate = here / (now - began)
        share = f"{100 * (done + here) / total:3.0f}%" if total else f"{done + here:,.0f}"
        left = f", {human_time((total - done - here) / rate)} left" if total and rate else ""
        line = f"  {label}: {share}, {human_rate(rate, unit)}{left}{'  ' + note if note else ''}"
        print(line, file=sys.stderr, flush=True)

    yield advance


def human_rate(rate: float, unit: str) -> str:
    """`12.3k tokens/s`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rate >= size:
            return f"{rate / size:.1f}{letter} {unit}/s"
    return f"{rate:.1f} {unit}/s"


def human_time(seconds: float) -> str:
    """`1:05:09`, `4:07`, `12 s`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
