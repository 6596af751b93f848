"""Masks for attention: causal, windowed, and for padding."""

import numpy as np
import torch

from groundup.course.exercise import Exercise

CAUSAL = Exercise(
    "causal-mask",
    of="groundup.layers.masks:causal_mask",
    title="No query sees a later key",
    minutes=15,
    hints=(
        "Write down the 3 x 3 mask by hand: which keys may query 0, 1, 2 look at?",
        "Query t stands at position S - T + t, because the queries are the last T of S positions. "
        "Key s is allowed where s <= S - T + t: a lower triangle, moved to the right by S - T.",
        "torch.ones(T, S, dtype=torch.bool, device=device).tril(S - T).",
    ),
)


def _allowed(T, S, window=None):
    """The definition, one pair at a time."""
    rows = [[0 <= (S - T + t) - s < (window or S) for s in range(S)] for t in range(T)]
    return torch.tensor(rows, dtype=torch.bool).reshape(T, S)


@CAUSAL.check("with as many queries as keys it is the lower triangle")
def _(causal_mask, case):
    size = case.integer(3, 5)
    given = {"T": size, "S": size}
    case.same(causal_mask(**given), _allowed(size, size), given=given)


@CAUSAL.check("one new query after cached keys sees them all")
def _(causal_mask, case):
    given = {"T": 1, "S": case.integer(3, 6)}
    case.same(causal_mask(**given), _allowed(**given), given=given)


@CAUSAL.check("with more keys than queries, the queries are the last ones", tier="deep")
def _(causal_mask, case):
    T = case.integer(2, 3)
    given = {"T": T, "S": T + case.integer(2, 4)}
    case.same(causal_mask(**given), _allowed(**given), given=given)


@CAUSAL.check("it holds True and False, ready to be turned round with ~", tier="deep")
def _(causal_mask, case):
    given = {"T": 3, "S": 3}
    case.same(str(causal_mask(**given).dtype), "torch.bool", given=given)


@CAUSAL.mistake(
    "the triangle is the upper one: every query sees what comes after it, and nothing before. A "
    "model trained so copies its targets from the input",
    caught_by="with as many queries as keys it is the lower triangle",
)
def _(T, S, device=None):
    return torch.ones(T, S, dtype=torch.bool).triu()


@CAUSAL.mistake(
    "the diagonal is left out: a query may look at its own key; without it the first has none, and "
    "its softmax is NaN",
    caught_by="with as many queries as keys it is the lower triangle",
)
def _(T, S, device=None):
    return torch.ones(T, S, dtype=torch.bool).tril(S - T - 1)


@CAUSAL.mistake(
    "True marks what is forbidden: that is torch.nn.Transformer's sign. Here True may be looked at",
    caught_by="with as many queries as keys it is the lower triangle",
)
def _(T, S, device=None):
    return torch.ones(T, S, dtype=torch.bool).triu(S - T + 1)


@CAUSAL.mistake(
    "the first query stands at the first key. It stands at position S - T: after cached keys a new "
    "query sees all of them",
    caught_by="with more keys than queries, the queries are the last ones",
)
def _(T, S, device=None):
    return torch.ones(T, S, dtype=torch.bool).tril()


@CAUSAL.mistake(
    "the mask holds 0.0 and 1.0: ~ does not turn those round. Ask for dtype=torch.bool",
    caught_by="it holds True and False, ready to be turned round with ~",
)
def _(T, S, device=None):
    return torch.ones(T, S).tril(S - T)


WINDOW = Exercise(
    "window-mask",
    of="groundup.layers.masks:window_mask",
    title="Attention that looks back only so far",
    minutes=15,
    hints=(
        "How many keys does a query see with window = 1? With window = 2?",
        "Two conditions: not after the query (the causal mask), and its distance to the query "
        "below `window`: s > S - T + t - window. The second is an upper triangle.",
        "causal_mask(T, S, device) & ones.triu(S - T - window + 1), ones of torch.bool.",
    ),
)


@WINDOW.check("of the window's keys, the query's own is one")
def _(window_mask, case):
    size = case.integer(4, 6)
    given = {"T": size, "S": size, "window": 2}
    case.same(window_mask(**given), _allowed(**given), given=given)


@WINDOW.check("a window of 1 leaves each query its own key alone")
def _(window_mask, case):
    size = case.integer(2, 4)
    given = {"T": size, "S": size, "window": 1}
    case.same(window_mask(**given), torch.eye(size, dtype=torch.bool), given=given)


@WINDOW.check("a window as long as the text is the causal mask", tier="deep")
def _(window_mask, case):
    size = case.integer(3, 5)
    given = {"T": size, "S": size, "window": size + case.integer(0, 2)}
    case.same(window_mask(**given), _allowed(size, size), given=given)


@WINDOW.check("after cached keys the window moves along", tier="deep")
def _(window_mask, case):
    given = {"T": 2, "S": case.integer(6, 8), "window": 3}
    case.same(window_mask(**given), _allowed(**given), given=given)


