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


def views(page: Page) -> Iterator[str]:
    """Open every view, also those within views; yield its name once it is shown."""
    for name in ("studio", "arena", "leaderboard", "batch", "models"):
        page.click(f"#view-{name}")
        page.wait_for_timeout(300)
        yield name
        inner = page.locator(f"#{name}-tabs > * > [role=tablist] > [role=tab]:visible")
        for title in inner.all_inner_texts()[1:]:
            inner.filter(has_text=title).first.click()
            page.wait_for_timeout(300)
            yield f"{name}, {title}"


@pytest.mark.parametrize(
    ("look", "locale"), [("light", "en-US"), ("dark", "zh-CN"), ("light", "ja-JP")]
)
def test_no_view_shuts_anybody_out(browser: Browser, address: str, look: str, locale: str) -> None:
    # Contrast depends on the look, names on the language, nothing on both.
    options = {"bypass_csp": True, "color_scheme": look, "locale": locale}
    with visit_page(browser, address, **options) as visit:
        visit.page.add_script_tag(path=AXE)
        found = {name: violations(visit.page) for name in views(visit.page)}
        for panel, *buttons in (
            ("#model-panel", "#model-button"),
            ("#header-menu", "#menu-button"),
            ("#about", "#menu-button", "#about-button"),
        ):
            for button in buttons:
                visit.page.click(button)
            visit.page.locator(panel).wait_for()
            found[panel] = violations(visit.page)
            visit.page.keyboard.press("Escape")
    assert len(found) == 11
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


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
    with visit_page(browser, address, "?view=arena") as visit:
        visit.page.locator("#battle-run").wait_for()
        reached: list[str] = []
        for _ in range(40):
            visit.page.keyboard.press("Tab")
            if not (name := focused(visit)):
                break  # behind the last one
            reached.append(name)
    assert len(reached) > 12, reached
    assert not [name for name in reached if name.startswith("INVISIBLE")]
    assert any("Message" in name or "Ask about the image" in name for name in reached)
    assert any(name.strip() == "Ask two models" for name in reached)
