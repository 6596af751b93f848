"""The fast twin of encoding with byte-pair merges: scan, look the piece up, merge what is new.

Most pieces of a text have been seen before, so their ids lie in a cache of 32-byte entries that a
piece's own bytes find. A piece that is new is merged once: a short one by looking at all its pairs
before each merge, a long one with a heap over a linked list, O(n log n).

The plain path is `groundup.tokenizers.bpe`. All kernels here work on addresses (see `machine`);
`bpe_model` owns the arrays.
"""

import numba
import numpy as np

from groundup.kernels.bytes_hash import hash_bytes, same_bytes
from groundup.kernels.machine import (
    load_byte,
    load_int32,
    load_int64,
    load_uint64,
    load_word,
    store_byte,
    store_int32,
    store_int64,
    store_two,
    store_uint64,
)
from groundup.kernels.merging import HALF, LOW_HALF, NONE, find_pair, merge_row
from groundup.kernels.scan import next_piece

# What the numbers of a model mean, by their index.
CLASSES, FAMILY, DIGITS, WHOLE_END, WHOLE_FIRST, MASKS = range(6)
PAIRS, PAIR_SHIFT, BYTE_IDS, TOKENS, TOKEN_SHIFT, BLOB, STARTS = range(6, 13)
# And a state's.
CACHE, CACHE_SHIFT, _USED, MOST, ARENA, _ARENA_USED, ARENA_SIZE = range(7)
IDS, _IDS_USED, IDS_SIZE, SCRATCH, CLEARED = range(7, 12)

SHORT = 64  # bytes; from here on the heap is faster
_LONGEST_CACHED = 256  # bytes
ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio
_OTHER_ODD = np.uint64(0xC2B2AE3D27D4EB4F)
_LONG_MARK = np.uint64(0xFF << 56)


@numba.njit(nogil=True, forceinline=True)
def _find_pair(model, left, right):
    return find_pair(load_int64(model, PAIRS), load_int64(model, PAIR_SHIFT), left, right)


@numba.njit(nogil=True, forceinline=True)
def find_token(model, text, start, length):
    """The id of the token with these bytes; -1 if there is none."""
    value = hash_bytes(text, start, length)
    table, shift = load_int64(model, TOKENS), np.uint64(load_int64(model, TOKEN_SHIFT))
    blob, starts = load_int64(model, BLOB), load_int64(model, STARTS)
    last = (np.int64(1) << np.int64(np.uint64(64) - shift)) - 1
    slot = np.int64(value >> shift)
    while True:
        entry = load_uint64(table, slot)
        if entry == 0:
            return np.int64(-1)
        token = np.int64(entry & LOW_HALF) - 1
        if entry >> HALF == value & LOW_HALF:
            at = load_int64(starts, token)
            size = load_int64(starts, token + 1) - at
            if size == length and same_bytes(text, start, blob, at, length):
                return token
        slot = slot + 1 & last


@numba.njit(nogil=True)
def _merge_short(model, text, start, length, ids, ranks):
    """Merge a short piece into `ids`; returns how many are left. `ranks`: as much room."""
    byte_ids = load_int64(model, BYTE_IDS)
    count = 0
    for i in range(length):
        token = load_int32(byte_ids, np.int64(load_byte(text, start + i)))
        if token >= 0:
            store_int32(ids, count, token)
            count += 1
    for i in range(count - 1):
        pair = _find_pair(model, load_int32(ids, i), load_int32(ids, i + 1))
        store_uint64(ranks, i, pair)
    while count > 1:
        best, place = NONE, 0
        for i in range(count - 1):
            pair = load_uint64(ranks, i)
            if pair >> HALF < best >> HALF:
                best, place = pair, i
        if best == NONE:
            break
        count -= 1
        store_int32(ids, place, np.int32(best & LOW_HALF))
        for i in range(place + 1, count):
            store_int32(ids, i, load_int32(ids, i + 1))
            store_uint64(ranks, i - 1, load_uint64(ranks, i))
        for i in range(max(place - 1, 0), min(place + 1, count - 1)):
            pair = _find_pair(model, load_int32(ids, i), load_int32(ids, i + 1))
            store_uint64(ranks, i, pair)
    return count


