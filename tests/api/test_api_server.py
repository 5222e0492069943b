"""What a server of the API makes of bad requests, strangers, and clients that go away."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import socket
import time
from collections.abc import Callable, Generator, Iterator
from threading import Event
from threading import enumerate as list_threads
from typing import Any

import httpx2
import pytest
from PIL import Image
from support.api_server import api_server, data_uri, user
from support.scripted import ScriptedEngine, backend, engine

from vlm_demo.api import app, chat_answers
from vlm_demo.api.keys import check_keys
from vlm_demo.api.thread_stream import iterate_in_thread
from vlm_demo.backend import Backend
from vlm_demo.errors import EngineError, QueueFullError, SettingsError, VlmDemoError
from vlm_demo.settings import Settings
from vlm_demo.values import Prompt, Sampling, TextChunk

__all__ = ["backend", "engine"]  # fixtures

CHAT = "/v1/chat/completions"
PICTURE = Image.new("RGB", (40, 20), "white")
MAX_BYTES = 200_000


@pytest.fixture(scope="module")
def server(backend: Backend) -> Iterator[str]:
    with api_server(backend, max_upload_bytes=MAX_BYTES, max_pixels=1_000_000) as address:
        yield address


def body(text: str = "for ever", **more: Any) -> dict[str, Any]:
    return {"model": "scripted", "messages": [user(text, PICTURE)], **more}


def post(server: str, content: bytes | dict[str, Any], **headers: str) -> httpx2.Response:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    own = {"Content-Type": "application/json"} | names
    with httpx2.Client(trust_env=False, timeout=60) as client:
        return client.post(f"{server}{CHAT}", content=data, headers=own)


def refusal(response: httpx2.Response) -> dict[str, Any]:
    """The error of an answer, in OpenAI's form."""
    assert response.headers["content-type"] == "application/json"
    (error,) = response.json().values()
    assert set(error) == {"message", "type", "param", "code"}
    return error


def image_url(url: str) -> dict[str, Any]:
    part = {"type": "image_url", "image_url": {"url": url}}
    return body() | {"messages": [{"role": "user", "content": [part]}]}


def bomb() -> str:
    """Two megapixels in few bytes, twice the limit of these tests."""
    return data_uri(Image.new("1", (2000, 1000)))


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 400, "not valid JSON"),
        (b'{"model": "scripted", "messages": [', 400, "not valid JSON"),
        (b"[" * 100_000, 400, "not valid JSON"),
        (b'{"model": NaN}', 400, "not valid JSON"),
        (b"[1, 2]", 400, "JSON object"),
        (b'"\xff"', 400, "not valid JSON"),
        (b"{}", 400, "is missing"),
        (body(model=None), 400, "model is missing"),
        (body(model=3), 400, "model"),
        (body() | {"messages": "hello"}, 400, "messages"),
        (body() | {"messages": [{"role": "tool", "content": "x"}]}, 400, "role"),
        (body() | {"messages": [{"role": "user", "content": [{"type": "file"}]}]}, 400, "files"),
        (body(max_tokens=0), 400, "max_tokens"),
        (body(max_tokens=True), 400, "max_tokens"),
        (body(seed=10**30), 400, "seed"),
        (body(stop=["x"] * 17), 400, "stop"),
        (body(stream="yes"), 400, "stream"),
        (body(chat_template="{{ messages }}"), 400, "template of its family"),
        (body(vlm_demo={"regions": [[0, 0, 1]]}), 400, "vlm_demo"),
        (body(vlm_demo={"regions": [{}]}), 400, "A region is a box"),
        (body(vlm_demo={"regions": [[0, 0, 9, 9]] * 51}), 400, "vlm_demo"),
        (body(vlm_demo={"regions": [["1", 0, 9, 9]]}), 400, "vlm_demo"),
        (image_url("http://127.0.0.1:1/x.png"), 400, "fetches no addresses"),
        (image_url("https://example.org/x.png"), 400, "fetches no addresses"),
        (image_url("file:///etc/passwd"), 400, "fetches no addresses"),
        (image_url("/etc/passwd"), 400, "fetches no addresses"),
        (image_url("data:image/png;base64"), 400, "no comma"),
        (image_url("data:image/png;base64,%%%"), 400, "not base64"),
        (image_url("data:image/png;base64,"), 400, "empty"),
        (image_url("data:image/png;base64,AAAA"), 400, "not a supported image"),
        (image_url("data:text/plain,hello"), 400, "not a supported image"),
        (image_url(f"data:;base64,{'A' * 300_000}"), 400, "too large"),
        (image_url(bomb()), 400, "megapixel"),
        (b"x" * (3 * MAX_BYTES + 1), 413, "too large"),
    ],
    ids=lambda value: None if isinstance(value, int) else str(value)[:40],
)
def test_a_bad_request_is_refused_in_words(
    server: str, content: bytes | dict[str, Any], status: int, words: str
) -> None:
    response = post(server, content)
    assert response.status_code == status
    assert words in refusal(response)["message"]


