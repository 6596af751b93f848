"""The n-gram model: what a count loses, who gets it, and the probability of what follows."""

from collections import Counter

import numpy as np

from groundup.course.exercise import Exercise
from groundup.models.ngram import NGram

DISCOUNTS = Exercise(
    "discounts",
    of="groundup.models.ngram:discounts",
    title="What a count loses",
    minutes=15,
    hints=(
        "What was seen once is seen less than once in a text of the same length. By how much?",
        "Y = n1 / (n1 + 2 n2); D1 = 1 - 2 Y n2/n1, D2 = 2 - 3 Y n3/n2, D3 = 3 - 4 Y n4/n3. With "
        "too little text these divide by 0 or come out negative: then 1/2, 1, 3/2.",
        "if min(n1, n2, n3, n4) == 0: return 0.5, 1.0, 1.5; compute the three; if min(found) <= 0 "
        "the same again; else the three.",
    ),
)


def _falling(case):
    """Fewer n-grams for each higher count, as in any text."""
    n4 = case.integer(20, 30)
    n3 = n4 + case.integer(8, 12)
    n2 = n3 + case.integer(25, 40)
    return {"n1": 3 * n2 + case.integer(1, 50), "n2": n2, "n3": n3, "n4": n4}


def _discounts(n1, n2, n3, n4):
    y = n1 / (n1 + 2 * n2)
    return 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3


@DISCOUNTS.check("100, 40, 20 and 12 n-grams with counts 1 to 4, by hand")
def _(discounts, case):
    k = case.integer(1, 9)  # all counts times k: nothing changes
    given = {"n1": 100 * k, "n2": 40 * k, "n3": 20 * k, "n4": 12 * k}
    case.same(discounts(**given), (5 / 9, 7 / 6, 5 / 3), given=given)


@DISCOUNTS.check("of any text")
def _(discounts, case):
    given = _falling(case)
    case.same(discounts(**given), _discounts(**given), given=given)


@DISCOUNTS.check("no n-gram was seen three times: 1/2, 1, 3/2", tier="deep")
def _(discounts, case):
    for missing in ("n1", "n2", "n3", "n4"):
        given = {**_falling(case), missing: 0}
        case.same(discounts(**given), (0.5, 1.0, 1.5), given=given)


@DISCOUNTS.check("a discount that comes out negative is no discount: 1/2, 1, 3/2", tier="deep")
def _(discounts, case):
    given = {"n1": 10, "n2": 10, "n3": 10, "n4": 90 + case.integer(0, 9)}
    case.same(discounts(**given), (0.5, 1.0, 1.5), given=given)


@DISCOUNTS.mistake(
    "Y is n1 / (n1 + n2): the 2 before n2 is missing",
    caught_by="100, 40, 20 and 12 n-grams with counts 1 to 4, by hand",
)
def _(n1, n2, n3, n4):
    y = n1 / (n1 + n2)
    return 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3


@DISCOUNTS.mistake(
    "one discount for all: that is Kneser and Ney's first form; the modified one has a D for "
    "counts of 1, 2, and 3 or more",
    caught_by="100, 40, 20 and 12 n-grams with counts 1 to 4, by hand",
)
def _(n1, n2, n3, n4):
    y = n1 / (n1 + 2 * n2)
    return y, y, y


@DISCOUNTS.mistake(
    "the ratios are the wrong way up: how many have the next count, over how many have this one",
    caught_by="of any text",
)
def _(n1, n2, n3, n4):
    y = n1 / (n1 + 2 * n2)
    return 1 - 2 * y * n1 / n2, 2 - 3 * y * n2 / n3, 3 - 4 * y * n3 / n4


@DISCOUNTS.mistake(
    "negative discounts pass: they would add to a count, and weights would not sum to one",
    caught_by="a discount that comes out negative is no discount: 1/2, 1, 3/2",
)
def _(n1, n2, n3, n4):
    return (0.5, 1.0, 1.5) if min(n1, n2, n3, n4) == 0 else _discounts(n1, n2, n3, n4)


INTERPOLATE = Exercise(
    "interpolate",
    of="groundup.models.ngram:interpolate",
    title="What was seen, and a share for what was not",
    minutes=15,
    hints=(
        "Each seen word gives up a part of its count. Who gets it?",
        "What is left of the count, over the context's total, plus the context's weight times the "
        "probability one order below. A word that was never seen here has the second part alone.",
        "np.maximum(count - discount, 0) / total + weight * lower.",
    ),
)


