"""Sorting all suffixes of many words, which brings every repeated substring together.

Doubling: knowing the order by the first k characters, the order by the first 2k follows from
sorting pairs of ranks, so depth 16 takes four rounds of counting sort, O(n log depth).
Source: Manber and Myers (1993). Leaves out suffixes' order beyond `depth` rounded up to a power of
two: nobody here asks for it.
"""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def sort_suffixes(codes, ends, depth):
    """The positions of all suffixes, in the order of their first `depth` characters.

    `codes`: the words' characters one after the other, as numbers from 0 that are dense;
    `ends[p]`: where the word that holds position p ends. A suffix ends with its word.
    """
    n = len(codes)
    rank = codes.astype(np.int32)
    order = _sorted_by(np.arange(n).astype(np.int32), rank)
    later = np.empty(n, np.int32)
    known = 1
    while known < depth:
        # What ends before the next character to look at comes first; the others as that one does.
        filled = 0
        for p in range(n):
            if p + known >= ends[p]:
                later[filled] = p
                filled += 1
        for p in order:
            if p >= known and ends[p - known] > p:
                later[filled] = p - known
                filled += 1
        order = _sorted_by(later, rank)
        rank = _new_ranks(order, rank, ends, known)
        known *= 2
    return order


@numba.njit(cache=True, nogil=True)
def _sorted_by(positions, rank):
    """The positions by rank; those of one rank keep their order."""
    places = np.zeros(rank.max() + 2 if len(rank) else 1, np.int64)
    for r in rank:
        places[r + 1] += 1
    for i in range(1, len(places)):
        places[i] += places[i - 1]
    found = np.empty(len(positions), np.int32)
    for p in positions:
        found[places[rank[p]]] = p
        places[rank[p]] += 1
    return found


@numba.njit(cache=True, nogil=True)
def _new_ranks(order, rank, ends, known):
    """Ranks by twice as many characters: equal where both halves' ranks are equal."""
    ranks = np.empty_like(rank)
    last = (-2, -2)
    number = -1
    for p in order:
        pair = (rank[p], rank[p + known] if p + known < ends[p] else -1)
        if pair != last:
            number += 1
            last = pair
        ranks[p] = number
    return ranks


@numba.njit(cache=True, nogil=True)
def shared_prefixes(codes, ends, order, depth):
    """For each suffix but the first, how many characters it shares with the one before it.

    At most `depth`; entry 0 is 0.
    """
    shared = np.zeros(len(order), np.int32)
    for i in range(1, len(order)):
        p, q = order[i - 1], order[i]
        most = min(ends[p] - p, ends[q] - q, depth)
        length = 0
        while length < most and codes[p + length] == codes[q + length]:
            length += 1
        shared[i] = length
    return shared
