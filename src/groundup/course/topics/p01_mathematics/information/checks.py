"""Surprise, its mean, and how far one distribution is from another."""

import math
import warnings

import numpy as np

from groundup.course.exercise import Exercise

# x log y

X_LOG_Y = Exercise(
    "x_log_y",
    of="groundup.maths.information:x_log_y",
    title="x log y, where 0 log 0 is 0",
    minutes=15,
    hints=(
        "What happens to x log x as x goes to 0? And what does NumPy say to 0 * log(0)?",
        "Compute x log y everywhere, with warnings silenced, and then put 0 where *x* is 0. Where "
        "only y is 0, minus infinity is the truth: an event that was called impossible happened.",
        "`with np.errstate(divide='ignore', invalid='ignore'): return np.where(x == 0, 0.0, "
        "x * np.log(y))`.",
    ),
)


@X_LOG_Y.check("away from 0 it is x times the natural logarithm of y")
def _(x_log_y, case):
    given = {"x": case.chance.uniform(0.1, 1, 3), "y": case.chance.uniform(0.1, 1, 3)}
    expected = np.array([a * math.log(b) for a, b in zip(*given.values(), strict=True)])
    case.same(x_log_y(**given), expected, given=given)


@X_LOG_Y.check("what never happens costs nothing: 0 log y is 0, also for y = 0")
def _(x_log_y, case):
    given = {"x": np.array([0.0, 0.0, 0.5]), "y": np.array([0.0, 0.5, 0.5])}
    with np.errstate(all="ignore"):
        case.same(x_log_y(**given), np.array([0.0, 0.0, 0.5 * math.log(0.5)]), given=given)


@X_LOG_Y.check("what happens though it was called impossible costs everything")
def _(x_log_y, case):
    given = {"x": np.array([0.5, 0.5]), "y": np.array([0.0, 1.0])}
    with np.errstate(all="ignore"):
        case.same(x_log_y(**given), np.array([-math.inf, 0.0]), given=given)


@X_LOG_Y.check("a tiny y is not 0", tier="deep")
def _(x_log_y, case):
    given = {"x": np.array([1.0]), "y": np.array([1e-300])}
    case.same(x_log_y(**given), np.array([-300 * math.log(10)]), given=given)


@X_LOG_Y.check("nothing warns", tier="deep")
def _(x_log_y, case):
    given = {"x": np.array([0.0, 0.5]), "y": np.array([0.0, 0.0])}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        x_log_y(**given)
    case.same([str(one.message) for one in said], [], given=given, says="NumPy warned")


@X_LOG_Y.check("any shapes that fit", tier="deep")
def _(x_log_y, case):
    x, y = case.chance.uniform(0.1, 1, (2, 3)), case.chance.uniform(0.1, 1, 3)
    case.same(x_log_y(x, y), x * np.log(y), given={"x": x, "y": y})


_NOTHING = "what never happens costs nothing: 0 log y is 0, also for y = 0"
_ALL = "what happens though it was called impossible costs everything"


@X_LOG_Y.mistake(
    "0 times minus infinity is NaN, and one NaN makes the whole sum NaN: put 0 where x is 0",
    caught_by=_NOTHING,
)
def _(x, y):
    with np.errstate(all="ignore"):
        return x * np.log(y)


@X_LOG_Y.mistake(
    "a small number is added inside the logarithm: that hides what is infinite, and changes "
    "everything a little",
    caught_by=_ALL,
)
def _(x, y):
    return x * np.log(y + 1e-12)


@X_LOG_Y.mistake(
    "0 stands where *y* is 0: a thing that happens though y calls it impossible is then free",
    caught_by=_ALL,
)
def _(x, y):
    with np.errstate(all="ignore"):
        return np.where(y == 0, 0.0, x * np.log(np.where(y == 0, 1, y)))


@X_LOG_Y.mistake(
    "x and y have changed places: x weighs, y is inside the logarithm",
    caught_by="away from 0 it is x times the natural logarithm of y",
)
def _(x, y):
    with np.errstate(all="ignore"):
        return np.where(y == 0, 0.0, y * np.log(x))


# Entropy

