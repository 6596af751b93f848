"""The fast twin of learning merges: the most frequent pair, again and again.

Each different piece is held once, as a row of symbols with its count. For every pair that occurs
often enough there is its count and a list of the pieces that hold it: a merge visits those alone.
What a merge makes are pairs with the new token only, hence they are counted in plain arrays by
neighbour and entered afterwards. A heap gives the best pair; a count in it that has sunk since is
put back with the count of today. A pair that occurs less than `min_frequency` times is forgotten:
counts only sink. The one exception, a merge whose bytes are a token already (it takes that token's
id), counts the pairs of that token anew over all pieces.

The plain path is `groundup.tokenizers.bpe.learn_merges`.
"""

import numba
import numpy as np

from groundup.kernels.machine import (
    address,
    load_int32,
    load_int64,
    load_like,
    load_uint64,
    store_int32,
    store_int64,
    store_like,
    store_uint64,
)

DONE, MORE, ROOM = range(3)
"""How `learn` stops: no pair is left or the vocabulary is full; its turn is over; more room."""

# What the numbers of a run mean, by their index.
SYMBOLS, STARTS, LENGTHS, WEIGHTS, WORDS = range(5)
POOL, POOL_USED, POOL_ROOM = range(5, 8)
PAIRS, PAIRS_USED, PAIRS_ROOM, TABLE, TABLE_SHIFT = range(8, 13)
HEAP, HEAP_USED, HEAP_ROOM = range(13, 16)
EVENTS, _EVENTS_USED, EVENTS_ROOM = range(16, 19)
SIDES, TOUCHED, MERGES, MERGED, FORCED = range(19, 24)
TOKENS, NEXT_ID, LAST_ID, LEAST, KEPT = range(24, 29)
TOKEN_TABLE, TOKEN_SHIFT, NEED, NUMBERS = range(29, 33)

# A pair: key, count, where its list begins in the pool; it ends where the next pair's begins.
# A token: hash, length, left, right (a byte has itself as left and -1 as right).
# A side: for neighbour x, count and events of (x, new) at 2x, of (new, x) at 2x + 1.

ODD = np.uint64(0x9E3779B97F4A7C15)
_BASE = np.uint64(0x100000001B3)
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)


@numba.njit(nogil=True, forceinline=True)
def join_key(left, right):
    """A pair as one number; smaller ids, the left one first, make a smaller number."""
    return np.uint64(left) << _HALF | np.uint64(right)


@numba.njit(nogil=True, forceinline=True)
def _find(run, key):
    """The number of a pair; -1 if it is not known."""
    table, pairs = load_int64(run, TABLE), load_int64(run, PAIRS)
    shift = np.uint64(load_int64(run, TABLE_SHIFT))
    last = (np.int64(1) << np.int64(np.uint64(64) - shift)) - 1
    slot = np.int64(key * ODD >> shift)
    while True:
        pair = np.int64(load_int32(table, slot))
        if pair < 0 or load_uint64(pairs, 3 * pair) == key:
            return pair
        slot = slot + 1 & last


@numba.njit(nogil=True, forceinline=True)
def list_of(run, pair):
    """Where in the pool the words of a pair begin and end."""
    pairs, end = load_int64(run, PAIRS), load_int64(run, POOL_USED)
    if pair + 1 < load_int64(run, PAIRS_USED):
        end = load_int64(pairs, 3 * pair + 5)
    return load_int64(pairs, 3 * pair + 2), end


@numba.njit(nogil=True, forceinline=True)
def _lower(run, left, right, weight):
    """A known pair occurs `weight` times less."""
    pair = _find(run, join_key(left, right))
    if pair >= 0:
        counts = load_int64(run, PAIRS) + 8
        store_int64(counts, 3 * pair, load_int64(counts, 3 * pair) - weight)


