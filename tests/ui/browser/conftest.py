"""Fixtures of the tests that drive the page in Chromium, which are all marked `browser`."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw
from support.browser import Visit, missing, visit_page
from support.scripted import served

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BROWSERS = ("chromium-headless-shell", "chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright is not installed (pip install playwright).")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), "")
    if not Path(program).is_file():
        missing("There is no Chromium. Install it, or say where it is in $CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()
    gc.collect()  # what Gradio's server left behind warns here, and about no other test


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    with visit_page(browser, address) as visit:
        yield visit


@pytest.fixture(scope="module")
def folder() -> Path:
    """Where screenshots are kept."""
    folder = Path(os.environ.get("SCREENSHOTS") or tempfile.mkdtemp(prefix="vlm-demo-pages-"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def circle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red circle on white, 800 x 600, drawn outside the project's own scenes."""
    image = Image.new("RGB", (800, 600), "white")
    ImageDraw.Draw(image).ellipse((80, 60, 320, 300), fill=(255, 0, 0))
    path = tmp_path_factory.mktemp("pictures") / "red.png"
    image.save(path)
    return path


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page as it ships, with its default model."""
    menu = default_menu()
    if not menu[0].is_here:
        missing(f"The embedded model {menu[0].name} is not in assets/models.")
    backend = Backend(menu)
    for _ in backend.load(menu[0].name):
        pass
    with served(backend, tmp_path_factory.mktemp("gradio")) as address:
        yield address
    backend.close()
