"""The chat page as the server hands it out: `/` and the files it loads, all from this package.

The page loads nothing from elsewhere, runs no script but its own files, may stand in no frame, and
may not turn text into markup (Trusted Types, where the browser knows them); the policy below has
the browser hold it to that. The files are read once, by name, so no path can lead out of them.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePath

from fastapi import APIRouter, Request, Response

PAGE = "chat_page.html"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",  # kept, but asked after each time: a new version shows at once
}


@dataclass(frozen=True)
class _File:
    content: bytes
    media_type: str
    tag: str

    def answer(self, request: Request) -> Response:
        headers = {**HEADERS, "ETag": self.tag}
        known = request.headers.get("if-none-match", "")
        if self.tag in [one.strip().removeprefix("W/") for one in known.split(",")]:
            return Response(status_code=304, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


def chat_page() -> APIRouter:
    """A router with `GET /` (the page) and `GET /chat/{name}` (its files); 404 for other names."""
    room = resources.files("groundup.serve")
    page = _read(room / PAGE, "text/html")
    files = {
        file.name: _read(file, TYPES[suffix])
        for file in room.iterdir()
        if file.name.startswith("chat_page") and (suffix := PurePath(file.name).suffix) in TYPES
    }
    router = APIRouter(include_in_schema=False)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def show(request: Request) -> Response:
        return page.answer(request)

    @router.api_route("/chat/{name}", methods=["GET", "HEAD"])
    async def file(request: Request, name: str) -> Response:
        if name not in files:
            return Response("no such file\n", 404, headers=HEADERS, media_type="text/plain")
        return files[name].answer(request)

    return router


def _read(file: Traversable, media_type: str) -> _File:
    content = file.read_bytes()
    return _File(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
