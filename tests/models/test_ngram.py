"""The n-gram model against the formula, written down again in dictionaries, and by hand."""

from collections import Counter, defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup import swap
from groundup.models import ngram
from groundup.models.ngram import NGram, bits, discounts


class Brute:
    """Chen and Goodman (1999), section 3, token by token, with no table shared with ours."""

    def __init__(self, tokens, vocab_size, order):
        self.vocab_size, self.order = vocab_size, order
        grams = {
            n: [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
            for n in range(1, order + 1)
        }
        self.count = {order: Counter(grams[order])}
        for n in range(1, order):
            left = defaultdict(set)
            for gram in grams[n + 1]:
                left[gram[1:]].add(gram[0])
            self.count[n] = {gram: len(seen) for gram, seen in left.items()}
        self.discount = {}
        for n in range(1, order + 1):
            n1, n2, n3, n4 = (sum(c == r for c in self.count[n].values()) for r in (1, 2, 3, 4))
            if 0 in (n1, n2, n3, n4):
                self.discount[n] = [0, 0.5, 1.0, 1.5]
                continue
            y = n1 / (n1 + 2 * n2)
            found = [0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
            self.discount[n] = found if min(found[1:]) > 0 else [0, 0.5, 1.0, 1.5]

    def probability(self, word, history, n):
        if n == 0:
            return 1 / self.vocab_size
        lower = self.probability(word, history[1:], n - 1)
        following = [self.count[n].get((*history, v), 0) for v in range(self.vocab_size)]
        if not sum(following):
            return lower
        losses = self.discount[n]
        gamma = sum(losses[min(c, 3)] for c in following) / sum(following)
        c = following[word]
        return max(c - losses[min(c, 3)], 0) / sum(following) + gamma * lower


streams = st.lists(st.integers(0, 5), min_size=5, max_size=200)


@settings(max_examples=40)
@given(streams, st.integers(1, 4), st.lists(st.integers(0, 6), min_size=1, max_size=12))
def test_probabilities_are_those_of_the_formula(stream, order, text):
    model = NGram.fit(np.array(stream), vocab_size=7, order=order)
    brute = Brute(stream, 7, order)
    wanted = [
        brute.probability(word, tuple(text[max(0, i - order + 1) : i]), min(i + 1, order))
        for i, word in enumerate(text)
    ]
    found = np.exp(model.log_probabilities(np.array(text), skip=0))
    np.testing.assert_allclose(found, wanted, rtol=1e-10)
    history = text[-(order - 1) :] if order > 1 else []
    n = len(history) + 1
    wanted = [brute.probability(word, tuple(history), n) for word in range(7)]
    np.testing.assert_allclose(model.probabilities(text), wanted, rtol=1e-10)


def test_a_long_random_text_uses_estimated_discounts_and_agrees():
    chance = np.random.default_rng(0)
    stream = np.minimum(chance.zipf(1.3, 4000), 60) - 1
    model, brute = NGram.fit(stream, vocab_size=60, order=3), Brute(stream.tolist(), 60, 3)
    for n in (2, 3):
        assert brute.discount[n] != [0, 0.5, 1.0, 1.5]
        np.testing.assert_allclose(model.levels[n - 1].by_count, brute.discount[n], rtol=1e-12)
    test = np.minimum(chance.zipf(1.3, 60), 60) - 1
    words = test.tolist()
    wanted = [
        brute.probability(words[i], tuple(words[max(0, i - 2) : i]), min(i + 1, 3))
        for i in range(len(words))
    ]
    np.testing.assert_allclose(np.exp(model.log_probabilities(test, skip=0)), wanted, rtol=1e-10)


def test_by_hand():
    """Tokens a b a b a c over a vocabulary of four, order 2; fallback discounts 1/2, 1, 3/2."""
    a, b, c, d = range(4)
    model = NGram.fit(np.array([a, b, a, b, a, c]), vocab_size=4, order=2)
    # tokens in front of a: {b}, of b: {a}, of c: {a}; each loses 1/2 of 3
    lower = {w: Fraction(1, 2) / 3 + Fraction(3, 2) / 3 / 4 for w in (a, b, c)}
    lower[d] = Fraction(3, 2) / 3 / 4
    # a is followed by b twice and by c once
    gamma = (Fraction(1) + Fraction(1, 2)) / 3
    wanted = [
        gamma * lower[a],
        Fraction(2 - 1, 3) + gamma * lower[b],
        Fraction(1, 2) / 3 + gamma * lower[c],
        gamma * lower[d],
    ]
    assert sum(wanted) == 1
    np.testing.assert_allclose(model.probabilities([a]), [float(p) for p in wanted], rtol=1e-14)
    # what was never seen in front of anything says nothing
    np.testing.assert_allclose(model.probabilities([d]), [float(lower[w]) for w in (a, b, c, d)])


@settings(max_examples=30)
@given(streams, st.integers(1, 5), st.lists(st.integers(0, 6), max_size=8))
def test_probabilities_sum_to_one_and_are_never_zero(stream, order, context):
    model = NGram.fit(np.array(stream), vocab_size=7, order=order)
    found = model.probabilities(context)
    assert found.min() > 0
    assert found.sum() == pytest.approx(1, abs=1e-12)


def test_a_large_vocabulary_and_order_do_not_overflow():
    chance = np.random.default_rng(1)
    stream = chance.integers(65_000, 65_536, 30_000).astype(np.uint16)
    model = NGram.fit(stream, vocab_size=65_536, order=5)
    assert len(model.levels[4].keys) == len({tuple(stream[i : i + 5]) for i in range(29_996)})
    last = model.probabilities(stream[100:104].tolist())
    assert last.sum() == pytest.approx(1)
    assert last.argmax() == stream[104]


def test_higher_orders_code_a_repetitive_text_in_fewer_bits():
    text = np.frombuffer(b"the cat sat on the mat and the rat sat on the cat. " * 40, np.uint8)
    train, test = text[:1500], text[1500:]
    needed = [
        bits(NGram.fit(train, vocab_size=256, order=order).log_probabilities(test))
        for order in (1, 2, 3, 5)
    ]
    assert needed == sorted(needed, reverse=True)
    assert needed[-1] < 0.1 * needed[0]


def test_greedy_generation_takes_the_likeliest_and_stops():
    text = b"abcdefgh" * 20
    model = NGram.fit(np.frombuffer(text, np.uint8), vocab_size=256, order=3)
    found = model.generate(list(b"ab"), max_tokens=10, temperature=0)
    assert bytes(found) == b"cdefghabcd"
    assert (
        bytes(model.generate(list(b"ab"), max_tokens=10, temperature=0, stop_ids=[ord("f")]))
        == b"cde"
    )
    assert model.generate([], max_tokens=0, temperature=0) == []


def test_samples_follow_the_tempered_probabilities():
    chance = np.random.default_rng(2)
    model = NGram.fit(chance.integers(0, 6, 300), vocab_size=8, order=2)
    drawn = [model.generate([3], max_tokens=1, temperature=0.8, seed=s)[0] for s in range(6000)]
    wanted = model.probabilities([3]) ** (1 / 0.8)
    wanted /= wanted.sum()
    found = np.bincount(drawn, minlength=8) / len(drawn)
    np.testing.assert_allclose(found, wanted, atol=4 * 0.5 / np.sqrt(len(drawn)))
    again = [model.generate([3], max_tokens=9, temperature=0.8, seed=5) for _ in range(2)]
    assert again[0] == again[1]


@pytest.mark.parametrize(
    ("tokens", "settings", "message"),
    [
        ([1, 2], {"order": 3}, "2 tokens hold no 3-gram"),
        ([1, 2], {"order": 0}, "order is 0"),
        ([1, 9], {"order": 1}, "the vocabulary has the ids 0 to 6"),
        ([], {"order": 1}, "0 tokens hold no 1-gram"),
    ],
)
def test_bad_input_is_refused(tokens, settings, message):
    with pytest.raises(ValueError, match=message):
        NGram.fit(np.array(tokens, dtype=np.int64), vocab_size=7, **settings)


def test_discounts_are_those_of_the_paper():
    # n1 = 100, n2 = 40, n3 = 20, n4 = 10: Y = 100/180
    y = 100 / 180
    assert discounts(100, 40, 20, 10) == pytest.approx((1 - 0.8 * y, 2 - 1.5 * y, 3 - 2 * y))
    assert discounts(100, 40, 0, 10) == discounts(1, 5, 100, 1) == (0.5, 1.0, 1.5)


def test_a_learners_interpolation_runs(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def interpolate(count, discount, total, weight, lower):\n    return lower\n")
    with swap.replaced([swap.load(f"models.ngram:interpolate={path}")]):
        model = ngram.NGram.fit(np.array([1, 2, 1, 2, 1]), vocab_size=4, order=2)
        np.testing.assert_array_equal(model.probabilities([1]), np.full(4, 0.25))
