"""What encoding with byte-pair merges reads, a vocabulary, and what it remembers: their arrays."""

from collections.abc import Iterator, Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from groundup.kernels import bpe_encoding as at
from groundup.kernels import merging
from groundup.kernels.bpe_encoding import find_token
from groundup.kernels.bytes_hash import hash_bytes
from groundup.kernels.machine import address
from groundup.kernels.merging import HALF, LOW_HALF, PairTable
from groundup.kernels.scan import PADDING, character_classes

FEWEST, MOST = 1 << 14, 1 << 19
"""Entries of a cache at first, and when it has been full often enough."""


@numba.njit(cache=True, nogil=True)
def _fill_tokens(table, shift, blob, starts):
    """Enter every token that has bytes; the first of equal ones counts."""
    last = len(table) - 1
    at = address(blob)
    for token in range(len(starts) - 1):
        length = starts[token + 1] - starts[token]
        if length:
            value = hash_bytes(at, starts[token], length)
            slot = np.int64(value >> np.uint64(shift))
            while table[slot]:
                slot = slot + 1 & last
            table[slot] = (value & LOW_HALF) << HALF | np.uint64(token + 1)


@numba.njit(cache=True, nogil=True)
def _all_splits(model, blob, starts, found):
    """Rows `(left, right, merged)` for every way to cut a token into two; returns how many."""
    numbers, at = address(model), address(blob)
    count = 0
    for token in range(len(starts) - 1):
        start, end = starts[token], starts[token + 1]
        for cut in range(start + 1, end):
            left = find_token(numbers, at, start, cut - start)
            if left < 0:
                continue
            right = find_token(numbers, at, cut, end - cut)
            if right >= 0:
                if count < len(found):
                    found[count, 0], found[count, 1], found[count, 2] = left, right, token
                count += 1
    return count


def _power(least: int) -> tuple[int, int]:
    """A power of two of at least `least`, and the shift that leaves a hash so many values."""
    bits = max(4, int(np.ceil(np.log2(max(least, 1)))))
    return 1 << bits, 64 - bits


def kernels() -> tuple[Any, ...]:
    """What is compiled on first use."""
    return (
        at.encode,
        at.encode_texts,
        at.encode_pieces,
        *merging.kernels(),
        _fill_tokens,
        _all_splits,
    )


class Model:
    """A vocabulary as the kernels read it; it is never written to again, so threads share it.

    `tokens`: the bytes of each id, empty where it has none; `merges`: rows (left, right, merged),
    the best first, or None if any two tokens that make a third merge, the lowest id first; `scan`:
    family, digits and whole_end of `next_piece`, which `encode_pieces` does not need.
    """

    def __init__(
        self,
        tokens: Sequence[bytes],
        merges: Sequence[tuple[int, int, int]] | None,
        *,
        scan: tuple[int, int, bool],
        whole_first: bool,
    ) -> None:
        self.starts = np.zeros(len(tokens) + 1, np.int64)
        np.cumsum([len(token) for token in tokens], out=self.starts[1:])
        self.blob = np.frombuffer(b"".join(tokens) + bytes(PADDING), np.uint8)
        slots, token_shift = _power(2 * len(tokens))
        self.tokens = np.zeros(slots, np.uint64)
        _fill_tokens(self.tokens, token_shift, self.blob, self.starts)
        self.byte_ids = np.full(256, -1, np.int32)
        for token, data in enumerate(tokens):
            if len(data) == 1 and self.byte_ids[data[0]] < 0:
                self.byte_ids[data[0]] = token
        self.classes = character_classes()
        self.masks = np.array(list(_key_masks()), np.uint64)
        self.numbers = np.zeros(13, np.int64)
        self._point(at.CLASSES, self.classes)
        self._point(at.MASKS, self.masks)
        self._point(at.BYTE_IDS, self.byte_ids)
        self._point(at.TOKENS, self.tokens)
        self._point(at.BLOB, self.blob)
        self._point(at.STARTS, self.starts)
        self.numbers[[at.FAMILY, at.DIGITS, at.WHOLE_END]] = scan
        self.numbers[[at.WHOLE_FIRST, at.TOKEN_SHIFT]] = whole_first, token_shift
        if merges is None:
            rows = self._splits()
            ranks = rows[:, 2]
        else:
            rows = np.array(merges, np.int64).reshape(-1, 3)
            ranks = np.arange(len(rows))
        self.pairs = PairTable(rows, ranks)
        self._point(at.PAIRS, self.pairs.slots)
        self.numbers[at.PAIR_SHIFT] = self.pairs.shift
        self.address = self.numbers.ctypes.data

    def _splits(self) -> NDArray[np.int64]:
        found = np.empty((4 * len(self.starts), 3), np.int64)
        count = _all_splits(self.numbers, self.blob, self.starts, found)
        if count > len(found):
            found = np.empty((count, 3), np.int64)
            count = _all_splits(self.numbers, self.blob, self.starts, found)
        return found[:count]

    def _point(self, index: int, array: NDArray[Any]) -> None:
        self.numbers[index] = array.ctypes.data


class State:
    """One thread's cache of pieces, and its room for a text and its ids."""

    def __init__(self, slots: int = FEWEST) -> None:
        self.slots = slots
        self.cache = np.zeros(4 * slots + 8, np.uint64)
        self.arena = np.zeros(slots * 8 + PADDING, np.uint8)
        self.ids = np.zeros(slots * 2, np.int32)
        self.scratch = np.zeros(at.SHORT, np.uint64)
        self.numbers = np.zeros(at.CLEARED + 1, np.int64)
        # Entries are 32 bytes; begun on a multiple of 64, none lies across two cache lines.
        self.numbers[at.CACHE] = -(-self.cache.ctypes.data // 64) * 64
        self.numbers[[at.CACHE_SHIFT, at.MOST]] = 65 - slots.bit_length(), slots * 5 // 8
        self.numbers[[at.ARENA, at.ARENA_SIZE]] = self.arena.ctypes.data, slots * 8
        self.numbers[[at.IDS, at.IDS_SIZE]] = self.ids.ctypes.data, len(self.ids)
        self.numbers[at.SCRATCH] = self.scratch.ctypes.data
        self.address = self.numbers.ctypes.data
        self.make_room(1 << 12)

    def make_room(self, size: int) -> None:
        """Have room for a text of so many bytes."""
        self.room = size
        self.text = np.zeros(size + PADDING, np.uint8)
        self.view = self.text.data
        self.out = np.zeros(size + 4, np.int32)
        self.text_address, self.out_address = self.text.ctypes.data, self.out.ctypes.data

    @property
    def was_cleared(self) -> bool:
        """Whether the cache was full, and begun anew."""
        return bool(self.numbers[at.CLEARED])


def _key_masks() -> Iterator[int]:
    """For a piece of n bytes: which bits of its first and its second word are its own."""
    whole = (1 << 64) - 1
    for length in range(16):
        bits = 8 * length
        yield min((1 << bits) - 1, whole)
        yield (1 << max(bits - 64, 0)) - 1