def _words(case, V=4):
    count = case.integers(0, 4, V).astype(float)
    count[:2] = [0, 3]  # one that was never seen here, one that was
    lower = case.chance.random(V) + 0.1
    discount = np.array([0.0, 0.5, 1.0, 1.5])[np.minimum(count, 3).astype(int)]
    total = np.full(V, count.sum())
    weight = np.full(V, discount.sum() / count.sum())
    return {
        "count": count, "discount": discount, "total": total, "weight": weight,
        "lower": lower / lower.sum(),
    }  # fmt: skip


@INTERPOLATE.check("a word that was seen keeps its count less the discount, and a share from below")
def _(interpolate, case):
    given = _words(case)
    expected = [max(c - d, 0) / t + w * p for c, d, t, w, p in zip(*given.values(), strict=True)]
    case.same(interpolate(**given), np.array(expected), given=given)


@INTERPOLATE.check("a word that was never seen here has the share from below, and no less than 0")
def _(interpolate, case):
    given = {**_words(case), "discount": np.full(4, 0.5)}
    case.same(interpolate(**given)[0], given["weight"][0] * given["lower"][0], given=given)


@INTERPOLATE.check("what the words lose is what the weight hands out: they sum to one", tier="deep")
def _(interpolate, case):
    given = _words(case)
    case.same(np.sum(interpolate(**given)), 1.0, given=given, says="the sum is another one")


@INTERPOLATE.check("a total and a weight of one context go to all its words", tier="deep")
def _(interpolate, case):
    given = _words(case)
    one = {**given, "total": given["total"][:1], "weight": given["weight"][:1]}
    expected = np.maximum(given["count"] - given["discount"], 0) / given["total"][0]
    case.same(interpolate(**one), expected + given["weight"][0] * given["lower"], given=one)


@INTERPOLATE.mistake(
    "that is backing off: below is asked only where nothing was seen. Interpolation always asks; "
    "only so the probabilities sum to one",
    caught_by="a word that was seen keeps its count less the discount, and a share from below",
)
def _(count, discount, total, weight, lower):
    return np.where(count > 0, (count - discount) / total, weight * lower)


@INTERPOLATE.mistake(
    "the discount is not taken off: the words keep all, and what is handed out comes on top",
    caught_by="what the words lose is what the weight hands out: they sum to one",
)
def _(count, discount, total, weight, lower):
    return count / total + weight * lower


@INTERPOLATE.mistake(
    "the total is discounted as well: only the count is; the total stays that of the context",
    caught_by="a word that was seen keeps its count less the discount, and a share from below",
)
def _(count, discount, total, weight, lower):
    return np.maximum(count - discount, 0) / (total - discount) + weight * lower


@INTERPOLATE.mistake(
    "a count of 0 less its discount is negative: cut it off at 0",
    caught_by="a word that was never seen here has the share from below, and no less than 0",
)
def _(count, discount, total, weight, lower):
    return (count - discount) / total + weight * lower


@INTERPOLATE.mistake(
    "what was seen is weighed by 1 - weight: the discount has made room already",
    caught_by="what the words lose is what the weight hands out: they sum to one",
)
def _(count, discount, total, weight, lower):
    return (1 - weight) * np.maximum(count - discount, 0) / total + weight * lower


MODEL = Exercise(
    "ngram-probabilities",
    of="groundup.models.ngram:NGram",
    title="The probability of every next token",
    minutes=30,
    methods=("probabilities",),
    hints=(
        "Begin with no context at all. What does one more token of context change?",
        "From the unigrams up: for each length the last `length` tokens are the context; `_node` "
        "finds it (-1: never seen), `_next` makes this order's probabilities from those below. A "
        "context never seen ends it: longer ones were not seen either.",
        "p = self._unigram.copy(); for length in range(1, min(len(context), self.order - 1) + 1): "
        "node = self._node(context[len(context) - length :]); if node < 0: break; "
        "p = self._next(p, self.levels[length], node).",
    ),
)


def _kneser_ney(text, order, V, context):
    """The formula with dictionaries, n-gram by n-gram."""
    grams = [Counter(zip(*(text[i:] for i in range(n)), strict=False)) for n in range(1, order + 1)]
    tables = [
        {g: len({h[0] for h in grams[n + 1] if h[1:] == g}) if n + 1 < order else c
         for g, c in grams[n].items()}
        for n in range(order)
    ]  # fmt: skip
    p = [1 / V] * V
    for n, table in enumerate(tables[: len(context) + 1]):
        before = tuple(context[len(context) - n :])
        many = [sum(c == r for c in table.values()) for r in (1, 2, 3, 4)]
        D = [0.0, 0.5, 1.0, 1.5]
        if min(many) > 0 and min(_discounts(*many)) > 0:
            D[1:] = _discounts(*many)
        followers = {g[-1]: c for g, c in table.items() if g[:-1] == before}
        total = sum(followers.values())
        if total == 0:
            break
        weight = sum(D[min(c, 3)] for c in followers.values()) / total
        counts = [followers.get(w, 0) for w in range(V)]
        p = [max(c - D[min(c, 3)], 0) / total + weight * q for c, q in zip(counts, p, strict=True)]
    return np.array(p)


