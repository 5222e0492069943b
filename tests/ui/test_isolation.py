"""What one visitor has put into the page, no other one reaches: by no id, and by no path."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from support import scripted
from support.scripted import ScriptedEngine
from support.studio import StudioClient, studio_request

from vlm_demo.backend import Backend

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("collect_garbage")]

GONE = "This image is no longer here"
JSON = {"Content-Type": "application/json"}
BOX = {"box": [0.1, 0.1, 0.5, 0.5]}


@pytest.fixture(scope="module")
def address(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with scripted.served(backend, tmp_path_factory.mktemp("page")) as served:
        yield served


@pytest.fixture
def owner(address: str) -> Iterator[StudioClient]:
    client = StudioClient(address)
    yield client
    client.close()


@pytest.fixture(params=["another browser", "a program without cookies"])
def other(address: str, request: pytest.FixtureRequest) -> Iterator[StudioClient]:
    client = StudioClient(address, cookies=request.param == "another browser")
    yield client
    client.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "picture.png"
    Image.new("RGB", (64, 48), "red").save(file)
    return file


def answer(image: str) -> dict[str, Any]:
    mention = {"phrase": "circle", "target": "", "image": 0, "colour": "#f00", "regions": [BOX]}
    content = {"model": "scripted", "task": "grounding", "text": "A circle.", "images": [image]}
    return content | {"raw": "raw", "mentions": [mention], "targets": ["circle"]}


CALLS: dict[str, Callable[[StudioClient, str], Any]] = {
    "in full": lambda client, image: client.call("studio_full_image", image),
    "a frame": lambda client, image: client.call("studio_frame", image, 0),
    "small frames": lambda client, image: client.call("studio_thumbnails", image, [0]),
    "an export": lambda client, image: client.call("studio_export", "png", [answer(image)]),
    "the Inspector": lambda client, image: client.call(
        "studio_prompt", studio_request(images=[image], text="x")
    ),
    "a check": lambda client, image: list(client.stream_values("studio_check", answer(image), ""))[
        -1
    ],
    "a benchmark": lambda client, image: client.call(
        "studio_benchmark", "add", {"truth": [BOX], "answer": answer(image)}
    ),
    "a link": lambda client, image: client.call(
        "studio_permalink", "encode", studio_request(images=[image], text="x")
    ),
}


def test_no_call_takes_the_picture_of_somebody_else(
    owner: StudioClient, other: StudioClient, picture: Path
) -> None:
    image = owner.add_image(picture)["id"]
    assert re.fullmatch("[A-Za-z0-9_-]{22}", image)  # 128 random bits
    for name, call in CALLS.items():
        refused = call(other, image)
        assert GONE in refused["error"]["words"], name
        assert GONE not in str(call(owner, image)), name


def test_neither_a_question_nor_an_example_before_it_has_the_picture_of_somebody_else(
    owner: StudioClient, other: StudioClient, picture: Path
) -> None:
    image = owner.add_image(picture)["id"]
    shot = {"text": "What is it?", "raw": "A circle.", "images": [image]}
    for asked in ({"images": [image]}, {"history": [shot]}):
        (*_, last) = other.answer(text="What is it?", **asked)
        assert (last["type"], last["image_gone"]) == ("failed", image)
        (*_, last) = owner.answer(text="What is it?", **asked)
        assert last["type"] == "done"


def test_a_benchmark_and_its_files_are_their_visitors(
    owner: StudioClient, other: StudioClient, picture: Path
) -> None:
    image = owner.add_image(picture)["id"]
    owner.call("studio_benchmark", "add", {"truth": [BOX], "answer": answer(image)})
    saved = owner.call("studio_benchmark", "download", None)
    exported = owner.call("studio_export", "json", [answer(image)])
    assert other.call("studio_benchmark", "show", None)["questions"] == 0
    path = saved["url"].removeprefix("gradio_api/file=")
    for sent in (path, owner.upload(picture)):
        refused = other.call("studio_benchmark", "upload", sent)
        assert "did not arrive" in refused["error"]["words"]
    for one in (saved, exported):
        assert owner.http.get(one["url"]).status_code == 200
        assert other.http.get(one["url"]).status_code == 404
        assert re.search("/[0-9a-f]{32}/", one["url"])
    assert other.call("studio_benchmark", "clear", None)["questions"] == 0
    assert owner.call("studio_benchmark", "show", None)["questions"] >= 1


def test_nobody_stops_the_answer_of_somebody_else(
    owner: StudioClient,
    other: StudioClient,
    engine: ScriptedEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "pause_s", 0.2)
    events = owner.stream("studio_answer", studio_request(turn="mine", text="a b c d e f g h i j"))
    first = next(events)
    assert not other.call("studio_stop", "mine")["stopped"]
    assert [first, *events][-1]["type"] == "done"


def test_a_session_of_gradio_is_its_visitors(owner: StudioClient, other: StudioClient) -> None:
    """Whoever knows its name neither reads what is answered in it, nor asks or stops anything."""
    mine = uuid4().hex
    config = owner.http.get("config").json()
    event = next(one for one in config["dependencies"] if one["api_name"] == "models")
    sent = {"data": [], "fn_index": event["id"], "session_hash": mine}
    assert owner.http.post("gradio_api/queue/join", json=sent).status_code == 200
    asked = {"params": {"session_hash": mine}}
    stream = f"stream/{mine}/1/2/playlist.m3u8"
    for path in ("queue/data", "deep_link", f"heartbeat/{mine}", stream):
        assert other.http.get(f"gradio_api/{path}", **asked).status_code == 403, path
    for path in ("queue/join", "run/predict", "call/models", "cancel", "reset"):
        for content in (json.dumps(sent).encode(), json.dumps(sent).encode("utf-16")):
            refused = other.http.post(f"gradio_api/{path}", content=content, headers=JSON)
            assert refused.status_code == 403, path
    with owner.http.stream("GET", "gradio_api/queue/data", **asked) as events:
        assert any("process_completed" in line for line in events.iter_lines())


def test_visitors_who_ask_at_once_each_get_their_own(address: str, tmp_path: Path) -> None:
    clients = [StudioClient(address) for _ in range(6)]
    results: dict[int, tuple[str, Any]] = {}

    def visit(number: int) -> None:
        file = tmp_path / f"{number}.png"
        Image.new("RGB", (40 + number, 40), "red").save(file)
        image = clients[number].add_image(file)
        results[number] = image["url"], (image["width"], image["name"])

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {number: facts for number, (_, facts) in results.items()} == {
        number: (40 + number, f"{number}.png") for number in range(6)
    }
    for number, (url, _) in results.items():
        for who, client in enumerate(clients):
            assert client.http.get(url).status_code == (200 if who == number else 404)
    for client in clients:
        client.close()
