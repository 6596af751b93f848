"""From bytes to tokens: count pairs, join the best, replay the joins, and where it surprises."""

import functools
import inspect
import textwrap
from collections import Counter
from itertools import pairwise

from groundup.tokenizers.bpe import learn_merges, merge
from groundup.tokenizers.merging import merge_plainly
from groundup.tokenizers.split import PATTERNS, Split

Pair = tuple[int, int]
WORDS = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
"""How often each word occurs."""
BYTES = range(256)

# The problem


def three_ways() -> list[dict[str, object]]:
    """A module of Python's library, cut in three ways"""
    text = inspect.getsource(textwrap)
    words = text.split()
    half = len(words) // 2
    known = set(words[:half])
    unseen = sum(word not in known for word in words[half:]) / (len(words) - half)
    cuts: dict[str, list[object]] = {
        "bytes": [*text.encode()],
        "characters": [*text],
        "words": [*words],
    }
    rows: list[dict[str, object]] = []
    for name, cut in cuts.items():
        row: dict[str, object] = {"cut into": name, "pieces": len(cut), "different": len(set(cut))}
        row["of the second half, unseen"] = unseen if name == "words" else 0.0
        rows.append(row)
    return rows


# Learning


def pairs() -> list[dict[str, object]]:
    """Pairs of neighbours in four words, each as often as its word comes"""
    counts: Counter[str] = Counter()
    for word, times in WORDS.items():
        for left, right in pairwise(word):
            counts[left + right] += times
    return [{"pair": pair, "count": count} for pair, count in counts.most_common(6)]


def naive() -> list[str]:
    """Learn ten merges: count all pairs, join the most frequent, begin again"""
    words = {tuple(word): times for word, times in WORDS.items()}
    ids = {chr(byte): byte for byte in BYTES}
    for _ in range(10):
        counts: Counter[tuple[str, str]] = Counter()
        for word, times in words.items():
            for pair in pairwise(word):
                counts[pair] += times
        # of equally frequent pairs the one with the smallest ids
        a, b = max(counts, key=lambda pair: (counts[pair], -ids[pair[0]], -ids[pair[1]]))
        ids[a + b] = len(ids)
        words = {joined(word, (a, b)): times for word, times in words.items()}
    return [*ids][256:]


