"""Who asks: the API key of a request, checked before anything else of it is looked at.

All is closed but what a browser needs to show the chat page and its documentation, and what
machines ask for to see whether the server lives. The name of the key is left in the request's state
(`key`), where limits, logs and metrics find it.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from groundup.serve.errors import ApiError
from groundup.serve.keys import Keys

OPEN = frozenset({"/", "/health", "/ready", "/metrics", "/docs", "/openapi.json", "/favicon.ico"})
OPEN_FOLDERS = ("/chat/", "/docs/")


class Authentication:
    """ASGI middleware that lets only known keys pass. Raises ApiError (401), which names no key."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its key's name, or refuse it."""
        if scope["type"] == "http" and not is_open(scope["path"]):
            found = self._keys.find(presented(Headers(scope=scope)))
            if found is None:
                raise ApiError(
                    401,
                    "this server wants an API key it knows; send it as the header "
                    "'Authorization: Bearer KEY'",
                    code="invalid_api_key",
                )
            scope.setdefault("state", {})["key"] = found.name
        await self._app(scope, receive, send)


def is_open(path: str) -> bool:
    """Whether a path is there for everybody."""
    return path in OPEN or path.startswith(OPEN_FOLDERS)


def presented(headers: Headers) -> str:
    """The key in the header `authorization`, as OpenAI's clients send it; empty if there is none.

    A header is bytes, read as Latin-1; a key with other letters came as UTF-8.
    """
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return ""
    return key.strip().encode("latin-1", "replace").decode("utf-8", "replace")
