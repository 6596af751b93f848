"""A replica's answer on its way to the client: whole, or a stream of whole events.

Nothing is passed on before the first event is complete, so until then the request can still go to
another replica; and what breaks later breaks between two events, where an error can be said.
"""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
from starlette.types import Send

from groundup.serve.errors import ApiError

OF_ONE_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade".split()
)
"""Headers between two neighbours (RFC 9110, 7.6.1), which are not passed on."""
_MOST_HELD = 1 << 20
"""Bytes of an event that is not complete; a longer one is passed on in pieces."""


class Answer:
    """An answer on its way to the client."""

    def __init__(self, send: Send, number: str) -> None:
        """`number`: which replica, for the header `x-replica`."""
        self.begun = False
        self._send = send
        self._own = [(b"x-replica", number.encode())]

    async def pass_on(self, answer: httpx.Response) -> None:
        """The whole answer, or a stream event by event."""
        is_stream = answer.headers.get("content-type", "").startswith("text/event-stream")
        headers = _passed_back(answer.headers.raw) + self._own
        if not is_stream:
            body = b"".join([piece async for piece in answer.aiter_raw()])
            self.begun = True
            await send_whole(self._send, answer.status_code, headers, body)
            return
        async for events in whole_events(answer.aiter_raw()):
            await self._begin(answer.status_code, headers)
            await self._send({"type": "http.response.body", "body": events, "more_body": True})
        await self._begin(answer.status_code, headers)
        await self._send({"type": "http.response.body", "body": b""})

    async def break_off(self, problem: httpx.TransportError) -> None:
        """The replica failed and nobody else may answer."""
        said = f"the replica failed ({type(problem).__name__})"
        error = ApiError(502, said, code="replica_failed")
        if not self.begun:
            await send_error(self._send, error)
            return
        event = f"data: {json.dumps(error.body())}\n\n".encode()
        await self._send({"type": "http.response.body", "body": event})

    async def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if not self.begun:
            self.begun = True
            await self._send({"type": "http.response.start", "status": status, "headers": headers})


async def whole_events(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes, cut where an event ends; what follows the last end comes last."""
    held = b""
    async for piece in pieces:
        held += piece
        ends = [held.rfind(mark) + len(mark) for mark in (b"\n\n", b"\r\n\r\n") if mark in held]
        end = len(held) if len(held) > _MOST_HELD else max(ends, default=0)
        if end:
            yield held[:end]
            held = held[end:]
    if held:
        yield held


def _passed_back(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    dropped = {*OF_ONE_HOP, b"content-length"}
    return [(name, value) for name, value in headers if name.lower() not in dropped]


async def send_whole(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    """An answer with its length."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def send_error(send: Send, problem: ApiError) -> None:
    """An error in OpenAI's shape."""
    headers: list[Any] = [(b"content-type", b"application/json")]
    headers += [(name.encode(), value.encode()) for name, value in problem.headers().items()]
    await send_whole(send, problem.status, headers, json.dumps(problem.body()).encode())