@numba.njit(nogil=True, forceinline=True)
def _is_better(heap, one, count, key):
    """Whether the entry `one` goes before (count, key): the higher count, then the smaller ids."""
    other = load_int64(heap, 2 * one)
    return other > count or (other == count and load_uint64(heap, 2 * one + 1) < key)


@numba.njit(nogil=True)
def push(run, count, key):
    """Put a pair with its count into the heap, which must have room."""
    heap, place = load_int64(run, HEAP), load_int64(run, HEAP_USED)
    store_int64(run, HEAP_USED, place + 1)
    while place > 0:
        parent = (place - 1) >> 2
        if _is_better(heap, parent, count, key):
            break
        store_int64(heap, 2 * place, load_int64(heap, 2 * parent))
        store_uint64(heap, 2 * place + 1, load_uint64(heap, 2 * parent + 1))
        place = parent
    store_int64(heap, 2 * place, count)
    store_uint64(heap, 2 * place + 1, key)


@numba.njit(nogil=True)
def _pop(run):
    """Take off the heap's best entry, which must be there."""
    heap, size = load_int64(run, HEAP), load_int64(run, HEAP_USED) - 1
    store_int64(run, HEAP_USED, size)
    count, key = load_int64(heap, 2 * size), load_uint64(heap, 2 * size + 1)
    place = 0
    while True:
        first = 4 * place + 1
        if first >= size:
            break
        best = first
        for child in range(first + 1, min(first + 4, size)):
            if _is_better(heap, child, load_int64(heap, 2 * best), load_uint64(heap, 2 * best + 1)):
                best = child
        if not _is_better(heap, best, count, key):
            break
        store_int64(heap, 2 * place, load_int64(heap, 2 * best))
        store_uint64(heap, 2 * place + 1, load_uint64(heap, 2 * best + 1))
        place = best
    store_int64(heap, 2 * place, count)
    store_uint64(heap, 2 * place + 1, key)


@numba.njit(nogil=True)
def _best(run):
    """The number of the most frequent pair, which stays on top of the heap; -1 if there is none."""
    heap, pairs, least = load_int64(run, HEAP), load_int64(run, PAIRS), load_int64(run, LEAST)
    while load_int64(run, HEAP_USED):
        key = load_uint64(heap, 1)
        pair = _find(run, key)
        if pair < 0:  # forgotten, as it occurred too seldom
            _pop(run)
            continue
        count = load_int64(pairs, 3 * pair + 1)
        if count >= least and count == load_int64(heap, 0):
            return pair
        _pop(run)
        if count >= least:
            push(run, count, key)
    return np.int64(-1)


@numba.njit(nogil=True)
def _touch(run, side, weight, word):
    """Count a fresh pair, told by its side, and note that `word` holds it."""
    sides, touched = load_int64(run, SIDES), load_int64(run, TOUCHED)
    events, used = load_int64(run, EVENTS), load_int64(run, _EVENTS_USED)
    if load_int64(sides, 2 * side + 1) == 0:
        count = load_int64(touched, 0)
        store_int64(touched, count + 1, side)
        store_int64(touched, 0, count + 1)
    store_int64(sides, 2 * side, load_int64(sides, 2 * side) + weight)
    store_int64(sides, 2 * side + 1, load_int64(sides, 2 * side + 1) + 1)
    store_int32(events, 2 * used, np.int32(side))
    store_int32(events, 2 * used + 1, np.int32(word))
    store_int64(run, _EVENTS_USED, used + 1)


@numba.njit(nogil=True)
def _touch_neighbours(run, word, token, like):
    """Count the pairs of a word that hold `token`."""
    row, first = load_int64(run, SYMBOLS), load_int64(load_int64(run, STARTS), word)
    length = np.int64(load_int32(load_int64(run, LENGTHS), word))
    weight = load_int64(load_int64(run, WEIGHTS), word)
    for i in range(length):
        if load_like(row, first + i, like) != token:
            continue
        if i > 0 and load_like(row, first + i - 1, like) != token:
            _touch(run, 2 * load_like(row, first + i - 1, like), weight, word)
        if i + 1 < length:
            _touch(run, 2 * load_like(row, first + i + 1, like) + 1, weight, word)


