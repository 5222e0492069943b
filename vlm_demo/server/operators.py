"""Who may do what concerns everybody on a page: its operator.

On a page that strangers may open, that is who has given the password; a signed cookie keeps it for
half a day. On a Space it is also its owner, signed in at the Hub. On any other page everybody is.
"""

from __future__ import annotations

import hmac
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from threading import Lock
from typing import Any, Protocol

from itsdangerous import BadSignature, TimestampSigner
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from vlm_demo.errors import OperatorOnlyError, RateLimitError
from vlm_demo.server.secret_files import read_password
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

SPACE_OWNER = "SPACE_AUTHOR_NAME"
"""Environment variable of a Space with the name of its owner.

Source: https://huggingface.co/docs/hub/spaces-overview#helper-environment-variables
"""


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

        Raises:
            SettingsError: the file of the password cannot be read, or is empty.
        """
        self.is_public = settings.is_public()
        self._password = read_password(settings)
        owner = os.environ.get(SPACE_OWNER, "") if os.environ.get("SPACE_ID") else ""
        self._names = {name for name in (owner, *settings.operators) if name}
        self._signer = TimestampSigner(keyed_hash(f"operator {self._password}"), salt=COOKIE)
        self._wrong: deque[float] = deque()  # monotonic times
        self._lock = Lock()

    @property
    def has_password(self) -> bool:
        """Whether a password makes the operator of a public page."""
        return bool(self._password)

    @property
    def has_hub_login(self) -> bool:
        """Whether somebody can become the operator by signing in at the Hub."""
        return bool(self._names) and offers_hub_login()

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

    def knows_login(self, session: Mapping[str, Any]) -> bool:
        """Whether a session is that of the Space's owner, or of somebody whom the settings name.

        Args:
            session: as Gradio keeps it after the Hub's login, in a cookie that it signs; its
                `userinfo` is that of OpenID Connect.
        """
        login = session.get("oauth_info") or {}
        ends = login.get("expires_at")
        if ends is not None and ends < time.time():
            return False
        return login.get("userinfo", {}).get("preferred_username") in self._names

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
                raise RateLimitError("Too many wrong passwords. Try again in a minute.")
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
            headers = Headers(scope=scope)
            is_known = self._operators.knows(headers.get("cookie", ""))
            is_known = is_known or self._operators.knows_login(scope.get("session", {}))
            is_own = not _is_sent_by_another_site(scope, headers)
            scope.setdefault("state", {})[STATE] = is_known and is_own
        await self._app(scope, receive, send)


def offers_hub_login(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a Space with `hf_oauth: true`, and the package for it is installed.

    Source: https://huggingface.co/docs/hub/spaces-oauth
    """
    return "SPACE_ID" in environ and "OAUTH_CLIENT_ID" in environ and bool(find_spec("authlib"))


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


def _is_sent_by_another_site(scope: Scope, headers: Headers) -> bool:
    """Whether another site had a browser send what changes something.

    Source: https://www.w3.org/TR/fetch-metadata/ (Sec-Fetch-Site)
    """
    site = headers.get("sec-fetch-site", "none")
    return scope["method"] not in ("GET", "HEAD") and site not in ("same-origin", "none")


def _cookie(value: str, seconds: int, is_secure: bool) -> str:
    # Strict: no other site can make the operator's browser send it, not even by a link.
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
