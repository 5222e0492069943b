"""Studio's picture in a real browser: regions marked on it, what was found shown on it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from support.browser import PHONE, Visit, visit_page, wait_until
from support.scripted import ScriptedEngine

from vlm_demo.values import Box

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

CANVAS = "#studio-canvas"
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


def add(page: Page, *pictures: Path) -> None:
    """Add pictures, of which the last is shown, and wait until it is seen."""
    page.set_input_files("#studio-upload input[type=file]", list(map(str, pictures)))
    shown = page.locator(f"{CANVAS} .sheet img")
    shown.wait_for()
    wait_until(lambda: shown.evaluate("image => image.complete && image.naturalWidth > 0"))


def ask(page: Page, words: str, task: str = "chat") -> None:
    """Ask, and wait for the whole answer."""
    before = page.locator("#conversation [data-turn]").count()
    page.locator("#studio-task").click()
    page.locator(f"[data-task={task}]").click()
    if words:
        page.fill("#studio-composer", words)
    page.press("#studio-composer", "Enter")
    page.locator("#conversation [data-turn][data-state=done]").nth(before).wait_for()


def use_tool(page: Page, name: str) -> None:
    page.locator(f"{CANVAS} .menu-button").click()
    page.locator(f"{CANVAS} .menu:popover-open [data-tool={name}]").click()


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


def red_in_window(page: Page) -> tuple[Spot, Spot]:
    """The corners in the window of what is red on the canvas, found in a picture of it."""
    stage = page.locator(f"{CANVAS} .stage")
    seen = np.asarray(Image.open(io.BytesIO(stage.screenshot())).convert("RGB")).astype(int)
    frame = stage.bounding_box()
    assert frame
    red = (seen[..., 0] > 200) & (seen[..., 1] < 60) & (seen[..., 2] < 60)
    rows, columns = np.nonzero(red)
    across, down = frame["width"] / seen.shape[1], frame["height"] / seen.shape[0]
    return (
        (frame["x"] + columns.min() * across, frame["y"] + rows.min() * down),
        (frame["x"] + (columns.max() + 1) * across, frame["y"] + (rows.max() + 1) * down),
    )


def marked(page: Page) -> list[tuple[float, ...]]:
    """The boxes and points that are marked, in fractions of the picture."""
    found = page.locator(f"{CANVAS} .regions .region").evaluate_all(
        """groups => groups.map((group) => {
          const read = (node, names) => names.map((n) => parseFloat(node.getAttribute(n)) / 100);
          const box = group.querySelector(".box"), point = group.querySelector(".point");
          if (point) return read(point, ["cx", "cy"]);
          if (!box) return [];
          const [x, y, width, height] = read(box, ["x", "y", "width", "height"]);
          return [x, y, x + width, y + height];
        })"""
    )
    return [tuple(numbers) for numbers in found]


def near(*numbers: float) -> Any:
    """These numbers within a two-hundredth of the side."""
    return pytest.approx(numbers, abs=0.005)


ZOOMS = {
    # Zooming a window of 1280 x 800 out to 50 % doubles its width in CSS pixels.
    "50 %": {"viewport": {"width": 2560, "height": 1600}, "device_scale_factor": 0.5},
    "200 %": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
    "phone": {"viewport": PHONE, "device_scale_factor": 3, "has_touch": True, "is_mobile": True},
}


@pytest.mark.parametrize("zoom", ZOOMS)
def test_a_box_is_where_it_was_drawn(
    browser: Browser, address: str, photograph: Path, zoom: str
) -> None:
    with visit_page(browser, address, **ZOOMS[zoom]) as visit:
        page = visit.page
        add(page, photograph)
        if zoom == "phone":
            touch_drag(page, *red_in_window(page))
        else:
            drag(page, *red_in_window(page), window=True)
        (box,) = marked(page)
        assert box == pytest.approx((RED.x1, RED.y1, RED.x2, RED.y2), abs=0.02)


def test_regions_are_marked_moved_resized_undone_and_asked_about(
    visit: Visit, engine: ScriptedEngine, circle: Path
) -> None:
    page = visit.page
    add(page, circle)
    drag(page, (0.1, 0.1), (0.4, 0.5))
    drag(page, (0.9, 0.9), (0.6, 0.6))  # from any corner
    page.keyboard.press("p")
    page.mouse.click(*on_screen(page, (0.7, 0.2)))
    page.keyboard.press("s")
    page.mouse.move(*on_screen(page, (0.1, 0.7)))
    page.mouse.down()
    for spot in ((0.3, 0.7), (0.3, 0.9), (0.1, 0.9)):
        page.mouse.move(*on_screen(page, spot), steps=3)
    page.mouse.up()
    boxes = [near(0.1, 0.1, 0.4, 0.5), near(0.6, 0.6, 0.9, 0.9), near(0.7, 0.2), ()]
    assert marked(page) == boxes
    assert page.locator(f"{CANVAS} .tag .number").all_inner_texts() == ["1", "2", "3", "4"]

    page.keyboard.press("b")
    drag(page, (0.1, 0.3), (0.15, 0.35))  # by its edge
    drag(page, (0.45, 0.55), (0.5, 0.45))  # by its lower right corner
    assert marked(page)[0] == near(0.15, 0.15, 0.5, 0.45)
    page.keyboard.press("Control+z")
    assert marked(page)[0] == near(0.15, 0.15, 0.45, 0.55)
    page.locator(f"{CANVAS} .tool.undo").click()
    assert marked(page) == boxes
    drag(page, (0.6, 0.75), (0.2, -0.8))  # off the picture
    assert marked(page)[1] == near(0.2, 0, 0.5, 0.3)

    for _ in range(3):
        page.keyboard.press("Delete")
    page.fill("#studio-composer", "bps")  # no hot keys
    assert len(marked(page)) == 1
    page.fill("#studio-composer", "")
    ask(page, "", "describe")
    # The picture is 4:3; padded to a square, heights shrink to 3/4 and begin at 1/8.
    assert "[0.10, 0.20, 0.40, 0.50]" in engine.prompts[-1].messages[-1].text


def test_regions_are_marked_by_keyboard_and_typed(visit: Visit, circle: Path) -> None:
    page = visit.page
    add(page, circle)
    page.locator(f"{CANVAS} .stage").focus()
    page.keyboard.press("Enter")
    assert marked(page) == [near(0.3, 0.3, 0.7, 0.7)]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    assert marked(page) == [near(0.29, 0.3, 0.69, 0.71)]
    said = page.locator(f"{CANVAS} .said")
    assert said.inner_text() == "Region 1: box from 232, 180 to 552, 426"
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    assert page.evaluate("document.activeElement.ariaLabel").startswith("Region 2: box from 240")
    page.keyboard.press("Backspace")
    assert said.inner_text() == "Region 2 deleted."

    use_tool(page, "table")
    cells = page.locator(f"{CANVAS} .coordinates input:visible")
    page.get_by_role("button", name="Add a point").click()
    wait_until(lambda: cells.count() == 6)
    for index, pixels in ((4, "80"), (5, "600"), (0, "100"), (1, "50"), (2, "160"), (3, "140")):
        cells.nth(index).fill(pixels)
        cells.nth(index).press("Tab")
    assert marked(page) == [near(100 / 800, 50 / 600, 160 / 800, 140 / 600), near(0.1, 1)]

    trouble = page.locator(f"{CANVAS} .trouble")
    for value, words in (("900", "800 × 600"), ("100", "no area"), ("", "Enter a number")):
        cells.nth(2).fill(value)
        cells.nth(2).press("Tab")
        trouble.filter(has_text=words).wait_for()
        assert cells.nth(2).input_value() == value
    assert marked(page)[0] == near(100 / 800, 50 / 600, 160 / 800, 140 / 600)


def test_one_looks_closely_at_all_pixels_and_marks_there(visit: Visit, photograph: Path) -> None:
    page = visit.page
    add(page, photograph)
    page.mouse.move(*on_screen(page, (0.45, 0.7)))
    for _ in range(5):
        page.mouse.wheel(0, -200)
    sheet = page.locator(f"{CANVAS} .sheet")
    image = page.locator(f"{CANVAS} .sheet img")
    wait_until(lambda: image.evaluate("image => image.naturalWidth") == 3000)
    assert sheet.evaluate("sheet => sheet.clientWidth") > 3000
    drag(page, (0.44, 0.69), (0.46, 0.71))
    assert marked(page) == [near(0.44, 0.69, 0.46, 0.71)]

    before = on_screen(page, (0.45, 0.7))
    page.keyboard.down("Space")
    page.mouse.move(*before)
    page.mouse.down()
    page.mouse.move(before[0] - 30, before[1] - 20, steps=3)
    page.mouse.up()
    page.keyboard.up("Space")
    assert on_screen(page, (0.45, 0.7)) == pytest.approx((before[0] - 30, before[1] - 20), abs=1)
    assert len(marked(page)) == 1
    page.locator(f"{CANVAS} .tool.fit").click()
    stage = page.locator(f"{CANVAS} .stage").bounding_box()
    whole = sheet.bounding_box()
    assert stage and whole
    assert whole["height"] == pytest.approx(stage["height"], abs=1)


MANY = ", ".join(
    f"a thing number {n} [{x / 10:.2f}, {y / 10:.2f}, {x / 10 + 0.12:.2f}, {y / 10 + 0.08:.2f}]"
    for n, (x, y) in enumerate((x, y) for y in range(2, 8) for x in range(8))
)


def test_regions_that_stream_in_are_drawn_once_and_labels_keep_apart(
    visit: Visit, engine: ScriptedEngine, circle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "answers", {"": MANY})
    monkeypatch.setattr(engine, "pause_s", 0.01)
    page = visit.page
    add(page, circle)
    page.fill("#studio-composer", "Where is everything?")
    page.press("#studio-composer", "Enter")
    page.locator(f"{CANVAS} .overlay rect.box").first.wait_for(state="attached")
    page.evaluate(f"document.querySelector('{CANVAS} .overlay rect.box').first = true")
    page.locator("#conversation [data-turn][data-state=done]").wait_for()
    boxes = page.locator(f"{CANVAS} .overlay rect.box")
    assert boxes.count() == 48
    assert page.evaluate(f"document.querySelector('{CANVAS} .overlay rect.box').first") is True

    shown = page.locator(f"{CANVAS} .label:not(.dot)")
    labels = [box for box in boxes_of(shown) if box.area > 0]
    assert len(labels) > 30
    assert [(a, b) for i, a in enumerate(labels) for b in labels[:i] if overlap(a, b)] == []
    dashes = boxes.evaluate_all("all => all.map((one) => one.style.strokeDasharray)")
    assert dashes[0] == ""
    assert len(set(dashes)) > 3

    use_tool(page, "table")
    row = page.locator(f"{CANVAS} .found tbody tr").nth(1)
    # Padded to a square, the picture's height of 600 pixels begins 100 pixels down.
    wait_until(
        lambda: (
            row.locator("th, td").all_inner_texts()
            == ["a thing number 1", "80", "60", "176", "124", ""]
        )
    )


def boxes_of(found: Locator) -> list[Box]:
    frames = found.evaluate_all(
        "all => all.map((one) => { const f = one.getBoundingClientRect();"
        " return [f.left, f.top, f.right, f.bottom]; })"
    )
    return [Box(*frame) for frame in frames]


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes overlap by more than a rounding error."""
    return min(a.x2, b.x2) - max(a.x1, b.x1) > 1 and min(a.y2, b.y2) - max(a.y1, b.y1) > 1


