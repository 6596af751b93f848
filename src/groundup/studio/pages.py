"""Templates to pages. Text is escaped; only what a lesson's parts call `html` goes in as it is."""

from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

ROOMS = {"/": "Map", "/plan": "Plan", "/runs": "Runs", "/chat": "Chat", "/progress": "Progress"}
"""What stands in the head of every page."""


class Pages:
    """The templates, compiled once."""

    def __init__(self, static: str) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FunctionLoader(_template),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals |= {"static": static, "rooms": ROOMS, "safe_html": Markup}
        self._environment.filters |= {"hours": hours, "slug": slug}

    def show(
        self, request: Request, template: str, /, *, status: int = 200, **view: Any
    ) -> HTMLResponse:
        """A page. `template`: its file's name without `.html`."""
        here = "/" + request.url.path.strip("/").partition("/")[0]
        text = self._environment.get_template(template).render(
            **view, here=here, nonce=request.state.nonce
        )
        return HTMLResponse(text, status)


def hours(minutes: int) -> str:
    """`40 min`, `1 h 30`, `12 h`."""
    if minutes < 60:
        return f"{minutes} min"
    whole, rest = divmod(minutes, 60)
    return f"{whole} h {rest:02d}" if rest and whole < 10 else f"{round(minutes / 60)} h"


def slug(text: str) -> str:
    """A text as a class: `not written` is `not-written`."""
    return text.replace(" ", "-")


def _template(name: str) -> str:
    folder = resources.files("groundup.studio") / "templates"
    return (folder / f"{name}.html").read_text(encoding="utf-8")