ENTROPY = Exercise(
    "entropy",
    of="groundup.maths.information:entropy",
    title="Entropy: how much a draw surprises on average",
    minutes=20,
    hints=(
        "What has probability p surprises by -log p: certain things by 0. Average that, and "
        "remember how often each surprise comes.",
        "The sum over the last axis of -p log p, with 0 log 0 = 0. `x_log_y` does that part, "
        "`probabilities` checks the input and divides by the sum where that is asked for.",
        "`p = probabilities(p, normalise=normalise)`, then `-x_log_y(p, p).sum(axis=-1) + 0.0` "
        "(the + 0.0 makes -0 into 0).",
    ),
)


def _distribution(case, *shape):
    weights = case.chance.uniform(0.1, 1, shape)
    return weights / weights.sum(-1, keepdims=True)


@ENTROPY.check("four even chances: log 4; a half and two quarters: 1.5 log 2")
def _(entropy, case):
    for p, expected in (([0.25] * 4, math.log(4)), ([0.5, 0.25, 0.25], 1.5 * math.log(2))):
        case.same(entropy(p), expected, given={"p": p})


@ENTROPY.check("what is certain does not surprise")
def _(entropy, case):
    with np.errstate(all="ignore"):
        case.same(entropy([0.0, 1.0, 0.0]), 0.0, given={"p": [0.0, 1.0, 0.0]})


@ENTROPY.check("it is -sum p log p")
def _(entropy, case):
    p = _distribution(case, 5)
    case.same(entropy(p), float(-(p * np.log(p)).sum()), given={"p": p})


@ENTROPY.check("each row is a distribution of its own", tier="deep")
def _(entropy, case):
    p = _distribution(case, 2, 3)
    case.same(entropy(p), -(p * np.log(p)).sum(-1), given={"p": p})


@ENTROPY.check("counts are divided by their sum, when that is asked for", tier="deep")
def _(entropy, case):
    given = {"p": [2, 1, 1], "normalise": True}
    case.same(entropy(**given), 1.5 * math.log(2), given=given)


@ENTROPY.check("what does not sum to 1 is refused", tier="deep")
def _(entropy, case):
    for p in ([0.5, 0.4], [1.5, -0.5]):
        says = "these are no probabilities: wanted a ValueError"
        case.refuses(lambda p=p: entropy(p), says=says, given={"p": p})


def _entropy(p, normalise, *, log=np.log, reduce=lambda terms: terms.sum(-1), sign=-1.0, zero=0.0):
    """The mean surprise, with one thing otherwise."""
    p = np.asarray(p, float)
    p = p / p.sum(-1, keepdims=True) if normalise else p
    with np.errstate(all="ignore"):
        terms = np.where(p == 0, zero, p * log(p))
    return sign * reduce(terms)


_KNOWN = "four even chances: log 4; a half and two quarters: 1.5 log 2"


@ENTROPY.mistake(
    "this is in bits (log 2); here entropy is in nats, with the natural logarithm",
    caught_by=_KNOWN,
)
def _(p, *, normalise=False):
    return _entropy(p, normalise, log=np.log2)


@ENTROPY.mistake(
    "the sign is missing: logarithms of probabilities are negative, surprise is not",
    caught_by=_KNOWN,
)
def _(p, *, normalise=False):
    return _entropy(p, normalise, sign=1.0)


@ENTROPY.mistake(
    "the terms are averaged; the p in front of each is the weight already, so sum",
    caught_by=_KNOWN,
)
def _(p, *, normalise=False):
    return _entropy(p, normalise, reduce=lambda terms: terms.mean(-1))


@ENTROPY.mistake(
    "0 log 0 is NaN here; an outcome that never comes adds nothing",
    caught_by="what is certain does not surprise",
)
def _(p, *, normalise=False):
    return _entropy(p, normalise, zero=np.nan)


@ENTROPY.mistake(
    "all rows are summed into one number; sum over the last axis alone",
    caught_by="each row is a distribution of its own",
)
def _(p, *, normalise=False):
    return _entropy(p, normalise, reduce=np.sum)


# The divergence

