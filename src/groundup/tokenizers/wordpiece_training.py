"""How a WordPiece vocabulary is learnt: characters first, then pairs of neighbours, one by one.

Every character of the texts gets a token, and one with "##" if it continues a word somewhere. Then
the pair of neighbours with the best score becomes a token, everywhere, again and again:

    frequency:   n(ab)                     what Hugging Face's WordPieceTrainer does; it is BPE
    likelihood:  n(ab) / (n(a) n(b))       what joins to raise the likelihood of the texts most

n counts occurrences in all words. The second likes pairs whose parts stand nowhere else, however
rare. Google's own trainer was never released.

Source: Schuster and Nakajima (2012), section 3; Sennrich, Haddow and Birch (2016). Leaves out
limits on the alphabet and on the length of a token.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

from groundup.observe.progress import Advance
from groundup.tokenizers.bpe import merge

Score: TypeAlias = Literal["frequency", "likelihood"]
Pair: TypeAlias = tuple[int, int]
_CONTINUES = "##"


def learn_vocabulary(
    words: Mapping[str, int],
    *,
    vocab_size: int,
    special_tokens: Sequence[str],
    min_frequency: int = 0,
    score: Score = "frequency",
    advance: Advance = lambda amount=1, note="": None,
) -> list[str]:
    """The tokens in the order of their ids: special ones, characters, and what was joined.

    `words`: how often each word occurs. Of equally good pairs the one with the smallest ids wins.
    Fewer tokens come back when no pair occurs `min_frequency` times any more. Raises ValueError if
    `vocab_size` has no room for the characters.
    """
    if score not in ("frequency", "likelihood"):
        raise ValueError(f"the score is {score!r}; wanted 'frequency' or 'likelihood'")
    tokens = [*special_tokens, *alphabet(words, special_tokens)]
    if len(tokens) > vocab_size:
        raise ValueError(
            f"vocab_size is {vocab_size}; the special tokens and the characters of these texts "
            f"need {len(tokens)}"
        )
    advance(len(tokens))
    pairs = Pairs(words, tokens)
    choose = pairs.most_frequent if score == "frequency" else pairs.most_likely
    while len(tokens) < vocab_size and (best := choose(max(min_frequency, 1))):
        merged = tokens[best[0]] + tokens[best[1]].removeprefix(_CONTINUES)
        if merged not in pairs.ids:
            pairs.ids[merged] = len(tokens)
            tokens.append(merged)
            advance(1)
        pairs.merge(best, pairs.ids[merged])
    return tokens


def alphabet(words: Iterable[str], special_tokens: Sequence[str] = ()) -> list[str]:
    """All characters of the words, then all that continue one, each in code point order."""
    alone = sorted({character for word in words for character in word})
    continuing = sorted({_CONTINUES + character for word in words for character in word[1:]})
    return [text for text in (*alone, *continuing) if text not in special_tokens]


class Pairs:
    """How often which tokens are neighbours in the words, kept up to date while they merge."""

    def __init__(self, words: Mapping[str, int], tokens: Sequence[str]) -> None:
        """`tokens`: the characters' tokens, each at its id."""
        self.ids = {text: i for i, text in enumerate(tokens)}
        self._words = [
            [self.ids[_CONTINUES * (i > 0) + letter] for i, letter in enumerate(word)]
            for word in words
        ]
        self._frequencies = list(words.values())
        self._counts: Counter[Pair] = Counter()
        self._singles: Counter[int] = Counter()
        self._holders: defaultdict[Pair, set[int]] = defaultdict(set)
        for i, word in enumerate(self._words):
            self._add(i, word, self._frequencies[i])
        self._heap = [(-count, pair) for pair, count in self._counts.items()]
        heapq.heapify(self._heap)

    def _add(self, i: int, word: list[int], count: int) -> None:
        for token in word:
            self._singles[token] += count
        for pair in pairwise(word):
            self._counts[pair] += count
            self._holders[pair].add(i)

    def most_frequent(self, at_least: int) -> Pair | None:
        """The most frequent pair, if any is so frequent. The heap may name counts that sank."""
        while self._heap:
            claimed, pair = heapq.heappop(self._heap)
            count = self._counts[pair]
            if count == -claimed:
                return pair if count >= at_least else None
            if count >= at_least:
                heapq.heappush(self._heap, (-count, pair))
        return None

    def most_likely(self, at_least: int) -> Pair | None:
        """The pair with the best n(ab) / (n(a) n(b)); looks at all pairs, so it takes its time."""
        frequent = [pair for pair, count in self._counts.items() if count >= at_least]
        return min(frequent, key=lambda pair: (-self._likelihood(pair), pair), default=None)

    def _likelihood(self, pair: Pair) -> float:
        return self._counts[pair] / (self._singles[pair[0]] * self._singles[pair[1]])

    def merge(self, pair: Pair, new: int) -> None:
        """Put the token `new` in place of the pair, everywhere."""
        changed: set[Pair] = set()
        for i in self._holders.pop(pair):
            before, after = self._words[i], merge(self._words[i], pair, new)
            self._add(i, before, -self._frequencies[i])
            self._add(i, after, self._frequencies[i])
            self._words[i] = after
            changed.update(pairwise(after))
        del self._counts[pair]
        for here in changed:
            heapq.heappush(self._heap, (-self._counts[here], here))
