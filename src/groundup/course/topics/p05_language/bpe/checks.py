"""Join a pair, learn which pairs, replay them: what answers must do, and how people fail."""

from collections import Counter
from itertools import pairwise

from groundup.course.exercise import Exercise
from groundup.tokenizers.merging import merge_in_order

# One merge

MERGE = Exercise(
    "merge",
    of="groundup.tokenizers.bpe:merge",
    title="Join every occurrence of a pair",
    minutes=15,
    hints=(
        "Walk from the left. At each place there are two cases; how far do you step in each?",
        "Where ids[i] and ids[i + 1] are the pair, the new id comes and both are behind you. Mind "
        "the last id, which has no neighbour.",
        "`while i < len(ids)`: if there is an ids[i + 1] and both match: append new_id, i += 2; "
        "else append ids[i], i += 1.",
    ),
)


def _replaced(ids, pair, new_id):
    """The same by Python's own replacement in text."""
    text = "".join(map(chr, ids))
    return [ord(c) for c in text.replace(chr(pair[0]) + chr(pair[1]), chr(new_id))]


@MERGE.check("three in a row: the two on the left are joined, one is left over")
def _(merge, case):
    given = {"ids": [1, 1, 1, 2], "pair": (1, 1), "new_id": 9}
    case.same(merge(**given), [9, 1, 2], given=given)


@MERGE.check("every occurrence is joined, and nothing else")
def _(merge, case):
    given = {"ids": [1, 2, 3, 2, 1, 2, 1], "pair": (1, 2), "new_id": 9}
    case.same(merge(**given), [9, 3, 2, 9, 1], given=given)


@MERGE.check("a pair at the very end")
def _(merge, case):
    given = {"ids": [3, 1, 2], "pair": (1, 2), "new_id": 9}
    case.same(merge(**given), [3, 9], given=given)


@MERGE.check("it is what replacing in a text would do", tier="deep")
def _(merge, case):
    for _ in range(5):
        ids = case.integers(1, 2, 12).tolist()
        given = {"ids": ids, "pair": (1, 2) if case.integer(0, 1) else (2, 2), "new_id": 9}
        case.same(merge(**given), _replaced(**given), given=given)


@MERGE.check("nothing, and a single id, stay as they are", tier="deep")
def _(merge, case):
    for ids in ([], [1], [2, 1]):
        given = {"ids": ids, "pair": (1, 2), "new_id": 9}
        case.same(merge(**given), ids, given=given)


@MERGE.check("the list that came is not changed", tier="deep")
def _(merge, case):
    ids = [1, 2, 1, 2]
    merge(ids, (1, 2), 9)
    case.same(ids, [1, 2, 1, 2], given={"pair": (1, 2), "new_id": 9}, says="ids was changed")


def _merge(ids, pair, new_id, *, step=2, keep_last=True, fits=lambda a, b: a == b, most=None):
    """The walk, with one thing otherwise."""
    merged, i, made = [], 0, 0
    while i < len(ids):
        whole = i + 1 < len(ids) and fits((ids[i], ids[i + 1]), tuple(pair)) and made != most
        if whole or i + 1 < len(ids) or keep_last:
            merged.append(new_id if whole else ids[i])
        made += whole
        i += step if whole else 1
    return merged


@MERGE.mistake(
    "after a join the walk steps on by one, so the second half is used again: step on by two",
    caught_by="three in a row: the two on the left are joined, one is left over",
)
def _(ids, pair, new_id):
    return _merge(ids, pair, new_id, step=1)


@MERGE.mistake(
    "the last id is lost when it joins nothing: the loop ends one too early",
    caught_by="every occurrence is joined, and nothing else",
)
def _(ids, pair, new_id):
    return _merge(ids, pair, new_id, keep_last=False)


@MERGE.mistake(
    "the pair is joined in either order: (2, 1) is not (1, 2)",
    caught_by="every occurrence is joined, and nothing else",
)
def _(ids, pair, new_id):
    return _merge(ids, pair, new_id, fits=lambda a, b: sorted(a) == sorted(b))


