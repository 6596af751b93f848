"""Beam search: the most probable continuations that a narrow beam finds.

Legend: W beam (its width), V vocabulary.

    each step: extend every beam by every token; keep the W most probable that go on;
               set aside those that ended

The score of a continuation y is log P(y) / |y|^a, its sum of log-probabilities over its length
(with the end token) to the power of the length penalty: 0 favours the short, 1 the mean (Wu et
al. 2016, section 7, have another form of the same). Graves (2012), section 2; Sutskever et
al. (2014), section 3.2. The same rules, and with equal models the same texts, as transformers'
`generate(num_beams=W)`. Left out: several prompts at once, diversity, sampling, and going on beyond
the context.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from groundup.inference.cache import KVCache
from groundup.models.gpt import GPT


@dataclass(frozen=True, kw_only=True)
class BeamConfig:
    """How wide and how long the search is."""

    width: int = 4
    """How many continuations are followed at once, and how many come back."""
    max_tokens: int = 64
    """The longest continuation."""
    length_penalty: float = 1.0
    """The power of the length by which the sum of log-probabilities is divided."""
    early_stopping: bool = False
    """Whether to end as soon as `width` continuations have ended, or only if none can be better."""

    def __post_init__(self) -> None:
        if self.width < 1 or self.max_tokens < 1:
            raise ValueError(
                f"width is {self.width} and max_tokens {self.max_tokens}; they must be 1 or more"
            )
        if not math.isfinite(self.length_penalty):
            raise ValueError(f"length_penalty is {self.length_penalty}; it must be a number")


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """One that the search found."""

    ids: tuple[int, ...]
    """Its tokens, without the end token."""
    score: float
    """log P / length^penalty, in nats."""
    ended: bool
    """Whether an end token ended it, or its length."""


def beam_search(
    model: GPT,
    prompt_ids: Sequence[int],
    *,
    stop_ids: Collection[int] = (),
    config: BeamConfig | None = None,
) -> list[Continuation]:
    """The best continuations of a prompt that were found, at most `width`, the best first.

    Raises ValueError for an empty prompt, for ids outside the vocabulary, and if prompt and
    continuation do not fit the context.
    """
    config = config or BeamConfig()
    _check(model, prompt_ids, stop_ids, config)
    search = _Search(frozenset(stop_ids), config)
    cache = KVCache()
    rows = [list(prompt_ids)]
    while True:
        log_WV = _read(model, rows, cache)
        parents = search.extend(log_WV)
        if not parents:
            return search.found
        cache.keep(parents)
        rows = [[beam.ids[-1]] for beam in search.running]


@dataclass(frozen=True)
class _Beam:
    ids: tuple[int, ...]
    total: float
    """Sum of the log-probabilities."""


class _Search:
    """What is followed, and what has ended. Knows no model."""

    def __init__(self, stop_ids: frozenset[int], config: BeamConfig) -> None:
        self.running = [_Beam((), 0.0)]
        self.found: list[Continuation] = []
        """What has ended, the best first."""
        self._stop_ids = stop_ids
        self._config = config

    def extend(self, log_WV: Tensor) -> list[int]:
        """One token more: `log_WV` are the log-probabilities after each running beam.

        Returns which beam each of the new ones extends; nothing if the search is over.
        """
        width, penalty = self._config.width, self._config.length_penalty
        totals_W1 = log_WV.new_tensor([beam.total for beam in self.running]).unsqueeze(-1)
        # with so many, `width` go on even if all of the likeliest end here
        count = min((1 + max(1, len(self._stop_ids))) * width, log_WV.numel())
        best = (totals_W1 + log_WV).flatten().topk(count)
        length = len(self.running[0].ids) + 1
        is_last = length == self._config.max_tokens
        going_on: list[tuple[int, _Beam]] = []
        for rank, (total, flat) in enumerate(
            zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ):
            parent, token = divmod(flat, log_WV.shape[-1])
            ids, ended = self.running[parent].ids, token in self._stop_ids
            if not (ended or is_last):
                going_on.append((parent, _Beam((*ids, token), total)))
            elif rank < width:
                self._set_aside(ids if ended else (*ids, token), total / length**penalty, ended)
        del going_on[width:]
        self.running = [beam for _, beam in going_on]
        return [] if self._is_settled() else [parent for parent, _ in going_on]

    def _set_aside(self, ids: tuple[int, ...], score: float, ended: bool) -> None:
        self.found.append(Continuation(ids=ids, score=score, ended=ended))
        self.found.sort(key=lambda one: -one.score)
        del self.found[self._config.width :]

    def _is_settled(self) -> bool:
        """Whether there are enough, and (by the score at today's length) none can be better."""
        if len(self.found) < self._config.width:
            return False
        if self._config.early_stopping or not self.running:
            return True
        hope: float = (
            self.running[0].total / len(self.running[0].ids) ** self._config.length_penalty
        )
        return hope <= self.found[-1].score


def _read(model: GPT, rows: list[list[int]], cache: KVCache) -> Tensor:
    """`log_WV` of what follows."""
    device = next(model.parameters()).device
    with torch.no_grad():
        logits_WTV: Tensor = model(torch.tensor(rows, device=device), cache)
    return logits_WTV[:, -1].float().log_softmax(-1)


def _check(
    model: GPT, prompt_ids: Sequence[int], stop_ids: Collection[int], config: BeamConfig
) -> None:
    if not prompt_ids:
        raise ValueError("the prompt is empty; give at least one token, such as <|endoftext|>")
    vocab_size, context = model.config.vocab_size, model.config.context
    if wrong := [token for token in (*prompt_ids, *stop_ids) if not 0 <= token < vocab_size]:
        raise ValueError(
            f"token id {wrong[0]} is not in the model's vocabulary of {vocab_size}; "
            "the tokenizer must be the one the model was trained with"
        )
    if (length := len(prompt_ids) + config.max_tokens) > context:
        raise ValueError(
            f"prompt and continuation may be {length} tokens long, and the context is {context}; "
            "shorten one of them"
        )
