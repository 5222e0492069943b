"""The canvas in a real browser: regions marked on a picture, places shown on it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from support.browser import PHONE, Visit, visit_page, wait_until
from support.scripted import ScriptedEngine

from vlm_demo.ui.components import image_input
from vlm_demo.ui.components.canvas.canvas_values import read_regions
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.values import Box, Point, Polygon, Region, bounding_box

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page


CANVAS = "#locate-picture"
RED = Box(0.3, 0.55, 0.62, 0.8)
"""Where the large picture is red."""

Spot = tuple[float, float]


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4000 x 3000 in the file, upright 3000 x 4000 by its EXIF orientation; red in one place."""
    upright = Image.new("RGB", (3000, 4000), "white")
    x1, y1, x2, y2 = RED.to_pixels(upright.size)
    ImageDraw.Draw(upright).rectangle((x1, y1, x2 - 1, y2 - 1), fill="red")
    path = tmp_path_factory.mktemp("pictures") / "photograph.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to see it upright
    upright.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif, quality=90)
    with Image.open(path) as stored:
        assert stored.size == (4000, 3000)
    return path


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Region, ...]]:
    """What the server has read from the events of browsers."""
    kept: list[tuple[Region, ...]] = []

    def read(value: object, picture: UploadedImage | None) -> tuple[Region, ...]:
        kept.append(read_regions(value, picture))
        return kept[-1]

    monkeypatch.setattr(image_input, "read_regions", read)
    return kept


def come(visit: Visit, picture: Path) -> None:
    visit.open_tab("Locate")
    visit.upload("locate-picture", picture)
    shown = visit.page.locator(f"{CANVAS} .sheet img")
    shown.wait_for()
    wait_until(lambda: shown.evaluate("image => image.complete && image.naturalWidth > 0"))


def on_screen(page: Page, spot: Spot) -> Spot:
    """Where a spot of the picture (fractions) is in the browser's window."""
    sheet = page.locator(f"{CANVAS} .sheet").bounding_box()
    assert sheet
    return sheet["x"] + spot[0] * sheet["width"], sheet["y"] + spot[1] * sheet["height"]


def drag(page: Page, start: Spot, end: Spot, *, window: bool = False) -> None:
    """Drag from one spot of the picture to another, or of the window."""
    page.mouse.move(*(start if window else on_screen(page, start)))
    page.mouse.down()
    page.mouse.move(*(end if window else on_screen(page, end)), steps=4)
    page.mouse.up()


def red_in_window(page: Page) -> tuple[Spot, Spot]:
    """The corners in the window of what is red on the canvas, found in a picture of it."""
    stage = page.locator(f"{CANVAS} .stage")
    seen = np.asarray(Image.open(io.BytesIO(stage.screenshot())).convert("RGB")).astype(int)
    frame = stage.bounding_box()  # now that it has been scrolled to
    assert frame
    red = (seen[..., 0] > 200) & (seen[..., 1] < 60) & (seen[..., 2] < 60)
    rows, columns = np.nonzero(red)
    across, down = frame["width"] / seen.shape[1], frame["height"] / seen.shape[0]
    return (
        (frame["x"] + columns.min() * across, frame["y"] + rows.min() * down),
        (frame["x"] + (columns.max() + 1) * across, frame["y"] + (rows.max() + 1) * down),
    )


def newest(received: list[tuple[Region, ...]], count: int) -> tuple[Region, ...]:
    """The newest regions, when there are so many."""
    wait_until(lambda: bool(received) and len(received[-1]) == count)
    return received[-1]


ZOOMS = {
    # Zooming a window of 1280 x 800 out to 50 % doubles its width in CSS pixels.
    "50 %": {"viewport": {"width": 2560, "height": 1600}, "device_scale_factor": 0.5},
    "200 %": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
    "phone": {"viewport": PHONE, "device_scale_factor": 3, "has_touch": True, "is_mobile": True},
}


@pytest.mark.parametrize("zoom", ZOOMS)
def test_a_box_arrives_where_it_was_drawn(
    browser: Browser,
    address: str,
    photograph: Path,
    received: list[tuple[Region, ...]],
    zoom: str,
) -> None:
    with visit_page(browser, address, **ZOOMS[zoom]) as visit:
        page = visit.page
        come(visit, photograph)
        if zoom == "phone":
            touch_drag(page, *red_in_window(page))
        else:
            drag(page, *red_in_window(page), window=True)
        (box,) = newest(received, 1)
        assert isinstance(box, Box)
        assert (box.x1, box.y1, box.x2, box.y2) == pytest.approx(
            (RED.x1, RED.y1, RED.x2, RED.y2), abs=0.01
        )


