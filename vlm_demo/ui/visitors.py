"""Who visits: a random signed cookie tells browsers apart, and addresses those without one.

Of either, only keyed hashes are passed on: nobody can read a cookie or an address from them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import gradio as gr
from itsdangerous import BadSignature, Signer
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vlm_demo.arena import Standing
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

    def __init__(
        self, app: ASGIApp, *, voter: Callable[[str], str], trusted_proxies: int = 0
    ) -> None:
        """Put the cookies in front of an application.

        Args:
            app: the application that answers the requests.
            voter: turns an identity into a voter that can be stored, with a secret.
            trusted_proxies: how many proxies in front of the page add to X-Forwarded-For.
        """
        self._app = app
        self._trusted_proxies = trusted_proxies
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
        address = self._voter(f"address {read_address(scope, headers, self._trusted_proxies)}")
        state["visitor"], state["voter"], state["address"] = name, self._voter, address
        state["owner"] = self._voter(f"owner {name}") if name else f"{address}"
        if name or "text/html" not in headers.get("accept", ""):
            await self._app(scope, receive, send)
            return
        value = self._signer.sign(secrets.token_urlsafe(16)).decode()
        cookie = cookie_header(COOKIE, value, is_secure=is_secure(scope, headers))

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


def cookie_header(name: str, value: str, *, is_secure: bool) -> str:
    """Return the header of a cookie that lasts a year.

    On a Space the page is in a frame of another site, where browsers send only cookies that allow
    it, and only over https.
    """
    where = "SameSite=None; Secure; Partitioned" if is_secure else "SameSite=Lax"
    return f"{name}={value}; Path=/; Max-Age={YEAR_S}; HttpOnly; {where}"


def cookie_middleware(voter: Callable[[str], str], trusted_proxies: int = 0) -> Middleware:
    """Return the middleware for FastAPI."""
    return Middleware(VisitorCookies, voter=voter, trusted_proxies=trusted_proxies)


def read_address(scope: Scope, headers: Headers, trusted_proxies: int) -> str:
    """Return the address of whoever sent a request; of IPv6, the network that one customer has.

    Each proxy appends the address that it was asked from to X-Forwarded-For. Only as many as are
    trusted are believed: what stands before was written by the visitor.

    Source: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Forwarded-For
    """
    client = scope.get("client")
    forwarded = ",".join(headers.getlist("x-forwarded-for")).split(",")
    hops = [hop.strip() for hop in forwarded if hop.strip()]
    hops.append(client[0] if client else "")
    address = hops[max(0, len(hops) - 1 - trusted_proxies)]
    try:
        parsed = ip_address(address.strip("[]"))
    except ValueError:
        return address[:100]
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
    return str(parsed)


def read_voter(request: gr.Request) -> str:
    """Return the voter behind a request: a hash of the login, or of the cookie.

    A client that keeps no cookies is one voter as long as its session lasts.
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
    """Return who owns what a request uploads, and who takes turns with others, as a hash.

    It is the browser's cookie. Clients that keep none are told apart by their addresses.
    """
    owner: str = request.state.owner
    return owner


def read_standing(request: gr.Request) -> Standing:
    """Return what is known of the voter behind a request."""
    state = request.state
    return Standing(bool(request.username or state.visitor), state.address)


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
