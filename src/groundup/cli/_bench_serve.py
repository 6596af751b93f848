"""What `groundup bench serve` does once it is known that the packages it needs are there."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table

from groundup.config import to_plain
from groundup.observe.progress import terminal
from groundup.serve.load_summary import PERCENTILES, Call, Spread, Summary
from groundup.serve.load_test import LoadTestConfig, load_test
from groundup.serve.load_test_plot import FORMATS, plot
from groundup.serve.traces import TraceConfig


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `groundup bench serve` can be told."""

    server: tyro.conf.OmitArgPrefixes[LoadTestConfig]
    users: tyro.conf.OmitArgPrefixes[TraceConfig] = field(default_factory=TraceConfig)
    out: Path | None = None
    """Where the figures go, as JSON; the plot is drawn beside it."""
    plot: Path | None = None
    """Where the plot goes: a .png, .svg or .pdf file."""


def serve(arguments: list[str], about: str) -> int:
    """Run the load test; 1 if no request was answered. `about` begins the help."""
    options = tyro.cli(Options, args=arguments, prog="groundup bench serve", description=about)
    picture = options.plot or (options.out.with_suffix(".png") if options.out else None)
    if picture is not None and picture.suffix not in FORMATS:
        raise ValueError(f"--plot is {picture}; it must end in {', '.join(FORMATS)}")
    calls, summary = load_test(options.server, options.users, progress=terminal)
    show(summary, options)
    if options.out is not None:
        write(options.out, options, calls, summary)
    if picture is not None:
        plot(calls, picture, title=_title(options))
    for path in (options.out, picture):
        if path is not None:
            print(f"wrote {path}", file=sys.stderr)
    return 0 if summary.requests else 1


def show(summary: Summary, options: Options) -> None:
    """The table."""
    table = Table(title=_title(options), title_justify="left")
    table.add_column("milliseconds")
    for name in ("mean", *(f"p{p}" for p in PERCENTILES)):
        table.add_column(name, justify="right")
    rows: dict[str, Spread | None] = {
        "time to first token": summary.first_token,
        "between tokens": summary.between_tokens,
        "per output token": summary.per_output_token,
        "whole request": summary.whole,
    }
    for label, spread in rows.items():
        if spread is not None:
            values = [spread.mean, *spread.percentiles.values()]
            table.add_row(label, *(f"{1000 * value:,.1f}" for value in values))
    console = Console()
    console.print(table)
    cached = f", {summary.cached_tokens:,} of them from a cache" * bool(summary.cached_tokens)
    console.print(
        f"{summary.output_tokens_per_second:,.1f} output tokens/s, "
        f"{summary.requests_per_second:.2f} requests/s: {summary.requests} requests, "
        f"{summary.prompt_tokens:,} prompt tokens{cached}, {summary.output_tokens:,} output tokens "
        f"in {summary.seconds:.1f} s",
        highlight=False,
    )
    for error, count in summary.errors.items():
        console.print(f"{count} failed: {error}", style="red", markup=False)


def write(path: Path, options: Options, calls: list[Call], summary: Summary) -> None:
    """Settings (without the key), summary and every request's times; no text."""
    settings = to_plain(options.server)
    assert isinstance(settings, dict), "a config is a table"
    del settings["api_key"]
    record = {
        "server": settings,
        "trace": to_plain(options.users),
        "summary": to_plain(summary),
        "requests": [{k: v for k, v in vars(call).items() if k != "text"} for call in calls],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _title(options: Options) -> str:
    trace = options.users
    how = f"{trace.users} users" if trace.trace != "poisson" else ""
    how += f"{', ' * bool(how)}{trace.rate:g} requests/s" if trace.trace != "chat" else ""
    return f"{options.server.url}: {trace.trace}, {how}, {trace.requests} requests"
