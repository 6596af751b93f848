"""Answers of /v1/completions, whole and as a stream, from the engine's deltas.

Each answer is written piece by piece; with `echo` its first piece begins with the prompt and, if
asked for, the prompt's log-probabilities. The whole answer joins the pieces. Of `best_of` answers
to a prompt those with the highest mean log-probability a token are given.
"""

import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from groundup.inference.request import Delta, Request
from groundup.serve.answering import Count, Frame, checked
from groundup.serve.event_stream import event
from groundup.serve.protocol import StreamOptions
from groundup.serve.protocol_completions import Completion, CompletionChoice, CompletionLogprobs
from groundup.serve.runner import Flight
from groundup.serve.token_text import CompletionLogprobWriter
from groundup.tokenizers.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the answers hold."""

    echo: bool
    """Whether the prompt comes first."""
    logprobs: int | None
    """Of how many of the likeliest tokens; None: no log-probabilities."""
    count: int
    """Answers made for each prompt."""
    given: int
    """Answers given, the best of them."""
    end_ids: frozenset[int]
    """End tokens that come as tokens of the answer; their text is not shown."""


class Writer:
    """One answer: from deltas to pieces."""

    def __init__(self, request: Request, shape: Shape, tokenizer: Tokenizer) -> None:
        self._request = request
        self._shape = shape
        self._tokenizer = tokenizer
        self._logprobs = CompletionLogprobWriter(tokenizer)
        self._is_begun = False
        self._total = 0.0
        self._tokens = 0

    @property
    def score(self) -> float:
        """Mean log-probability of the answer's tokens; of none, the lowest."""
        return self._total / self._tokens if self._tokens else -math.inf

    def write(self, index: int, delta: Delta) -> CompletionChoice:
        """What the delta adds, as the answer `index`."""
        text, finish = delta.text, delta.finish_reason
        self._total += sum(place.logprob for place in delta.logprobs)
        self._tokens += len(delta.logprobs)
        if delta.tokens and delta.tokens[-1] in self._shape.end_ids:
            text, finish = "", "stop"
        told = None
        if self._shape.logprobs is not None:
            told = CompletionLogprobs(tokens=[], token_logprobs=[], top_logprobs=[], text_offset=[])
        if self._shape.echo and not self._is_begun:
            text = self._tokenizer.decode(self._request.prompt) + text
            if told:
                prompt = (None, *delta.prompt_logprobs)
                _extend(told, self._logprobs.write(self._request.prompt, prompt))
        self._is_begun = True
        if told:
            _extend(told, self._logprobs.write(delta.tokens, delta.logprobs))
        return CompletionChoice(
            index=index,
            text=text,
            logprobs=told,
            finish_reason=_finish(finish),
            stop_reason=delta.stop_reason,
        )


def _finish(reason: str | None) -> Literal["stop", "length"] | None:
    if reason is None:
        return None
    return "length" if reason == "length" else "stop"


def _extend(told: CompletionLogprobs, more: CompletionLogprobs) -> None:
    told.tokens += more.tokens
    told.token_logprobs += more.token_logprobs
    told.top_logprobs += more.top_logprobs
    told.text_offset += more.text_offset


async def whole(
    flight: Flight,
    frame: Frame,
    shape: Shape,
    requests: Sequence[Request],
    tokenizer: Tokenizer,
    *,
    count: Count,
) -> Completion:
    """The answers when all have ended. Raises ApiError if one failed."""
    writers = [Writer(request, shape, tokenizer) for request in requests]
    joined: list[CompletionChoice | None] = [None] * len(writers)
    async for index, delta in flight:
        count.add(index, checked(delta))
        joined[index] = _joined(joined[index], writers[index].write(index, delta))
    choices: list[CompletionChoice] = []
    for first in range(0, len(writers), shape.count):
        places = range(first, first + shape.count)
        best = sorted(places, key=lambda place: -writers[place].score)[: shape.given]
        # without a choice to make, answers keep their order
        for place in best if shape.given < shape.count else places:
            choice = joined[place]
            assert choice is not None, "every answer that ended has a piece"
            choices.append(choice.model_copy(update={"index": len(choices)}))
    return Completion(
        id=frame.id,
        created=frame.created,
        model=frame.model,
        choices=choices,
        usage=count.usage(),
        system_fingerprint=frame.fingerprint,
    )


def _joined(before: CompletionChoice | None, more: CompletionChoice) -> CompletionChoice:
    if before is None:
        return more
    before.text += more.text
    before.finish_reason, before.stop_reason = more.finish_reason, more.stop_reason
    if before.logprobs and more.logprobs:
        _extend(before.logprobs, more.logprobs)
    return before


async def stream(
    flight: Flight,
    frame: Frame,
    shape: Shape,
    requests: Sequence[Request],
    tokenizer: Tokenizer,
    *,
    count: Count,
    options: StreamOptions,
) -> AsyncIterator[bytes]:
    """The events of a stream. Raises ApiError if an answer failed."""
    header = frame.header("text_completion")
    writers = [Writer(request, shape, tokenizer) for request in requests]
    async for index, delta in flight:
        count.add(index, checked(delta))
        piece = writers[index].write(index, delta)
        if not (piece.text or piece.finish_reason or (piece.logprobs and piece.logprobs.tokens)):
            continue
        chunk: dict[str, Any] = {**header, "choices": [piece.model_dump()]}
        if options.include_usage or options.continuous_usage_stats:
            now = count.usage().model_dump() if options.continuous_usage_stats else None
            chunk["usage"] = now
        yield event(chunk)
    if options.include_usage:
        yield event({**header, "choices": [], "usage": count.usage().model_dump()})
