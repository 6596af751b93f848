"""What `groundup serve` does once it is known that the packages it needs are there."""

import socket
import sys
from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from groundup.cli._serve_options import Options
from groundup.cli._threads import set_threads
from groundup.inference.open_engine import OpenedEngine, open_engine
from groundup.serve.app import create_app
from groundup.serve.drain import DrainingServer
from groundup.serve.keys import Keys, from_file, from_options
from groundup.serve.listen import address, bind, configured
from groundup.serve.operation import Operation
from groundup.serve.pages import chat_page
from groundup.serve.service import ServedModel, Service, served
from groundup.serve.settings import ServerSettings

FIRST_PORT = 8000
PORTS = 20
"""How many ports are tried when none was asked for."""
LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""Names by which this machine calls itself."""


def serve(options: Options) -> int:
    """Open the models, say where they are served, and serve until stopped."""
    listener = listen(options.host, options.port)
    try:
        keys = _keys(options)
        opened = _opened(options)
        models = _served(options, opened)
        operation = _operation(options, keys, opened, models)
        try:
            _run(options, models, operation, listener)
        finally:
            operation.close()
    finally:
        listener.close()
    return 0


def _run(
    options: Options, models: Sequence[ServedModel], operation: Operation, listener: socket.socket
) -> None:
    """Put the parts together, say where they are, and serve."""
    service = Service(
        models, observer=operation.observer, gate=operation.gate, settings=_settings(options)
    )
    app = create_app(
        service,
        middleware=[*_middleware(options), *operation.middleware],
        routers=[chat_page(), operation.router(service)],
    )
    _tell(address(listener), models)
    if options.host not in (*LOCAL, "::1") and not (options.api_key or options.keys):
        _say("whoever reaches this machine can use it; --api-key or --keys asks for a key")
    config = configured(operation.around(app), connections=options.connections)
    timeout = options.operation.shutdown_timeout
    DrainingServer(config, service, timeout=timeout, tell=_say).run([listener])


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


def _opened(options: Options) -> list[OpenedEngine]:
    if options.name and len(options.name) != len(options.models):
        raise ValueError(
            f"there are {len(options.name)} names for {len(options.models)} models; give one each"
        )
    if not options.models:
        raise ValueError("name a model to serve, as in `groundup serve smollm2`")
    set_threads(options.threads)
    return [
        open_engine(
            source,
            quant=options.quant,
            backend=options.backend,
            device=options.device,
            cache_bytes=options.cache_mb * 1024 * 1024,
            threads=options.threads,
            config=options.engine,
        )
        for source in options.models
    ]


def _served(options: Options, opened: Sequence[OpenedEngine]) -> list[ServedModel]:
    names = options.name or [None] * len(opened)
    return [served(one, name=name) for one, name in zip(opened, names, strict=True)]


def _keys(options: Options) -> Keys | None:
    """The keys of the file and of the command line; None: everybody may ask."""
    found = list(from_file(options.keys)) if options.keys is not None else []
    found += from_options(options.api_key, options.limits)
    return Keys(found) if found else None


def _operation(
    options: Options,
    keys: Keys | None,
    opened: Sequence[OpenedEngine],
    models: Sequence[ServedModel],
) -> Operation:
    operation = Operation(
        options.operation,
        models={model.name: model.context for model in models},
        keys=keys,
        limits=options.limits,
        errors=sys.stderr,
    )
    for one, model in zip(opened, models, strict=True):
        backend = one.engine.backend
        operation.metrics.describe(
            model.name,
            block_size=backend.block_size,
            blocks=backend.block_count,
            has_prefix_cache=one.engine.config.prefix_cache,
        )
    return operation


def _settings(options: Options) -> ServerSettings:
    """Where only this machine can connect, only its own names for itself are answered to."""
    bounds = options.bounds
    if bounds.hosts or options.host not in (*LOCAL, "::1"):
        return bounds
    return ServerSettings(**{**vars(bounds), "hosts": LOCAL})


def _middleware(options: Options) -> list[Middleware]:
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


def _tell(url: str, models: Sequence[ServedModel]) -> None:
    for model in models:
        print(f"{model.name}: {model.note}")
    print(f"chat page  {url}/")
    print(f"API        {url}/v1   (OpenAI's; give it to any client as its base URL)")
    print(f"about it   {url}/docs   {url}/metrics   {url}/cost")
    print("Ctrl-C stops", flush=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
