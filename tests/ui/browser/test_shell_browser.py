"""The frame of the page: header, views and their addresses, language, theme, model panel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.browser import LAPTOP, Visit, visit_page, wait_until
from support.chat_server import chat_server, listed, needing_key
from support.scripted import served

from vlm_demo.backend import Backend

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

VIEWS = ("studio", "arena", "leaderboard", "batch", "models")

KEY = "sk-browser-0123456789"

SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
"""


def view(page: Page) -> str:
    return str(page.evaluate("document.documentElement.dataset.view"))


def place(page: Page, selector: str) -> object:
    return page.locator(selector).bounding_box()


def test_the_header_is_there_at_once_and_never_moves(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport=LAPTOP)  # type: ignore[arg-type]  # a dictionary
    page = context.new_page()
    page.add_init_script(SHIFTS)
    page.goto(address, wait_until="commit")
    page.locator("#model-button").wait_for()
    parts = ("#header", *(f"#view-{name}" for name in VIEWS), "#model-button", "#menu-button")
    before = [place(page, part) for part in parts]
    header = page.locator("#header").bounding_box()
    assert header and header["height"] == 56
    page.locator("#studio-composer").wait_for()
    for name in (*VIEWS, "studio"):
        page.click(f"#view-{name}")
        page.wait_for_timeout(200)
        assert [place(page, part) for part in parts] == before, name
    assert page.evaluate("window.shifted") < 0.1
    context.close()


def test_views_have_addresses_and_back_returns(browser: Browser, address: str) -> None:
    with visit_page(browser, address, "?view=arena") as visit:
        page = visit.page
        page.locator("#battle-run").wait_for()
        page.click("#view-batch")
        page.locator("#batch-begin").wait_for()
        assert page.url.endswith("?view=batch")
        page.go_back()
        page.locator("#battle-run").wait_for()
        assert view(page) == "arena"
        assert page.locator("#view-arena").get_attribute("aria-selected") == "true"
        page.goto(f"{address}?view=<b>nothing</b>")
        page.locator("#studio-composer").wait_for()


def test_views_are_built_before_they_are_opened(visit: Visit) -> None:
    """So that a switch of view shows what is there, and asks the server for it only then."""
    board = visit.page.locator("#leaderboard")
    board.wait_for(state="attached")
    table = board.locator(".leaderboard-frame")
    assert (view(visit.page), board.is_visible(), table.count()) == ("studio", False, 0)
    visit.page.click("#view-leaderboard")
    table.wait_for()


def test_views_are_one_stop_of_the_keyboard(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("class") == "skip-link"
    page.keyboard.press("Enter")
    assert page.locator(":focus").get_attribute("id") == "studio-tab"
    page.locator("#view-studio").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(":focus").get_attribute("id") == "view-arena"
    assert view(page) == "arena"
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("id") == "model-button"


def test_a_language_takes_two_clicks_and_is_kept(browser: Browser, address: str) -> None:
    with visit_page(browser, address) as visit:
        page = visit.page
        page.click("#menu-button")
        page.click("[data-language=ja]")
        page.locator("#view-arena", has_text="アリーナ").wait_for()
        page.locator("#studio-composer").wait_for()
        page.reload()
        page.locator("#view-arena", has_text="アリーナ").wait_for()
        assert page.locator("html").get_attribute("lang") == "ja"
        page.locator("#studio-composer").wait_for()


def test_a_theme_is_kept_and_follows_the_system_until_it_is_chosen(
    browser: Browser, address: str
) -> None:
    with visit_page(browser, address, color_scheme="dark") as visit:
        page, is_dark = visit.page, "document.body.classList.contains('dark')"
        assert page.evaluate(is_dark)
        page.click("#menu-button")
        page.click("#theme-button")
        assert not page.evaluate(is_dark)
        page.reload()
        page.locator("#studio-composer").wait_for()
        assert not page.evaluate(is_dark)


def test_another_model_takes_two_clicks(visit: Visit) -> None:
    page = visit.page
    page.click("#model-button")
    page.click("[data-model='chat-only']")
    page.locator("#model-button", has_text="chat-only").wait_for()
    assert page.locator("#model-panel").is_hidden()
    page.reload()
    page.locator("#model-button", has_text="chat-only").wait_for()
    page.locator("#studio-composer").wait_for()


def test_models_are_searched_and_chosen_by_keyboard(visit: Visit) -> None:
    page = visit.page
    page.locator("#model-button").focus()
    page.keyboard.press("Enter")
    page.locator("#model-panel input[type=search]:focus").wait_for()
    page.keyboard.type("CHAT-only")
    wait_until(lambda: page.locator("#model-panel [data-model]").count() == 1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("#model-button", has_text="chat-only").wait_for()
    page.keyboard.press("Enter")
    page.keyboard.type("no such model")
    page.locator("#model-panel", has_text="No matches.").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("#model-panel").is_hidden()


@pytest.fixture
def own_visit(browser: Browser, backend: Backend, tmp_path: Path) -> Iterator[Visit]:
    with served(backend, tmp_path) as address, visit_page(browser, address) as visit:
        yield visit


def test_models_of_a_server_are_added_with_its_key(
    own_visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    page = own_visit.page
    with chat_server() as server:
        server.listing = needing_key(KEY, listed("gpt-4o", "qwen2.5vl:7b"))
        page.click("#model-button")
        page.get_by_role("button", name="Add a model or server").click()
        page.fill("#add-model-name", f"127.0.0.1:{server.server_port}")
        page.keyboard.press("Enter")
        page.locator(".form-status.problem", has_text="needs a key").wait_for()
        page.fill("#add-model-key", KEY)
        page.keyboard.press("Enter")
        page.locator(".server-offer").get_by_label("gpt-4o", exact=True).uncheck()
        page.get_by_role("button", name="Add 1 model").click()
        page.locator("#model-button", has_text="qwen2.5vl:7b").wait_for()
    assert KEY not in page.content()


def test_visitors_of_a_public_page_add_and_unload_nothing(
    browser: Browser, backend: Backend, tmp_path: Path
) -> None:
    with (
        served(backend, tmp_path, host="0.0.0.0") as address,
        visit_page(browser, address.replace("0.0.0.0", "127.0.0.1")) as visit,
    ):
        page = visit.page
        page.click("#model-button")
        page.locator("[data-model]").first.wait_for()
        assert page.get_by_role("button", name="Add a model or server").count() == 0
        assert page.locator(".model-unload").count() == 0


def test_no_view_scrolls_sideways(visit: Visit) -> None:
    for name in VIEWS:
        visit.page.click(f"#view-{name}")
        visit.page.wait_for_timeout(300)
        for width in (320, 390, 640):
            visit.page.set_viewport_size({"width": width, "height": 700})
            app = "(app) => app.scrollWidth - app.clientWidth"
            assert visit.page.locator("gradio-app").evaluate(app) <= 0, (name, width)
            assert visit.sideways() <= 0, (name, width)