@MERGE.mistake(
    "only the first occurrence is joined; go on to the end",
    caught_by="every occurrence is joined, and nothing else",
)
def _(ids, pair, new_id):
    return _merge(ids, pair, new_id, most=1)


@MERGE.mistake(
    "the list itself is written into; the caller still needs it: make a new one",
    caught_by="the list that came is not changed",
)
def _(ids, pair, new_id):
    ids[:] = _merge(ids, pair, new_id)
    return ids


# Replaying the merges

ENCODE = Exercise(
    "bpe_encode",
    of="groundup.tokenizers.merging:merge_plainly",
    title="Encode a word: replay the merges, the earliest first",
    minutes=25,
    hints=(
        "Which of all pairs that could merge now was learnt first? Merge that one, and look again.",
        "It is the lowest rank anywhere in the row that goes first, not the first pair from the "
        "left, and among equals the leftmost. A merge makes new pairs, so look at all again.",
        "Loop: collect (rank, place, merged) for each neighbouring pair that lookup knows; none: "
        "return the row; else take the min by rank and place and "
        "`row[i : i + 2] = [merged]`.",
    ),
)


def _table(*merges):
    """A lookup that knows these merges, in the order they were learnt."""
    ranks = {tuple(pair.split()): rank for rank, pair in enumerate(merges)}
    return lambda a, b: (ranks[a, b], a + b) if (a, b) in ranks else None


_LOWER = ("l o", "e r", "lo w", "low er")


@ENCODE.check("lower is one token after four merges")
def _(merge_plainly, case):
    given = {"symbols": [*"lower"], "merges": _LOWER}
    case.same(merge_plainly([*"lower"], _table(*_LOWER)), ["lower"], given=given)


@ENCODE.check("what was learnt first goes first, wherever it stands")
def _(merge_plainly, case):
    merges = ("b c", "a b", "c d")
    given = {"symbols": [*"abcd"], "merges": merges}
    case.same(merge_plainly([*"abcd"], _table(*merges)), ["a", "bc", "d"], given=given)


@ENCODE.check("of equals, the leftmost goes first")
def _(merge_plainly, case):
    given = {"symbols": [*"aaa"], "merges": ("a a",)}
    case.same(merge_plainly([*"aaa"], _table("a a")), ["aa", "a"], given=given)


@ENCODE.check("a merge may make a pair that was learnt before it", tier="deep")
def _(merge_plainly, case):
    merges = ("ab c", "x y", "a b")
    given = {"symbols": [*"xyabc"], "merges": merges}
    case.same(merge_plainly([*"xyabc"], _table(*merges)), ["xy", "abc"], given=given)


@ENCODE.check("it is the heap's answer, on any word", tier="deep")
def _(merge_plainly, case):
    merges = ["a b", "b a", "a a", "ab a", "aa b", "ab ab"]
    case.chance.shuffle(merges)
    word = "".join(case.chance.choice([*"ab"], 10))
    given = {"symbols": [*word], "merges": merges}
    expected = merge_in_order([*word], _table(*merges))
    case.same(merge_plainly([*word], _table(*merges)), expected, given=given)


@ENCODE.check("what came is not changed, and what cannot merge stays", tier="deep")
def _(merge_plainly, case):
    symbols = [*"lo", "?"]
    got = merge_plainly(symbols, _table("l o"))
    case.same(got, ["lo", "?"], given={"symbols": [*"lo?"], "merges": ("l o",)})
    case.same(symbols, [*"lo?"], given={"merges": ("l o",)}, says="the symbols were changed")
    case.same(merge_plainly([], _table("l o")), [], given={"symbols": []})


def _encode(symbols, lookup, key, *, rounds=10_000):
    """One merge at a time, chosen by `key` of (rank, place)."""
    row = list(symbols)
    for _ in range(rounds):
        pairs = [(lookup(a, b), i) for i, (a, b) in enumerate(pairwise(row))]
        found = [(pair[0], i, pair[1]) for pair, i in pairs if pair]
        if not found:
            break
        _, i, merged = min(found, key=key)
        row[i : i + 2] = [merged]
    return row


_FIRST = "what was learnt first goes first, wherever it stands"


