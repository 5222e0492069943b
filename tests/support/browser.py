"""A visit to the page in Chromium: what a person clicks and reads there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from support import ROOT
from vlm_demo.values import Box

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
EXAMPLES = ROOT / "assets" / "examples"
in_each_look = pytest.mark.parametrize(
    ("name", "theme"),
    [("laptop", "light"), ("phone", "dark")]
    + ([("laptop", "dark"), ("phone", "light")] if "SCREENSHOTS" in os.environ else []),
)
"""Light or dark changes no width: all four looks are for those who want to see them."""


def missing(what: str) -> NoReturn:
    """Skip where the machine lacks something, or fail where everything must be tested."""
    if os.environ.get("VLM_DEMO_FULL_TESTS") == "1":
        pytest.fail(what)
    pytest.skip(what)


@dataclass
class Visit:
    """A browser on the page, and what went wrong behind its back."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def open_tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()
        self.page.wait_for_timeout(200)

    def choose_model(self, name: str) -> None:
        self.page.click("#model input")
        self.page.get_by_role("option", name=name, exact=True).click()

    def upload(self, canvas: str, picture: Path) -> None:
        self.page.set_input_files(f"#{canvas} input[type=file]", str(picture))

    def say(self, words: str, picture: Path | None = None) -> None:
        if picture:
            self.page.set_input_files("#chat-box input[type=file]", str(picture))
            self.page.locator("#chat-box .thumbnail-item").first.wait_for()
        self.page.fill("#chat-box textarea", words)
        self.page.press("#chat-box textarea", "Enter")

    def locate(self, words: str) -> None:
        self.page.fill("#locate-words textarea, #locate-words input", words)
        self.page.click("#locate-run")

    @property
    def answers(self) -> Locator:
        return self.page.locator("#chat .bot .prose:not(:has(small.said))")

    def wait_for_answer(self, words: str, count: int | None = None) -> None:
        found = self.answers.filter(has_text=words)
        found.nth((count or 1) - 1).wait_for()
        self.page.locator("#chat-box .stop-button").wait_for(state="hidden")

    def wait_for_message(self, words: str) -> None:
        self.page.locator("[data-testid=toast-text]", has_text=words).wait_for()

    def wait_for_problem(self, card: str, words: str) -> None:
        self.page.locator(f"#{card} .answer-problem", has_text=words).wait_for()

    def boxes(self, canvas: str) -> list[Box]:
        rects = self.page.locator(f"#{canvas} .overlay rect.box")
        rects.first.wait_for(state="attached")
        return [
            _read_box(
                *(rects.nth(i).get_attribute(name) or "" for name in ("x", "y", "width", "height"))
            )
            for i in range(rects.count())
        ]

    def sideways(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def _read_box(x: str, y: str, width: str, height: str) -> Box:
    left, top, across, down = (float(number.rstrip("%")) / 100 for number in (x, y, width, height))
    return Box(left, top, left + across, top + down)


@contextmanager
def visit_page(
    browser: Browser, address: str, query: str = "", **options: object
) -> Iterator[Visit]:
    """Open the page; on leaving, nothing may have gone wrong behind its back."""
    context = browser.new_context(**({"viewport": LAPTOP} | options))  # type: ignore[arg-type]  # mixed
    try:
        page = context.new_page()
        visit = Visit(page, address)
        page.set_default_timeout(45_000)
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: visit.complaints.append(said.text) if said.type == "error" else None,
        )
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((address, "data:", "blob:"))
                else visit.foreign.append(request.url)
            ),
        )
        page.goto(address + query)
        page.locator("#studio-composer").wait_for()
        page.locator(
            "#model-button .model-state:is([data-state=loaded], [data-state=failed])"
        ).wait_for()
        yield visit
    finally:
        context.close()
    assert visit.complaints == []
    assert visit.foreign == []


def wait_until(claim: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.02)
