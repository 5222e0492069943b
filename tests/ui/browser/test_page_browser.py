"""The page in a real browser: what a person sees, clicks and reads."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw
from support import ROOT, scripted
from support.scripted import ScriptedEngine, served

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.ui.components.picture_input.pictures import Picture, take
from vlm_demo.values import Box, Prompt, TextChunk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

# Fixtures, which pytest finds by their names here.
engine, backend, address = scripted.engine, scripted.backend, scripted.address

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio"),
    pytest.mark.filterwarnings("ignore::UserWarning:gradio"),
]

BROWSERS = ("chromium-headless-shell", "chromium")
LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
README_PICTURE = ROOT / "assets" / "screenshot.png"
EXAMPLES = ROOT / "assets" / "examples"
in_each_look = pytest.mark.parametrize(
    ("name", "theme"),
    [("laptop", "light"), ("phone", "dark")]
    + ([("laptop", "dark"), ("phone", "light")] if "SCREENSHOTS" in os.environ else []),
)
"""Light or dark changes no width: all four looks are for those who want to see them."""
CIRCLE = Box(0.1, 0.1, 0.4, 0.5)  # of the picture that the tests draw


def missing(what: str) -> None:
    """Skip where the machine lacks something, or fail where everything must be tested."""
    if os.environ.get("VLM_DEMO_FULL_TESTS") == "1":
        pytest.fail(what)
    pytest.skip(what)


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


@pytest.fixture(scope="module")
def folder() -> Path:
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

    def upload(self, board: str, picture: Path) -> None:
        self.page.set_input_files(f"#{board} input[type=file]", str(picture))

    def say(self, words: str, picture: Path | None = None) -> None:
        if picture:
            self.page.set_input_files("#chat-box input[type=file]", str(picture))
            self.page.locator("#chat-box .thumbnail-item").first.wait_for()
        self.page.fill("#chat-box textarea", words)
        self.page.press("#chat-box textarea", "Enter")

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

    def boxes(self, board: str) -> list[Box]:
        rects = self.page.locator(f"#{board} .overlay rect.box")
        rects.first.wait_for(state="attached")
        return [
            _box(
                *(rects.nth(i).get_attribute(name) or "" for name in ("x", "y", "width", "height"))
            )
            for i in range(rects.count())
        ]

    def sideways(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def _box(x: str, y: str, width: str, height: str) -> Box:
    left, top, across, down = (float(number.rstrip("%")) / 100 for number in (x, y, width, height))
    return Box(left, top, left + across, top + down)


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    with _visiting(browser, address) as visit:
        yield visit


class _visiting:  # noqa: N801
    """Open the page; on leaving, nothing may have gone wrong behind its back."""

    def __init__(self, browser: Browser, address: str, query: str = "", **options: object) -> None:
        self.context = browser.new_context(**({"viewport": LAPTOP} | options))  # type: ignore[arg-type]
        self.visit = Visit(self.context.new_page(), address)
        self.query = query

    def __enter__(self) -> Visit:
        visit, page = self.visit, self.visit.page
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
                if request.url.startswith((visit.address, "data:", "blob:"))
                else visit.foreign.append(request.url)
            ),
        )
        page.goto(visit.address + self.query)
        page.locator("#chat-box textarea").wait_for()
        page.locator(".model-card .ready, .model-card .notice").first.wait_for()
        return visit

    def __exit__(self, error: object, *_: object) -> None:
        self.context.close()
        if error is None:
            assert self.visit.complaints == []
            assert self.visit.foreign == []


# With a model that says what the test wants


def test_a_conversation_is_stopped_retried_edited_undone_and_cleared(
    visit: Visit,
    engine: ScriptedEngine,
    circle: Path,
) -> None:
    page = visit.page
    visit.say("Where is it?", circle)
    visit.wait_for_answer("The red circle is here.")
    assert visit.boxes("chat-board")[0].iou(Box(0.1, 0.1, 0.4, 0.633)) > 0.95

    visit.say("one-sentence, please")
    visit.wait_for_answer("A red circle.")
    earlier = engine.prompts[-1].messages
    assert "[0.10, 0.20" in earlier[1].text  # the raw text, not what was shown

    page.get_by_label("Retry").last.click()
    page.wait_for_function(f"() => {len(engine.prompts)} >= 2")
    _until(lambda: len(engine.prompts) == 3)
    visit.wait_for_answer("A red circle.")

    page.get_by_label("Edit").last.click()
    page.locator("#chat textarea").fill("in detail & <b>boldly</b>")
    page.get_by_label("Submit").first.click()
    visit.wait_for_answer("The background is white.")
    assert engine.prompts[-1].messages[-1].text == "in detail & <b>boldly</b>"

    page.get_by_label("Undo").last.click()
    visit.answers.filter(has_text="background").wait_for(state="detached")
    _until(lambda: page.input_value("#chat-box textarea") == "in detail & <b>boldly</b>")

    page.get_by_label("Clear", exact=True).first.click()
    visit.answers.first.wait_for(state="detached")


def test_stop_ends_the_model_and_keeps_what_was_written(
    visit: Visit,
    engine: ScriptedEngine,
) -> None:
    visit.say("go on for ever")
    visit.answers.filter(has_text="word word").wait_for()
    visit.page.click("#chat-box .stop-button")
    _until(lambda: engine.running == 0)
    kept = visit.answers.last.inner_text()
    assert kept.startswith("word word")
    visit.say("one-sentence, please")
    visit.wait_for_answer("A red circle.")
    assert visit.answers.count() == 2


def test_what_is_typed_while_an_answer_is_written_stays(
    visit: Visit,
    engine: ScriptedEngine,
) -> None:
    visit.say("go on for ever")
    visit.answers.filter(has_text="word word").wait_for()
    visit.page.locator("#chat-box .stop-button").wait_for()
    visit.say("one-sentence, please")  # too early
    visit.page.click("#chat-box .stop-button")
    _until(lambda: engine.running == 0)
    visit.page.locator("#chat-box .submit-button").wait_for()
    assert visit.page.input_value("#chat-box textarea") == "one-sentence, please"
    visit.page.press("#chat-box textarea", "Enter")
    visit.wait_for_answer("A red circle.")


def test_enter_that_ends_a_composed_word_does_not_send_it(
    visit: Visit,
    engine: ScriptedEngine,
) -> None:
    asked = len(engine.prompts)
    page = visit.page
    page.fill("#chat-box textarea", "one-sentence 赤い丸")
    # As browsers tell of the key that chooses a word of Japanese: Safari by its code alone.
    for composing in ({"isComposing": True}, {"keyCode": 229}):
        enter = {"key": "Enter", "bubbles": True, "cancelable": True, **composing}
        page.dispatch_event("#chat-box textarea", "keydown", enter)
    page.wait_for_timeout(300)
    assert page.input_value("#chat-box textarea") == "one-sentence 赤い丸"
    assert len(engine.prompts) == asked
    page.press("#chat-box textarea", "Enter")
    visit.wait_for_answer("A red circle.")
    assert page.input_value("#chat-box textarea") == ""


def test_stop_while_a_picture_is_opened_gives_the_message_back(
    visit: Visit, circle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, opened = Event(), Event()

    def slow(*arguments: Any) -> Picture:
        opening.set()
        opened.wait(30)
        return take(*arguments)

    monkeypatch.setattr("vlm_demo.ui.chat.tab.take", slow)
    visit.say("Where is it?", circle)
    assert opening.wait(30)
    visit.page.click("#chat-box .stop-button")
    try:
        _until(lambda: visit.page.input_value("#chat-box textarea") == "Where is it?")
        visit.page.locator("#chat-box .thumbnail-item").wait_for()
        visit.page.locator("#chat-box .submit-button").wait_for()
    finally:
        opened.set()
    assert visit.answers.count() == 0


def test_those_who_wait_see_their_place_in_the_queue(
    visit: Visit,
    engine: ScriptedEngine,
    circle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turn = Event()

    def queued(*_: object) -> Iterator[TextChunk]:
        while not turn.wait(0.05):
            yield TextChunk(ahead=2)
        yield TextChunk("It is red.")

    monkeypatch.setattr(engine, "stream", queued)
    visit.say("What is it?")
    visit.page.locator("#chat small.waiting", has_text="2 answers are ahead of yours").wait_for()
    turn.set()
    visit.wait_for_answer("It is red.")
    assert visit.page.locator("#chat small.waiting").count() == 0

    turn.clear()
    visit.open_tab("Ask")
    visit.upload("ask-picture", circle)
    visit.page.locator("#ask-picture .stage img").wait_for()
    visit.page.fill("#ask-question textarea", "What is it?")
    visit.page.click("#ask-run")
    waiting = visit.page.locator("#ask-answer .answer-waiting")
    waiting.filter(has_text="2 answers are ahead of yours").wait_for()
    turn.set()
    visit.page.locator("#ask-answer .answer-text", has_text="It is red.").wait_for()
    waiting.wait_for(state="hidden")


def test_a_closed_tab_leaves_the_server_usable(
    browser: Browser,
    address: str,
    engine: ScriptedEngine,
) -> None:
    with _visiting(browser, address) as leaving:
        leaving.say("go on for ever")
        leaving.answers.filter(has_text="word").wait_for()
    _until(lambda: engine.running == 0)
    with _visiting(browser, address) as staying:
        staying.say("one-sentence, please")
        staying.wait_for_answer("A red circle.")


def test_two_people_never_see_each_other(
    browser: Browser,
    address: str,
    circle: Path,
) -> None:
    with _visiting(browser, address) as one, _visiting(browser, address) as other:
        one.say("Where is my secret?", circle)
        one.wait_for_answer("here")
        other.say("one-sentence, please")
        other.wait_for_answer("A red circle.")
        assert "secret" not in other.page.content()
        assert other.page.locator("#chat img").count() == 0
        other.open_tab("Locate")
        assert other.page.locator("#locate-picture .stage").is_hidden()


def test_model_text_cannot_take_the_page_over(visit: Visit) -> None:
    visit.say("Be dangerous")
    visit.wait_for_answer("bold")
    assert visit.page.locator("#chat input[type=password]").count() == 0
    assert visit.page.locator("#chat .bot img").count() == 0
    assert visit.page.locator("#chat .bot strong").inner_text() == "bold"


def test_locate_shows_three_outcomes_and_lets_go_of_boxes(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.open_tab("Locate")
    visit.upload("locate-picture", circle)
    page.locator("#locate-picture .stage img").wait_for()
    note = page.locator("#locate-answer .answer-note")

    _locate(visit, "red circle")
    note.filter(has_text="Found 1 place").wait_for()
    assert visit.boxes("locate-picture")[0].iou(Box(0.1, 0.1, 0.4, 0.633)) > 0.95
    chip = page.locator("#locate-picture .chip")
    assert chip.inner_text() == "red circle"
    chip.click()
    assert page.locator("#locate-picture rect.box").count() == 0
    assert chip.get_attribute("aria-pressed") == "false"
    chip.click()
    page.locator("#locate-picture rect.box").wait_for(state="attached")

    with page.expect_download() as download:
        page.select_option("#locate-keeping [aria-label=Format]", "json")
        page.click("#locate-keeping .save")
    assert '"boxes_xyxy_px"' in Path(download.value.path()).read_text()

    _locate(visit, "zebra")
    note.filter(has_text="Not found").wait_for()
    assert page.locator("#locate-picture rect.box").count() == 0
    _locate(visit, "unreadable")
    note.filter(has_text="read").wait_for()


def test_unsure_places_hide_at_once_and_stay_out_of_downloads(
    visit: Visit,
    engine: ScriptedEngine,
    circle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = "A red circle [0.10, 0.20, 0.40, 0.60] and a star [0.50, 0.50, 0.80, 0.70]."
    monkeypatch.setattr(engine, "answers", {"coordinate of the region": places})
    monkeypatch.setattr(engine, "chances", {"[0.50,": 0.2, "0.50,": 0.2, "0.80,": 0.2})
    page = visit.page
    visit.open_tab("Locate")
    visit.upload("locate-picture", circle)
    page.locator("#locate-picture .stage img").wait_for()
    assert page.locator("#locate-least").is_hidden()
    _locate(visit, "circle and star")

    chips, rects = page.locator("#locate-picture .chip"), page.locator("#locate-picture rect.box")
    chips.nth(1).wait_for()
    # Its numbers are 0.2, 0.2, 0.2 and 0.99; those of the circle are 0.99 each.
    assert _texts(chips) == ["A red circle 99 %", "a star 30 %"]
    assert page.locator("#locate-picture .label small").all_inner_texts() == ["99 %", "30 %"]
    colour = chips.first.locator("i").get_attribute("style")
    asked = len(engine.prompts)

    least = page.locator("#locate-least input[type=number]")
    least.fill("0.5")
    least.press("Enter")
    page.locator("#locate-answer .answer-note", has_text="1 hidden").wait_for()
    assert rects.count() == 1
    assert _texts(chips) == ["A red circle 99 %"]
    assert chips.first.locator("i").get_attribute("style") == colour
    assert page.locator("#locate-answer mark").all_inner_texts() == ["A red circle"]
    with page.expect_download() as download:
        page.select_option("#locate-keeping [aria-label=Format]", "json")
        page.click("#locate-keeping .save")
    assert "star" not in Path(download.value.path()).read_text().split('"items"')[1]

    least.fill("0")
    least.press("Enter")
    chips.nth(1).wait_for()
    assert rects.count() == 2
    assert len(engine.prompts) == asked


def test_possible_answers_are_compared_and_asked_in_every_order(
    visit: Visit,
    engine: ScriptedEngine,
    circle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shares = {"red": 0.6, "dark blue": 0.3, "green": 0.1}

    def likely(prompt: Prompt, choice: str) -> float:
        """Prefer what is listed first, where there is a list."""
        first = f"A. {choice}\n" in prompt.messages[-1].text
        return 0.9 if first else shares[choice]

    monkeypatch.setattr(engine, "likely", likely)
    page, card = visit.page, visit.page.locator("#ask-answer")
    visit.open_tab("Ask")
    visit.upload("ask-picture", circle)
    page.locator("#ask-picture .stage img").wait_for()
    page.fill("#ask-question textarea", "What colour is it?")
    page.fill("#ask-choices textarea, #ask-choices input", ", ".join(shares))
    page.click("#ask-run")
    card.locator(".answer-shares li").nth(2).wait_for()
    assert card.locator(".answer-text").inner_text() == "red"
    assert _texts(card.locator("li")) == ["red 60 %", "dark blue 30 %", "green 10 %"]
    widths = card.locator(".answer-shares b").evaluate_all("bars => bars.map(b => b.style.width)")
    assert [float(width.rstrip("%")) for width in widths] == pytest.approx([60, 30, 10])

    page.check("#ask-every-order input")
    page.click("#ask-run")
    card.locator(".answer-note", has_text="wins in 1 of 3 orders").wait_for()
    assert card.locator(".answer-orders li").count() == 3
    assert "A dark blue" in card.locator(".answer-orders li").nth(1).inner_text()

    page.fill("#ask-choices textarea, #ask-choices input", "")
    page.click("#ask-run")
    visit.wait_for_problem("ask-answer", "please give possible answers")
    page.uncheck("#ask-every-order input")
    page.get_by_role("button", name="Shape of the answer").click()
    page.fill("#ask-pattern textarea, #ask-pattern input", "[a-z]+")
    page.click("#ask-run")
    page.locator("#ask-answer .answer-text", has_text="Red").wait_for()
    assert engine.prompts[-1].pattern == "[a-z]+"


def test_a_dragged_box_is_described(
    visit: Visit,
    engine: ScriptedEngine,
    circle: Path,
) -> None:
    page = visit.page
    visit.open_tab("Locate")
    visit.upload("locate-picture", circle)
    page.locator("#locate-picture .stage img").wait_for()
    assert page.locator("#describe-run").is_hidden()

    frame = page.locator("#locate-picture .stage img").bounding_box()
    assert frame
    page.mouse.move(frame["x"] + frame["width"] * 0.5, frame["y"] + frame["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(frame["x"] + 2, frame["y"] + 2, steps=4)
    page.mouse.up()
    page.locator("#locate-picture .regions rect.box").wait_for(state="attached")
    page.click("#describe-run")
    page.locator("#locate-description", has_text="A blue square.").wait_for()
    # The picture is 4:3; in the padded square its upper left quarter starts at 1/8.
    assert "[0.00, 0.13, 0.50, 0.50]" in engine.prompts[-1].messages[-1].text


def test_bad_input_gets_one_clear_message_and_the_next_request_works(
    visit: Visit, circle: Path, tmp_path: Path
) -> None:
    page = visit.page
    fake = tmp_path / "fake.png"
    fake.write_bytes(b"\x89PNG and then nothing")
    visit.say("What is this?", fake)
    visit.wait_for_problem("chat-problem", "read")
    _until(lambda: page.input_value("#chat-box textarea") == "What is this?")

    visit.open_tab("Ask")
    page.click("#ask-run")
    visit.wait_for_problem("ask-answer", "Please add a picture")
    visit.upload("ask-picture", fake)
    visit.wait_for_message("read")
    visit.upload("ask-picture", circle)
    page.locator("#ask-picture .stage img").wait_for()
    page.click("#ask-run")
    visit.wait_for_problem("ask-answer", "no words")
    page.fill("#ask-question textarea", "x" * 10_000)
    page.click("#ask-run")
    visit.wait_for_problem("ask-answer", "10,000 characters, 2,000 too many")
    page.fill("#ask-question textarea", "What colour is it?")
    page.click("#ask-run")
    page.locator("#ask-answer .answer-text", has_text="Red").wait_for()


def test_a_model_that_cannot_serve_a_tab_says_so(visit: Visit) -> None:
    page = visit.page
    _choose(page, "chat-only")
    visit.open_tab("Locate")
    page.locator(".notice", has_text="Models that can: scripted, far-away").first.wait_for()
    assert page.locator("#locate-run").is_disabled()
    _choose(page, "far-away")
    page.locator(".model-card .notice", has_text="not on this computer").wait_for()
    _choose(page, "scripted")
    page.locator(".model-card .ready").wait_for()
    assert page.locator("#locate-run").is_enabled()


def test_the_page_is_reached_by_keyboard_and_named(visit: Visit) -> None:
    page = visit.page
    assert page.locator("html").get_attribute("lang")
    page.get_by_role("tab", name="Chat", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.locator("#caption-run").wait_for()
    page.keyboard.press("ArrowLeft")
    page.locator("#chat-box textarea").wait_for()
    unnamed = page.locator("img:visible:not([alt])").count()
    assert unnamed == 0


@in_each_look
def test_every_tab_fits_the_screen(
    browser: Browser,
    address: str,
    folder: Path,
    name: str,
    theme: str,
) -> None:
    viewport = {"laptop": LAPTOP, "phone": PHONE}[name]
    with _visiting(browser, address, f"?__theme={theme}", viewport=viewport) as visit:
        for tab in ("Chat", "Caption", "Ask", "Locate"):
            visit.open_tab(tab)
            assert visit.sideways() <= 0, f"{tab} scrolls sideways"
            visit.page.screenshot(path=folder / f"empty-{tab.lower()}-{name}-{theme}.png")


# With the embedded model


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page as it ships, with its default model."""
    menu = default_menu()
    if not menu[0].is_here:
        missing(f"The embedded model {menu[0].name} is not in assets/models.")
    backend = Backend(menu)
    for _ in backend.load(menu[0].name):
        pass
    with served(backend, tmp_path_factory.mktemp("gradio")) as address:
        yield address
    backend.close()


