"""The loss of a language model, its perplexity, and bits per byte of text."""

import math

import numpy as np
import torch

from groundup.course.exercise import Exercise
from groundup.evaluate.bits_per_byte import Score, Window

LOSS = Exercise(
    "cross-entropy",
    of="groundup.layers.losses:cross_entropy",
    title="The loss of a language model, in nats a token",
    minutes=30,
    hints=(
        "Of each row of logits only one probability matters. Which, and what is its logarithm?",
        "-ln softmax(z)_t = ln sum e^z - z_t: a logsumexp less one logit. Rows whose target is "
        "`ignore` count neither in the sum nor in what it is divided by.",
        "counts = targets != ignore; safe = targets.masked_fill(~counts, 0); nats = "
        "z.logsumexp(-1) - z.gather(-1, safe[:, None]).squeeze(-1); masked_fill(~counts, 0).sum() "
        "/ counts.sum(). Widen 16-bit logits with .float() first.",
    ),
)


def _rows(case, N=3, V=4):
    return {"logits_NV": case.tensor(N, V), "targets_N": torch.from_numpy(case.integers(0, 3, N))}


@LOSS.check("it is torch's cross_entropy")
def _(cross_entropy, case):
    given = _rows(case)
    case.same(
        cross_entropy(**given), torch.nn.functional.cross_entropy(*given.values()), given=given
    )


@LOSS.check("who knows nothing pays ln V for each token")
def _(cross_entropy, case):
    V = case.integer(4, 9)
    logits = torch.full((2, V), float(case.integer(-5, 5)), dtype=torch.float64)
    given = {"logits_NV": logits, "targets_N": torch.tensor([0, 3])}
    case.same(cross_entropy(**given), torch.tensor(V).double().log(), given=given)


@LOSS.check("targets of -100 count neither above nor below the line")
def _(cross_entropy, case):
    given = _rows(case, N=4)
    given["targets_N"][case.integer(0, 3)] = -100
    case.same(
        cross_entropy(**given), torch.nn.functional.cross_entropy(*given.values()), given=given
    )


@LOSS.check("a token held for all but impossible costs a lot, not infinitely much", tier="deep")
def _(cross_entropy, case):
    far = float(case.integer(800, 2000))
    given = {
        "logits_NV": torch.tensor([[far, 0.0]], dtype=torch.float64),
        "targets_N": torch.tensor([1]),
    }
    case.same(cross_entropy(**given), torch.tensor(far, dtype=torch.float64), given=given)


@LOSS.check("another number may mark what does not count, a real id even", tier="deep")
def _(cross_entropy, case):
    given = {**_rows(case), "ignore": 3}
    given["targets_N"][:2] = torch.tensor([0, 3])
    expected = torch.nn.functional.cross_entropy(*list(given.values())[:2], ignore_index=3)
    case.same(cross_entropy(**given), expected, given=given)


@LOSS.check("bfloat16 logits are summed in float32", tier="deep")
def _(cross_entropy, case):
    given = _rows(case, N=4, V=64)
    given["logits_NV"] = given["logits_NV"].bfloat16()
    expected = torch.nn.functional.cross_entropy(given["logits_NV"].float(), given["targets_N"])
    case.same(cross_entropy(**given).float(), expected, given=given, tolerance=1e-5)


@LOSS.check(
    "the gradient of a row is its softmax less its target, divided by the count", tier="deep"
)
def _(cross_entropy, case):
    given = _rows(case)
    logits = given["logits_NV"].requires_grad_()
    (slope,) = torch.autograd.grad(cross_entropy(**given), logits)
    hot = torch.nn.functional.one_hot(given["targets_N"], 4)
    case.same(slope, (logits.softmax(-1) - hot) / 3, given=given)


def _nats(logits, targets, ignore, *, total=None, axis=-1):
    counts = targets != ignore
    safe = targets.masked_fill(~counts, 0).unsqueeze(-1)
    nats = logits.logsumexp(axis, keepdim=True) - logits
    return nats.gather(-1, safe).squeeze(-1).masked_fill(~counts, 0.0).sum() / (
        counts.sum() if total is None else total
    )


@LOSS.mistake(
    "the sum is divided by all targets, also by those that do not count: padding lowers the loss",
    caught_by="targets of -100 count neither above nor below the line",
)
def _(logits_NV, targets_N, ignore=-100):
    return _nats(logits_NV, targets_N, ignore, total=len(targets_N))


@LOSS.mistake(
    "the losses are summed, not averaged: twice the batch, twice the gradient",
    caught_by="it is torch's cross_entropy",
)
def _(logits_NV, targets_N, ignore=-100):
    return _nats(logits_NV, targets_N, ignore, total=1)


