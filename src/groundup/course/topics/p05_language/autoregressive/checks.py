"""From logits to a token: the filters, and the draw."""

import math

import torch

from groundup.course.exercise import Exercise
from groundup.inference.sampling import Sampling

TOP_K = Exercise(
    "top-k",
    of="groundup.inference.sampling:top_k_filter",
    title="Only the k likeliest tokens",
    minutes=15,
    hints=(
        "Which logit is the smallest that may stay? Everything below it goes.",
        "topk gives the k largest, sorted; the last of them is the bar. What is below the bar "
        "becomes minus infinity, so that its probability is exactly 0.",
        "least = logits_BV.topk(min(k, V), dim=-1).values[..., -1:]; "
        "logits_BV.masked_fill(logits_BV < least, -math.inf).",
    ),
)


def _logits(case, *probabilities):
    """Logits of these probabilities, in an order drawn by chance; what the order was."""
    order = torch.from_numpy(case.chance.permutation(len(probabilities)))
    values = torch.tensor(probabilities, dtype=torch.float64)[order]
    return values.log().unsqueeze(0)


def _kept(logits, is_kept):
    return torch.where(is_kept(logits.softmax(-1)), logits, -math.inf)


@TOP_K.check("the k likeliest keep their logits, the others get -inf")
def _(top_k_filter, case):
    given = {"logits_BV": _logits(case, 0.4, 0.3, 0.2, 0.1), "k": 2}
    expected = _kept(given["logits_BV"], lambda p: p > 0.25)
    case.same(top_k_filter(**given), expected, given=given)


@TOP_K.check("each sequence of a batch has its own k likeliest")
def _(top_k_filter, case):
    rows = [_logits(case, 0.4, 0.3, 0.2, 0.1), _logits(case, 0.4, 0.3, 0.2, 0.1) + 10]
    given = {"logits_BV": torch.cat(rows), "k": 3}
    expected = _kept(given["logits_BV"], lambda p: p > 0.15)
    case.same(top_k_filter(**given), expected, given=given)


@TOP_K.check("tokens that tie with the k-th stay", tier="deep")
def _(top_k_filter, case):
    given = {"logits_BV": _logits(case, 0.4, 0.2, 0.2, 0.1, 0.1), "k": 2}
    expected = _kept(given["logits_BV"], lambda p: p > 0.15)
    case.same(top_k_filter(**given), expected, given=given)


@TOP_K.check("a k beyond the vocabulary keeps everything", tier="deep")
def _(top_k_filter, case):
    given = {"logits_BV": case.tensor(2, 3), "k": case.integer(3, 9)}
    case.same(top_k_filter(**given), given["logits_BV"], given=given)


@TOP_K.mistake(
    "the others get the logit 0: e^0 = 1 is a probability like another, often a large one",
    caught_by="the k likeliest keep their logits, the others get -inf",
)
def _(logits_BV, k):
    least = logits_BV.topk(min(k, logits_BV.shape[-1])).values[..., -1:]
    return logits_BV.masked_fill(logits_BV < least, 0.0)


@TOP_K.mistake(
    "the k-th goes as well: only what is strictly below it may go",
    caught_by="the k likeliest keep their logits, the others get -inf",
)
def _(logits_BV, k):
    least = logits_BV.topk(min(k, logits_BV.shape[-1])).values[..., -1:]
    return logits_BV.masked_fill(logits_BV <= least, -math.inf)


@TOP_K.mistake(
    "the bar is one for the whole batch; each row needs its own (topk along the last dimension)",
    caught_by="each sequence of a batch has its own k likeliest",
)
def _(logits_BV, k):
    least = logits_BV.flatten().topk(min(k, logits_BV.numel())).values[-1]
    return logits_BV.masked_fill(logits_BV < least, -math.inf)


