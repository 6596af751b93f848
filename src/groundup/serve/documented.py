"""What the OpenAPI document says about answers: every status that a route can give."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from groundup.serve.protocol import ErrorBody

_REFERENCE = "#/components/schemas/{model}"

_ERRORS = {
    400: "The request is wrong: its JSON, a field, or a prompt that is too long.",
    401: "An API key is missing or wrong.",
    403: "The server does not answer to this host name, or the key may not do this.",
    404: "There is no model of this name.",
    408: "The request took too long to arrive.",
    413: "The request is too large.",
    415: "The request is not sent as JSON.",
    429: "The queue is full or a limit is reached; `Retry-After` says when to come back.",
    500: "The engine failed.",
    503: "The server is stopping.",
    504: "The answer took too long.",
}
READING = (401, 403, 408, 413, 429, 500)
"""Statuses of routes that only look something up."""


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for these statuses; all there are without any."""
    return {
        status: {"model": ErrorBody, "description": _ERRORS[status]}
        for status in statuses or _ERRORS
    }


def streamed(chunk: type[BaseModel]) -> dict[str, Any]:
    """How a 200 that may also be a stream is documented; `chunk`: what each event holds."""
    shapes = [{"$ref": _REFERENCE.format(model=shape.__name__)} for shape in (chunk, ErrorBody)]
    data = {
        "anyOf": [
            {"type": "string", "const": "[DONE]", "description": "The last event."},
            {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"anyOf": shapes},
            },
        ]
    }
    event = {"type": "object", "properties": {"data": data}, "required": ["data"]}
    return {
        "description": "The whole answer; with `stream`, server-sent events.",
        "content": {"text/event-stream": {"itemSchema": event}},
    }


def openapi(
    app: FastAPI, models: Sequence[str], chunks: Sequence[type[BaseModel]]
) -> dict[str, Any]:
    """The document: `model` is one of the names there are, and wrong fields are a 400.

    FastAPI's own 422 is taken out; the shapes of streams' chunks, which no route gives, are added.
    """
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        for path in document["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
                for parameter in operation.get("parameters", ()):
                    if parameter["in"] == "path":  # the name of a model is the only one there is
                        parameter["schema"]["enum"] = list(models)
        for chunk in chunks:
            _add(document["components"]["schemas"], chunk)
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        for schema in document["components"]["schemas"].values():
            _name_models(schema, models)
        app.openapi_schema = document
    return app.openapi_schema


def _add(schemas: dict[str, Any], shape: type[BaseModel]) -> None:
    """A shape, and those that it refers to."""
    schema = shape.model_json_schema(ref_template=_REFERENCE, mode="serialization")
    for name, part in {shape.__name__: schema, **schema.pop("$defs", {})}.items():
        schemas.setdefault(name, part)


def _name_models(schema: dict[str, Any], models: Sequence[str]) -> None:
    """Have a request's field `model` take these names only."""
    if schema.get("additionalProperties") is not False or "model" not in schema["properties"]:
        return
    field = schema["properties"]["model"]
    optional = [{"type": "null"}] if "anyOf" in field else []
    named = {"type": "string", "enum": list(models)}
    schema["properties"]["model"] = {"anyOf": [named, *optional]} if optional else named