@LOSS.mistake(
    "the logarithm is that of base 2: these are bits, and the loss is in nats",
    caught_by="who knows nothing pays ln V for each token",
)
def _(logits_NV, targets_N, ignore=-100):
    return _nats(logits_NV, targets_N, ignore) / math.log(2)


@LOSS.mistake(
    "softmax first, its logarithm then: the probability rounds to 0, and ln 0 is infinite. Take "
    "logsumexp less the logit",
    caught_by="a token held for all but impossible costs a lot, not infinitely much",
)
def _(logits_NV, targets_N, ignore=-100):
    counts = targets_N != ignore
    safe = targets_N.masked_fill(~counts, 0).unsqueeze(-1)
    nats = -logits_NV.softmax(-1).gather(-1, safe).squeeze(-1).log()
    return nats.masked_fill(~counts, 0.0).sum() / counts.sum()


@LOSS.mistake(
    "the mean of the probabilities is taken, then its logarithm: the mean of the logarithms is "
    "meant, or one impossible token is made good by ten likely ones",
    caught_by="it is torch's cross_entropy",
)
def _(logits_NV, targets_N, ignore=-100):
    counts = targets_N != ignore
    safe = targets_N.masked_fill(~counts, 0).unsqueeze(-1)
    shares = logits_NV.softmax(-1).gather(-1, safe).squeeze(-1)
    return -(shares.masked_fill(~counts, 0.0).sum() / counts.sum()).log()


SCORE = Exercise(
    "bits-per-byte",
    of="groundup.evaluate.bits_per_byte:Score",
    title="Bits per byte, and back to the loss",
    minutes=15,
    methods=("bits_per_byte", "nats_per_token"),
    hints=(
        "You have the bits that all tokens together cost. Divide by what, for each of the two?",
        "Bits per byte: the text's bytes. The loss is nats a token, and a nat is more than a bit: "
        "e^1 = 2^1.44, so one nat is 1 / ln 2 bits.",
        "self.bits / self.bytes; self.bits * math.log(2) / self.tokens.",
    ),
)


def _score(case):
    tokens = case.integer(20, 90)
    return {"bits": case.integer(100, 900) + 0.5, "tokens": tokens, "bytes": 4 * tokens + 3}


@SCORE.check("256 equally likely bytes cost 8 bits each, whatever the tokens are")
def _(score_of, case):
    size = case.integer(10, 99)
    given = {"bits": 8.0 * size, "tokens": case.integer(2, 9), "bytes": size}
    case.same(score_of(**given).bits_per_byte, 8.0, given=given)


@SCORE.check("a loss of ln V nats a token is one of log2 V bits")
def _(score_of, case):
    V, tokens = case.integer(10, 5000), case.integer(10, 99)
    given = {"bits": tokens * math.log2(V), "tokens": tokens, "bytes": 3 * tokens + 1}
    case.same(score_of(**given).nats_per_token, math.log(V), given=given)


@SCORE.check("the perplexity of a uniform guess among V tokens is V", tier="deep")
def _(score_of, case):
    V, tokens = case.integer(10, 5000), case.integer(10, 99)
    given = {"bits": tokens * math.log2(V), "tokens": tokens, "bytes": 5 * tokens}
    case.same(math.exp(score_of(**given).nats_per_token), float(V), given=given, tolerance=1e-8)


@SCORE.check("longer tokens raise the loss, and leave bits per byte as they are", tier="deep")
def _(score_of, case):
    given = _score(case)
    long = {**given, "tokens": given["tokens"] / 2}
    one, other = score_of(**given), score_of(**long)
    got = [other.nats_per_token / one.nats_per_token, other.bits_per_byte / one.bits_per_byte]
    case.same(got, [2.0, 1.0], given={"one": given, "other": long})


@SCORE.mistake(
    "the bits are divided by the tokens: a tokenizer with longer tokens then looks worse. It is "
    "the bytes of the text that count",
    caught_by="256 equally likely bytes cost 8 bits each, whatever the tokens are",
)
class _PerToken(Score):
    @property
    def bits_per_byte(self):
        return self.bits / self.tokens


@SCORE.mistake(
    "nats are made by dividing by ln 2: a nat is larger than a bit, so there are fewer of them",
    caught_by="a loss of ln V nats a token is one of log2 V bits",
)
class _WrongWay(Score):
    @property
    def nats_per_token(self):
        return self.bits / math.log(2) / self.tokens


@SCORE.mistake(
    "these are bits a token: the loss is in nats, times ln 2",
    caught_by="a loss of ln V nats a token is one of log2 V bits",
)
class _StillBits(Score):
    @property
    def nats_per_token(self):
        return self.bits / self.tokens


@SCORE.mistake(
    "these are nats a byte: the loss is for each token",
    caught_by="a loss of ln V nats a token is one of log2 V bits",
)
class _PerByte(Score):
    @property
    def nats_per_token(self):
        return self.bits * math.log(2) / self.bytes


