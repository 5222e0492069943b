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
LOOKS = [("phone", PHONE, "dark"), ("laptop", LAPTOP, "light")]
"""Light or dark changes no width: each size is looked at in one of them."""


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
        self.page.click("#model-button")
        self.page.click(f'[data-model="{name}"]')

    def upload(self, canvas: str, picture: Path) -> None:
        self.page.set_input_files(f"#{canvas} input[type=file]", str(picture))

    def show(self, picture: Path) -> None:
        """Put a picture on Studio's canvas."""
        self.upload("studio-upload", picture)
        self.page.locator("#studio-canvas .picture-canvas img[src]").wait_for()

    def choose_task(self, task: str) -> None:
        self.page.click("#studio-task")
        self.page.click(f'.menu:popover-open [data-task="{task}"]')

    def ask(self, words: str, *, turns: int = 1) -> Locator:
        """Ask in Studio; return the turn when it is complete, which is the last of so many."""
        self.page.fill("#studio-composer", words)
        self.page.press("#studio-composer", "Enter")
        return self.wait_for_turn(turns)

    def wait_for_turn(self, turns: int = 1) -> Locator:
        turn = self.page.locator("#conversation [data-turn]").nth(turns - 1)
        turn.and_(self.page.locator("[data-state=done]")).wait_for()
        return turn

    def layers(self) -> dict[str, int]:
        """The layers of the picture in Studio, with how many regions each has."""
        found = self.page.locator("#layers [data-layer]").all()
        return {
            one.get_attribute("data-layer") or "": int(one.get_attribute("data-count") or -1)
            for one in found
        }

    def wait_for_message(self, words: str) -> None:
        self.page.locator("[data-testid=toast-text]", has_text=words).wait_for()

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

    def keep_looks(self, folder: Path, state: str) -> None:
        """Keep what a state of the page looks like; nothing of it may be cut off sideways."""
        for name, size, theme in LOOKS:
            self.page.set_viewport_size(size)
            self.page.emulate_media(color_scheme=theme)
            self.page.wait_for_timeout(100)
            assert self.sideways() <= 0, f"{state} scrolls sideways on a {name}"
            self.page.screenshot(path=folder / f"{state}-{name}-{theme}.png")


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
        page.locator("#studio-composer").wait_for(state="attached")
        page.locator(
            "#model-button .model-state:is([data-state=loaded], [data-state=failed])"
        ).wait_for()
        yield visit
    finally:
        context.close()
    assert visit.complaints == [], visit.complaints
    assert visit.foreign == []


def wait_until(claim: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.02)
