"""The n-gram language model: interpolated modified Kneser-Ney smoothing, any order, on token ids.

Legend: T position in a stream of tokens, G the distinct n-grams of one order, V vocabulary.

    p_n(w | h) = max(c(h w) - D(c(h w)), 0) / sum_v c(h v) + gamma(h) p_{n-1}(w | h')
    gamma(h)   = (D1 N1(h) + D2 N2(h) + D3 N3+(h)) / sum_v c(h v)

h' is h without its first token, p_0 is uniform over the vocabulary, N1(h), N2(h), N3+(h) count the
words that follow h once, twice, more often. At the highest order c is a count; below, c(g) is the
number of different tokens seen in front of g. Chen and Goodman (1999), An Empirical Study of
Smoothing Techniques for Language Modeling, section 3. Every probability is
above 0. The pipeline measures the language model against it.

An order's n-grams are one sorted array: each is the pair (index of its first n-1 tokens among the
n-grams one order below, last token) packed into 64 bits. So looking up a whole stream at one order
is one binary search for each token, and no table ever holds strings.

Leaves out pruning, and a begin-of-sentence token (`<|endoftext|>` in the stream stands for it).
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.observe.progress import Progress, silent
from groundup.swap import replaceable

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@replaceable
def discounts(n1: int, n2: int, n3: int, n4: int) -> tuple[float, float, float]:
    """D1, D2, D3+: what a count of 1, 2, 3 or more loses; n_r n-grams have the count r.

    Y = n1 / (n1 + 2 n2);  D1 = 1 - 2Y n2/n1;  D2 = 2 - 3Y n3/n2;  D3+ = 3 - 4Y n4/n3

    Chen and Goodman (1999), section 3. Where one of n1 to n4 is 0 or a result is not above 0
    (too little text), 1/2, 1, 3/2.
    """
    if min(n1, n2, n3, n4) == 0:
        return 0.5, 1.0, 1.5
    y = n1 / (n1 + 2 * n2)
    found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    if min(found) <= 0:
        return 0.5, 1.0, 1.5
    return found


@replaceable
def interpolate(
    count: Floats, discount: Floats, total: Floats, weight: Floats, lower: Floats
) -> Floats:
    """p_n(w | h) = max(count - discount, 0) / total + weight * lower, elementwise.

    count: c(h w); discount: D(c(h w)); total: sum over v of c(h v), above 0; weight: gamma(h);
    lower: p_{n-1}(w | h').
    """
    return np.maximum(count - discount, 0) / total + weight * lower


@dataclass(frozen=True)
class Level:
    """The n-grams of one order."""

    keys: Ints
    """Of each n-gram, sorted: index of its prefix one order below times V, plus its last token."""
    counts: Ints
    """c of each n-gram."""
    totals: Ints
    """Of each n-gram one order below, the sum of c over the words that follow it; often 0."""
    weights: Floats
    """gamma of each n-gram one order below; 1 where the total is 0."""
    by_count: Floats
    """Discounts of the counts 0, 1, 2 and 3 or more."""

    def discount_of(self, counts: NDArray[Any]) -> Floats:
        """D(c), elementwise."""
        found: Floats = self.by_count[np.minimum(counts, 3)]
        return found

    def find(self, prefix: Ints, token: Ints, vocab_size: int) -> Ints:
        """Index of each n-gram (prefix, token), -1 where there is none or the prefix is -1."""
        if not len(self.keys):
            return np.full(len(prefix), -1, dtype=np.int64)
        wanted = prefix * vocab_size + token
        index = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where((self.keys[index] == wanted) & (prefix >= 0), index, -1)


class NGram:
    """A fitted model; make one with `NGram.fit`."""

    def __init__(self, levels: Sequence[Level], vocab_size: int) -> None:
        self.levels = list(levels)
        self.vocab_size = vocab_size
        self._unigram = self._next(np.full(vocab_size, 1 / vocab_size), self.levels[0], 0)

    @property
    def order(self) -> int:
        """The longest n-gram."""
        return len(self.levels)

    @classmethod
    def fit(
        cls,
        tokens: NDArray[Any],
        *,
        vocab_size: int,
        order: int = 5,
        progress: Progress = silent,
    ) -> "NGram":
        """Count a stream of token ids.

        7 million tokens of source code at order 5 take about 12 s and 1.1 GB. Raises ValueError for
        an order below 1, fewer tokens than the order, or an id outside the vocabulary.
        """
        if order < 1:
            raise ValueError(f"order is {order}; it must be at least 1")
        stream = np.asarray(tokens).astype(np.int64)
        if len(stream) < order:
            raise ValueError(f"{len(stream)} tokens hold no {order}-gram; give more text")
        if stream.min() < 0 or stream.max() >= vocab_size:
            raise ValueError(
                f"the tokens reach from {stream.min()} to {stream.max()}, and the vocabulary has "
                f"the ids 0 to {vocab_size - 1}"
            )
        with progress("counting", total=order, unit="orders") as advance:
            tables = _count(stream, vocab_size, order, advance)
        sizes = [1, *(len(keys) for keys, _ in tables)]
        levels = [
            _level(keys, counts, vocab_size, below)
            for (keys, counts), below in zip(tables, sizes, strict=False)
        ]
        return cls(levels, vocab_size)

    def log_probabilities(self, tokens: NDArray[Any], *, skip: int = 1) -> Floats:
        """The logarithm of p of each token given those before it, without the first `skip` tokens.

        Natural logarithms. The first tokens have shorter contexts: token i is predicted at order
        min(i + 1, order).
        """
        stream = np.asarray(tokens).astype(np.int64)
        probability = np.full(len(stream), 1 / self.vocab_size)
        context = np.zeros(len(stream), dtype=np.int64)
        for level in self.levels:
            index = level.find(context, stream, self.vocab_size)
            seen = np.flatnonzero((context >= 0) & (level.totals[context] > 0))
            at = context[seen]
            counts = np.where(index[seen] >= 0, level.counts[index[seen]], 0)
            probability[seen] = interpolate(
                counts.astype(np.float64),
                level.discount_of(counts),
                level.totals[at].astype(np.float64),
                level.weights[at],
                probability[seen],
            )
            # the n-gram that ends before a token is that token's context one order above
            context = np.concatenate([[-1], index[:-1]])
        logarithms: Floats = np.log(probability[skip:])
        return logarithms

    def probabilities(self, context: Sequence[int]) -> Floats:
        """The probability of every token after these tokens: shape (V,), it sums to 1."""
        probability_V = self._unigram.copy()
        for length in range(1, min(len(context), self.order - 1) + 1):
            node = self._node(context[len(context) - length :])
            if node < 0:
                break
            probability_V = self._next(probability_V, self.levels[length], node)
        return probability_V

    def generate(
        self,
        prompt: Sequence[int],
        *,
        max_tokens: int,
        temperature: float,
        seed: int = 0,
        stop_ids: Collection[int] = (),
    ) -> list[int]:
        """Up to `max_tokens` ids that continue the prompt, ending before the first of `stop_ids`.

        Draws from p^(1/temperature), normalised; temperature 0 takes the likeliest token.
        """
        chance = np.random.default_rng(seed)
        ids = list(prompt)
        for _ in range(max_tokens):
            probability_V = self.probabilities(ids[-self.order :])
            if temperature == 0:
                token = int(probability_V.argmax())
            else:
                cumulative = np.cumsum(probability_V ** (1 / temperature))
                token = int(np.searchsorted(cumulative, chance.random() * cumulative[-1], "right"))
            if token in stop_ids:
                break
            ids.append(token)
        return ids[len(prompt) :]

    def _node(self, context: Sequence[int]) -> int:
        """Index of these tokens among the n-grams of their length, or -1."""
        node = 0
        for level, token in zip(self.levels, context, strict=False):
            key = node * self.vocab_size + token
            node = int(level.keys.searchsorted(key))
            if node == len(level.keys) or level.keys[node] != key:
                return -1
        return node

    def _next(self, lower: Floats, level: Level, node: int) -> Floats:
        """The probability of every token after the context `node`, from that one order below."""
        if level.totals[node] == 0:
            return lower
        ends = [node * self.vocab_size, (node + 1) * self.vocab_size]
        begin, end = level.keys.searchsorted(ends)
        counts = np.zeros(self.vocab_size, dtype=np.int64)
        counts[level.keys[begin:end] - ends[0]] = level.counts[begin:end]
        return interpolate(
            counts.astype(np.float64),
            level.discount_of(counts),
            level.totals[node : node + 1].astype(np.float64),
            level.weights[node : node + 1],
            lower,
        )


def bits(log_probabilities: Floats) -> float:
    """The sum of -log2 p of tokens with these natural logarithms: their code length."""
    return float(-log_probabilities.sum() / math.log(2))


def _count(stream: Ints, vocab_size: int, order: int, advance: Any) -> list[tuple[Ints, Ints]]:
    """(keys, c) of the n-grams of each order."""
    index = np.zeros(len(stream) + 1, dtype=np.int64)  # of the n-gram that ends before token t
    tables: list[tuple[Ints, Ints]] = []
    for n in range(1, order + 1):
        # n-grams end at the tokens n - 1, n, ...; index[t] is that of the one ending at token t - 1
        keys = index[n - 1 : len(stream)] * vocab_size + stream[n - 1 :]
        unique, first, inverse, counts = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        if tables:
            # each distinct n-gram is one more token in front of its last n - 1 tokens
            suffix = index[first + n]
            below = tables[-1][0]
            tables[-1] = (below, np.bincount(suffix, minlength=len(below)).astype(np.int64))
        tables.append((unique, counts.astype(np.int64)))
        index = np.concatenate([np.full(n, -1, dtype=np.int64), inverse.astype(np.int64)])
        advance(1)
    return tables


def _level(keys: Ints, counts: Ints, vocab_size: int, below: int) -> Level:
    """An order's table, with sums over its contexts: the `below` n-grams one order down."""
    n1, n2, n3, n4 = (int((counts == r).sum()) for r in (1, 2, 3, 4))
    by_count = np.array([0.0, *discounts(n1, n2, n3, n4)])
    prefix = keys // vocab_size
    totals = np.bincount(prefix, weights=counts, minlength=below)
    lost = np.bincount(prefix, weights=by_count[np.minimum(counts, 3)], minlength=below)
    weights = np.divide(lost, totals, out=np.ones(below), where=totals > 0)
    return Level(keys, counts, totals.astype(np.int64), weights, by_count)
