"""Studio with what nobody expects: huge answers, broken characters, pictures that are gone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import scripted
from support.browser import Visit, wait_until
from support.scripted import ScriptedEngine

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.thorough

MANY = 300


@pytest.fixture(scope="module")
def engine() -> ScriptedEngine:
    places = (
        f"thing{n}number [{n % 20 / 20:.2f}, {n // 20 / 20:.2f}, {n % 20 / 20 + 0.04:.2f}, "
        f"{n // 20 / 20 + 0.04:.2f}]"
        for n in range(MANY)
    )
    return ScriptedEngine(
        {
            "crowd": ", ".join(places),
            "novel": "A" * 300_000,  # kerned in most fonts, which makes lines costly
            "broken": "before \ud83d after \udc00 end",
            **scripted.ANSWERS,
        },
        pause_s=0.0005,
    )


def test_a_broken_character_and_a_huge_answer_are_shown(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.show(circle)
    turn = visit.ask("broken")
    assert "after" in turn.locator(".reply-text").inner_text()
    turn = visit.ask("novel", turns=2)
    shown = turn.locator(".reply-text").evaluate("one => one.textContent.length")
    assert shown >= 299_000
    page.fill("#studio-composer", "still here")
    assert page.input_value("#studio-composer") == "still here"
    page.wait_for_timeout(1_500)  # it is stored a moment later
    page.reload()
    visit.wait_for_turn(2)


def test_three_hundred_layers_can_be_used(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.show(circle)
    visit.ask("crowd")
    wait_until(lambda: page.locator("#layers [data-layer]").count() == MANY)
    box = page.locator("#studio-composer").bounding_box()
    assert box and box["y"] + box["height"] <= 800
    picture = page.locator("#studio-canvas").bounding_box()
    assert picture and picture["height"] > 300
    assert visit.sideways() <= 0


def test_a_stored_conversation_whose_picture_is_gone_says_so(
    browser: Browser, address: str, circle: Path
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    visit = Visit(page, address)
    page.locator("#studio-composer").wait_for()
    visit.show(circle)
    visit.ask("single word please")
    page.wait_for_timeout(900)
    page.evaluate(
        """() => new Promise((resolve) => {
          const request = indexedDB.open('vlm-demo');
          request.onsuccess = () => {
            const change = request.result.transaction(['pictures', 'conversations'], 'readwrite');
            change.objectStore('pictures').clear();
            const table = change.objectStore('conversations');
            table.getAll().onsuccess = ({ target }) => {
              for (const one of target.result) {
                const gone = { serverId: 'gone', url: '/gone.png' };
                for (const picture of one.pictures) Object.assign(picture, gone);
                table.put(one);
              }
            };
            change.oncomplete = resolve;
          };
        })"""
    )
    page.goto(address + page.evaluate("location.search"))
    visit.wait_for_turn()
    page.get_by_text("no longer stored").first.wait_for()
    page.fill("#studio-composer", "and now?")
    page.press("#studio-composer", "Enter")
    page.locator(".composer", has_text="No image attached").first.wait_for()
    assert page.input_value("#studio-composer") == "and now?"
    context.close()
