"""Answers in a browser: waiting, phrases linked with places, errors with remedies, settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest
from support.browser import Visit, wait_until
from support.scripted import ANSWERS, CIRCLE, ScriptedEngine

from vlm_demo.backend import Backend
from vlm_demo.engines import Progress
from vlm_demo.errors import OutOfMemoryError
from vlm_demo.values import Prompt, Sampling, TextChunk

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


ODD = "دب 🐻 <img src=x>"
PHRASES = 50


@pytest.fixture(scope="module")
def engine() -> ScriptedEngine:
    """Names many places, and one in words that are hard to show."""
    many = " ".join(f"A{number} {CIRCLE}," for number in range(PHRASES))
    answers = {
        "many": many,
        "odd": f"{ODD} {CIRCLE} and a star [0.50, 0.50, 0.80, 0.70].",
        **ANSWERS,
    }
    return ScriptedEngine(answers, pause_s=0.004)


def _ask(page: Page, words: str) -> None:
    page.fill("#ask-question textarea", words)
    page.click("#ask-run")


def _open(visit: Visit, tab: str, picture: Path) -> Page:
    visit.open_tab(tab)
    visit.upload(f"{tab.lower()}-picture", picture)
    visit.page.locator(f"#{tab.lower()}-picture .stage img").wait_for()
    return visit.page


def _answered(page: Page, tab: str, words: str) -> None:
    page.locator(f"#{tab}-answer .answer-text", has_text=words).wait_for()


def _take(page: Page, tab: str, remedy: str) -> None:
    page.locator(f"#{tab}-answer .answer-remedies button", has_text=remedy).click()


def _lines(items: Locator) -> list[str]:
    return [" ".join(words.split()) for words in items.all_inner_texts()]


# Several things


def test_each_of_several_things_has_a_line_that_shows_its_places(
    visit: Visit, circle: Path
) -> None:
    page = _open(visit, "Locate", circle)
    visit.locate("red circle; zebra, 'unreadable'")
    things = page.locator("#locate-answer .answer-things li")
    things.filter(has_text="unclear").wait_for()
    assert _lines(things) == ["red circle 1", "zebra not found", "unreadable unclear"]
    page.evaluate(
        """() => { window.heard = []; document.addEventListener('vlm-mention', ({ detail }) =>
        heard.push([detail.canvas, detail.index, detail.on])); }"""
    )
    things.first.locator("mark").focus()
    assert page.evaluate("heard") == [["locate-picture", 0, True]]

    page.check("#locate-and input")
    visit.locate("zebra and red circle")
    things.nth(2).wait_for(state="detached")
    page.locator("#locate-answer .answer-note", has_text="Found 1 place").wait_for()
    assert _lines(things) == ["zebra not found", "red circle 1"]


# Waiting


def test_loading_is_shown_as_it_goes_and_read_aloud_once(
    visit: Visit,
    backend: Backend,
    engine: ScriptedEngine,
    circle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page, turn = _open(visit, "Ask", circle), Event()
    done = [3_100_000_000]

    def begun_late(*_: object) -> Iterator[TextChunk]:
        turn.wait()
        yield TextChunk("It is red.", logprobs=(-0.1, -0.1, -0.1))

    monkeypatch.setattr(engine, "stream", begun_late)
    monkeypatch.setattr(
        backend,
        "progress",
        lambda _: Progress("loading", done[0], 7_400_000_000, "bytes"),
    )
    page.evaluate(
        """() => { window.heard = [];
        const stage = document.querySelector('#ask-answer .answer-stage');
        new MutationObserver(() => heard.push(stage.textContent))
        .observe(stage, { childList: true });
        }"""
    )
    _ask(page, "What is it?")
    waiting = page.locator("#ask-answer .answer-waiting")
    waiting.filter(has_text="Loading scripted: 3.1 of 7.4 GB").wait_for()
    done[0] = 5_200_000_000
    waiting.filter(has_text="Loading scripted: 5.2 of 7.4 GB").wait_for()
    assert page.evaluate("heard") == ["Loading scripted…"]
    assert page.locator("#ask-answer .answer-waiting").get_attribute("aria-hidden") == "true"

    monkeypatch.setattr(backend, "progress", lambda _: None)
    waiting.filter(has_text="Reading the picture…").wait_for()
    turn.set()
    _answered(page, "ask", "It is red.")
    waiting.wait_for(state="hidden")
    pace = page.locator("#ask-answer .answer-pace")
    pace.wait_for()  # when all is written
    assert re.fullmatch(r"[\d.]+ s · first token [\d.]+ s · 3 tokens.*", pace.inner_text())


# Phrases and places


def test_a_growing_answer_leaves_its_phrases_alone(visit: Visit, circle: Path) -> None:
    page = _open(visit, "Locate", circle)
    page.fill("#locate-words textarea", "many")
    page.evaluate(
        """() => { window.gone = 0; new MutationObserver((all) => {
        for (const one of all)
        gone += [...one.removedNodes].filter((node) => node.tagName === 'MARK').length;
        }).observe(document.querySelector('#locate-answer .answer-text'), { childList: true }); }"""
    )
    page.click("#locate-run")
    marks = page.locator("#locate-answer mark")
    marks.first.wait_for()
    marks.first.focus()
    page.locator("#locate-answer .answer-note", has_text=f"Found {PHRASES}").wait_for()
    assert marks.count() == PHRASES
    assert page.evaluate("gone") == 0
    assert page.evaluate("document.activeElement.textContent") == "A0"


def test_phrases_and_places_light_each_other_up(visit: Visit, circle: Path) -> None:
    page = _open(visit, "Locate", circle)
    page.fill("#locate-words textarea", "odd")
    page.click("#locate-run")
    page.locator("#locate-answer .answer-note", has_text="Found 2").wait_for()
    odd, star = page.locator("#locate-answer mark").all()
    assert odd.inner_text() in ODD
    assert "<img" in odd.inner_text()
    assert page.locator("#locate-answer img").count() == 0

    page.evaluate(
        """() => { window.heard = []; document.addEventListener('vlm-mention', ({ detail }) =>
        heard.push([detail.canvas, detail.index, detail.on, detail.from])); }"""
    )
    odd.hover()
    star.focus()
    page.mouse.move(0, 0)
    assert page.evaluate("heard") == [
        ["locate-picture", 0, True, "words"],
        ["locate-picture", 1, True, "words"],
        ["locate-picture", 0, False, "words"],
        ["locate-picture", 1, True, "words"],  # the focus is still there
    ]
    page.keyboard.press("Escape")
    assert page.evaluate("heard.at(-1)") == ["locate-picture", 1, False, "words"]
    for on, count in ((True, 1), (False, 0)):
        page.evaluate(
            """(on) => document.dispatchEvent(new CustomEvent('vlm-mention',
            { detail: { canvas: 'locate-picture', index: 1, on, from: 'canvas' } }))""",
            on,
        )
        assert page.locator("#locate-answer mark.hot").count() == count


# Errors and remedies


def test_what_is_missing_is_a_click_away(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.open_tab("Ask")
    _ask(page, "single word")
    problem = page.locator("#ask-answer .answer-problem")
    problem.filter(has_text="Please add a picture").wait_for()
    assert problem.get_attribute("role") == "alert"
    with page.expect_file_chooser() as chooser:
        _take(page, "ask", "Choose a picture")
    chooser.value.set_files(str(circle))
    page.locator("#ask-picture .stage img").wait_for()
    problem.wait_for(state="hidden")
    assert page.input_value("#ask-question textarea") == "single word"

    _ask(page, "")
    _take(page, "ask", "Write something")
    assert page.evaluate("document.activeElement.closest('#ask-question') !== null")
    page.keyboard.insert_text("x" * 8_001)
    page.click("#ask-run")
    problem.filter(has_text="1 too many").wait_for()
    _take(page, "ask", "Shorten the text")
    page.keyboard.type("single word")  # what is there is selected
    page.keyboard.press("Enter")
    _answered(page, "ask", "Red")
    assert problem.is_hidden()

    visit.open_tab("Caption")
    page.locator("#caption-picture .remove").click()
    page.locator("#caption-picture .drop").wait_for()
    page.click("#caption-run")
    _take(page, "caption", "Try an example")
    page.locator("#caption-answer .answer-text:not(:empty)").wait_for()


def test_another_model_is_asked_the_same_with_its_own_settings(
    visit: Visit, engine: ScriptedEngine, circle: Path
) -> None:
    page = _open(visit, "Ask", circle)
    page.get_by_role("button", name="Generation settings").click()
    temperature = page.locator("#settings-temperature input[type=number]")
    temperature.wait_for()
    page.wait_for_timeout(500)  # Gradio hears of fields a moment after it shows them
    temperature.fill("1.3")
    temperature.press("Tab")
    mark = page.locator("#settings-mark")
    mark.filter(has_text="1 changed").wait_for()
    assert page.input_value("#settings-seed textarea, #settings-seed input") == ""
    page.locator(".settings-hints", has_text="wander off").wait_for()

    visit.choose_model("far-away")
    mark.filter(has_text="changed").wait_for(state="hidden")
    wait_until(lambda: temperature.input_value() == "0")
    _ask(page, "single word")
    page.locator("#ask-answer .answer-problem", has_text="not on this computer").wait_for()
    _take(page, "ask", "Ask scripted instead")
    _answered(page, "ask", "Red")
    assert page.input_value("#model input") == "scripted"
    assert engine.samplings[-1].temperature == 1.3, "as it was left for this model"

    page.get_by_role("button", name="Reset to scripted’s own").click()
    wait_until(lambda: temperature.input_value() == "0")
    mark.filter(has_text="changed").wait_for(state="hidden")
    page.click("#ask-run")
    wait_until(lambda: engine.samplings[-1].temperature == 0)
    visit.open_tab("Inspector")
    assert page.locator("#settings-block").is_hidden()


def test_what_needs_less_memory_is_done_at_a_click(
    visit: Visit, engine: ScriptedEngine, circle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, real = _open(visit, "Ask", circle), engine.stream

    def narrow(prompt: Prompt, sampling: Sampling) -> Iterator[TextChunk]:
        if prompt.messages[-1].images[0].width > 400:
            raise OutOfMemoryError("Too large.", smaller_image=True)
        if sampling.max_new_tokens > 64:
            raise OutOfMemoryError("Too long.", new_tokens=64)
        yield from real(prompt, sampling)

    monkeypatch.setattr(engine, "stream", narrow)
    _ask(page, "single word")
    _take(page, "ask", "Halve the picture")
    _take(page, "ask", "Answer in at most 64 tokens")
    _answered(page, "ask", "Red")
    assert engine.prompts[-1].messages[-1].images[0].width == 400
    assert page.input_value("#ask-question textarea") == "single word"


# Regions


def test_marked_regions_go_into_a_question_by_their_numbers(
    visit: Visit, engine: ScriptedEngine, circle: Path
) -> None:
    page = _open(visit, "Ask", circle)
    frame = page.locator("#ask-picture .stage img").bounding_box()
    assert frame
    page.mouse.move(frame["x"] + frame["width"] * 0.1, frame["y"] + frame["height"] * 0.1)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] * 0.4, frame["y"] + frame["height"] * 0.5, steps=4)
    page.mouse.up()
    chip = page.locator("#ask-regions button", has_text="[1]")
    chip.wait_for()
    page.fill("#ask-question textarea", "single word: what colour is")
    chip.click()
    assert page.input_value("#ask-question textarea") == "single word: what colour is [1]"
    page.click("#ask-run")
    _answered(page, "ask", "Red")
    # In the square of 800 around the picture of 800 x 600.
    assert "[0.10, 0.20, 0.40, 0.50]" in engine.prompts[-1].messages[-1].text

    page.locator("#ask-picture .remove").click()
    chip.wait_for(state="detached")
