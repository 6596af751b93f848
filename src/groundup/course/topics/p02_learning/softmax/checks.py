"""Softmax, log-sum-exp, log-softmax: what answers must do, and how numbers get lost on the way."""

import math

import numpy as np
import torch

from groundup.course.exercise import Exercise

SOFTMAX = Exercise(
    "softmax",
    of="groundup.maths.vector_jacobian:softmax",
    title="Softmax that does not overflow",
    minutes=25,
    hints=(
        "Write the formula as it stands, then try scores of 1000. What does e^1000 become?",
        "Adding one number to all scores of a row changes no share: the factor cancels. Which "
        "number makes the largest exponent 0, and so every power at most 1?",
        "scores = finite_array(x, 'x'), refuse an empty last axis; "
        "powers = np.exp(scores - scores.max(axis=-1, keepdims=True)), then divide by the sum "
        "over the last axis, keepdims=True again.",
    ),
)


@SOFTMAX.check("scores that are logarithms of 1 to 9 give these numbers, divided by their sum")
def _(softmax, case):
    weights = case.integers(1, 9, 3)
    given = {"x": np.log(weights)}
    case.same(softmax(**given), weights / weights.sum(), given=given)


@SOFTMAX.check("scores of 1000 are as good as scores of 0")
def _(softmax, case):
    small = case.array(3)
    given = {"x": small + 1000.0}
    expected = np.exp(small) / np.exp(small).sum()
    case.same(softmax(**given), expected, given=given, tolerance=1e-9)


@SOFTMAX.check("of a matrix, each row is shared out by itself")
def _(softmax, case):
    given = {"x": case.array(2, 3)}
    expected = torch.from_numpy(given["x"]).softmax(-1).numpy()
    case.same(softmax(**given), expected, given=given)


@SOFTMAX.check("a row far below another is shared out all the same", tier="deep")
def _(softmax, case):
    row = case.array(3)
    given = {"x": np.stack([row, row + 2000.0, row - 2000.0])}
    expected = np.tile(np.exp(row) / np.exp(row).sum(), (3, 1))
    case.same(softmax(**given), expected, given=given, tolerance=1e-9)


@SOFTMAX.check("a difference beyond the largest number gives a share of 0", tier="deep")
def _(softmax, case):
    given = {"x": [1e308, -1e308, 1e308]}
    case.same(softmax(**given), np.array([0.5, 0.0, 0.5]), given=given)


@SOFTMAX.check("no scores, and scores that are no numbers, are refused", tier="deep")
def _(softmax, case):
    case.refuses(lambda: softmax(np.zeros((2, 0))), says="no scores were shared out")
    case.refuses(lambda: softmax([0.0, math.nan]), says="a score of NaN was taken")
    case.refuses(lambda: softmax(np.float64(1.0)), says="a single number has no axis to share over")


def _shares(x, *, shift=True, axis=-1, over=-1, power=np.exp, extra=0.0):
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        powers = power(x - x.max(axis=over, keepdims=True) if shift else x)
        return powers / (powers.sum(axis=axis, keepdims=True) + extra)


@SOFTMAX.mistake(
    "the largest score is not subtracted first, so that e^1000 is infinite, and infinity divided "
    "by infinity is NaN",
    caught_by="scores of 1000 are as good as scores of 0",
)
def _(x):
    return _shares(x, shift=False)


@SOFTMAX.mistake(
    "the sum runs over the first axis: you probably left out axis=-1, or the columns sum to one",
    caught_by="of a matrix, each row is shared out by itself",
)
def _(x):
    return _shares(x, axis=0)


@SOFTMAX.mistake(
    "the sum runs over the whole array; each row needs a sum of its own (axis=-1, keepdims=True)",
    caught_by="of a matrix, each row is shared out by itself",
)
def _(x):
    return _shares(x, axis=None)


@SOFTMAX.mistake(
    "the largest of the whole array is subtracted; a row far below it becomes 0/0. Each row needs "
    "its own largest (axis=-1, keepdims=True)",
    caught_by="a row far below another is shared out all the same",
)
def _(x):
    return _shares(x, over=None)


@SOFTMAX.mistake(
    "something small is added to the denominator; it is at least 1 once the largest is subtracted, "
    "so nothing needs saving, and the shares no longer sum to one",
    caught_by="scores that are logarithms of 1 to 9 give these numbers, divided by their sum",
)
def _(x):
    return _shares(x, extra=1e-8)