@numba.njit(nogil=True)
def _merge_word(run, word, left, right, merged, like):
    """Replace the pair in one word, and lower the counts of the pairs that go with it.

    Returns whether the word held the pair.
    """
    row, first = load_int64(run, SYMBOLS), load_int64(load_int64(run, STARTS), word)
    lengths = load_int64(run, LENGTHS)
    length = np.int64(load_int32(lengths, word))
    weight = load_int64(load_int64(run, WEIGHTS), word)
    i, written = 0, 0
    before = np.int64(-1)  # the old symbol in front of i
    while i < length:
        symbol = load_like(row, first + i, like)
        if symbol == left and i + 1 < length and load_like(row, first + i + 1, like) == right:
            if before >= 0:
                _lower(run, before, left, weight)
            if i + 2 < length:
                after = load_like(row, first + i + 2, like)
                again = (
                    i + 3 < length
                    and after == left
                    and load_like(row, first + i + 3, like) == right
                )
                if not again:  # else the next round lowers this pair
                    _lower(run, right, after, weight)
            store_like(row, first + written, merged, like)
            before = right
            i += 2
        else:
            if written != i:
                store_like(row, first + written, symbol, like)
            before = symbol
            i += 1
        written += 1
    store_int32(lengths, word, np.int32(written))
    return written < length


@numba.njit(nogil=True)
def enter_pair(run, key, count, size):
    """Make a pair known, with room for its list; returns its number."""
    pairs, pair = load_int64(run, PAIRS), load_int64(run, PAIRS_USED)
    used = load_int64(run, POOL_USED)
    store_uint64(pairs, 3 * pair, key)
    store_int64(pairs, 3 * pair + 1, count)
    store_int64(pairs, 3 * pair + 2, used)
    store_int64(run, PAIRS_USED, pair + 1)
    store_int64(run, POOL_USED, used + size)
    table, shift = load_int64(run, TABLE), np.uint64(load_int64(run, TABLE_SHIFT))
    last = (np.int64(1) << np.int64(np.uint64(64) - shift)) - 1
    slot = np.int64(key * ODD >> shift)
    while load_int32(table, slot) >= 0 and (
        load_uint64(pairs, 3 * np.int64(load_int32(table, slot))) != key
    ):
        slot = slot + 1 & last
    store_int32(table, slot, np.int32(pair))
    push(run, count, key)
    return pair


@numba.njit(nogil=True)
def _enter_touched(run, token):
    """Make the pairs known that were counted by `_touch`, and fill their lists."""
    sides, touched = load_int64(run, SIDES), load_int64(run, TOUCHED)
    kept, pool = load_int64(run, KEPT), load_int64(run, POOL)
    for i in range(load_int64(touched, 0)):
        side = load_int64(touched, i + 1)
        count, size = load_int64(sides, 2 * side), load_int64(sides, 2 * side + 1)
        place = np.int64(-1)
        if count >= kept:
            other = side >> 1
            key = join_key(token, other) if side & 1 else join_key(other, token)
            place = load_int64(run, POOL_USED)
            enter_pair(run, key, count, size)
        store_int64(sides, 2 * side, place)
    events = load_int64(run, EVENTS)
    for i in range(load_int64(run, _EVENTS_USED)):
        side = np.int64(load_int32(events, 2 * i))
        place = load_int64(sides, 2 * side)
        if place >= 0:
            store_int32(pool, place, load_int32(events, 2 * i + 1))
            store_int64(sides, 2 * side, place + 1)
    for i in range(load_int64(touched, 0)):
        side = load_int64(touched, i + 1)
        store_int64(sides, 2 * side, 0)
        store_int64(sides, 2 * side + 1, 0)
    store_int64(touched, 0, 0)
    store_int64(run, _EVENTS_USED, 0)


