"""Where the studio listens: on this machine only, at a free port, with an address of its own."""

import errno
import socket
import threading
import webbrowser
from collections.abc import Callable

import uvicorn

from groundup.serve import listen
from groundup.studio.guard import Guard, Pass

HOST = "127.0.0.1"
_LAST_PORT = 65535
_GOODBYE_SECONDS = 1
"""How long open pages may keep the studio from ending."""


def bind(port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises ValueError, in words, if it cannot."""
    if not 0 <= port <= _LAST_PORT:
        raise ValueError(f"the port is {port}; wanted 1 to {_LAST_PORT}, or 0 for a free one")
    try:
        return listen.bind(HOST, port)
    except OSError as problem:
        why = {
            errno.EADDRINUSE: "another program listens there, perhaps another studio",
            errno.EACCES: "the system keeps it for itself",
        }.get(problem.errno or 0, str(problem))
        raise ValueError(
            f"port {port} cannot be had: {why}; give another --port, or none for a free one"
        ) from problem


class Server(uvicorn.Server):
    """Uvicorn's, which tells the application that it closes before it waits for its streams."""

    def __init__(self, app: Guard) -> None:
        config = listen.configured(app, connections=200)
        config.timeout_graceful_shutdown = _GOODBYE_SECONDS
        super().__init__(config)
        self._end = app.end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close."""
        self._end()
        await super().shutdown(sockets)


def serve(
    make: Callable[[Pass], Guard],
    *,
    port: int,
    open_browser: bool,
    say: Callable[[str], None],
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve an application until Ctrl-C, which comes on as KeyboardInterrupt.

    `say` tells the person where; `ready` is called when the port is had.
    """
    with bind(port) as listener:
        its = Pass(port=listener.getsockname()[1])
        server = Server(make(its))
        ready()
        say(f"The studio is open at {its.address}")
        say("Ctrl-C ends it; your files and your progress stay.")
        if open_browser:
            threading.Thread(target=webbrowser.open, args=[its.address], daemon=True).start()
        server.run(sockets=[listener])
