"""Unigram training on arrays: all segmentations of all words as one array of edges.

An edge is an occurrence of a piece: it leads from position p of the words, laid one after the
other, to p plus the piece's length. The suffix array gives the pieces and their edges at once; from
then on training is a few passes over the edges, which shrink as pieces are dropped.

`groundup.tokenizers.unigram_training` holds the plain functions, by the same names, and says where
each formula comes from.
"""

import math

import numba
import numpy as np

_TINY = 1e-100
_TIE = 1e-9


@numba.njit(cache=True, nogil=True)
def repeats(order, shared, ends, weights, length, longest):
    """Substrings of this length that no longer one stands for, as (first, last, frequency).

    `order[first:last]` are where one occurs, `weights` how often each position's word does. A
    substring counts if its occurrences go on differently, or end, or `length` is the `longest`
    allowed; and if it occurs at least twice. Length 1: all characters, whatever their frequency.
    """
    n = len(order)
    first = np.empty(n, np.int32)
    last = np.empty(n, np.int32)
    frequency = np.empty(n, np.int64)
    found = 0
    i = 0
    while i < n:
        p = order[i]
        if ends[p] - p < length:
            i += 1
            continue
        start = i
        total = weights[p]
        differ = ends[p] - p == length
        i += 1
        while i < n and shared[i] >= length:
            differ = differ or shared[i] == length
            total += weights[order[i]]
            i += 1
        if length == 1 or (total >= 2 and (differ or length == longest)):
            first[found], last[found], frequency[found] = start, i, total
            found += 1
    return first[:found].copy(), last[:found].copy(), frequency[:found].copy()


@numba.njit(cache=True, nogil=True)
def lay_edges(order, firsts, lasts):
    """The edges of pieces given in alphabetical order: where each position's begin, and the piece.

    A position's edges come out from the shortest to the longest, as its pieces are all beginnings
    of one suffix.
    """
    begins = np.zeros(len(order) + 1, np.int64)
    for piece in range(len(firsts)):
        for i in range(firsts[piece], lasts[piece]):
            begins[order[i] + 1] += 1
    for p in range(len(order)):
        begins[p + 1] += begins[p]
    edges = np.empty(begins[-1], np.int32)
    free = begins.copy()
    for piece in range(len(firsts)):
        for i in range(firsts[piece], lasts[piece]):
            edges[free[order[i]]] = piece
            free[order[i]] += 1
    return begins, edges


@numba.njit(cache=True, nogil=True)
def drop_edges(begins, edges, renamed):
    """Forget the edges of pieces whose new number is below 0; returns what is left, in place."""
    filled = 0
    start = begins[0]
    for p in range(len(begins) - 1):
        end = begins[p + 1]
        begins[p] = filled
        for e in range(start, end):
            if renamed[edges[e]] >= 0:
                edges[filled] = renamed[edges[e]]
                filled += 1
        start = end
    begins[-1] = filled
    return begins, edges[:filled]


@numba.njit(cache=True, nogil=True)
def expected_counts(begins, edges, lengths, bounds, counts, scores):
    """The E step: how often each piece is expected, and the log likelihood of all words.

    Forward and backward in plain probabilities. Where they get small, all that follows is raised by
    1 / _TINY, and `level` counts how often that was done, so no word is too long.
    """
    chance = np.exp(scores)
    unknown = math.exp(scores.min() - 10) if len(scores) else 0.0
    expected = np.zeros(len(scores))
    likelihood = 0.0
    reach = np.int64(lengths.max()) if len(lengths) else 1
    longest = np.max(np.diff(bounds)) if len(bounds) > 1 else 0
    forward = np.empty(longest + 1)
    backward = np.empty(longest + 1)
    level = np.empty(longest + 1, np.int64)
    for word in range(len(counts)):
        start, size = bounds[word], bounds[word + 1] - bounds[word]
        _forward(begins, edges, lengths, chance, unknown, (start, size, reach), forward, level)
        total = forward[size]
        likelihood += counts[word] * (math.log(total) + level[size] * math.log(_TINY))
        share = counts[word] / total
        backward[size] = 1.0
        for i in range(size - 1, -1, -1):
            onward = 0.0
            single = False
            for e in range(begins[start + i], begins[start + i + 1]):
                piece = edges[e]
                to = i + lengths[piece]
                single = single or to == i + 1
                here = chance[piece] * backward[to]
                for _ in range(level[i], level[to]):
                    here /= _TINY
                onward += here
                expected[piece] += share * forward[i] * here
            if not single:
                here = unknown * backward[i + 1]
                for _ in range(level[i], level[i + 1]):
                    here /= _TINY
                onward += here
            backward[i] = onward
    return expected, likelihood