WINDOWS = Exercise(
    "windows",
    of="groundup.evaluate.bits_per_byte:windows",
    title="A text longer than the context, each token predicted once",
    minutes=35,
    hints=(
        "Windows overlap, so that the first tokens of one are not predicted from nothing. Which "
        "predictions of a window were made by an earlier one already?",
        "A window from `begin` has inputs begin ... end - 1 and targets begin + 1 ... end, so it "
        "holds end - begin + 1 tokens. Remember up to where targets are counted: the window skips "
        "counted - begin of its targets.",
        "for begin in range(0, len(tokens) - 1, stride): end = min(begin + context, "
        "len(tokens) - 1); append Window(tokens[begin : end + 1], counted - begin); counted = end; "
        "stop when end is the last token.",
    ),
)


def _counted(found):
    """The targets that count, in their order."""
    return [int(token) for one in found for token in one.tokens[one.skip + 1 :]]


def _document(case, count):
    return np.arange(count) + case.integer(100, 900)


@WINDOWS.check("together they predict every token but the first, each once, in order")
def _(windows, case):
    given = {"tokens": _document(case, case.integer(11, 15)), "context": 4, "stride": 2}
    case.same(_counted(windows(**given)), given["tokens"][1:].tolist(), given=given)


@WINDOWS.check("a window has `context` inputs and the target of the last; only the end is shorter")
def _(windows, case):
    given = {"tokens": _document(case, 10), "context": 4, "stride": 2}
    first = given["tokens"][0]
    expected = [list(range(first + at, first + min(at + 5, 10))) for at in (0, 2, 4, 6)]
    got = [one.tokens.tolist() for one in windows(**given)]
    case.same(got, expected, given=given, says="the windows are others")


@WINDOWS.check("a text that fits is one window", tier="deep")
def _(windows, case):
    given = {"tokens": _document(case, case.integer(2, 5)), "context": 4, "stride": 2}
    got = [[one.tokens.tolist(), one.skip] for one in windows(**given)]
    case.same(got, [[given["tokens"].tolist(), 0]], given=given, says="the windows are others")


@WINDOWS.check("a stride as long as the context leaves no overlap, and loses no token", tier="deep")
def _(windows, case):
    given = {"tokens": _document(case, case.integer(10, 12)), "context": 4, "stride": 4}
    found = windows(**given)
    case.same(_counted(found), given["tokens"][1:].tolist(), given=given)
    case.same(
        [one.skip for one in found], [0] * len(found), given=given, says="something is skipped"
    )


@WINDOWS.check(
    "after the first window all is predicted from context - stride tokens at least", tier="deep"
)
def _(windows, case):
    given = {"tokens": _document(case, 20), "context": 6, "stride": case.integer(1, 3)}
    least = min((one.skip for one in windows(**given)[1:]), default=0)
    case.same(least, 6 - given["stride"], given=given, says="fewer are skipped, or more")


def _cut(tokens, context, stride, *, skip=None, whole_only=False, goes_on=False, more=1):
    out, counted = [], 0
    for begin in range(0, len(tokens) - 1, stride):
        end = min(begin + context, len(tokens) - 1)
        if whole_only and end - begin < context and out:
            break
        skipped = counted - begin if skip is None else skip(begin, counted)
        out.append(Window(tokens[begin : end + more], skipped))
        counted = end
        if end == len(tokens) - 1 and not goes_on:
            break
    return out


@WINDOWS.mistake(
    "nothing is skipped: where windows overlap, tokens are counted twice, and the first ones of "
    "each window with little before them",
    caught_by="together they predict every token but the first, each once, in order",
)
def _(tokens, context, stride):
    return _cut(tokens, context, stride, skip=lambda begin, counted: 0)


@WINDOWS.mistake(
    "each window skips one too many: a token at every seam is never predicted",
    caught_by="together they predict every token but the first, each once, in order",
)
def _(tokens, context, stride):
    return _cut(tokens, context, stride, skip=lambda begin, counted: counted - begin + (begin > 0))


@WINDOWS.mistake(
    "the end of the text is left out when it does not fill a window",
    caught_by="a stride as long as the context leaves no overlap, and loses no token",
)
def _(tokens, context, stride):
    return _cut(tokens, context, stride, whole_only=True)


@WINDOWS.mistake(
    "a window holds `context` tokens; as inputs and targets are one apart, it needs one more, or "
    "the last prediction has no target",
    caught_by="a window has `context` inputs and the target of the last; only the end is shorter",
)
def _(tokens, context, stride):
    return _cut(tokens, context, stride, more=0)


@WINDOWS.mistake(
    "there are windows after the text's end was predicted; they count nothing, and cost time",
    caught_by="a window has `context` inputs and the target of the last; only the end is shorter",
)
def _(tokens, context, stride):
    return _cut(tokens, context, stride, goes_on=True)
