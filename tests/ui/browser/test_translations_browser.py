"""The page in a browser that reads Japanese or Chinese: no sentence is left in English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.browser import EXAMPLES, LAPTOP, PHONE, Visit, missing, visit_page
from support.scripted import served
from support.votes import make_votes, store_votes

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.families import all_families
from vlm_demo.ui.components.examples import load_examples
from vlm_demo.ui.i18n import translations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page


VISITORS = {
    "ja": {"locale": "ja-JP", "viewport": PHONE},
    "zh": {"locale": "zh-CN", "viewport": LAPTOP},
}
TAGS = {"ja": "ja", "zh": "zh-CN"}
"""How Gradio calls the languages."""
EMBEDDED = ("embedded-llava15", "embedded-kosmos2")

READ = """() => {
  const names = ['aria-label', 'title', 'placeholder', 'alt'], found = [];
  const spared = '.answer-text, .round p, .message, code, pre, textarea, footer, script, style';
  for (const node of document.querySelectorAll('body *')) {
    if (node.closest(spared) || !node.checkVisibility()) continue;
    for (const name of names) if (node.hasAttribute(name)) found.push(node.getAttribute(name));
    for (const part of node.childNodes)
      if (part.nodeType === Node.TEXT_NODE) found.push(part.data);
  }
  return found.map((text) => text.trim()).filter(Boolean);
}"""
"""Every text that can be read or heard, but for what models and people wrote."""

SENTENCE = re.compile(r"[A-Za-z’']{2,}(?:[ ,:;]+[A-Za-z’']{2,}){2,}")


def names() -> list[str]:
    """What is called the same in every language, the longest first."""
    specs = default_menu()
    found = {spec.name for spec in specs} | {spec.licence for spec in specs}
    found |= {family.title for family in all_families().values()}
    return sorted(found, key=len, reverse=True)


def english_texts(page: Page) -> set[str]:
    """The sentences that are left in English."""
    page.wait_for_timeout(300)
    left = set()
    for text in page.evaluate(READ):
        bare = text
        for name in names():
            bare = bare.replace(name, "") if name else bare
        if SENTENCE.search(bare):
            left.add(text)
    return left


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    """The menu as it ships, with its two embedded models loaded."""
    menu = default_menu()
    if not all(spec.is_here for spec in menu[1:3]):
        missing("The embedded models are not in assets/models.")
    backend = Backend(menu, device="cpu")
    for spec in menu[1:3]:
        list(backend.load(spec.name))
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def address(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    votes = tmp_path_factory.mktemp("votes") / "votes.db"
    store_votes(votes, make_votes(["alpha", "beta", EMBEDDED[0]], 60))
    store_votes(votes, make_votes(["alpha", "new"], 3, tag="few"))
    folder = tmp_path_factory.mktemp("gradio")
    with served(backend, folder, votes=str(votes), arena=EMBEDDED) as address:
        yield address


def tab(page: Page, elem_id: str) -> Locator:
    """The button of a tab."""
    return page.locator(f"#{elem_id}-button")


@pytest.mark.parametrize("language", VISITORS)
def test_no_sentence_is_left_in_english(
    browser: Browser, address: str, folder: Path, language: str
) -> None:
    said = translations(language)
    left: dict[str, set[str]] = {}
    with visit_page(browser, address, **VISITORS[language]) as visit:
        page = visit.page

        def look(where: str) -> None:
            left[where] = english_texts(page)
            page.screenshot(path=folder / f"{language}-{where}.png")
            assert visit.sideways() <= 0, where

        assert page.locator("html").get_attribute("lang") == TAGS[language]
        assert page.locator("#view-arena").inner_text().strip() == said["Arena"]
        look("studio")
        # What an example asks is sent as it is shown, in a language that the model knows.
        left["studio"] -= {example.text for example in load_examples()}
        left["studio"] -= {f"{one.source} ({one.licence})" for one in load_examples()}  # people

        page.click("#view-arena")
        page.locator("#battle-run").wait_for()
        page.click("#battle-run")
        toast = page.locator("[data-testid=toast-text]")
        toast.wait_for()
        wanted = said["Fill in “{field}” first."].replace("{field}", said["Message"])
        assert toast.inner_text() == wanted
        look("battle")
        page.locator("[data-testid=toast-close]").click()
        if language == "ja":  # it takes long
            ask_two_models(visit)
            look("voted")

        page.click("#view-leaderboard")
        page.locator(".standings").wait_for()
        page.locator("#leaderboard .label-wrap").last.click()
        look("leaderboard")

        page.click("#view-models")
        page.locator("#models-table tbody tr").nth(40).click()
        look("models")
        tab(page, "parse-tab").click()
        page.fill("#inspector-raw textarea", "A red circle [0.10, 0.20, 1.40, 0.60]")
        page.locator("#parse-tab .strip").first.wait_for()
        look("parse")
        page.click("#model-button")
        page.locator("#model-panel").wait_for()
        look("panel")
    assert not any(left.values()), left


def ask_two_models(visit: Visit) -> None:
    """Let two models look for something, and vote; what they wrote stays as it is."""
    page = visit.page
    visit.upload("battle-picture", EXAMPLES / "animals.png")
    page.locator("#battle-picture .stage img").wait_for()
    page.locator("#battle-task input[type=radio]").last.check()
    page.fill("#battle-words textarea, #battle-words input", "Find objects")
    page.click("#battle-run")
    page.locator(".battle-status[data-tone=votable]").wait_for()
    assert page.locator("#battle-stage .request-card p").first.inner_text() == "Find objects"
    page.click("#battle-vote-3")
    page.locator(".battle-status[data-tone=voted]").wait_for()
