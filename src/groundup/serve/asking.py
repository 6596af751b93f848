"""From a request of OpenAI's API to the engine's requests.

What the schema of a field cannot say is checked here: whether the prompt fits, whether there are
too many sequences, whether fields contradict each other.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from groundup.inference.request import Grammar, Request
from groundup.inference.sampling import Sampling
from groundup.serve.errors import ApiError
from groundup.serve.observer import Asked
from groundup.serve.protocol import Generation
from groundup.serve.service import ServedModel

COLDEST = 1e-5
"""Temperatures below it take the likeliest token, as vLLM does: the logits would overflow."""
LONG_TEXT = 20_000
"""Characters; longer texts are turned into ids in a thread, so that others are not held up."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks, and how: what stands around a request, not in it."""

    request_id: str
    """Unique; also in the answer's headers."""
    endpoint: str
    """The path."""
    key: str = ""
    """The name of the API key."""
    priority: int = 0
    """Smaller goes first."""
    traceparent: str = ""
    """The client's trace header."""
    at: float
    """When it came."""

    def asked(self, model: str, requests: Sequence[Request], *, stream: bool) -> Asked:
        """The facts of this request for those who watch. Answers to one prompt share it."""
        prompts = [request for request in requests if request.index == 0]
        return Asked(
            request_id=self.request_id,
            endpoint=self.endpoint,
            model=model,
            key=self.key,
            prompt_tokens=sum(len(request.prompt) for request in prompts),
            max_tokens=sum(request.max_tokens for request in requests),
            sequences=len(requests),
            stream=stream,
            traceparent=self.traceparent,
            at=self.at,
        )


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an endpoint wants beside the fields that all generation shares."""

    count: int
    """Answers to each prompt."""
    max_tokens: int | None
    """The longest answer; None: as long as the context allows."""
    prompt_field: str
    """What the prompt is called, for errors."""
    logprobs: int | None = None
    """As in `Request`."""
    prompt_logprobs: int | None = None
    """As in `Request`."""
    shows_end: bool = False
    """Whether an end token counts as a token of the answer."""


def requests_of(
    ask: Generation,
    prompts: Sequence[Sequence[int]],
    model: ServedModel,
    caller: Caller,
    wanted: Wanted,
    *,
    most: int,
    grammar: Callable[[], Grammar] | None = None,
) -> list[Request]:
    """The engine's requests: for each prompt, `wanted.count` of them.

    `most`: how many sequences there may be; `grammar` makes one for each. Raises ApiError (400).
    """
    check_sequences(len(prompts), wanted.count, most)
    sampling, bias = sampling_of(ask), _biases(ask)
    requests = []
    for prompt in prompts:
        room = _room(prompt, model, wanted.prompt_field)
        first = Request(
            prompt=tuple(prompt),
            max_tokens=room if wanted.max_tokens is None else min(room, wanted.max_tokens),
            sampling=sampling,
            min_tokens=ask.min_tokens,
            stop=_stops(ask),
            stop_ids=frozenset() if wanted.shows_end else end_ids(ask, model),
            logit_bias=bias,
            logprobs=wanted.logprobs,
            prompt_logprobs=wanted.prompt_logprobs,
            priority=caller.priority,
            salt=ask.cache_salt or "",
        )
        requests += [
            replace(first, index=index, grammar=grammar() if grammar else None)
            for index in range(wanted.count)
        ]
    return requests


def check_sequences(prompts: int, answers: int, most: int) -> None:
    """Raise ApiError (400) if so many answers to each of so many prompts are too many sequences."""
    if prompts * answers > most:
        raise ApiError(
            400,
            f"{prompts} prompts with {answers} answers each are more than the {most} sequences a "
            "request may have; ask several times",
            param="n",
        )


def sampling_of(ask: Generation) -> Sampling:
    """How tokens are drawn. Raises ApiError (400) where the settings describe no distribution."""
    temperature = 1.0 if ask.temperature is None else ask.temperature
    try:
        return Sampling(
            temperature=0.0 if temperature < COLDEST else temperature,
            top_k=ask.top_k if ask.top_k and ask.top_k > 0 else None,
            top_p=ask.top_p,
            min_p=ask.min_p,
            typical_p=ask.typical_p,
            repetition_penalty=1.0 if ask.repetition_penalty is None else ask.repetition_penalty,
            presence_penalty=ask.presence_penalty or 0.0,
            frequency_penalty=ask.frequency_penalty or 0.0,
            seed=ask.seed,
        )
    except ValueError as problem:
        raise ApiError(400, str(problem)) from problem


def end_ids(ask: Generation, model: ServedModel) -> frozenset[int]:
    """The tokens that end an answer."""
    own = frozenset() if ask.ignore_eos else model.end_ids
    return own | frozenset(ask.stop_token_ids or ())


def _stops(ask: Generation) -> tuple[str, ...]:
    return (ask.stop,) if isinstance(ask.stop, str) else tuple(ask.stop or ())


def _biases(ask: Generation) -> tuple[tuple[int, float], ...]:
    return tuple((int(token), bias) for token, bias in (ask.logit_bias or {}).items())


def _room(prompt: Sequence[int], model: ServedModel, field: str) -> int:
    """How long an answer may be. Its last token is drawn but not read, so there is one more."""
    check_length(prompt, model, field)
    return model.context + 1 - len(prompt)


def check_length(prompt: Sequence[int], model: ServedModel, field: str) -> None:
    """Raise ApiError (400) if the model cannot read so many tokens, or so few."""
    if not prompt:
        raise ApiError(400, "the prompt has no tokens", param=field)
    if len(prompt) > model.context:
        raise ApiError(
            400,
            f"{model.name} reads at most {model.context} tokens, and the prompt has {len(prompt)}; "
            "shorten it",
            code="context_length_exceeded",
            param=field,
        )


def listed(given: Any) -> list[str | list[int]]:
    """The prompts of a field that is one text, one list of ids, or a list of such."""
    is_one = isinstance(given, str) or isinstance(given[0], int)
    return [given] if is_one else list(given)


async def encoded(length: int, encode: Callable[[], Any], *, field: str) -> Any:
    """What `encode` gives: ids, of a text of `length` characters.

    Raises ApiError (400) for text that has none.
    """
    try:
        return await asyncio.to_thread(encode) if length > LONG_TEXT else encode()
    except ValueError as problem:
        raise ApiError(400, str(problem), param=field) from problem
