"""What holds for every tab: it can be used by everybody, weighs little, and keeps to itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
import pytest
from support.browser import Visit, visit_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
"""The accessibility checks of https://github.com/dequelabs/axe-core (MPL 2.0)."""

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]

MOST_BYTES = 4_000_000
"""Of what is loaded at first, beyond Gradio's own scripts and styles."""


@pytest.fixture(params=["light", "dark"])
def look(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def violations(page: Page) -> list[str]:
    """Return what axe-core finds serious or critical on the page as it is."""
    page.wait_for_timeout(400)  # colours change gradually
    found: dict[str, Any] = page.evaluate(
        "(tags) => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", RULES
    )
    return [
        f"{rule['id']}: {[node['target'] for node in rule['nodes']][:5]}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]


def tabs(page: Page) -> Iterator[str]:
    """Open every tab, also those within tabs; yield its name once it is shown."""
    for name in page.locator("#tabs > .tab-wrapper [role=tab]:visible").all_inner_texts():
        page.locator("#tabs > .tab-wrapper").get_by_role("tab", name=name, exact=True).click()
        page.wait_for_timeout(300)
        inner = page.locator("[role=tabpanel]:visible [role=tab]:visible")
        yield name
        for title in inner.all_inner_texts()[1:]:
            inner.filter(has_text=title).first.click()
            page.wait_for_timeout(300)
            yield f"{name}, {title}"


def test_no_tab_shuts_anybody_out(browser: Browser, address: str, look: str) -> None:
    with visit_page(
        browser, address, f"?__theme={look}", bypass_csp=True, color_scheme=look
    ) as visit:
        visit.page.add_script_tag(path=AXE)
        found = {name: violations(visit.page) for name in tabs(visit.page)}
    assert len(found) > 8
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_nor_does_a_page_full_of_answers(
    browser: Browser, address: str, look: str, circle: Path
) -> None:
    with visit_page(
        browser, address, f"?__theme={look}", bypass_csp=True, color_scheme=look
    ) as visit:
        page = visit.page
        page.add_script_tag(path=AXE)
        visit.say("Where is it?", circle)
        visit.wait_for_answer("The red circle is here.")
        assert violations(page) == []
        visit.open_tab("Locate")
        visit.upload("locate-picture", circle)
        page.locator("#locate-picture .stage img").wait_for()
        page.fill("#locate-words textarea", "red circle")
        page.click("#locate-run")
        page.locator("#locate-answer .answer-note").filter(has_text="Found 1 place").wait_for()
        assert violations(page) == []
        page.fill("#locate-words textarea", "")
        page.click("#locate-run")
        page.wait_for_timeout(800)
        assert violations(page) == []


def test_the_page_weighs_little(browser: Browser, address: str) -> None:
    with visit_page(browser, address) as visit:
        loaded: dict[str, float] = visit.page.evaluate(
            """() => Object.fromEntries([
                ...performance.getEntriesByType('navigation'),
                ...performance.getEntriesByType('resource'),
            ].map((entry) => [entry.name, entry.transferSize]))"""
        )
    own = {name: size for name, size in loaded.items() if "/assets/" not in name}
    assert len(own) > 3
    assert sum(own.values()) < MOST_BYTES, own


def focused(visit: Visit) -> str:
    """Say what has the focus, and whether a person can see that it has; "": nothing has it."""
    words: str = visit.page.evaluate(
        """() => {
            const at = document.activeElement;
            if (at === document.body) return '';
            const around = [at, at.closest('label'), at.parentElement, at.closest('.block')];
            const looks = () => JSON.stringify(around.filter(Boolean).map((node) => {
                const style = getComputedStyle(node);
                return [style.outline, style.boxShadow, style.borderColor, style.backgroundColor];
            }));
            const name = at.getAttribute('aria-label') || at.innerText || at.placeholder || at.id;
            for (const node of around) if (node) node.style.transition = 'none';
            const seen = looks();
            at.blur();
            const unseen = looks();
            at.focus({ focusVisible: true });
            return `${seen === unseen ? 'INVISIBLE ' : ''}${name || at.outerHTML.slice(0, 99)}`;
        }"""
    )
    return words


def test_everything_is_reached_by_keyboard(browser: Browser, address: str) -> None:
    with visit_page(browser, address) as visit:
        visit.open_tab("Locate")
        visit.page.locator("#locate-tab-button, [role=tab][aria-selected=true]").first.focus()
        reached = []
        for _ in range(40):
            visit.page.keyboard.press("Tab")
            reached.append(focused(visit))
    assert not [name for name in reached if name.startswith("INVISIBLE")]
    assert any("What to find" in name for name in reached)
    assert any(name.strip() == "Locate" for name in reached)
    assert any("Choose a picture" in name for name in reached)