def test_layers_are_shown_hidden_looked_at_and_deleted(
    visit: Visit, engine: ScriptedEngine, circle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {
        "red circle": "[0.10, 0.20, 0.40, 0.60]",
        "zebra": "There is no zebra.",
        "star": "[0.50, 0.50, 0.80, 0.70] [0.60, 0.20, 0.90, 0.40]",
    }
    monkeypatch.setattr(engine, "answers", answers)
    page = visit.page
    add(page, circle)
    ask(page, "red circle, zebra", "find")
    layers = page.locator("#layers [data-layer]")
    counts = "all => all.map((one) => [one.dataset.layer, one.dataset.count])"
    assert layers.evaluate_all(counts) == [["red circle", "1"], ["zebra", "0"]]
    ask(page, "star", "find")  # adds to what is there
    assert layers.evaluate_all(counts)[-1] == ["star", "2"]
    boxes = page.locator(f"{CANVAS} .overlay rect.box")
    assert boxes.count() == 3
    assert len(set(boxes.evaluate_all("all => all.map((one) => one.getAttribute('stroke'))"))) == 2

    star = page.locator("#layers [data-layer=star]")
    star.locator(".name").hover()
    assert page.locator(f"{CANVAS} .mention.hot").count() == star.count()
    star.locator(".name").click()
    sheet = page.locator(f"{CANVAS} .sheet")
    first = sheet.get_attribute("style")
    page.keyboard.press("ArrowRight")
    assert sheet.get_attribute("style") != first  # the next of its boxes
    page.keyboard.press("Enter")  # its eye
    wait_until(lambda: boxes.count() == 1)
    assert star.locator(".eye").get_attribute("aria-pressed") == "false"
    page.keyboard.press("Delete")
    wait_until(lambda: layers.count() == 2)
    assert page.evaluate("document.activeElement.closest('[data-layer]').dataset.layer") == "zebra"


def test_pictures_of_any_shape_are_marked_exactly(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    for number, size in enumerate([(2000, 20), (20, 2000), (3, 3)]):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", size, "teal").save(path)
        add(page, path)
        page.locator(f"{CANVAS} .sheet img[alt*='{number}']").wait_for()
        assert visit.sideways() <= 0
        use_tool(page, "in")
        for _ in range(5):
            page.locator(f"{CANVAS} .tool.in").click()
        (stage,) = boxes_of(page.locator(f"{CANVAS} .stage"))
        (sheet,) = boxes_of(page.locator(f"{CANVAS} .sheet"))
        left, top = max(stage.x1, sheet.x1), max(stage.y1, sheet.y1)
        across, down = min(stage.x2, sheet.x2) - left, min(stage.y2, sheet.y2) - top
        start = (left + across * 0.2, top + down * 0.2)
        end = (left + across * 0.8, top + down * 0.8)
        drag(page, start, end, window=True)
        (box,) = marked(page)
        expected = [
            (start[0] - sheet.x1) / (sheet.x2 - sheet.x1),
            (end[1] - sheet.y1) / (sheet.y2 - sheet.y1),
        ]
        assert [box[0], box[3]] == pytest.approx(expected, abs=0.01)


def test_several_pictures_are_a_strip_to_choose_from(
    visit: Visit, circle: Path, tmp_path: Path
) -> None:
    page = visit.page
    others = []
    for colour in ("teal", "navy"):
        others.append(tmp_path / f"{colour}.png")
        Image.new("RGB", (60, 40), colour).save(others[-1])
    add(page, circle, *others)
    strip = page.locator(".picture-strip .thumbnail")
    wait_until(lambda: strip.count() == 3)
    names = "all => all.map((one) => one.title)"
    strip.nth(0).click()
    page.locator(f"{CANVAS} .sheet img[alt*=red]").wait_for()
    strip.nth(0).focus()
    page.keyboard.press("Alt+ArrowRight")
    wait_until(lambda: strip.evaluate_all(names) == ["teal.png", "red.png", "navy.png"])
    page.keyboard.press("Delete")
    wait_until(lambda: strip.evaluate_all(names) == ["teal.png", "navy.png"])


def test_an_example_is_reached_by_few_stops_and_asks_what_it_says(visit: Visit) -> None:
    page = visit.page
    page.locator("[data-example]").first.wait_for()
    caption = page.locator("[data-example] .caption").first.inner_text()
    page.evaluate("document.activeElement.blur()")
    page.locator("[data-example]").first.focus()
    page.keyboard.press("Enter")
    page.locator("#conversation [data-turn][data-state=done]").wait_for()
    assert caption in page.locator("#conversation [data-turn]").inner_text()
    assert page.locator("[data-example]").first.is_hidden()
