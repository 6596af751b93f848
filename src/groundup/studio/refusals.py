"""What is not done, and why, in words: a page where a page was asked for, JSON where data was.

It stands alone (no template, no style of the studio), so that it also works for those who may load
nothing else.
"""

import html
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What a person is told."""

    status: int
    title: str
    says: str
    """What came, what was wanted, what to do."""
    again: str = ""
    """A path of ours to try at once."""


def wants_data(request: Request) -> bool:
    """Whether a script asks."""
    return request.url.path.startswith("/api/")


def answer(request: Request, refusal: Refusal) -> Response:
    """The refusal in the form that was asked for."""
    if wants_data(request):
        return JSONResponse({"error": refusal.says, "title": refusal.title}, refusal.status)
    again = html.escape(refusal.again, quote=True)
    refresh = f'<meta http-equiv="refresh" content="0; url={again}">' if again else ""
    link = f'<p><a href="{again}">Go on</a></p>' if again else ""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark">{refresh}'
        f"<title>{html.escape(refusal.title)}</title></head><body><main>"
        f"<h1>{html.escape(refusal.title)}</h1><p>{html.escape(refusal.says)}</p>{link}"
        "</main></body></html>"
    )
    return HTMLResponse(page, refusal.status)
