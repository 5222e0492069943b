"""The Batch tab in a real browser: many pictures, pauses, closed pages, and other people."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from support.browser import LAPTOP, PHONE, Visit, visit_page, wait_until
from support.scripted import ScriptedEngine

if TYPE_CHECKING:
    from playwright.sync_api import Browser


STATE = "#batch-view .batch-line b"
ROWS = "#batch-view tbody tr"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty pictures, one that is none, and something else."""
    path = tmp_path_factory.mktemp("archive") / "garden.zip"
    with zipfile.ZipFile(path, "w") as file:
        for number in range(60):
            data = io.BytesIO()
            Image.new("RGB", (160, 120), (number * 4, 80, 80)).save(data, "PNG")
            file.writestr(f"bed {number // 20}/{number:02}.png", data.getvalue())
        file.writestr("<img src=x>.png", "not a picture")
        file.writestr("notes.txt", "hello")
    return path


def open_batch(visit: Visit) -> None:
    visit.open_tab("Batch")
    visit.page.locator("#batch-view .batch").wait_for()


def run(visit: Visit, words: str, *files: Path) -> None:
    page = visit.page
    page.set_input_files("#batch-files input[type=file]", [str(file) for file in files])
    page.locator("#batch-files .file-preview, #batch-files table").first.wait_for()
    page.fill("#batch-words textarea", words)
    page.click("#batch-begin")


def wait_for(visit: Visit, state: str) -> None:
    visit.page.locator(STATE, has_text=state).wait_for()


def test_a_zip_is_run_and_looked_through_and_taken_along(
    browser: Browser, address: str, archive: Path
) -> None:
    with visit_page(browser, address, viewport=LAPTOP) as visit:
        page = visit.page
        open_batch(visit)
        assert page.locator("#batch-view .batch-empty").is_visible()
        assert page.locator("#batch-board .drop").is_hidden()
        assert "500 images of 20 MB" in page.locator("#batch-limits").inner_text()
        page.click("#batch-begin")
        visit.wait_for_message("Add images")

        run(visit, "red circle", archive)
        wait_for(visit, "Finished")
        line = page.locator("#batch-view .batch-line").inner_text()
        assert "61 of 61 images · 1 failed · other files left out: 1" in line
        assert page.locator(ROWS).count() == 50

        page.click("#batch-view [data-show=failures]")
        failed = page.locator(ROWS)
        assert failed.count() == 1
        assert "<img src=x>.png" in failed.inner_text()
        failed.locator("button").focus()
        page.keyboard.press("Enter")
        page.locator("#batch-answer .answer-problem", has_text="not a supported image").wait_for()

        page.click("#batch-view [data-show=rows]")
        page.locator(f"{ROWS} button", has_text="bed 2/45.png").click()
        (box,) = visit.boxes("batch-board")
        # The model sees the picture padded to a square, of which an eighth is above it.
        assert (box.x1, box.y1) == pytest.approx((0.1, (0.2 - 0.125) / 0.75), abs=0.01)
        assert page.locator("#batch-board img").get_attribute("alt") == "bed 2/45.png"

        assert page.locator(f"{ROWS} .thumb rect").count() >= 49
        assert "red circle (1)" in page.locator(ROWS).last.inner_text()

        for form in ("yolo", "voc", "crops"):
            with page.expect_download() as saved:
                page.click(f"#batch-view [data-form={form}]")
            assert saved.value.suggested_filename == f"garden-{form}.zip"
            with zipfile.ZipFile(saved.value.path()) as file:
                assert len(file.namelist()) >= 60, form
        with page.expect_download() as saved:
            page.click("#batch-view [data-form=coco]")
        assert saved.value.suggested_filename == "garden-coco.json"
        coco = json.loads(Path(saved.value.path()).read_text())
        assert len(coco["images"]) == len(coco["annotations"]) == 60

        with visit_page(browser, address, viewport=PHONE) as other:
            open_batch(other)
            assert other.page.locator("#batch-view .batch-empty").is_visible()
            code = page.locator("#batch-view .batch-code").inner_text().split()[-1]
            other.page.locator("#batch-earlier button").first.click()
            other.page.fill("#batch-code input, #batch-code textarea", code)
            other.page.click("#batch-show")
            other.wait_for_message("no batch")
            assert other.page.locator(ROWS).count() == 0
            assert other.sideways() <= 0


def test_a_batch_is_paused_outlives_its_page_and_is_found_again(
    browser: Browser, address: str, archive: Path, engine: ScriptedEngine
) -> None:
    asked = len(engine.prompts)
    engine.pause_s = 0.1
    with visit_page(browser, address) as visit:
        page = visit.page
        open_batch(visit)
        run(visit, "red circle", archive)
        wait_for(visit, "Running")
        page.locator(ROWS).first.wait_for()
        page.click("#batch-view [data-do=pause]")
        wait_for(visit, "Paused")
        assert 0 < page.locator(ROWS).count() < 50
        page.click("#batch-view [data-do=play]")
        wait_for(visit, "Running")
        cookies = page.context.storage_state()
    before = len(engine.prompts)
    wait_until(lambda: len(engine.prompts) > before + 4)  # it goes on
    engine.pause_s = 1.0  # and will not be done before somebody looks

    with visit_page(browser, address, storage_state=cookies) as visit:
        open_batch(visit)
        wait_for(visit, "Running")
        assert "garden.zip" in visit.page.locator("#batch-view .batch-title").inner_text()
        visit.page.click("#batch-view [data-do=stop]")
        wait_for(visit, "Stopped")
        engine.pause_s = 0.002
        visit.page.click("#batch-view [data-do=play]")
        wait_for(visit, "Finished")
        assert "61 of 61" in visit.page.locator("#batch-view .batch-line").inner_text()
    # Those that Stop gave up were asked about twice, and no others.
    assert 60 <= len(engine.prompts) - asked <= 64