@TOP_K.mistake(
    "the k largest come back sorted: a token's place is its id, so the order must stay",
    caught_by="each sequence of a batch has its own k likeliest",
)
def _(logits_BV, k):
    values = logits_BV.sort(dim=-1, descending=True).values
    return values.where(torch.arange(logits_BV.shape[-1]) < k, -math.inf)


@TOP_K.mistake(
    "of tokens that tie with the k-th only some stay, by the accident of their place: compare with "
    "the k-th logit instead of scattering k indices",
    caught_by="tokens that tie with the k-th stay",
)
def _(logits_BV, k):
    best = logits_BV.topk(min(k, logits_BV.shape[-1]))
    return torch.full_like(logits_BV, -math.inf).scatter(-1, best.indices, best.values)


TOP_P = Exercise(
    "top-p",
    of="groundup.inference.sampling:top_p_filter",
    title="The nucleus: the likeliest tokens that reach p together",
    minutes=30,
    hints=(
        "Go down from the likeliest token and add up. When may you stop?",
        "A token stays if those before it do not reach p on their own. So the sum is of what "
        "stands before it: cumsum less its own share. And the decision must go back to its id.",
        "sorted, order = logits.sort(descending=True); before = p.cumsum(-1) - p, p = softmax; "
        "refused = zeros bool, refused.scatter_(-1, order, before >= p); masked_fill with -inf.",
    ),
)


@TOP_P.check("the token that crosses p stays: the kept ones sum to at least p")
def _(top_p_filter, case):
    given = {"logits_BV": _logits(case, 0.4, 0.3, 0.2, 0.1), "p": 0.6}
    expected = _kept(given["logits_BV"], lambda p: p > 0.25)
    case.same(top_p_filter(**given), expected, given=given)


@TOP_P.check("the likeliest stays, however small p is")
def _(top_p_filter, case):
    given = {"logits_BV": _logits(case, 0.5, 0.3, 0.2), "p": 0.01}
    expected = _kept(given["logits_BV"], lambda p: p > 0.4)
    case.same(top_p_filter(**given), expected, given=given)


@TOP_P.check("a flat distribution keeps many tokens, a sharp one few")
def _(top_p_filter, case):
    rows = [_logits(case, 0.3, 0.27, 0.23, 0.2), _logits(case, 0.9, 0.06, 0.03, 0.01)]
    given = {"logits_BV": torch.cat(rows), "p": 0.75}
    expected = torch.cat([_kept(rows[0], lambda p: p > 0.22), _kept(rows[1], lambda p: p > 0.5)])
    case.same(top_p_filter(**given), expected, given=given)


@TOP_P.check("what another filter refused stays refused", tier="deep")
def _(top_p_filter, case):
    logits = _logits(case, 0.4, 0.3, 0.2, 0.1)
    logits = logits.masked_fill(logits < math.log(0.25), -math.inf)  # leaves 4/7 and 3/7
    given = {"logits_BV": logits, "p": 0.5}
    expected = logits.masked_fill(logits < math.log(0.35), -math.inf)
    case.same(top_p_filter(**given), expected, given=given)


@TOP_P.check("adding a number to all logits changes nothing", tier="deep")
def _(top_p_filter, case):
    shift = float(case.integer(-50, 50))
    given = {"logits_BV": _logits(case, 0.4, 0.3, 0.2, 0.1) + shift, "p": 0.6}
    expected = _kept(given["logits_BV"], lambda p: p > 0.25)
    case.same(top_p_filter(**given), expected, given=given)


def _nucleus(logits, p, *, descending=True, own=0.0, scatter=True):
    ranked, order = logits.sort(dim=-1, descending=descending, stable=True)
    shares = ranked.softmax(-1)
    refused = shares.cumsum(-1) - (1 - own) * shares >= p
    if scatter:
        refused = torch.zeros_like(refused).scatter(-1, order, refused)
    return logits.masked_fill(refused, -math.inf)


