"""Learn a vocabulary from files of text.

- groundup tokenizer train bpe --files 'corpus/**/*.txt' --out my-tok
- groundup tokenizer train unigram --vocab-size 8000 --files notes.txt --out my-tok
- groundup tokenizer train bpe --add 'more/*.txt' --out my-tok

Kinds: bpe (byte-level, GPT's), characters, bytes, words, wordpiece (BERT's), unigram and
character-bpe (SentencePiece's).
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from groundup.observe.progress import human_time, terminal
from groundup.tokenizers.files import bytes_of, find_files
from groundup.tokenizers.show import visible
from groundup.tokenizers.tokenizer import Tokenizer
from groundup.tokenizers.training_run import Settings, added_to, train_into

_MEASURED = 1_000_000  # bytes of the text that bytes per token are measured on


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `groundup tokenizer train` can be told."""

    kind: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="KIND")]
    """bpe, characters, bytes, words, wordpiece, unigram or character-bpe."""
    out: Path
    """The folder that the tokenizer is written to."""
    files: tuple[str, ...] = ()
    """What to learn from: files, or patterns like 'corpus/**/*.txt' (in quotes; ** reaches into
    all folders below). UTF-8."""
    add: tuple[str, ...] = ()
    """Files to add to what a bpe tokenizer in --out learnt from; only they are read."""
    vocab_size: int | None = None
    """Tokens in all, special ones included (none: 32768; bytes needs no number)."""
    pattern: str | None = None
    """Where bpe cuts text into pieces before merging: gpt2, cl100k, o200k, llama3, qwen2, smollm2,
    or a regular expression (none: llama3)."""
    special_tokens: tuple[str, ...] | None = None
    """Control tokens, which get the first ids (none: those usual for the kind)."""
    min_frequency: int | None = None
    """How often a pair, word or character must occur (none: the kind's own)."""
    unknown: str | None = None
    """What words or characters outside the vocabulary become: [UNK], drop, or error."""
    memory: str | None = None
    """About the most memory bpe may use, as 512MB; text larger than that is no trouble."""
    threads: int = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    """Threads that count pieces; the result is the same for any number."""
    force: bool = False
    """Replace another tokenizer in --out."""

    def settings(self) -> Settings:
        """What decides the tokenizer."""
        names = Settings.__dataclass_fields__
        return Settings(**{name: getattr(self, name) for name in names})


def train(arguments: Sequence[str]) -> int:
    """Find the files, train, say what was read and made."""
    options = tyro.cli(
        Options, args=arguments, prog="groundup tokenizer train", description=__doc__
    )
    settings, files = options.settings(), find_files(options.files)
    if options.add:
        settings, files = added_to(options.out, settings, [*files, *find_files(options.add)])
    if not files and options.kind != "bytes":
        raise ValueError("there is nothing to learn from; give --files 'corpus/**/*.txt'")
    began = time.monotonic()
    try:
        tokenizer = train_into(
            options.out,
            settings,
            files,
            memory=None if options.memory is None else bytes_of(options.memory),
            threads=options.threads,
            force=options.force or bool(options.add),
            progress=terminal,
        )
    except KeyboardInterrupt as stop:
        if settings.kind == "bpe":
            raise
        raise KeyboardInterrupt(f"the same command learns {settings.kind} from the start") from stop
    if tokenizer is None:
        print(f"{options.out} is up to date: the same files, the same settings")
        return 0
    for line in summary(tokenizer, settings.kind, files, options.out, time.monotonic() - began):
        print(line)
    return 0


def summary(
    tokenizer: Tokenizer, kind: str, files: Sequence[Path], out: Path, seconds: float
) -> list[str]:
    """What was read and made, where it lies, and what to do with it."""
    size = sum(file.stat().st_size for file in files)
    special = len(tokenizer.special_tokens)
    special_words = f", {special} of them special" if special else ""
    lines = [
        f"{out}: {kind}, {tokenizer.vocab_size:,} tokens{special_words}",
        f"  learnt from {len(files):,} file{'s' if len(files) != 1 else ''}, {size / 1e6:.2f} MB, "
        f"in {human_time(seconds)}",
    ]
    sample = _sample(files)
    if ids := tokenizer.encode(sample) if sample else []:
        used = len(sample.encode())
        which = "" if used == size else f" (the first {used / 1e6:.2f} MB)"
        lines.append(f"  bytes/token {used / len(ids):.2f}{which}")
    ordinary = set(range(tokenizer.vocab_size)) - set(tokenizer.special_tokens.values())
    longest = max((_bytes(tokenizer, token) for token in sorted(ordinary)), key=len)
    plural = "s" if len(longest) > 1 else ""
    lines.append(f"  longest     {visible(longest[:60])}  ({len(longest)} byte{plural})")
    lines.append(f'try: groundup tokenizer show {out} "some text"')
    return lines


def _sample(files: Sequence[Path]) -> str:
    """The first texts of the files, together about as long as is measured."""
    texts, size = [], 0
    for file in files:
        if size >= _MEASURED:
            break
        with file.open("rb") as opened:
            data = opened.read(_MEASURED - size)
        texts.append(data.decode("utf-8", errors="ignore"))  # may end within a character
        size += len(data)
    return "".join(texts)


def _bytes(tokenizer: Tokenizer, token: int) -> bytes:
    try:
        return tokenizer.token_bytes(token)
    except ValueError:
        return b""
