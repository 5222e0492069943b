"""Counts requests and their answers, and writes a line about each to the log."""

from __future__ import annotations

import logging
import time

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vlm_demo.server.monitor import Monitor

log = logging.getLogger(__name__)

OTHER = "other"
"""Stands for the path of a request that no route of the application has taken."""


class RequestWatch:
    """ASGI layer around the whole application.

    Paths are those of routes, such as `/gradio_api/call/{api_name}`: they have neither ids nor
    names of files in them, and there are few of them.
    """

    def __init__(self, app: ASGIApp, monitor: Monitor) -> None:
        """Watch an application."""
        self._app = app
        self._monitor = monitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._monitor.is_ending and scope["method"] == "POST":
            busy = {"Retry-After": "60"}
            refusal = PlainTextResponse("This page is ending. Try again in a minute.", 503, busy)
            await refusal(scope, receive, send)
            return
        status = 500
        begin = time.monotonic()

        async def count_and_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, count_and_send)
        finally:
            seconds = time.monotonic() - begin
            path = _route_path(scope)
            self._monitor.count_request(scope["method"], path, status, seconds)
            log.info(
                "%s %s %d",
                scope["method"],
                path,
                status,
                extra={"route": path, "status": status, "seconds": round(seconds, 3)},
            )


def _route_path(scope: Scope) -> str:
    """Return the path of the route that took a request; of a plain one its first part."""
    route = scope.get("route")  # FastAPI's routes name themselves here
    if route is not None:
        return str(route.path)
    return "/" + scope["path"].split("/")[1] if "endpoint" in scope else OTHER