KL = Exercise(
    "kl_divergence",
    of="groundup.maths.information:kl_terms",
    title="The divergence of Kullback and Leibler, term by term",
    minutes=35,
    hints=(
        "How much more does p's outcome surprise those who believe in q: log(1/q) - log(1/p), "
        "weighed by p. Some of these terms are negative. What sums to 0 and makes each at least 0?",
        "p log(p/q) - p + q is at least 0 for every p and q, and q - p sums to 0. At p = 0 it is "
        "q; at q = 0 and p > 0 infinite. For q near p take log1p of (q - p) / p, which keeps the "
        "digits that p / q rounds away, and clip what rounding leaves below 0.",
        "Under np.errstate: `ratio = (q - p) / p`, `logs = np.where(np.abs(ratio) < 0.5, "
        "-np.log1p(ratio), np.log(p) - np.log(q))`, `np.where(p == 0, q, p * logs - p + q)`, "
        "then `np.maximum(..., 0)`.",
    ),
)


def _pair(case, k=4):
    return {"p": _distribution(case, k), "q": _distribution(case, k)}


@KL.check("the terms sum to the divergence")
def _(kl_terms, case):
    given = _pair(case)
    p, q = given.values()
    total = float((p * (np.log(p) - np.log(q))).sum())
    case.same(float(np.sum(kl_terms(**given))), total, given=given, says="the sum is another one")


@KL.check("each term is p log(p / q) - p + q")
def _(kl_terms, case):
    given = _pair(case)
    p, q = given.values()
    case.same(kl_terms(**given), p * np.log(p / q) - p + q, given=given)


@KL.check("what p never does costs q; what q excludes costs everything")
def _(kl_terms, case):
    given = {"p": np.array([0.0, 0.5, 0.5]), "q": np.array([0.25, 0.0, 0.75])}
    third = 0.5 * math.log(0.5 / 0.75) + 0.25
    with np.errstate(all="ignore"):
        case.same(kl_terms(**given), np.array([0.25, math.inf, third]), given=given)


@KL.check("no term is below 0, not even by rounding", tier="deep")
def _(kl_terms, case):
    p = _distribution(case, 300)
    q = p * (1 + 1e-9 * case.array(300))
    below = np.minimum(kl_terms(p, q), 0.0)
    given = {"p": p, "q": "p (1 + a billionth, up or down)"}
    case.same(below, np.zeros(300), given=given, tolerance=0.0, says="some terms are negative")


@KL.check("from itself, a distribution is 0 away", tier="deep")
def _(kl_terms, case):
    p = np.array([0.3, 0.7, 0.0])
    with np.errstate(all="ignore"):
        case.same(kl_terms(p, p), np.zeros(3), given={"p": p, "q": p})


@KL.check("far apart, no digit is lost", tier="deep")
def _(kl_terms, case):
    given = {"p": np.array([1e-300, 0.5]), "q": np.array([0.5, 1e-300])}
    expected = np.array([0.5, 0.5 * (math.log(0.5) + 300 * math.log(10)) - 0.5])
    with np.errstate(all="ignore"):
        case.same(kl_terms(**given), expected, given=given)


@KL.mistake(
    "p log(p / q) alone: the sum is right, but single terms are negative, and rounding can make "
    "the sum so too; add q - p",
    caught_by="each term is p log(p / q) - p + q",
)
def _(p, q):
    with np.errstate(all="ignore"):
        return np.where(p == 0, 0.0, p * (np.log(p) - np.log(q)))


@KL.mistake(
    "p and q have changed places: the divergence is not symmetric, and p, what happens, is what "
    "weighs",
    caught_by="the terms sum to the divergence",
)
def _(p, q):
    with np.errstate(all="ignore"):
        return np.where(q == 0, p, q * (np.log(q) - np.log(p)) - q + p)


@KL.mistake(
    "0 log 0 is NaN here: where p is 0 the term is q",
    caught_by="what p never does costs q; what q excludes costs everything",
)
def _(p, q):
    with np.errstate(all="ignore"):
        return p * (np.log(p) - np.log(q)) - p + q


@KL.mistake(
    "q is kept away from 0 by a small number: what q excludes then looks affordable, and a bound "
    "on the divergence is a fiction",
    caught_by="what p never does costs q; what q excludes costs everything",
)
def _(p, q):
    with np.errstate(all="ignore"):
        return np.where(p == 0, q, p * (np.log(p) - np.log(np.maximum(q, 1e-12))) - p + q)


@KL.mistake(
    "where p and q nearly agree, rounding leaves terms just below 0: log1p helps, "
    "and what is left is clipped",
    caught_by="no term is below 0, not even by rounding",
)
def _(p, q):
    with np.errstate(all="ignore"):
        return np.where(p == 0, q, p * (np.log(p) - np.log(q)) - p + q)


