"""What a route learns of a request beside its body."""

import re
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from groundup.serve.answering import Frame
from groundup.serve.asking import Caller
from groundup.serve.event_stream import unless_gone
from groundup.serve.service import ServedModel

T = TypeVar("T")


def caller_of(request: Request) -> Caller:
    """Who asks: what the envelope and the middleware left in the request's state."""
    state = request.scope.get("state", {})
    return Caller(
        request_id=state["request_id"],
        endpoint=request.scope["path"],
        key=state.get("key", ""),
        priority=state.get("priority", 0),
        traceparent=request.headers.get("traceparent", "")[:100],
        at=state["began"],
    )


def frame_of(model: ServedModel, caller: Caller, prefix: str) -> Frame:
    """What stands around the answer."""
    slug = re.sub(r"[^a-z0-9]+", "-", model.note.lower()).strip("-")
    return Frame(
        id=f"{prefix}-{caller.request_id}",
        created=int(time.time()),
        model=model.name,
        fingerprint=f"groundup-{slug}" if slug else "groundup",
    )


async def patiently(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What the work gives, unless the client leaves: then it is cancelled (ClientGone)."""
    return await unless_gone(work, request.receive)