@SOFTMAX.mistake(
    "the scores are divided by their sum without e^x: shares of scores below 0 come out negative",
    caught_by="scores that are logarithms of 1 to 9 give these numbers, divided by their sum",
)
def _(x):
    return _shares(x, shift=False, power=lambda scores: scores + 0.0)


LOGSUMEXP = Exercise(
    "logsumexp",
    of="groundup.autograd.reductions:logsumexp",
    title="The logarithm of a sum of powers",
    minutes=25,
    hints=(
        "ln(e^1000 + e^1001) is a modest number. Which factor can you take out of the sum?",
        "ln sum e^x = m + ln sum e^(x - m) for every m; m is the largest. What if the largest is "
        "minus infinity?",
        "largest = np.max(x, axis=dim, keepdims=True); safe = 0 where it is not finite; "
        "np.log(np.sum(np.exp(x - safe), axis=dim, keepdims=True)) + safe; squeeze unless keepdim.",
    ),
)


def _torch_lse(given):
    return torch.logsumexp(torch.from_numpy(given["x"]), given["dim"], given["keepdim"]).numpy()


@LOGSUMEXP.check("it is torch's logsumexp")
def _(logsumexp, case):
    given = {"x": case.array(2, 3), "dim": (1,), "keepdim": False}
    case.same(logsumexp(**given), _torch_lse(given), given=given)


@LOGSUMEXP.check("scores of 1000 do not overflow")
def _(logsumexp, case):
    given = {"x": case.array(2, 3) + 1000.0, "dim": (1,), "keepdim": False}
    case.same(logsumexp(**given), _torch_lse(given), given=given)


@LOGSUMEXP.check("with keepdim what was summed over stays, with size 1")
def _(logsumexp, case):
    given = {"x": case.array(2, 3), "dim": (1,), "keepdim": True}
    case.same(logsumexp(**given), _torch_lse(given), given=given)


@LOGSUMEXP.check("over several dimensions at once", tier="deep")
def _(logsumexp, case):
    given = {"x": case.array(2, 3, 2), "dim": (0, 2), "keepdim": False}
    case.same(logsumexp(**given), _torch_lse(given), given=given)


@LOGSUMEXP.check("a row of minus infinity sums to e^-inf = 0, whose logarithm is -inf", tier="deep")
def _(logsumexp, case):
    x = case.array(2, 3)
    x[0] = -math.inf
    x[1, 0] = -math.inf  # one that is masked among others
    given = {"x": x, "dim": (1,), "keepdim": False}
    with np.errstate(all="ignore"):
        case.same(logsumexp(**given), _torch_lse(given), given=given)


@LOGSUMEXP.check("rows far apart do not spoil each other", tier="deep")
def _(logsumexp, case):
    x = case.array(3, 2) + np.array([[0.0], [2000.0], [-2000.0]])
    given = {"x": x, "dim": (1,), "keepdim": False}
    with np.errstate(all="ignore"):
        case.same(logsumexp(**given), _torch_lse(given), given=given)


def _lse(x, dim, keepdim, *, shift="row", back=True, is_mean=False, is_safe=True):
    with np.errstate(all="ignore"):
        over = {"row": dim, "all": None}
        m = np.max(x, axis=over[shift], keepdims=True) if shift in over else np.zeros(())
        m = np.where(np.isfinite(m), m, 0) if is_safe else m
        total = (np.mean if is_mean else np.sum)(np.exp(x - m), axis=dim, keepdims=True)
        result = np.log(total) + (m if back else 0)
    return result if keepdim else np.squeeze(result, axis=dim)


@LOGSUMEXP.mistake(
    "the largest is not taken out of the sum first: e^1000 is infinite, and so is its logarithm",
    caught_by="scores of 1000 do not overflow",
)
def _(x, dim, keepdim):
    return _lse(x, dim, keepdim, shift="none")


@LOGSUMEXP.mistake(
    "the largest is subtracted, but not added again: softmax may forget it, its logarithm may not",
    caught_by="it is torch's logsumexp",
)
def _(x, dim, keepdim):
    return _lse(x, dim, keepdim, back=False)


@LOGSUMEXP.mistake(
    "the powers are averaged, not summed: the result is too small by ln n",
    caught_by="it is torch's logsumexp",
)
def _(x, dim, keepdim):
    return _lse(x, dim, keepdim, is_mean=True)


