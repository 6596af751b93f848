"""`GET /metrics` for Prometheus, `GET /cost` for people (a page) and programs (JSON)."""

import html
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse, JSONResponse

from groundup.serve.cost import Bill, Costs
from groundup.serve.metrics import Metrics
from groundup.serve.service import Service

_POLICY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}table{border-collapse:collapse;width:100%}"
    "th,td{padding:.25rem .75rem;text-align:right}th:first-child,td:first-child{text-align:left}"
    "tr+tr{border-top:1px solid #8886}"
)


def router(service: Service, metrics: Metrics, costs: Costs) -> APIRouter:
    """The routes."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/metrics")
    async def show_metrics(request: Request) -> Response:
        for name, runner in service.runners.items():
            metrics.state(name, runner.stats())
        text, media_type = metrics.exposition(request.headers.get("accept", ""))
        return Response(text, headers={"content-type": media_type})

    @routes.get("/cost")
    async def show_cost(request: Request) -> Response:
        # Who came with a key sees what is its own.
        key = request.scope.get("state", {}).get("key")
        told = as_json(costs.bill(), key)
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(as_page(told), headers=_POLICY)
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    return routes


def as_json(bill: Bill, key: str | None = None) -> dict[str, Any]:
    """A bill as plain data; of the keys, only this one if it is given."""
    shown = bill.by_key if key is None else {key: bill.by_key[key]} if key in bill.by_key else {}
    return {
        "seconds": round(bill.seconds, 3),
        "busy_seconds": round(bill.busy_seconds, 3),
        "price_per_hour": bill.price_per_hour,
        "cost": bill.cost,
        "per_million_tokens": bill.per_million,
        "per_million_tokens_if_never_idle": bill.per_million_busy,
        **vars(bill.usage),
        "keys": {name: {**vars(used), "cost": bill.share(name)} for name, used in shown.items()},
    }


def as_page(told: dict[str, Any]) -> str:
    """The same as a page without a script."""
    rows = {
        "Time": f"{told['seconds']:,.0f} s, {told['busy_seconds']:,.1f} s of it at work",
        "Requests": f"{told['requests']:,}",
        "Prompt tokens": f"{told['prompt_tokens']:,}, {told['cached_tokens']:,} from the cache",
        "Answer tokens": f"{told['generated_tokens']:,}",
        "The machine's price": f"{told['price_per_hour']:g} an hour, {told['cost']:.4f} so far",
        "A million tokens": _money(told["per_million_tokens"]),
        "A million tokens, if never idle": _money(told["per_million_tokens_if_never_idle"]),
    }
    table = "".join(f"<tr><td>{name}<td>{value}" for name, value in rows.items())
    keys = "".join(
        f"<tr><td>{html.escape(name) or 'all'}<td>{used['requests']:,}<td>"
        f"{used['prompt_tokens']:,}<td>{used['generated_tokens']:,}<td>{used['cost']:.4f}"
        for name, used in told["keys"].items()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>What it costs</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style><h1>What it costs</h1><table>{table}</table>"
        "<h2>By key</h2><table><tr><th>key<th>requests<th>prompt tokens<th>answer tokens<th>cost"
        f"{keys}</table>"
        "<p>The machine's price is shared out by tokens. Give it with <code>--price</code>.</p>"
    )


def _money(value: float | None) -> str:
    return "nothing was answered yet" if value is None else f"{value:.4f}"