# Mutual information

MUTUAL = Exercise(
    "mutual_information",
    of="groundup.maths.information:mutual_information",
    title="What one variable says about another",
    minutes=25,
    hints=(
        "If two variables had nothing to do with each other, what would their joint table be?",
        "Rows' sums times columns' sums make the independent table. The answer is how far the real "
        "one diverges from it.",
        "`table = _joint(joint, normalise)`; `independent = table.sum(axis=1, keepdims=True) * "
        "table.sum(axis=0, keepdims=True)`; the sum of kl_terms(table, independent), as a float.",
    ),
)


def _table(case, rows=3, columns=3):
    table = case.chance.uniform(0.1, 1, (rows, columns))
    return table / table.sum()


def _by_entropies(table):
    """The information as H(X) + H(Y) - H(X, Y)."""

    def h(p):
        p = p[p > 0]
        return float(-(p * np.log(p)).sum())

    return h(table.sum(1)) + h(table.sum(0)) - h(table.ravel())


@MUTUAL.check("independent variables say nothing")
def _(mutual_information, case):
    joint = np.outer(_distribution(case, 3), _distribution(case, 2))
    case.same(mutual_information(joint), 0.0, given={"joint": joint})


@MUTUAL.check("it is H(X) + H(Y) - H(X, Y)")
def _(mutual_information, case):
    joint = _table(case)
    case.same(mutual_information(joint), _by_entropies(joint), given={"joint": joint})


@MUTUAL.check("a copy says all there is: the entropy", tier="deep")
def _(mutual_information, case):
    joint = np.diag([0.5, 0.25, 0.25])
    with np.errstate(all="ignore"):
        case.same(mutual_information(joint), 1.5 * math.log(2), given={"joint": joint})


@MUTUAL.check("counts are divided by their sum, when that is asked for", tier="deep")
def _(mutual_information, case):
    given = {"joint": [[3, 1, 0], [1, 2, 5]], "normalise": True}
    expected = _by_entropies(np.array(given["joint"]) / 12)
    with np.errstate(all="ignore"):
        case.same(mutual_information(**given), expected, given=given)


@MUTUAL.check("what is no table of probabilities is refused", tier="deep")
def _(mutual_information, case):
    for joint in ([0.5, 0.5], [[0.5, 0.4], [0.0, 0.0]]):
        says = "wanted a ValueError"
        case.refuses(lambda joint=joint: mutual_information(joint), says=says, given={"p": joint})


def _diverges(p, q, log=np.log):
    with np.errstate(all="ignore"):
        return float(np.where(p == 0, 0.0, p * (log(p) - log(q))).sum())


def _both(joint, normalise):
    table = np.asarray(joint, float)
    table = table / table.sum() if normalise else table
    return table, table.sum(1, keepdims=True) * table.sum(0, keepdims=True)


_ENTROPIES = "it is H(X) + H(Y) - H(X, Y)"


@MUTUAL.mistake(
    "the independent table is transposed: its rows go with the table's rows "
    "(keepdims=True keeps a column a column)",
    caught_by=_ENTROPIES,
)
def _(joint, *, normalise=False):
    table, independent = _both(joint, normalise)
    return _diverges(table, independent.T if len(table) == table.shape[1] else independent)


@MUTUAL.mistake(
    "the divergence is taken the other way round: what happens, the joint table, comes first",
    caught_by=_ENTROPIES,
)
def _(joint, *, normalise=False):
    table, independent = _both(joint, normalise)
    return _diverges(independent, table)


@MUTUAL.mistake(
    "this is what is left to learn, H(Y | X); wanted what is learnt, H(Y) - H(Y | X)",
    caught_by="independent variables say nothing",
)
def _(joint, *, normalise=False):
    table, independent = _both(joint, normalise)
    columns = table.sum(0)
    return float(-(columns * np.log(columns)).sum()) - _diverges(table, independent)


@MUTUAL.mistake(
    "this is in bits; the natural logarithm gives nats",
    caught_by="a copy says all there is: the entropy",
)
def _(joint, *, normalise=False):
    return _diverges(*_both(joint, normalise), log=np.log2)
