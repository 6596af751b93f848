"""Learning the merges of a character BPE: join the most frequent pair of neighbours, and again.

The words of the texts are held once each, with how often they occur; a merge recounts only the
words that hold the pair. Two libraries differ in what they do with equally frequent pairs, and with
a pair whose joined text another pair has made already:

    SentencePiece     the shorter joined text, then the first in code point order;  it is skipped
    Hugging Face      the pair with the lowest ids;                   it merges to the same token

Source: Sennrich, Haddow and Birch (2016), algorithm 1; sentencepiece's `bpe_model_trainer.cc` and
Hugging Face's `trainer.rs`. SentencePiece looks, between every hundredth merge, only at the pairs
that were most frequent then, a shortcut that is not taken here.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

from groundup.observe.progress import Advance
from groundup.tokenizers.unigram_definition import BYTE_TOKENS
from groundup.tokenizers.unigram_training import classes, cut_words, required_characters

Pair: TypeAlias = tuple[str, str]
Order: TypeAlias = tuple[int, int | str]


@dataclass(frozen=True, kw_only=True)
class CharacterTraining:
    """How pieces are learnt; the defaults are SentencePiece's."""

    max_piece_length: int = 16
    """The most characters a piece has."""
    split_by_script: bool = True
    """Whether a piece has characters of one script only: letters, or digits and signs."""

    def __post_init__(self) -> None:
        if self.max_piece_length < 1:
            raise ValueError(f"max_piece_length is {self.max_piece_length}; it must be at least 1")


DEFAULTS = CharacterTraining()


class Merge(NamedTuple):
    """A pair of symbols and what it makes."""

    left: str
    right: str
    made: str


class Words:
    """The words as rows of symbols, and how often each pair of neighbours occurs in them."""

    def __init__(self, words: Mapping[str, int], order: Callable[[Pair], Order]) -> None:
        self._rows = [list(word) for word in words]
        self._counts = list(words.values())
        self._order = order
        self.frequency: defaultdict[Pair, int] = defaultdict(int)
        """How often each pair occurs."""
        self._holders: defaultdict[Pair, set[int]] = defaultdict(set)
        for i, row in enumerate(self._rows):
            for pair in pairwise(row):
                self.frequency[pair] += self._counts[i]
                self._holders[pair].add(i)
        self._heap = [self._entry(pair) for pair in self.frequency]
        heapq.heapify(self._heap)

    def _entry(self, pair: Pair) -> tuple[int, Order, Pair]:
        return -self.frequency[pair], self._order(pair), pair

    def take_best(self, least: int) -> Pair | None:
        """The most frequent pair, the first in order among equals; None if all are rarer.

        It is not offered again, unless a merge makes it anew.
        """
        while self._heap:
            claimed, _, pair = heapq.heappop(self._heap)
            if self.frequency[pair] < least:
                continue
            if self.frequency[pair] == -claimed:
                return pair
            # It has become rarer since it was entered.
            heapq.heappush(self._heap, self._entry(pair))
        return None

    def merge(self, pair: Pair, made: str) -> None:
        """Join the pair wherever it stands, from the left."""
        fresh: set[Pair] = set()
        for i in self._holders.pop(pair, ()):
            before, count = self._rows[i], self._counts[i]
            after = self._rows[i] = _joined(before, pair, made)
            for gone in pairwise(before):
                self.frequency[gone] -= count
            for here in pairwise(after):
                self.frequency[here] += count
                if made in here:
                    self._holders[here].add(i)
                    fresh.add(here)
        for new in fresh:
            heapq.heappush(self._heap, self._entry(new))


def _joined(row: list[str], pair: Pair, made: str) -> list[str]:
    joined, i = [], 0
    while i < len(row):
        if row[i] == pair[0] and i + 1 < len(row) and row[i + 1] == pair[1]:
            joined.append(made)
            i += 2
        else:
            joined.append(row[i])
            i += 1
    return joined