@numba.njit(nogil=True)
def _merge_long(model, text, start, length, out):
    """Merge a piece of any length into the address `out`; returns how many ids it has."""
    byte_ids, count = load_int64(model, BYTE_IDS), 0
    for i in range(length):
        token = load_int32(byte_ids, np.int64(load_byte(text, start + i)))
        if token >= 0:
            store_int32(out, count, token)
            count += 1
    merge_row(load_int64(model, PAIRS), load_int64(model, PAIR_SHIFT), out, count)
    left = 0
    for i in range(count):
        token = load_int32(out, i)
        if token >= 0:
            store_int32(out, left, token)
            left += 1
    return left


@numba.njit(nogil=True)
def _encode_piece(model, state, text, start, length, out):
    """The ids of one piece at the address `out`; returns how many."""
    if load_int64(model, WHOLE_FIRST):
        token = find_token(model, text, start, length)
        if token >= 0:
            store_int32(out, 0, np.int32(token))
            return 1
    if length <= SHORT:
        return _merge_short(model, text, start, length, out, load_int64(state, SCRATCH))
    return _merge_long(model, text, start, length, out)


@numba.njit(nogil=True)
def _clear(state):
    """Forget all pieces."""
    cache = load_int64(state, CACHE)
    slots = np.int64(1) << (64 - load_int64(state, CACHE_SHIFT))
    for i in range(4 * slots):
        store_uint64(cache, i, np.uint64(0))
    for counter in (_USED, _ARENA_USED, _IDS_USED):
        store_uint64(state, counter, np.uint64(0))
    store_uint64(state, CLEARED, np.uint64(1))


