"""The fast twin of `groundup.tokenizers.merging.merge_in_order` for symbols that are numbers.

The same heap over the same linked list, on arrays: a text of SentencePiece's kind is one piece, and
its 50 000 letters may have no space among them.
"""

from collections.abc import Mapping

import numba
import numpy as np

_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio
_NONE = np.uint64(0xFFFFFFFFFFFFFFFF)
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_SHORT = 24  # symbols; from here on the heap is faster


class PairTable:
    """A hash table from a pair of symbols to rank and merged symbol, for `merge_symbols`.

    `pairs`: `(left, right)` to `(rank, merged)`; all numbers are below 2^31. It is never written to
    again, so threads share it.
    """

    def __init__(self, pairs: Mapping[tuple[int, int], tuple[int, int]]) -> None:
        rows = np.array([(*key, *value) for key, value in pairs.items()], np.int64).reshape(-1, 4)
        bits = max(4, int(2 * len(rows) + 1).bit_length())
        self.shift = np.uint64(64 - bits)
        self.slots = np.full(2 << bits, _NONE, np.uint64)
        _fill(self.slots, self.shift, rows)


@numba.njit(cache=True, nogil=True)
def _fill(slots, shift, rows):
    last = len(slots) // 2 - 1
    for row in range(len(rows)):
        key = np.uint64(rows[row, 0]) << _HALF | np.uint64(rows[row, 1])
        slot = np.int64(key * _ODD >> shift)
        while slots[2 * slot] != _NONE:
            slot = slot + 1 & last
        slots[2 * slot] = key
        slots[2 * slot + 1] = np.uint64(rows[row, 2]) << _HALF | np.uint64(rows[row, 3])


@numba.njit(cache=True, nogil=True)
def _find(slots, shift, left, right):
    """The pair's rank << 32 | merged symbol, or _NONE if the two do not merge."""
    key = np.uint64(left) << _HALF | np.uint64(right)
    last = len(slots) // 2 - 1
    slot = np.int64(key * _ODD >> shift)
    while True:
        if slots[2 * slot] == key:
            return slots[2 * slot + 1]
        if slots[2 * slot] == _NONE:
            return _NONE
        slot = slot + 1 & last


@numba.njit(cache=True, nogil=True)
def _push(heap, size, item):
    place = size
    while place > 0:
        parent = (place - 1) // 2
        if heap[parent] <= item:
            break
        heap[place] = heap[parent]
        place = parent
    heap[place] = item


@numba.njit(cache=True, nogil=True)
def _pop(heap, size):
    """Take the least of `size` items out; the rest are one fewer."""
    top, item, place = heap[0], heap[size - 1], 0
    while True:
        child = 2 * place + 1
        if child >= size - 1:
            break
        if child + 1 < size - 1 and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= item:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = item
    return top


@numba.njit(cache=True, nogil=True)
def merge_symbols(symbols, bounds, slots, shift):
    """Merge `symbols` (int32) where they stand; returns the places of those that are left.

    `bounds`: where stretches begin, and the last one ends; no merge crosses from one to the next.
    """
    places, left = np.empty(len(symbols), np.int64), 0
    for word in range(len(bounds) - 1):
        start, end = bounds[word], bounds[word + 1]
        if end - start <= _SHORT:
            left = _merge_short(symbols, start, end, slots, shift, places, left)
        else:
            left = _merge_long(symbols, start, end, slots, shift, places, left)
    return places[:left]


@numba.njit(cache=True, nogil=True)
def _merge_short(symbols, start, end, slots, shift, places, left):
    """Merge one word by looking at all its pairs before each merge."""
    first, count = left, end - start
    for i in range(start, end):
        places[left] = i
        left += 1
    while count > 1:
        best, at = _NONE, 0
        for i in range(first, first + count - 1):
            pair = _find(slots, shift, symbols[places[i]], symbols[places[i + 1]])
            if pair >> _HALF < best >> _HALF:
                best, at = pair, i
        if best == _NONE:
            break
        symbols[places[at]] = np.int32(best & _LOW_HALF)
        count -= 1
        for i in range(at + 1, first + count):
            places[i] = places[i + 1]
    return first + count


@numba.njit(cache=True, nogil=True)
def _merge_long(symbols, start, end, slots, shift, places, left):
    """Merge one word with a heap over a linked list, O(n log n)."""
    count = end - start
    after, before = np.arange(1, count + 1), np.arange(-1, count - 1)
    merged = np.full(count, _NONE, np.uint64)  # what the pair that begins here makes
    heap = np.empty(3 * count + 1, np.uint64)  # rank << 32 | place: the best, then the leftmost
    size = 0
    for first in range(count - 1):
        one, other = symbols[start + first], symbols[start + first + 1]
        merged[first] = _find(slots, shift, one, other)
        if merged[first] != _NONE:
            _push(heap, size, merged[first] & ~_LOW_HALF | np.uint64(first))
            size += 1
    while size:
        top = _pop(heap, size)
        size -= 1
        i = np.int64(top & _LOW_HALF)
        if merged[i] == _NONE or merged[i] >> _HALF != top >> _HALF:
            continue  # one of the two has been merged since
        j = after[i]
        symbols[start + i] = np.int32(merged[i] & _LOW_HALF)
        after[i] = after[j]
        merged[i] = merged[j] = _NONE
        if after[i] < count:
            before[after[i]] = i
        for place in (before[i], i):
            if place >= 0 and after[place] < count:
                one, other = symbols[start + place], symbols[start + after[place]]
                merged[place] = _find(slots, shift, one, other)
                if merged[place] != _NONE:
                    _push(heap, size, merged[place] & ~_LOW_HALF | np.uint64(place))
                    size += 1
    here = 0
    while here < count:
        places[left] = start + here
        left += 1
        here = after[here]
    return left
