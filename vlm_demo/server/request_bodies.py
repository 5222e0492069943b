"""Refuses bodies of requests that are too long or too deeply nested to be read.

Uploads have limits of their own.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BYTES = 64_000_000
"""Longest body that is no upload. Requests of the API hold pictures in base64, a third longer."""


class _TooLongError(Exception):
    """A body has become too long while it was read."""


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

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BYTES:
                raise _TooLongError
            return message

        async def send_noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            if length.isdecimal() and int(length[:20]) > MAX_BYTES:
                raise _TooLongError
            await self._app(scope, receive_counted, send_noted)
        except _TooLongError:
            if not has_begun:
                refusal = PlainTextResponse("This request is too long.", 413)
                await refusal(scope, receive, send)


async def refuse_nesting(_: Request, __: Exception) -> Response:
    """Answer a request whose JSON is nested more deeply than it can be read."""
    return PlainTextResponse("This request is nested too deeply.", 400)
