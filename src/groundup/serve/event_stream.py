"""Server-sent events as OpenAI's API sends them: lines `data: {...}`, at the end `data: [DONE]`.

A reader who leaves is noticed at once, also while there is nothing to send; one who stops reading
is given up after a while.

Source: WHATWG, HTML standard, "Server-sent events".
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from groundup.serve.errors import ApiError

DONE = b"data: [DONE]\n\n"
HEADERS = {
    "cache-control": "no-cache",
    "x-accel-buffering": "no",  # nginx passes each event on as it comes
}
T = TypeVar("T")


class ClientGone(Exception):  # noqa: N818
    """Whoever asked has left, which is nobody's error."""


def event(data: Any) -> bytes:
    """One event."""
    return (
        b"data: " + json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
    )


async def ended(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The events, an error among them if there is one, and the end."""
    try:
        async with contextlib.aclosing(events):  # type: ignore[type-var]
            async for one in events:
                yield one
    except ApiError as problem:
        yield event(problem.body())
    yield DONE


class EventStream(Response):
    """Sends events until they end or the client leaves; `closed` is called in any case."""

    media_type = "text/event-stream"

    def __init__(
        self, events: AsyncIterator[bytes], *, write_seconds: float, closed: Callable[[], None]
    ) -> None:
        """`write_seconds`: how long an event may lie unread before the client is given up."""
        self.status_code = 200
        self.background = None
        self.init_headers(HEADERS)
        self._events = events
        self._write_seconds = write_seconds
        self._closed = closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all of it, or as much as is wanted."""
        try:
            with contextlib.suppress(ClientGone, TimeoutError):
                await unless_gone(self._send(send), receive)
        finally:
            self._closed()

    async def _send(self, send: Send) -> None:
        async with contextlib.aclosing(ended(self._events)) as events:  # type: ignore[type-var]
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            async for one in events:
                async with asyncio.timeout(self._write_seconds):
                    await send({"type": "http.response.body", "body": one, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def unless_gone(work: Coroutine[Any, Any, T], receive: Receive) -> T:
    """What the work gives; it is cancelled, and ClientGone raised, when the client leaves."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(receive: Receive) -> None:
    """Returns when the client has left; the request's body was read before."""
    while (await receive())["type"] != "http.disconnect":
        pass
