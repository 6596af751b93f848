"""The fast twin of merging a row of symbols pair by pair: lowest rank first, then leftmost.

A heap says which pair is next, a linked list who is whose neighbour: n symbols take O(n log n)
steps, however they are arranged. The plain path is `groundup.tokenizers.merging.merge_in_order`.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from groundup.kernels.machine import (
    address,
    keep,
    load_int32,
    load_uint64,
    store_int32,
    store_uint64,
)

NONE = np.uint64(0xFFFFFFFFFFFFFFFF)
"""What a pair that never merges becomes."""
HALF = np.uint64(32)
LOW_HALF = np.uint64(0xFFFFFFFF)
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio


class PairTable:
    """A hash table from two symbols to their rank and what they become; threads share it.

    `rows`: (left, right, merged), all below 2^31, with their `ranks`, the lowest first; of equal
    pairs the last row counts.
    """

    def __init__(self, rows: NDArray[np.int64], ranks: NDArray[np.int64]) -> None:
        bits = max(4, int(2 * len(rows) + 1).bit_length())
        self.shift = 64 - bits
        self.slots = np.full(2 << bits, NONE, np.uint64)
        _fill(self.slots, self.shift, rows, ranks)
        self.address = self.slots.ctypes.data


@numba.njit(cache=True, nogil=True)
def _fill(slots, shift, rows, ranks):
    last = len(slots) // 2 - 1
    for row in range(len(rows)):
        key = np.uint64(rows[row, 0]) << HALF | np.uint64(rows[row, 1])
        slot = np.int64(key * _ODD >> np.uint64(shift))
        while slots[2 * slot] != NONE and slots[2 * slot] != key:
            slot = slot + 1 & last
        slots[2 * slot] = key
        slots[2 * slot + 1] = np.uint64(ranks[row]) << HALF | np.uint64(rows[row, 2])


@numba.njit(nogil=True, forceinline=True)
def find_pair(table, shift, left, right):
    """Rank << 32 | symbol of what two symbols become; NONE if they do not merge."""
    key = np.uint64(left) << HALF | np.uint64(right)
    last = (np.int64(1) << (64 - shift)) - 1
    slot = np.int64(key * _ODD >> np.uint64(shift))
    while True:
        found = load_uint64(table, 2 * slot)
        if found == key:
            return load_uint64(table, 2 * slot + 1)
        if found == NONE:
            return NONE
        slot = slot + 1 & last


@numba.njit(nogil=True, forceinline=True)
def _sink(heap, place, size, item):
    """Put `item` into a 4-ary min-heap whose place `place` is free, there or further down."""
    while True:
        first = 4 * place + 1
        if first >= size:
            break
        best, least = first, load_uint64(heap, first)
        for child in range(first + 1, min(first + 4, size)):
            value = load_uint64(heap, child)
            if value < least:
                best, least = child, value
        if least >= item:
            break
        store_uint64(heap, place, least)
        place = best
    store_uint64(heap, place, item)


@numba.njit(nogil=True, forceinline=True)
def _push(heap, place, item):
    """Put `item` into a 4-ary min-heap whose last place is `place`."""
    while place > 0:
        parent = (place - 1) >> 2
        value = load_uint64(heap, parent)
        if value <= item:
            break
        store_uint64(heap, place, value)
        place = parent
    store_uint64(heap, place, item)


@numba.njit(nogil=True)
def _merge(table, shift, ids, count, links, merged, heap):
    """Merge `count` ids; what is merged away is -1.

    `merged`: what the pair that begins at a place becomes, with its rank; an entry of the heap is
    rank << 32 | place, and is stale if that rank is not the place's any more.
    """
    after, before, size = links, links + 4 * count, np.int64(0)
    for i in range(count):
        store_int32(after, i, np.int32(i + 1))
        store_int32(before, i, np.int32(i - 1))
        pair = NONE
        if i + 1 < count:
            pair = find_pair(table, shift, load_int32(ids, i), load_int32(ids, i + 1))
        store_uint64(merged, i, pair)
        if pair != NONE:
            _push(heap, size, pair & ~LOW_HALF | np.uint64(i))
            size += 1
    while size:
        top = load_uint64(heap, 0)
        size -= 1
        _sink(heap, 0, size, load_uint64(heap, size))
        place = np.int64(top & LOW_HALF)
        pair = load_uint64(merged, place)
        if pair == NONE or pair >> HALF != top >> HALF:
            continue
        gone = np.int64(load_int32(after, place))
        following = np.int64(load_int32(after, gone))
        store_int32(ids, place, np.int32(pair & LOW_HALF))
        store_int32(ids, gone, np.int32(-1))
        store_uint64(merged, gone, NONE)
        store_uint64(merged, place, NONE)
        store_int32(after, place, np.int32(following))
        if following < count:
            store_int32(before, following, np.int32(place))
        for left in (np.int64(load_int32(before, place)), place):
            right = np.int64(load_int32(after, left)) if left >= 0 else count
            if right < count:
                pair = find_pair(table, shift, load_int32(ids, left), load_int32(ids, right))
                store_uint64(merged, left, pair)
                if pair != NONE:
                    _push(heap, size, pair & ~LOW_HALF | np.uint64(left))
                    size += 1


@numba.njit(nogil=True)
def merge_row(table, shift, ids, count):
    """Merge the int32 row of `count` ids at an address; what is merged away is -1 in the end."""
    links = np.empty(2 * count, np.int32)
    merged, heap = np.empty(count, np.uint64), np.empty(3 * count + 1, np.uint64)
    _merge(table, shift, ids, count, address(links), address(merged), address(heap))
    keep(links)
    keep(merged)
    keep(heap)


@numba.njit(cache=True, nogil=True)
def merge_words(table, shift, symbols, bounds):
    """Merge each word of an array of symbols where it stands; returns the places that are left.

    `bounds`: where words begin, and the last one ends; no merge crosses from one to the next.
    """
    longest = 0
    for word in range(len(bounds) - 1):
        longest = max(longest, bounds[word + 1] - bounds[word])
    links = np.empty(2 * longest, np.int32)
    merged, heap = np.empty(longest, np.uint64), np.empty(3 * longest + 1, np.uint64)
    at, links_at, merged_at, heap_at = (
        address(symbols),
        address(links),
        address(merged),
        address(heap),
    )
    for word in range(len(bounds) - 1):
        ids, count = at + 4 * bounds[word], bounds[word + 1] - bounds[word]
        _merge(table, shift, ids, count, links_at, merged_at, heap_at)
    keep(links)
    keep(merged)
    keep(heap)
    return np.flatnonzero(symbols >= 0)


def kernels() -> tuple[Any, ...]:
    """What is compiled on first use."""
    return _fill, merge_words
