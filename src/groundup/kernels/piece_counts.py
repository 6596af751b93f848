"""Counting the pieces of much text: a hash table whose entries hold short pieces whole.

An entry is key, tag, count. Key and tag of a piece of at most 15 bytes are its bytes and length;
those of a longer one are its hash and where its bytes lie in an arena. When a table is full its
owner lets it grow, or takes out what it holds and goes on with an empty one.

The plain path is `collections.Counter` over `groundup.tokenizers.split`.
"""

from typing import Any, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from groundup.kernels.bytes_hash import hash_bytes, same_bytes
from groundup.kernels.machine import (
    address,
    load_byte,
    load_int64,
    load_uint64,
    load_word,
    store_byte,
    store_int64,
    store_uint64,
)
from groundup.kernels.scan import PADDING, character_classes, next_piece

Arrays: TypeAlias = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]
"""Hashes, lengths, bytes and counts of pieces."""

_ENTRIES, _SHIFT, _USED, _MOST, _ARENA, _ARENA_USED, _ARENA_SIZE, _NUMBERS = range(8)
ENTRY_BYTES = 24
_NONE = np.uint64(0xFFFFFFFFFFFFFFFF)
_ODD = np.uint64(0x9E3779B97F4A7C15)
_OTHER_ODD = np.uint64(0xC2B2AE3D27D4EB4F)
_LONG_MARK = np.uint64(0xFF << 56)
_LENGTH_SHIFT = np.uint64(56)
_PLACE = np.uint64((1 << 56) - 1)
_FILLED = 0.6  # of the slots; beyond, finding a place takes long


@numba.njit(nogil=True, forceinline=True)
def _short_hash(key, tag):
    value = (key ^ tag * _OTHER_ODD) * _ODD
    return (value ^ value >> np.uint64(29)) * _OTHER_ODD


@numba.njit(nogil=True, forceinline=True)
def _entry_hash(key, tag):
    return key if tag >= _LONG_MARK else _short_hash(key, tag)


@numba.njit(nogil=True, forceinline=True)
def _find(table, text, start, length):
    """The slot of a piece, or where it belongs; its key, and its tag (0 for a new long piece)."""
    entries, shift = load_int64(table, _ENTRIES), np.uint64(load_int64(table, _SHIFT))
    last = (np.int64(1) << np.int64(np.uint64(64) - shift)) - 1
    if length < 16:
        tag = np.uint64(length) << _LENGTH_SHIFT
        key = load_word(text, start)
        if length <= 8:
            key &= _NONE >> np.uint64(64 - 8 * length)
        else:
            tag |= load_word(text, start + 8) & (_NONE >> np.uint64(128 - 8 * length))
        slot = np.int64(_short_hash(key, tag) >> shift)
        while True:
            found = load_uint64(entries, 3 * slot + 1)
            if found == 0 or (found == tag and load_uint64(entries, 3 * slot) == key):
                return slot, key, tag
            slot = slot + 1 & last
    key = hash_bytes(text, start, length)
    slot = np.int64(key >> shift)
    arena = load_int64(table, _ARENA)
    while True:
        found = load_uint64(entries, 3 * slot + 1)
        if found == 0:
            return slot, key, np.uint64(0)
        if found >= _LONG_MARK and load_uint64(entries, 3 * slot) == key:
            at = np.int64(found & _PLACE)
            size = load_int64(arena + at, 0)
            if size == length and same_bytes(text, start, arena, at + 8, length):
                return slot, key, found
        slot = slot + 1 & last


