"""What an answer must look like: from a request's fields to a grammar for each of its sequences."""

import asyncio
from collections.abc import Callable
from typing import Any

from groundup.inference.request import Grammar
from groundup.serve.errors import ApiError
from groundup.serve.guides import Kind
from groundup.serve.protocol import Generation
from groundup.serve.protocol_chat import ChatRequest, JsonObjectFormat, JsonSchemaFormat
from groundup.serve.service import ServedModel
from groundup.serve.tools import Toolbox, schema_of

MakeGrammar = Callable[[], Grammar]


async def chat_grammar(
    ask: ChatRequest, toolbox: Toolbox, model: ServedModel
) -> MakeGrammar | None:
    """For a chat: calls that must be made, else the response format, else as for any request."""
    called = schema_of(toolbox)
    form = ask.response_format
    if called is not None:
        if form is not None and form.type != "text":
            message = "an answer cannot both call a function and have a response_format"
            raise ApiError(400, message, param="response_format")
        return await _made("json", called, model, "tools")
    if isinstance(form, JsonObjectFormat):
        return await _made("json", {"type": "object"}, model, "response_format")
    if isinstance(form, JsonSchemaFormat):
        schema = form.json_schema.schema_
        return await _made("json", {} if schema is None else schema, model, "response_format")
    return await grammar_of(ask, model)


async def grammar_of(ask: Generation, model: ServedModel) -> MakeGrammar | None:
    """For any request: `structured_outputs`, or its older fields. Raises ApiError (400)."""
    structured = ask.structured_outputs
    fields: dict[str, tuple[Kind, Any]] = {
        "structured_outputs.json": ("json", structured and structured.json_),
        "structured_outputs.regex": ("regex", structured and structured.regex),
        "structured_outputs.choice": ("choice", structured and structured.choice),
        "structured_outputs.grammar": ("grammar", structured and structured.grammar),
        "guided_json": ("json", ask.guided_json),
        "guided_regex": ("regex", ask.guided_regex),
        "guided_choice": ("choice", ask.guided_choice),
    }
    given = {name: field for name, field in fields.items() if field[1] is not None}
    if not given:
        return None
    if len(given) > 1:
        message = f"an answer can follow one form, and there are {', '.join(given)}"
        raise ApiError(400, message, param=next(iter(given)))
    [(name, (kind, value))] = given.items()
    return await _made(kind, value, model, name)


async def _made(kind: Kind, value: Any, model: ServedModel, field: str) -> MakeGrammar:
    """Compile in a thread (a large schema takes a while), and refuse what is no grammar."""
    try:
        return (await asyncio.to_thread(model.guides.compiled, kind, value)).copy
    except ValueError as problem:
        raise ApiError(400, f"{field}: {problem}", code="invalid_grammar", param=field) from problem