@LOGSUMEXP.mistake(
    "the largest of a row of -inf is -inf, and -inf - (-inf) is NaN: subtract 0 where it is not "
    "finite",
    caught_by="a row of minus infinity sums to e^-inf = 0, whose logarithm is -inf",
)
def _(x, dim, keepdim):
    return _lse(x, dim, keepdim, is_safe=False)


@LOGSUMEXP.mistake(
    "the largest of the whole array is taken out; of rows far below it nothing is left",
    caught_by="rows far apart do not spoil each other",
)
def _(x, dim, keepdim):
    return _lse(x, dim, keepdim, shift="all")


LOG_SOFTMAX = Exercise(
    "log-softmax",
    of="groundup.autograd.reductions:log_softmax",
    title="The logarithm of softmax, without its rounding",
    minutes=20,
    hints=(
        "Take ln of the softmax formula by hand, before any number is put in. What is left?",
        "ln(e^x / sum e^x) = x - ln sum e^x, and the largest is subtracted from x first. No share "
        "is ever computed, so none can round to 0.",
        "centred = x - np.max(x, axis=dim, keepdims=True); "
        "centred - np.log(np.sum(np.exp(centred), axis=dim, keepdims=True)).",
    ),
)


@LOG_SOFTMAX.check("it is torch's log_softmax")
def _(log_softmax, case):
    given = {"x": case.array(2, 3), "dim": 1}
    expected = torch.from_numpy(given["x"]).log_softmax(1).numpy()
    case.same(log_softmax(**given), expected, given=given)


@LOG_SOFTMAX.check("a score 1000 below the largest has the logarithm -1000, not -inf")
def _(log_softmax, case):
    given = {"x": np.array([[0.0, -1000.0 - case.integer(0, 500)]]), "dim": 1}
    case.same(log_softmax(**given), given["x"], given=given)


@LOG_SOFTMAX.check("scores of 1000 do not overflow")
def _(log_softmax, case):
    given = {"x": case.array(2, 3) + 1000.0, "dim": 1}
    expected = torch.from_numpy(given["x"]).log_softmax(1).numpy()
    case.same(log_softmax(**given), expected, given=given)


@LOG_SOFTMAX.check("along another dimension", tier="deep")
def _(log_softmax, case):
    given = {"x": case.array(3, 2), "dim": 0}
    expected = torch.from_numpy(given["x"]).log_softmax(0).numpy()
    case.same(log_softmax(**given), expected, given=given)


@LOG_SOFTMAX.check("float32 stays float32, and tiny shares keep their digits", tier="deep")
def _(log_softmax, case):
    x = np.array([[0.0, -20.0, -60.0, -103.0]]) - case.chance.random((1, 4))
    given = {"x": x.astype(np.float32), "dim": 1}
    got = log_softmax(**given)
    case.holds(np.asarray(got).dtype == np.float32, "the result has another type", given=given)
    expected = torch.from_numpy(given["x"]).double().log_softmax(1).numpy().astype(np.float32)
    case.same(got, expected, given=given, tolerance=1e-6)


def _log_shares(x, dim, *, shift=True, axis="dim"):
    with np.errstate(all="ignore"):
        centred = x - np.max(x, axis=dim, keepdims=True) if shift else x
        over = dim if axis == "dim" else axis
        return centred - np.log(np.sum(np.exp(centred), axis=over, keepdims=True))


@LOG_SOFTMAX.mistake(
    "softmax is computed first and its logarithm then: a share that rounded to 0 has lost its "
    "logarithm. Take the logarithm of the formula, not of the number",
    caught_by="a score 1000 below the largest has the logarithm -1000, not -inf",
)
def _(x, dim):
    with np.errstate(all="ignore"):
        return np.log(np.exp(_log_shares(x, dim)))


@LOG_SOFTMAX.mistake(
    "something small is added to softmax before its logarithm is taken: no -inf any more, but all "
    "shares below it now say the same",
    caught_by="a score 1000 below the largest has the logarithm -1000, not -inf",
)
def _(x, dim):
    return np.log(np.exp(_log_shares(x, dim)) + 1e-12)


@LOG_SOFTMAX.mistake(
    "the largest is not subtracted before e^x: the sum is infinite, and every logarithm is -inf",
    caught_by="scores of 1000 do not overflow",
)
def _(x, dim):
    return _log_shares(x, dim, shift=False)


@LOG_SOFTMAX.mistake(
    "always the last dimension is used; `dim` says which",
    caught_by="along another dimension",
)
def _(x, dim):
    return _log_shares(x, x.ndim - 1)
