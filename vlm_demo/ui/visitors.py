"""Who votes: a random signed cookie tells browsers apart; nothing else is known of a person."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

import gradio as gr
from itsdangerous import BadSignature, Signer
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vlm_demo.settings import is_loopback

COOKIE = "vlm_demo_visitor"
"""Name of the cookie."""

_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers that a proxy adds to what it passes on (RFC 7239 and its forerunners)."""

YEAR_S = 365 * 24 * 3600


class VisitorCookies:
    """ASGI middleware that gives each browser a random name and recognises it later.

    It also passes the function that turns an identity into a voter on to `read_voter`.
    """

    def __init__(self, app: ASGIApp, *, voter: Callable[[str], str]) -> None:
        """Put the cookies in front of an application.

        Args:
            app: the application that answers the requests.
            voter: turns an identity into a voter that can be stored, with a secret.
        """
        self._app = app
        self._signer = Signer(voter("the signature of cookies"), salt=COOKIE)
        self._voter = voter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record who sends a request, and set a cookie for those who open a page."""
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
        cookie = self._cookie(secure=is_secure(scope, headers))

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookie)

    def _name(self, cookies: str) -> str:
        """Return the name in the cookies of a request; "" where there is none that we signed."""
        try:
            return self._signer.unsign(cookie_parser(cookies).get(COOKIE, "")).decode()
        except BadSignature:
            return ""

    def _cookie(self, *, secure: bool) -> str:
        """Return the header for a new visitor.

        On a Space the page is in a frame of another site, where browsers send only cookies that
        allow it, and only over https.
        """
        value = self._signer.sign(secrets.token_urlsafe(16)).decode()
        where = "SameSite=None; Secure; Partitioned" if secure else "SameSite=Lax"
        return f"{COOKIE}={value}; Path=/; Max-Age={YEAR_S}; HttpOnly; {where}"


def cookie_middleware(voter: Callable[[str], str]) -> Middleware:
    """Return the middleware for FastAPI."""
    return Middleware(VisitorCookies, voter=voter)


def read_voter(request: gr.Request) -> str:
    """Return the voter behind a request: a hash of the login, or of the cookie.

    A client that keeps no cookies is one voter as long as its session lasts. Network addresses are
    never looked at.
    """
    if request.username:
        identity = f"login {request.username}"
    elif request.state.visitor:
        identity = f"visitor {request.state.visitor}"
    else:
        identity = f"session {request.session_hash}"
    voter: Callable[[str], str] = request.state.voter
    return voter(identity)


def read_owner(request: gr.Request) -> str:
    """Return who owns what a request uploads: a login or the name in a cookie, as a hash.

    "" where a browser keeps no cookies: its pictures are then protected by their names alone,
    which nobody can guess.
    """
    identity = request.username or request.state.visitor
    if not identity:
        return ""
    voter: Callable[[str], str] = request.state.voter
    return voter(f"owner {identity}")


def comes_from_here(request: gr.Request) -> bool:
    """Whether a request comes from this computer itself: through no proxy, under no other name.

    A page behind a proxy may be open to everybody, although it listens on loopback.
    """
    headers = {name.lower() for name in request.headers}
    client = request.client.host if request.client else ""
    named = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    return is_loopback(client) and is_loopback(named) and headers.isdisjoint(_FORWARDED)


def is_secure(scope: Scope, headers: Headers) -> bool:
    """Tell whether the browser uses https, perhaps through a proxy."""
    return scope["scheme"] == "https" or headers.get("x-forwarded-proto", "").startswith("https")
