"""Headers that tell a browser what it may do with the page and with everything else from here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vlm_demo.settings import Settings

POLICY = {
    "default-src": "'self'",
    # Gradio's page begins with scripts in the HTML, and makes functions from text (`js=`). Scripts
    # that are in the HTML have the nonce of the request, so that any others do not run.
    "script-src": "'self' 'nonce-{nonce}' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "manifest-src": "'self'",
    "frame-src": "'none'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
"""What the browser may load for the page, and from where: nothing from another address.

Source: https://www.w3.org/TR/CSP3/. Who may show the page in a frame is added from the settings.
"""


CSP = "Content-Security-Policy"

NONCE = "script_nonce"
"""Name, in the state of a request, of what scripts in its HTML answer are marked with."""


class SecurityHeaders:
    """ASGI layer that adds headers to every answer; a header that an answer has already stays."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        """Put the headers around an application."""
        self._app = app
        self._headers = dict(headers)
        self._policy = self._headers.pop(CSP)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and complete its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})[NONCE] = nonce

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault(CSP, self._policy.replace("{nonce}", nonce))
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def security_headers(settings: Settings) -> dict[str, str]:
    """Return the headers of every answer; the policy has a blank, `{nonce}`."""
    ancestors = " ".join(["'self'", *settings.frames])
    policy = POLICY | {"frame-ancestors": ancestors}
    headers = {
        CSP: "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    }
    if not settings.frames:  # for browsers that know no frame-ancestors; it cannot name sites
        headers["X-Frame-Options"] = "SAMEORIGIN"
    return headers