@numba.njit(nogil=True, forceinline=True)
def _add(table, text, start, length, times):
    """Count a piece `times` more; False, and nothing done, if the table is full."""
    slot, key, tag = _find(table, text, start, length)
    entry = load_int64(table, _ENTRIES) + 24 * slot
    if load_uint64(entry, 1):
        store_int64(entry, 2, load_int64(entry, 2) + times)
        return True
    if load_int64(table, _USED) >= load_int64(table, _MOST):
        return False
    if length >= 16:
        at, arena = load_int64(table, _ARENA_USED), load_int64(table, _ARENA)
        if at + 8 + length + PADDING > load_int64(table, _ARENA_SIZE):
            return False
        store_int64(arena + at, 0, length)
        for i in range(length):
            store_byte(arena, at + 8 + i, load_byte(text, start + i))
        store_int64(table, _ARENA_USED, at + 8 + (length + 7) // 8 * 8)
        tag = _LONG_MARK | np.uint64(at)
    store_uint64(entry, 0, key)
    store_uint64(entry, 1, tag)
    store_int64(entry, 2, times)
    store_int64(table, _USED, load_int64(table, _USED) + 1)
    return True


@numba.njit(cache=True, nogil=True)
def _count_text(numbers, text, start, end, classes, family, digits):
    """Count the pieces of `text[start:end]`; returns where it stopped: early if it is full."""
    table, at, kinds = address(numbers), address(text), address(classes)
    i = start
    while i < end:
        j = next_piece(at, kinds, i, end, family, digits, False)
        if not _add(table, at, i, j - i, 1):
            break
        i = j
    return i


@numba.njit(cache=True, nogil=True)
def _count_pieces(numbers, blob, starts, counts, first):
    """Add pieces that are counted already, from number `first` on; returns where it stopped."""
    table, at = address(numbers), address(blob)
    for piece in range(first, len(counts)):
        length = starts[piece + 1] - starts[piece]
        if not _add(table, at, starts[piece], length, counts[piece]):
            return piece
    return len(counts)


@numba.njit(cache=True, nogil=True)
def _grow(old, slots, new):
    """Move the entries of a table of `slots` slots into a larger one."""
    before, after = address(old), address(new)
    entries, shift = load_int64(after, _ENTRIES), np.uint64(load_int64(after, _SHIFT))
    last = (np.int64(1) << np.int64(np.uint64(64) - shift)) - 1
    rows = load_int64(before, _ENTRIES)
    for row in range(slots):
        key, tag = load_uint64(rows, 3 * row), load_uint64(rows, 3 * row + 1)
        if tag == 0:
            continue
        slot = np.int64(_entry_hash(key, tag) >> shift)
        while load_uint64(entries, 3 * slot + 1):
            slot = slot + 1 & last
        store_uint64(entries, 3 * slot, key)
        store_uint64(entries, 3 * slot + 1, tag)
        store_uint64(entries, 3 * slot + 2, load_uint64(rows, 3 * row + 2))


@numba.njit(cache=True, nogil=True)
def _measure(numbers, slots, hashes, rows, lengths):
    """The hash, the slot and the length of every piece in the table."""
    table = address(numbers)
    entries, arena, count = load_int64(table, _ENTRIES), load_int64(table, _ARENA), 0
    for row in range(slots):
        key, tag = load_uint64(entries, 3 * row), load_uint64(entries, 3 * row + 1)
        if tag == 0:
            continue
        hashes[count], rows[count] = _entry_hash(key, tag), row
        if tag >= _LONG_MARK:
            lengths[count] = load_int64(arena + np.int64(tag & _PLACE), 0)
        else:
            lengths[count] = np.int64(tag >> _LENGTH_SHIFT)
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _take_out(numbers, rows, lengths, blob, counts):
    """Write the pieces of the given slots, one after the other, and their counts."""
    table, out = address(numbers), address(blob)
    entries, arena, end = load_int64(table, _ENTRIES), load_int64(table, _ARENA), 0
    for i in range(len(rows)):
        row, length = rows[i], lengths[i]
        counts[i] = load_int64(entries, 3 * row + 2)
        tag = load_uint64(entries, 3 * row + 1)
        source = entries + 24 * row  # a short piece's bytes are its entry's
        if tag >= _LONG_MARK:
            source = arena + np.int64(tag & _PLACE) + 8
        for k in range(length):
            store_byte(out, end + k, load_byte(source, k))
        end += length


@numba.njit(cache=True, nogil=True)
def _join_equal(hashes, order, starts, blob, counts, kept):
    """Of pieces in order of their hashes, add up equal ones; returns how many are left.

    `kept[i]` becomes the i-th different piece, its count the sum of all alike. Different pieces of
    one hash come in the order of their bytes.
    """
    at, count, i = address(blob), 0, 0
    while i < len(order):
        group = count
        here = hashes[order[i]]
        while i < len(order) and hashes[order[i]] == here:
            piece = order[i]
            length = starts[piece + 1] - starts[piece]
            place = group
            while place < count:
                other = kept[place]
                size = starts[other + 1] - starts[other]
                if size == length and same_bytes(at, starts[piece], at, starts[other], length):
                    break
                place += 1
            if place < count:
                counts[kept[place]] += counts[piece]
            else:
                kept[count] = piece
                count += 1
                place = count - 1
                while place > group and _comes_before(at, starts, kept[place], kept[place - 1]):
                    kept[place], kept[place - 1] = kept[place - 1], kept[place]
                    place -= 1
            i += 1
    return count


@numba.njit(nogil=True)
def _comes_before(blob, starts, one, other):
    length, size = starts[one + 1] - starts[one], starts[other + 1] - starts[other]
    for i in range(min(length, size)):
        here, there = load_byte(blob, starts[one] + i), load_byte(blob, starts[other] + i)
        if here != there:
            return here < there
    return length < size


@numba.njit(cache=True, nogil=True)
def gather(blob, starts, pieces, out):
    """Write the bytes of the chosen pieces one after the other."""
    source, target, end = address(blob), address(out), 0
    for piece in pieces:
        for i in range(starts[piece], starts[piece + 1]):
            store_byte(target, end, load_byte(source, i))
            end += 1


def kernels() -> tuple[Any, ...]:
    """What is compiled on first use."""
    return _count_text, _count_pieces, _grow, _measure, _take_out, _join_equal, gather


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts


def join(
    hashes: NDArray[np.uint64],
    lengths: NDArray[np.int64],
    blob: NDArray[np.uint8],
    counts: NDArray[np.int64],
) -> Arrays:
    """Add up equal pieces, whatever their order: the same four arrays, sorted by hash."""
    starts = _starts(lengths)
    order = np.argsort(hashes, kind="stable")
    kept = np.empty(len(hashes), np.int64)
    counts = counts.copy()
    kept = kept[: _join_equal(hashes, order, starts, blob, counts, kept)]
    out = np.empty(int(lengths[kept].sum()) + PADDING, np.uint8)
    gather(blob, starts, kept, out)
    return hashes[kept], lengths[kept], out[: len(out) - PADDING], counts[kept]


class PieceTable:
    """Counts pieces in at most `most_bytes` of memory; int64 counts."""

    def __init__(self, most_bytes: int = 1 << 62) -> None:
        self._most_bytes = most_bytes
        self._classes = character_classes()
        self._make(1 << 12, 1 << 14)

    def count_text(
        self, text: NDArray[np.uint8], end: int, family: int, digits: int, start: int = 0
    ) -> int:
        """Count the pieces of `text[start:end]`, cut as `groundup.kernels.scan` does.

        Returns where it stopped: at `end`, or where the table may not grow any more; then take out
        what it holds with `take` and go on from there.
        """
        while start < end:
            start = _count_text(self._numbers, text, start, end, self._classes, family, digits)
            if start < end and not self._grow(end - start):
                break
        return start

    def add(
        self,
        blob: NDArray[np.uint8],
        lengths: NDArray[np.int64],
        counts: NDArray[np.int64],
        first: int = 0,
    ) -> int:
        """Add pieces with counts, from number `first` on; returns where it stopped, as above."""
        starts = _starts(lengths)
        while first < len(counts):
            first = _count_pieces(self._numbers, blob, starts, counts, first)
            if first < len(counts) and not self._grow(int(lengths[first])):
                break
        return first

    def take(self) -> Arrays:
        """Empty the table: hashes, lengths, bytes and counts of its pieces, sorted by hash."""
        used, slots = int(self._numbers[_USED]), len(self._entries) // 3
        hashes, rows = np.empty(used, np.uint64), np.empty(used, np.int64)
        lengths = np.empty(used, np.int64)
        _measure(self._numbers, slots, hashes, rows, lengths)
        order = np.argsort(hashes, kind="stable")
        hashes, rows, lengths = hashes[order], rows[order], lengths[order]
        blob, counts = np.empty(int(lengths.sum()), np.uint8), np.empty(used, np.int64)
        _take_out(self._numbers, rows, lengths, blob, counts)
        self._entries[:] = 0
        self._numbers[[_USED, _ARENA_USED]] = 0
        padded = np.concatenate([blob, np.zeros(PADDING, np.uint8)])
        return join(hashes, lengths, padded, counts)  # two of one hash, in the order of their bytes

    def __len__(self) -> int:
        return int(self._numbers[_USED])

    def _make(self, slots: int, arena: int) -> None:
        self._entries = np.zeros(3 * slots, np.uint64)
        self._arena = np.zeros(arena, np.uint8)
        self._numbers = np.zeros(_NUMBERS, np.int64)
        self._numbers[[_ENTRIES, _ARENA]] = self._entries.ctypes.data, self._arena.ctypes.data
        self._numbers[[_SHIFT, _MOST]] = 65 - slots.bit_length(), int(_FILLED * slots)
        self._numbers[_ARENA_SIZE] = arena

    def _grow(self, length: int) -> bool:
        """Twice the room of what is full; False if that is too much and the table holds any."""
        slots, arena, old = len(self._entries) // 3, self._arena, (self._numbers, self._entries)
        is_full = self._numbers[_USED] >= self._numbers[_MOST]
        wanted = 2 * slots if is_full else slots
        room = len(arena) if is_full else max(2 * len(arena), len(arena) + length + 64)
        # While it grows, the old table is there too.
        if ENTRY_BYTES * (wanted + slots) + room + len(arena) > self._most_bytes and len(self):
            return False
        used = self._numbers[[_USED, _ARENA_USED]]
        self._make(wanted, room)
        self._arena[: len(arena)] = arena
        self._numbers[[_USED, _ARENA_USED]] = used
        _grow(old[0], slots, self._numbers)
        return True
