"""A page for people with a name and a password: Gradio's login, in front of everything.

Gradio asks on its own routes whether somebody has signed in. Here it is asked on all of them, such
as those of other parts of the program, and those that Gradio leaves open.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from vlm_demo.settings import Settings
from vlm_demo.ui.admission.open_paths import is_open, own_path
from vlm_demo.ui.header.first_html import BARE


class RequireLogin:
    """ASGI middleware that answers 401 to whoever has not signed in.

    `/v1` and `/metrics` are open where they have keys, which they ask for themselves.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        """Put the check in front of an application."""
        self._app = app
        self._with_keys = tuple(
            path
            for path, keys in (("/v1", settings.api_keys), ("/metrics", settings.metrics_key))
            if keys
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is open to everybody, or comes from somebody who has signed in."""
        if scope["type"] == "http" and not _has_signed_in(scope):
            path = own_path(scope)
            if path == "/" and scope["method"] in ("GET", "HEAD"):
                scope.setdefault("state", {})[BARE] = True
            elif not (is_open(scope) or self._asks_for_key(scope, path)):
                refusal = JSONResponse({"detail": "Sign in first: POST /login."}, 401)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _asks_for_key(self, scope: Scope, path: str) -> bool:
        is_keyed = any(path == one or path.startswith(f"{one}/") for one in self._with_keys)
        return is_keyed and "authorization" in Headers(scope=scope)


def login_middleware(settings: Settings) -> Middleware:
    """Return the middleware for FastAPI."""
    return Middleware(RequireLogin, settings=settings)


def _has_signed_in(scope: Scope) -> bool:
    """Whether a request has a cookie that Gradio's login has set; see `gradio.routes.App`."""
    app = scope["app"]
    cookies = cookie_parser(Headers(scope=scope).get("cookie", ""))
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(cookies.get(name) in app.tokens for name in names)