@ENCODE.mistake(
    "the first pair from the left is merged, whatever its rank: take the lowest rank of the row",
    caught_by=_FIRST,
)
def _(symbols, lookup):
    return _encode(symbols, lookup, lambda one: one[1])


@ENCODE.mistake(
    "the last merge learnt goes first; the ranks count from the first one learnt, so take the "
    "lowest",
    caught_by="it is the heap's answer, on any word",
)
def _(symbols, lookup):
    return _encode(symbols, lookup, lambda one: (-one[0], one[1]))


@ENCODE.mistake(
    "of two equal pairs the one on the right is merged; take the leftmost",
    caught_by="of equals, the leftmost goes first",
)
def _(symbols, lookup):
    return _encode(symbols, lookup, lambda one: (one[0], -one[1]))


@ENCODE.mistake(
    "it ends after one merge; merge until no pair of the row is known",
    caught_by="lower is one token after four merges",
)
def _(symbols, lookup):
    return _encode(symbols, lookup, lambda one: one[:2], rounds=1)


@ENCODE.mistake(
    "the pairs are looked at once, at the start; a merge makes new neighbours that may merge too",
    caught_by="lower is one token after four merges",
)
def _(symbols, lookup):
    row = list(symbols)
    known = {pair for pair in pairwise(row) if lookup(*pair)}
    return _encode(row, lambda a, b: lookup(a, b) if (a, b) in known else None, lambda x: x[:2])


# Learning them

LEARN = Exercise(
    "learn_merges",
    of="groundup.tokenizers.bpe:continue_merges",
    title="Learn which pairs to join",
    minutes=60,
    hints=(
        "Write the slow one first: count all pairs, take the most frequent, merge it in every "
        "piece, and begin again.",
        "A piece that occurs 5 times counts 5 times. Ties: the smallest ids. A pair whose bytes "
        "are a token already makes that token, and then nothing new was made. For speed, remember "
        "which pieces hold which pair and recount those alone.",
        "`best = max(counts, key=lambda pair: (counts[pair], -pair[0], -pair[1]))`; stop below "
        "min_frequency; `data = spelling[best[0]] + spelling[best[1]]`, `new_id = "
        "ids.setdefault(data, first_id + made)`; call advance() once a merge.",
    ),
)
_LETTERS = {number: bytes([97 + number]) for number in range(5)}
"""The tokens a to e, with ids 0 to 4."""


def _ids(word):
    return [ord(letter) - 97 for letter in word]


def _text(words, count=2, **settings):
    """The arguments for words with frequencies."""
    given = {"pieces": [_ids(word) for word in words], "frequencies": [*words.values()]}
    return {**given, "tokens": _LETTERS, "first_id": 10, "count": count, **settings}


def _count(words, frequencies):
    counts = Counter()
    for word, times in zip(words, frequencies, strict=True):
        for pair in pairwise(word):
            counts[pair] += times
    return counts


def _slow(pieces, frequencies, *, tokens, first_id, count, min_frequency=2, **changed):
    """Everything counted again for each merge; `changed`: what is otherwise."""
    words, spelling = [list(piece) for piece in pieces], dict(tokens)
    merges, made = [], 0
    rank = changed.get("rank", lambda pair, n: (n, -pair[0], -pair[1]))
    times = [1] * len(words) if changed.get("ignores_frequencies") else frequencies
    first = _count(words, times)
    while made < count:
        counts = first if changed.get("never_recounts") else _count(words, times)
        known = {merge[:2] for merge in merges} if changed.get("never_recounts") else ()
        pairs = [pair for pair in counts if pair not in known]
        best = max(pairs, key=lambda pair: rank(pair, counts[pair]), default=None)
        if best is None or counts[best] < min_frequency + changed.get("more", 0):
            break
        data, new = spelling[best[0]] + spelling[best[1]], first_id + made
        old = {text: token for token, text in spelling.items()}.get(data, new)
        new_id = new if changed.get("always_new") else old
        made += new_id == new
        spelling[new_id] = data
        merges.append((*best, new_id))
        words = [_merge(word, best, new_id) for word in words]
    return merges


def _learns(learn, case, given):
    case.same(learn(**given), _slow(**given), given={k: given[k] for k in given if k != "tokens"})