@TOP_P.mistake(
    "the token that crosses p is dropped: what stays does not reach p, and may be nothing at all. "
    "Compare p with the sum before each token",
    caught_by="the token that crosses p stays: the kept ones sum to at least p",
)
def _(logits_BV, p):
    return _nucleus(logits_BV, p, own=1.0)


@TOP_P.mistake(
    "the least likely tokens are kept: sort(descending=True)",
    caught_by="the likeliest stays, however small p is",
)
def _(logits_BV, p):
    return _nucleus(logits_BV, p, descending=False)


@TOP_P.mistake(
    "as many tokens stay in every row as in the first: each row has a nucleus of its own",
    caught_by="a flat distribution keeps many tokens, a sharp one few",
)
def _(logits_BV, p):
    count = int((_nucleus(logits_BV[:1], p) > -math.inf).sum())
    least = logits_BV.topk(count).values[..., -1:]
    return logits_BV.masked_fill(logits_BV < least, -math.inf)


@TOP_P.mistake(
    "p is compared with each probability: that keeps tokens above a bar, not a set that sums to p",
    caught_by="the token that crosses p stays: the kept ones sum to at least p",
)
def _(logits_BV, p):
    shares = logits_BV.softmax(-1)
    return logits_BV.masked_fill(shares < p, -math.inf)


@TOP_P.mistake(
    "e^logit is summed as if it were a probability: take the softmax, logits may have any offset",
    caught_by="adding a number to all logits changes nothing",
)
def _(logits_BV, p):
    ranked, order = logits_BV.sort(dim=-1, descending=True, stable=True)
    refused = ranked.exp().cumsum(-1) - ranked.exp() >= p
    return logits_BV.masked_fill(torch.zeros_like(refused).scatter(-1, order, refused), -math.inf)


MIN_P = Exercise(
    "min-p",
    of="groundup.inference.sampling:min_p_filter",
    title="At least a share of the likeliest",
    minutes=15,
    hints=(
        "The bar is not a fixed probability: it follows how sure the model is.",
        "A token stays if its probability is at least p times the largest probability of its row.",
        "probability = logits_BV.softmax(-1); least = p * probability.amax(-1, keepdim=True); "
        "masked_fill where probability < least.",
    ),
)


@MIN_P.check("the bar is p times the largest probability")
def _(min_p_filter, case):
    given = {"logits_BV": _logits(case, 0.4, 0.3, 0.19, 0.11), "p": 0.5}
    expected = _kept(given["logits_BV"], lambda p: p > 0.2)
    case.same(min_p_filter(**given), expected, given=given)


@MIN_P.check("each row has its own bar")
def _(min_p_filter, case):
    rows = [_logits(case, 0.8, 0.11, 0.09), _logits(case, 0.4, 0.35, 0.25)]
    given = {"logits_BV": torch.cat(rows), "p": 0.4}
    expected = torch.cat([_kept(rows[0], lambda p: p > 0.5), rows[1]])
    case.same(min_p_filter(**given), expected, given=given)


@MIN_P.check("p = 0 keeps everything, p = 1 the likeliest alone", tier="deep")
def _(min_p_filter, case):
    logits = _logits(case, 0.5, 0.3, 0.2)
    alone = _kept(logits, lambda p: p > 0.4)
    got = [min_p_filter(logits, 0.0), min_p_filter(logits, 1.0)]
    case.same(got, [logits, alone], given={"logits_BV": logits, "p": [0.0, 1.0]})


@MIN_P.check("adding a number to all logits changes nothing", tier="deep")
def _(min_p_filter, case):
    shift = float(case.integer(5, 50))
    given = {"logits_BV": _logits(case, 0.4, 0.3, 0.19, 0.11) + shift, "p": 0.5}
    expected = _kept(given["logits_BV"], lambda p: p > 0.2)
    case.same(min_p_filter(**given), expected, given=given)


@MIN_P.mistake(
    "the bar is p itself: where the model is unsure no token reaches it. It is p times the largest",
    caught_by="each row has its own bar",
)
def _(logits_BV, p):
    return logits_BV.masked_fill(logits_BV.softmax(-1) < p, -math.inf)


