"""General compressors as the yardstick of a language model: both say how many bits a text needs.

A compressor starts knowing nothing and carries its model in the output; a language model was
trained on other text and is itself not counted. So the comparison says what was learnt, not which
of them to store files with.
"""

import gzip
import lzma
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import zstandard

from groundup.observe.progress import Progress, silent


def gzip_size(data: bytes) -> int:
    """Bytes after `gzip -9`."""
    return len(gzip.compress(data, compresslevel=9, mtime=0))


def xz_size(data: bytes) -> int:
    """Bytes after `xz -9e`."""
    return len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))


def zstd_size(data: bytes) -> int:
    """Bytes after `zstd -19`."""
    return len(zstandard.ZstdCompressor(level=19).compress(data))


@dataclass(frozen=True, kw_only=True)
class Compressor:
    """A compressor and how it is called on the command line."""

    name: str
    command: str
    size: Callable[[bytes], int]


COMPRESSORS = (
    Compressor(name="gzip", command="gzip -9", size=gzip_size),
    Compressor(name="zstd", command="zstd -19", size=zstd_size),
    Compressor(name="xz", command="xz -9e", size=xz_size),
)
"""The compressors that evaluation compares with, weakest first."""


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """What one compressor needs for a set of documents."""

    name: str
    command: str
    together: float
    """Bits per byte of all documents as one stream: what it saw helps it on; its best case."""
    each: float
    """Bits per byte when each document is compressed by itself."""


def compress_all(texts: Sequence[bytes], *, progress: Progress = silent) -> list[Compressed]:
    """Every compressor's bits per byte on these documents. Raises ValueError for no bytes at all.

    The size of the output counts whole, with headers and check sums.
    """
    total = sum(map(len, texts))
    if not total:
        raise ValueError(
            f"the {len(texts)} documents hold no bytes, so there is nothing to compress"
        )
    stream = b"".join(texts)
    found = []
    with progress("compressing", total=len(COMPRESSORS), unit="compressors") as advance:
        for compressor in COMPRESSORS:
            each = sum(compressor.size(text) for text in texts)
            found.append(
                Compressed(
                    name=compressor.name,
                    command=compressor.command,
                    together=8 * compressor.size(stream) / total,
                    each=8 * each / total,
                )
            )
            advance(1)
    return found