@numba.njit(nogil=True)
def _remember(model, state, text, start, length, key, slot, out):
    """Encode a piece that was not in the cache, and put it there; returns how many ids it has."""
    count = _encode_piece(model, state, text, start, length, out)
    if length > _LONGEST_CACHED:
        return count
    arena_used, ids_used = load_int64(state, _ARENA_USED), load_int64(state, _IDS_USED)
    full = load_int64(state, _USED) >= load_int64(state, MOST)
    full |= arena_used + length + 24 > load_int64(state, ARENA_SIZE)
    full |= ids_used + count > load_int64(state, IDS_SIZE)
    if full:
        _clear(state)
        return count
    tag = np.uint64(length) << np.uint64(56)
    if length > 15:
        arena = load_int64(state, ARENA)
        store_uint64(arena + arena_used, 0, np.uint64(length))
        for i in range(length):
            store_byte(arena, arena_used + 8 + i, load_byte(text, start + i))
        store_uint64(state, _ARENA_USED, np.uint64(arena_used + 8 + (length + 7) // 8 * 8))
        tag = _LONG_MARK | np.uint64(arena_used)
    elif length > 8:
        tag |= load_word(text, start + 8) & (NONE >> np.uint64(128 - 8 * length))
    cache = load_int64(state, CACHE)
    store_uint64(cache, 4 * slot, key)
    store_uint64(cache, 4 * slot + 1, tag)
    third = np.uint64(ids_used)
    if count > 3:
        ids = load_int64(state, IDS)
        for i in range(count):
            store_int32(ids, ids_used + i, load_int32(out, i))
        store_uint64(state, _IDS_USED, np.uint64(ids_used + count))
    else:
        third = np.uint64(load_int32(out, 2)) & LOW_HALF
    first = np.uint64(load_int32(out, 0)) & LOW_HALF
    second = np.uint64(load_int32(out, 1)) & LOW_HALF
    store_uint64(cache, 4 * slot + 2, second << HALF | first)
    store_uint64(cache, 4 * slot + 3, np.uint64(count) << HALF | third)
    store_uint64(state, _USED, np.uint64(load_int64(state, _USED) + 1))
    return count


@numba.njit(nogil=True, forceinline=True)
def _recall(state, cache, slot, out):
    """Copy the ids of a cache entry to `out`; returns how many."""
    store_two(out, 0, load_uint64(cache, 4 * slot + 2))
    last = load_uint64(cache, 4 * slot + 3)
    count = np.int64(last >> HALF)
    if count > 3:
        ids, at = load_int64(state, IDS), np.int64(last & LOW_HALF)
        for i in range(count):
            store_int32(out, i, load_int32(ids, at + i))
    else:
        store_int32(out, 2, np.int32(last & LOW_HALF))
    return count


@numba.njit(nogil=True)
def _encode_long(model, state, text, start, length, out):
    """As `_encode_short`, for a piece of 16 bytes or more: its entry holds a hash."""
    key = hash_bytes(text, start, length)
    cache, shift = load_int64(state, CACHE), np.uint64(load_int64(state, CACHE_SHIFT))
    arena = load_int64(state, ARENA)
    last = (np.int64(1) << np.int64(np.uint64(64) - shift)) - 1
    slot = np.int64(key >> shift)
    while True:
        tag = load_uint64(cache, 4 * slot + 1)
        if tag == 0:
            return _remember(model, state, text, start, length, key, slot, out)
        if load_uint64(cache, 4 * slot) == key and tag >= _LONG_MARK:
            at = np.int64(tag & LOW_HALF)
            size = load_int64(arena + at, 0)
            if size == length and same_bytes(text, start, arena, at + 8, length):
                return _recall(state, cache, slot, out)
        slot = slot + 1 & last


@numba.njit(nogil=True, forceinline=True)
def _encode_short(model, state, table, text, start, length, out):
    """The ids of a piece of at most 15 bytes, which are its entry's key, at the address `out`.

    `table`: the masks for keys, the cache, and what its hashes are shifted by.
    """
    masks, cache, shift = table
    key = load_word(text, start) & load_uint64(masks, 2 * length)
    tag = load_word(text, start + 8) & load_uint64(masks, 2 * length + 1)
    tag |= np.uint64(length) << np.uint64(56)
    value = (key ^ tag * _OTHER_ODD) * ODD
    slot = np.int64((value ^ value >> np.uint64(29)) * _OTHER_ODD >> shift)
    last = (np.int64(1) << np.int64(np.uint64(64) - shift)) - 1
    while True:
        found = load_uint64(cache, 4 * slot + 1)
        if found == tag and load_uint64(cache, 4 * slot) == key:
            return _recall(state, cache, slot, out)
        if found == 0:
            return _remember(model, state, text, start, length, key, slot, out)
        slot = slot + 1 & last


@numba.njit(nogil=True, forceinline=True)
def _table_of(model, state):
    shift = np.uint64(load_int64(state, CACHE_SHIFT))
    return load_int64(model, MASKS), load_int64(state, CACHE), shift


@numba.njit(nogil=True)
def _encode_text(text, start, end, model, state, ids):
    """Write the ids of `text[start:end]` to the address `ids`; returns how many."""
    classes, family = load_int64(model, CLASSES), load_int64(model, FAMILY)
    digits, whole_end = load_int64(model, DIGITS), load_int64(model, WHOLE_END) != 0
    table, i, count = _table_of(model, state), start, 0
    while i < end:
        j = next_piece(text, classes, i, end, family, digits, whole_end)
        if j - i < 16:
            count += _encode_short(model, state, table, text, i, j - i, ids + 4 * count)
        else:
            count += _encode_long(model, state, text, i, j - i, ids + 4 * count)
        i = j
    return count


@numba.njit(cache=True, nogil=True)
def encode(text, end, model, state, ids):
    """Fill `ids` with the ids of `text[:end]`; returns how many.

    All but `end` are addresses: of uint8 with PADDING bytes of room behind the text; of a `Model`
    and a `State`; of int32, as many as bytes and four more.
    """
    return _encode_text(text, 0, end, model, state, ids)


@numba.njit(cache=True, nogil=True)
def encode_texts(text, ends, texts, model, state, ids):
    """As `encode`, of several texts one after the other; returns how many ids they have in all.

    int64 at `ends` say where each text ends, and then where its ids do.
    """
    start, count = 0, 0
    for i in range(texts):
        end = load_int64(ends, i)
        count += _encode_text(text, start, end, model, state, ids + 4 * count)
        store_int64(ends, i, count)
        start = end
    return count


@numba.njit(cache=True, nogil=True)
def encode_pieces(text, ends, pieces, model, state, ids):
    """As `encode`, of pieces that are cut already: int64 at `ends` say where each ends."""
    table = _table_of(model, state)
    i, count = 0, 0
    for piece in range(pieces):
        j = load_int64(ends, piece)
        if j - i < 16:
            count += _encode_short(model, state, table, text, i, j - i, ids + 4 * count)
        else:
            count += _encode_long(model, state, text, i, j - i, ids + 4 * count)
        i = j
    return count
