"""From logits to the next token: temperature, filters, and one draw.

Legend: B sequence, V vocabulary.

A filter takes logits and sets those of refused tokens to minus infinity; what is left is a
distribution again after the softmax. The order is

    penalties, temperature, top-k, typical, top-p, min-p

as in llama.cpp. Transformers puts typical last, and vLLM, which has no typical, min-p before top-k
and top-p. Chance comes in from outside, as one number in [0, 1) for each
sequence, so that `sample` is a function: the same logits and numbers give the same tokens, whoever
else is in the batch.
"""

import itertools
import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from groundup.inference.penalties import count_penalty, repetition_penalty
from groundup.swap import replaceable

_COLDEST, _HOTTEST = 1e-30, 1e30  # beyond, a logit over the temperature may be infinite or 0


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is chosen."""

    temperature: float = 0.8
    """Divides the logits: below 1 sharper, above 1 flatter, 0 always takes the likeliest token."""
    top_k: int | None = None
    """Only the k likeliest tokens may be drawn."""
    top_p: float | None = None
    """Only the likeliest tokens that together reach this probability may be drawn."""
    min_p: float | None = None
    """Only tokens at least this share as likely as the likeliest may be drawn."""
    typical_p: float | None = None
    """Only the least surprising tokens that together reach this probability may be drawn."""
    repetition_penalty: float = 1.0
    """Above 1 makes tokens that already occurred less likely; 1 changes nothing."""
    presence_penalty: float = 0.0
    """Taken from the logit of every token that the answer has already."""
    frequency_penalty: float = 0.0
    """Taken from a token's logit for each time the answer has it already."""
    seed: int | None = None
    """The same seed gives the same tokens; without one every run differs."""

    def __post_init__(self) -> None:
        """Refuse settings that describe no distribution."""
        if not (self.temperature == 0 or _COLDEST <= self.temperature <= _HOTTEST):
            raise ValueError(
                f"temperature is {self.temperature}; it must be 0 (greedy), "
                f"or from {_COLDEST} to {_HOTTEST}"
            )
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k is {self.top_k}; it must be at least 1")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it must be above 0 and at most 1")
        if self.min_p is not None and not 0 <= self.min_p <= 1:
            raise ValueError(f"min_p is {self.min_p}; it must be from 0 to 1")
        if self.typical_p is not None and not 0 < self.typical_p <= 1:
            raise ValueError(f"typical_p is {self.typical_p}; it must be above 0 and at most 1")
        if not (self.repetition_penalty > 0 and math.isfinite(self.repetition_penalty)):
            raise ValueError(f"repetition_penalty is {self.repetition_penalty}; it must be above 0")
        for name in ("presence_penalty", "frequency_penalty"):
            if not math.isfinite(value := getattr(self, name)):
                raise ValueError(f"{name} is {value}; it must be a number, as from -2 to 2")

    @property
    def looks_back(self) -> bool:
        """Whether the draw depends on the tokens so far."""
        return (
            self.repetition_penalty != 1
            or self.presence_penalty != 0
            or self.frequency_penalty != 0
        )


GREEDY = Sampling(temperature=0.0)
"""Always the likeliest token."""


def only(logits_BV: Tensor, ids: Sequence[int]) -> Tensor:
    """Keep these tokens."""
    kept_BV = torch.full_like(logits_BV, -math.inf)
    kept_BV[..., ids] = logits_BV[..., ids]
    return kept_BV


def top_k_filter(logits_BV: Tensor, k: int) -> Tensor:
    """Keep the k largest logits; ties with the k-th stay. Fan et al. (2018), section 5.1."""
    least_B1 = logits_BV.topk(min(k, logits_BV.shape[-1]), dim=-1).values[..., -1:]
    return logits_BV.masked_fill(logits_BV < least_B1, -math.inf)


def top_p_filter(logits_BV: Tensor, p: float) -> Tensor:
    """Keep the smallest set of likeliest tokens whose probabilities sum to at least p.

    The nucleus of Holtzman et al. (2020), section 3.1: a token stays if the tokens before it, from
    the likeliest down, do not reach p on their own; so the likeliest always stays.
    """
    sorted_BV, order_BV = logits_BV.sort(dim=-1, descending=True, stable=True)
    probability_BV = sorted_BV.softmax(-1)
    before_BV = probability_BV.cumsum(-1) - probability_BV
    refused_BV = torch.zeros_like(logits_BV, dtype=torch.bool)
    refused_BV.scatter_(-1, order_BV, before_BV >= p)
    return logits_BV.masked_fill(refused_BV, -math.inf)


