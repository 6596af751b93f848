"""What `groundup serve` does once it is known that the packages it needs are there."""

import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

import uvicorn
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from groundup.inference.open_engine import OpenedEngine, open_engine
from groundup.serve.app import create_app
from groundup.serve.listen import address, bind, configured
from groundup.serve.pages import chat_page
from groundup.serve.service import Service, served
from groundup.serve.settings import ServerSettings

if TYPE_CHECKING:
    from groundup.cli.serve import Options

FIRST_PORT = 8000
PORTS = 20
"""How many ports are tried when none was asked for."""
LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""Names by which this machine calls itself."""


def serve(options: "Options") -> int:
    """Open the models, say where they are served, and serve until stopped."""
    listener = listen(options.host, options.port)
    try:
        opened = _opened(options)
        service = _service(options, opened)
        app = create_app(service, middleware=_middleware(options), routers=[chat_page()])
        _tell(address(listener), options, opened)
        server = uvicorn.Server(configured(app, connections=options.connections))
        server.run([listener])
    finally:
        listener.close()
    return 0


def listen(host: str, port: int | None) -> socket.socket:
    """A socket at the port, or at the first free one. Raises ValueError if there is none."""
    ports = range(FIRST_PORT, FIRST_PORT + PORTS) if port is None else [port]
    problem = None
    for one in ports:
        try:
            return bind(host, one)
        except OSError as reason:
            problem = reason
    where = f"port {port}" if port is not None else f"any port from {FIRST_PORT} on"
    raise ValueError(
        f"cannot listen at {where} of {host}: {problem and problem.strerror}; choose another with "
        "--port, or --port 0 for any that is free"
    )


def _opened(options: "Options") -> list[OpenedEngine]:
    if options.name and len(options.name) != len(options.models):
        raise ValueError(
            f"there are {len(options.name)} names for {len(options.models)} models; give one each"
        )
    if not options.models:
        raise ValueError("name a model to serve, as in `groundup serve smollm2`")
    return [
        open_engine(
            source,
            quant=options.quant,
            backend=options.backend,
            device=options.device,
            cache_bytes=options.cache_mb * 1024 * 1024,
            config=options.engine,
        )
        for source in options.models
    ]


def _service(options: "Options", opened: Sequence[OpenedEngine]) -> Service:
    names = options.name or [None] * len(opened)
    models = [served(one, name=name) for one, name in zip(opened, names, strict=True)]
    return Service(models, settings=_settings(options))


def _settings(options: "Options") -> ServerSettings:
    """Where only this machine can connect, only its own names for itself are answered to."""
    bounds = options.bounds
    if bounds.hosts or options.host not in (*LOCAL, "::1"):
        return bounds
    return ServerSettings(**{**vars(bounds), "hosts": LOCAL})


def _middleware(options: "Options") -> list[Middleware]:
    if not options.cors:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(options.cors),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
        )
    ]


def _tell(url: str, options: "Options", opened: Sequence[OpenedEngine]) -> None:
    names = options.name or [one.name for one in opened]
    for name, one in zip(names, opened, strict=True):
        print(f"{name}: {one.note}")
    print(f"chat page  {url}/")
    print(f"API        {url}/v1   (OpenAI's; give it to any client as its base URL)")
    print(f"about it   {url}/docs")
    print("Ctrl-C stops", flush=True)
