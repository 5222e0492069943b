"""The Inspector in a real browser, on the page as it ships."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.browser import LAPTOP, PHONE, Visit, in_each_look, visit_page
from support.scripted import ANSWERS, ScriptedEngine

from vlm_demo.values import Box

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


SQUARED = "A dog [0.10, 0.20, 0.40, 0.60]"  # of a square of 800 around a picture of 800 x 600
IN_PICTURE = Box(0.1, 0.1, 0.4, 380 / 600)


DRAFT = "<think>Is it <b>red</b>?</think>Yes, it is."


@pytest.fixture(scope="module")
def engine() -> ScriptedEngine:
    """Thinks before it answers."""
    return ScriptedEngine({"think": DRAFT, "red box": "A disc.", **ANSWERS})


def test_drafts_are_shown_at_a_click(browser: Browser, address: str, circle: Path) -> None:
    with visit_page(browser, address) as visit:
        page = visit.page
        visit.say("Please think", circle)
        visit.wait_for_answer("Yes, it is.")
        draft = page.locator("#chat .bot details")
        assert not draft.locator("p").is_visible()
        draft.locator("summary").click()
        assert draft.locator("p").inner_text() == "Is it <b>red</b>?"

        visit.open_tab("Ask")
        visit.upload("ask-picture", circle)
        page.locator("#ask-picture .stage img").wait_for()
        page.fill("#ask-question textarea", "Please think")
        page.click("#ask-run")
        page.locator("#ask-answer .answer-text", has_text="Yes, it is.").wait_for()
        draft = page.locator("#ask-answer .answer-reasoning")
        assert not draft.locator("p").is_visible()
        draft.locator("summary").click()
        assert draft.locator("p").inner_text() == "Is it <b>red</b>?"


def test_the_page_says_that_a_region_was_drawn_into_the_picture(
    browser: Browser, address: str, circle: Path
) -> None:
    with visit_page(browser, address) as visit:
        page = visit.page
        visit.choose_model("chat-only")
        visit.open_tab("Locate")
        visit.upload("locate-picture", circle)
        page.locator("#locate-picture .stage img").wait_for()
        page.locator("#locate-picture .stage").focus()
        page.keyboard.press("Enter")
        page.click("#describe-run")
        page.locator("#locate-description", has_text="A disc.").wait_for()
        page.locator("#locate-description .answer-note", has_text="drawn into").wait_for()


def test_the_prompt_behind_an_answer_is_shown_as_the_model_got_it(
    browser: Browser, embedded: str, circle: Path
) -> None:
    with visit_page(browser, embedded) as visit:
        page = visit.page
        located = _locate(visit, circle)

        visit.open_tab("Inspector")
        visit.open_tab("The prompt behind an answer")
        page.locator("#inspector-which", has_text="Locate: red circle").wait_for()
        prompt = page.locator("#inspector-prompt .cm-content")
        prompt.filter(has_text="red circle ASSISTANT:").wait_for()
        assert "<s>USER: <image> x 81" in prompt.inner_text()
        facts = page.locator("#inspector-facts").inner_text()
        assert "81 of them for the picture" in facts
        total = int(facts.split(" tokens")[0])
        assert 81 < total < 81 + 40
        seen = page.locator("#inspector-tiles img")
        assert seen.count() == 1
        assert page.evaluate("i => i.naturalWidth", seen.element_handle()) == 144

        page.click("#inspector-take")
        page.locator("#inspector-findings .strip").first.wait_for()
        assert page.input_value("#inspector-raw textarea").strip().startswith("[0.")
        assert visit.boxes("inspector-picture")[0].iou(located) > 0.99
        assert page.locator("#inspector-answer", has_text="cannot").count() == 0
        assert "Padding undone" in page.locator("#inspector-findings").inner_text()


def test_the_newest_answer_comes_first(browser: Browser, embedded: str, circle: Path) -> None:
    with visit_page(browser, embedded) as visit:
        page = visit.page
        visit.say("What is in this picture?", circle)
        visit.wait_for_answer("red circle")
        _locate(visit, circle)
        visit.open_tab("Inspector")
        visit.open_tab("The prompt behind an answer")
        answers = page.locator("#inspector-which label")
        answers.nth(1).wait_for()
        assert [words.split(":")[0] for words in answers.all_inner_texts()] == ["Locate", "Chat"]
        answers.nth(1).click()
        prompt = page.locator("#inspector-prompt .cm-content")
        prompt.filter(has_text="What is in this picture? ASSISTANT:").wait_for()


def test_pasted_output_is_read_and_doubted_without_a_model(
    browser: Browser, embedded: str, circle: Path
) -> None:
    with visit_page(browser, embedded) as visit:
        page = visit.page
        visit.open_tab("Inspector")
        page.locator("#inspector-findings", has_text="Paste what a model wrote").wait_for()
        page.fill("#inspector-raw textarea", SQUARED)
        page.locator("#inspector-picture img[alt^='A blank sheet']").wait_for()
        visit.upload("inspector-picture", circle)
        page.locator("#inspector-picture img[alt='red.png']").wait_for()
        chip = page.locator("#inspector-picture .chip", has_text="A dog")
        chip.wait_for()
        (box,) = visit.boxes("inspector-picture")
        assert box.iou(IN_PICTURE) > 0.99
        findings = page.locator("#inspector-findings")
        assert "80, 60, 320, 380" in findings.inner_text()
        assert page.locator("#inspector-findings .notice").count() == 0

        _pick(page, "inspector-family", "KOSMOS-2")
        told = findings.filter(has_text="These numbers were not read as a place")
        told.wait_for()
        page.fill(
            "#inspector-raw textarea",
            "<phrase> a dog</phrase><object><patch_index_0044><patch_index_0863></object>",
        )
        findings.filter(has_text="44, 863").wait_for()
        (box,) = visit.boxes("inspector-picture")
        assert box.iou(Box(0.390625, 0.046875, 0.984375, 0.828125)) > 0.99


def test_numbers_that_contradict_the_space_are_pointed_out(browser: Browser, embedded: str) -> None:
    with visit_page(browser, embedded) as visit:
        page = visit.page
        visit.open_tab("Inspector")
        # In the padding of the square, where no picture is.
        page.fill("#inspector-raw textarea", "A dog [0.20, 0.01, 0.60, 0.95]")
        doubt = page.locator("#inspector-findings .notice")
        doubt.filter(has_text="outside the picture").wait_for()
        assert "fractions of the picture, 0 to 1" in doubt.inner_text()
        _pick(page, "inspector-space", "fractions of the picture, 0 to 1")
        doubt.wait_for(state="detached")
        (box,) = visit.boxes("inspector-picture")
        assert box.iou(Box(0.2, 0.01, 0.6, 0.95)) > 0.99


def test_another_person_sees_none_of_the_answers(
    browser: Browser, embedded: str, circle: Path
) -> None:
    with visit_page(browser, embedded) as one, visit_page(browser, embedded) as other:
        _locate(one, circle)
        other.open_tab("Inspector")
        other.open_tab("The prompt behind an answer")
        other.page.locator("#inspector-nothing", has_text="Nothing has been answered").wait_for()
        assert other.page.locator("#inspector-which").is_hidden()
        assert "red circle" not in other.page.locator("#inspector").inner_text()
        assert other.page.locator("#inspector-picture .stage").is_hidden()


@in_each_look
def test_the_inspector_fits_the_screen(
    browser: Browser, embedded: str, circle: Path, folder: Path, name: str, theme: str
) -> None:
    viewport = {"laptop": LAPTOP, "phone": PHONE}[name]
    with visit_page(browser, embedded, f"?__theme={theme}", viewport=viewport) as visit:
        page = visit.page

        def keep(what: str) -> None:
            assert visit.sideways() <= 0, f"{what} scrolls sideways"
            page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
            file = folder / f"inspector-{what}-{name}-{theme}.png"
            page.screenshot(path=file, full_page=os.environ.get("SCREENSHOTS") is not None)

        visit.open_tab("Inspector")
        keep("empty")
        _locate(visit, circle)
        visit.open_tab("Inspector")
        visit.open_tab("The prompt behind an answer")
        page.locator("#inspector-tiles img").wait_for()
        keep("prompt")
        page.click("#inspector-take")
        page.locator("#inspector-findings .strip").first.wait_for()
        keep("answer")
        page.fill("#inspector-raw textarea", f"A cat [0.5, 0.2, 0.9, 0.7] and {SQUARED}, [1, 2]")
        page.locator("#inspector-picture .chip").nth(1).wait_for()
        page.fill("#inspector-raw textarea", "A dog [0.20, 0.01, 0.60, 0.95] by a tree.")
        page.locator("#inspector-findings .notice").wait_for()
        keep("doubt")


def _locate(visit: Visit, circle: Path) -> Box:
    visit.open_tab("Locate")
    visit.upload("locate-picture", circle)
    visit.page.locator("#locate-picture img[alt='red.png']").wait_for()
    visit.locate("red circle")
    visit.page.locator("#locate-answer .answer-note", has_text="Found 1 place").wait_for()
    (box,) = visit.boxes("locate-picture")
    return box


def _pick(page: Page, elem_id: str, option: str) -> None:
    page.click(f"#{elem_id} input")
    page.get_by_role("option", name=option, exact=True).click()
