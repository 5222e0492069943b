"""The address of Operations: who may see it, and how the operator signs in and out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from vlm_demo.errors import RateLimitError
from vlm_demo.server.figures import Figures
from vlm_demo.server.monitor import Monitor
from vlm_demo.server.operators import Operators, is_operator
from vlm_demo.ui.i18n.visitor_language import choose_language
from vlm_demo.ui.operations.view_html import overview_html, sign_in_html
from vlm_demo.ui.visitors import is_secure

log = logging.getLogger(__name__)

MAX_FORM_BYTES = 4_000
"""Largest form that is read."""


def operations_routes(
    operators: Operators, monitor: Monitor, measure: Callable[[], Figures]
) -> list[Route]:
    """Return `/operations`, which shows the view, and takes the password.

    Args:
        operators: that know the password.
        monitor: that counts requests.
        measure: returns what the program is doing now.
    """

    async def show(request: Request) -> Response:
        language = choose_language(request.headers)
        if not is_operator(request):
            status = 401 if operators.has_password else 403
            return _page(sign_in_html(language, has_password=operators.has_password), status)
        figures = await run_in_threadpool(measure)
        is_public = operators.is_public
        return _page(overview_html(language, figures, monitor, is_public=is_public))

    async def act(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MAX_FORM_BYTES:
                return PlainTextResponse("This form is too long.", 413)
        form = parse_qs(body.decode("utf-8", "replace"))
        secure = is_secure(request.scope, request.headers)
        if form.get("act") == ["leave"]:
            return _to_view(operators.sign_out(is_secure=secure))
        return _sign_in(request, form.get("password", [""])[0], secure)

    def _sign_in(request: Request, password: str, secure: bool) -> Response:
        language = choose_language(request.headers)
        try:
            cookie = operators.sign_in(password, is_secure=secure)
        except RateLimitError as error:
            return _page(sign_in_html(language, str(error), has_password=True), 429)
        if cookie:
            return _to_view(cookie)
        log.warning("Refused a wrong password of the operator.")
        problem = "This is not the password."
        html = sign_in_html(language, problem, has_password=operators.has_password)
        return _page(html, 403)

    return [
        Route("/operations", show, methods=["GET"]),
        Route("/operations", act, methods=["POST"]),
    ]


def _page(content: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(content, status, headers={"Cache-Control": "no-store"})


def _to_view(cookie: str) -> Response:
    return Response(status_code=303, headers={"Location": "operations", "Set-Cookie": cookie})