def test_many_pictures_have_one_limit_together(server: str) -> None:
    large = Image.new("1", (1000, 1000))
    assert (
        "together"
        in refusal(post(server, {**body(), "messages": [user("", *[large] * 3)]}))["message"]
    )
    many = user("", *[Image.new("1", (2, 2))] * 51)
    assert "At most 50" in refusal(post(server, {**body(), "messages": [many]}))["message"]


def test_a_body_without_a_length_is_counted_as_it_comes(server: str) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    with httpx2.Client(trust_env=False) as client:
        headers = {"Content-Type": "application/json"}
        response = client.post(f"{server}{CHAT}", content=parts(), headers=headers)
    assert response.status_code == 413
    assert refusal(response)["code"] == "request_too_large"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/engines", 404),
        ("GET", CHAT, 405),
        ("OPTIONS", CHAT, 405),
        ("POST", "/v1/models", 405),
        ("GET", "/v1/models/nobody/nothing", 404),
        ("POST", "/v1/embeddings", 404),
    ],
)
def test_what_there_is_not(server: str, method: str, path: str, status: int) -> None:
    response = httpx2.request(method, f"{server}{path}", trust_env=False)
    assert response.status_code == status
    assert refusal(response)["type"] == "invalid_request_error"


def test_a_page_of_another_site_cannot_ask(server: str) -> None:
    """Without asking first, a browser sends neither JSON nor a name of this computer."""
    assert post(server, body(), Content_Type="text/plain").status_code == 415
    assert post(server, body(), Host="rebound.example:80").status_code == 401
    assert post(server, body(), X_Forwarded_For="10.0.0.1").status_code == 401


def test_others_need_a_key() -> None:
    with pytest.raises(SettingsError, match="VLM_DEMO_API_KEYS"):
        check_keys(Settings(host="0.0.0.0"))
    with pytest.raises(SettingsError, match="VLM_DEMO_API_KEYS"):
        check_keys(Settings(share=True))
    with pytest.raises(SettingsError, match="cannot be keys"):
        check_keys(Settings(api_keys=("schlüssel",)))
    check_keys(Settings(host="0.0.0.0", api_keys=("key",)))


