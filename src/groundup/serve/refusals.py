"""Errors of the framework in OpenAI's shape: bad JSON and fields, unknown paths, what is left."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from groundup.serve.errors import ApiError, error_body
from groundup.serve.event_stream import ClientGone

SHOWN = 3
"""Wrong fields that a message names."""


def install(app: FastAPI) -> None:
    """Have the app answer every error in OpenAI's shape."""
    app.add_exception_handler(ApiError, _refused)
    app.add_exception_handler(ClientGone, _gone)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _other)
    app.add_exception_handler(Exception, _unexpected)


def explained(errors: Sequence[Any], *, is_json: bool) -> ApiError:
    """What is wrong with a request's fields, as pydantic lists it."""
    if not is_json:
        return ApiError(
            415, "send the request as JSON, with the header content-type: application/json"
        )
    first = errors[0]
    if first["type"] == "json_invalid":
        reason = first.get("ctx", {}).get("error", "")
        place = first["loc"][-1]
        return ApiError(
            400, f"the body is not JSON: {reason} at character {place}", code="bad_json"
        )
    if first["type"] == "extra_forbidden":
        name = _name(first["loc"])
        return ApiError(
            400, f"there is no parameter {name!r}", code="unknown_parameter", param=name
        )
    told = [f"{_name(error['loc'])}: {error['msg']}" for error in errors[:SHOWN]]
    return ApiError(400, "; ".join(told), code="invalid_value", param=_name(first["loc"]))


def _name(place: Sequence[int | str]) -> str:
    """`messages[0].content` for ("body", "messages", 0, "user", "content")."""
    name = ""
    for part in place[1:] if place and place[0] in ("body", "query", "path") else place:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name[:200] or "the body"


async def _refused(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, ApiError), "it is installed for this kind"
    return JSONResponse(problem.body(), problem.status, problem.headers())


async def _gone(request: Request, problem: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it


async def _invalid(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, RequestValidationError), "it is installed for this kind"
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or kind.endswith("+json")
    return await _refused(request, explained(problem.errors(), is_json=is_json or not problem.body))


async def _other(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException), "it is installed for this kind"
    messages = {
        400: "the body is not JSON in UTF-8",
        404: f"there is nothing at {request.url.path[:200]}",
        405: f"{request.method[:20]} is not possible at {request.url.path[:200]}",
    }
    message = messages.get(problem.status_code, str(problem.detail))
    code = "bad_json" if problem.status_code == 400 else None
    body = error_body(problem.status_code, message, code=code)
    return JSONResponse(body, problem.status_code, problem.headers)


async def _unexpected(request: Request, problem: Exception) -> Response:
    request_id = getattr(request.state, "request_id", "")
    message = f"something failed in the server; its log has more about request {request_id}"
    return JSONResponse(error_body(500, message, code="internal_error"), 500)