def test_the_embedded_model_chats_and_locates(
    browser: Browser, embedded: str, circle: Path
) -> None:
    with _visiting(browser, embedded) as visit:
        assert "not photographs" in visit.page.locator("#model-card").inner_text()
        visit.say("What is in this picture?", circle)
        visit.wait_for_answer("red circle")
        visit.say("What colour is it?")
        visit.wait_for_answer("red", 2)

        visit.open_tab("Locate")
        visit.upload("locate-picture", circle)
        visit.page.locator("#locate-picture img").wait_for()  # a picture taken late clears answers
        _locate(visit, "red circle")
        visit.page.locator("#locate-answer .answer-note", has_text="Found 1 place").wait_for()
        (box,) = visit.boxes("locate-picture")
        assert box.iou(CIRCLE) >= 0.5


@in_each_look
def test_screenshots_with_answers(
    browser: Browser, embedded: str, folder: Path, name: str, theme: str
) -> None:
    viewport = {"laptop": LAPTOP, "phone": PHONE}[name]
    with _visiting(browser, embedded, f"?__theme={theme}", viewport=viewport) as visit:
        page = visit.page

        def keep(tab: str) -> None:
            assert visit.sideways() <= 0, f"{tab} scrolls sideways"
            page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
            page.screenshot(path=folder / f"answer-{tab}-{name}-{theme}.png")

        visit.say("Where is the elephant?", EXAMPLES / "animals.png")
        page.locator("#chat small.pace").wait_for()
        page.locator("#chat-board rect.box").first.wait_for(state="attached")
        keep("chat")
        visit.open_tab("Caption")
        page.get_by_role("button", name="With places").click()
        page.locator("#caption-answer mark").first.wait_for()
        _settled(page, "caption")
        keep("caption")
        visit.open_tab("Ask")
        page.get_by_role("button", name="How many?").click()
        page.locator("#ask-answer .answer-note").wait_for()
        keep("ask")
        page.fill("#ask-choices textarea, #ask-choices input", "1, 2, 3, 4")
        page.check("#ask-every-order input")
        page.click("#ask-run")
        page.locator("#ask-answer .answer-note", has_text="order").wait_for()
        _settled(page, "ask")
        keep("ask-orders")
        card = page.locator("#ask-answer .answer")
        card.screenshot(path=folder / f"answer-ask-orders-card-{name}-{theme}.png")
        visit.open_tab("Locate")
        page.get_by_role("button", name="All cats").click()
        page.locator("#locate-answer .answer-note", has_text="Found").wait_for()
        keep("locate")
        if (name, theme) == ("laptop", "light") and os.environ.get(
            "VLM_DEMO_UPDATE_SCREENSHOT"
        ) == "1":
            page.screenshot(path=README_PICTURE)


def _texts(found: Locator) -> list[str]:
    """The words of each element, on one line."""
    return [" ".join(text.split()) for text in found.all_inner_texts()]


def _settled(page: Page, tab: str) -> None:
    page.locator(f"#{tab}-answer .answer:not(.busy)").wait_for()


def _locate(visit: Visit, words: str) -> None:
    visit.page.fill("#locate-words textarea, #locate-words input", words)
    visit.page.click("#locate-run")


def _choose(page: Page, model: str) -> None:
    page.click("#model input")
    page.get_by_role("option", name=model, exact=True).click()


def _until(claim: object, seconds: float = 10) -> None:
    assert callable(claim)
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.02)
