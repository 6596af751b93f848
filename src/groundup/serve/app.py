"""The server as an ASGI application: `create_app(service)` puts routes, bounds and errors together.

No address, no process, no signal: `groundup serve` runs it with uvicorn, tests call it directly.
"""

import contextlib
import functools
from collections.abc import AsyncIterator, Sequence
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from groundup.serve import (
    docs_page,
    documented,
    refusals,
    routes_chat,
    routes_completions,
    routes_embeddings,
    routes_health,
    routes_models,
    routes_tokens,
)
from groundup.serve.envelope import Envelope
from groundup.serve.protocol_chat import ChatChunk
from groundup.serve.service import Service

DESCRIPTION = (
    "OpenAI's API over groundup's engine. The official clients work unchanged, with this server's "
    "address and /v1 as their base URL. Programs read /openapi.json."
)


def create_app(
    service: Service,
    *,
    middleware: Sequence[Middleware] = (),
    routers: Sequence[APIRouter] = (),
) -> FastAPI:
    """The application. Its lifespan starts the service's engines and ends them.

    `middleware` runs inside the envelope (see `envelope`), the first outermost. One may leave in
    the scope's state: `key`, the name of the client's API key, and `priority`. `routers` are
    further routes: metrics, the chat page.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            service.close()

    app = FastAPI(
        title="groundup",
        version=version("groundup"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(Envelope, settings=service.settings), *middleware],
    )
    app.state.service = service
    app.openapi = functools.partial(  # type: ignore[method-assign]
        documented.openapi, app, tuple(service.models), (ChatChunk,)
    )
    refusals.install(app)
    for routes in (
        routes_chat,
        routes_completions,
        routes_embeddings,
        routes_models,
        routes_tokens,
        routes_health,
    ):
        app.include_router(routes.router(service))
    app.include_router(docs_page.router())
    for router in routers:
        app.include_router(router)
    return app
