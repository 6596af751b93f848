"""What happened, one JSON object a line, with the request's id; never the text of a prompt unasked.

    {"time": "2030-01-01T00:00:00.123Z", "event": "http", "request_id": ..., "status": 200, ...}

Lines are written by a thread of their own. A disk that is full or slow costs log lines, never a
request: what cannot be written is dropped and counted, and the count is the first line written when
it works again. The file is opened for each batch of lines, so it may be moved away (logrotate) at
any time.
"""

import json
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from groundup.serve.observer import Life, Silent

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

QUIET = frozenset({"/health", "/ready", "/metrics"})
"""Paths that machines ask for every few seconds."""


class Log:
    """Takes records from any thread and returns at once."""

    def __init__(self, target: Path | TextIO, *, most: int = 10_000) -> None:
        """`target`: a file to append to, or an open stream; `most`: lines that may wait for it."""
        self.lost = 0
        self._counting = threading.Lock()
        self._target = target
        self._torn = False
        self._lines: queue.Queue[str | None] = queue.Queue(most)
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, event: str, **facts: Any) -> None:
        """Add a line; what is None is left out."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        known = {key: value for key, value in facts.items() if value is not None}
        # As ASCII: a line break or half a character in a client's text cannot break the line.
        line = json.dumps({"time": now, "event": event, **known}, default=str)
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._lose(1)

    def close(self, seconds: float = 5.0) -> None:
        """Write what waits, for so long at most."""
        deadline = time.monotonic() + seconds
        while self._thread.is_alive() and time.monotonic() < deadline:
            try:
                self._lines.put(None, timeout=0.05)
                break
            except queue.Full:
                continue
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        ended = False
        while not ended:
            batch = [self._lines.get()]
            while len(batch) < 1000 and not self._lines.empty():
                batch.append(self._lines.get_nowait())
            ended = None in batch
            self._append([line for line in batch if line is not None])

    def _append(self, lines: list[str]) -> None:
        lost = self.lost
        if lost:
            lines = [json.dumps({"event": "log_lines_lost", "count": lost}), *lines]
        try:
            self._put(lines)
        except (OSError, ValueError):  # full, gone, or a stream that was closed
            self._lose(len(lines) - bool(lost))
        else:
            self._lose(-lost)

    def _lose(self, count: int) -> None:
        with self._counting:
            self.lost += count

    def _put(self, lines: Iterable[str]) -> None:
        text = "".join(f"{line}\n" for line in lines)
        if not isinstance(self._target, Path):
            self._target.write(text)
            self._target.flush()
            return
        data = (("\n" if self._torn else "") + text).encode("ascii")
        if not data:
            return
        with self._target.open("ab", buffering=0) as file:
            written = file.write(data) or 0
            while written < len(data):
                self._torn = True  # a disk that fills up here leaves half a line
                written += file.write(data[written:]) or 0
            self._torn = False


class RequestLog(Silent):
    """An `Observer` that logs the end of each sequence, and each request that was not taken."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def finished(self, life: Life) -> None:
        """Who asked, how much, how long it took, why it ended."""
        asked = life.asked
        self._log.write(
            "finished",
            request_id=asked.request_id,
            endpoint=asked.endpoint,
            model=asked.model,
            key=asked.key or None,
            prompt_tokens=life.prompt_tokens,
            cached_tokens=life.cached_tokens,
            generated_tokens=life.generated_tokens,
            queue_seconds=_between(asked.at, life.scheduled_at),
            first_token_seconds=_between(asked.at, life.first_at),
            seconds=_between(asked.at, life.finished_at),
            finish_reason=life.finish_reason,
        )

    def refused(self, model: str, reason: str) -> None:
        """Why."""
        self._log.write("refused", model=model, reason=reason)


class AccessLog:
    """ASGI middleware: a line for each HTTP request when its answer has ended.

    The query is not logged: it may hold a secret. With `bodies` the body of a request is, up to so
    many bytes: that is the prompt.
    """

    def __init__(self, app: App, log: Log, *, bodies: int = 0) -> None:
        self._app = app
        self._log = log
        self._bodies = bodies

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything through and take note."""
        if scope["type"] != "http" or scope["path"] in QUIET:
            await self._app(scope, receive, send)
            return
        seen = _Seen(receive, send, self._bodies)
        began = time.monotonic()
        try:
            await self._app(scope, seen.receive, seen.send)
        finally:
            self._log.write(
                "http",
                request_id=seen.request_id,
                key=scope.get("state", {}).get("key"),
                method=scope["method"],
                path=scope["path"],
                client=(scope.get("client") or [None])[0],
                status=seen.status,
                bytes=seen.bytes,
                seconds=round(time.monotonic() - began, 6),
                complete=seen.complete,
                body=seen.body.decode("utf-8", "replace") if self._bodies else None,
            )


class _Seen:
    """What went through a connection."""

    def __init__(self, receive: Receive, send: Send, bodies: int) -> None:
        self._receive = receive
        self._send = send
        self._bodies = bodies
        self.body = b""
        self.status: int | None = None
        self.request_id: str | None = None
        self.bytes = 0
        self.complete = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and len(self.body) < self._bodies:
            self.body += message.get("body", b"")[: self._bodies - len(self.body)]
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            names = {bytes(name).lower(): value for name, value in message.get("headers", ())}
            if (given := names.get(b"x-request-id")) is not None:
                self.request_id = bytes(given).decode("latin-1")
        await self._send(message)
        if message["type"] == "http.response.body":
            self.bytes += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)


def _between(begin: float, end: float | None) -> float | None:
    return None if end is None else round(end - begin, 6)
