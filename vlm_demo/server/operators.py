"""Who may do what concerns everybody on a page: its operator.

On a page that strangers may open, that is who has given the password; a signed cookie keeps it for
half a day. On any other page it is everybody.
"""

from __future__ import annotations

import hmac
import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol

from itsdangerous import BadSignature, TimestampSigner
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from vlm_demo.errors import OperatorOnlyError, RateLimitError
from vlm_demo.settings import Settings

COOKIE = "vlm_demo_operator"
"""Name of the cookie."""

SESSION_S = 12 * 3600
"""Seconds after which the password is asked for again."""

MAX_ATTEMPTS = 10
"""Largest number of wrong passwords, of everybody together, in `ATTEMPTS_S`."""

ATTEMPTS_S = 60.0
"""Seconds for which a wrong password counts."""

STATE = "is_operator"
"""Name, in the state of a request, of whether its sender is the operator."""


class HasState(Protocol):
    """A request of Starlette or of Gradio."""

    @property
    def state(self) -> Any:
        """What middleware has found out about the request."""


class Operators:
    """Checks the operator's password, and knows the operator's cookie again."""

    def __init__(self, settings: Settings, keyed_hash: Callable[[str], str]) -> None:
        """Read the password from the settings.

        Args:
            settings: of this run.
            keyed_hash: turns a text into one that nobody can compute without a secret. It makes the
                key of the cookies, which are void once the password is another one.
        """
        self.is_public = settings.is_public()
        self._password = settings.operator_password
        self._signer = TimestampSigner(keyed_hash(f"operator {self._password}"), salt=COOKIE)
        self._wrong: deque[float] = deque()  # monotonic times
        self._lock = Lock()

    @property
    def has_password(self) -> bool:
        """Whether anybody can become the operator of a public page."""
        return bool(self._password)

    def knows(self, cookies: str) -> bool:
        """Whether the cookies of a request are the operator's; everybody's, on a private page."""
        if not self.is_public:
            return True
        if not self._password:
            return False
        try:
            self._signer.unsign(cookie_parser(cookies).get(COOKIE, ""), max_age=SESSION_S)
        except BadSignature:
            return False
        return True

    def sign_in(self, password: str, *, is_secure: bool) -> str:
        """Return the cookie, as a header, for who knows the password; "": it is wrong.

        Raises:
            RateLimitError: there were too many wrong ones.
        """
        with self._lock:
            now = time.monotonic()
            while self._wrong and self._wrong[0] < now - ATTEMPTS_S:
                self._wrong.popleft()
            if len(self._wrong) >= MAX_ATTEMPTS:
                raise RateLimitError("There were too many wrong passwords. Try again in a minute.")
            is_right = hmac.compare_digest(password.encode(), self._password.encode())
            if not (is_right and self._password):
                self._wrong.append(now)
                return ""
        return _cookie(self._signer.sign("operator").decode(), SESSION_S, is_secure)

    def sign_out(self, *, is_secure: bool) -> str:
        """Return the header that removes the cookie."""
        return _cookie("", 0, is_secure)

    def middleware(self) -> Middleware:
        """Return the middleware that marks requests of the operator."""
        return Middleware(MarkOperator, operators=self)


class MarkOperator:
    """ASGI middleware that says in the state of a request whether its sender is the operator."""

    def __init__(self, app: ASGIApp, *, operators: Operators) -> None:
        """Put the mark in front of an application."""
        self._app = app
        self._operators = operators

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Mark a request, and pass it on."""
        if scope["type"] == "http":
            cookies = Headers(scope=scope).get("cookie", "")
            scope.setdefault("state", {})[STATE] = self._operators.knows(cookies)
        await self._app(scope, receive, send)


def is_operator(request: HasState) -> bool:
    """Whether the operator sent a request."""
    return bool(getattr(request.state, STATE, False))


def require_operator(request: HasState) -> None:
    """Refuse what concerns everybody to all others.

    Raises:
        OperatorOnlyError: somebody else sent the request.
    """
    if not is_operator(request):
        raise OperatorOnlyError("Only the operator of this page can do this.")


def _cookie(value: str, seconds: int, is_secure: bool) -> str:
    # Strict: no other site can make the operator's browser send it, not even by a link.
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
