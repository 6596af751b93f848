"""One draw from one row of logits: the fast twin of `sampling.sample`, token for token.

Legend: V vocabulary, N token that may still be drawn, in the vocabulary's order.

Three things make it fast. Tokens that a filter will refuse anyway are left out before anything is
sorted; sums run over what is left; and NumPy's passes are short. But sums of other length or order
round otherwise, by some 1e-12 of the total. So wherever a border is compared with a sum, `_sure`
asks whether the two are closer than 1e-10; if so the answer is None, and the plain twin decides.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from groundup.inference.sampling import Sampling

NOTHING = -1
"""In the place of a token: every token is refused, or the logits are no finite numbers."""
_SLACK = 1e-10  # of the total; V * 2^-53, the rounding of a sum, is 5e-12 for 49,152 tokens
_LARGEST = float(np.finfo(np.float32).max)
_FEW = 512  # tokens; sorting all takes longer than looking whether so many are enough

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


class _Unsure(Exception):  # noqa: N818, nothing is wrong: the plain twin is asked
    """Rounding might decide."""


def draw(logits_V: NDArray[np.float32], sampling: Sampling, chance: float) -> int | None:
    """The token `sample` draws from these logits (penalties aside); None: it must say itself.

    `NOTHING` if the largest logit is no finite number.
    """
    likeliest = int(logits_V.argmax())
    top = float(logits_V[likeliest])
    if not math.isfinite(top):
        return NOTHING
    if sampling.temperature == 0:
        return likeliest
    try:
        ids_N, weights_N = _kept(logits_V, top, sampling)
        return int(ids_N[_pick(weights_N, chance)])
    except _Unsure:
        return None


def _kept(logits_V: NDArray[np.float32], top: float, sampling: Sampling) -> tuple[Ids, Floats]:
    """The tokens that no filter refuses, and what their probabilities are proportional to."""
    ids_N = _candidates(logits_V, top, sampling)
    values_N = logits_V if len(ids_N) == len(logits_V) else logits_V[ids_N]
    scaled_N = values_N.astype(np.float64) / sampling.temperature
    if sampling.typical_p is not None and sampling.typical_p < 1:
        kept = _typical(scaled_N, sampling.typical_p)
        ids_N, scaled_N = ids_N[kept], scaled_N[kept]
    weights_N = np.exp(scaled_N - scaled_N.max())
    if sampling.top_p is not None and sampling.top_p < 1:
        kept = _nucleus(scaled_N, weights_N, sampling.top_p)
        ids_N, weights_N = ids_N[kept], weights_N[kept]
    if sampling.min_p is not None:
        others_N = np.delete(weights_N, weights_N.argmax())  # the likeliest is never in doubt
        _sure(others_N, sampling.min_p, _SLACK * sampling.min_p)
        kept = np.flatnonzero(weights_N >= sampling.min_p)
        ids_N, weights_N = ids_N[kept], weights_N[kept]
    return ids_N, weights_N


def _candidates(logits_V: NDArray[np.float32], top: float, sampling: Sampling) -> Ids:
    """What top-k keeps; without it, what min-p may keep, if that is the only filter."""
    if sampling.top_k is not None and sampling.top_k < len(logits_V):
        least = np.partition(logits_V, -sampling.top_k)[-sampling.top_k]
        return np.flatnonzero(logits_V >= least)
    if sampling.min_p and sampling.top_p is None and sampling.typical_p is None:
        below = sampling.temperature * (1e-6 - math.log(sampling.min_p))
        least = np.float32(max(top - below - 1e-6 * abs(top), -_LARGEST))
        return np.flatnonzero(logits_V >= least)
    return np.arange(len(logits_V))


def _nucleus(scaled_N: Floats, weights_N: Floats, p: float) -> Ids:
    """The places top-p keeps, ascending."""
    total, top = float(weights_N.sum()), float(scaled_N.max())
    # what weighs less than this weighs less than (1 - p) * total together: the rest reaches p
    some = np.flatnonzero(weights_N >= 0.999 * (1 - p) * total / len(weights_N))
    falling = -np.sort(-scaled_N[some])
    before = np.concatenate([[0.0], _sums(np.exp(falling - top))])
    count = int(np.searchsorted(before, p * total))
    _sure(before[count - 1 : count + 1], p * total, _SLACK * total)
    last = falling[count - 1]
    kept = some[scaled_N[some] >= last]
    surplus = len(kept) - count  # of those that tie with the last one, the first are kept
    return np.delete(kept, np.flatnonzero(scaled_N[kept] == last)[-surplus:]) if surplus else kept


def _typical(scaled_N: Floats, p: float) -> Ids:
    """The places the typical filter keeps, ascending."""
    log_N = scaled_N - scaled_N.max()
    log_N -= math.log(np.exp(log_N).sum())
    probability_N = np.exp(log_N)
    possible = np.flatnonzero(probability_N)
    entropy = -float((probability_N[possible] * log_N[possible]).sum())
    unusual_N = np.abs(-log_N - entropy)
    some = possible
    if len(some) > _FEW:
        few = np.flatnonzero(unusual_N <= np.partition(unusual_N, _FEW)[_FEW])
        some = few if probability_N[few].sum() > p else some
    order = some[np.argsort(unusual_N[some])]
    sums = _sums(probability_N[order])
    last = min(int(np.searchsorted(sums, p)), len(order) - 1)
    _sure(sums[max(last - 1, 0) : last + 1], p, _SLACK)
    border, at_border = unusual_N[order[last]], scaled_N[order[last]]
    others = possible[scaled_N[possible] != at_border]
    _sure(unusual_N[others], border, _SLACK * (1 + np.abs(log_N[possible]).max()))
    return np.flatnonzero(unusual_N <= border)


def _pick(weights_N: Floats, chance: float) -> int:
    """The first place at which the sum so far is above `chance` times the total."""
    cumulative_N = _sums(weights_N)
    total = float(cumulative_N[-1])
    place = int(np.searchsorted(cumulative_N, chance * total, side="right"))
    _sure(cumulative_N[max(place - 1, 0) : place + 1], chance * total, _SLACK * total)
    return place


def _sums(weights_N: Floats) -> Floats:
    """Cumulative; torch's are several times as fast as NumPy's."""
    sums: Floats = torch.from_numpy(weights_N).cumsum(0).numpy()
    return sums


def _sure(values: Floats, border: float, slack: float) -> None:
    """Raises if one of the values is so near the border that rounding might have moved it over."""
    if (np.abs(values - border) <= slack).any():
        raise _Unsure