@numba.njit(nogil=True)
def _spell(tokens, token, spelling):
    """Write the bytes of a token, as leaves of its tree, into `spelling`."""
    stack = np.empty(load_int64(tokens, 4 * token + 1) + 1, np.int64)
    stack[0] = token
    depth, count = 1, 0
    while depth:
        depth -= 1
        here = stack[depth]
        right = load_int64(tokens, 4 * here + 3)
        if right < 0:
            spelling[count] = load_int64(tokens, 4 * here + 2)
            count += 1
        else:
            stack[depth] = right
            stack[depth + 1] = load_int64(tokens, 4 * here + 2)
            depth += 2
    return count


@numba.njit(nogil=True)
def _same_spelling(tokens, one, left, right):
    length = load_int64(tokens, 4 * one + 1)
    whole, half = np.empty(length, np.int64), np.empty(length, np.int64)
    _spell(tokens, one, whole)
    start = load_int64(tokens, 4 * left + 1)
    _spell(tokens, left, half)
    for i in range(start):
        if half[i] != whole[i]:
            return False
    _spell(tokens, right, half)
    same = True
    for i in range(start, length):
        same &= half[i - start] == whole[i]
    return same


@numba.njit(nogil=True)
def _spelling_hash(run, left, right):
    """The hash of two tokens joined: the left one's times base ^ length, plus the right one's."""
    tokens = load_int64(run, TOKENS)
    power, base, size = np.uint64(1), _BASE, load_int64(tokens, 4 * right + 1)
    while size:
        if size & 1:
            power *= base
        base *= base
        size >>= 1
    return load_uint64(tokens, 4 * left) * power + load_uint64(tokens, 4 * right)


@numba.njit(nogil=True)
def _name(run, left, right):
    """The token whose bytes are those of two others joined, or -1; and its slot in the table."""
    tokens, table = load_int64(run, TOKENS), load_int64(run, TOKEN_TABLE)
    shift = np.uint64(load_int64(run, TOKEN_SHIFT))
    last = (np.int64(1) << np.int64(np.uint64(64) - shift)) - 1
    length = load_int64(tokens, 4 * left + 1) + load_int64(tokens, 4 * right + 1)
    value = _spelling_hash(run, left, right)
    slot = np.int64((value ^ value >> _HALF) * ODD >> shift)
    while load_int32(table, slot) >= 0:
        other = np.int64(load_int32(table, slot))
        is_alike = load_uint64(tokens, 4 * other) == value
        is_alike &= load_int64(tokens, 4 * other + 1) == length
        if is_alike and _same_spelling(tokens, other, left, right):
            return other, slot
        slot = slot + 1 & last
    return np.int64(-1), slot


@numba.njit(nogil=True)
def _new_token(run, left, right, slot):
    """Give two tokens joined the next id."""
    tokens, token = load_int64(run, TOKENS), load_int64(run, NEXT_ID)
    store_int64(run, NEXT_ID, token + 1)
    store_int32(load_int64(run, TOKEN_TABLE), slot, np.int32(token))
    store_uint64(tokens, 4 * token, _spelling_hash(run, left, right))
    length = load_int64(tokens, 4 * left + 1) + load_int64(tokens, 4 * right + 1)
    store_int64(tokens, 4 * token + 1, length)
    store_int64(tokens, 4 * token + 2, left)
    store_int64(tokens, 4 * token + 3, right)
    return token


@numba.njit(nogil=True)
def _occurrences(run, token, like):
    """How often a token stands in all words."""
    symbols, starts = load_int64(run, SYMBOLS), load_int64(run, STARTS)
    lengths, count = load_int64(run, LENGTHS), 0
    for word in range(load_int64(run, WORDS)):
        first = load_int64(starts, word)
        for i in range(load_int32(lengths, word)):
            count += load_like(symbols, first + i, like) == token
    return count


