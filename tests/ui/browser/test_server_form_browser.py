"""A server is added on the page, in a browser, and its model answers with boxes."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from support.browser import Visit, visit_page
from support.chat_server import (
    ChatServer,
    chat_server,
    failing,
    listed,
    needing_key,
    saying,
    silent,
)
from support.scripted import served

from vlm_demo.backend import Backend
from vlm_demo.values import Box

if TYPE_CHECKING:
    from playwright.sync_api import Browser

KEY = "sk-browser-0123456789"
CIRCLE = Box(0.1, 0.1, 0.4, 0.5)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """A server with a key, whose model says where the circle is in pixels of what it is sent."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def locate(handler: Any) -> None:
        *pictures, _ = handler.server.bodies[-1]["messages"][-1]["content"]
        data = pictures[0]["image_url"]["url"].partition(",")[2]
        corners = CIRCLE.to_pixels(Image.open(io.BytesIO(base64.b64decode(data))).size)
        numbers = ", ".join(str(round(corner)) for corner in corners)
        saying(f'[{{"bbox_2d": [{numbers}], "label": "red circle"}}]')(handler)

    with chat_server(needing_key(KEY, locate)) as server:
        server.listing = needing_key(KEY, listed("gpt-4o", "qwen2.5vl:7b"))
        yield server


@pytest.fixture
def visit(browser: Browser, backend: Backend, tmp_path: Path) -> Iterator[Visit]:
    with served(backend, tmp_path) as address, visit_page(browser, address) as visit:
        visit.page.click("#add-model button")
        visit.page.locator("#add-server-address").wait_for()
        yield visit


def list_models(visit: Visit, address: str) -> None:
    visit.page.fill("#add-server-address textarea, #add-server-address input", address)
    visit.page.click("#add-server-address .submit-button")


def test_a_server_is_added_and_its_model_answers_with_boxes(
    visit: Visit, server: ChatServer, circle: Path
) -> None:
    page, status = visit.page, visit.page.locator("#add-server-status")
    address = f"127.0.0.1:{server.server_port}"
    page.fill("#add-model-name textarea, #add-model-name input", address)
    page.click("#add-model-name .submit-button")
    status.filter(has_text="needs a key").wait_for()
    assert (
        page.locator("#add-server-address input, #add-server-address textarea").first.evaluate(
            "field => field.value"
        )
        == address
    )

    page.fill("#add-server-key input", KEY)
    list_models(visit, address)
    status.filter(has_text="2 models at").wait_for()
    family = page.locator("#add-server-family input")
    assert family.input_value() == "Generic"
    page.click("#add-server-model input")
    page.get_by_role("option", name="qwen2.5vl:7b").click()
    page.wait_for_function(
        "document.querySelector('#add-server-family input').value.includes('Qwen2.5-VL')"
    )
    page.click("#add-server-one")
    status.filter(has_text="qwen2.5vl:7b is on the menu.").wait_for()
    assert page.locator("#model input").input_value() == "qwen2.5vl:7b"
    assert page.locator("#add-server-key input").input_value() == ""

    visit.open_tab("Locate")
    visit.upload("locate-picture", circle)
    page.locator("#locate-picture .stage img").wait_for()
    visit.locate("red circle")
    page.locator("#locate-answer .answer-note", has_text="Found 1 place").wait_for()
    (box,) = visit.boxes("locate-picture")
    assert box.iou(CIRCLE) > 0.95
    assert server.keys == [f"Bearer {KEY}"]
    assert KEY not in page.content()


def test_what_is_wrong_with_a_server_is_said_in_one_line_and_a_silent_one_gives_back_the_question(
    visit: Visit, server: ChatServer, circle: Path
) -> None:
    page, status = visit.page, visit.page.locator("#add-server-status")
    for listing, words in (
        (failing(200, "<html>Welcome</html>"), "is a web page"),
        (listed(), "has no models"),
    ):
        server.listing = listing
        list_models(visit, server.base_url)
        status.filter(has_text=words).wait_for()
        assert page.locator("#add-server-found").is_hidden()

    server.listing = listed(*(f"model-{number}" for number in range(500)))
    list_models(visit, server.base_url)
    status.filter(has_text="500 models at").wait_for()
    page.click("#add-server-model input")
    page.keyboard.press("ControlOrMeta+A")
    page.locator("#add-server-model input").press_sequentially("model-321")
    page.get_by_role("option", name="model-321").click()
    page.click("#add-server-one")
    status.filter(has_text="model-321 is on the menu.").wait_for()

    server.turns = [silent]
    visit.say("Are you there?", circle)
    page.locator("#chat .bot", has_text="Waiting for the server of model-321").wait_for()
    page.locator("#chat .bot", has_text="2 s").wait_for()
    page.click("#chat-box .stop-button")
    page.wait_for_function(
        "document.querySelector('#chat-box textarea').value === 'Are you there?'"
    )
    assert server.gone.wait(10)
    assert visit.answers.count() == 0


def test_a_public_page_has_no_form_for_servers(
    browser: Browser, backend: Backend, tmp_path: Path
) -> None:
    with (
        served(backend, tmp_path, host="0.0.0.0") as address,
        visit_page(browser, address.replace("0.0.0.0", "127.0.0.1")) as visit,
    ):
        visit.page.click("#add-model button")
        visit.page.fill("#add-model textarea, #add-model input", "http://127.0.0.1:8000/v1")
        assert visit.page.locator("#add-server-address").count() == 0
        visit.page.click("#add-model .submit-button")
        visit.wait_for_message("Only who starts this page can add its models")
