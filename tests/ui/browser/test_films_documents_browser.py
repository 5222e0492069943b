"""Films, documents and several pictures in a real browser: dropped, asked about, gone through."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw
from support import scripted
from support.browser import Visit, wait_until
from support.pdf_files import write_pdf
from support.scripted import ScriptedEngine

from vlm_demo.media.film_writing import write_film

if TYPE_CHECKING:
    from playwright.sync_api import Locator


@pytest.fixture(scope="module")
def engine() -> ScriptedEngine:
    return ScriptedEngine(
        {
            "When": "It begins at 0:02.",
            "report": "See page 3.",
            **scripted.ANSWERS,
        }
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    frames = [Image.new("RGB", (160, 120), (250, 250, 12 * number)) for number in range(20)]
    write_film(folder / "film.mp4", frames, 4)
    (folder / "report.pdf").write_bytes(write_pdf(4))
    (folder / "locked.pdf").write_bytes(write_pdf(2, is_encrypted=True))
    (folder / "damaged.pdf").write_bytes(write_pdf(4)[:200])
    (folder / "text.mp4").write_text("This is a text. " * 20)
    pages = [Image.new("RGB", (80, 60), colour) for colour in ("white", "grey", "black")]
    pages[0].save(folder / "pages.tiff", save_all=True, append_images=pages[1:])
    for number in range(3):
        picture = Image.new("RGB", (160, 120), "white")
        ImageDraw.Draw(picture).rectangle((0, 0, 40 * (number + 1), 120), "blue")
        picture.save(folder / f"{number}.png")
    return folder


def show(visit: Visit, *paths: Path) -> Locator:
    """Give files to a new conversation; return what stands on the strip."""
    new = visit.page.locator("#studio-new")
    if new.is_visible():
        new.click()
    visit.page.set_input_files("#studio-upload input[type=file]", [str(path) for path in paths])
    return visit.page.locator(".picture-strip .strip-row > li")


def wait_for_place(visit: Visit, words: str) -> None:
    visit.page.locator(".strip-head .place", has_text=words).wait_for()


def test_a_film_is_searched_played_gone_through_and_downloaded(visit: Visit, files: Path) -> None:
    page = visit.page
    frames = show(visit, files / "film.mp4")
    wait_until(lambda: frames.count() == 20, 30)
    visit.choose_task("find")
    turn = visit.ask("red circle, zebra")
    assert visit.layers() == {"red circle 1": 1, "zebra": 0}
    assert "zebra not found" in " ".join(turn.inner_text().split())
    page.click("[data-act=play]")
    page.locator("#studio-canvas video").wait_for(state="attached")
    page.wait_for_function("document.querySelector('#studio-canvas video')?.currentTime > 0.3")
    label = "[...document.querySelectorAll('#studio-canvas .label')].some(one => one.textContent"
    label += ".includes('red circle 1') && one.checkVisibility({ visibilityProperty: true }))"
    page.wait_for_function(label)
    page.click("[data-act=play]")
    slider = page.get_by_role("slider", name="Time in the video")
    slider.press("End")
    wait_for_place(visit, "Frame 20 of 20, 0:04.8")
    assert visit.layers()["red circle 1"] == 1
    slider.press("Home")
    slider.press("ArrowRight")
    wait_for_place(visit, "Frame 2 of 20, 0:00.3")
    assert slider.get_attribute("aria-valuetext") == "0:00.3"
    with page.expect_download() as film:
        turn.locator("[data-act=download]").click()
    assert film.value.suggested_filename.startswith("film-boxes.")
    for form in ("coco", "mot", "csv"):
        turn.locator("[data-act=more]").click()
        page.locator(".menu:popover-open").get_by_text("Download as…").click()
        with page.expect_download() as table:
            page.locator(f".menu:popover-open [data-format={form}]").click()
        assert Path(table.value.path()).stat().st_size > 100
    visit.choose_task("ask")
    visit.ask("When does it begin?", turns=2).get_by_role("button", name="0:02", exact=True).click()
    wait_for_place(visit, "Frame 9 of 20, 0:02")


def test_pages_and_pictures_are_shown_by_citations_in_an_order_of_ones_own(
    visit: Visit, files: Path
) -> None:
    page = visit.page
    pages = show(visit, files / "report.pdf")
    wait_until(lambda: pages.count() == 4, 30)
    visit.ask("report").get_by_role("button", name="page 3").click()
    wait_for_place(visit, "Page 3 of 4")
    page.get_by_role("button", name="Select all").click()
    visit.ask("report", turns=5)
    places = page.locator("#conversation .reply").all_inner_texts()
    assert [f"Page {number}\n{number} of 4" in text for number, text in enumerate(places)] == [
        *(False, True, True, True, True)
    ]
    pages = show(visit, files / "pages.tiff")
    wait_until(lambda: pages.count() == 3, 30)
    pictures = show(visit, *(files / f"{number}.png" for number in range(3)))
    wait_until(lambda: pictures.count() == 3, 30)
    first, last = (pictures.nth(at).bounding_box() for at in (0, 2))
    assert first and last
    page.mouse.move(first["x"] + 30, first["y"] + 20)
    page.mouse.down()
    page.mouse.move(last["x"] + last["width"] - 4, last["y"] + 20, steps=8)
    page.mouse.up()
    names = [one.get_attribute("title") for one in page.locator(".thumbnail").all()]
    assert names == ["1.png", "2.png", "0.png"]
    refused = {
        "text.mp4": "not a supported video",
        "locked.pdf": "is encrypted",
        "damaged.pdf": "is damaged",
    }
    for name, words in refused.items():
        show(visit, files / name)
        page.locator(".stage-message", has_text=words).wait_for()
