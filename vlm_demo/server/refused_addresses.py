"""Refuses addresses that would have the server fetch something from elsewhere for anybody."""

from __future__ import annotations

import logging
import re

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger(__name__)

_FETCHING = re.compile(r"/(?:proxy=|file[=/]\s*[a-z][a-z0-9+.-]+:)", re.IGNORECASE)
"""A path by which Gradio fetches an address: `file=` with a scheme, or `proxy=` with anything.

A scheme has two letters or more here, since one letter and a colon begin a path of Windows.
"""


class RefuseAddresses:
    """ASGI middleware that answers 403 where Gradio would fetch an address."""

    def __init__(self, app: ASGIApp) -> None:
        """Put the check in front of an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request for something elsewhere, and pass any other on."""
        if scope["type"] == "http" and _FETCHING.search(scope["path"]):
            log.warning("Refused to fetch an address that somebody asked for.")
            refusal = PlainTextResponse("This page fetches no addresses.", 403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)
