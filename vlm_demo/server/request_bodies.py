"""Refuses bodies of requests that are too long or too deeply nested to be read.

Uploads have limits of their own.
"""

from __future__ import annotations

from contextlib import suppress

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BYTES = 64_000_000
"""Longest body that is no upload. Requests of the API hold pictures in base64, a third longer."""


class LimitBodies:
    """ASGI middleware that ends requests whose body is too long, without reading all of it."""

    def __init__(self, app: ASGIApp) -> None:
        """Put the limit in front of an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count the bytes of its body."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers({})
        if scope["type"] != "http" or scope["path"].rstrip("/").endswith("/upload"):
            await self._app(scope, receive, send)
            return
        length = headers.get("content-length", "")
        received, has_begun = 0, False
        is_too_long = length.isdecimal() and int(length[:20]) > MAX_BYTES

        async def count_and_receive() -> Message:
            nonlocal received, is_too_long
            message = await receive()
            received += len(message.get("body", b""))
            is_too_long = received > MAX_BYTES
            return {"type": "http.disconnect"} if is_too_long else message

        async def note_and_send(message: Message) -> None:
            nonlocal has_begun
            if has_begun or not is_too_long:  # an answer to half a body is nobody's
                has_begun = True
                await send(message)

        if not is_too_long:
            with suppress(ClientDisconnect):
                await self._app(scope, count_and_receive, note_and_send)
        if is_too_long and not has_begun:
            refusal = PlainTextResponse("This request is too long.", 413, {"Connection": "close"})
            await refusal(scope, receive, send)


async def refuse_nesting(_: Request, __: Exception) -> Response:
    """Answer a request whose JSON is nested more deeply than it can be read."""
    return PlainTextResponse("This request is nested too deeply.", 400)
