"""What holds for every request, around all else: an id, bounds, and errors in one shape.

- `x-request-id`: the client's own if it is a decent one, else a new one; also in the answer.
- The body is bounded in size (413) and in the time it may take to arrive (408).
- Where hosts are named, the header Host must be one of them (403): a web page that had its own
  name point to this machine (DNS rebinding) does not get in.
- An ApiError raised further in, before an answer began, is answered.
"""

import asyncio
import json
import re
import secrets
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groundup.serve.errors import ApiError
from groundup.serve.settings import ServerSettings

_DECENT = re.compile(r"[A-Za-z0-9._-]{1,128}")


class Envelope:
    """ASGI middleware. Leaves `request_id` and `began` (by `clock`) in the scope's state."""

    def __init__(
        self, app: ASGIApp, settings: ServerSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._settings = settings
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _DECENT.fullmatch(given) else secrets.token_hex(16)
        scope.setdefault("state", {}).update(request_id=request_id, began=self._clock())
        answer = _Answer(send, request_id)
        body = _Body(receive, self._settings)
        try:
            self._check(headers)
            await self._app(scope, body.receive, body.replacing(answer.send))
        except ApiError as problem:
            if answer.is_begun:
                raise
            await refuse(problem, answer.send)
        if body.refusal is not None and not answer.is_begun:
            await refuse(body.refusal, answer.send)

    def _check(self, headers: Headers) -> None:
        """Raise ApiError for what can be refused by its headers."""
        hosts = self._settings.hosts
        if hosts and _host(headers.get("host", "")) not in hosts:
            message = f"this server does not answer to that name; it does to {', '.join(hosts)}"
            raise ApiError(403, message, code="host_not_allowed")
        length = headers.get("content-length", "")
        if length.isdigit() and int(length[:20]) > self._settings.body_bytes:
            raise _too_large(self._settings)


async def refuse(problem: ApiError, send: Send) -> None:
    """Answer with an error and end the connection: the rest of the body is not read."""
    body = json.dumps(problem.body()).encode()
    headers = {
        **problem.headers(),
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
    }
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _host(header: str) -> str:
    """A Host header without its port."""
    return re.sub(r":\d+$", "", header.strip().lower())


def _too_large(settings: ServerSettings) -> ApiError:
    return ApiError(
        413,
        f"the request is larger than the {settings.body_bytes} bytes this server reads",
        code="request_too_large",
    )


class _Answer:
    """Sends an answer with its id, and knows whether it began."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.is_begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_begun = True
            MutableHeaders(scope=message)["x-request-id"] = self._request_id
        await self._send(message)


class _Body:
    """Receives a body within its bounds; what breaks them is kept as `refusal`.

    The frameworks further in turn an error while they read the body into one of their own, so the
    answer they then give is replaced.
    """

    def __init__(self, receive: Receive, settings: ServerSettings) -> None:
        self._receive = receive
        self._settings = settings
        self._size = 0
        self._is_read = False
        self._last: float | None = None
        self.refusal: ApiError | None = None

    async def receive(self) -> Message:
        if self._is_read:
            return await self._receive()
        loop = asyncio.get_running_loop()
        self._last = self._last or loop.time() + self._settings.body_seconds
        try:
            async with asyncio.timeout_at(self._last):
                message = await self._receive()
        except TimeoutError:
            seconds = self._settings.body_seconds
            raise self._refused(
                ApiError(408, f"the request did not arrive within {seconds:g} s", code="timeout")
            ) from None
        self._size += len(message.get("body", b""))
        if self._size > self._settings.body_bytes:
            raise self._refused(_too_large(self._settings))
        self._is_read = not message.get("more_body", False)
        return message

    def _refused(self, problem: ApiError) -> ApiError:
        self.refusal = problem
        return problem

    def replacing(self, send: Send) -> Send:
        """A `send` that drops an answer to a body that was refused."""

        async def send_or_drop(message: Message) -> None:
            if self.refusal is None:
                await send(message)

        return send_or_drop
