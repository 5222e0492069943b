"""The chat as a workbench, in a real browser: its canvas, its regions, its examples, its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import scripted
from support.browser import EXAMPLES, LAPTOP, PHONE, Visit, in_each_look, visit_page, wait_until
from support.scripted import ScriptedEngine

from vlm_demo.values import Box, TextChunk

if TYPE_CHECKING:
    from playwright.sync_api import Browser


CANVAS = "#chat-canvas"
TWO = "A red circle [0.10, 0.20, 0.40, 0.60] and a star [0.50, 0.50, 0.80, 0.70]."


@pytest.fixture(scope="module")
def engine() -> ScriptedEngine:
    return ScriptedEngine({"two things": TWO, **scripted.ANSWERS})


def drag(visit: Visit, box: Box) -> None:
    """Mark a box on the canvas of the chat."""
    page = visit.page
    page.locator(f"{CANVAS} .stage").scroll_into_view_if_needed()
    frame = page.locator(f"{CANVAS} .stage img").bounding_box()
    assert frame
    x, y, width, height = frame["x"], frame["y"], frame["width"], frame["height"]
    page.mouse.move(x + width * box.x1, y + height * box.y1)
    page.mouse.down()
    page.mouse.move(x + width * box.x2, y + height * box.y2, steps=4)
    page.mouse.up()


def settled(visit: Visit, answers: int = 1) -> None:
    """Wait until so many answers are complete."""
    visit.page.locator("#chat small.pace").nth(answers - 1).wait_for()
    visit.page.locator("#chat-box .stop-button").wait_for(state="hidden")


def choose(visit: Visit, button: str, file: Path) -> None:
    """Choose a file at a button."""
    with visit.page.expect_file_chooser() as chooser:
        visit.page.click(button)
    chooser.value.set_files(str(file))


def test_a_region_goes_with_a_message_and_is_linked_with_it(
    visit: Visit, engine: ScriptedEngine, circle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visit.page
    page.set_input_files("#chat-box input[type=file]", str(circle))
    page.locator(f"{CANVAS} .stage img").wait_for()
    drag(visit, Box(0.5, 0.5, 0.75, 0.75))
    chip = page.locator("#chat-regions button")
    chip.wait_for()
    page.fill("#chat-box textarea", "Say two things about")
    chip.click()
    assert page.input_value("#chat-box textarea") == "Say two things about [1]"

    def broken(*_: object) -> Iterator[TextChunk]:
        yield TextChunk("A")
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(engine, "stream", broken)
        page.press("#chat-box textarea", "Enter")
        visit.wait_for_problem("chat-problem", "went wrong")
    wait_until(lambda: page.input_value("#chat-box textarea") == "Say two things about [1]")
    wait_until(lambda: page.locator(f"{CANVAS} .regions .region").count() == 1)  # nothing is lost
    chip.wait_for()
    assert page.locator("#chat-problem .answer-text").inner_text() == "A"  # what had come

    page.locator("#chat-problem .answer-remedies button", has_text="Try again").click()
    settled(visit)
    assert page.locator("#chat-problem .answer").is_hidden()
    question = engine.prompts[-1].messages[-1]
    # The picture is 4:3; in the padded square the region is from 0.5 to 0.69 down.
    assert "[0.50, 0.50, 0.75, 0.69]" in question.text
    wait_until(lambda: chip.count() + page.locator(f"{CANVAS} .regions .region").count() == 0)
    named = page.locator("#chat .user mark.region")
    assert named.inner_text() == "[1]"
    named.hover()
    page.locator(f"{CANVAS} .mention.hot").wait_for(state="attached")
    assert page.locator(f"{CANVAS} .mention.hot").get_attribute("data-mention") == "0"


def test_phrases_and_places_light_each_other_up_across_pictures(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.say("Say two things", circle)
    settled(visit)
    assert visit.boxes("chat-canvas")[0].iou(Box(0.1, 0.1, 0.4, 0.633)) > 0.95
    marks, hot = page.locator("#chat .bot mark.phrase"), page.locator(f"{CANVAS} .mention.hot")
    assert marks.all_inner_texts() == ["A red circle", "a star"]
    colours = [
        marks.nth(i).evaluate("node => node.style.getPropertyValue('--colour')") for i in (0, 1)
    ]
    drawn = page.locator(f"{CANVAS} rect.box")
    assert [drawn.nth(i).get_attribute("stroke") for i in (0, 1)] == colours

    marks.nth(1).focus()  # by keyboard
    hot.wait_for(state="attached")
    assert hot.get_attribute("data-mention") == "1"
    page.locator(f"{CANVAS} .chip").first.hover()
    page.locator("#chat mark.hot", has_text="A red circle").wait_for()

    visit.say("one-sentence, please", EXAMPLES / "animals.png")
    settled(visit, 2)
    thumbs = page.locator("#chat-thumbnails .thumbs button")
    assert thumbs.count() == 2
    assert thumbs.nth(1).get_attribute("aria-pressed") == "true"
    assert drawn.count() == 0
    page.mouse.move(0, 0)
    marks.first.hover()  # brings the picture that it belongs to
    hot.wait_for(state="attached")
    caption = page.locator("#chat-thumbnails .caption")
    assert caption.inner_text() == "Picture 1 of 2 · Places of answer 1"
    thumbs.nth(1).click()
    page.locator("#chat-thumbnails .caption", has_text="Picture 2 of 2").wait_for()
    wait_until(lambda: drawn.count() == 0)


def test_boxes_come_while_the_answer_is_written(
    visit: Visit, engine: ScriptedEngine, circle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = f"{TWO} {'word ' * 2_000}"
    monkeypatch.setattr(engine, "answers", {"Go on": endless})
    monkeypatch.setattr(engine, "pause_s", 0.02)
    visit.say("Go on", circle)
    assert len(visit.boxes("chat-canvas")) >= 1
    assert engine.running == 1
    visit.page.click("#chat-box .stop-button")
    wait_until(lambda: engine.running == 0)
    settled(visit)
    assert len(visit.boxes("chat-canvas")) == 2


def test_pinned_examples_stay_and_go_before_every_question(
    visit: Visit, engine: ScriptedEngine
) -> None:
    page = visit.page
    visit.say("one-sentence, please")
    settled(visit)
    page.get_by_role("button", name="Pin as example").click()
    page.locator("#chat-pins", has_text="Pinned examples (1)").wait_for()
    page.get_by_label("Clear", exact=True).first.click()
    visit.answers.first.wait_for(state="detached")
    page.get_by_role("button", name="Pinned examples").click()
    page.fill("#chat-pin-question textarea", "2 + 2?")
    page.fill("#chat-pin-answer textarea", "4")
    page.click("#chat-pin-add")
    page.locator("#chat-pinned li").nth(1).wait_for()
    assert page.input_value("#chat-pin-question textarea") == ""

    visit.say("in detail")
    settled(visit)
    asked = [message.text for message in engine.prompts[-1].messages]
    assert asked[0] == "one-sentence, please"
    assert asked[2:4] == ["2 + 2?", "4"]
    page.get_by_label("Remove example 1").click()
    page.locator("#chat-pinned li").nth(1).wait_for(state="detached")
    assert page.locator("#chat-pinned li").inner_text().split("\n") == ["2 + 2?", "4", "×"]


def test_a_conversation_is_saved_opened_and_not_lost(
    browser: Browser, address: str, circle: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.json"
    with visit_page(browser, address) as one:
        page = one.page
        one.say("Say two things", circle)
        settled(one)
        page.get_by_role("button", name="Save or open").click()
        with page.expect_download() as download:
            page.click("#chat-json")
        kept.write_bytes(Path(download.value.path()).read_bytes())
        page.locator("#chat-files-told", has_text="MB").wait_for()
        with page.expect_download() as download:
            page.click("#chat-zip")
        assert Path(download.value.path()).read_bytes()[:2] == b"PK"
    assert json.loads(kept.read_bytes())["turns"][0]["question"] == "Say two things"

    with visit_page(browser, address) as other:
        page = other.page
        other.say("one-sentence, please")
        settled(other)
        page.get_by_role("button", name="Save or open").click()
        half = tmp_path / "half.json"
        half.write_bytes(kept.read_bytes()[:-100])
        choose(other, "#chat-open", half)
        other.wait_for_message("cut off")
        assert other.answers.all_inner_texts() == ["A red circle."]  # still there

        choose(other, "#chat-open", kept)
        other.answers.filter(has_text="and a star").wait_for()
        assert other.boxes("chat-canvas")[0].iou(Box(0.1, 0.1, 0.4, 0.633)) > 0.95
        page.click("#chat-back")
        other.answers.filter(has_text="and a star").wait_for(state="detached")
        assert other.answers.all_inner_texts() == ["A red circle."]


def test_two_people_share_no_picture_region_example_or_stop(
    browser: Browser,
    address: str,
    engine: ScriptedEngine,
    circle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "pause_s", 0.02)
    with visit_page(browser, address) as one, visit_page(browser, address) as other:
        one.page.set_input_files("#chat-box input[type=file]", str(circle))
        one.page.locator(f"{CANVAS} .stage img").wait_for()
        drag(one, Box(0.5, 0.5, 0.75, 0.75))
        one.page.locator("#chat-regions button").wait_for()
        other.say("one-sentence, please", EXAMPLES / "animals.png")
        settled(other)
        other.page.get_by_role("button", name="Pin as example").click()
        other.page.locator("#chat-pins", has_text="Pinned examples (1)").wait_for()
        assert other.page.locator("#chat-regions button").count() == 0
        assert one.page.locator("#chat-pinned li").count() == 0
        mine = one.page.locator(f"{CANVAS} .stage img").get_attribute("src")
        assert mine
        assert mine not in other.page.content()

        one.page.fill("#chat-box textarea", "go on for ever, my secret")
        one.page.press("#chat-box textarea", "Enter")
        one.answers.filter(has_text="word word").wait_for()
        other.say("go on for ever")
        other.answers.filter(has_text="word word").wait_for()
        assert engine.running == 2
        assert "[0." not in engine.prompts[-1].messages[-1].text  # nor the regions
        other.page.click("#chat-box .stop-button")
        wait_until(lambda: engine.running == 1)
        assert "secret" not in other.page.content()
        one.page.click("#chat-box .stop-button")
        wait_until(lambda: engine.running == 0)


@in_each_look
def test_the_workbench_fits_the_screen(
    browser: Browser, address: str, folder: Path, circle: Path, name: str, theme: str
) -> None:
    options: dict[str, Any] = {"viewport": {"laptop": LAPTOP, "phone": PHONE}[name]}
    with visit_page(browser, address, f"?__theme={theme}", **options) as visit:
        page = visit.page
        canvas, fold = page.locator(f"{CANVAS} .canvas"), page.locator("#chat-thumbnails .fold")
        assert fold.is_visible() == (name == "phone")
        assert canvas.is_visible() == (name == "laptop")
        visit.say("Say two things", circle)
        settled(visit)
        assert canvas.is_visible()
        assert visit.sideways() <= 0
        page.screenshot(path=folder / f"workbench-{name}-{theme}.png", full_page=True)
        if name == "phone":
            fold.click()
            assert canvas.is_hidden()