def learn_pieces(
    words: Mapping[str, int],
    *,
    count: int,
    longest: int = 16,
    advance: Advance = lambda: None,
) -> list[str]:
    """At most `count` pieces of up to `longest` characters, as SentencePiece finds them."""
    rows = Words(words, lambda pair: (len(pair[0] + pair[1]), pair[0] + pair[1]))
    pieces: dict[str, None] = {}
    while len(pieces) < count and (best := rows.take_best(1)):
        made = best[0] + best[1]
        if len(made) <= longest and made not in pieces:
            rows.merge(best, made)
            pieces[made] = None
            advance()
    return list(pieces)


def learn_merges(
    words: Mapping[str, int],
    *,
    ids: dict[str, int],
    vocab_size: int,
    min_frequency: int = 0,
    advance: Advance = lambda: None,
) -> Iterator[Merge]:
    """Merges as Hugging Face's trainer finds them, until there are `vocab_size` ids.

    `ids`: the tokens so far, the characters among them; each new token gets the next id in it.
    """
    rows = Words(words, lambda pair: (ids[pair[0]], ids[pair[1]]))
    while len(ids) < vocab_size and (best := rows.take_best(max(1, min_frequency))):
        made = best[0] + best[1]
        if made not in ids:
            ids[made] = len(ids)
            advance()
        rows.merge(best, made)
        yield Merge(*best, made)


def character_counts(words: Mapping[str, int]) -> Counter[str]:
    """How often each character occurs in the words."""
    counts = Counter[str]()
    for word, count in words.items():
        for character in word:
            counts[character] += count
    return counts


def scored_definition(
    counts: Mapping[str, int],
    *,
    vocab_size: int,
    special_tokens: Sequence[str],
    character_coverage: float,
    byte_fallback: bool,
    options: CharacterTraining,
    advance: Advance = lambda: None,
) -> dict[str, Any]:
    """The model's part of a definition as SentencePiece lays it out, learnt from words.

    Special tokens come first, then bytes, pieces in the order they were learnt, and characters, the
    most frequent first; scores fall from piece to piece. Raises ValueError if `vocab_size` has no
    room for the bytes and characters, or the words are none.
    """
    characters = character_counts(counts)
    required = required_characters(characters, character_coverage)
    reserved = [*special_tokens, *(BYTE_TOKENS if byte_fallback else ())]
    room = vocab_size - len(reserved) - len(required)
    if room < 0 or not required:
        raise ValueError(
            f"vocab_size is {vocab_size}; {len(reserved)} special tokens and bytes and "
            f"{len(required)} characters of the texts need at least "
            f"{len(reserved) + max(len(required), 1)}"
        )
    kinds = classes(characters, required, by_script=options.split_by_script)
    words = cut_words(counts, kinds)
    made = learn_pieces(words, count=room, longest=options.max_piece_length, advance=advance)
    pieces = [piece for piece in (*made, *required) if piece not in reserved]
    first = len(reserved)
    texts = [*BYTE_TOKENS, *pieces] if byte_fallback else pieces
    return {
        "vocabulary": {text: i for i, text in enumerate(texts, len(special_tokens))},
        "scores": {i: float(first - i) for i in range(first, first + len(pieces))},
        "byte_fallback": byte_fallback,
    }


def merges_definition(
    counts: Mapping[str, int],
    *,
    vocab_size: int,
    special_tokens: Sequence[str],
    min_frequency: int,
    advance: Advance = lambda: None,
) -> dict[str, Any]:
    """The model's part of a definition as Hugging Face lays it out, learnt from pieces.

    Special tokens come first, then all characters in code point order, then what merges made.
    """
    alphabet = sorted(character_counts(counts))
    ids = {text: i for i, text in enumerate(dict.fromkeys([*special_tokens, *alphabet]))}
    if len(ids) > vocab_size or not alphabet:
        raise ValueError(
            f"vocab_size is {vocab_size}; {len(special_tokens)} special tokens and "
            f"{len(alphabet)} characters of the texts need at least {max(len(ids), 1)}"
        )
    found = learn_merges(
        counts, ids=ids, vocab_size=vocab_size, min_frequency=min_frequency, advance=advance
    )
    merges = [(ids[left], ids[right], ids[made]) for left, right, made in list(found)]
    used = {i for merge in merges for i in merge}  # a merge may make a special token's text
    ordinary = {t: i for t, i in ids.items() if t not in special_tokens or i in used}
    return {"vocabulary": ordinary, "merges": merges}
