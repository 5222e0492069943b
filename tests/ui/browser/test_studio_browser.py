"""Studio in a real browser: what is asked, answered, kept, and never lost."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pillow_heif
import pytest
from PIL import Image
from support import scripted
from support.browser import PHONE, Visit, visit_page, wait_until
from support.scripted import ScriptedEngine

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

BOX = "[0.10, 0.20, 0.40, 0.60]"


@pytest.fixture(scope="module")
def engine() -> ScriptedEngine:
    return ScriptedEngine(
        {
            "formula": "It is $x^2$.\n\n* one\n* **two**\n\n<script>document.title='gone'</script>",
            "endless": "word " * 30_000,
            "red circle": f"The red circle is here: {BOX}.",
            "blue star": "The blue star is here: [0.50, 0.50, 0.80, 0.70].",
            **scripted.ANSWERS,
        }
    )


def composer(page: Page) -> str:
    return page.input_value("#studio-composer")


CONTROLS = """() => [...document.querySelectorAll(
  'button, a[href], input, select, textarea, [role=button], [tabindex="0"]'
)].filter((one) => {
  const { left, top, right, bottom, width, height } = one.getBoundingClientRect();
  return width > 1 && height > 1 && bottom > 0 && right > 0
    && top < innerHeight && left < innerWidth && one.checkVisibility({ visibilityProperty: true });
}).map((one) => one.id || one.ariaLabel || one.textContent)"""
"""What can be pressed or written into, as far as it is in sight without scrolling."""


def test_few_controls_are_in_sight_and_an_example_is_near(visit: Visit, circle: Path) -> None:
    page = visit.page
    page.locator("[data-example]").first.wait_for()
    empty = page.evaluate(CONTROLS)
    assert len(empty) <= 14, empty
    for _ in range(5):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('[data-example]')")
    page.keyboard.press("Enter")
    visit.wait_for_turn()
    page.click("#studio-new")
    visit.show(circle)
    visit.choose_task("find")
    visit.ask("red circle, blue star")
    assert visit.layers() == {"red circle": 1, "blue star": 1}
    answered = page.evaluate(CONTROLS)
    assert len(answered) <= 20, answered
    for width, height in ((1920, 1080), (1280, 800)):
        page.set_viewport_size({"width": width, "height": height})
        canvas = page.locator("#studio-canvas").bounding_box()
        assert canvas and canvas["width"] * canvas["height"] >= 0.45 * width * height


def test_several_things_are_found_by_typing_them_and_one_enter(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.show(circle)
    visit.choose_task("find")
    turn = visit.ask("red circle, zebra")
    assert visit.layers() == {"red circle": 1, "zebra": 0}
    things = turn.locator(".things .thing")
    assert [" ".join(text.split()) for text in things.all_inner_texts()] == [
        "red circle 1",
        "zebra not found",
    ]
    assert composer(page) == ""
    assert page.evaluate("document.activeElement.id") == "studio-composer"
    visit.ask("blue star", turns=2)
    assert visit.layers() == {"red circle": 1, "zebra": 0, "blue star": 1}
    colours = page.locator("#studio-canvas .picture-canvas rect.box").evaluate_all(
        "all => all.map(e => e.getAttribute('stroke'))"
    )
    assert len(set(colours)) == 2


def test_tags_are_taken_back_and_sent_by_an_empty_enter(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.show(circle)
    visit.choose_task("find")
    page.locator("#studio-composer").press_sequentially("red circle;zebra;")
    assert page.locator(".chip.tag").all_inner_texts() == ["red circle", "zebra"]
    page.press("#studio-composer", "Backspace")
    assert composer(page) == "zebra"
    page.fill("#studio-composer", "")
    page.press("#studio-composer", "Enter")
    visit.wait_for_turn()
    assert visit.layers() == {"red circle": 1}


def test_words_and_boxes_light_each_other_up(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.show(circle)
    turn = visit.ask("Where is the red circle?")
    phrase = turn.locator("mark[data-mention]")
    phrase.hover()
    page.locator("#studio-canvas g.hot, #studio-canvas .mention.hot").first.wait_for()
    page.mouse.move(5, 5)
    phrase.focus()
    page.locator("#studio-canvas g.hot, #studio-canvas .mention.hot").first.wait_for()


def test_an_edited_turn_keeps_its_picture_and_can_be_undone(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.show(circle)
    visit.ask("single word please")
    visit.ask("Where is the red circle?", turns=2)
    page.locator(".question-line").first.hover()
    page.locator("[data-act=edit]").first.click()
    assert composer(page) == "single word please"
    visit.ask("Where is the red circle now?")
    assert page.locator("[data-turn]").count() == 1
    assert page.locator("mark[data-mention]").count() == 1
    page.get_by_role("button", name="Undo").click()
    wait_until(lambda: page.locator("[data-turn]").count() == 2)
    assert page.locator(".question-text").all_inner_texts() == [
        "single word please",
        "Where is the red circle?",
    ]


def test_a_long_paste_stays_text_and_a_question_without_a_picture_asks_first(visit: Visit) -> None:
    page = visit.page
    words = "many words " * 455
    page.focus("#studio-composer")
    page.evaluate(
        """words => {
          const data = new DataTransfer();
          data.setData('text/plain', words);
          const field = document.querySelector('#studio-composer');
          const options = { clipboardData: data, bubbles: true, cancelable: true };
          if (field.dispatchEvent(new ClipboardEvent('paste', options)))
            document.execCommand('insertText', false, words);
        }""",
        words,
    )
    assert len(composer(page)) == len(words) > 5000
    page.press("#studio-composer", "Enter")
    page.locator(".composer-question", has_text="No image attached").wait_for()
    assert composer(page) == words
    page.get_by_role("button", name="Send text only").click()
    visit.wait_for_turn()


def test_nothing_is_lost_while_the_server_is_gone(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.show(circle)
    visit.ask("single word please")
    page.route("**/gradio_api/call/studio_answer", lambda route: route.abort())
    page.fill("#studio-composer", "Where is it?")
    page.press("#studio-composer", "Enter")
    page.locator(".composer-problem", has_text="cannot be reached").wait_for()
    assert composer(page) == "Where is it?"
    assert page.locator("[data-turn]").count() == 1
    page.unroute("**/gradio_api/call/studio_answer")
    page.press("#studio-composer", "Enter")
    visit.wait_for_turn(2)
    visit.complaints.clear()  # the browser itself tells of requests that failed


def test_a_reader_may_scroll_up_while_an_answer_grows_and_stop_it(visit: Visit) -> None:
    page = visit.page
    page.fill("#studio-composer", "endless")
    page.press("#studio-composer", "Enter")
    page.get_by_role("button", name="Send text only").click()
    view = page.locator("#conversation")
    at_end = "e => e.scrollHeight - e.scrollTop - e.clientHeight < 60"
    wait_until(lambda: view.evaluate("e => e.scrollHeight > e.clientHeight + 300"), 30)
    wait_until(lambda: view.evaluate(at_end))
    view.hover()
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(300)
    top = view.evaluate("e => e.scrollTop")
    page.wait_for_timeout(600)
    assert abs(view.evaluate("e => e.scrollTop") - top) < 3
    page.click(".jump-button")
    wait_until(lambda: view.evaluate(at_end))
    page.click("#studio-send")
    page.locator("[data-turn][data-state=stopped]").wait_for()
    assert len(page.locator("[data-turn] .reply-text").inner_text()) > 200


def test_markdown_and_formulas_are_drawn_and_no_script_runs(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.show(circle)
    turn = visit.ask("a formula please")
    assert turn.locator(".reply-text li").count() == 2
    if find_spec("latex2mathml"):
        assert turn.locator(".reply-text math").count() == 1
    assert turn.locator("script").count() == 0
    assert page.title() != "gone"


def test_a_conversation_survives_a_reload_and_has_an_address(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.show(circle)
    visit.choose_task("find")
    visit.ask("red circle")
    page.wait_for_timeout(900)  # it is stored a moment later
    assert "conversation=" in page.url
    address = page.url
    page.reload()
    visit.wait_for_turn()
    wait_until(lambda: visit.layers() == {"red circle": 1})
    page.locator("#studio-canvas .picture-canvas img[src]").wait_for()
    page.click("#studio-new")
    assert page.locator("[data-turn]").count() == 0
    assert "conversation=" not in page.url
    page.go_back()
    visit.wait_for_turn()
    assert page.url == address
    page.click("#studio-conversations")
    page.locator(".conversation-entry", has_text="red circle").wait_for()


def test_two_windows_with_one_conversation_lose_nothing(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.show(circle)
    visit.ask("single word please")
    page.wait_for_timeout(900)
    other = page.context.new_page()
    other.goto(page.url)
    other.locator("[data-turn][data-state=done]").wait_for()
    other.fill("#studio-composer", "Where is the red circle?")
    other.press("#studio-composer", "Enter")
    other.locator("[data-turn][data-state=done]").nth(1).wait_for()
    visit.wait_for_turn(2)
    texts = page.locator(".question-text").all_inner_texts()
    assert texts == ["single word please", "Where is the red circle?"]


def test_without_storage_the_page_works_and_says_so_once(
    browser: Browser, address: str, circle: Path
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(
        "const refuse = () => { throw new DOMException('no', 'SecurityError'); };"
        "IDBFactory.prototype.open = refuse;"
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, name, { get: refuse });"
    )
    page.goto(address)
    page.locator("#studio-composer").wait_for()
    visit = Visit(page, address)
    visit.show(circle)
    visit.ask("single word please")
    page.wait_for_timeout(800)
    visit.ask("Where is it?", turns=2)
    page.wait_for_timeout(800)
    assert page.locator(".notice-card", has_text="does not keep conversations").count() == 1
    context.close()


def test_models_are_compared_and_answers_regenerated(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.show(circle)
    turn = visit.ask("single word please")
    page.click("[data-act=again]")
    page.locator(".versions", has_text="2/2").wait_for()
    visit.wait_for_turn()
    page.click("[data-act=compare]")
    page.click('.menu:popover-open [data-model="chat-only"]')
    page.locator(".answers.several").wait_for()
    visit.wait_for_turn()
    assert turn.locator("[data-answer]").count() == 2
    turn.get_by_role("button", name="Show differences").click()
    turn.locator(".word-diff").wait_for()


def test_the_phone_shows_picture_answer_and_composer_at_once(
    browser: Browser, address: str, circle: Path
) -> None:
    with visit_page(browser, address, viewport=PHONE, has_touch=True) as visit:
        visit.show(circle)
        turn = visit.ask("Where is the red circle?")
        for place in ("#studio-canvas .picture-canvas rect.box", "#studio-composer"):
            visit.page.locator(place).first.wait_for()
            box = visit.page.locator(place).first.bounding_box()
            assert box and box["y"] >= 0 and box["y"] + box["height"] <= 844
        answer = turn.locator(".reply-text").bounding_box()
        assert answer and answer["y"] + answer["height"] <= 844
        assert visit.sideways() <= 0


def test_a_region_goes_with_a_question_and_comes_back_with_it(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.show(circle)
    page.wait_for_timeout(300)
    frame = page.locator("#studio-canvas .picture-canvas img").bounding_box()
    assert frame
    x, y, width, height = frame["x"], frame["y"], frame["width"], frame["height"]
    page.mouse.move(x + width * 0.1, y + height * 0.1)
    page.mouse.down()
    page.mouse.move(x + width * 0.4, y + height * 0.5, steps=4)
    page.mouse.up()
    page.locator(".chip.region", has_text="Box 1").wait_for()
    assert page.get_attribute("#studio-task", "data-mode") == "describe"
    page.focus("#studio-composer")
    page.keyboard.type("Where is the red circle?")
    assert page.get_attribute("#studio-task", "data-mode") == "chat"
    page.keyboard.press("Enter")
    turn = visit.wait_for_turn()
    assert turn.locator(".question-regions").inner_text().startswith("1")
    assert page.locator(".chip.region").count() == 0
    page.locator(".question-line").hover()
    page.click("[data-act=edit]")
    page.locator(".chip.region", has_text="Box 1").wait_for()


DROP = """([name, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(bytes)], name));
  const options = { dataTransfer: data, bubbles: true, cancelable: true };
  document.querySelector('#studio-canvas').dispatchEvent(new DragEvent('drop', options));
}"""
"""Drops a file to which the browser gives no type."""


def test_pictures_of_phones_are_taken_and_questions_wait_for_what_is_sent(
    visit: Visit, tmp_path: Path
) -> None:
    page = visit.page
    pictures = {"IMG_1.HEIC": "HEIF", "photo.AVIF": "AVIF", "scan": "PNG"}
    pillow_heif.register_heif_opener()
    for name, form in pictures.items():
        Image.new("RGB", (320, 240), "red").save(tmp_path / name, format=form)
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/gradio_api/upload*", hold)
    page.evaluate(DROP, ["IMG_1.HEIC", list((tmp_path / "IMG_1.HEIC").read_bytes())])
    page.fill("#studio-composer", "single word please")
    page.press("#studio-composer", "Enter")  # the picture is still on its way
    wait_until(lambda: waiting)
    waiting[0].continue_()
    page.unroute("**/gradio_api/upload*")
    turn = visit.wait_for_turn()
    assert turn.locator("[data-act=download]").is_visible()  # it is about the picture
    page.locator("#studio-canvas .picture-canvas img[src]").wait_for()
    for name in ("photo.AVIF", "scan"):
        page.evaluate(DROP, [name, list((tmp_path / name).read_bytes())])
        page.locator(".chip:not(.failed)", has_text=name).wait_for()

    page.click("#studio-new")
    page.evaluate(DROP, ["notes.txt", [110, 111]])
    page.locator(".chip.failed").wait_for()
    page.fill("#studio-composer", "What is it?")
    page.press("#studio-composer", "Enter")
    page.locator(".composer-question", has_text="No image attached").wait_for()
    assert composer(page) == "What is it?"


def test_a_conversation_is_one_file_that_opens_read_only(
    visit: Visit, circle: Path, tmp_path: Path
) -> None:
    page = visit.page
    visit.show(circle)
    visit.ask("Where is the red circle?")
    page.click("#studio-conversations")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save this conversation").click()
    file = tmp_path / saved.value.suggested_filename
    saved.value.save_as(file)
    page.set_input_files(".drawer input[type=file]", str(file))
    page.locator(".read-only", has_text="read-only").wait_for()
    visit.wait_for_turn()
    assert page.locator("mark[data-mention]").count() == 1
    page.locator("#studio-canvas .picture-canvas img[src]").wait_for()
    assert page.locator("#studio-composer").is_hidden()
    page.get_by_role("button", name="Continue as my own").click()
    visit.ask("single word please", turns=2)
