"""Terms that a visitor accepts, once, before anything is answered."""

from __future__ import annotations

import hashlib
import html
from pathlib import Path
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request, cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from vlm_demo.errors import SettingsError
from vlm_demo.files.text_file import read_text_file
from vlm_demo.translatable_text import message
from vlm_demo.ui.admission.open_paths import is_open, own_path
from vlm_demo.ui.i18n.visitor_language import choose_language
from vlm_demo.ui.plain_page import plain_page, read_form, translate_to_html
from vlm_demo.ui.visitors import cookie_header, is_secure

COOKIE = "vlm_demo_terms"
"""Name of the cookie, whose value is the hash of the terms: changed ones are accepted anew."""

MAX_CHARACTERS = 100_000
"""Longest terms."""

_WITH_KEYS = ("/v1", "/metrics", "/operations", "/terms")
"""Paths for the operator, and for programs to which the operator has given keys."""


class Terms:
    """The terms of a page."""

    def __init__(self, text: str) -> None:
        """Take the text."""
        self.text = text
        self._digest = hashlib.sha256(text.encode()).hexdigest()[:32]

    def are_accepted(self, cookies: str) -> bool:
        """Whether the browser that sends some cookies has accepted them."""
        return cookie_parser(cookies).get(COOKIE) == self._digest

    def accept(self, *, is_secure: bool) -> str:
        """Return the header that remembers that they are accepted, for a year."""
        return cookie_header(COOKIE, self._digest, is_secure=is_secure)

    def page(self, language: str, query: str) -> HTMLResponse:
        """Return them with a button; `query` is that of the address which is opened afterwards."""
        say = translate_to_html(language)
        form = (
            f"<pre>{html.escape(self.text)}</pre><form method='post' action='terms'>"
            f"<input type='hidden' name='query' value='{html.escape(query)}'>"
            f"<button>{say('I accept these terms')}</button></form>"
        )
        content = plain_page(language, message("Terms of this page"), form)
        return HTMLResponse(content, headers={"Cache-Control": "no-store"})

    def routes(self) -> list[Route]:
        """Return `/terms`, which shows and accepts them."""

        async def show(request: Request) -> Response:
            return self.page(choose_language(request.headers), "")

        async def accept(request: Request) -> Response:
            form = await read_form(request)
            cookie = self.accept(is_secure=is_secure(request.scope, request.headers))
            query = quote(form.get("query", ""), safe="=&%+,;:@/~")
            headers = {"Location": f"./?{query}" if query else "./", "Set-Cookie": cookie}
            return Response(status_code=303, headers=headers)

        return [
            Route("/terms", show, methods=["GET"]),
            Route("/terms", accept, methods=["POST"]),
        ]

    def middleware(self) -> Middleware:
        """Return the middleware that asks for them."""
        return Middleware(RequireTerms, terms=self)


class RequireTerms:
    """ASGI middleware that shows the terms, and answers 403, to whoever has not accepted them."""

    def __init__(self, app: ASGIApp, *, terms: Terms) -> None:
        """Put the terms in front of an application."""
        self._app = app
        self._terms = terms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what needs no terms, or comes from somebody who has accepted them."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers({})
        if (
            scope["type"] != "http"
            or is_open(scope)
            or own_path(scope).startswith(_WITH_KEYS)
            or self._terms.are_accepted(headers.get("cookie", ""))
        ):
            await self._app(scope, receive, send)
            return
        if own_path(scope) == "/" and scope["method"] in ("GET", "HEAD"):
            query = scope["query_string"].decode("ascii", "replace")
            shown: Response = self._terms.page(choose_language(headers), query)
        else:
            words = "Open this page in a browser first, and accept its terms."
            shown = PlainTextResponse(words, 403)
        await shown(scope, receive, send)


def read_terms(file: Path) -> Terms:
    """Read terms from a text file.

    Raises:
        SettingsError: it cannot be read, or is empty or too long.
    """
    text = read_text_file(file).strip()
    if not text or len(text) > MAX_CHARACTERS:
        raise SettingsError(
            "{file} must have terms of 1 to {most} characters.",
            file=file,
            most=f"{MAX_CHARACTERS:,}",
        )
    return Terms(text)