def min_p_filter(logits_BV: Tensor, p: float) -> Tensor:
    """Keep tokens with probability >= p times the largest one. Nguyen et al. (2024), section 3."""
    probability_BV = logits_BV.softmax(-1)
    least_B1 = p * probability_BV.amax(-1, keepdim=True)
    return logits_BV.masked_fill(probability_BV < least_B1, -math.inf)


def typical_filter(logits_BV: Tensor, p: float) -> Tensor:
    """Keep the tokens whose surprise is nearest to the expected one, until they sum to p.

    The surprise of a token is -ln of its probability, the expected one the entropy H. Tokens are
    taken by |surprise - H|, from the smallest, until their probabilities reach p; what ties with
    the last one stays. Meister et al. (2022), "Locally Typical Sampling", section 4.
    """
    log_BV = logits_BV.log_softmax(-1)
    probability_BV = log_BV.exp()
    entropy_B1 = -(probability_BV * log_BV).nansum(-1, keepdim=True)  # 0 ln 0 counts as 0
    unusual_BV = (-log_BV - entropy_B1).abs()
    sorted_BV, order_BV = unusual_BV.sort(dim=-1, stable=True)
    sums_BV = probability_BV.gather(-1, order_BV).cumsum(-1)
    last_B1 = (sums_BV < p).sum(-1, keepdim=True).clamp(max=logits_BV.shape[-1] - 1)
    return logits_BV.masked_fill(unusual_BV > sorted_BV.gather(-1, last_B1), -math.inf)


def filtered(logits_BV: Tensor, sampling: Sampling) -> Tensor:
    """Logits after temperature and filters; their softmax is what is drawn from."""
    logits_BV = logits_BV / sampling.temperature
    if sampling.top_k is not None:
        logits_BV = top_k_filter(logits_BV, sampling.top_k)
    if sampling.typical_p is not None and sampling.typical_p < 1:
        logits_BV = typical_filter(logits_BV, sampling.typical_p)
    if sampling.top_p is not None and sampling.top_p < 1:
        logits_BV = top_p_filter(logits_BV, sampling.top_p)
    if sampling.min_p is not None:
        logits_BV = min_p_filter(logits_BV, sampling.min_p)
    return logits_BV


@replaceable
def sample(
    logits_BV: Tensor,
    sampling: Sampling,
    *,
    chance_B: Tensor,
    seen_BV: Tensor | None = None,
    counts_BV: Tensor | None = None,
) -> Tensor:
    """The next token of each sequence: `ids_B` from `logits_BV`.

    With cumulative probabilities F of the filtered distribution, draws the first token v with
    F(v) > chance (inversion; Devroye 1986, section III.2). Sums in float64, so that rounding does
    not decide among 100,000 tokens; what would divide both sides is left out. With temperature 0
    the chance is not looked at, and the likeliest token is taken (of equals, the first).

    `chance_B`: float64 in [0, 1), from `Chance`; `seen_BV`: which tokens occurred, for the
    repetition penalty; `counts_BV`: how often the answer has each, for the other two.
    Its fast twin is `row_sampling.sample_rows`. Leaves out beam search and speculative decoding.
    """
    if seen_BV is not None and sampling.repetition_penalty != 1:
        logits_BV = repetition_penalty(logits_BV, seen_BV, sampling.repetition_penalty)
    if counts_BV is not None:
        presence, frequency = sampling.presence_penalty, sampling.frequency_penalty
        logits_BV = count_penalty(logits_BV, counts_BV, presence=presence, frequency=frequency)
    if sampling.temperature == 0:
        return logits_BV.argmax(-1)
    kept_BV = filtered(logits_BV.double(), sampling)
    cumulative_BV = (kept_BV - kept_BV.amax(-1, keepdim=True)).exp().cumsum(-1)
    aim_B1 = chance_B.unsqueeze(-1) * cumulative_BV[..., -1:]
    return (cumulative_BV <= aim_B1).sum(-1)


class Chance:
    """One sequence's random numbers; they depend on the seed and the sequence's index alone.

    Numbers are multiples of 2^-52 below 1, so that times the total they stay below the total.
    """

    def __init__(self, seed: int | None, index: int = 0) -> None:
        self._source = random.Random(None if seed is None else f"{seed}:{index}")
        self._ahead: deque[float] = deque()

    def draw(self) -> float:
        """The next number in [0, 1)."""
        return self._ahead.popleft() if self._ahead else self._source.getrandbits(52) / 2**52

    def ahead(self, count: int) -> list[float]:
        """The next `count` numbers, which stay to be drawn: a speculation may not need them all."""
        while len(self._ahead) < count:
            self._ahead.append(self._source.getrandbits(52) / 2**52)
        return list(itertools.islice(self._ahead, count))
