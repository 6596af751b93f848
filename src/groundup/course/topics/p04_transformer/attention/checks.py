"""Scaled dot-product attention: what an answer must do, and how people get it wrong."""

import math

import torch

from groundup.course.exercise import Exercise

ATTEND = Exercise(
    "attention",
    of="groundup.layers.attention:attend",
    title="Scaled dot-product attention",
    minutes=40,
    hints=(
        "First one head, one query: how well does it match each key, and what do you do with that?",
        "Scores are q k^T over the root of D. What may not be looked at gets minus infinity, so "
        "that its softmax is exactly 0. Softmax runs over the keys, the last dimension.",
        "share_heads, then `scores = q @ k.transpose(-2, -1) / math.sqrt(D)`, softcap if given, "
        "masked_fill twice (causal_mask helps), `scores.softmax(-1) @ v`.",
    ),
)


def _inputs(case, heads=2, key_heads=2, queries=2, keys=3, width=4, dtype=torch.float64):
    q = case.tensor(1, heads, queries, width, dtype=dtype)
    k = case.tensor(1, key_heads, keys, width, dtype=dtype)
    v = case.tensor(1, key_heads, keys, width, dtype=dtype)
    return {"q_BHTD": q, "k_BHSD": k, "v_BHSD": v}


def _torch(given, **settings):
    return torch.nn.functional.scaled_dot_product_attention(*given.values(), **settings)


@ATTEND.check("it is torch's scaled_dot_product_attention")
def _(attend, case):
    given = _inputs(case)
    case.same(attend(**given), _torch(given), given=given)


@ATTEND.check("equal keys give the plain mean of the values")
def _(attend, case):
    given = _inputs(case)
    given["k_BHSD"] = torch.ones_like(given["k_BHSD"])
    mean = given["v_BHSD"].mean(-2, keepdim=True).expand(-1, -1, 2, -1)
    case.same(attend(**given), mean, given=given, says="the weights of equal keys are not equal")


@ATTEND.check("a mask's False is not looked at")
def _(attend, case):
    given = _inputs(case)
    mask = torch.from_numpy(case.array(2, 3) > 0)
    mask[:, 0] = True  # every query may look at something
    expected = _torch(given, attn_mask=mask)
    case.same(attend(**given, mask_TS=mask), expected, given={**given, "mask_TS": mask})


@ATTEND.check("causal: no query sees a later key")
def _(attend, case):
    given = _inputs(case, queries=4, keys=4)
    case.same(attend(**given, causal=True), _torch(given, is_causal=True), given=given)


@ATTEND.check("causal: with more keys than queries, the queries stand at the end", tier="deep")
def _(attend, case):
    given = _inputs(case, queries=2, keys=5)
    mask = torch.ones(2, 5, dtype=torch.bool).tril(3)
    case.same(attend(**given, causal=True), _torch(given, attn_mask=mask), given=given)


@ATTEND.check("heads may share keys", tier="deep")
def _(attend, case):
    given = _inputs(case, heads=6, key_heads=2)
    case.same(attend(**given), _torch(given, enable_gqa=True), given=given)


@ATTEND.check("scores are capped before the mask", tier="deep")
def _(attend, case):
    given = _inputs(case, queries=4, keys=4)
    q, k, v = given.values()
    scores = ((q @ k.mT / 2) / 1.5).tanh() * 1.5
    scores = scores.masked_fill(~torch.ones(4, 4, dtype=torch.bool).tril(), -math.inf)
    case.same(attend(**given, causal=True, softcap=1.5), scores.softmax(-1) @ v, given=given)


@ATTEND.check("gradients are torch's", tier="deep")
def _(attend, case):
    given = {name: x.requires_grad_() for name, x in _inputs(case).items()}
    ours = torch.autograd.grad(attend(**given).square().sum(), [*given.values()])
    theirs = torch.autograd.grad(_torch(given).square().sum(), [*given.values()])
    case.same(list(ours), list(theirs), given=given, says="the gradient is another one")


def _attend(q, k, v, mask=None, causal=False, *, scale=None, filled=-math.inf, axis=-1):
    scores = q @ k.mT / (math.sqrt(q.shape[-1]) if scale is None else scale)
    if causal:
        allowed = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        mask = allowed if mask is None else mask & allowed
    if mask is not None:
        scores = scores.masked_fill(~mask, filled)
    return scores.softmax(axis) @ v


@ATTEND.mistake(
    "the scores are not divided by the root of the head's width",
    caught_by="it is torch's scaled_dot_product_attention",
)
def _(q_BHTD, k_BHSD, v_BHSD, mask_TS=None, causal=False, softcap=None):
    return _attend(q_BHTD, k_BHSD, v_BHSD, mask_TS, causal, scale=1.0)


@ATTEND.mistake(
    "the scores are divided by the head's width, not by its root",
    caught_by="it is torch's scaled_dot_product_attention",
)
def _(q_BHTD, k_BHSD, v_BHSD, mask_TS=None, causal=False, softcap=None):
    return _attend(q_BHTD, k_BHSD, v_BHSD, mask_TS, causal, scale=q_BHTD.shape[-1])


@ATTEND.mistake(
    "the softmax runs over the queries; each query's weights over the keys must sum to one",
    caught_by="equal keys give the plain mean of the values",
)
def _(q_BHTD, k_BHSD, v_BHSD, mask_TS=None, causal=False, softcap=None):
    return _attend(q_BHTD, k_BHSD, v_BHSD, mask_TS, causal, axis=-2)


@ATTEND.mistake(
    "what is masked gets the score 0, and e^0 is not 0: it needs minus infinity",
    caught_by="a mask's False is not looked at",
)
def _(q_BHTD, k_BHSD, v_BHSD, mask_TS=None, causal=False, softcap=None):
    return _attend(q_BHTD, k_BHSD, v_BHSD, mask_TS, causal, filled=0.0)


@ATTEND.mistake(
    "the mask is read the wrong way round: True is what may be looked at",
    caught_by="a mask's False is not looked at",
)
def _(q_BHTD, k_BHSD, v_BHSD, mask_TS=None, causal=False, softcap=None):
    mask = None if mask_TS is None else ~mask_TS
    return _attend(q_BHTD, k_BHSD, v_BHSD, mask, causal)


@ATTEND.mistake(
    "the first query stands at the first key; with more keys than queries the last ones match",
    caught_by="causal: with more keys than queries, the queries stand at the end",
)
def _(q_BHTD, k_BHSD, v_BHSD, mask_TS=None, causal=False, softcap=None):
    return _attend(q_BHTD, k_BHSD, v_BHSD, mask_TS, causal)