@LEARN.check("the most frequent pair comes first")
def _(continue_merges, case):
    given = _text({"ab": 1, "bc": 3, "abc": 1}, count=1)
    case.same(continue_merges(**given), [(1, 2, 10)], given={"words": "ab 1, bc 3, abc 1"})


@LEARN.check("then what is left is counted again")
def _(continue_merges, case):
    given = _text({"abab": 3, "bab": 2, "cab": 1}, count=3)
    expected = [(0, 1, 10), (10, 10, 11), (1, 10, 12)]
    case.same(continue_merges(**given), expected, given={"words": "abab 3, bab 2, cab 1"})


@LEARN.check("of equally frequent pairs, the one with the smallest ids")
def _(continue_merges, case):
    given = _text({"cb": 2, "de": 2, "ca": 2}, count=1)
    case.same(continue_merges(**given), [(2, 0, 10)], given={"words": "cb 2, de 2, ca 2"})


@LEARN.check("it ends when no pair is frequent enough")
def _(continue_merges, case):
    given = _text({"ab": 2, "cd": 1}, count=5)
    case.same(continue_merges(**given), [(0, 1, 10)], given={"words": "ab 2, cd 1", "count": 5})


@LEARN.check("random words, many merges", tier="deep")
def _(continue_merges, case):
    words = {}
    for _ in range(8):
        letters = case.integers(0, 2, case.integer(2, 7))
        words["".join(chr(97 + letter) for letter in letters)] = case.integer(1, 4)
    _learns(continue_merges, case, _text(words, count=12))


@LEARN.check("the same bytes by another way are the same token", tier="deep")
def _(continue_merges, case):
    given = _text({"abc": 9, "xab": 1}, count=4)
    given["pieces"] = [_ids("abc")] * 3 + [[0, 5]] * 2
    given |= {"frequencies": [1] * 5, "tokens": {**_LETTERS, 5: b"bc"}}
    _learns(continue_merges, case, given)


@LEARN.check("it says when a merge is made", tier="deep")
def _(continue_merges, case):
    steps = []
    merges = continue_merges(**_text({"abcd": 4}, count=3), advance=lambda: steps.append(1))
    case.same([len(merges), len(steps)], [3, 3], given={"words": "abcd 4"}, says="merges, calls")


@LEARN.check("the pieces that came are not changed", tier="deep")
def _(continue_merges, case):
    given = _text({"abab": 3, "bab": 2})
    continue_merges(**given)
    case.same(given["pieces"], [[0, 1, 0, 1], [1, 0, 1]], given={"words": "abab 3, bab 2"})


def _learn_otherwise(**changed):
    def learn(
        pieces, frequencies, *, tokens, first_id, count, min_frequency=2, advance=lambda: None
    ):
        fields = {"tokens": tokens, "first_id": first_id, "count": count}
        return _slow(pieces, frequencies, **fields, min_frequency=min_frequency, **changed)

    return learn


LEARN.mistake(
    "each piece counts once; it counts as often as it occurs",
    caught_by="the most frequent pair comes first",
)(_learn_otherwise(ignores_frequencies=True))
LEARN.mistake(
    "of equals the pair that was seen first wins, so the result depends on the order of the "
    "texts; take the smallest ids",
    caught_by="of equally frequent pairs, the one with the smallest ids",
)(_learn_otherwise(rank=lambda pair, n: n))
LEARN.mistake(
    "of equals the largest ids win, as max() of (count, pair) has it; negate the ids",
    caught_by="of equally frequent pairs, the one with the smallest ids",
)(_learn_otherwise(rank=lambda pair, n: (n, pair)))
LEARN.mistake(
    "the counts are those of the start: after a merge its pieces have other pairs, new ones "
    "among them",
    caught_by="then what is left is counted again",
)(_learn_otherwise(never_recounts=True))
LEARN.mistake(
    "min_frequency itself is enough: at least so often, not more often",
    caught_by="it ends when no pair is frequent enough",
)(_learn_otherwise(more=1))
LEARN.mistake(
    "a token of the same bytes is made a second time; use the one there is, "
    "and it does not count as made",
    caught_by="the same bytes by another way are the same token",
)(_learn_otherwise(always_new=True))
