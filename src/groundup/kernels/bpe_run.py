"""One run of learning merges: its arrays, and how they get more room."""

from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from groundup.kernels import bpe_training as at
from groundup.kernels.bpe_training import (
    MORE,
    ODD,
    ROOM,
    enter_pair,
    join_key,
    learn,
    list_of,
    push,
)
from groundup.kernels.machine import (
    address,
    load_int32,
    load_int64,
    load_uint64,
    store_int32,
    store_int64,
    store_uint64,
)


@numba.njit(cache=True, nogil=True)
def _begin(numbers, symbols, starts, weights, counts, sizes):
    """Enter the pairs of bytes: `counts` and `sizes` are 256 x 256 zeros, by left and right."""
    run = address(numbers)
    for word in range(len(starts) - 1):
        for i in range(starts[word], starts[word + 1] - 1):
            counts[symbols[i], symbols[i + 1]] += weights[word]
            sizes[symbols[i], symbols[i + 1]] += 1
    kept = load_int64(run, at.KEPT)
    for left in range(256):
        for right in range(256):
            count, size = counts[left, right], sizes[left, right]
            sizes[left, right] = -1
            if size and count >= kept:
                sizes[left, right] = load_int64(run, at.POOL_USED)
                enter_pair(run, join_key(left, right), count, size)
    pool = load_int64(run, at.POOL)
    for word in range(len(starts) - 1):
        for i in range(starts[word], starts[word + 1] - 1):
            place = sizes[symbols[i], symbols[i + 1]]
            if place >= 0:
                store_int32(pool, place, np.int32(word))
                sizes[symbols[i], symbols[i + 1]] = place + 1


@numba.njit(cache=True, nogil=True)
def _rehash(numbers, table):
    """Enter all pairs into a table of -1s; where a key is there twice, its latest pair counts."""
    run = address(numbers)
    pairs, shift = load_int64(run, at.PAIRS), np.uint64(load_int64(run, at.TABLE_SHIFT))
    last = len(table) - 1
    for pair in range(load_int64(run, at.PAIRS_USED)):
        key = load_uint64(pairs, 3 * pair)
        slot = np.int64(key * ODD >> shift)
        while table[slot] >= 0 and load_uint64(pairs, 3 * np.int64(table[slot])) != key:
            slot = slot + 1 & last
        table[slot] = pair


@numba.njit(cache=True, nogil=True)
def _forget(numbers, least):
    """Take out the pairs that occur less than `least` times, with their lists."""
    run = address(numbers)
    pairs, pool, kept, used = load_int64(run, at.PAIRS), load_int64(run, at.POOL), 0, 0
    for pair in range(load_int64(run, at.PAIRS_USED)):
        count = load_int64(pairs, 3 * pair + 1)
        if count < least:
            continue
        first, end = list_of(run, pair)
        store_uint64(pairs, 3 * kept, load_uint64(pairs, 3 * pair))
        store_int64(pairs, 3 * kept + 1, count)
        store_int64(pairs, 3 * kept + 2, used)
        for i in range(first, end):
            store_int32(pool, used, load_int32(pool, i))
            used += 1
        kept += 1
    store_int64(run, at.PAIRS_USED, kept)
    store_int64(run, at.POOL_USED, used)


@numba.njit(cache=True, nogil=True)
def _pile_up(numbers):
    """Make the heap anew: one entry for each pair."""
    run = address(numbers)
    pairs = load_int64(run, at.PAIRS)
    store_int64(run, at.HEAP_USED, 0)
    for pair in range(load_int64(run, at.PAIRS_USED)):
        push(run, load_int64(pairs, 3 * pair + 1), load_uint64(pairs, 3 * pair))


_SLICE = 1 << 20  # bytes whose symbols are looked up at once


def kernels() -> tuple[Any, ...]:
    """What is compiled on first use."""
    return learn, _begin, _rehash, _forget, _pile_up


