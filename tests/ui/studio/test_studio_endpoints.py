"""Studio over HTTP: streaming, stopping, and what browsers must not see of one another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support import ROOT
from support.scripted import ScriptedEngine
from support.studio import StudioClient, assemble, studio_request

from vlm_demo.ui.browser_modules import module_url

pytestmark = pytest.mark.services

PICTURE = ROOT / "assets" / "examples" / "shapes.png"


@pytest.fixture
def client(address: str) -> Iterator[StudioClient]:
    client = StudioClient(address)
    yield client
    client.close()


def wait_until(is_true, seconds: float) -> float:
    start = time.monotonic()
    while not is_true() and time.monotonic() - start < seconds:
        time.sleep(0.01)
    return time.monotonic() - start


def test_an_answer_streams_its_text_and_its_regions(client: StudioClient) -> None:
    image = client.add_image(PICTURE)
    events = client.answer(text="Where is the red circle?", images=[image["id"]])
    shown = assemble(events)
    (mention,) = shown["mentions"]
    assert mention["phrase"] == "The red circle" and mention["image"] == 0
    assert mention["regions"][0].keys() == {"box", "confidence"}
    assert 'data-mention="0"' in shown["blocks"][0]
    assert shown["done"]["plain"] == "The red circle is here."
    assert [event["type"] for event in events].count("text") > 1
    assert shown["done"]["timing"]["seconds"] > 0


def test_things_that_are_looked_for_have_one_layer_each(client: StudioClient) -> None:
    image = client.add_image(PICTURE)
    shown = assemble(
        client.answer(task="grounding", targets=["red circle", "zebra"], images=[image["id"]])
    )
    assert [(one["name"], one["state"], one["count"]) for one in shown["things"]] == [
        ("red circle", "found", 1),
        ("zebra", "none", 0),
    ]
    assert shown["done"]["outcome"]["words"] == "1 object found"


def test_closing_the_stream_stops_the_model(client: StudioClient, engine: ScriptedEngine) -> None:
    event = client.join("studio_answer", studio_request(text="talk for ever"))
    stream = client.events("studio_answer", event)
    for _, data in stream:
        if data and any(one["type"] == "text" for one in data[0]):
            break
    assert engine.running == 1
    stream.close()  # type: ignore[attr-defined]  # a generator
    assert wait_until(lambda: engine.running == 0, 5) < 0.5


def test_broken_characters_arrive_as_signs_for_them(
    client: StudioClient, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "answers", {"broken": "half \ud83d of \udc31 \ufdd0 all"})
    shown = assemble(client.answer(text="broken"))
    assert shown["done"]["plain"] == "half \ufffd of \ufffd \ufdd0 all"
    assert shown["blocks"] == ["<p>half \ufffd of \ufffd \ufffd all</p>"]


def test_a_turn_can_be_stopped_by_its_name(client: StudioClient, engine: ScriptedEngine) -> None:
    events = client.stream("studio_answer", studio_request(turn="mine", text="talk for ever"))
    shown = []
    for event in events:
        shown.append(event)
        if event["type"] == "text" and len(shown) < 100:
            assert client.call("studio_stop", "mine")["stopped"]
            break
    stranger = StudioClient(str(client.http.base_url))
    assert not stranger.call("studio_stop", "mine")["stopped"]
    stranger.close()
    shown += events
    assert shown[-1]["type"] == "done" and shown[-1]["stop"] == "cancelled"
    assert shown[-1]["plain"].startswith("word")
    assert wait_until(lambda: engine.running == 0, 5) < 0.5


def test_pictures_of_another_visitor_are_not_there(client: StudioClient) -> None:
    image = client.add_image(PICTURE)["id"]
    for stranger in (
        StudioClient(str(client.http.base_url)),
        StudioClient(str(client.http.base_url), cookies=False),
    ):
        (failed,) = stranger.answer(text="What is this?", images=[image])
        assert failed["type"] == "failed" and failed["image_gone"] == image
        assert stranger.call("studio_full_image", image)["image_gone"] == image
        stranger.close()
    url = client.call("studio_full_image", image)["url"]
    assert client.http.get(url).headers["content-type"] == "image/jpeg"


def test_a_picture_whose_file_is_gone_is_named(client: StudioClient) -> None:
    image = client.add_image(PICTURE)["id"]
    (failed,) = client.answer(text="What?", images=[image, "never-was"])
    assert failed["image_gone"] == "never-was"
    assert failed["message"]["words"] == "This image is no longer here. Add it again."


def test_bad_pictures_and_paths_are_refused(client: StudioClient, tmp_path: Path) -> None:
    text = tmp_path / "a.png"
    text.write_text("no picture")
    assert (
        "not a supported image"
        in client.call("studio_image", client.upload(text), "a")["error"]["words"]
    )
    for path in ("/etc/passwd", "", "../../x", "example:nothing", "\0"):
        assert client.call("studio_image", path, "x")["error"]["words"]


def test_an_example_becomes_a_picture(client: StudioClient) -> None:
    start = client.call("studio_start")
    example = start["examples"][0]
    image = client.call("studio_image", f"example:{example['id']}", "")
    assert (image["width"], image["height"]) == (example["width"], example["height"])
    assert client.http.get(image["url"]).status_code == 200


def test_requests_that_nobody_could_mean_are_refused_in_words(client: StudioClient) -> None:
    for request in (
        {},
        {"task": "fly"},
        studio_request(text="x" * 1_000_001),
        studio_request(text="?", regions=[{"box": [0, 0, 2, 2]}]),
        studio_request(text="?", regions=[{"box": [0, 0, 1, 1]}] * 51),
        studio_request(text="?", sampling={"temperature": 1e9}),
        studio_request(text="?", unknown=1),
    ):
        (failed,) = client.stream("studio_answer", request)
        assert failed["type"] == "failed"
        assert failed["message"]["words"].startswith("The page sent a request that cannot be used")
    (failed,) = client.answer(text="x" * 60_000)
    assert failed["message"]["values"]["count"] == "60,000"
    (failed,) = client.answer(model="no-such-model", text="?")
    assert failed["remedies"]


def test_the_actions_of_an_answer_are_called_over_http(client: StudioClient) -> None:
    image = client.add_image(PICTURE)["id"]
    shown = assemble(client.answer(task="grounding", text="red circle", images=[image]))
    document = {"task": "grounding", "images": [image], "mentions": shown["mentions"]}
    file = client.call("studio_export", "png", [document])
    assert client.http.get(file["url"]).headers["content-type"] == "image/png"
    truth = [{"box": shown["mentions"][0]["regions"][0]["box"]}]
    assert client.call("studio_score", truth, document)["mean_iou"] == 1
    assert client.call("studio_consensus", [document] * 2)["pairs"][0]["iou"] == 1
    read = client.call("studio_parse", shown["done"]["raw"], "llava15", None)
    assert len(read["items"]) == 1
    request = studio_request(text="What?", images=[image])
    code = client.call("studio_permalink", "encode", request)["code"]
    assert client.call("studio_permalink", "decode", code)["text"] == "What?"
    given = {"turn": "one", "model": "scripted", "verdict": "down"}
    assert client.call("studio_feedback", given)["kept"]
    scored = client.call("studio_benchmark", "add", {"truth": truth, "answer": document})
    assert scored["questions"] == 1
    *_, check = client.stream_values("studio_check", {**document, "text": "a circle"}, "scripted")
    assert check["done"]


def test_the_calls_are_no_part_of_the_public_api(client: StudioClient) -> None:
    info = client.http.get("gradio_api/info").json()
    assert not [name for name in info["named_endpoints"] if "studio" in name]


def test_only_scripts_and_styles_are_served_as_modules(address: str) -> None:
    with httpx.Client(base_url=address) as http:
        file = http.get("page/i18n/say.js")
        assert file.headers["content-type"].startswith("text/javascript")
        assert file.headers["cache-control"] == "no-cache"
        again = http.get("page/i18n/say.js", headers={"If-None-Match": file.headers["etag"]})
        assert again.status_code == 304
        lasting = http.get(module_url("page.css"))
        assert lasting.headers["content-type"].startswith("text/css")
        assert "immutable" in lasting.headers["cache-control"]
        assert http.get("page/i18n/ja.json").json()["Chat"]
        for name in (
            "layout.py",
            "i18n/catalogues/ja.po",
            "i18n/../layout.py",
            "%2e%2e/settings.py",
            "..%2f..%2fassets/x.js",
            "/etc/passwd.js",
            "i18n/xx.json",
            "x%00.js",
        ):
            assert http.get(f"page/{name}").status_code in (400, 404), name
