"""Sockets and HTTP for an application: where it listens, and how long it bears with a peer.

Three kinds of peer would hold a connection for ever without being asked to leave: one that never
finishes its request's headers (given up after `HEADER_SECONDS`), one that vanished without a word,
and one that reads no more. The last two are the kernel's to notice: it probes idle connections, and
drops those where data stays unacknowledged.

Uvicorn parses HTTP; `Patient` is its protocol with the first bound added.
"""

import asyncio
import socket

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 15.0
"""From a connection, or a request's first byte on it, to the end of its headers."""
SILENCE_SECONDS = 60
"""How long sent data may stay unacknowledged, and a connection idle before it is probed."""
PROBES = 3
"""Probes without an answer after which a peer is gone."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one. Raises OSError if it is taken.

    Connections inherit its options (on Linux).
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_KEEPIDLE", SILENCE_SECONDS),
            ("TCP_KEEPINTVL", SILENCE_SECONDS // PROBES),
            ("TCP_KEEPCNT", PROBES),
            ("TCP_USER_TIMEOUT", SILENCE_SECONDS * 1000),
        ):
            if (option := getattr(socket, name, None)) is not None:
                listener.setsockopt(socket.IPPROTO_TCP, option, value)
        listener.bind((host, port))
        listener.listen()  # from here on nobody else can; who comes early waits
    except OSError:
        listener.close()
        raise
    return listener


def address(listener: socket.socket) -> str:
    """The listener's URL, as a client on this machine writes it."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Patient(H11Protocol):
    """HTTP/1.1 that gives up on headers that do not end."""

    header_seconds = HEADER_SECONDS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A peer came: its first request may not take for ever."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """More of a request, perhaps the rest of its headers."""
        if self._deadline is None and not self._is_asked:
            self._wait()
        super().data_received(data)
        if self._is_asked:
            self._wait_no_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer left."""
        self._wait_no_more()
        super().connection_lost(exc)

    @property
    def _is_asked(self) -> bool:
        """Whether a request with all its headers waits for its answer."""
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(self.header_seconds, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def configured(app: ASGIApp, *, connections: int = 1000) -> uvicorn.Config:
    """How uvicorn runs the application; it logs what `logging` is told to, and no access lines.

    `connections`: most at a time; further ones are answered with 503.
    """
    return uvicorn.Config(
        app,
        http=Patient,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=connections,
    )
