"""The Check tab in a real browser: an answer with its verdicts, and what several models see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from support.browser import EXAMPLES, PHONE, Visit, missing

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.values import Box

if TYPE_CHECKING:
    from playwright.sync_api import Locator


ANIMALS = EXAMPLES / "animals.png"
ELEPHANT = Box(0.56, 0.20, 0.96, 0.62)  # in that picture, roughly


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    """The two embedded models, and one that cannot be reached."""
    menu = default_menu()[1:3]
    if not all(spec.is_here for spec in menu):
        missing("The embedded models are not in assets/models.")
    lost = ModelSpec(name="far-away", family="llava15", checkpoint="nobody/nothing")
    backend = Backend((*menu, lost), device="cpu")
    for spec in menu:
        list(backend.load(spec.name))
    yield backend
    backend.close()


def check(visit: Visit, text: str) -> None:
    visit.page.fill("#check-text textarea", text)
    visit.page.click("#check-run")


def wait_for_summary(visit: Visit, words: str) -> None:
    visit.page.locator(".findings-summary", has_text=words).wait_for()
    visit.page.locator("#check-stop").wait_for(state="hidden")


def marks(visit: Visit) -> dict[str, str | None]:
    """The verdict of each phrase in the text."""
    found = visit.page.locator(".findings-text mark")
    return {
        mark.evaluate("(mark) => mark.childNodes[1].textContent"): mark.get_attribute(
            "data-verdict"
        )
        for mark in found.all()
    }


def is_highlighted(part: Locator) -> bool:
    return "hot" in (part.get_attribute("class") or "").split()


def test_an_answer_of_another_tab_is_checked_at_a_click(visit: Visit) -> None:
    page = visit.page
    visit.open_tab("Caption")
    visit.upload("caption-picture", ANIMALS)
    page.locator("#caption-picture .stage img").wait_for()
    page.click("#caption-run")
    page.locator("#caption-check").wait_for()
    page.click("#caption-check")
    wait_for_summary(visit, "3 of 3 phrases supported")
    assert set(marks(visit).values()) == {"supported"}
    assert "elephant" in page.input_value("#check-text textarea")
    # By another model than the one that wrote it.
    assert page.input_value("#check-model input") == "embedded-kosmos2"
    assert any(box.iou(ELEPHANT) > 0.5 for box in visit.boxes("check-picture"))


def test_phrases_and_their_places_point_at_each_other(visit: Visit) -> None:
    page = visit.page
    visit.open_tab("Check")
    visit.upload("check-picture", ANIMALS)
    page.locator("#check-picture .stage img").wait_for()
    check(visit, "Two elephants and a pizza. There is no car, and no lion.")
    wait_for_summary(visit, "1 of 4 phrases supported, 3 contradicted")
    assert marks(visit) == {
        "elephants": "contradicted",
        "pizza": "contradicted",
        "car": "supported",
        "lion": "contradicted",
    }
    rows = page.locator(".findings-table tbody tr")
    assert "The answer says 2; found: 1." in rows.nth(0).inner_text()
    assert "denied" in rows.nth(3).inner_text()
    elephant = page.locator("#check-picture [data-mention='0']").first
    page.locator(".findings-text mark").first.hover()
    assert is_highlighted(elephant)
    assert is_highlighted(rows.nth(0))
    page.mouse.move(1, 1)
    assert not is_highlighted(elephant)
    page.locator("#check-picture button.chip").first.focus()
    assert is_highlighted(page.locator(".findings-text mark").first)


def test_what_cannot_be_checked_says_what_to_do(visit: Visit) -> None:
    page = visit.page
    remedies = page.locator("#check-problem .answer-remedies button")
    visit.open_tab("Check")
    page.click("#check-run")
    visit.wait_for_problem("check-problem", "Please add a picture first.")
    with page.expect_file_chooser() as chooser:
        remedies.filter(has_text="Choose a picture").click()
    chooser.value.set_files(str(ANIMALS))
    page.locator("#check-picture .stage img").wait_for()
    page.click("#check-run")
    visit.wait_for_problem("check-problem", "Please write the answer that is to be checked.")
    remedies.filter(has_text="Write something").click()
    assert page.evaluate("document.activeElement.closest('#check-text') !== null")
    check(visit, "Yes, it is 🙂.")
    wait_for_summary(visit, "This text names nothing to look for.")
    check(visit, 'A lion <img src=x onerror="document.title=1"> <b>bold</b>')
    page.locator(".findings-text mark").first.wait_for()
    assert '<img src=x onerror="document.title=1">' in page.locator(".findings-text").inner_text()
    assert page.title() == "VLM demo"
    assert page.locator(".findings-text img, .findings-text b").count() == 0


def test_another_model_checks_where_one_cannot_be_loaded(visit: Visit) -> None:
    page = visit.page
    visit.open_tab("Check")
    visit.upload("check-picture", ANIMALS)
    page.locator("#check-picture .stage img").wait_for()
    page.locator("#check-model input").click()
    page.get_by_role("option", name="far-away").click()
    check(visit, "A lion.")
    visit.wait_for_problem("check-problem", "nobody/nothing")
    page.locator("#check-problem .answer-remedies button", has_text="instead").first.click()
    wait_for_summary(visit, "1 of 1 phrase supported")
    assert page.input_value("#check-model input") != "far-away"
    assert page.locator("#check-problem .answer").is_hidden()


def test_models_are_compared_and_one_that_fails_stops_nobody(visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size(PHONE)
    visit.open_tab("Check")
    visit.open_tab("Consensus")
    visit.upload("consensus-picture", ANIMALS)
    page.locator("#consensus-picture .stage img").wait_for()
    page.locator("#consensus-models input").click()
    page.get_by_role("option", name="far-away").click()
    page.keyboard.press("Escape")
    page.locator("#consensus-task").get_by_label("Caption with places", exact=True).check()
    page.click("#consensus-run")
    failed = page.locator(".consensus-models .failed")
    failed.wait_for()
    assert "nobody/nothing" in failed.inner_text()
    page.locator("#consensus-json").wait_for()
    page.locator(".consensus-summary", has_text="All 3 things are seen by all models.").wait_for()
    assert page.locator(".consensus-stage rect.box").count() == 6
    styles = page.locator(".consensus-stage .thing").first.locator("rect.box")
    looks = [
        (box.get_attribute("stroke"), box.evaluate("(box) => box.style.strokeDasharray"))
        for box in styles.all()
    ]
    assert len({colour for colour, _ in looks}) == len({dash for _, dash in looks}) == 2
    page.locator(".consensus-things tbody button").nth(1).focus()
    assert [is_highlighted(thing) for thing in page.locator(".consensus-stage .thing").all()] == [
        *(False, True, False)
    ]
    shares = page.locator(".consensus-agreement tbody td").all_inner_texts()
    assert float(shares[1]) > 0.6
    assert shares[2] == "–"
    assert visit.sideways() <= 0
    with page.expect_download() as download:
        page.click("#consensus-json")
    data = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert len(data["things"]) == 3
    assert [model["error"] is None for model in data["models"]] == [True, True, False]
