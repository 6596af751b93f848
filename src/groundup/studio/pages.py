"""Templates to pages. Text is escaped; only what a lesson's parts call `html` goes in as it is."""

import math
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from groundup.course.lesson_parts import Field
from groundup.observe.progress import human_time

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
        self._environment.filters |= {
            "duration": human_time,
            "hours": hours,
            "kind_of": kind_of,
            "plain_number": "{:g}".format,
            "slider_step": slider_step,
            "slug": slug,
        }

    def show(
        self, request: Request, template: str, /, *, status: int = 200, **view: Any
    ) -> HTMLResponse:
        """A page. `template`: its file's name without `.html`."""
        here = "/" + request.url.path.strip("/").partition("/")[0]
        text = self._environment.get_template(template).render(
            **view, here=here, nonce=request.state.nonce
        )
        return HTMLResponse(text, status)

    def piece(self, template: str, /, **view: Any) -> str:
        """A part of a page, for a script that puts it there."""
        return self._environment.get_template(template).render(**view)


def hours(minutes: int) -> str:
    """`40 min`, `1 h 30`, `12 h`."""
    if minutes < 60:
        return f"{minutes} min"
    whole, rest = divmod(minutes, 60)
    return f"{whole} h {rest:02d}" if rest and whole < 10 else f"{round(minutes / 60)} h"


def slug(text: str) -> str:
    """A text as a class: `not written` is `not-written`."""
    return text.replace(" ", "-")


def kind_of(part: object) -> str:
    """`Prose`, `Quiz` ... of a lesson's part."""
    return type(part).__name__


def slider_step(field: Field) -> float | str:
    """How far a slider moves at a time: its own step, 1 for whole numbers, else a round one.

    About a hundredth of the way, as 1, 2 or 5 times a power of ten; `any` where the default would
    not lie on such a step.
    """
    if field.step or field.is_whole:
        return field.step or 1
    rough = (field.high - field.low) / 100
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * max(digit for digit in (1, 2, 5) if digit * power <= rough * (1 + 1e-9))
    steps = (float(field.default) - field.low) / step
    return float(f"{step:.6g}") if abs(steps - round(steps)) < 1e-6 else "any"


def _template(name: str) -> str:
    folder = resources.files("groundup.studio") / "templates"
    return (folder / f"{name}.html").read_text(encoding="utf-8")
