"""From plain data to one self-contained HTML page.

The page loads nothing: styles, script and charts stand in it. What a model or a corpus wrote is
untrusted text; Jinja2 escapes it, and a content security policy lets only the page's own script
run (by its hash), so even text that slipped through could do nothing.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup, escape

from groundup.pipeline.artifact import Record
from groundup.pipeline.report_facts import minutes, size

LONGEST_TOKEN = 40


def render(view: Mapping[str, Any], template: str | None = None) -> str:
    """The page of a view, which holds every name that the template uses.

    `template`: the text of another page than `report_page.html`, with the same styles and script.
    """
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "breakable": lambda path: escape(path).replace("/", Markup("/<wbr>")),
        "count": lambda value: f"{value:,.0f}",
        "decimals": lambda value, places: "" if value is None else f"{value:.{places}f}",
        "indented": lambda value: json.dumps(value, indent=2, ensure_ascii=False),
        "minutes": minutes,
        "moment": lambda text: text.replace("T", " ").replace("+00:00", " UTC"),
        "pairs": lambda table: ", ".join(f"{name} {value}" for name, value in table.items()),
        "plain": _plain,
        "shortened": _shortened,
        "shown": shown,
        "size": size,
        "total_bytes": _total_bytes,
    }
    script = _part("report_page.js").strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = environment.from_string(template or _part("report_page.html"))
    return page.render(
        **view, css=Markup(_part("report_page.css")), script=Markup(script), script_hash=digest
    )


def shown(token: str) -> str:
    """A token with spaces, line ends and tabs made visible, control characters as hex escapes."""
    signs = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍"}
    return "".join(signs.get(c) or (c if c.isprintable() else f"\\x{ord(c):02x}") for c in token)


def json_for_script(data: Any) -> Markup:
    """JSON that may stand inside a script element: no `<`, `>` or `&` is left in it."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _part(name: str) -> str:
    return resources.files("groundup.pipeline").joinpath(name).read_text(encoding="utf-8")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value)
    return str(value)


def _shortened(token: str) -> str:
    if len(token) <= LONGEST_TOKEN:
        return token
    return f"{token[: LONGEST_TOKEN - 10]}… ({len(token)} characters)"


def _total_bytes(record: Record) -> int:
    return sum(item["bytes"] for item in record.outputs.values())