def joined(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    """A word with every occurrence of a pair joined"""
    made, i = [], 0
    while i < len(word):
        is_pair = word[i : i + 2] == pair
        made.append("".join(pair) if is_pair else word[i])
        i += 2 if is_pair else 1
    return tuple(made)


def ours() -> list[str]:
    """The library's training on the same words"""
    merges = learn_merges(WORDS, byte_ids=BYTES, first_id=256, count=10)
    return [*spelled(merges).values()]


def spelled(merges: list[tuple[int, int, int]]) -> dict[int, str]:
    """The text of each id that merges make"""
    known = {byte: chr(byte) for byte in BYTES}
    for left, right, made in merges:
        known[made] = known[left] + known[right]
    return {made: known[made] for _, _, made in merges}


def watch() -> list[int]:
    """One merge, step by step: a run of three"""
    return merge([97, 97, 97, 98], (97, 97), 256)


def runs() -> float:
    """How many tokens a row of nine times the same letter has, after the merges aa and aaaa"""
    ids = merge([97] * 9, (97, 97), 256)
    return float(len(merge(ids, (256, 256), 257)))


# Encoding

TABLE = ["e s", "es t", "l o", "lo w", "n e", "ne w", "new est", "low est"]
"""Merges in the order they were learnt."""


def lookup(left: str, right: str) -> tuple[float, str] | None:
    """The rank of a pair, and what it becomes"""
    pair = f"{left} {right}"
    return (TABLE.index(pair), left + right) if pair in TABLE else None


def replay() -> list[str]:
    """A word that was never seen, merge by merge"""
    row, seen = [*"lowest"], ["l o w e s t"]
    while found := [
        (*pair, i) for i in range(len(row) - 1) if (pair := lookup(row[i], row[i + 1]))
    ]:
        _, merged, i = min(found, key=lambda one: one[0])
        row[i : i + 2] = [merged]
        seen.append(" ".join(row))
    return seen


def watch_encoding() -> list[str]:
    """The library's plain encoder at work on a word"""
    return merge_plainly([*"newest"], lookup)


def order_of_merges() -> dict[str, list[str]]:
    """The merges b c, then a b: replayed by rank, and from the left as they come"""
    ranks = {("b", "c"): 0, ("a", "b"): 1}

    def find(left: str, right: str) -> tuple[float, str] | None:
        pair = (left, right)
        return (ranks[pair], left + right) if pair in ranks else None

    from_left = [*"abc"]
    i = 0
    while i < len(from_left) - 1:
        if found := find(from_left[i], from_left[i + 1]):
            from_left[i : i + 2] = [found[1]]
        else:
            i += 1
    return {"by rank": merge_plainly([*"abc"], find), "from the left": from_left}


def by_rank_says() -> str:
    """How abc is cut with the merges b c (first) and a b"""
    return " | ".join(order_of_merges()["by rank"])


# Bytes and pieces


def as_bytes() -> list[dict[str, object]]:
    """What a character is, before any merge"""
    return [
        {"character": one, "bytes": " ".join(f"{byte:02x}" for byte in one.encode())}
        for one in ("a", "ä", "語", "🙂")
    ]


def bytes_of_a_face() -> float:
    """Tokens of one emoji, for a tokenizer that has learnt nothing about it"""
    return float(len("🙂".encode()))


def pieces() -> list[dict[str, object]]:
    """The same line, cut by three patterns before any merge"""
    line = "x = 1234567  # don't"
    return [
        {"pattern": name, "pieces": " | ".join(Split(PATTERNS[name])(line))}
        for name in ("gpt2", "cl100k", "qwen2")
    ]


# What goes wrong


@functools.cache
def table() -> list[tuple[int, int, int]]:
    """300 merges learnt from a module of Python's library"""
    text = inspect.getsource(textwrap)
    counts = Counter(Split(PATTERNS["cl100k"])(text))
    return learn_merges(counts, byte_ids=BYTES, first_id=256, count=300)


def encoded(text: str, merges: list[tuple[int, int, int]]) -> list[str]:
    """The tokens of a text, as text"""
    ranks = {(left, right): (rank, made) for rank, (left, right, made) in enumerate(merges)}
    names = {byte: bytes([byte]) for byte in BYTES}
    for left, right, made in merges:
        names[made] = names[left] + names[right]
    found: list[str] = []
    for piece in Split(PATTERNS["cl100k"])(text):
        ids = merge_plainly([*piece.encode()], lambda a, b: ranks.get((a, b)))
        found += [names[token].decode("utf-8", errors="replace") for token in ids]
    return found


def spaces() -> list[dict[str, object]]:
    """The same word in four places"""
    merges = table()
    return [
        {"text": repr(text), "tokens": " | ".join(encoded(text, merges))}
        for text in ("self", " self", "Self", "self ")
    ]


def foreign() -> list[dict[str, object]]:
    """Bytes for each token, of a vocabulary that was learnt from code"""
    merges = table()
    texts = {
        "code": "def fill(self, text):\n    return self.join(text)\n",
        "English": "It was the best of times, it was the worst of times.",
        "German": "Über den Wolken muss die Freiheit wohl grenzenlos sein.",
        "Japanese": "吾輩は猫である。名前はまだ無い。",
    }
    rows: list[dict[str, object]] = []
    for name, text in texts.items():
        tokens = encoded(text, merges)
        rows.append(
            {"text": name, "tokens": len(tokens), "characters a token": len(text) / len(tokens)}
        )
    return rows


def numbers() -> dict[str, str]:
    """Numbers, cut in threes from the left"""
    split = Split(PATTERNS["cl100k"])
    return {one: " | ".join(split(one)) for one in ("1234", "12345", "123456", "1234567")}


def cut_in_two() -> dict[str, str]:
    """One emoji's four bytes, decoded after two of them, and all together"""
    data = "🙂".encode()
    first = data[:2].decode("utf-8", errors="replace")
    return {
        "first two, then the others": first + data[2:].decode("utf-8", errors="replace"),
        "all": data.decode(),
    }