@numba.njit(nogil=True)
def _recount(run, token, like):
    """Count all pairs with `token` anew: it was there before this merge."""
    pairs, kept = load_int64(run, PAIRS), np.uint64(token)
    for pair in range(load_int64(run, PAIRS_USED)):
        key = load_uint64(pairs, 3 * pair)
        if key >> _HALF == kept or key & _LOW_HALF == kept:
            store_int64(pairs, 3 * pair + 1, 0)
    for word in range(load_int64(run, WORDS)):
        _touch_neighbours(run, word, token, like)


@numba.njit(nogil=True)
def _has_room(run, most):
    """Whether there is room for what merging a pair that occurs `most` times can make."""
    room = 2 * most + 2
    store_int64(run, NEED, room)
    fits = load_int64(run, EVENTS_ROOM) >= room
    fits &= load_int64(run, POOL_ROOM) - load_int64(run, POOL_USED) >= room
    fits &= load_int64(run, PAIRS_ROOM) - load_int64(run, PAIRS_USED) >= room
    fits &= load_int64(run, HEAP_ROOM) - load_int64(run, HEAP_USED) >= room
    return fits


@numba.njit(nogil=True)
def _next_pair(run, merged):
    """The number and the ids of the pair to merge; the number is -1 for one that never occurs."""
    forced = load_int64(run, FORCED)
    if merged < forced:
        rows = load_int64(run, MERGES)
        left = np.int64(load_int32(rows, 3 * merged))
        right = np.int64(load_int32(rows, 3 * merged + 1))
        return _find(run, join_key(left, right)), left, right
    pair = _best(run)
    if pair < 0:
        return pair, np.int64(-1), np.int64(-1)
    key = load_uint64(load_int64(run, PAIRS), 3 * pair)
    return pair, np.int64(key >> _HALF), np.int64(key & _LOW_HALF)


@numba.njit(nogil=True)
def _merge_pair(run, pair, left, right, token, is_old, like):
    """Merge a pair wherever it occurs, and make the pairs known that this makes."""
    pairs, pool = load_int64(run, PAIRS), load_int64(run, POOL)
    first, end = list_of(run, pair)
    before = np.int64(-1)
    for i in range(first, end):
        word = np.int64(load_int32(pool, i))
        if word != before and _merge_word(run, word, left, right, token, like) and not is_old:
            _touch_neighbours(run, word, token, like)
        before = word
    store_int64(pairs, 3 * pair + 1, 0)
    if is_old:
        _recount(run, token, like)
    _enter_touched(run, token)


@numba.njit(cache=True, nogil=True)
def learn(numbers, turn, like):
    """Make at most `turn` more merges; returns DONE, MORE or ROOM.

    `like`: a number of the type that symbols have.
    """
    run = address(numbers)
    rows = load_int64(run, MERGES)
    for _ in range(turn):
        merged = load_int64(run, MERGED)
        is_forced = merged < load_int64(run, FORCED)
        if not is_forced and load_int64(run, NEXT_ID) > load_int64(run, LAST_ID):
            return DONE
        pair, left, right = _next_pair(run, merged)
        if pair < 0 and not is_forced:
            return DONE
        size = 0
        if pair >= 0:
            first, end = list_of(run, pair)
            size = end - first
        token, slot = _name(run, left, right)
        is_old = token >= 0
        if not _has_room(run, size + _occurrences(run, token, like) if is_old else size):
            return ROOM
        if not is_old:
            token = _new_token(run, left, right, slot)
        store_int32(rows, 3 * merged, np.int32(left))
        store_int32(rows, 3 * merged + 1, np.int32(right))
        store_int32(rows, 3 * merged + 2, np.int32(token))
        store_int64(run, MERGED, merged + 1)
        if pair >= 0:
            _merge_pair(run, pair, left, right, token, is_old, like)
    return MORE
