"""Speculative decoding with a smaller model that guesses: `generate`'s answer, in fewer steps.

Legend: K guess, V vocabulary.

    repeat: the small model writes k tokens; the large one looks at all of them at once;
            `speculation.accept` says how many hold, and one token more is certain

Expected tokens a step of the large model, where each guess holds with probability a:
(1 - a^(k+1)) / (1 - a) (Leviathan et al. 2023, equation 1). One sequence at a time; penalties are
left out, and so is going on beyond the context.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from groundup.inference.cache import KVCache
from groundup.inference.sampling import Chance, Sampling
from groundup.inference.speculation import accept, probabilities
from groundup.models.gpt import GPT


@dataclass
class Tally:
    """How well the guesses went."""

    drafted: int = 0
    """Tokens guessed."""
    accepted: int = 0
    """Guesses that held."""
    steps: int = 0
    """Steps of the large model."""


def generate_with_draft(
    model: GPT,
    draft: GPT,
    prompt_ids: Sequence[int],
    *,
    max_tokens: int,
    sampling: Sampling,
    stop_ids: Collection[int] = (),
    lookahead: int = 4,
    tally: Tally | None = None,
) -> Iterator[int]:
    """Yield what `model` writes after the prompt, with `draft` guessing `lookahead` tokens a step.

    With temperature 0 the tokens of `generate.generate`; else others of the same distribution.
    Raises ValueError for models of different vocabularies, penalties, and what does not fit.
    """
    _check(model, draft, prompt_ids, max_tokens, sampling, lookahead)
    return _steps(
        _Scorer(model),
        _Scorer(draft),
        list(prompt_ids),
        longest=len(prompt_ids) + max_tokens,
        sampling=sampling,
        stop_ids=frozenset(stop_ids),
        lookahead=lookahead,
        tally=tally or Tally(),
    )


def _steps(
    model: "_Scorer",
    draft: "_Scorer",
    tokens: list[int],
    *,
    longest: int,
    sampling: Sampling,
    stop_ids: frozenset[int],
    lookahead: int,
    tally: Tally,
) -> Iterator[int]:
    chance = Chance(sampling.seed)
    while len(tokens) < longest:
        guesses: list[int] = []
        q_KV = torch.empty(0)
        for _ in range(min(lookahead, longest - len(tokens) - 1)):
            q_1V = probabilities(draft.logits(tokens + guesses, 1), sampling)
            q_KV = torch.cat([q_KV, q_1V]) if guesses else q_1V
            # a guess is the target of an empty speculation on the small model
            guesses += accept(q_1V, q_KV, [], [chance.draw()])
        p_KV = probabilities(model.logits(tokens + guesses, len(guesses) + 1), sampling)
        chances = [chance.draw() for _ in range(2 * len(guesses) + 1)]
        held = accept(p_KV, q_KV, guesses, chances)
        tally.steps += 1
        tally.drafted += len(guesses)
        tally.accepted += len(held) - 1
        for token in held:
            if token in stop_ids:
                return
            tokens.append(token)
            yield token


class _Scorer:
    """A model that reads a sequence that grows and, where guesses failed, shrinks again."""

    def __init__(self, model: GPT) -> None:
        self._model = model
        self._cache = KVCache()
        self._read: list[int] = []

    def logits(self, tokens: Sequence[int], count: int) -> Tensor:
        """`logits_KV` of what follows each of the last `count` tokens."""
        known = 0
        for old, new in zip(self._read, tokens[: len(tokens) - count], strict=False):
            if old != new:
                break
            known += 1
        self._cache.truncate(known)
        self._read = list(tokens[:known])
        device = next(self._model.parameters()).device
        with torch.no_grad():
            fresh_BT = torch.tensor([tokens[known:]], device=device)
            logits_KV: Tensor = self._model(fresh_BT, self._cache)[0, -count:]
        self._read = list(tokens)
        return logits_KV


def _check(
    model: GPT,
    draft: GPT,
    prompt_ids: Sequence[int],
    max_tokens: int,
    sampling: Sampling,
    lookahead: int,
) -> None:
    sizes = model.config.vocab_size, draft.config.vocab_size
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"the model has {sizes[0]} tokens and the draft model {sizes[1]}; "
            "they must share one tokenizer"
        )
    if not prompt_ids:
        raise ValueError("the prompt is empty; give at least one token, such as <|endoftext|>")
    if max_tokens < 0 or lookahead < 1:
        raise ValueError(
            f"max_tokens is {max_tokens} and lookahead {lookahead}; "
            "they must be at least 0 and at least 1"
        )
    if sampling.looks_back:
        raise ValueError("penalties are not known to a draft model; leave them out")
    context = min(model.config.context, draft.config.context)
    if len(prompt_ids) + max_tokens > context:
        raise ValueError(
            f"{len(prompt_ids)} + {max_tokens} tokens do not fit the context of {context}; "
            "ask for fewer"
        )
