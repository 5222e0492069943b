"""The web application around the page, over HTTP: headers, health, and what parts add to it."""

from __future__ import annotations

import logging
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from support.scripted import served

from vlm_demo.backend import Backend
from vlm_demo.server import Monitor, ServerPart
from vlm_demo.server.headers import security_headers
from vlm_demo.settings import Settings

HEADERS = ("content-security-policy", "x-content-type-options", "referrer-policy")


async def fail(_: Request) -> JSONResponse:
    raise RuntimeError("a bug, with a visitor's words in it")


@dataclass
class Page:
    http: httpx.Client
    monitor: Monitor


@pytest.fixture(scope="module")
def page(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page to which two parts have added something."""
    small = FastAPI()
    small.get("/models")(lambda: {"data": []})
    parts = [ServerPart((Mount("/v1", small),)), ServerPart((Route("/fail", fail),))]
    monitor = Monitor()
    monitor.attach()
    folder = tmp_path_factory.mktemp("server")
    with (
        served(backend, folder, parts=parts, monitor=monitor) as address,
        httpx.Client(base_url=address, timeout=60, trust_env=False) as http,
    ):
        yield Page(http, monitor)
    monitor.detach()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/healthz", 200),
        ("GET", "/nothing", 404),
        ("GET", "/gradio_api/dev/reload", 404),
        ("DELETE", "/config", 405),
        ("GET", "/page/studio/app.js", 200),
        ("GET", "/theme.css", 200),
        ("GET", "/v1/models", 200),
        ("GET", "/v1/nothing", 404),
        ("GET", "/fail", 500),
        ("GET", "/gradio_api/file=/etc/passwd", 403),
        ("GET", "/gradio_api/file=https://example.org/x.png", 403),
        ("POST", "/gradio_api/queue/join", 422),
        ("OPTIONS", "/config", 200),
    ],
)
def test_every_answer_has_the_headers(page: Page, method: str, path: str, status: int) -> None:
    asked = {"Connection": "close"}  # the server closes it anyway after a failure
    if method == "OPTIONS":
        asked |= {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = page.http.request(method, path, headers=asked)
    assert answer.status_code == status
    assert all(answer.headers[name] for name in HEADERS)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "img-src 'self' data: blob:;" in answer.headers["content-security-policy"]


def test_a_body_that_is_too_long_or_too_deep_is_refused(page: Page) -> None:
    sent = {"Content-Type": "application/json", "Connection": "close"}
    deep = page.http.post("/gradio_api/queue/join", content=b"[" * 100_000, headers=sent)
    assert deep.status_code == 400
    many = page.http.post("/gradio_api/call/chat", json={"data": [[0] * 200_000]})
    assert many.status_code == 413
    with socket.create_connection((page.http.base_url.host, page.http.base_url.port)) as line:
        claim = f"Host: x\r\nContent-Type: application/json\r\nContent-Length: {10**12}"
        line.sendall(f"POST /gradio_api/queue/join HTTP/1.1\r\n{claim}\r\n\r\n".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_grows_for_ever_is_cut_off(page: Page) -> None:
    parts = (b" " * 1_000_000 for _ in range(80))  # without a length
    try:
        answer = page.http.post("/gradio_api/queue/join", content=parts)
    except httpx.WriteError:  # the server has closed the connection
        return
    assert answer.status_code == 413


def test_only_scripts_of_the_first_html_run(page: Page) -> None:
    answers = [page.http.get("/", headers={"Accept": "text/html"}) for _ in range(2)]
    nonces = []
    for answer in answers:
        (nonce,) = re.findall(r"'nonce-([^']+)'", answer.headers["content-security-policy"])
        assert "script-src 'self' 'nonce-" in answer.headers["content-security-policy"]
        assert answer.text.count("<script") == answer.text.count(f'<script nonce="{nonce}"') > 5
        nonces.append(nonce)
    assert nonces[0] != nonces[1]


def test_frames_are_for_sites_that_the_settings_name() -> None:
    nobody = security_headers(Settings())
    assert "frame-ancestors 'self'" in nobody["Content-Security-Policy"]
    assert nobody["X-Frame-Options"] == "SAMEORIGIN"
    space = security_headers(Settings.read(environ={"SPACE_ID": "a/b"}))
    assert space["Content-Security-Policy"].endswith("'self' https://huggingface.co")
    assert "X-Frame-Options" not in space


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=http://127.0.0.1:1/x",
        "/gradio_api/file=HTTPS://example.org/x",
        "/gradio_api/file= http://example.org/x",
        "/gradio_api/file=ftp://example.org/x",
        "/gradio_api/file/http://example.org/x",
        "/gradio_api/proxy=https://example.hf.space/x",
    ],
)
def test_the_server_fetches_no_address_for_anybody(page: Page, path: str) -> None:
    refused = page.http.get(path)
    assert refused.status_code == 403
    assert refused.text == "This page fetches no addresses."
    assert page.monitor.events()[0].message == (
        "Refused to fetch an address that somebody asked for."
    )


def test_requests_are_counted_by_route(page: Page) -> None:
    def count(path: str, status: int) -> int:
        counts = page.monitor.requests().items()
        return sum(n for key, (n, _) in counts if (key.path, key.status) == (path, status))

    before = count("/healthz", 200), count("other", 404)
    page.http.get("/healthz")
    page.http.get("/no/such/path-of-a-visitor")
    end = time.monotonic() + 10  # a request is counted once its answer is on its way
    while count("other", 404) == before[1] and time.monotonic() < end:
        time.sleep(0.02)
    assert (count("/healthz", 200), count("other", 404)) == (before[0] + 1, before[1] + 1)
    assert page.monitor.requests_last_minute() >= 2


def test_a_refused_file_is_one_line_in_the_log(
    page: Page, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    file = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    with caplog.at_level(logging.INFO, "vlm_demo"):
        event = page.http.post("/gradio_api/call/caption", json={"data": [file, *7 * [""]]}).json()
        stream = page.http.get(f"/gradio_api/call/caption/{event['event_id']}").text
    assert "error" in stream
    assert "Traceback" not in capfd.readouterr().err
    (line,) = [one for one in caplog.records if one.name == "vlm_demo.ui.event_errors"]
    assert line.getMessage().startswith("Refused the data of an event: InvalidPathError in ")
    assert line.exc_info is None
