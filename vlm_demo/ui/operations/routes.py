"""The address of Operations: who may see it, how the operator signs in, and what is deleted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from vlm_demo.errors import RateLimitError, VotesError
from vlm_demo.server.figures import Figures
from vlm_demo.server.monitor import Monitor
from vlm_demo.server.operators import Operators, is_operator
from vlm_demo.ui.i18n import translate
from vlm_demo.ui.i18n.visitor_language import choose_language
from vlm_demo.ui.operations.answers_html import PAGE_SIZE, answers_html
from vlm_demo.ui.operations.view_html import overview_html, sign_in_html
from vlm_demo.ui.plain_page import read_form
from vlm_demo.ui.visitors import is_secure

if TYPE_CHECKING:  # it loads the database
    from vlm_demo.arena.votes.feedback import FeedbackStore

log = logging.getLogger(__name__)

MAX_PAGE = 10_000
"""Largest number of a page of flagged answers."""


@dataclass(frozen=True)
class Operations:
    """What answers at `/operations`."""

    operators: Operators
    monitor: Monitor
    measure: Callable[[], Figures]  # what the program is doing now
    feedback: FeedbackStore

    def routes(self) -> list[Route]:
        """Return the route, which shows the views, and takes the password and what is to be done.

        `?show=answers&page=1` are flagged and failed answers.
        """
        return [
            Route("/operations", self._show, methods=["GET"]),
            Route("/operations", self._act, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        language = choose_language(request.headers)
        if not is_operator(request):
            has_a_way = self.operators.has_password or self.operators.has_hub_login
            return self._ask(language, "", 401 if has_a_way else 403)
        if request.query_params.get("show") == "answers":
            page = request.query_params.get("page", "0")
            number = min(int(page[:9]), MAX_PAGE) if page.isdecimal() else 0
            return _page(await run_in_threadpool(self._answers, language, number))
        return _page(await run_in_threadpool(self._overview, language))

    async def _act(self, request: Request) -> Response:
        form = await read_form(request)
        secure = is_secure(request.scope, request.headers)
        match form.get("act"):
            case "leave":
                return _to_view(self.operators.sign_out(is_secure=secure))
            case "delete":
                if not is_operator(request):
                    return PlainTextResponse("Only the operator of this page can do this.", 403)
                return await run_in_threadpool(self._delete, form)
        return self._sign_in(request, form.get("password", ""), secure)

    def _overview(self, language: str) -> str:
        try:
            flags = f"{self.feedback.count_flags():,}"
        except VotesError as error:
            flags = translate(error.message, language)
        is_public = self.operators.is_public
        return overview_html(language, self.measure(), self.monitor, flags, is_public=is_public)

    def _answers(self, language: str, page: int) -> str:
        failed = self.monitor.failed.read()
        try:
            flags = self.feedback.read_flags(page * PAGE_SIZE, PAGE_SIZE + 1)
        except VotesError as error:
            return answers_html(language, page, error.message, failed)
        return answers_html(language, page, flags, failed)

    def _delete(self, form: Mapping[str, str]) -> Response:
        failure = form.get("failure", "")
        try:
            if failure.isdecimal():
                self.monitor.failed.remove(int(failure[:18]))
            else:
                self.feedback.remove(form.get("voter", ""), form.get("answer", ""))
        except VotesError as error:
            return PlainTextResponse(str(error), 503)
        return Response(status_code=303, headers={"Location": "operations?show=answers"})

    def _sign_in(self, request: Request, password: str, secure: bool) -> Response:
        language = choose_language(request.headers)
        try:
            cookie = self.operators.sign_in(password, is_secure=secure)
        except RateLimitError as error:
            return self._ask(language, str(error), 429)
        if cookie:
            return _to_view(cookie)
        log.warning("Refused a wrong password of the operator.")
        return self._ask(language, "This is not the password.", 403)

    def _ask(self, language: str, problem: str, status: int) -> Response:
        content = sign_in_html(
            language,
            problem,
            has_password=self.operators.has_password,
            has_hub_login=self.operators.has_hub_login,
        )
        return _page(content, status)


def _page(content: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(content, status, headers={"Cache-Control": "no-store"})


def _to_view(cookie: str) -> Response:
    return Response(status_code=303, headers={"Location": "operations", "Set-Cookie": cookie})