@numba.njit(cache=True, nogil=True, inline="always")
def _forward(begins, edges, lengths, chance, unknown, stretch, forward, level):
    """Fill `forward` and `level` for the word at the stretch (start, size, longest piece)."""
    start, size, longest = stretch
    forward[: size + 1] = 0.0
    forward[0] = 1.0
    raised = 0
    for i in range(size + 1):
        if forward[i] < _TINY:
            raised += 1
            for j in range(i, min(i + longest, size) + 1):
                forward[j] /= _TINY
        level[i] = raised
        if i == size:
            break
        single = False
        for e in range(begins[start + i], begins[start + i + 1]):
            to = i + lengths[edges[e]]
            single = single or to == i + 1
            forward[to] += forward[i] * chance[edges[e]]
        if not single:
            forward[i + 1] += forward[i] * unknown


@numba.njit(cache=True, nogil=True)
def best_counts(begins, edges, lengths, bounds, counts, scores):
    """How often each piece stands in the words' best segmentations."""
    unknown = scores.min() - 10 if len(scores) else 0.0
    found = np.zeros(len(scores))
    longest = np.max(np.diff(bounds)) if len(bounds) > 1 else 0
    best = np.empty(longest + 1)
    back = np.empty(longest + 1, np.int32)
    for word in range(len(counts)):
        start, size = bounds[word], bounds[word + 1] - bounds[word]
        _best_path(begins, edges, lengths, scores, unknown, (start, size, -1), best, back)
        at = size
        while at > 0:
            if back[at] >= 0:
                found[back[at]] += counts[word]
            at -= lengths[back[at]] if back[at] >= 0 else 1
    return found


@numba.njit(cache=True, nogil=True)
def _best_path(begins, edges, lengths, scores, unknown, stretch, best, back):
    """Viterbi over a stretch (start, size, piece that may not be used): fills `best` and `back`.

    `back[i]`: the piece that ends at i on the best way there, -1 for an unknown character. Of
    equally good ones the longest stays.
    """
    start, size, without = stretch
    best[: size + 1] = -np.inf
    best[0] = 0.0
    for i in range(size):
        single = False
        for e in range(begins[start + i], begins[start + i + 1]):
            piece = edges[e]
            to = i + lengths[piece]
            if to > size:
                break
            single = single or to == i + 1
            if piece != without and best[i] + scores[piece] > best[to] + _TIE:
                best[to] = best[i] + scores[piece]
                back[to] = piece
        if not single and best[i] + unknown > best[i + 1] + _TIE:
            best[i + 1] = best[i] + unknown
            back[i + 1] = -1


@numba.njit(cache=True, nogil=True)
def losses(begins, edges, lengths, places, scores, found):
    """What each piece's removal costs; infinite: keep it; minus infinite: it is not used.

    `places[piece]`: one position where it occurs; `found`: how often in the best segmentations.
    """
    unknown = scores.min() - 10 if len(scores) else 0.0
    longest = lengths.max() if len(lengths) else 0
    best = np.empty(longest + 1)
    back = np.empty(longest + 1, np.int32)
    total = found.sum()
    loss = np.full(len(scores), -np.inf)
    for piece in range(len(scores)):
        if found[piece] == 0:
            continue
        if lengths[piece] == 1:
            loss[piece] = np.inf
            continue
        size = np.int64(lengths[piece])
        stretch = (places[piece], size, piece)
        _best_path(begins, edges, lengths, scores, unknown, stretch, best, back)
        parts = 0
        joined = 0.0
        at = size
        while at > 0 and back[at] >= 0:
            joined += math.log(found[back[at]] + found[piece])
            parts += 1
            at -= lengths[back[at]]
        if at > 0:
            loss[piece] = np.inf
            continue
        if best[size] > scores[piece] + _TIE:
            continue
        after = joined - parts * math.log(total + found[piece] * (parts - 1))
        loss[piece] = found[piece] * (math.log(found[piece]) - math.log(total) - after)
    return loss
