"""Spread requests over several servers: one address for all of them.

- groundup route --replica http://127.0.0.1:8001 --replica http://127.0.0.1:8002
- groundup route --replica ... --replica ... --policy least-loaded --port 9000

A request goes to the replica whose cache knows its beginning (prefix), the one with the least to do
(least-loaded), or the next (round-robin). What fails before its answer began is sent to another.
API keys are the replicas' business. /router shows what the router knows of them.
"""

import importlib.util
import sys
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

import tyro

from groundup.serve.router import Router, RouterConfig

CHAPTER = "talk"
NEEDED = ("httpx", "prometheus_client", "uvicorn")
FIRST_PORT = 9000


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `groundup route` can be told."""

    replica: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="URL")
    ] = ()
    """A server, as http://127.0.0.1:8001; once for each."""
    host: str = "127.0.0.1"
    """The address to listen at; 0.0.0.0 lets other machines connect."""
    port: int = FIRST_PORT
    """The port; 0 takes any that is free."""
    probe_path: str = "/ready"
    """What each replica is asked to see whether it takes requests: status 200."""
    probe_seconds: float = 1.0
    """How often; 0: never."""
    connections: int = 1000
    """Most connections at a time."""
    shutdown_timeout: float = 30.0
    """Seconds that answers under way may take after the router was told to stop."""
    router: tyro.conf.OmitArgPrefixes[RouterConfig] = field(default_factory=RouterConfig)
    """How requests are spread."""


def run(arguments: list[str]) -> int:
    """Listen and pass on until stopped."""
    options = tyro.cli(Options, args=arguments, prog="groundup route", description=__doc__)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(f"routing needs {', '.join(missing)}; `pip install {' '.join(missing)}`")
    router = Router([replica_url(text) for text in options.replica], options.router)
    return _serve(options, router)


def replica_url(text: str) -> str:
    """A replica's address without a slash or /v1 at its end. Raises ValueError if it is none."""
    url = text.rstrip("/").removesuffix("/v1")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise ValueError(f"--replica is {text!r}; wanted an address as http://127.0.0.1:8001")
    return url


def _serve(options: Options, router: Router) -> int:
    from groundup.serve.drain import DrainingServer
    from groundup.serve.listen import address, bind, configured
    from groundup.serve.router_app import RouterApp, RouterAppConfig

    config = RouterAppConfig(probe_path=options.probe_path, probe_seconds=options.probe_seconds)
    app = RouterApp(router, config)
    try:
        listener = bind(options.host, options.port)
    except OSError as problem:
        raise ValueError(
            f"cannot listen at port {options.port} of {options.host}: {problem.strerror}; choose "
            "another with --port"
        ) from problem
    try:
        url = address(listener)
        print(f"API        {url}/v1   ({router.config.policy}, {len(router.replicas)} replicas)")
        print(f"about it   {url}/router   {url}/metrics")
        print("Ctrl-C stops", flush=True)
        settings = configured(app, connections=options.connections)
        timeout = options.shutdown_timeout
        DrainingServer(settings, app, timeout=timeout, tell=_say).run([listener])
    finally:
        listener.close()
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
