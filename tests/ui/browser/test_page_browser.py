"""The page in a real browser: what a person sees, clicks and reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from support import ROOT
from support.browser import EXAMPLES, LAPTOP, PHONE, Visit, in_each_look, visit_page, wait_until
from support.scripted import ScriptedEngine

from vlm_demo.ui.components.uploaded_images import UploadedImage, accept_image
from vlm_demo.values import Box, Prompt, TextChunk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

README_PICTURE = ROOT / "assets" / "screenshot.png"
CIRCLE = Box(0.1, 0.1, 0.4, 0.5)  # of the picture that the tests draw


# With a model that says what the test wants


def test_a_conversation_is_stopped_retried_edited_undone_and_cleared(
    visit: Visit,
    engine: ScriptedEngine,
    circle: Path,
) -> None:
    page = visit.page
    visit.say("Where is it?", circle)
    visit.wait_for_answer("The red circle is here.")
    assert visit.boxes("chat-canvas")[0].iou(Box(0.1, 0.1, 0.4, 0.633)) > 0.95

    visit.say("one-sentence, please")
    visit.wait_for_answer("A red circle.")
    earlier = engine.prompts[-1].messages
    assert "[0.10, 0.20" in earlier[1].text  # the raw text, not what was shown

    page.get_by_label("Retry").last.click()
    page.wait_for_function(f"() => {len(engine.prompts)} >= 2")
    wait_until(lambda: len(engine.prompts) == 3)
    visit.wait_for_answer("A red circle.")

    page.get_by_label("Edit").last.click()
    page.locator("#chat textarea").fill("in detail & <b>boldly</b>")
    page.get_by_label("Submit").first.click()
    visit.wait_for_answer("The background is white.")
    assert engine.prompts[-1].messages[-1].text == "in detail & <b>boldly</b>"

    page.get_by_label("Undo").last.click()
    visit.answers.filter(has_text="background").wait_for(state="detached")
    wait_until(lambda: page.input_value("#chat-box textarea") == "in detail & <b>boldly</b>")

    page.get_by_label("Clear", exact=True).first.click()
    visit.answers.first.wait_for(state="detached")


def test_stop_ends_the_model_and_keeps_what_was_written(
    visit: Visit,
    engine: ScriptedEngine,
) -> None:
    visit.say("go on for ever")
    visit.answers.filter(has_text="word word").wait_for()
    visit.page.click("#chat-box .stop-button")
    wait_until(lambda: engine.running == 0)
    kept = visit.answers.last.inner_text()
    assert kept.startswith("word word")
    visit.say("one-sentence, please")
    visit.wait_for_answer("A red circle.")
    assert visit.answers.count() == 2


def test_what_is_typed_while_an_answer_is_written_stays(
    visit: Visit,
    engine: ScriptedEngine,
) -> None:
    visit.say("go on for ever")
    visit.answers.filter(has_text="word word").wait_for()
    visit.page.locator("#chat-box .stop-button").wait_for()
    visit.say("one-sentence, please")  # too early
    visit.page.click("#chat-box .stop-button")
    wait_until(lambda: engine.running == 0)
    visit.page.locator("#chat-box .submit-button").wait_for()
    assert visit.page.input_value("#chat-box textarea") == "one-sentence, please"
    visit.page.press("#chat-box textarea", "Enter")
    visit.wait_for_answer("A red circle.")


def test_enter_that_ends_a_composed_word_does_not_send_it(
    visit: Visit,
    engine: ScriptedEngine,
) -> None:
    asked = len(engine.prompts)
    page = visit.page
    page.fill("#chat-box textarea", "one-sentence 赤い丸")
    # As browsers tell of the key that chooses a word of Japanese: Safari by its code alone.
    for composing in ({"isComposing": True}, {"keyCode": 229}):
        enter = {"key": "Enter", "bubbles": True, "cancelable": True, **composing}
        page.dispatch_event("#chat-box textarea", "keydown", enter)
    page.wait_for_timeout(300)
    assert page.input_value("#chat-box textarea") == "one-sentence 赤い丸"
    assert len(engine.prompts) == asked
    page.press("#chat-box textarea", "Enter")
    visit.wait_for_answer("A red circle.")
    assert page.input_value("#chat-box textarea") == ""


def test_stop_while_a_picture_is_opened_gives_the_message_back(
    visit: Visit, circle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, opened = Event(), Event()

    def slow(*arguments: Any) -> UploadedImage:
        opening.set()
        opened.wait(30)
        return accept_image(*arguments)

    monkeypatch.setattr("vlm_demo.ui.chat.asking.accept_image", slow)
    visit.say("Where is it?", circle)
    assert opening.wait(30)
    visit.page.click("#chat-box .stop-button")
    try:
        wait_until(lambda: visit.page.input_value("#chat-box textarea") == "Where is it?")
        visit.page.locator("#chat-box .thumbnail-item").wait_for()
        visit.page.locator("#chat-box .submit-button").wait_for()
    finally:
        opened.set()
    assert visit.answers.count() == 0


def test_those_who_wait_see_their_place_in_the_queue(
    visit: Visit,
    engine: ScriptedEngine,
    circle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turn = Event()

    def queued(*_: object) -> Iterator[TextChunk]:
        while not turn.wait(0.05):
            yield TextChunk(queue_position=2)
        yield TextChunk("It is red.")

    monkeypatch.setattr(engine, "stream", queued)
    visit.say("What is it?")
    visit.page.locator("#chat small.waiting", has_text="2 answers are ahead of yours").wait_for()
    turn.set()
    visit.wait_for_answer("It is red.")
    assert visit.page.locator("#chat small.waiting").count() == 0

    turn.clear()
    visit.open_tab("Ask")
    visit.upload("ask-picture", circle)
    visit.page.locator("#ask-picture .stage img").wait_for()
    visit.page.fill("#ask-question textarea", "What is it?")
    visit.page.click("#ask-run")
    waiting = visit.page.locator("#ask-answer .answer-waiting")
    waiting.filter(has_text="2 answers are ahead of yours").wait_for()
    turn.set()
    visit.page.locator("#ask-answer .answer-text", has_text="It is red.").wait_for()
    waiting.wait_for(state="hidden")


def test_a_closed_tab_leaves_the_server_usable(
    browser: Browser,
    address: str,
    engine: ScriptedEngine,
) -> None:
    with visit_page(browser, address) as leaving:
        leaving.say("go on for ever")
        leaving.answers.filter(has_text="word").wait_for()
    wait_until(lambda: engine.running == 0)
    with visit_page(browser, address) as staying:
        staying.say("one-sentence, please")
        staying.wait_for_answer("A red circle.")


def test_two_people_never_see_each_other(
    browser: Browser,
    address: str,
    circle: Path,
) -> None:
    with visit_page(browser, address) as one, visit_page(browser, address) as other:
        one.say("Where is my secret?", circle)
        one.wait_for_answer("here")
        other.say("one-sentence, please")
        other.wait_for_answer("A red circle.")
        assert "secret" not in other.page.content()
        assert other.page.locator("#chat img").count() == 0
        other.open_tab("Locate")
        assert other.page.locator("#locate-picture .stage").is_hidden()


def test_model_text_cannot_take_the_page_over(visit: Visit) -> None:
    visit.say("Be dangerous")
    visit.wait_for_answer("bold")
    assert visit.page.locator("#chat input[type=password]").count() == 0
    assert visit.page.locator("#chat .bot img").count() == 0
    assert visit.page.locator("#chat .bot strong").inner_text() == "bold"


def test_locate_shows_three_outcomes_and_lets_go_of_boxes(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.open_tab("Locate")
    visit.upload("locate-picture", circle)
    page.locator("#locate-picture .stage img").wait_for()
    note = page.locator("#locate-answer .answer-note")

    visit.locate("red circle")
    note.filter(has_text="Found 1 place").wait_for()
    assert visit.boxes("locate-picture")[0].iou(Box(0.1, 0.1, 0.4, 0.633)) > 0.95
    chip = page.locator("#locate-picture .chip")
    assert chip.inner_text() == "red circle"
    chip.click()
    assert page.locator("#locate-picture rect.box").count() == 0
    assert chip.get_attribute("aria-pressed") == "false"
    chip.click()
    page.locator("#locate-picture rect.box").wait_for(state="attached")

    with page.expect_download() as download:
        page.select_option("#locate-answer-actions [aria-label=Format]", "json")
        page.click("#locate-answer-actions .save")
    assert '"boxes_xyxy_px"' in Path(download.value.path()).read_text()

    visit.locate("zebra")
    note.filter(has_text="Not found").wait_for()
    assert page.locator("#locate-picture rect.box").count() == 0
    visit.locate("unreadable")
    note.filter(has_text="read").wait_for()


def test_unsure_places_hide_at_once_and_stay_out_of_downloads(
    visit: Visit,
    engine: ScriptedEngine,
    circle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = "A red circle [0.10, 0.20, 0.40, 0.60] and a star [0.50, 0.50, 0.80, 0.70]."
    monkeypatch.setattr(engine, "answers", {"coordinate of the region": places})
    monkeypatch.setattr(engine, "chances", {"[0.50,": 0.2, "0.50,": 0.2, "0.80,": 0.2})
    page = visit.page
    visit.open_tab("Locate")
    visit.upload("locate-picture", circle)
    page.locator("#locate-picture .stage img").wait_for()
    assert page.locator("#locate-least").is_hidden()
    visit.locate("circle and star")

    chips, rects = page.locator("#locate-picture .chip"), page.locator("#locate-picture rect.box")
    chips.nth(1).wait_for()
    # Its numbers are 0.2, 0.2, 0.2 and 0.99; those of the circle are 0.99 each.
    assert _texts(chips) == ["A red circle 99 %", "a star 30 %"]
    assert page.locator("#locate-picture .label small").all_inner_texts() == ["99 %", "30 %"]
    colour = chips.first.locator("i").get_attribute("style")
    asked = len(engine.prompts)

    least = page.locator("#locate-least input[type=number]")
    least.fill("0.5")
    least.press("Enter")
    page.locator("#locate-answer .answer-note", has_text="1 hidden").wait_for()
    assert rects.count() == 1
    assert _texts(chips) == ["A red circle 99 %"]
    assert chips.first.locator("i").get_attribute("style") == colour
    assert page.locator("#locate-answer mark").all_inner_texts() == ["A red circle"]
    with page.expect_download() as download:
        page.select_option("#locate-answer-actions [aria-label=Format]", "json")
        page.click("#locate-answer-actions .save")
    assert "star" not in Path(download.value.path()).read_text().split('"items"')[1]

    least.fill("0")
    least.press("Enter")
    chips.nth(1).wait_for()
    assert rects.count() == 2
    assert len(engine.prompts) == asked


def test_possible_answers_are_compared_and_asked_in_every_order(
    visit: Visit,
    engine: ScriptedEngine,
    circle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shares = {"red": 0.6, "dark blue": 0.3, "green": 0.1}

    def likely(prompt: Prompt, choice: str) -> float:
        """Prefer what is listed first, where there is a list."""
        first = f"A. {choice}\n" in prompt.messages[-1].text
        return 0.9 if first else shares[choice]

    monkeypatch.setattr(engine, "likely", likely)
    page, card = visit.page, visit.page.locator("#ask-answer")
    visit.open_tab("Ask")
    visit.upload("ask-picture", circle)
    page.locator("#ask-picture .stage img").wait_for()
    page.fill("#ask-question textarea", "What colour is it?")
    page.fill("#ask-choices textarea, #ask-choices input", ", ".join(shares))
    page.click("#ask-run")
    card.locator(".answer-shares li").nth(2).wait_for()
    assert card.locator(".answer-text").inner_text() == "red"
    assert _texts(card.locator("li")) == ["red 60 %", "dark blue 30 %", "green 10 %"]
    widths = card.locator(".answer-shares b").evaluate_all("bars => bars.map(b => b.style.width)")
    assert [float(width.rstrip("%")) for width in widths] == pytest.approx([60, 30, 10])

    page.check("#ask-every-order input")
    page.click("#ask-run")
    card.locator(".answer-note", has_text="wins in 1 of 3 orders").wait_for()
    assert card.locator(".answer-orders li").count() == 3
    assert "A dark blue" in card.locator(".answer-orders li").nth(1).inner_text()

    page.fill("#ask-choices textarea, #ask-choices input", "")
    page.click("#ask-run")
    visit.wait_for_problem("ask-answer", "please give possible answers")
    page.uncheck("#ask-every-order input")
    page.get_by_role("button", name="Shape of the answer").click()
    page.fill("#ask-pattern textarea, #ask-pattern input", "[a-z]+")
    page.click("#ask-run")
    page.locator("#ask-answer .answer-text", has_text="Red").wait_for()
    assert engine.prompts[-1].pattern == "[a-z]+"


def test_a_dragged_box_is_described(
    visit: Visit,
    engine: ScriptedEngine,
    circle: Path,
) -> None:
    page = visit.page
    visit.open_tab("Locate")
    visit.upload("locate-picture", circle)
    page.locator("#locate-picture .stage img").wait_for()
    assert page.locator("#describe-run").is_hidden()

    frame = page.locator("#locate-picture .stage img").bounding_box()
    assert frame
    page.mouse.move(frame["x"] + frame["width"] * 0.5, frame["y"] + frame["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(frame["x"] + 2, frame["y"] + 2, steps=4)
    page.mouse.up()
    page.locator("#locate-picture .regions rect.box").wait_for(state="attached")
    page.click("#describe-run")
    page.locator("#locate-description", has_text="A blue square.").wait_for()
    # The picture is 4:3; in the padded square its upper left quarter starts at 1/8.
    assert "[0.00, 0.13, 0.50, 0.50]" in engine.prompts[-1].messages[-1].text


def test_bad_input_gets_one_clear_message_and_the_next_request_works(
    visit: Visit, circle: Path, tmp_path: Path
) -> None:
    page = visit.page
    fake = tmp_path / "fake.png"
    fake.write_bytes(b"\x89PNG and then nothing")
    visit.say("What is this?", fake)
    visit.wait_for_problem("chat-problem", "read")
    wait_until(lambda: page.input_value("#chat-box textarea") == "What is this?")

    visit.open_tab("Ask")
    page.click("#ask-run")
    visit.wait_for_problem("ask-answer", "Please add a picture")
    visit.upload("ask-picture", fake)
    visit.wait_for_message("read")
    visit.upload("ask-picture", circle)
    page.locator("#ask-picture .stage img").wait_for()
    page.click("#ask-run")
    visit.wait_for_problem("ask-answer", "needs words")
    page.fill("#ask-question textarea", "x" * 10_000)
    page.click("#ask-run")
    visit.wait_for_problem("ask-answer", "10,000 characters, 2,000 too many")
    page.fill("#ask-question textarea", "What colour is it?")
    page.click("#ask-run")
    page.locator("#ask-answer .answer-text", has_text="Red").wait_for()


def test_a_model_that_cannot_serve_a_tab_says_so(visit: Visit) -> None:
    page = visit.page
    visit.choose_model("chat-only")
    visit.open_tab("Locate")
    page.locator(".notice", has_text="Models that can: scripted, far-away").first.wait_for()
    assert page.locator("#locate-run").is_disabled()
    visit.choose_model("far-away")
    page.locator(".model-card .notice", has_text="not on this computer").wait_for()
    visit.choose_model("scripted")
    page.locator(".model-card .ready").wait_for()
    assert page.locator("#locate-run").is_enabled()


def test_the_page_is_reached_by_keyboard_and_named(visit: Visit) -> None:
    page = visit.page
    assert page.locator("html").get_attribute("lang")
    page.get_by_role("tab", name="Chat", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.locator("#caption-run").wait_for()
    page.keyboard.press("ArrowLeft")
    page.locator("#chat-box textarea").wait_for()
    unnamed = page.locator("img:visible:not([alt])").count()
    assert unnamed == 0


@in_each_look
def test_every_tab_fits_the_screen(
    browser: Browser,
    address: str,
    folder: Path,
    name: str,
    theme: str,
) -> None:
    viewport = {"laptop": LAPTOP, "phone": PHONE}[name]
    with visit_page(browser, address, f"?__theme={theme}", viewport=viewport) as visit:
        for tab in ("Chat", "Caption", "Ask", "Locate"):
            visit.open_tab(tab)
            assert visit.sideways() <= 0, f"{tab} scrolls sideways"
            visit.page.screenshot(path=folder / f"empty-{tab.lower()}-{name}-{theme}.png")


# With the embedded model


def test_the_embedded_model_chats_and_locates(
    browser: Browser, embedded: str, circle: Path
) -> None:
    with visit_page(browser, embedded) as visit:
        assert "says which one answered" in visit.page.locator("#model-card").inner_text()
        visit.say("What is in this picture?", circle)
        visit.wait_for_answer("red circle")
        visit.say("What colour is it?")
        visit.wait_for_answer("red", 2)

        visit.open_tab("Locate")
        visit.upload("locate-picture", circle)
        visit.page.locator("#locate-picture img").wait_for()  # a picture taken late clears answers
        visit.locate("red circle")
        visit.page.locator("#locate-answer .answer-note", has_text="Found 1 place").wait_for()
        (box,) = visit.boxes("locate-picture")
        assert box.iou(CIRCLE) >= 0.5


@in_each_look
def test_screenshots_with_answers(
    browser: Browser, embedded: str, folder: Path, name: str, theme: str
) -> None:
    viewport = {"laptop": LAPTOP, "phone": PHONE}[name]
    with visit_page(browser, embedded, f"?__theme={theme}", viewport=viewport) as visit:
        page = visit.page

        def keep(tab: str) -> None:
            assert visit.sideways() <= 0, f"{tab} scrolls sideways"
            page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
            page.screenshot(path=folder / f"answer-{tab}-{name}-{theme}.png")

        visit.say("Where is the elephant?", EXAMPLES / "animals.png")
        page.locator("#chat small.pace").wait_for()
        page.locator("#chat-canvas rect.box").first.wait_for(state="attached")
        keep("chat")
        visit.open_tab("Caption")
        page.get_by_role("button", name="With places").click()
        page.locator("#caption-answer mark").first.wait_for()
        _settled(page, "caption")
        keep("caption")
        visit.open_tab("Ask")
        page.get_by_role("button", name="How many?").click()
        page.locator("#ask-answer .answer-note").wait_for()
        keep("ask")
        page.fill("#ask-choices textarea, #ask-choices input", "1, 2, 3, 4")
        page.check("#ask-every-order input")
        page.click("#ask-run")
        page.locator("#ask-answer .answer-note", has_text="order").wait_for()
        _settled(page, "ask")
        keep("ask-orders")
        card = page.locator("#ask-answer .answer")
        card.screenshot(path=folder / f"answer-ask-orders-card-{name}-{theme}.png")
        visit.open_tab("Locate")
        page.get_by_role("button", name="All cats").click()
        page.locator("#locate-answer .answer-note", has_text="Found").wait_for()
        keep("locate")
        if (name, theme) == ("laptop", "light") and os.environ.get(
            "VLM_DEMO_UPDATE_SCREENSHOT"
        ) == "1":
            page.screenshot(path=README_PICTURE)


def _texts(found: Locator) -> list[str]:
    """The words of each element, on one line."""
    return [" ".join(text.split()) for text in found.all_inner_texts()]


def _settled(page: Page, tab: str) -> None:
    page.locator(f"#{tab}-answer .answer:not(.busy)").wait_for()
