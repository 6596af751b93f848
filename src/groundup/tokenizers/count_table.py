"""A table of different pieces and how often each occurs, in memory or on disk, sorted by hash."""

import json
import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_FILES = {"hashes": np.uint64, "lengths": np.int64, "blob": np.uint8, "counts": np.int64}
_MANIFEST = "table.json"
_PADDING = 16  # bytes that kernels may look at behind the last piece


@dataclass(frozen=True)
class CountTable:
    """Different pieces, sorted by hash (those of one hash by their bytes)."""

    hashes: NDArray[np.uint64]
    lengths: NDArray[np.int64]
    """Bytes of each piece."""
    blob: NDArray[np.uint8]
    """The pieces' bytes, one after the other."""
    counts: NDArray[np.int64]
    """How often each occurs."""

    def __len__(self) -> int:
        return len(self.hashes)

    def release(self) -> None:
        """Let the pages go that were read of a mapped table; they come back when they are used."""
        for array in (self.hashes, self.lengths, self.blob, self.counts):
            file = getattr(array, "_mmap", None)
            if file is not None and hasattr(mmap, "MADV_DONTNEED"):
                file.madvise(mmap.MADV_DONTNEED)

    @property
    def total(self) -> int:
        """How many pieces there were, each counted as often as it occurs."""
        return int(self.counts.sum())

    def items(self) -> Iterator[tuple[bytes, int]]:
        """Each piece with its count."""
        end = 0
        for length, count in zip(self.lengths.tolist(), self.counts.tolist(), strict=True):
            yield self.blob[end : end + length].tobytes(), count
            end += length

    def save(self, folder: Path) -> None:
        """Write the table into a folder of its own; it is whole once its manifest is there."""
        writer = Writer(folder)
        writer.write(self)
        writer.close()

    @classmethod
    def load(cls, folder: Path) -> "CountTable":
        """Map a table from disk. Raises ValueError if it is not whole, OSError if not there."""
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        arrays = []
        for name, kind in _FILES.items():
            size = manifest["bytes" if name == "blob" else "pieces"]
            file = folder / f"{name}.bin"
            if file.stat().st_size != size * np.dtype(kind).itemsize:
                raise ValueError(
                    f"{file} has {file.stat().st_size} bytes, not the {size} items that its "
                    "manifest tells; delete the folder and count again"
                )
            empty = np.empty(0, kind)
            arrays.append(np.memmap(file, kind, mode="r") if size else empty)
        return cls(*arrays)


class Writer:
    """Writes a table piece by piece, in the order in which it is to be."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._files = {name: (folder / f"{name}.bin").open("wb") for name in _FILES}
        self._pieces = self._bytes = 0

    def write(self, table: CountTable) -> None:
        """Append the pieces of a table, which come after all that were written."""
        for name, file in self._files.items():
            np.ascontiguousarray(getattr(table, name)).tofile(file)
        self._pieces += len(table)
        self._bytes += len(table.blob)

    def close(self) -> None:
        """Close the files and write the manifest."""
        for file in self._files.values():
            file.close()
        manifest = {"pieces": self._pieces, "bytes": self._bytes}
        (self._folder / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def add_up(tables: Sequence[CountTable]) -> CountTable:
    """One table of several: counts of equal pieces added."""
    from groundup.kernels.piece_counts import join

    if not tables:
        return CountTable(*[np.empty(0, kind) for kind in _FILES.values()])
    tail = np.zeros(_PADDING, np.uint8)
    return CountTable(
        *join(
            np.concatenate([table.hashes for table in tables]),
            np.concatenate([table.lengths for table in tables]),
            np.concatenate([*(table.blob for table in tables), tail]),
            np.concatenate([table.counts for table in tables]),
        )
    )


def merge_into(runs: Sequence[Path], folder: Path, *, memory: int) -> CountTable:
    """Add saved tables up on disk, in slices of hashes that take about `memory` bytes each."""
    tables = [CountTable.load(run) for run in runs]
    held = sum(len(table) * 96 + len(table.blob) * 3 for table in tables)
    slices = max(1, -(-held // max(memory, 1 << 20)))
    edges = np.array([int(i * (2**64 / slices)) for i in range(1, slices)], np.uint64)
    cuts = [[0, *np.searchsorted(t.hashes, edges).tolist(), len(t)] for t in tables]
    ends = [0] * len(tables)
    del tables
    writer = Writer(folder)
    for i in range(slices):
        parts = []
        for k, run in enumerate(runs):
            parts.append(_part(CountTable.load(run), slice(*cuts[k][i : i + 2]), ends[k]))
            ends[k] += len(parts[-1].blob)
        writer.write(add_up(parts))
    writer.close()
    return CountTable.load(folder)


def _part(table: CountTable, pieces: slice, start: int) -> CountTable:
    """Some pieces, whose bytes begin at `start`, in memory: what is mapped would stay there too."""
    lengths = np.array(table.lengths[pieces])
    blob = np.array(table.blob[start : start + int(lengths.sum())])
    return CountTable(np.array(table.hashes[pieces]), lengths, blob, np.array(table.counts[pieces]))