def touch_drag(page: Page, start: Spot, end: Spot) -> None:
    """Drag with a finger; Playwright itself can only tap."""
    session = page.context.new_cdp_session(page)
    for kind, spots in (
        ("touchStart", [start]),
        ("touchMove", [tuple((a + b) / 2 for a, b in zip(start, end, strict=True))]),
        ("touchMove", [end]),
        ("touchEnd", []),
    ):
        points = [{"x": x, "y": y} for x, y in spots]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_regions_of_every_kind_are_marked_moved_resized_and_described(
    visit: Visit,
    engine: ScriptedEngine,
    circle: Path,
    received: list[tuple[Region, ...]],
) -> None:
    page = visit.page
    come(visit, circle)
    assert page.locator("#describe-run").is_hidden()
    drag(page, (0.1, 0.1), (0.4, 0.5))
    drag(page, (0.9, 0.9), (0.6, 0.6))  # from any corner
    page.locator(f"{CANVAS} [data-tool=point]").click()
    page.mouse.click(*on_screen(page, (0.7, 0.2)))
    page.locator(f"{CANVAS} [data-tool=scribble]").click()
    page.mouse.move(*on_screen(page, (0.1, 0.7)))
    page.mouse.down()
    for spot in ((0.3, 0.7), (0.3, 0.9), (0.1, 0.9)):
        page.mouse.move(*on_screen(page, spot), steps=3)
    page.mouse.up()
    first, second, point, scribble = newest(received, 4)
    assert first == near(Box(0.1, 0.1, 0.4, 0.5))
    assert second == near(Box(0.6, 0.6, 0.9, 0.9))
    assert isinstance(point, Point)
    assert (point.x, point.y) == pytest.approx((0.7, 0.2), abs=0.005)
    assert isinstance(scribble, Polygon)
    assert bounding_box(scribble) == near(Box(0.1, 0.7, 0.3, 0.9))
    assert page.locator(f"{CANVAS} .tag .number").all_inner_texts() == ["1", "2", "3", "4"]

    page.locator(f"{CANVAS} [data-tool=box]").click()
    drag(page, (0.1, 0.3), (0.15, 0.35))  # by its edge
    drag(page, (0.45, 0.55), (0.5, 0.45))  # by its lower right corner
    wait_until(lambda: received[-1][0] == near(Box(0.15, 0.15, 0.5, 0.45)))

    page.locator(f"{CANVAS} .tag .number").nth(2).focus()
    page.keyboard.press("Delete")
    page.locator(f"{CANVAS} .tag .number").last.focus()
    page.locator(f"{CANVAS} .tag.selected .delete").click()
    assert newest(received, 2)[1] == near(Box(0.6, 0.6, 0.9, 0.9))
    page.locator("#describe-run", has_text="Describe the regions together").click()
    page.locator("#locate-description", has_text="one region at a time, and there are 2").wait_for()
    assert page.locator(f"{CANVAS} .tag").count() == 2
    page.locator(f"{CANVAS} .tag .number").last.focus()
    page.keyboard.press("Delete")
    newest(received, 1)
    page.locator("#describe-run", has_text="Describe the region").filter(visible=True).click()
    page.locator("#locate-description", has_text="A blue square.").wait_for()
    # The picture is 4:3; padded to a square, heights shrink to 3/4 and begin at 1/8.
    assert "[0.15, 0.24, 0.50, 0.46]" in engine.prompts[-1].messages[-1].text

    page.locator(f"{CANVAS} .clear-regions").click()
    newest(received, 0)
    page.locator("#describe-run").wait_for(state="hidden")


def near(box: Box) -> Any:
    """A box within a two-hundredth of the side."""

    class Near:
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Box) and (
                (other.x1, other.y1, other.x2, other.y2)
                == pytest.approx((box.x1, box.y1, box.x2, box.y2), abs=0.005)
            )

        def __repr__(self) -> str:
            return f"near {box}"

    return Near()


