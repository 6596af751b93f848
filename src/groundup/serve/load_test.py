"""A load test of any server with OpenAI's API: a trace of users is sent, each piece's time kept.

What the times are summed up to is in `load_summary`. Needs `httpx`. Left out: several processes of
clients (one reads some thousand tokens a second).
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from groundup.observe.progress import Advance, Progress, silent
from groundup.serve.load_summary import Call, Summary, summarize
from groundup.serve.traces import Conversation, TraceConfig, conversations


@dataclass(frozen=True, kw_only=True)
class LoadTestConfig:
    """Which server, and how it is asked."""

    url: str
    """Where the server is: http://127.0.0.1:8000 (with or without /v1)."""
    model: str = ""
    """The model's name; empty: the first the server lists."""
    api_key: str = field(default="", repr=False)
    """Sent as a bearer token, if given."""
    timeout: float = 600.0
    """How long the server may say nothing, in seconds."""
    keep_alive: bool = True
    """Ask again on the same connection; some servers close one just when it is used again."""
    extra: str = "{}"
    """More fields for each request, as JSON: '{"ignore_eos": true, "temperature": 0}'."""

    def endpoint(self, path: str) -> str:
        """A path below /v1."""
        return f"{self.url.rstrip('/').removesuffix('/v1')}/v1/{path}"

    def fields(self) -> dict[str, Any]:
        """`extra`, read. Raises ValueError when it is no JSON object."""
        try:
            read = json.loads(self.extra)
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise ValueError(f"extra is {self.extra!r}; wanted a JSON object")
        return read


def load_test(
    config: LoadTestConfig, trace: TraceConfig, *, progress: Progress = silent
) -> tuple[list[Call], Summary]:
    """Send a trace to a server; every request's times, and their summary.

    Raises ValueError when the server cannot be reached or lists no model.
    """
    calls = asyncio.run(replay(config, trace, progress=progress))
    return calls, summarize(calls)


async def replay(
    config: LoadTestConfig,
    trace: TraceConfig,
    *,
    progress: Progress = silent,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Call]:
    """All requests of a trace, each by its user and in its time."""
    headers = {"authorization": f"Bearer {config.api_key}"} if config.api_key else {}
    kept = None if config.keep_alive else 0
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=kept)
    async with httpx.AsyncClient(
        headers=headers, limits=limits, timeout=config.timeout, trust_env=False
    ) as client:
        body = config.fields() | {
            "model": config.model or await first_model(client, config),
            "max_tokens": trace.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        with progress("requests", total=trace.requests, unit="requests") as advance:
            test = _Test(client, config.endpoint("chat/completions"), body, advance, clock)
            plan = conversations(trace)
            if trace.trace == "chat":
                await test.closed_loop(plan, trace.users)
            else:
                await test.open_loop(plan)
    return test.calls


async def first_model(client: httpx.AsyncClient, config: LoadTestConfig) -> str:
    """The first model a server lists. Raises ValueError, saying what to look at."""
    url = config.endpoint("models")
    try:
        answer = await client.get(url, timeout=min(10.0, config.timeout))
        answer.raise_for_status()
        return str(answer.json()["data"][0]["id"])
    except httpx.TransportError as problem:
        raise ValueError(
            f"no server answers at {config.url} ({type(problem).__name__}); is it running?"
        ) from problem
    except (httpx.HTTPStatusError, ValueError, LookupError, TypeError) as problem:
        raise ValueError(
            f"{url} lists no model ({problem}); name one with --model, or give the --api-key"
        ) from problem


class _Test:
    """The users of one load test."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        body: Mapping[str, Any],
        advance: Advance,
        clock: Callable[[], float],
    ) -> None:
        self.calls: list[Call] = []
        self._client = client
        self._url = url
        self._body = body
        self._advance = advance
        self._clock = clock
        self._began = clock()

    async def closed_loop(self, plan: Sequence[Conversation], users: int) -> None:
        waiting = iter(plan)

        async def user() -> None:
            for conversation in waiting:
                await self._talk(conversation)

        await asyncio.gather(*(user() for _ in range(users)))

    async def open_loop(self, plan: Sequence[Conversation]) -> None:
        async def arrive(conversation: Conversation) -> None:
            await asyncio.sleep(max(0.0, (conversation.at or 0.0) - self._now()))
            await self._talk(conversation)

        await asyncio.gather(*(arrive(conversation) for conversation in plan))

    def _now(self) -> float:
        return self._clock() - self._began

    async def _talk(self, conversation: Conversation) -> None:
        """All turns; each sees the server's own answers to the ones before."""
        messages: list[dict[str, str]] = []
        if conversation.system:
            messages.append({"role": "system", "content": conversation.system})
        for turn, said in enumerate(conversation.says):
            messages.append({"role": "user", "content": said})
            is_first = turn == 0 and conversation.at is not None
            call = Call(due=conversation.at or 0.0) if is_first else Call(due=self._now())
            self.calls.append(call)
            await self._ask(call, messages)
            self._advance(1)
            messages.append({"role": "assistant", "content": call.text})

    async def _ask(self, call: Call, messages: Sequence[Mapping[str, str]]) -> None:
        body = {**self._body, "messages": messages}
        try:
            async with self._client.stream("POST", self._url, json=body) as answer:
                if answer.status_code != 200:
                    call.error = f"HTTP {answer.status_code}"
                    await answer.aread()
                else:
                    await self._read(call, answer)
        except httpx.TransportError as problem:
            call.error = type(problem).__name__
        call.end = self._now()
        call.output_tokens = call.output_tokens or len(call.pieces)

    async def _read(self, call: Call, answer: httpx.Response) -> None:
        is_whole = False
        async for line in answer.aiter_lines():
            if not line.startswith("data:"):
                continue
            data = line.removeprefix("data:").strip()
            if data == "[DONE]":
                is_whole = True
                continue
            try:
                self._note(call, json.loads(data))
            except (ValueError, AttributeError, TypeError):
                call.error = "an event that is none of OpenAI's"
        if not is_whole and not call.error:
            call.error = "the stream ended too early"

    def _note(self, call: Call, event: Mapping[str, Any]) -> None:
        if problem := event.get("error"):
            call.error = str(problem.get("code") or problem.get("message") or "error")
        if usage := event.get("usage"):
            call.prompt_tokens = usage.get("prompt_tokens", 0)
            call.output_tokens = usage.get("completion_tokens", 0)
            details = usage.get("prompt_tokens_details") or {}
            call.cached_tokens = details.get("cached_tokens") or 0
        for choice in event.get("choices") or ():
            if text := (choice.get("delta") or {}).get("content"):
                call.text += text
                call.pieces.append(self._now())
