"""The first HTML of the page, with the header in it: nothing moves when the scripts have loaded."""

from __future__ import annotations

import json
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vlm_demo.server.headers import NONCE
from vlm_demo.ui import browser_files
from vlm_demo.ui.browser_modules import module_url
from vlm_demo.ui.header.header import header_html
from vlm_demo.ui.i18n import LANGUAGES, everywhere_script, language_tag
from vlm_demo.ui.i18n.visitor_language import choose_language

_BODY = re.compile(rb"<body[^>]*>")
_HTML_LANG = re.compile(rb'(<html\s[^>]*?lang=)"[^"]*"')

_TRANSLATIONS = b'"i18n_translations":{"en":{},'
"""How the translations for Gradio's components begin in its page (`gradio/blocks.py`)."""

BARE = "is_bare_page"
"""Name, in the state of a request, of whether Gradio's page is shown without a header."""

STYLE_SHEETS = (
    "tokens.css",
    "header/shell.css",
    "header/header.css",
    "header/models/panel.css",
    "components/popover.css",
    "components/canvas/canvas.css",
    "components/canvas/mount.css",
    "studio/studio.css",
    "studio/gallery/gallery.css",
    "studio/strip/strip.css",
    "studio/film/film.css",
    "studio/camera/camera.css",
    "studio/layers/layers.css",
    "studio/composer/composer.css",
    "studio/conversation/conversation.css",
)
"""Style sheets that the first HTML needs."""

SCRIPTS = ("components/canvas/link_mark.js", "arena/arena.js")
"""Scripts that are no modules, and define what Gradio's components call."""


class FirstHtml:
    """ASGI middleware that puts the header, in the visitor's language, into Gradio's page."""

    def __init__(self, app: ASGIApp) -> None:
        """Put the header in front of an application."""
        self._app = app
        self._first_script = browser_files.read("header/first.js")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and complete the page where it asks for one."""
        # The application's start and end pass here too, and have no headers.
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers({})
        if "text/html" not in headers.get("accept", ""):
            await self._app(scope, receive, send)
            return
        language = choose_language(headers)
        start: Message = {}
        body = b""

        async def send_with_header(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                if not _is_page(Headers(raw=start["headers"])):
                    await send(message)
            elif not _is_page(Headers(raw=start["headers"])):
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    if not scope.get("state", {}).get(BARE):
                        body = self.complete(body, language)
                    body = _mark_scripts(body, scope.get("state", {}).get(NONCE, ""))
                    MutableHeaders(raw=start["headers"])["content-length"] = str(len(body))
                    await send(start)
                    await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, send_with_header)

    def complete(self, page: bytes, language: str) -> bytes:
        """Return a page with the header in it; HTML that is not Gradio's page stays as it is."""
        if b"<gradio-app" not in page:
            return page
        tag = language_tag(language)
        script = browser_files.fill(self._first_script, language=tag)
        scripts = f"<script>{script}</script><script>{everywhere_script(language)}</script>"
        header = f"{scripts}{header_html(language)}".encode()
        page = _HTML_LANG.sub(rb'\1"' + tag.encode() + b'"', page, count=1)
        page = _keep_language(page, language)
        page = page.replace(b"</head>", _head_html().encode() + b"</head>", 1)
        return _BODY.sub(lambda body: body[0] + header, page, count=1)


def first_html_middleware() -> Middleware:
    """Return the middleware for FastAPI."""
    return Middleware(FirstHtml)


def _head_html() -> str:
    links = "".join(f'<link rel="stylesheet" href="{module_url(name)}">' for name in STYLE_SHEETS)
    scripts = "".join(f"<script>{browser_files.read(name)}</script>" for name in SCRIPTS)
    return f'{links}{scripts}<script type="module" src="{module_url("header/header.js")}"></script>'


def _keep_language(page: bytes, language: str) -> bytes:
    """Leave out the translations into other languages, which Gradio puts into its page."""
    before, found, after = page.partition(_TRANSLATIONS)
    if not found:
        return page
    text, position = after.decode(), 0
    kept = ""
    for one in LANGUAGES:
        name = f'"{one}":'
        start = text.index(name, position)
        _, position = json.JSONDecoder().raw_decode(text, start + len(name))
        kept = text[start:position] if one == language else kept
    begin = found if kept else found.removesuffix(b",")
    return b"".join((before, begin, kept.encode(), text[position:].encode()))


def _mark_scripts(page: bytes, nonce: str) -> bytes:
    """Give the scripts in a page the nonce without which the browser does not run them."""
    return page.replace(b"<script", f'<script nonce="{nonce}"'.encode()) if nonce else page


def _is_page(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith("text/html")
