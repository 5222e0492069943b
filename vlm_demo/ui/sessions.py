"""Looks at requests to Gradio's page: no visitor speaks in a session of another, or for too long.

A browser chooses the name of its session, and Gradio believes whoever sends it: their results and
what the page keeps for them. Here a session belongs to the visitor who used its name first.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Collection
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_SESSIONS = 100_000
"""Number of sessions whose visitor is remembered; the one used longest ago is forgotten first."""

MAX_VALUES = 100_000
"""Largest number of values in the JSON of a request: Gradio looks at each of them several times, in
the thread that answers everybody."""

TOO_MUCH = object()
"""Stands for JSON with more values."""

_IN_PATH = re.compile(r"/gradio_api/(?:heartbeat|stream)/([^/]+)")
_IN_BODY = re.compile(
    r"/gradio_api/(?:queue/join|run/.*|api/.*|call/.*|cancel|reset|component_server)/?", re.DOTALL
)


class SessionOwners:
    """Whose each session is. Safe to use from several threads."""

    def __init__(self) -> None:
        """Begin without sessions."""
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    def admit(self, session: str, owner: str) -> bool:
        """Whether a visitor may speak in a session; a new one is theirs from now on."""
        with self._lock:
            first = self._owners.setdefault(session, owner)
            self._owners.move_to_end(session)
            while len(self._owners) > MAX_SESSIONS:
                self._owners.popitem(last=False)
        return first == owner


class SeparateSessions:
    """ASGI middleware that answers 403 to requests in a session of another visitor.

    The state of a request names its visitor as `owner`: see `VisitorCookies`.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Put the check in front of an application."""
        self._app = app
        self._owners = SessionOwners()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] != "http" or "/gradio_api/" not in scope["path"]:
            await self._app(scope, receive, send)
            return
        sessions = _named_in_address(scope)
        if scope["method"] == "POST" and _IN_BODY.search(scope["path"]):
            body, receive = await _read_body(receive)
            content = await run_in_threadpool(_read_json, body)
            if content is TOO_MUCH:
                words = "This request has too many parts."
                await PlainTextResponse(words, 413)(scope, receive, send)
                return
            sessions.append(_find_session(content))
        owner: str = scope["state"]["owner"]
        if all(self._owners.admit(one, owner) for one in sessions if one):
            await self._app(scope, receive, send)
        else:
            words = "This session is another visitor's. Load the page again."
            await PlainTextResponse(words, 403)(scope, receive, send)


def session_middleware() -> Middleware:
    """Return the middleware for FastAPI; it stands behind that of the cookies."""
    return Middleware(SeparateSessions)


def _named_in_address(scope: Scope) -> list[str]:
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    found = _IN_PATH.search(scope["path"])
    return [*query.get("session_hash", ()), *(found.groups() if found else ())]


def _read_json(body: bytes) -> Any:
    """Return what a body says, as Starlette reads JSON; None: it is no JSON that anybody takes."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    level, values = [content], 0
    while level:
        values += len(level)
        if values > MAX_VALUES:
            return TOO_MUCH
        level = [part for one in level for part in _parts(one)]
    return content


def _parts(value: Any) -> Collection[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _find_session(content: Any) -> str:
    """Return the session that a body names; "": it names none."""
    session = content.get("session_hash") if isinstance(content, dict) else None
    return session if isinstance(session, str) else ""


async def _read_body(receive: Receive) -> tuple[bytes, Receive]:
    """Return the body of a request, and what gives it to the application once more."""
    messages: list[Message] = []
    body = bytearray()
    more = True
    while more:
        message = await receive()
        messages.append(message)
        body += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
    messages.reverse()

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return bytes(body), receive_again
