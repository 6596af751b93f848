"""The fast twin of Unigram encoding: Viterbi over UTF-8 bytes, linear in the text, with a cache.

From each character, the pieces that begin there are one walk through a double array, which ends
where no piece goes on; the longest piece bounds it. The plain path is
`groundup.tokenizers.lattice.Lattice.best`.

Where two bytes stand beside each other in no piece, every segmentation is cut. Between two such
places lies a run, and what is best for a run is found once and remembered. Only sums that are
(nearly) equal may be decided by the rounding of the sum of all that went before; a run's second
best segmentation says how far from that it is, so what is remembered is what would be found.
"""

import numba
import numpy as np

from groundup.kernels.double_array import BASE, PARENT, VALUE
from groundup.kernels.machine import address, load_byte, load_int32, load_uint64, store_int32

UNKNOWN = -1
FLOOR = -1e5
"""Sums in single precision below this are counted from 0 again, as sentencepiece does."""
_CACHED_RUNS = 1 << 16
_MOST_BYTES, _MOST_PIECES = 23, 8
_MANY = 64.0  # more than twice the roundings of a run that is remembered


def empty_cache() -> np.ndarray:
    """Room for remembered runs; each thread needs its own, and each model and precision.

    A run has eight words, one line of the processor's cache: three for its bytes and size, one for
    how large the sum before it may be, four for up to eight pieces, each number raised by 2.
    """
    return np.zeros((_CACHED_RUNS, 8), np.uint64)


def neighbours(entries: list[bytes]) -> np.ndarray:
    """For two bytes, at `first << 8 | second`: whether they stand beside each other in an entry.

    Two bytes of one character always do.
    """
    beside = np.zeros((256, 256), np.bool_)
    beside[:, 0x80:0xC0] = True
    data = np.frombuffer(b"".join(entries), np.uint8)
    inside = np.ones(len(data), np.bool_)
    inside[np.cumsum([len(entry) for entry in entries], dtype=np.int64) - 1] = False
    beside[data[:-1][inside[:-1]], data[1:][inside[:-1]]] = True
    return beside.ravel()


@numba.njit(cache=True, nogil=True)
def best_pieces(text, bounds, model, fallback, single, cache):
    """The ids of the best segmentation, and where in the text each ends.

    `text`: valid UTF-8 as uint8; `text[bounds[i]:bounds[i + 1]]` are the stretches no piece may
    leave; `model`: a double array of the pieces, `neighbours`, scores, sizes in bytes, and the
    score of a character that is no piece by itself. Such characters come out as UNKNOWN, several
    in a row as one; or, where `fallback` holds 256 ids, each as those of its bytes, which all end
    where it does. With `single`, sums are kept in single precision, as sentencepiece does: that
    decides between (nearly) equals.
    """
    _, beside, scores, sizes, unknown = model
    tokens = np.empty(bounds[-1] - bounds[0], np.int32)
    ends = np.empty_like(tokens)
    # Memory that is never touched costs nothing, and most runs are short.
    longest = max(_MOST_BYTES, np.max(np.diff(bounds))) if len(bounds) > 1 else 0
    found = np.empty(longest, np.int32)
    best = np.empty((longest + 1, 2))
    room = (best, np.empty(longest + 1, np.int32), found)
    letters, pairs, lines, pieces = address(text), address(beside), address(cache), address(found)
    filled = 0
    for stretch in range(len(bounds) - 1):
        at, end = bounds[stretch], bounds[stretch + 1]
        so_far = 0.0
        last_is_unknown = False
        while at < end:
            run, key = _next_run(letters, at, end, pairs)
            if single and so_far < FLOOR:
                so_far = 0.0
            slot = _slot(key)
            count = 0
            if run - at <= _MOST_BYTES:
                if not _is_there(lines, slot, key):
                    _learn(text, (at, run), model, single, (cache, slot, key), room)
                if abs(so_far) < load_uint64(lines, 8 * slot + 3):
                    count = _recall(lines, slot, pieces)
            is_recalled = count > 0
            if not is_recalled:
                count = _search(text, (at, run), model, so_far, single, room)
                so_far = best[run - at, 0]
            for n in range(count):
                piece = found[n]
                if is_recalled:
                    so_far = _sum(so_far, scores[piece] if piece != UNKNOWN else unknown, single)
                if piece != UNKNOWN:
                    at += sizes[piece]
                    tokens[filled], ends[filled] = piece, at
                    filled += 1
                    last_is_unknown = False
                    continue
                start = at
                at += _width(text[at])
                if len(fallback):
                    for i in range(start, at):
                        tokens[filled], ends[filled] = fallback[text[i]], at
                        filled += 1
                elif last_is_unknown:
                    ends[filled - 1] = at
                else:
                    tokens[filled], ends[filled] = UNKNOWN, at
                    filled += 1
                    last_is_unknown = True
    return tokens[:filled].copy(), ends[:filled].copy()


@numba.njit(nogil=True, forceinline=True)
def _width(lead):
    """How many bytes the character has that begins with this one."""
    return 1 + (lead >= 0xC0) + (lead >= 0xE0) + (lead >= 0xF0)


@numba.njit(nogil=True, forceinline=True)
def _sum(so_far, score, single):
    score = so_far + score
    return np.float64(np.float32(score)) if single else score


@numba.njit(nogil=True, forceinline=True)
def _next_run(letters, start, end, pairs):
    """Where the run that begins at `start` ends, and its first 23 bytes and size in three words."""
    first = np.uint64(0)
    second = np.uint64(0)
    third = np.uint64(0)
    at = start
    while True:
        byte = np.uint64(load_byte(letters, at))
        place = at - start
        if place < 8:
            first |= byte << np.uint64(8 * place)
        elif place < 16:
            second |= byte << np.uint64(8 * (place - 8))
        elif place < _MOST_BYTES:
            third |= byte << np.uint64(8 * (place - 16))
        at += 1
        if (
            at == end
            or load_byte(pairs, np.int64(byte) << 8 | np.int64(load_byte(letters, at))) == 0
        ):
            break
    return at, (first, second, third | np.uint64(at - start) << np.uint64(56))


