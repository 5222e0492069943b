"""Who votes: a random signed cookie tells browsers apart, and nothing else is known of a person."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import gradio as gr
from itsdangerous import BadSignature, Signer
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "vlm_demo_visitor"
YEAR_S = 365 * 24 * 3600


class VisitorCookies:
    """ASGI middleware that gives each browser a random name, and knows it again.

    It also carries what makes voters of identities to `voter_of`.
    """

    def __init__(self, app: ASGIApp, *, voter: Callable[[str], str]) -> None:
        """Put the cookies in front of an application.

        Args:
            app: what answers the requests.
            voter: makes of an identity what can be kept, with a secret that nobody else has.
        """
        self._app = app
        self._signer = Signer(voter("the signature of cookies"), salt=COOKIE)
        self._voter = voter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note who sends a request, and give those who open a page a cookie."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        name = self._name(headers.get("cookie", ""))
        state = scope.setdefault("state", {})
        state["visitor"], state["voter"] = name, self._voter
        if name or "text/html" not in headers.get("accept", ""):
            await self._app(scope, receive, send)
            return
        cookie = self._cookie(secure=_is_secure(scope, headers))

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookie)

    def _name(self, cookies: str) -> str:
        """Return the name in a request's cookies; "" where there is none of ours."""
        try:
            return self._signer.unsign(cookie_parser(cookies).get(COOKIE, "")).decode()
        except BadSignature:
            return ""

    def _cookie(self, *, secure: bool) -> str:
        """Return the header for a new visitor.

        On a Space the page stands in a frame of another site, where browsers send only cookies
        that say so, and that only over https.
        """
        value = self._signer.sign(secrets.token_urlsafe(16)).decode()
        where = "SameSite=None; Secure; Partitioned" if secure else "SameSite=Lax"
        return f"{COOKIE}={value}; Path=/; Max-Age={YEAR_S}; HttpOnly; {where}"


def cookie_middleware(voter: Callable[[str], str]) -> Middleware:
    """Return the middleware as FastAPI takes it."""
    return Middleware(VisitorCookies, voter=voter)


def read_voter(request: gr.Request) -> str:
    """Return what is kept of the person behind a request: a hash of the login, or of the cookie.

    A client that keeps no cookies is one voter as long as its session lasts. No address of a
    network is looked at.
    """
    if request.username:
        identity = f"login {request.username}"
    elif request.state.visitor:
        identity = f"visitor {request.state.visitor}"
    else:
        identity = f"session {request.session_hash}"
    voter: Callable[[str], str] = request.state.voter
    return voter(identity)


def _is_secure(scope: Scope, headers: Headers) -> bool:
    """Whether the browser is on https, perhaps with a proxy between."""
    return scope["scheme"] == "https" or headers.get("x-forwarded-proto", "").startswith("https")