@MIN_P.mistake(
    "the bar is taken from the whole batch; each row has its own largest",
    caught_by="each row has its own bar",
)
def _(logits_BV, p):
    shares = logits_BV.softmax(-1)
    return logits_BV.masked_fill(shares < p * shares.max(), -math.inf)


@MIN_P.mistake(
    "logits are compared, not probabilities: p times a logit means nothing, logits have any offset",
    caught_by="adding a number to all logits changes nothing",
)
def _(logits_BV, p):
    return logits_BV.masked_fill(logits_BV < p * logits_BV.amax(-1, keepdim=True), -math.inf)


@MIN_P.mistake(
    "what is refused gets the logit 0, which is e^0 = 1 before the softmax: it needs -inf",
    caught_by="the bar is p times the largest probability",
)
def _(logits_BV, p):
    shares = logits_BV.softmax(-1)
    return logits_BV.masked_fill(shares < p * shares.amax(-1, keepdim=True), 0.0)


SAMPLE = Exercise(
    "sample",
    of="groundup.inference.sampling:sample",
    title="Draw the next token",
    minutes=30,
    hints=(
        "Lay the probabilities end to end on a line from 0 to 1. Where does the chance fall?",
        "Draw the first token whose cumulative probability exceeds the chance: count how many "
        "cumulative sums do not. `filtered` has the temperature and the filters; 0 is argmax.",
        "kept = filtered(logits.double(), sampling); cumulative = (kept - kept.amax(-1, "
        "keepdim=True)).exp().cumsum(-1); (cumulative <= chance_B[:, None] * cumulative[:, -1:])"
        ".sum(-1). Penalties come before, if they are given.",
    ),
)


def _draws(sample, logits, sampling, chances, **more):
    chance = torch.tensor(chances, dtype=torch.float64)
    return sample(logits.expand(len(chances), -1), sampling, chance_B=chance, **more)


_FOUR = (0.1, 0.4, 0.2, 0.3)  # cumulative: 0.1, 0.5, 0.7, 1
_PLAIN = Sampling(temperature=1.0)


def _four(shift=0.0):
    return torch.tensor([_FOUR], dtype=torch.float64).log() + shift


@SAMPLE.check("the chance picks the token on whose stretch of [0, 1) it falls")
def _(sample, case):
    low, width = torch.tensor([0.0, 0.1, 0.5, 0.7]), torch.tensor(_FOUR)
    chances = (low + width * float(case.chance.uniform(0.1, 0.9))).tolist()
    given = {"probabilities": _FOUR, "chances": chances}
    got = _draws(sample, _four(case.integer(-9, 9)), _PLAIN, chances)
    case.same(got, torch.arange(4), given=given)


@SAMPLE.check("with temperature 0 the likeliest is taken, whatever the chance")
def _(sample, case):
    chances = [float(case.chance.uniform(0, 0.05)), float(case.chance.uniform(0.95, 1))]
    got = _draws(sample, _four(), Sampling(temperature=0.0), chances)
    case.same(got, torch.tensor([1, 1]), given={"probabilities": _FOUR, "chances": chances})


@SAMPLE.check("temperature and filters decide what is drawn from")
def _(sample, case):
    sampling = Sampling(temperature=0.5, top_k=2)  # leaves 0.4 and 0.3, squared: 16/25 and 9/25
    chances = [float(case.chance.uniform(*ends)) for ends in ((0.58, 0.63), (0.65, 0.7))]
    got = _draws(sample, _four(), sampling, chances)
    case.same(got, torch.tensor([1, 3]), given={"probabilities": _FOUR, "chances": chances})


@SAMPLE.check("a refused token is not drawn with a chance of exactly 0", tier="deep")
def _(sample, case):
    got = _draws(sample, _four(), Sampling(temperature=1.0, top_k=case.integer(1, 3)), [0.0])
    case.same(got, torch.tensor([1]), given={"probabilities": _FOUR, "chance": 0.0})


