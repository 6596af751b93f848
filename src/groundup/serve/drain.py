"""A server that is asked to stop: it takes no more, ends what it has begun, and goes.

    first signal   readiness says 503, new requests are refused, those under way go on for at most
                   `timeout` seconds, then they are cancelled; the server ends
    second signal  those under way are cancelled now

SIGTERM (from whoever runs the server) and SIGINT (Ctrl-C) are the same. While it drains the server
still listens, so that a router sees that it is not ready, and nobody meets a closed door.
"""

import asyncio
from collections.abc import Callable, Sequence
from socket import socket
from types import FrameType
from typing import Protocol

import uvicorn

LAST_WORDS = 5
"""Seconds in which connections may send the rest of what is answered."""


class Drains(Protocol):
    """What serves."""

    def drain(self) -> None:
        """Take no more requests."""
        ...

    async def drained(self, timeout: float) -> bool:
        """Wait until nothing is under way; False if something still is after so many seconds."""
        ...

    def abort(self) -> None:
        """Cancel what is under way."""
        ...


class DrainingServer(uvicorn.Server):
    """Uvicorn, stopped as above. Ended by a signal it returns, as from any other work."""

    def __init__(
        self,
        config: uvicorn.Config,
        service: Drains,
        *,
        timeout: float = 30.0,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`timeout`: seconds for what is under way; `tell` gets a line for people."""
        if not timeout >= 0:
            raise ValueError(f"the shutdown timeout is {timeout} s; it must be 0 or more")
        config.timeout_graceful_shutdown = LAST_WORDS
        super().__init__(config)
        self._service = service
        self._timeout = timeout
        self._tell = tell
        self._signals = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining: asyncio.Task[None] | None = None

    async def serve(self, sockets: Sequence[socket] | None = None) -> None:
        """Serve until it is told to stop."""
        self._loop = asyncio.get_running_loop()
        await super().serve(list(sockets) if sockets is not None else None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came, in the middle of anything: go on from the event loop."""
        if self._loop is None or not self.started:
            self.should_exit = True
            return
        self._loop.call_soon_threadsafe(self.stop)

    def stop(self) -> None:
        """Stop as after a signal, in the event loop."""
        self._signals += 1
        if self._signals == 1:
            self._service.drain()
            self._draining = asyncio.get_running_loop().create_task(self._drain())
        elif not self.should_exit:
            self._tell("stopping at once")
            self._service.abort()
            self.should_exit = True

    async def _drain(self) -> None:
        self._tell(f"stopping: answers under way may take {self._timeout:g} s more; again: at once")
        if not await self._service.drained(self._timeout):
            self._tell("that took too long; what is under way is cancelled")
            self._service.abort()
        self.should_exit = True
