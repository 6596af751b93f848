"""The fast twin of merging a piece pair by pair: a heap over a linked list, O(n log n).

The plain path (`groundup.tokenizers.bpe`) looks at all pairs before each merge, which is O(n^2) for
one long piece: a line of a million dashes would stop a server.
"""

import heapq
from collections.abc import Mapping, Sequence
from itertools import pairwise

_GONE = -1  # no token has a negative id


def merge_all(ids: Sequence[int], ranks: Mapping[tuple[int, int], tuple[int, int]]) -> list[int]:
    """Apply merges to `ids`, the lowest rank first and the leftmost first among equals.

    `ranks`: pair of ids to (rank, merged id). One merge is made at a time, so the result is right
    even where a merge makes a pair of a lower rank than its own.
    """
    tokens = list(ids)
    end = len(tokens)
    after = list(range(1, end + 1))
    before = list(range(-1, end - 1))
    heap = [(ranks[pair][0], i, pair) for i, pair in enumerate(pairwise(ids)) if pair in ranks]
    heapq.heapify(heap)
    while heap:
        _, i, pair = heapq.heappop(heap)
        j = after[i]
        if j == end or (tokens[i], tokens[j]) != pair:
            continue  # one of the two has been merged since
        merged = ranks[pair][1]
        tokens[i], tokens[j] = merged, _GONE
        after[i] = following = after[j]
        after[j] = end
        if following != end:
            before[following] = i
            right = (merged, tokens[following])
            if right in ranks:
                heapq.heappush(heap, (ranks[right][0], i, right))
        if (previous := before[i]) >= 0:
            left = (tokens[previous], merged)
            if left in ranks:
                heapq.heappush(heap, (ranks[left][0], previous, left))
    return [token for token in tokens if token != _GONE]
