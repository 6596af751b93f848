"""`/chat`: the way to the chat page of `groundup serve`, if one runs; else how to start one."""

import json
import urllib.request
from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from groundup.studio.pages import Pages

PORT = 8000
"""Where `groundup serve` listens when nothing else is said."""
_PATIENCE = 0.3
_MOST = 4096

Look = Callable[[int], bool]


def is_served(port: int) -> bool:
    """Whether a server of ours answers there."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/health", timeout=_PATIENCE) as answer:
            found = json.loads(answer.read(_MOST))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and {"status", "in_flight"} <= set(found)


def router(pages: Pages, look: Look = is_served) -> APIRouter:
    """The route. `look`: whether a server answers at a port."""
    routes = APIRouter()

    @routes.get("/chat")
    def show(request: Request) -> Response:
        return pages.show(request, "chat", port=PORT, is_there=look(PORT))

    return routes
