"""Counting pieces with several threads, in as much memory as they may have.

Each thread has a table of its own, so none waits for another; a table that is full becomes a run on
disk, sorted by hash. Known patterns are scanned, others cut by regular expression, which is slow.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from groundup.tokenizers.compiling import compiling
from groundup.tokenizers.count_table import CountTable, add_up
from groundup.tokenizers.memory import give_back
from groundup.tokenizers.split import Split, scan_of
from groundup.tokenizers.text_chunks import Chunk, chunks_of
from groundup.tokenizers.texts import read_texts

if TYPE_CHECKING:
    from groundup.kernels.piece_counts import PieceTable

_TURN = 8 << 20  # bytes of text that a thread counts in a turn
_FLUSH = 1 << 16  # different pieces that the slow path holds in a dict


class Counting:
    """Tables of several threads, and the runs that went to disk because they were full."""

    def __init__(
        self,
        patterns: tuple[str, ...],
        folder: Path,
        room: int | None,
        threads: int,
        runs: Sequence[Path] = (),
    ) -> None:
        from groundup.kernels.piece_counts import PieceTable

        self._scan, self._split = scan_of(patterns), Split(patterns)
        self._folder, self._room = folder, room
        self._tables = [PieceTable(room or 1 << 62) for _ in range(threads)]
        self._runs: list[Path] = list(runs)
        self.next_number = 1 + max((int(run.name.split("-")[1]) for run in self._runs), default=-1)
        self._lock = threading.Lock()
        _warm_up()

    def count(
        self,
        sources: Iterable[tuple[int, str | Path, int]],
        done: Callable[[tuple[int, int], int], None],
    ) -> None:
        """Count all sources, each with its number and where to begin in it.

        After each turn `done(position, bytes)` hears which source was counted up to which byte.
        """
        with ThreadPoolExecutor(len(self._tables)) as pool:
            for turn, position in self._turns(sources):
                shares = _deal(turn, len(self._tables))
                list(pool.map(self._count_share, range(len(shares)), shares))
                done(position, sum(len(chunk.data) for chunk in turn))

    def _turns(
        self, sources: Iterable[tuple[int, str | Path, int]]
    ) -> Iterator[tuple[list[Chunk], tuple[int, int]]]:
        turn: list[Chunk] = []
        held, position = 0, (0, 0)
        for number, source, start in sources:
            for chunk in self._chunks(source, start):
                turn.append(chunk)
                held += len(chunk.data)
                position = (number, chunk.end)
                if held >= _TURN * len(self._tables):
                    yield turn, position
                    turn, held = [], 0
        if turn:
            yield turn, position

    def _chunks(self, source: str | Path, start: int) -> Iterator[Chunk]:
        if self._scan is not None:
            return chunks_of(source, start)
        # Where a foreign pattern may be cut is not known: the whole text is one chunk.
        data = next(read_texts([source])).encode()
        return iter([Chunk(data[start:], len(data))] if start < len(data) else [])

    def _count_share(self, thread: int, chunks: Sequence[Chunk]) -> None:
        for chunk in chunks:
            if self._scan is None:
                self._count_slowly(thread, chunk)
            else:
                self._count_scanned(thread, chunk)

    def _count_scanned(self, thread: int, chunk: Chunk) -> None:
        assert self._scan is not None, "foreign patterns are cut by regular expression"
        text = np.frombuffer(chunk.data + bytes(16), np.uint8)
        table, start = self._tables[thread], 0
        while start < len(chunk.data):
            start = table.count_text(
                text, len(chunk.data), self._scan.family, self._scan.digits, start
            )
            if start < len(chunk.data):
                self._spill(table)

    def _count_slowly(self, thread: int, chunk: Chunk) -> None:
        pieces = Counter[str]()
        for piece in self._split(chunk.data.decode()):
            pieces[piece] += 1
            if len(pieces) >= _FLUSH:
                self._add(thread, pieces)
                pieces.clear()
        self._add(thread, pieces)

    def _add(self, thread: int, pieces: Counter[str]) -> None:
        table, first = self._tables[thread], 0
        data = [piece.encode() for piece in pieces]
        blob = np.frombuffer(b"".join(data) + bytes(16), np.uint8)
        lengths = np.array([len(piece) for piece in data], np.int64)
        counts = np.fromiter(pieces.values(), np.int64, len(pieces))
        while first < len(counts):
            first = table.add(blob, lengths, counts, first)
            if first < len(counts):
                self._spill(table)

    def _spill(self, table: "PieceTable") -> None:
        with self._lock:  # one at a time, for what is taken out needs room too
            run = self._folder / f"run-{self.next_number:06}"
            self.next_number += 1
            CountTable(*table.take()).save(run)
            self._runs.append(run)

    def spill(self) -> list[Path]:
        """Put all that is in memory to disk; returns the runs there are."""
        for table in self._tables:
            if len(table):
                self._spill(table)
        return self._runs

    def drop(self) -> None:
        """Give the tables' memory back; nothing can be counted any more."""
        self._tables.clear()
        give_back()

    def finish(self) -> CountTable:
        """All counts in one table in memory."""
        if self._runs:
            return add_up([CountTable.load(run) for run in self.spill()])
        tables = [CountTable(*table.take()) for table in self._tables]
        self.drop()
        return add_up(tables)


def _deal(chunks: Sequence[Chunk], hands: int) -> list[list[Chunk]]:
    """The chunks in `hands` shares of about equal size."""
    shares: list[list[Chunk]] = [[] for _ in range(hands)]
    sizes = [0] * hands
    for chunk in sorted(chunks, key=lambda chunk: -len(chunk.data)):
        least = sizes.index(min(sizes))
        shares[least].append(chunk)
        sizes[least] += len(chunk.data)
    return shares


def _warm_up() -> None:
    from groundup.kernels.piece_counts import PieceTable, kernels

    with compiling(*kernels()):
        table = PieceTable()
        text = np.frombuffer(b"a a" + bytes(16), np.uint8)
        for family in range(3):
            table.count_text(text, 3, family, 3)
        table.take()
