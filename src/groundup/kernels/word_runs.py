"""Words of characters as arrays: cut where the script changes, and each different run held once."""

import numba
import numpy as np

ANY, LEFT_OUT, INHERITED = 0, -1, -2
"""Classes of characters: joins any other; is not part of any run; is of the class before it."""


@numba.njit(cache=True, nogil=True)
def add_characters(codes, bounds, counts, sums):
    """Add to `sums` how often each character occurs in the words."""
    for word in range(len(counts)):
        for p in range(bounds[word], bounds[word + 1]):
            sums[codes[p]] += counts[word]


@numba.njit(cache=True, nogil=True)
def cut_runs(codes, bounds, counts, classes):
    """Cut words where the class changes, as (starts, ends, counts) of the runs.

    `codes[bounds[w]:bounds[w + 1]]` is word w, `classes[code]` a class from 1 on or one of those
    above. Two passes: one counts the runs, one writes them down.
    """
    starts = np.empty(0, np.int64)
    ends = np.empty(0, np.int64)
    times = np.empty(0, np.int64)
    for write in (False, True):
        found = 0
        for word in range(len(counts)):
            start = bounds[word]
            before = ANY
            for p in range(start, bounds[word + 1] + 1):
                kind = LEFT_OUT if p == bounds[word + 1] else classes[codes[p]]
                if kind == LEFT_OUT or (kind > 0 and before not in (ANY, kind)):
                    if p > start:
                        if write:
                            starts[found], ends[found], times[found] = start, p, counts[word]
                        found += 1
                    start = p + 1 if kind == LEFT_OUT else p
                if kind != INHERITED:
                    before = ANY if kind == LEFT_OUT else kind
        if not write:
            starts = np.empty(found, np.int64)
            ends = np.empty(found, np.int64)
            times = np.empty(found, np.int64)
    return starts, ends, times


@numba.njit(cache=True, nogil=True)
def unique_runs(codes, starts, ends, counts):
    """Merge equal runs `codes[start:end]`: which are the first of their kind, and summed counts."""
    size = 16
    while size < 2 * len(starts):
        size *= 2
    table = np.full(size, -1, np.int32)
    firsts = np.empty(len(starts), np.int64)
    sums = np.empty(len(starts), np.int64)
    found = 0
    for run in range(len(starts)):
        start, length = starts[run], ends[run] - starts[run]
        mixed = np.uint64(length)
        for p in range(start, ends[run]):
            mixed = (mixed ^ np.uint64(codes[p])) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
        slot = np.int64(mixed & np.uint64(size - 1))
        while table[slot] >= 0:
            other = firsts[table[slot]]
            if ends[other] - starts[other] == length:
                i = 0
                while i < length and codes[starts[other] + i] == codes[start + i]:
                    i += 1
                if i == length:
                    break
            slot = (slot + 1) & (size - 1)
        if table[slot] < 0:
            table[slot] = found
            firsts[found] = run
            sums[found] = 0
            found += 1
        sums[table[slot]] += counts[run]
    return firsts[:found], sums[:found]


@numba.njit(cache=True, nogil=True)
def join_runs(codes, starts, ends):
    """The runs one after the other: their codes, and where each begins and the last one ends."""
    bounds = np.zeros(len(starts) + 1, np.int64)
    for run in range(len(starts)):
        bounds[run + 1] = bounds[run] + ends[run] - starts[run]
    joined = np.empty(bounds[-1], codes.dtype)
    for run in range(len(starts)):
        joined[bounds[run] : bounds[run + 1]] = codes[starts[run] : ends[run]]
    return joined, bounds