@SAMPLE.check("tokens that occurred are penalised before the draw", tier="deep")
def _(sample, case):
    sampling = Sampling(temperature=0.0, repetition_penalty=case.integer(5, 9) * 1.0)
    seen = torch.tensor([[False, True, False, False]])
    logits = _four(3.0)
    got = _draws(sample, logits, sampling, [0.5], seen_BV=seen)
    case.same(got, torch.tensor([3]), given={"logits_BV": logits, "seen_BV": seen})


@SAMPLE.check("what the answer has already is made less likely, each time more", tier="deep")
def _(sample, case):
    counts = torch.tensor([[0, 3, 0, 1]])
    sampling = Sampling(temperature=0.0, presence_penalty=1.0, frequency_penalty=0.1)
    got = _draws(sample, _four(case.integer(0, 3)), sampling, [0.5], counts_BV=counts)
    case.same(got, torch.tensor([2]), given={"probabilities": _FOUR, "counts_BV": counts})


def _drawn(logits, sampling, chance, *, strict=False, temperature=None, filters=True):
    if sampling.temperature == 0:
        return logits.argmax(-1)
    logits = logits / (sampling.temperature if temperature is None else temperature)
    if filters and sampling.top_k is not None:
        least = logits.topk(min(sampling.top_k, logits.shape[-1])).values[..., -1:]
        logits = logits.masked_fill(logits < least, -math.inf)
    sums = logits.softmax(-1).cumsum(-1)
    aim = chance[:, None]
    return ((sums < aim) if strict else (sums <= aim)).sum(-1)


@SAMPLE.mistake(
    "the likeliest is always taken: that is greedy; at temperature 1 a token of 0.3 is drawn three "
    "times in ten",
    caught_by="the chance picks the token on whose stretch of [0, 1) it falls",
)
def _(logits_BV, sampling, *, chance_B, seen_BV=None, counts_BV=None):
    return logits_BV.argmax(-1)


@SAMPLE.mistake(
    "the logits are multiplied by the temperature: it divides them, so that a low one sharpens",
    caught_by="temperature and filters decide what is drawn from",
)
def _(logits_BV, sampling, *, chance_B, seen_BV=None, counts_BV=None):
    return _drawn(logits_BV, sampling, chance_B, temperature=1 / (sampling.temperature or 1))


@SAMPLE.mistake(
    "the filters are not applied: draw from filtered(logits, sampling), not from the logits",
    caught_by="temperature and filters decide what is drawn from",
)
def _(logits_BV, sampling, *, chance_B, seen_BV=None, counts_BV=None):
    return _drawn(logits_BV, sampling, chance_B, filters=False)


@SAMPLE.mistake(
    "a chance of exactly 0 draws the first token though its probability is 0: count the cumulative "
    "sums that are <= chance, not < chance",
    caught_by="a refused token is not drawn with a chance of exactly 0",
)
def _(logits_BV, sampling, *, chance_B, seen_BV=None, counts_BV=None):
    return _drawn(logits_BV, sampling, chance_B, strict=True)


@SAMPLE.mistake(
    "the last token that fits is drawn, one too early: the first whose cumulative sum exceeds the "
    "chance is meant",
    caught_by="the chance picks the token on whose stretch of [0, 1) it falls",
)
def _(logits_BV, sampling, *, chance_B, seen_BV=None, counts_BV=None):
    return (_drawn(logits_BV, sampling, chance_B) - 1).clamp(min=0)


@SAMPLE.mistake(
    "the penalties are forgotten: seen_BV and counts_BV change the logits before anything else",
    caught_by="tokens that occurred are penalised before the draw",
)
def _(logits_BV, sampling, *, chance_B, seen_BV=None, counts_BV=None):
    return _drawn(logits_BV, sampling, chance_B)
