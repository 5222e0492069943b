"""What is done with an answer, in a real browser: files, numbers, links, and a benchmark."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageColor
from support.browser import PHONE, Visit, visit_page, wait_until
from support.scripted import ScriptedEngine

from vlm_demo.conversations.permalink import Permalink, encode_link
from vlm_demo.rendering.palette import INK
from vlm_demo.values import Box, Request, Sampling, Task

if TYPE_CHECKING:
    from playwright.sync_api import Browser


FOUND = [80.0, 60.0, 320.0, 380.0]  # what the scripted model finds in the picture of the circle


def _found(visit: Visit, circle: Path) -> None:
    visit.open_tab("Locate")
    visit.upload("locate-picture", circle)
    visit.page.locator("#locate-picture .stage img").wait_for()
    visit.locate("red circle")
    visit.page.locator("#locate-answer .answer-note", has_text="Found 1 place").wait_for()


def _press(visit: Visit, words: str, bar: str = "locate") -> None:
    visit.page.locator(f"#{bar}-answer-actions").get_by_role(
        "button", name=words, exact=True
    ).click()


def _download(visit: Visit, form: str, bar: str = "locate") -> Path:
    page = visit.page
    page.select_option(f"#{bar}-answer-actions [aria-label=Format]", form)
    with page.expect_download() as download:
        _press(visit, "Download", bar)
    path = Path(download.value.path())
    return path.rename(path.with_name(f"{path.name}-{download.value.suggested_filename}"))


def _draw(visit: Visit, box: Box) -> None:
    """Drag a box on the picture, at fractions of it."""
    page = visit.page
    stage = page.locator("#locate-picture .stage img")
    stage.scroll_into_view_if_needed()
    frame = stage.bounding_box()
    assert frame
    x, y, width, height = (frame[name] for name in ("x", "y", "width", "height"))
    page.mouse.move(x + box.x1 * width, y + box.y1 * height)
    page.mouse.down()
    page.mouse.move(x + box.x2 * width, y + box.y2 * height, steps=4)
    page.mouse.up()


def test_an_answer_is_taken_along_in_the_forms_that_one_asks_for(
    visit: Visit, engine: ScriptedEngine, circle: Path
) -> None:
    visit.open_tab("Locate")
    assert visit.page.locator("#locate-answer-actions .answer-actions").is_hidden()
    _found(visit, circle)

    (annotation,) = json.loads(_download(visit, "coco").read_text())["annotations"]
    x, y, width, height = annotation["bbox"]
    assert [x, y, x + width, y + height] == pytest.approx(FOUND, abs=0.1)
    assert Image.open(_download(visit, "png")).size == (800, 600)
    assert "red circle" in ElementTree.tostring(
        ElementTree.parse(_download(visit, "svg")).getroot(), "unicode"
    )
    with zipfile.ZipFile(_download(visit, "crops")) as crops:
        assert crops.namelist() == ["red circle.png"]

    # The numbered picture goes with the next message of the chat.
    _press(visit, "Number the boxes")
    visit.page.locator("#chat-canvas .stage img").wait_for()
    visit.page.fill("#chat-box textarea", "one-sentence: what is 1?")
    visit.page.press("#chat-box textarea", "Enter")
    visit.wait_for_answer("A red circle.")
    (sent,) = engine.prompts[-1].messages[-1].images
    assert (np.asarray(sent) == ImageColor.getrgb(INK)).all(axis=2).any()  # a mark is drawn there

    # The whole conversation: two pictures in one file.
    visit.say("Where is it?", circle)
    visit.wait_for_answer("The red circle is here.")
    visit.page.select_option("#chat-answer-actions [aria-label='How much']", "all")
    listing = json.loads(_download(visit, "coco", "chat").read_text())
    assert [image["file_name"] for image in listing["images"]][1] == "red.png"
    assert [one["image_id"] for one in listing["annotations"]] == [2]


def test_a_link_asks_again_when_its_picture_is_added(
    browser: Browser, address: str, engine: ScriptedEngine, circle: Path, tmp_path: Path
) -> None:
    with visit_page(browser, address) as one:
        _found(one, circle)
        sampling = Sampling(max_new_tokens=64, temperature=0.7, top_p=0.9, seed=42)
        _press(one, "Link")
        field = one.page.locator("#locate-answer-actions .address")
        field.wait_for()
        own = field.input_value()
        assert own.startswith(f"{address}?ask=")
    other = tmp_path / "other.png"
    Image.new("RGB", (80, 60), "blue").save(other)
    query = own.removeprefix(address)

    with visit_page(browser, address, query) as two:
        card = two.page.locator(".link-card")
        card.filter(has_text="Please add the picture").wait_for()
        assert "800 × 600" in card.inner_text()
        wait_until(lambda: two.page.input_value("#locate-words textarea") == "red circle")
        assert two.page.locator("#locate-picture .stage").is_hidden()  # it is not shown to others
        two.upload("locate-picture", other)
        card.filter(has_text="is not that of the link").wait_for()
        asked = len(engine.prompts)
        two.upload("locate-picture", circle)
        two.page.locator("#locate-answer .answer-note", has_text="Found 1 place").wait_for()
        assert len(engine.prompts) == asked + 1
        card.wait_for(state="hidden")

    seeded = Permalink(
        "Locate",
        "scripted",
        "other-revision",
        Request(Task.GROUNDING, "x", sampling=sampling),
        "0" * 64,
    )
    with visit_page(browser, address, f"?ask={encode_link(seeded)}") as three:
        three.page.locator(".link-card", has_text="Please add").wait_for()
        three.upload("locate-picture", circle)
        three.page.get_by_role("button", name="Ask it anyway").click()
        wait_until(lambda: bool(engine.samplings) and engine.samplings[-1].seed == 42)
        assert engine.samplings[-1].temperature == pytest.approx(0.7)
        assert engine.samplings[-1].max_new_tokens == 64


def test_links_that_cannot_be_followed_say_why(browser: Browser, address: str) -> None:
    gone = Permalink(
        "Ask", "no-more", "", Request(Task.VQA, "<b>Why</b>?", choices=("a", "b")), "0" * 64
    )
    with visit_page(browser, address, f"?ask={encode_link(gone)}") as visit:
        visit.page.locator(".link-card", has_text="no-more is not on this page").wait_for()
        wait_until(lambda: visit.page.input_value("#ask-question textarea") == "<b>Why</b>?")
        visit.page.locator(".link-card").get_by_role("button", name="Close").click()
        visit.page.locator(".link-card").wait_for(state="hidden")
        assert visit.page.input_value("#ask-question textarea") == "<b>Why</b>?"
    with visit_page(browser, address, "?ask=%3Cscript%3E") as visit:
        visit.page.locator(".link-card", has_text="This link is damaged").wait_for()


def test_answers_are_scored_by_what_one_draws_and_kept_as_a_benchmark(
    browser: Browser, address: str, engine: ScriptedEngine, circle: Path, folder: Path
) -> None:
    with visit_page(browser, address, viewport=PHONE, accept_downloads=True) as visit:
        page, panel = visit.page, visit.page.locator("#locate-answer-actions .truth")
        _found(visit, circle)
        _press(visit, "Draw the ground truth")
        _press(visit, "Score the answer")
        page.locator("#locate-answer-actions .notice", has_text="draw the ground truth").wait_for()
        _draw(visit, Box(0.1, 0.1, 0.4, 0.5))
        page.wait_for_timeout(500)
        _press(visit, "Score the answer")
        panel.locator(".result li.hit").wait_for()
        assert "IoU 0.7" in panel.locator(".result").inner_text()  # 0.4 of 0.533 high
        assert panel.locator("td").all_inner_texts()[:1] == ["scripted"]
        assert visit.sideways() <= 0
        panel.scroll_into_view_if_needed()
        page.screenshot(path=folder / "benchmark-phone.png")
        with page.expect_download() as download:
            _press(visit, "Save as ZIP")
        kept = Path(download.value.path()).rename(folder / "own-benchmark.zip")

    with visit_page(browser, address) as visit:
        _found(visit, circle)
        panel = visit.page.locator("#locate-answer-actions .truth")
        _press(visit, "Draw the ground truth")
        visit.page.set_input_files("#locate-answer-actions .truth input[type=file]", str(kept))
        panel.locator("td").first.wait_for()
        asked = len(engine.prompts)
        _press(visit, "Run the chosen model on all questions")
        wait_until(lambda: len(engine.prompts) == asked + 1)
        panel.get_by_role("button", name="Delete it").wait_for()
        assert panel.locator("tbody tr").count() == 1
        visit.page.set_input_files("#locate-answer-actions .truth input[type=file]", str(circle))
        notice = visit.page.locator("#locate-answer-actions .notice")
        notice.filter(has_text="not a ZIP of a benchmark").wait_for()
        assert panel.locator("tbody tr").count() == 1
