"""`GET /docs`: the OpenAPI document as one page to read. No script, nothing from outside.

Left out: trying requests from the page (the chat page and `curl` do that).
"""

import html
import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_STYLE = """
:root{color-scheme:light dark;--line:#8886;--soft:#8882}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.5 ui-monospace,monospace}
pre{background:var(--soft);padding:.75rem;overflow:auto;border-radius:.4rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem}
td{border-top:1px solid var(--line);padding:.3rem .6rem .3rem 0;vertical-align:top}
td:first-child{white-space:nowrap}
h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}
h2 code{font-size:1.1rem}
section{margin-bottom:1.5rem}
"""
_EXAMPLES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Hello!"}]},
    "/v1/completions": {"prompt": "Once upon a time", "max_tokens": 20},
    "/v1/embeddings": {"input": ["a text", "another"]},
    "/tokenize": {"prompt": "a text"},
    "/detokenize": {"tokens": [1, 2, 3]},
}
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minLength": "{} characters or more",
    "maxLength": "at most {} characters",
    "minItems": "{} or more",
    "maxItems": "at most {}",
    "maxProperties": "at most {}",
    "pattern": "like {}",
}


def router() -> APIRouter:
    """The route; it is not part of the document."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/docs")
    async def docs(request: Request) -> HTMLResponse:
        text = page(request.app.openapi(), str(request.base_url).rstrip("/"))
        return HTMLResponse(text, headers={"content-security-policy": POLICY})

    return routes


def page(document: Mapping[str, Any], url: str) -> str:
    """The page. `url`: where the server is, for the examples."""
    info, schemas = document["info"], document["components"]["schemas"]
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    models = schemas["ChatRequest"]["properties"]["model"]["enum"]
    contents = " · ".join(f'<a href="#{_id(path)}">{_text(path)}</a>' for path, _, _ in operations)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{_text(info['title'])}: its API</title><style>{_STYLE}</style>"
        f"<h1>{_text(info['title'])} {_text(info['version'])}</h1>"
        f"<p>{_text(info['description'])}</p><p>{contents} · <a href='#shapes'>shapes</a></p>"
        + "".join(_operation(*one, url=url, model=models[0]) for one in operations)
        + '<h2 id="shapes">Shapes</h2>'
        + "".join(_shape(name, schema) for name, schema in sorted(schemas.items()))
        + "</html>"
    )


def _operation(
    path: str, method: str, operation: Mapping[str, Any], *, url: str, model: str
) -> str:
    asked = _content(operation.get("requestBody", {})).get("schema")
    told = _content(operation["responses"]["200"]).get("schema", {})
    statuses = "".join(
        f"<tr><td><code>{status}</code><td>{_text(answer['description'])}"
        for status, answer in operation["responses"].items()
    )
    parameters = "".join(
        f"<tr><td><code>{_text(one['name'])}</code><td>in the {one['in']}: {_kind(one['schema'])}"
        for one in operation.get("parameters", ())
    )
    return (
        f'<section><h2 id="{_id(path)}"><code>{method.upper()} {_text(path)}</code></h2>'
        f"<p>{_text(operation['summary'])}.</p>"
        + (f"<table>{parameters}</table>" if parameters else "")
        + (f"<p>Takes {_kind(asked)}.</p>" if asked else "")
        + f"<p>Gives {_kind(told)}{_stream(operation)}.</p>"
        + (f"<pre>{_text(_curl(url + path, path, model))}</pre>" if path in _EXAMPLES else "")
        + f"<details><summary>Statuses</summary><table>{statuses}</table></details></section>"
    )


def _curl(address: str, path: str, model: str) -> str:
    body = json.dumps({"model": model, **_EXAMPLES[path]}).replace("'", "'\\''")
    return f"curl {address} -H 'content-type: application/json' \\\n  -d '{body}'"


def _stream(operation: Mapping[str, Any]) -> str:
    """What the events of a stream hold, where there may be one."""
    events = operation["responses"]["200"]["content"].get("text/event-stream")
    if events is None:
        return ""
    data = events["itemSchema"]["properties"]["data"]
    return f"; with <code>stream</code>, events of {_kind(data['anyOf'][1]['contentSchema'])}"


def _content(part: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = part.get("content", {}).get("application/json", {})
    return found


def _shape(name: str, schema: Mapping[str, Any]) -> str:
    needed = schema.get("required", ())
    rows = "".join(
        f"<tr><td><code>{_text(field)}</code>{'' if field in needed else ' (optional)'}"
        f"<td>{_kind(what)}<br>{_text(what.get('description', ''))}"
        for field, what in schema.get("properties", {}).items()
    )
    says = _text(schema.get("description", ""))
    title = f'<h3 id="{_id(name)}">{_text(name)}</h3>'
    return f"<section>{title}<p>{says}</p><table>{rows}</table></section>"


def _kind(schema: Mapping[str, Any]) -> str:
    """What may stand there, in words, with links to other shapes."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{_id(name)}">{_text(name)}</a>'
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(_kind(one) for one in schema[several])
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"<code>{_text(json.dumps(value))}</code>" for value in values)
    kind = _text(str(schema.get("type", "anything")))
    if "items" in schema:
        kind = f"list of {_kind(schema['items'])}"
    bounds = [
        _text(says.format(f"{schema[name]:,}" if name != "pattern" else schema[name]))
        for name, says in _BOUNDS.items()
        if name in schema
    ]
    return f"{kind} ({', '.join(bounds)})" if bounds else kind


def _id(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")


def _text(text: str) -> str:
    return html.escape(text)