def test_regions_are_marked_by_keyboard_and_typed(
    visit: Visit, circle: Path, received: list[tuple[Region, ...]]
) -> None:
    page = visit.page
    come(visit, circle)
    page.locator(f"{CANVAS} .stage").focus()
    page.keyboard.press("Enter")
    assert newest(received, 1) == (Box(0.3, 0.3, 0.7, 0.7),)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    wait_until(lambda: received[-1] == (near(Box(0.29, 0.3, 0.69, 0.71)),))
    said = page.locator(f"{CANVAS} .said")
    assert said.inner_text() == "Region 1: box from 232, 180 to 552, 426"
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    newest(received, 2)
    assert page.evaluate("document.activeElement.ariaLabel").startswith("Region 2: box from 240")
    page.keyboard.press("Backspace")
    newest(received, 1)
    assert said.inner_text() == "Region 2 deleted."

    page.locator(f"{CANVAS} .coordinates summary").click()
    cells = page.locator(f"{CANVAS} .coordinates input:visible")
    page.locator(f"{CANVAS} .add-point").click()
    assert cells.count() == 6
    for index, pixels in ((4, "80"), (5, "600"), (0, "100"), (1, "50"), (2, "160"), (3, "140")):
        cells.nth(index).fill(pixels)
        cells.nth(index).press("Tab")
    box, point = Box(100 / 800, 50 / 600, 160 / 800, 140 / 600), Point(0.1, 1.0)
    wait_until(lambda: received[-1] == (box, point))

    trouble, known = page.locator(f"{CANVAS} .trouble"), len(received)
    for value, words in (("900", "800 × 600"), ("100", "no area"), ("", "enter a number")):
        cells.nth(2).fill(value)
        cells.nth(2).press("Tab")
        trouble.filter(has_text=words).wait_for()
        assert cells.nth(2).input_value() == value
    assert len(received) == known
    cells.nth(2).fill("180")
    cells.nth(2).press("Tab")
    trouble.wait_for(state="hidden")
    wait_until(lambda: received[-1][0] == Box(100 / 800, 50 / 600, 180 / 800, 140 / 600))


def test_regions_go_with_their_picture(
    visit: Visit, circle: Path, photograph: Path, received: list[tuple[Region, ...]]
) -> None:
    page = visit.page
    come(visit, circle)
    drag(page, (0.1, 0.1), (0.4, 0.5))
    newest(received, 1)
    page.locator("#describe-run").wait_for()
    come(visit, photograph)
    page.locator("#describe-run").wait_for(state="hidden")
    assert page.locator(f"{CANVAS} .tag").count() == 0


def test_one_looks_closely_at_all_pixels_and_marks_there(
    visit: Visit, photograph: Path, received: list[tuple[Region, ...]]
) -> None:
    page = visit.page
    come(visit, photograph)
    image = page.locator(f"{CANVAS} .sheet img")
    assert max(image.evaluate("image => [image.naturalWidth, image.naturalHeight]")) == 2048
    page.mouse.move(*on_screen(page, (0.45, 0.7)))
    page.keyboard.down("Control")
    for _ in range(4):
        page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    wait_until(lambda: image.evaluate("image => image.naturalWidth") == 3000)
    drag(page, (0.42, 0.65), (0.48, 0.72))
    assert newest(received, 1) == (near(Box(0.42, 0.65, 0.48, 0.72)),)

    before = on_screen(page, (0.5, 0.7))
    page.keyboard.down("Space")
    page.mouse.move(*before)
    page.mouse.down()
    page.mouse.move(before[0] - 30, before[1] - 20, steps=3)
    page.mouse.up()
    page.keyboard.up("Space")
    assert on_screen(page, (0.5, 0.7)) == pytest.approx((before[0] - 30, before[1] - 20), abs=1)
    assert len(received[-1]) == 1


MANY = ", ".join(
    f"a thing number {n} [{x / 10:.2f}, {y / 10:.2f}, {x / 10 + 0.12:.2f}, {y / 10 + 0.08:.2f}]"
    for n, (x, y) in enumerate((x, y) for y in range(2, 8) for x in range(8))
)


def test_places_that_stream_in_are_drawn_once_and_labels_keep_apart(
    visit: Visit,
    engine: ScriptedEngine,
    circle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "answers", {"coordinate of the region": MANY})
    monkeypatch.setattr(engine, "pause_s", 0.01)
    page = visit.page
    pictures: list[str] = []
    page.on("request", lambda asked: pictures.append(asked.url) if ".png" in asked.url else None)
    come(visit, circle)
    page.fill("#locate-words textarea, #locate-words input", "things")
    page.click("#locate-run")
    first = page.locator(f"{CANVAS} .chip").first
    first.focus()
    page.evaluate(f"document.querySelector('{CANVAS} rect.box').first = true")
    page.locator("#locate-answer .answer-note", has_text="Found 48 places").wait_for()
    assert page.locator(f"{CANVAS} rect.box").count() == 48
    assert page.evaluate(f"document.querySelector('{CANVAS} rect.box').first") is True
    assert first.evaluate("chip => chip === document.activeElement")
    src = page.locator(f"{CANVAS} .sheet img").evaluate("image => image.src")
    assert pictures.count(src) == 1  # however many pieces the answer came in

    labels = [box for box in boxes_of(page.locator(f"{CANVAS} .label:not(.dot)")) if box.area > 0]
    assert len(labels) > 30
    overlaps = [(a, b) for i, a in enumerate(labels) for b in labels[:i] if overlap(a, b)]
    assert overlaps == []
    assert page.locator(f"{CANVAS} .label.number").count() > 5
    dashes = page.locator(f"{CANVAS} rect.box").evaluate_all(
        "all => all.map((one) => one.style.strokeDasharray)"
    )
    assert dashes[0] == ""
    assert len(set(dashes)) == 4

    page.locator(f"{CANVAS} .as-table summary").click()
    row = page.locator(f"{CANVAS} .as-table tbody tr").nth(1)
    # Padded to a square, the picture's height of 600 pixels begins 100 pixels down.
    texts = row.locator("th, td").all_inner_texts()
    assert texts == ["a thing number 1", "80", "60", "176", "124", ""]


