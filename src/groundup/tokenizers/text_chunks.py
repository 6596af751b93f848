"""Training text in chunks that can be counted each by itself, however large a file is.

A file is cut between an ASCII letter and a space: there every pattern with a name begins a new
piece, whatever stands before it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from groundup.tokenizers.tokenizer import checked

SIZE = 4 << 20
"""Bytes of a file that are read at once."""


class Chunk(NamedTuple):
    """Some whole pieces of a source, as UTF-8."""

    data: bytes
    end: int
    """Where in the source the chunk ends, in bytes."""


def chunks_of(source: str | Path, start: int = 0, size: int = SIZE) -> Iterator[Chunk]:
    """A text as one chunk, a file in chunks of about `size` bytes from byte `start` on.

    Raises ValueError if it is not UTF-8 (lone surrogates are not), OSError if it cannot be read.
    """
    if isinstance(source, str):
        data = checked(source).encode()
        yield Chunk(data[start:], len(data))
        return
    with source.open("rb") as file:
        file.seek(start)
        rest = b""
        while block := file.read(size):
            rest += block
            if cut := _last_cut(rest, len(rest) - len(block)):
                yield _checked(Chunk(rest[:cut], start + cut), source, start)
                rest, start = rest[cut:], start + cut
        if rest:
            yield _checked(Chunk(rest, start + len(rest)), source, start)


def size_of(source: str | Path) -> int:
    """How many bytes a source has; a text's are only estimated, by its characters."""
    return len(source) if isinstance(source, str) else source.stat().st_size


def _last_cut(data: bytes, since: int) -> int:
    """The last place after a letter and before a space; 0 if there is none after `since`."""
    end = len(data)
    while (space := data.rfind(b" ", max(since, 1), end)) > 0:
        before = data[space - 1] | 0x20
        if ord("a") <= before <= ord("z"):
            return space
        end = space
    return 0


def _checked(chunk: Chunk, path: Path, start: int) -> Chunk:
    try:
        if not chunk.data.isascii():
            chunk.data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise ValueError(
            f"{path} is not UTF-8: byte {start + problem.start} is "
            f"{chunk.data[problem.start]:#04x} ({problem.reason}); convert the file or leave it out"
        ) from problem
    return chunk