def _fitted(model_of, case, order=3):
    text = [*case.integers(0, 2, 14).tolist(), 0, 1, 2, 0, 1, 1, 0, 1, 2]
    model = model_of.fit(np.array(text), vocab_size=4, order=order)
    return model, text


def _asked(model_of, case, context, order=3):
    model, text = _fitted(model_of, case, order)
    given = {"text": text, "order": order, "vocabulary": 4, "context": context}
    expected = _kneser_ney(text, order, 4, context[-(order - 1) :] if order > 1 else [])
    case.same(model.probabilities(context), expected, given=given)


@MODEL.check("after two tokens, of a model of order 3")
def _(model_of, case):
    _asked(model_of, case, [0, 1])


@MODEL.check("after a longer text only the last order - 1 tokens count")
def _(model_of, case):
    _asked(model_of, case, [3, 3, case.integer(0, 2), 0, 1])


@MODEL.check("after nothing it is the unigrams'")
def _(model_of, case):
    _asked(model_of, case, [])


@MODEL.check("a context never seen is cut from its far end until it was", tier="deep")
def _(model_of, case):
    _asked(model_of, case, [3, 1])  # 3 is in the vocabulary, and not in the text


@MODEL.check("they sum to one and are above 0, also for a token never seen", tier="deep")
def _(model_of, case):
    model, text = _fitted(model_of, case)
    p = model.probabilities(case.integers(0, 3, 2).tolist())
    given = {"text": text, "vocabulary": 4}
    case.same(np.sum(p), 1.0, given=given, says="the sum is another one")
    case.holds(np.min(p) > 0, "a probability is 0", given=given)


@MODEL.check("what is given out is the caller's: writing into it changes nothing", tier="deep")
def _(model_of, case):
    model, text = _fitted(model_of, case)
    before = np.array(model.probabilities([]))
    model.probabilities([])[:] = 0.0
    case.same(model.probabilities([]), before, given={"text": text}, says="the model changed")


@MODEL.mistake(
    "the first tokens of the context are looked up; those next to the word are the last",
    caught_by="after a longer text only the last order - 1 tokens count",
)
class _FirstTokens(NGram):
    def probabilities(self, context):
        return super().probabilities(context[: self.order - 1])


@MODEL.mistake(
    "the context is not used: these are the unigrams'",
    caught_by="after two tokens, of a model of order 3",
)
class _Unigrams(NGram):
    def probabilities(self, context):
        return self._unigram.copy()


@MODEL.mistake(
    "the orders between are left out: what the longest context loses must go to the next shorter "
    "one's probabilities, not to the unigrams'",
    caught_by="after two tokens, of a model of order 3",
)
class _Jumps(NGram):
    def probabilities(self, context):
        last = context[len(context) - min(len(context), self.order - 1) :]
        node = self._node(last)
        if node < 0 or not last:
            return self._unigram.copy()
        return self._next(self._unigram, self.levels[len(last)], node)


@MODEL.mistake(
    "one token of context too few: order 3 means two tokens before the word",
    caught_by="after two tokens, of a model of order 3",
)
class _OneTooFew(NGram):
    def probabilities(self, context):
        return super().probabilities(context[-1:] if self.order == 3 else [])


@MODEL.mistake(
    "the model's own array of unigrams is given out; who writes into it changes the model: copy it",
    caught_by="what is given out is the caller's: writing into it changes nothing",
)
class _Lends(NGram):
    def probabilities(self, context):
        return super().probabilities(context) if len(context) else self._unigram


@MODEL.mistake(
    "a context never seen gives the same chance to every token: a shorter one was seen, ask that",
    caught_by="a context never seen is cut from its far end until it was",
)
class _GivesUp(NGram):
    def probabilities(self, context):
        last = context[len(context) - min(len(context), self.order - 1) :]
        if last and self._node(last) < 0:
            return np.full(self.vocab_size, 1 / self.vocab_size)
        return super().probabilities(context)