def _band(T, S, low, high):
    ones = torch.ones(T, S, dtype=torch.bool)
    return ones.tril(high) & ones.triu(low)


@WINDOW.mistake(
    "the window has one key too many: it counts the query's own position as one of its keys",
    caught_by="a window of 1 leaves each query its own key alone",
)
def _(T, S, window, device=None):
    return _band(T, S, S - T - window, S - T)


@WINDOW.mistake(
    "the window reaches forward too: keys after the query are near it, but still forbidden",
    caught_by="of the window's keys, the query's own is one",
)
def _(T, S, window, device=None):
    return _band(T, S, S - T - window + 1, S - T + window - 1)


@WINDOW.mistake(
    "the window is not moved by S - T: it is counted from the first key instead of the query",
    caught_by="after cached keys the window moves along",
)
def _(T, S, window, device=None):
    return _band(T, S, 1 - window, S - T)


@WINDOW.mistake(
    "only the far end is cut off: where is the causal mask?",
    caught_by="a window as long as the text is the causal mask",
)
def _(T, S, window, device=None):
    return _band(T, S, S - T - window + 1, S)


PADDING = Exercise(
    "padding-mask",
    of="groundup.models.seq2seq:attention_weights",
    title="Padding gets no weight",
    minutes=15,
    hints=(
        "The mask says which of the S inputs of each sentence are there. Each of the T queries "
        "of that sentence meets the same mask.",
        "B x S must broadcast against B x T x S: put a dimension of size 1 in the middle. What is "
        "not there gets the score minus infinity before the softmax, so that its weight is e^-inf.",
        "scores_BTS.masked_fill(~mask_BS[:, None, :], -math.inf).softmax(-1).",
    ),
)


def _padded(case, T=2, S=3):
    lengths = np.array([S, case.integer(1, S - 1)])
    mask = torch.from_numpy(np.arange(S) < lengths[:, None])
    return {"scores_BTS": case.tensor(2, T, S), "mask_BS": mask}


def _weights(scores_BTS, mask_BS):
    powers = scores_BTS.exp() * mask_BS.unsqueeze(1)
    return powers / powers.sum(-1, keepdim=True)


@PADDING.check("padding weighs nothing, and what is there sums to one")
def _(attention_weights, case):
    given = _padded(case)
    case.same(attention_weights(**given), _weights(**given), given=given)


@PADDING.check("padding changes nothing: the weights are those of the sentence alone")
def _(attention_weights, case):
    given = _padded(case)
    length = int(given["mask_BS"][1].sum())
    alone = given["scores_BTS"][1, :, :length].softmax(-1)
    case.same(attention_weights(**given)[1, :, :length], alone, given=given)


@PADDING.check("as many sentences as queries: the mask belongs to the sentence", tier="deep")
def _(attention_weights, case):
    given = _padded(case, T=2, S=4)
    case.same(attention_weights(**given), _weights(**given), given=given)


@PADDING.check("large scores of padding do not reach the others", tier="deep")
def _(attention_weights, case):
    given = _padded(case)
    expected = _weights(**given)
    padding = ~given["mask_BS"][:, None, :].expand_as(given["scores_BTS"])
    given["scores_BTS"][padding] = 300.0
    case.same(attention_weights(**given), expected, given=given)


@PADDING.mistake(
    "padding is set to 0 after the softmax: what is left no longer sums to one. Mask the scores",
    caught_by="padding weighs nothing, and what is there sums to one",
)
def _(scores_BTS, mask_BS):
    return scores_BTS.softmax(-1) * mask_BS[:, None, :]


@PADDING.mistake(
    "the scores of padding are set to 0, and e^0 = 1 is a weight like another: it needs -inf",
    caught_by="padding weighs nothing, and what is there sums to one",
)
def _(scores_BTS, mask_BS):
    return scores_BTS.masked_fill(~mask_BS[:, None, :], 0.0).softmax(-1)


@PADDING.mistake(
    "the mask lies along the queries: mask_BS[:, None, :] says it of the keys, for every query",
    caught_by="as many sentences as queries: the mask belongs to the sentence",
)
def _(scores_BTS, mask_BS):
    T = scores_BTS.shape[1]
    shown = mask_BS[:T, :].unsqueeze(0)  # aligned with T instead of B, as broadcasting does
    return scores_BTS.masked_fill(~shown, -torch.inf).softmax(-1)


@PADDING.mistake(
    "the mask is read the wrong way round: True is what is there. Forgot the ~ ?",
    caught_by="padding changes nothing: the weights are those of the sentence alone",
)
def _(scores_BTS, mask_BS):
    return scores_BTS.masked_fill(mask_BS[:, None, :], -1e9).softmax(-1)


@PADDING.mistake(
    "a large number is taken from the scores of padding; some score is larger still. Set them to "
    "-inf, whatever they were",
    caught_by="large scores of padding do not reach the others",
)
def _(scores_BTS, mask_BS):
    return (scores_BTS - 300.0 * ~mask_BS[:, None, :]).softmax(-1)
