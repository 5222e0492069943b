"""The first HTML of the page: the header is in it, in the visitor's language."""

from __future__ import annotations

import asyncio
import re

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from vlm_demo.ui.header.first_html import FirstHtml, first_html_middleware
from vlm_demo.ui.i18n.visitor_language import choose_language

PAGE = (
    '<!doctype html>\n<html\n\tlang="en"\n\tstyle="x">\n<head><title>t</title></head>'
    '<body\n\tstyle="y"><script>x = {"a":1,"i18n_translations":{"en":{},"ja":{"A":"\\u003cあ"},'
    '"zh":{"A":"\\u003c啊"}},"b":2}</script><gradio-app></gradio-app></body></html>'
)


@pytest.fixture
def client() -> TestClient:
    def page(_: object) -> Response:
        return HTMLResponse(PAGE)

    def other(_: object) -> Response:
        return HTMLResponse("<p>a file</p>")

    routes = [Route("/", page), Route("/file", other)]
    return TestClient(Starlette(routes=routes, middleware=[first_html_middleware()]))


def test_the_header_stands_before_the_page_in_the_wished_language(client: TestClient) -> None:
    answer = client.get("/", headers={"accept": "text/html", "accept-language": "ja,en;q=0.5"})
    assert re.search(r'<html\s+lang="ja"', answer.text)
    assert answer.text.index('<header id="header">') < answer.text.index("<gradio-app>")
    assert "アリーナ" in answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize(
    ("language", "kept"),
    [("ja", r',"ja":{"A":"\u003cあ"}'), ("zh", r',"zh":{"A":"\u003c啊"}'), ("en", "")],
)
def test_translations_into_other_languages_are_left_out(
    client: TestClient, language: str, kept: str
) -> None:
    page = client.get("/", headers={"accept": "text/html", "accept-language": language}).text
    assert '{"a":1,"i18n_translations":{"en":{}' + kept + '},"b":2}' in page


def test_other_html_stays_as_it_is(client: TestClient) -> None:
    assert client.get("/file", headers={"accept": "text/html"}).text == "<p>a file</p>"


def test_other_requests_stay_as_they_are(client: TestClient) -> None:
    assert client.get("/", headers={"accept": "application/json"}).text == PAGE


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "en"),
        ({"accept-language": "de-DE,zh-TW;q=0.8,ja;q=0.9"}, "ja"),
        ({"accept-language": "fr,*;q=0.1"}, "en"),
        ({"accept-language": "ja;q=0,zh"}, "zh"),
        ({"accept-language": "ja;q=abc,;;,zh;q=0.2"}, "zh"),
        ({"accept-language": "ja", "cookie": "vlm_demo_language=zh"}, "zh"),
        ({"accept-language": "ja", "cookie": "vlm_demo_language=<script>"}, "ja"),
    ],
)
def test_the_chosen_language_comes_before_the_browsers(
    headers: dict[str, str], language: str
) -> None:
    assert choose_language(Headers(headers)) == language


def test_websockets_pass() -> None:
    seen = []

    async def app(scope: dict[str, object], receive: object, send: object) -> None:
        seen.append(scope["type"])

    scope = {"type": "websocket", "headers": []}
    asyncio.run(FirstHtml(app)(scope, None, None))  # type: ignore[arg-type]  # never called
    assert seen == ["websocket"]
