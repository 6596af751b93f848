"""`POST /v1/chat/completions`."""

import functools

from fastapi import APIRouter, Request
from starlette.responses import Response

from groundup.serve import chat_answer
from groundup.serve.answering import Count
from groundup.serve.asking import Wanted, encoded, requests_of
from groundup.serve.calling import caller_of, frame_of, patiently
from groundup.serve.documented import errors, streamed
from groundup.serve.errors import ApiError
from groundup.serve.event_stream import EventStream
from groundup.serve.guidance import chat_grammar
from groundup.serve.protocol import StreamOptions
from groundup.serve.protocol_chat import ChatChunk, ChatCompletion, ChatMessage, ChatRequest
from groundup.serve.service import ServedModel, Service
from groundup.serve.tools import Toolbox, definitions, messages_of, takes_tools, toolbox_of

TURN = 20
"""Characters whose ids cost about as much as one more turn among as many others."""


def router(service: Service) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["OpenAI"])

    @routes.post(
        "/v1/chat/completions",
        response_model=ChatCompletion,
        responses={200: streamed(ChatChunk), **errors()},
        summary="Go on with a conversation",
    )
    async def chat(ask: ChatRequest, request: Request) -> Response:
        return await _chat(service, ask, request)

    return routes


async def _chat(service: Service, ask: ChatRequest, request: Request) -> Response:
    model, caller = service.find(ask.model), caller_of(request)
    _check(ask)
    toolbox = toolbox_of(ask)
    prompt = await chat_ids(model, ask.messages, toolbox, variables=ask.chat_template_kwargs)
    answers = ask.n or 1
    limit = ask.max_completion_tokens or ask.max_tokens
    logprobs = (ask.top_logprobs or 0) if ask.logprobs else None
    wanted = Wanted(count=answers, max_tokens=limit, prompt_field="messages", logprobs=logprobs)
    requests = requests_of(
        ask,
        [prompt],
        model,
        caller,
        wanted,
        most=service.settings.sequences,
        grammar=await chat_grammar(ask, toolbox, model),
    )
    frame, count = frame_of(model, caller, "chatcmpl"), Count([len(prompt)], answers)
    asked = caller.asked(model.name, requests, stream=bool(ask.stream))
    flight = await patiently(request, service.submit(model, requests, asked))
    if ask.stream:
        events = chat_answer.stream(
            flight,
            frame,
            toolbox,
            model.tokenizer,
            count=count,
            options=ask.stream_options or StreamOptions(),
        )
        seconds = service.settings.write_seconds
        return EventStream(events, write_seconds=seconds, closed=flight.cancel)
    try:
        work = chat_answer.whole(flight, frame, toolbox, model.tokenizer, count=count)
        answer = await patiently(request, work)
    finally:
        flight.cancel()
    return Response(answer.model_dump_json(), media_type="application/json")


def _check(ask: ChatRequest) -> None:
    """Raise ApiError where fields contradict each other."""
    if ask.top_logprobs is not None and not ask.logprobs:
        message = "top_logprobs is set; it needs logprobs to be true"
        raise ApiError(400, message, param="top_logprobs")
    if ask.stream_options is not None and not ask.stream:
        message = "stream_options is set; it needs stream to be true"
        raise ApiError(400, message, param="stream_options")


async def chat_ids(
    model: ServedModel,
    messages: list[ChatMessage],
    toolbox: Toolbox,
    *,
    variables: dict[str, object] | None = None,
    adds_prompt: bool = True,
) -> list[int]:
    """The conversation's ids. Raises ApiError (400) if the model cannot be told it."""
    if model.template is None:
        raise ApiError(
            400,
            f"{model.name} was not taught to chat; /v1/completions lets it continue a text",
            code="no_chat_template",
        )
    native = takes_tools(model.template)
    told = messages_of(messages, toolbox, native=native)
    encode = functools.partial(
        model.template.prompt_ids,
        told,
        model.tokenizer,
        add_generation_prompt=adds_prompt,
        tools=definitions(toolbox) if native and toolbox.is_open else None,
        variables=variables,
    )
    length = sum(len(str(message.get("content"))) for message in told)
    # what it costs grows with the square of the number of turns
    ids = await encoded(max(length, len(told) ** 2 * TURN), encode, field="messages")
    return list(ids)