@numba.njit(nogil=True, forceinline=True)
def _slot(key):
    mixed = key[0] * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= key[1] * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= key[2] * np.uint64(0x165667B19E3779F9)
    mixed ^= mixed >> np.uint64(32)
    return np.int64((mixed * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(48))


@numba.njit(nogil=True, forceinline=True)
def _is_there(lines, slot, key):
    first, second = load_uint64(lines, 8 * slot), load_uint64(lines, 8 * slot + 1)
    return first == key[0] and second == key[1] and load_uint64(lines, 8 * slot + 2) == key[2]


@numba.njit(nogil=True, forceinline=True)
def _recall(lines, slot, pieces):
    """Put the remembered pieces into `found` and return their number."""
    count = 0
    while count < _MOST_PIECES:
        word = load_uint64(lines, 8 * slot + 4 + (count >> 1)) >> np.uint64(32 * (count & 1))
        raised = np.int64(word & np.uint64(0xFFFFFFFF))
        if raised == 0:
            break
        store_int32(pieces, count, np.int32(raised - 2))
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _learn(text, run, model, single, place, room):
    """Write down a run's pieces, and up to which sum before it no rounding makes others better."""
    best, _, found = room
    cache, slot, key = place
    count = _search(text, run, model, 0.0, False, room)
    size = run[1] - run[0]
    # Nor may any sum in the run be one that is counted from 0 again.
    deepest = 0.0
    for i in range(size + 1):
        if best[i, 0] > -np.inf:
            deepest = max(deepest, abs(best[i, 0]))
    lead = min(best[size, 0] - best[size, 1], 1e6)
    limit = lead / (_MANY * (2.0**-24 if single else 2.0**-53)) - deepest - lead
    limit = min(limit, (-FLOOR if single else 2.0**60) - 1.01 * deepest - 1.0)
    cache[slot, 0], cache[slot, 1], cache[slot, 2] = key
    cache[slot, 3] = np.uint64(max(limit, 0.0)) if count <= _MOST_PIECES else np.uint64(0)
    for i in range(_MOST_PIECES // 2):
        cache[slot, 4 + i] = 0
    for i in range(min(count, _MOST_PIECES)):
        cache[slot, 4 + (i >> 1)] |= np.uint64(found[i] + 2) << np.uint64(32 * (i & 1))


@numba.njit(cache=True, nogil=True)
def _search(text, run, model, so_far, single, room):
    """Viterbi over one run, whose pieces are put into `found`; returns their number.

    Row i of `best` gets the two best sums for the run's first i bytes.
    """
    slots, _, scores, sizes, unknown = model
    start, end = run
    best, back, found = room
    table, letters = address(slots), address(text)
    for i in range(end - start + 1):
        best[i, 0] = best[i, 1] = -np.inf
    best[0, 0] = so_far
    i = start
    while i < end:
        if single and best[i - start, 0] < FLOOR:
            _count_anew(best, i - start, end - start, sizes)
        first, second = best[i - start, 0], best[i - start, 1]
        next_character = i + _width(text[i])
        is_known = False
        slot = 0
        j = i
        while j < end:
            child = load_int32(table, slot + BASE) + np.int64(load_byte(letters, j))
            if 3 * np.int64(load_int32(table, 3 * child + PARENT)) != slot:
                break
            slot = 3 * child
            j += 1
            piece = load_int32(table, slot + VALUE)
            if piece >= 0:
                is_known = is_known or j == next_character
                # `_improve`, written out: a call would count references to the arrays.
                score = first + scores[piece]
                if single:
                    score = np.float64(np.float32(score))
                place = j - start
                before = best[place, 0]
                if score > before:
                    best[place, 0] = score
                    back[place] = piece
                    best[place, 1] = max(before, second + scores[piece])
                elif score > best[place, 1]:
                    best[place, 1] = score
        if not is_known:
            j = next_character - start
            _improve(best, back, j, UNKNOWN, first + unknown, second + unknown, single)
        i = next_character
    return _trace(text, start, end, sizes, back, found)


@numba.njit(cache=True, nogil=True)
def _count_anew(best, place, end, sizes):
    """Take the best sum here from all sums that have been found from here on."""
    here = best[place, 0]
    for i in range(place, min(place + np.int64(sizes.max()), end) + 1):
        best[i, 0] = np.float64(np.float32(best[i, 0] - here))
        best[i, 1] -= here


@numba.njit(nogil=True, forceinline=True)
def _improve(best, back, place, piece, score, second, single):
    """Offer the two best sums that come by this piece."""
    if single:
        score = np.float64(np.float32(score))
    before = best[place, 0]
    if score > before:
        best[place, 0] = score
        back[place] = piece
        best[place, 1] = before if before > second else second
    elif score > best[place, 1]:
        best[place, 1] = score


@numba.njit(cache=True, nogil=True)
def _trace(text, start, end, sizes, back, found):
    """Put the best segmentation into `found`, in order; returns how many pieces it has."""
    count = 0
    at = end
    while at > start:
        piece = back[at - start]
        found[count] = piece
        count += 1
        if piece != UNKNOWN:
            at -= sizes[piece]
        else:
            at -= 1
            while text[at] & 0xC0 == 0x80:
                at -= 1
    for i in range(count // 2):
        found[i], found[count - 1 - i] = found[count - 1 - i], found[i]
    return count