def boxes_of(found: Locator) -> list[Box]:
    frames = found.evaluate_all(
        "all => all.map((one) => { const f = one.getBoundingClientRect();"
        " return [f.left, f.top, f.right, f.bottom]; })"
    )
    return [Box(*frame) for frame in frames]


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes overlap by more than a rounding error."""
    return min(a.x2, b.x2) - max(a.x1, b.x1) > 1 and min(a.y2, b.y2) - max(a.y1, b.y1) > 1


def test_words_and_places_light_each_other_up(
    visit: Visit,
    engine: ScriptedEngine,
    circle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long = "w" * 190
    answer = (
        "A red circle [0.10, 0.20, 0.40, 0.60], <b>bold</b> [0.50, 0.50, 0.80, 0.70], "
        f"دائرة 🦊 [0.60, 0.20, 0.90, 0.40], {long} [0.10, 0.65, 0.30, 0.80]."
    )
    monkeypatch.setattr(engine, "answers", {"coordinate of the region": answer})
    page = visit.page
    come(visit, circle)
    page.evaluate(
        """() => { window.told = []; document.addEventListener('vlm-mention', ({ detail }) =>
          told.push([detail.canvas, detail.index, detail.on, detail.from])); }"""
    )
    page.fill("#locate-words textarea, #locate-words input", "things")
    page.click("#locate-run")
    page.locator("#locate-answer .answer-note", has_text="Found 4 places").wait_for()
    page.locator(f"{CANVAS} [data-tool=box]").click()  # put the tool away

    page.mouse.move(*on_screen(page, (0.25, 0.3)))
    hot = page.locator(f"{CANVAS} .hot")
    assert hot.count() == 3  # the box, its label and its chip
    page.mouse.move(*on_screen(page, (0.97, 0.97)))
    assert hot.count() == 0
    canvas = "locate-picture"
    assert page.evaluate("told") == [[canvas, 0, True, "canvas"], [canvas, 0, False, "canvas"]]
    page.mouse.click(*on_screen(page, (0.7, 0.6)))
    page.mouse.move(5, 5)
    assert page.locator(f"{CANVAS} .chip.hot").inner_text() == "<b>bold</b>"
    page.evaluate(
        """() => document.dispatchEvent(new CustomEvent('vlm-mention',
          { detail: { canvas: 'locate-picture', index: 2, on: true, from: 'words' } }))"""
    )
    assert page.locator(f"{CANVAS} .chip.hot").inner_text() == "دائرة 🦊"

    chip = page.locator(f"{CANVAS} .chip").last
    assert len(chip.inner_text()) == 40
    assert chip.get_attribute("title") == long
    assert page.locator(f"{CANVAS} .label b").count() == 0


def test_pictures_of_any_shape_are_marked_exactly(
    visit: Visit, tmp_path: Path, received: list[tuple[Region, ...]]
) -> None:
    page = visit.page
    for number, size in enumerate([(2000, 20), (20, 2000), (3, 3)]):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", size, "teal").save(path)
        come(visit, path)
        assert visit.sideways() <= 0
        for _ in range(6):
            page.locator(f"{CANVAS} .in").click()
        (stage,) = boxes_of(page.locator(f"{CANVAS} .stage"))
        (sheet,) = boxes_of(page.locator(f"{CANVAS} .sheet"))
        left, top = max(stage.x1, sheet.x1), max(stage.y1, sheet.y1)
        across, down = min(stage.x2, sheet.x2) - left, min(stage.y2, sheet.y2) - top
        start, end = (
            (left + across * 0.2, top + down * 0.2),
            (left + across * 0.8, top + down * 0.8),
        )
        drag(page, start, end, window=True)
        (box,) = newest(received, 1)
        assert isinstance(box, Box)
        assert (box.x1, box.y2) == pytest.approx(
            (
                (start[0] - sheet.x1) / (sheet.x2 - sheet.x1),
                (end[1] - sheet.y1) / (sheet.y2 - sheet.y1),
            ),
            abs=0.005,
        )
        received.clear()
