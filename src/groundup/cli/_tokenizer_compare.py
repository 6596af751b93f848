"""`groundup tokenizer compare`: several tokenizers on the same text, a table and a plot."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from groundup.cli.tokenizer import note
from groundup.observe.progress import terminal
from groundup.tokenizers.comparison import Row, figure
from groundup.tokenizers.comparison import compare as compare_all
from groundup.tokenizers.fairness import fairness_figure, gini, premiums
from groundup.tokenizers.files import find_files
from groundup.tokenizers.load import load
from groundup.tokenizers.texts import read_texts

_BASES = ("eng", "en", "english", "English")
_RATIOS = ("bytes_per_token", "tokens_per_character", "fertility", "share_of_words_split",
           "share_unknown")  # fmt: skip
_PICTURES = (".png", ".svg", ".pdf")
_SHOWN_LANGUAGES = 12
_WHOLE = 0.2  # of the base's characters; a text that has fewer is no whole translation
_PIPE_WIDTH = 200  # columns of a table that does not go to a terminal


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `groundup tokenizer compare` can be told."""

    tokenizers: Annotated[
        tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="TOKENIZER")
    ]
    """Folders, tokenizer.json, .tiktoken(.gz), .model or .gguf files."""
    files: tuple[str, ...] = ()
    """Text to compare on: files, or patterns like 'corpus/**/*.txt'."""
    languages: Path | None = None
    """A folder with the same text in several languages, a file each, named for it: what each
    language costs, beside that of --base."""
    base: str | None = None
    """The language that costs 1 (none: eng, en or english, if there is such a file)."""
    plot: Path = Path("tokenizers.png")
    """Where the picture goes; of languages, that name with -languages."""
    most_bytes: int = 2_000_000
    """How much of --files is read at most."""
    json: bool = False
    """Print all figures as JSON in place of the tables."""


def compare(arguments: Sequence[str]) -> int:
    """Measure, print the tables, draw the plots."""
    options = tyro.cli(
        Options,
        args=arguments,
        prog="groundup tokenizer compare",
        description="Several tokenizers on the same text: a table, and a picture in --plot.",
    )
    if not options.tokenizers:
        raise ValueError("there is nothing to compare; name one tokenizer or more")
    if not options.files and options.languages is None:
        raise ValueError("there is no text to compare on; give --files or --languages FOLDER")
    if options.most_bytes < 1:
        raise ValueError(f"--most-bytes is {options.most_bytes}; it must be 1 or more")
    if options.plot.suffix not in _PICTURES or not options.plot.parent.is_dir():
        raise ValueError(
            f"the plot cannot be written to {options.plot}; wanted a file in a folder that exists, "
            f"with one of the endings {', '.join(_PICTURES)}"
        )
    names = _names(options.tokenizers)
    tokenizers = {name: load(path) for name, path in zip(names, options.tokenizers, strict=True)}
    data: dict[str, Any] = {}
    if options.files:
        texts = _texts(find_files(options.files), options.most_bytes)
        rows = compare_all(tokenizers, texts, progress=terminal)
        figure(rows).savefig(options.plot, dpi=150)
        data["files"] = [_plain(row) for row in rows]
        if not options.json:
            _print_rows(rows)
            print(f"plot: {options.plot}")
    if options.languages is not None:
        found = _languages(options.languages)
        base = _base(options.base, found)
        spoken = _whole_ones(found, base)
        rows = compare_all(tokenizers, spoken, progress=terminal)
        data |= {"base": base, "languages": [_plain(row, languages=True) for row in rows]}
        plot = options.plot.with_stem(f"{options.plot.stem}-languages")
        costs = {row.name: premiums(row.each, base=base) for row in rows}
        fairness_figure(costs, base=base).savefig(plot, dpi=150)
        if not options.json:
            _print_languages(rows, costs, base)
            print(f"plot: {plot}")
    if options.json:
        print(json.dumps(data, indent=2, ensure_ascii=False))
    return 0


def _names(paths: Sequence[Path]) -> list[str]:
    """The last part of each path that says something, or all of it where two would be alike."""
    shorts = [path.parent.name if path.name == "tokenizer.json" else path.name for path in paths]
    names = [
        short if short and shorts.count(short) == 1 else str(path)
        for short, path in zip(shorts, paths, strict=True)
    ]
    if len(set(names)) < len(names):
        raise ValueError("the same tokenizer is given twice; give different ones")
    return names


def _texts(files: Sequence[Path], most_bytes: int) -> dict[str, str]:
    """The texts of the files in order, until they hold so much; the last one is cut."""
    texts: dict[str, str] = {}
    left = most_bytes
    for file, text in zip(files, read_texts(files), strict=True):
        if left <= 0:
            break
        data = text.encode()[:left]
        texts[str(file)] = data.decode("utf-8", errors="ignore")
        left -= len(data)
    return texts


