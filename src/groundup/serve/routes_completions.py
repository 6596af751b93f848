"""`POST /v1/completions`."""

import functools

from fastapi import APIRouter, Request
from starlette.responses import Response

from groundup.serve import completion_answer
from groundup.serve.answering import Count
from groundup.serve.asking import Wanted, check_sequences, encoded, end_ids, listed, requests_of
from groundup.serve.calling import caller_of, frame_of, patiently
from groundup.serve.documented import errors, streamed
from groundup.serve.errors import ApiError
from groundup.serve.event_stream import EventStream
from groundup.serve.guidance import grammar_of
from groundup.serve.protocol import StreamOptions
from groundup.serve.protocol_completions import Completion, CompletionRequest
from groundup.serve.service import ServedModel, Service


def router(service: Service) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["OpenAI"])

    @routes.post(
        "/v1/completions",
        response_model=Completion,
        responses={200: streamed(Completion), **errors()},
        summary="Continue a text",
    )
    async def complete(ask: CompletionRequest, request: Request) -> Response:
        return await _complete(service, ask, request)

    return routes


async def _complete(service: Service, ask: CompletionRequest, request: Request) -> Response:
    model, caller = service.find(ask.model), caller_of(request)
    shape = _shape(ask, model)
    given = listed(ask.prompt)
    check_sequences(len(given), shape.count, service.settings.sequences)
    prompts = [await text_ids(model, one, special=ask.add_special_tokens) for one in given]
    # whatever is chosen from is scored, asked for or not
    scored = 0 if shape.given < shape.count and ask.logprobs is None else ask.logprobs
    wanted = Wanted(
        count=shape.count,
        max_tokens=16 if ask.max_tokens is None else ask.max_tokens,
        prompt_field="prompt",
        logprobs=scored,
        prompt_logprobs=ask.logprobs if ask.echo else None,
        shows_end=bool(shape.end_ids),
    )
    requests = requests_of(
        ask,
        prompts,
        model,
        caller,
        wanted,
        most=service.settings.sequences,
        grammar=await grammar_of(ask, model),
    )
    frame = frame_of(model, caller, "cmpl")
    count = Count([len(prompt) for prompt in prompts], shape.count)
    asked = caller.asked(model.name, requests, stream=bool(ask.stream))
    flight = await patiently(request, service.submit(model, requests, asked))
    arguments = (flight, frame, shape, requests, model.tokenizer)
    if ask.stream:
        options = ask.stream_options or StreamOptions()
        events = completion_answer.stream(*arguments, count=count, options=options)
        seconds = service.settings.write_seconds
        return EventStream(events, write_seconds=seconds, closed=flight.cancel)
    try:
        answer = await patiently(request, completion_answer.whole(*arguments, count=count))
    finally:
        flight.cancel()
    return Response(answer.model_dump_json(), media_type="application/json")


def _shape(ask: CompletionRequest, model: ServedModel) -> completion_answer.Shape:
    """What the answers hold. Raises ApiError where fields contradict each other."""
    given = ask.n or 1
    made = ask.best_of or given
    if made < given:
        raise ApiError(400, f"best_of is {made}; it must be at least n, {given}", param="best_of")
    if made > given and ask.stream:
        message = "best_of answers cannot be streamed: the best is known at the end"
        raise ApiError(400, message, param="best_of")
    if ask.stream_options is not None and not ask.stream:
        message = "stream_options is set; it needs stream to be true"
        raise ApiError(400, message, param="stream_options")
    # One token with its log-probability is how evaluations ask (their code drops it and keeps the
    # prompt's), so one must come even if it is the end token.
    shows_end = ask.logprobs is not None and ask.max_tokens == 1
    return completion_answer.Shape(
        echo=bool(ask.echo),
        logprobs=ask.logprobs,
        count=made,
        given=given,
        end_ids=end_ids(ask, model) if shows_end else frozenset(),
    )


async def text_ids(
    model: ServedModel, text: str | list[int], *, special: bool, field: str = "prompt"
) -> list[int]:
    """The ids of a prompt; an empty text is a document's beginning. Raises ApiError (400)."""
    if not isinstance(text, str):
        return text
    ids = await raw_ids(model, text, special=special, field=field)
    end = model.tokenizer.end_token
    if not ids and end in model.tokenizer.special_tokens:
        ids = [model.tokenizer.special_tokens[end]]
    return ids


async def raw_ids(
    model: ServedModel, text: str, *, special: bool, field: str = "prompt"
) -> list[int]:
    """The ids of a text, in which special tokens' names are read as these tokens.

    `special`: whether the tokenizer adds its own. Raises ApiError (400) for a text without ids.
    """
    encode = functools.partial(
        model.tokenizer.encode, text, allowed_special="all", add_special_tokens=special
    )
    return list(await encoded(len(text), encode, field=field))
