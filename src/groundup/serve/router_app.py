"""The router as an ASGI application: passes requests on to replicas as `serve.router` decides.

A whole request is read before it is passed on, so that it can be sent again. Of a stream, whole
events are passed on; an answer of any other kind is read to its end first. So what fails before its
first event is repeated elsewhere unseen, and what fails later ends with an event that says so.

Its own pages: /health, /ready (is any replica?), /router (what it knows of them), /metrics. All
else, the API keys included, is the replicas' business. Needs `httpx`.

Left out: WebSockets, answers too large for memory, replicas that come and go while it runs.
"""

import asyncio
import contextlib
import itertools
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx
from starlette.types import Message, Receive, Send

from groundup.serve.errors import ApiError
from groundup.serve.router import Move, Router, next_move, prefix_of
from groundup.serve.router_answer import OF_ONE_HOP, Answer, send_error, send_whole
from groundup.serve.router_pages import Pages


@dataclass(frozen=True, kw_only=True)
class RouterAppConfig:
    """Times and sizes of the proxy."""

    probe_path: str = "/ready"
    """What is asked of each replica to see whether it takes requests: status 200."""
    probe_seconds: float = 1.0
    """How often; 0: never, only failures tell."""
    connect_seconds: float = 2.0
    """How long a connection, or the answer to a probe, may take."""
    silence_seconds: float = 600.0
    """How long a replica may say nothing before it counts as broken."""
    body_bytes: int = 4 * 1024 * 1024
    """The largest body of a request; a larger one is answered with 413."""

    def __post_init__(self) -> None:
        """Refuse times that cannot be."""
        for name in ("connect_seconds", "silence_seconds", "body_bytes"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        if not self.probe_seconds >= 0:
            raise ValueError(f"probe_seconds is {self.probe_seconds}; it must be 0 or more")


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A request as it is passed on."""

    method: str
    path: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    prefix: bytes


class RouterApp:
    """An ASGI application around a `Router`."""

    def __init__(
        self,
        router: Router,
        config: RouterAppConfig = RouterAppConfig(),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.router = router
        self.config = config
        self.retries = 0
        self.is_draining = False
        self._clock = clock
        self._under_way: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self._numbers = {url: str(number) for number, url in enumerate(router.replicas)}
        self._pages = Pages(self)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or live as long as the server does."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    # Its life

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connections to the replicas, and their probes, for as long as it lasts."""
        config = self.config
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
        timeout = httpx.Timeout(config.silence_seconds, connect=config.connect_seconds)
        # Not from the environment: a proxy of the system does not lead to replicas.
        async with httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False) as client:
            self._client = client
            probed = self.router.replicas if config.probe_seconds else ()
            probes = [asyncio.create_task(self._probe(url)) for url in probed]
            try:
                yield
            finally:
                for probe in probes:
                    probe.cancel()
                await asyncio.gather(*probes, return_exceptions=True)
                self._client = None

    def drain(self) -> None:
        """Take no more requests; those under way go on."""
        self.is_draining = True

    async def drained(self, timeout: float) -> bool:
        """Wait until nothing is under way; False if something still is after so many seconds."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=timeout)
        return not self._under_way

    def abort(self) -> None:
        """Cancel what is under way."""
        for task in self._under_way:
            task.cancel()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _probe(self, url: str) -> None:
        assert self._client is not None, "probes run while the router does"
        config = self.config
        while True:
            try:
                answer = await self._client.get(
                    url + config.probe_path, timeout=config.connect_seconds
                )
                ready = answer.status_code == 200
            except httpx.TransportError:
                ready = False
            self.router.probed(url, ready=ready)
            await asyncio.sleep(config.probe_seconds)

    # One request

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
        if (page := self._pages.show(scope["path"], accept, now=self._clock())) is not None:
            status, body, media_type = page
            await send_whole(send, status, [(b"content-type", media_type.encode())], body)
            return
        try:
            if self.is_draining:
                message = "the router is stopping; ask another one"
                raise ApiError(503, message, code="draining", retry_after=5)
            asked = self._read_head(scope, await _body(receive, self.config.body_bytes))
        except ApiError as problem:
            await send_error(send, problem)
            return
        except ConnectionError:  # the client left before its request was whole
            return
        work = asyncio.create_task(self._forward(asked, send))
        self._under_way.add(work)
        work.add_done_callback(self._under_way.discard)
        leaves = asyncio.create_task(_until_disconnect(receive))
        try:
            await asyncio.wait({work, leaves}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaves.cancel()
            work.cancel()  # the replica sees that we hang up; nothing happens if it is done
            await asyncio.gather(leaves, return_exceptions=True)
            with contextlib.suppress(asyncio.CancelledError):
                await work

    def _read_head(self, scope: Message, body: bytes) -> _Asked:
        given = [(name.lower(), value) for name, value in scope["headers"]]
        connection = dict(given).get(b"connection", b"").lower()
        dropped = {
            *OF_ONE_HOP,
            b"host",
            b"content-length",
            *connection.replace(b" ", b"").split(b","),
        }
        headers = [(name, value) for name, value in given if name not in dropped]
        if b"x-request-id" not in dict(given):
            headers.append((b"x-request-id", uuid.uuid4().hex.encode()))
        if client := scope.get("client"):
            headers.append((b"x-forwarded-for", str(client[0]).encode()))
        path, query = scope.get("raw_path") or scope["path"].encode(), scope.get("query_string")
        return _Asked(
            method=scope["method"],
            path=(path + (b"?" + query if query else b"")).decode("latin-1"),
            headers=headers,
            body=body,
            prefix=self._prefix(scope["path"], body),
        )

    def _prefix(self, path: str, body: bytes) -> bytes:
        config = self.router.config
        if config.policy != "prefix" or not body:
            return b""
        try:
            return prefix_of(path, json.loads(body), config.prefix_characters)
        except (ValueError, RecursionError):  # the replica will say what is wrong with it
            return b""

    async def _forward(self, asked: _Asked, send: Send) -> None:
        tried: list[str] = []
        for attempt in itertools.count():
            now = self._clock()
            url = self.router.choose(asked.prefix, now=now, tried=tried)
            if url is None:
                wait = self.router.wait(now=now)
                message = f"no replica takes requests now ({len(tried)} tried); try again later"
                await send_error(send, ApiError(503, message, code="no_replica", retry_after=wait))
                return
            tried.append(url)
            if await self._try(url, asked, send, tried=tried, attempt=attempt):
                return
            self.retries += 1

    async def _try(
        self, url: str, asked: _Asked, send: Send, *, tried: list[str], attempt: int
    ) -> bool:
        """Send the request to one replica; whether that settled it."""
        assert self._client is not None, "requests are answered while the router runs"
        out = Answer(send, self._numbers[url])
        ok: bool | None = None  # as long as the client may leave
        self.router.begin(url)
        try:
            async with self._client.stream(
                asked.method, url + asked.path, headers=asked.headers, content=asked.body
            ) as answer:
                status = answer.status_code
                if self._move(status, out, tried, attempt) == "retry":
                    return False
                await out.pass_on(answer)
                # Being busy is no failure and no success; of a 500 the probe knows what it means.
                ok = True if status < 500 and status != 429 else None
                return True
        except httpx.TransportError as problem:
            # What we were not able to send is the request's fault.
            ok = None if isinstance(problem, httpx.LocalProtocolError) else False
            if self._move(None, out, tried, attempt) == "retry":
                return False
            await out.break_off(problem)
            return True
        finally:
            self.router.end(url, ok=ok, now=self._clock())

    def _move(self, status: int | None, out: Answer, tried: list[str], attempt: int) -> Move:
        return next_move(
            status=status,
            passed=out.begun,
            others_left=self.router.has_others(tried, now=self._clock()),
            attempt=attempt,
            retries=self.router.config.retries,
        )


async def _body(receive: Receive, most: int) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client left")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise ApiError(413, f"the request is larger than {most} bytes", code="too_large")
        if not message.get("more_body", False):
            return b"".join(parts)


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
