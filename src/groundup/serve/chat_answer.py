"""Answers of /v1/chat/completions, whole and as a stream, from the engine's deltas.

Both are made from the same pieces: what a delta adds to one of the answers (text, calls of
functions, log-probabilities, an end). The stream sends each piece, the whole answer joins them.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from groundup.inference.request import Delta, TokenLogprob
from groundup.serve.answering import Count, Frame, checked
from groundup.serve.event_stream import event
from groundup.serve.protocol import StreamOptions, Usage
from groundup.serve.protocol_chat import (
    AnswerMessage,
    ChatChoice,
    ChatCompletion,
    ChatFinish,
    ToolCall,
)
from groundup.serve.runner import Flight
from groundup.serve.token_text import chat_logprobs
from groundup.serve.tools import AutoReader, Toolbox, call_of, calls_of
from groundup.tokenizers.stream import TokenBytes


@dataclass
class Piece:
    """What a delta adds to one answer."""

    text: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    arguments: str = ""
    """More of the last call's arguments."""
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: ChatFinish | None = None
    stop_reason: str | int | None = None


class Writer:
    """One of the answers: from deltas to pieces."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox
        self._auto = AutoReader(toolbox) if toolbox.mode == "auto" else None
        self._whole = ""
        self._is_called = False

    def write(self, delta: Delta) -> Piece:
        """What the delta adds."""
        piece = Piece(logprobs=delta.logprobs, stop_reason=delta.stop_reason)
        ended = delta.finish_reason is not None
        if ended:
            piece.finish = "length" if delta.finish_reason == "length" else "stop"
        if self._toolbox.mode == "named":
            self._named(piece, delta.text)
        elif self._toolbox.mode == "required":
            self._required(piece, delta.text, ended=ended)
        elif self._auto is not None:
            self._maybe(self._auto, piece, delta.text, ended=ended)
        else:
            piece.text = delta.text
        return piece

    def _named(self, piece: Piece, text: str) -> None:
        """All the model writes is the arguments of one call."""
        if not self._is_called:
            self._is_called = True
            piece.calls = [call_of(self._toolbox.functions[0].name, "")]
        piece.arguments = text

    def _required(self, piece: Piece, text: str, *, ended: bool) -> None:
        self._whole += text
        if ended:
            calls = calls_of(self._whole, self._toolbox)
            piece.calls = calls or []
            piece.text = "" if calls else self._whole  # cut short by its length
            piece.finish = "tool_calls" if calls else piece.finish

    def _maybe(self, reader: AutoReader, piece: Piece, text: str, *, ended: bool) -> None:
        piece.text = reader.push(text)
        if ended:
            rest, piece.calls = reader.finish()
            piece.text += rest
            piece.finish = "tool_calls" if piece.calls else piece.finish


async def whole(
    flight: Flight, frame: Frame, toolbox: Toolbox, tokenizer: TokenBytes, *, count: Count
) -> ChatCompletion:
    """The answers when all have ended. Raises ApiError if one failed."""
    writers = [Writer(toolbox) for _ in flight.lives]
    joined = [Piece() for _ in flight.lives]
    shows_logprobs = [False] * len(writers)
    async for index, delta in flight:
        count.add(index, checked(delta))
        _join(joined[index], writers[index].write(delta))
        shows_logprobs[index] |= bool(delta.logprobs)
    return ChatCompletion(
        id=frame.id,
        created=frame.created,
        model=frame.model,
        choices=[
            _choice(index, piece, tokenizer, shows=shows_logprobs[index])
            for index, piece in enumerate(joined)
        ],
        usage=count.usage(),
        system_fingerprint=frame.fingerprint,
    )


def _join(all_: Piece, more: Piece) -> None:
    all_.text += more.text
    all_.calls += more.calls
    all_.logprobs += more.logprobs
    if more.arguments:
        all_.calls[-1].function.arguments += more.arguments
    all_.finish, all_.stop_reason = more.finish, more.stop_reason


def _choice(index: int, piece: Piece, tokenizer: TokenBytes, *, shows: bool) -> ChatChoice:
    assert piece.finish is not None, "an answer is joined when it has ended"
    return ChatChoice(
        index=index,
        message=AnswerMessage(
            content=None if piece.calls and not piece.text else piece.text,
            tool_calls=piece.calls or None,
        ),
        logprobs=chat_logprobs(tokenizer, piece.logprobs) if shows else None,
        finish_reason=piece.finish,
        stop_reason=piece.stop_reason,
    )


async def stream(
    flight: Flight,
    frame: Frame,
    toolbox: Toolbox,
    tokenizer: TokenBytes,
    *,
    count: Count,
    options: StreamOptions,
) -> AsyncIterator[bytes]:
    """The events of a stream: for each answer its role, its pieces and its end; then the usage.

    Raises ApiError if an answer failed.
    """
    header = frame.header("chat.completion.chunk")
    writers = [Writer(toolbox) for _ in flight.lives]
    called = [0] * len(writers)
    begun: set[int] = set()
    async for index, delta in flight:
        count.add(index, checked(delta))
        piece = writers[index].write(delta)
        parts: list[dict[str, Any]] = []
        if index not in begun:
            begun.add(index)
            parts.append({"role": "assistant", "content": ""})
        parts += _parts(piece, called, index)
        if not parts and piece.logprobs:
            parts.append({"content": ""})
        usage = count.usage() if options.continuous_usage_stats else None
        for place, part in enumerate(parts):
            logprobs = piece.logprobs if place == len(parts) - 1 else ()
            told = chat_logprobs(tokenizer, logprobs).model_dump() if logprobs else None
            yield _chunk(header, options, _changed(index, part, told), usage)
        if piece.finish is not None:
            end = _changed(index, {}, None)
            end |= {"finish_reason": piece.finish, "stop_reason": piece.stop_reason}
            yield _chunk(header, options, end, usage)
    if options.include_usage:
        yield event({**header, "choices": [], "usage": count.usage().model_dump()})


def _parts(piece: Piece, called: list[int], index: int) -> list[dict[str, Any]]:
    """The `delta` of each chunk that a piece becomes: text, then each call."""
    parts: list[dict[str, Any]] = [{"content": piece.text}] if piece.text else []
    for call in piece.calls:
        begun = {**call.model_dump(), "index": called[index]}
        parts.append({"tool_calls": [begun]})
        called[index] += 1
    if piece.arguments:
        more = {"index": called[index] - 1, "function": {"arguments": piece.arguments}}
        parts.append({"tool_calls": [more]})
    return parts


def _changed(index: int, delta: dict[str, Any], logprobs: Any) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": None}


def _chunk(
    header: dict[str, Any], options: StreamOptions, choice: dict[str, Any], usage: Usage | None
) -> bytes:
    chunk: dict[str, Any] = {**header, "choices": [choice]}
    if options.include_usage or usage:
        chunk["usage"] = usage and usage.model_dump()
    return event(chunk)