class Run:
    """The arrays of one run, as the kernels read them.

    `blob`, `lengths`: the pieces' bytes, one piece after the other; `weights`: how often each
    occurs; `symbols`: the number of each byte, by its place among the bytes' ids; `merges`: those
    made already, as rows (left, right), which come first; `tokens`: how many tokens there shall be,
    the 256 included. `allocate(items, type)` makes an array.
    """

    def __init__(
        self,
        blob: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        weights: NDArray[np.int64],
        *,
        symbols: NDArray[np.int32],
        merges: Sequence[tuple[int, int]],
        tokens: int,
        min_frequency: int,
        allocate: Callable[[int, Any], NDArray[Any]] = np.empty,
    ) -> None:
        self._allocate = allocate
        self.numbers = np.zeros(at.NUMBERS, np.int64)
        self._like = np.uint16(0) if tokens <= 1 << 16 else np.int32(0)
        row = allocate(max(len(blob), 1), self._like.dtype)
        for first in range(0, len(blob), _SLICE):
            some = blob[first : first + _SLICE]
            row[first : first + len(some)] = symbols[some]
        starts = allocate(len(lengths) + 1, np.int64)
        starts[0] = 0
        np.cumsum(lengths, out=starts[1:])
        self._arrays: dict[int, NDArray[Any]] = {}
        self._own(at.SYMBOLS, row)
        self._own(at.STARTS, starts)
        self._own(at.LENGTHS, np.asarray(lengths, np.int32))
        self._own(at.WEIGHTS, np.ascontiguousarray(weights, np.int64))
        rows = np.zeros((len(merges) + tokens, 3), np.int32)
        rows[: len(merges), :2] = np.reshape(merges, (-1, 2))
        self._own(at.MERGES, rows)
        self._own(at.SIDES, np.zeros(4 * tokens, np.int64))
        self._own(at.TOUCHED, np.zeros(2 * tokens + 1, np.int64))
        self.numbers[[at.WORDS, at.FORCED, at.LAST_ID]] = len(weights), len(merges), tokens - 1
        self.numbers[[at.LEAST, at.KEPT]] = min_frequency, 1 if len(merges) else min_frequency
        self._name_bytes(tokens)
        pairs = max(len(blob) - len(weights), 0)
        self._own(at.POOL, allocate(pairs + pairs // 16 + 1024, np.int32))
        self.numbers[at.POOL_ROOM] = len(self._arrays[at.POOL])
        self._resize(at.PAIRS, at.PAIRS_ROOM, 3, np.uint64, 1 << 17)
        self._resize(at.HEAP, at.HEAP_ROOM, 2, np.uint64, 1 << 17)
        self._resize(at.EVENTS, at.EVENTS_ROOM, 2, np.int32, 1 << 16)
        self._index()
        squares = np.zeros((2, 256, 256), np.int64)
        _begin(self.numbers, row, self._arrays[at.STARTS], self._arrays[at.WEIGHTS], *squares)

    def learn(self, turn: int) -> bool:
        """Make at most `turn` more merges; returns whether there may be more to make."""
        while (outcome := learn(self.numbers, turn, self._like)) == ROOM:
            self._make_room()
        return bool(outcome == MORE)

    @property
    def merges(self) -> NDArray[np.int32]:
        """The rows (left, right, merged) made so far."""
        return self._arrays[at.MERGES][: self.numbers[at.MERGED]]

    def _own(self, index: int, array: NDArray[Any]) -> None:
        self._arrays[index] = array
        self.numbers[index] = array.ctypes.data

    def _name_bytes(self, tokens: int) -> None:
        names = np.zeros((tokens, 4), np.int64)
        names[:256, 0], names[:256, 1] = np.arange(1, 257), 1
        names[:256, 2], names[:256, 3] = np.arange(256), -1
        self._own(at.TOKENS, names)
        bits = int(2 * tokens).bit_length()
        self._own(at.TOKEN_TABLE, np.full(1 << bits, -1, np.int32))
        self.numbers[[at.TOKEN_SHIFT, at.NEXT_ID]] = 64 - bits, 256

    def _resize(self, index: int, room_index: int, width: int, kind: Any, room: int) -> None:
        array = self._arrays.pop(index, None)
        if array is None:
            array = self._allocate(width * room, kind)
        elif isinstance(array, np.memmap):
            before, array = array, self._allocate(width * room, kind)
            array[: len(before)] = before
        else:
            array.resize(width * room, refcheck=False)  # in its place, if it can
        self._own(index, array)
        self.numbers[room_index] = room

    def _index(self) -> None:
        bits = int(self.numbers[at.PAIRS_ROOM] * 4 // 3).bit_length()
        self.numbers[at.TABLE_SHIFT] = 64 - bits
        self._arrays.pop(at.TABLE, None)  # before there is another
        self._own(at.TABLE, np.full(1 << bits, -1, np.int32))
        _rehash(self.numbers, self._arrays[at.TABLE])

    def _make_room(self) -> None:
        """Forget what occurs too seldom now, and let grow what is still too small."""
        is_forced = self.numbers[at.MERGED] < self.numbers[at.FORCED]
        _forget(self.numbers, self.numbers[at.KEPT if is_forced else at.LEAST])
        if self.numbers[at.PAIRS_USED] <= self.numbers[at.HEAP_ROOM]:
            _pile_up(self.numbers)
        self._grow(at.EVENTS, at.EVENTS_ROOM, None, 2, np.int32)
        self._grow(at.HEAP, at.HEAP_ROOM, at.HEAP_USED, 2, np.uint64)
        self._grow(at.POOL, at.POOL_ROOM, at.POOL_USED, 1, np.int32)
        self._grow(at.PAIRS, at.PAIRS_ROOM, at.PAIRS_USED, 3, np.uint64)
        self._index()

    def _grow(self, index: int, room: int, used: int | None, width: int, kind: Any) -> None:
        taken = 0 if used is None else int(self.numbers[used])
        wanted = taken + int(self.numbers[at.NEED])
        if self.numbers[room] < wanted:
            self._resize(index, room, width, kind, wanted + wanted // 8)