def _languages(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; wanted one with a file for each language")
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    names = [file.stem for file in files]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{folder} has several files named {min(twice)}; one a language is wanted")
    texts = dict(zip(names, read_texts(files), strict=True))
    if empty := [name for name, text in texts.items() if not text.strip()]:
        note(f"left out, because their files are empty: {', '.join(empty)}")
    if len(texts) == len(empty):
        raise ValueError(f"{folder} has no text; wanted a file for each language")
    return {name: text for name, text in texts.items() if name not in empty}


def _base(given: str | None, texts: Mapping[str, str]) -> str:
    wanted = _BASES if given is None else (given,)
    found = [name for name in wanted if name in texts]
    if not found:
        raise ValueError(
            f"there is no language {' or '.join(wanted)} among {len(texts)} "
            f"({', '.join(list(texts)[:5])} ...); say with --base which one is to cost 1"
        )
    return found[0]


def _whole_ones(texts: Mapping[str, str], base: str) -> dict[str, str]:
    """The texts that can be translations of the base's, by their length."""
    short = [name for name, text in texts.items() if len(text) < _WHOLE * len(texts[base])]
    if short:
        note(f"left out, because they are too short to say what {base} says: {', '.join(short)}")
    return {name: text for name, text in texts.items() if name not in short}


def _plain(row: Row, *, languages: bool = False) -> dict[str, Any]:
    data: dict[str, Any] = {
        "tokenizer": row.name,
        "vocab_size": row.vocab_size,
        "bytes_per_second": round(row.bytes_per_second),
        **_figures(row.total),
    }
    if languages:
        data["each"] = {name: _figures(measures) for name, measures in row.each.items()}
    return data


def _figures(measures: Any) -> dict[str, Any]:
    ratios = {name: getattr(measures, name) for name in _RATIOS}
    known = {name: None if math.isnan(value) else value for name, value in ratios.items()}
    return asdict(measures) | known


def _print_rows(rows: Sequence[Row]) -> None:
    total = rows[0].total
    print(f"{total.bytes / 1e6:.2f} MB, {total.words:,} words")
    headings = ("tokenizer", "vocabulary", "bytes/token", "tokens/word", "words split", "unknown",
                "MB/s")  # fmt: skip
    best = max(row.total.bytes_per_token for row in rows)
    cells = [
        (
            row.name,
            f"{row.vocab_size:,}",
            f"{row.total.bytes_per_token:.2f}",
            _number(row.total.fertility, ".2f"),
            _percent(row.total.share_of_words_split),
            _percent(row.total.share_unknown),
            f"{row.bytes_per_second / 1e6:.1f}",
        )
        for row in rows
    ]
    _table(headings, cells, strong=[row.total.bytes_per_token == best for row in rows])


def _print_languages(
    rows: Sequence[Row], costs: Mapping[str, Mapping[str, float]], base: str
) -> None:
    """The dearest and the cheapest languages by the first tokenizer, and the spread of all."""
    first = costs[rows[0].name]
    order = sorted(first, key=lambda name: -first[name])
    half = _SHOWN_LANGUAGES // 2
    shown = order if len(order) <= _SHOWN_LANGUAGES else [*order[:half], "...", *order[-half:]]
    print(f"tokens for the same text, {base} = 1 (in brackets, tokens per word)")
    cells = []
    for name in shown:
        if name == "...":
            cells.append((f"... {len(order) - 2 * half} more", *([""] * len(rows))))
            continue
        values = [f"{costs[r.name][name]:.2f} ({_number(r.each[name].fertility, '.1f')})"
                  for r in rows]  # fmt: skip
        cells.append((name, *values))
    spread = [f"{gini(list(costs[row.name].values())):.3f}" for row in rows]
    cells.append(("Gini (0 is even)", *spread))
    cells.append(("unknown tokens", *(_percent(row.total.share_unknown) for row in rows)))
    _table(("language", *(row.name for row in rows)), cells)


def _table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], strong: Sequence[bool] = ()
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, heading in enumerate(headings):
        # Figures and the words of a heading stay whole; a long file name may be broken.
        words = max(heading.split(" "), key=len) if i else ""
        widest = max(len(text) for text in (words[:14], *(row[i] for row in rows)))
        justify: Literal["left", "right"] = "right" if i else "left"
        least = widest if i else min(widest, 28)
        drawn.add_column(Text(heading), justify=justify, overflow="fold", min_width=least)
    for i, row in enumerate(rows):
        style = "bold" if i < len(strong) and strong[i] else ""
        drawn.add_row(*map(Text, row), style=style)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    console.print(drawn)


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.1f} %"
