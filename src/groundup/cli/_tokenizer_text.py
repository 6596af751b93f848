"""`groundup tokenizer encode`, `decode` and `show`: a text and its ids."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from groundup.tokenizers.load import load
from groundup.tokenizers.show import Shown, shown_tokens, visible
from groundup.tokenizers.tokenizer import Tokenizer

if TYPE_CHECKING:
    from rich.console import Console

_SHADES = ("bright_cyan", "bright_yellow", "bright_green", "bright_magenta", "bright_blue")
_Path = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="TOKENIZER")]
_Text = Annotated[tyro.conf.Positional[str | None], tyro.conf.arg(metavar="TEXT")]


@dataclass(frozen=True, kw_only=True)
class EncodeOptions:
    """What `groundup tokenizer encode` can be told."""

    tokenizer: _Path
    """A folder, tokenizer.json, .tiktoken(.gz), .model or .gguf."""
    text: _Text = None
    """The text; without it, what comes through the pipe."""
    allow_special: bool = False
    """Read the names of special tokens in the text as those tokens, not as plain text."""
    json: bool = False
    """Print ids, the characters each stands for, and the pieces, as JSON."""


def encode(arguments: Sequence[str]) -> int:
    """Print the ids of a text, on one line."""
    options = tyro.cli(
        EncodeOptions,
        args=arguments,
        prog="groundup tokenizer encode",
        description='Text to ids: groundup tokenizer encode my-tok "some text"',
    )
    tokenizer, text = load(options.tokenizer), _text(options.text)
    allowed: Any = "all" if options.allow_special else frozenset()
    ids = tokenizer.encode(text, allowed_special=allowed)
    if not options.json:
        print(*ids)
        return 0
    pieces = [tokenizer.token_bytes(token).decode("utf-8", errors="replace") for token in ids]
    offsets = tokenizer.offsets(text, allowed_special=allowed)
    print(json.dumps({"ids": ids, "offsets": offsets, "pieces": pieces}, ensure_ascii=False))
    return 0


@dataclass(frozen=True, kw_only=True)
class DecodeOptions:
    """What `groundup tokenizer decode` can be told."""

    tokenizer: _Path
    """A folder, tokenizer.json, .tiktoken(.gz), .model or .gguf."""
    ids: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="ID")] = ()
    """The ids; without them, what comes through the pipe."""
    skip_special: bool = False
    """Leave special tokens out."""


def decode(arguments: Sequence[str]) -> int:
    """Print the text of ids, and nothing else when it goes into a pipe."""
    options = tyro.cli(
        DecodeOptions,
        args=arguments,
        prog="groundup tokenizer decode",
        description="Ids to text: groundup tokenizer decode my-tok 314 159",
    )
    tokenizer = load(options.tokenizer)
    ids = _ids(options.ids or [_text(None)])
    text = tokenizer.decode(ids, skip_special_tokens=options.skip_special)
    print(text, end="\n" if sys.stdout.isatty() else "")
    return 0


def _ids(words: Iterable[str]) -> list[int]:
    """Numbers between spaces, commas or brackets."""
    found = re.split(r"[\s,\[\]]+", " ".join(words))
    if wrong := [word for word in found if word and not re.fullmatch(r"-?[0-9]{1,18}", word)]:
        raise ValueError(f"{wrong[0][:40]!r} is not an id; wanted whole numbers, as 314 159")
    return [int(word) for word in found if word]


@dataclass(frozen=True, kw_only=True)
class ShowOptions:
    """What `groundup tokenizer show` can be told."""

    tokenizer: _Path
    """A folder, tokenizer.json, .tiktoken(.gz), .model or .gguf."""
    text: _Text = None
    """The text; without it, what comes through the pipe."""
    allow_special: bool = False
    """Read the names of special tokens in the text as those tokens, not as plain text."""
    why: bool = False
    """Say which rule cut each piece, and show its merges one by one (byte-level BPE)."""


def show(arguments: Sequence[str]) -> int:
    """Print a text's tokens, in colour where there is a terminal, else one a line."""
    options = tyro.cli(
        ShowOptions,
        args=arguments,
        prog="groundup tokenizer show",
        description="A text's tokens: spaces are ·, line ends ↵, tabs →, stray bytes ⟨e2⟩.",
    )
    from rich.console import Console

    tokenizer, text = load(options.tokenizer), _text(options.text)
    allowed: Any = "all" if options.allow_special else frozenset()
    ids = tokenizer.encode(text, allowed_special=allowed)
    tokens = shown_tokens(tokenizer, ids)
    console = Console(highlight=False, soft_wrap=True)
    if console.is_terminal and not console.no_color:
        _in_colour(console, tokens)
    else:
        width = max((len(str(shown.token)) for shown in tokens), default=0)
        for shown in tokens:
            console.print(f"{shown.token:>{width}}  {shown.text}", markup=False)
    size = len(text.encode())
    each = f", {size / len(ids):.2f} bytes each" if ids else ""
    console.print(f"{len(ids)} tokens for {len(text)} characters, {size} bytes{each}")
    if options.why:
        _explain(console, tokenizer, text)
    return 0


def _in_colour(console: "Console", tokens: Sequence[Shown]) -> None:
    """The pieces as they stand in the text, then their ids in the same shades."""
    from rich.text import Text

    pieces, ids = Text(), Text()
    for i, shown in enumerate(tokens):
        shade = f"black on {_SHADES[i % len(_SHADES)]}"
        pieces.append(shown.text, style=shade)
        if shown.ends_line:
            pieces.append("\n")
        ids.append(str(shown.token), style=shade)
        ids.append(" ")
    console.print(pieces, soft_wrap=False)
    console.print(ids, soft_wrap=False)


def _explain(console: "Console", tokenizer: Tokenizer, text: str) -> None:
    """Each piece: the rule that cut it, and its merges, one a line."""
    from groundup.tokenizers.bpe import BPE
    from groundup.tokenizers.trace import explain, trace

    if not isinstance(tokenizer, BPE):
        raise ValueError(
            f"--why shows merges of byte-level BPE, and this is {type(tokenizer).__name__}"
        )
    for piece in explain(tokenizer, text):
        rule = piece.words or (f"the rule {piece.rule}" if piece.rule else "no rule matched here")
        console.print(f"\n{visible(piece.text.encode())}   ({rule})", markup=False)
        for step in trace(tokenizer, piece.text):
            row = " ".join(visible(part) for part in step.pieces)
            if step.chosen is None:
                names = " ".join(map(str, step.ids))
                console.print(f"  {row}   done: {names}", markup=False)
                continue
            place = step.chosen.place
            left, right = (visible(step.pieces[i]) for i in (place, place + 1))
            console.print(f"  {row}   {left} + {right}, merge {step.chosen.rank}", markup=False)


def _text(given: str | None) -> str:
    """The text that was given, or all that comes through the pipe, line ends as they are."""
    if given is not None:
        return given
    if sys.stdin.isatty():
        raise ValueError("there is no text; give it in quotes, or send it through a pipe")
    buffer = getattr(sys.stdin, "buffer", None)
    if buffer is None:
        return sys.stdin.read()
    try:
        return str(buffer.read().decode("utf-8"))
    except UnicodeDecodeError as problem:
        raise ValueError(
            f"what came through the pipe is not UTF-8: byte {problem.start} ({problem.reason})"
        ) from problem