def test_a_client_that_goes_away_stops_the_model(
    server: str, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, stopped = Event(), Event()

    def stream(prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        running.set()
        try:
            while True:
                time.sleep(0.01)
                yield TextChunk(" word")
        finally:
            stopped.set()

    monkeypatch.setattr(engine, "stream", stream)
    for streams in (True, False):
        running.clear()
        stopped.clear()
        data = json.dumps(body(stream=streams)).encode()
        host = httpx2.URL(server)
        with socket.create_connection((host.host, host.port)) as connection:
            connection.sendall(
                f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(data)}\r\n\r\n".encode()
                + data
            )
            assert running.wait(30)
            if streams:
                assert connection.recv(1)
        assert stopped.wait(30)
    wait_until(lambda: not [one for one in list_threads() if "for the API" in one.name])


def test_an_error_before_the_answer_has_its_status(
    server: str, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(error: Exception) -> None:
        def stream(prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
            raise error
            yield TextChunk()

        monkeypatch.setattr(engine, "stream", stream)

    for streams in (True, False):
        fail(QueueFullError("This model is busy."))
        busy = post(server, body(stream=streams))
        assert (busy.status_code, refusal(busy)["message"]) == (429, "This model is busy.")
        assert busy.headers["retry-after"]
        fail(EngineError("It broke."))
        assert post(server, body(stream=streams)).status_code == 500
        away = post(server, body(stream=streams) | {"model": "far-away"})
        assert (away.status_code, refusal(away)["code"]) == (503, "model_not_loaded")


def test_a_bug_is_not_told(
    server: str,
    engine: ScriptedEngine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def stream(prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        raise RuntimeError("a secret of the server")
        yield TextChunk()

    monkeypatch.setattr(engine, "stream", stream)
    response = post(server, body())
    assert response.status_code == 500
    assert "secret" not in response.text
    assert "Traceback" in caplog.text


def test_an_error_in_a_stream_is_its_last_event(
    server: str, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stream(prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        yield TextChunk("Half an")
        time.sleep(0.1)
        raise EngineError("It broke.")

    monkeypatch.setattr(engine, "stream", stream)
    response = post(server, body(stream=True))
    *_, last = response.text.strip().split("\n\n")
    assert response.status_code == 200
    assert json.loads(last.removeprefix("data: "))["error"]["message"] == "It broke."


def test_a_stream_that_waits_is_kept_alive(
    server: str, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies and clients give up on connections that are silent for long."""

    def stream(prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        for _ in range(8):
            time.sleep(0.05)
            yield TextChunk(queue_position=1)
        yield TextChunk("At last.")

    monkeypatch.setattr(engine, "stream", stream)
    monkeypatch.setattr(app, "PATIENCE_S", 0.1)
    monkeypatch.setattr(chat_answers, "KEEP_ALIVE_S", 0.1)
    events = post(server, body(stream=True)).text.strip().split("\n\n")
    assert ": waiting" in events
    assert "At last." in "".join(events)
    assert events[-1] == "data: [DONE]"


def test_reasoning_has_a_field_of_its_own(
    server: str, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"think": "<think> It is red. </think> Red, and <b>bold</b>."}
    monkeypatch.setattr(engine, "answers", answers)
    whole = post(server, body("think")).json()["choices"][0]["message"]
    assert whole["reasoning_content"] == "It is red."
    assert whole["content"] == "Red, and <b>bold</b>."

    events = post(server, body("think", stream=True)).text.split("\n\n")
    deltas = [
        json.loads(event.removeprefix("data: "))["choices"][0]["delta"]
        for event in events
        if event.startswith("data: {")
    ]
    for name in ("content", "reasoning_content"):
        assert "".join(delta.get(name) or "" for delta in deltas) == whole[name]


def test_sampling_reaches_the_model(server: str, engine: ScriptedEngine) -> None:
    post(server, body("Where", temperature=0.5, top_p=0.9, seed=4, max_tokens=7, top_k=-1))
    sampling = engine.samplings[-1]
    assert (sampling.temperature, sampling.top_p, sampling.seed) == (0.5, 0.9, 4)
    assert (sampling.max_new_tokens, sampling.top_k) == (7, 0)
    post(server, body("Where", stop="circle"))
    assert engine.prompts[-1].stop[-1] == "circle"


def test_a_picture_is_seen_upright(server: str, engine: ScriptedEngine) -> None:
    turned, buffer = Image.new("RGB", (40, 20), "white"), io.BytesIO()
    exif = turned.getexif()
    exif[0x0112] = 6  # a quarter turn
    turned.save(buffer, "JPEG", exif=exif)
    uri = f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    parts = [{"type": "image_url", "image_url": {"url": uri}}, {"type": "text", "text": "Where"}]
    answer = post(server, body() | {"messages": [{"role": "user", "content": parts}]}).json()
    assert answer["choices"][0]["message"]["vlm_demo"]["image_sizes"] == [[20, 40]]


def test_only_the_newest_item_waits_for_a_slow_reader() -> None:
    async def read() -> list[int | None]:
        seen = []
        async for item in iterate_in_thread(lambda: iter_numbers(1000), "numbers", 5.0):
            seen.append(item)
            await asyncio.sleep(0.02)
        return seen

    seen = asyncio.run(read())
    assert seen[-1] == 999
    assert len(seen) < 1000
    assert seen == sorted(seen)


def test_what_a_thread_raises_comes_after_its_last_item() -> None:
    def fail() -> Generator[int, None, None]:
        yield 1
        raise VlmDemoError("broken")

    async def read() -> list[int | None]:
        seen: list[int | None] = []
        with pytest.raises(VlmDemoError, match="broken"):
            async for item in iterate_in_thread(fail, "failure", 5.0):
                seen.append(item)
        return seen

    assert asyncio.run(read()) == [1]


def test_a_silent_thread_gives_a_sign() -> None:
    def wait() -> Generator[int, None, None]:
        time.sleep(0.3)
        yield 1

    async def read() -> list[int | None]:
        return [item async for item in iterate_in_thread(wait, "silence", 0.05)]

    *signs, last = asyncio.run(read())
    assert (set(signs), last) == ({None}, 1)


def iter_numbers(count: int) -> Generator[int, None, None]:
    yield from range(count)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)
