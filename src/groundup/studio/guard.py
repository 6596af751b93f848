"""Who may ask the studio for something: this person's own browser, and nobody through it.

The studio runs code, so a page on the web that could reach it would run code here. Four things
stand between them, all checked before a route sees the request:

1. `Host` names this server: a domain that a stranger points at 127.0.0.1 (DNS rebinding) does not.
2. `Origin`, and what the browser says in `Sec-Fetch-Site`, is this server itself: no other page, on
   the web or on another port of this machine, can ask through the person's browser (CSRF).
3. A random token, in the address that was printed, is exchanged once for a cookie that scripts
   cannot read and that no other site can send along.
4. Every answer says what its page may do: load nothing from outside, run no script but our files.

This keeps other web pages out, and other people of this machine. It does not keep out a program
that this person runs: that could read the workspace anyway.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groundup.studio.refusals import Refusal, answer

SAFE = ("GET", "HEAD")
TOKEN = "token"
"""The name of the token in the address."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def _secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, kw_only=True)
class Pass:
    """What opens this one server."""

    port: int
    token: str = field(default_factory=_secret)
    """Stands in the address."""
    cookie: str = field(default_factory=_secret)
    """What the token is exchanged for."""

    @property
    def hosts(self) -> tuple[str, str]:
        """The names under which this server is asked."""
        return f"127.0.0.1:{self.port}", f"localhost:{self.port}"

    @property
    def cookie_name(self) -> str:
        """Cookies know no ports: with two studios each needs its own."""
        return f"groundup_studio_{self.port}"

    @property
    def address(self) -> str:
        """What a person opens."""
        return f"http://{self.hosts[0]}/?{TOKEN}={self.token}"


def refusal(method: str, headers: Mapping[str, str], its: Pass) -> Refusal | None:
    """Why this request must not be answered, before anybody asks for the cookie; None: it may."""
    host = headers.get("host", "")
    if host not in its.hosts:
        return Refusal(
            status=421,
            title="This is not the studio's address",
            says=f"It answers as {its.hosts[0]}, and was asked as {host[:80] or 'nothing'}. "
            "A tunnel must keep the port's number.",
        )
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    is_own = origin == f"http://{host}"
    if origin is not None and not is_own:
        return _strange("another page sent this request")
    if method not in SAFE and not is_own:
        return _strange("a request that changes something must say that it comes from the studio")
    if site in (None, "same-origin", "none"):
        return None
    is_visit = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
    if is_visit and headers.get("sec-fetch-dest", "document") == "document":
        return None  # a link that was clicked elsewhere
    return _strange("another page asked for this")


def _strange(says: str) -> Refusal:
    return Refusal(status=403, title="Only the studio's own pages may do this", says=says + ".")


def has_cookie(headers: Mapping[str, str], its: Pass) -> bool:
    """Whether the token was exchanged."""
    jar = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return False
    found = jar.get(its.cookie_name)
    return found is not None and _same(found.value, its.cookie)


def _same(came: str, wanted: str) -> bool:
    return secrets.compare_digest(came.encode(), wanted.encode())


def _own_path(request: Request) -> str:
    """The path that was asked for; `//elsewhere.example` would lead away."""
    return "/" + request.url.path.lstrip("/\\")


class Guard:
    """ASGI middleware: lets through what may pass, and sets the headers of every answer."""

    def __init__(self, app: ASGIApp, its: Pass, *, end: Callable[[], None] = lambda: None) -> None:
        self._app, self._its = app, its
        self.end = end
        """Called when the server begins to close: what streams then ends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["nonce"] = nonce
        request = Request(scope)
        blocked = self._blocked(request)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await (blocked or self._app)(scope, receive, send_guarded)

    def _blocked(self, request: Request) -> Response | None:
        headers: Headers = request.headers
        found = refusal(request.method, headers, self._its)
        if found is not None:
            return answer(request, found)
        [token] = parse_qs(request.url.query).get(TOKEN, [""])[:1]
        if token and request.method == "GET" and _same(token, self._its.token):
            return self._exchanged(request)
        if has_cookie(headers, self._its):
            return None
        # After a click on another site the browser keeps the cookie back once; a visit that our
        # own page begins gets it.
        is_from_elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        return answer(
            request,
            Refusal(
                status=403,
                title="Open the studio with the address it printed",
                says="Each start of `groundup learn` prints an address with a token of its own. "
                "An older one, or one without the token, does not open it.",
                again=_own_path(request) if is_from_elsewhere and not token else "",
            ),
        )

    def _exchanged(self, request: Request) -> Response:
        response = RedirectResponse(_own_path(request), status_code=303)
        response.set_cookie(
            self._its.cookie_name, self._its.cookie, httponly=True, samesite="strict", path="/"
        )
        return response
