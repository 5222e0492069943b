"""The arena in a real browser: a battle, the vote and what is told after it, and comparisons."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.browser import EXAMPLES, LAPTOP, PHONE, Visit, missing
from support.scripted import served

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.values import Box

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


EMBEDDED = ("embedded-llava15", "embedded-kosmos2")
SECRETS = re.compile("llava|kosmos|assets/models", re.IGNORECASE)
ELEPHANT = Box(0.56, 0.20, 0.96, 0.62)  # in the example picture of animals, roughly


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ballots") / "votes.db"


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    """The menu as it ships, with its two embedded models loaded."""
    menu = default_menu()
    if not all(spec.is_here for spec in menu[1:3]):
        missing("The embedded models are not in assets/models.")
    backend = Backend(menu, device="cpu")
    for spec in menu[1:3]:
        list(backend.load(spec.name))
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def address(
    backend: Backend, votes: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    gradio = tmp_path_factory.mktemp("gradio")
    with served(backend, gradio, votes=str(votes), arena=EMBEDDED) as address:
        yield address


def locate(visit: Visit, words: str = "elephant", picture: Path = EXAMPLES / "animals.png") -> None:
    """Let two models look for something, until they can be voted on."""
    visit.open_tab("Arena")
    page = visit.page
    visit.upload("battle-picture", picture)
    page.locator("#battle-picture .sheet img").wait_for()
    page.locator("#battle-task").get_by_label("Find objects", exact=True).check()
    page.fill("#battle-words textarea, #battle-words input", words)
    page.click("#battle-run")
    wait_for_voting(page)


def wait_for_voting(page: Page) -> None:
    page.locator(".battle-status[data-tone=votable]", has_text="Both have answered").wait_for()


def wait_for_vote(page: Page) -> str:
    told = page.locator(".battle-status[data-tone=voted]")
    told.wait_for()
    return told.inner_text()


def image_place(canvas: Locator) -> dict[str, float]:
    """Return where the picture is on its canvas, in pixels of the canvas."""
    place: dict[str, float] = canvas.evaluate(
        """(canvas) => {
          const frame = canvas.querySelector('.stage').getBoundingClientRect();
          const picture = canvas.querySelector('.sheet img').getBoundingClientRect();
          return { left: picture.left - frame.left, top: picture.top - frame.top,
                   width: picture.width, height: picture.height };
        }"""
    )
    return place


def test_a_battle_is_fought_voted_on_by_key_and_revealed(visit: Visit, votes: Path) -> None:
    page = visit.page
    locate(visit)
    for side in "ab":
        (box,) = visit.boxes(f"battle-{side}-board")
        assert box.iou(ELEPHANT) > 0.5
    assert not SECRETS.search(page.locator("#arena-tab").inner_html())

    page.keyboard.press("Shift+Digit4")
    assert page.locator("#battle-boxes").get_by_label("B", exact=True).is_checked()
    page.keyboard.press("1")
    told = wait_for_vote(page)
    assert told.startswith("You chose A.")
    assert all(name in told for name in EMBEDDED)
    for side in "ab":
        assert "Apache-2.0" in page.locator(f"#battle-{side} .pane-heading").first.inner_text()
    with closing(sqlite3.connect(votes)) as database:
        kept = database.execute("SELECT * FROM votes ORDER BY seq DESC LIMIT 1")
        row = dict(zip([column[0] for column in kept.description], kept.fetchone(), strict=True))
    assert (row["winner"], row["boxes"], row["task"]) == ("a", "b", "grounding")
    first = re.search(r"A was (\S+),", told)
    assert first and first[1] == row["model_a"]

    page.keyboard.press("2")  # it is locked
    assert page.locator("#battle-votes button:visible").count() == 0
    page.keyboard.press("n")
    page.locator("#battle-run").wait_for()
    page.locator("#battle-picture .sheet img").wait_for()  # kept


def test_the_picture_goes_where_it_is_not_kept(visit: Visit) -> None:
    page = visit.page
    locate(visit)
    page.keyboard.press("2")
    assert "a tie" in wait_for_vote(page)
    page.uncheck("#battle-keep-picture input")
    page.click("#battle-next")
    page.locator("#battle-picture .drop").wait_for()


def test_boards_of_a_battle_show_the_same_part(visit: Visit) -> None:
    page = visit.page
    locate(visit)
    a, b = page.locator("#battle-a-board"), page.locator("#battle-b-board")
    whole = image_place(a)
    assert image_place(b) == pytest.approx(whole)
    a.get_by_label("Zoom in").click()
    a.get_by_label("Zoom in").click()
    larger = image_place(a)
    assert larger["width"] > 1.5 * whole["width"]
    assert image_place(b) == pytest.approx(larger)

    frame = b.locator(".stage").bounding_box()
    assert frame
    page.mouse.move(frame["x"] + 100, frame["y"] + 100)
    page.mouse.down()
    page.mouse.move(frame["x"] + 60, frame["y"] + 80, steps=4)
    page.mouse.up()
    moved = image_place(b)
    assert moved["left"] == pytest.approx(larger["left"] - 40, abs=1)
    assert moved["top"] == pytest.approx(larger["top"] - 20, abs=1)
    assert image_place(a) == pytest.approx(moved)

    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    assert image_place(a)["width"] > moved["width"]
    assert image_place(b) == pytest.approx(image_place(a))
    b.locator(".stage").dblclick(position={"x": 50, "y": 50})
    assert image_place(a) == pytest.approx(whole)
    # A place is drawn where it is in the picture, however close one looks.
    a.locator(".stage").focus()
    page.keyboard.press("+")
    rectangle, image = a.locator("rect.box").bounding_box(), a.locator(".sheet img").bounding_box()
    (box,) = visit.boxes("battle-a-board")
    assert rectangle and image
    assert rectangle["x"] == pytest.approx(image["x"] + box.x1 * image["width"], abs=2)
    assert rectangle["width"] == pytest.approx((box.x2 - box.x1) * image["width"], abs=4)


def test_keys_do_not_vote_while_somebody_writes(visit: Visit) -> None:
    page = visit.page
    locate(visit)
    page.locator("#battle-more textarea, #battle-more input").first.focus()
    page.keyboard.type("1234n")
    assert page.locator("#battle-more textarea, #battle-more input").first.input_value() == "1234n"
    visit.open_tab("Studio")
    page.locator("#tabs").click(position={"x": 2, "y": 2})
    page.keyboard.press("1")
    visit.open_tab("Arena")
    wait_for_voting(page)


def test_a_battle_of_several_turns_keeps_what_was_said(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.open_tab("Arena")
    visit.upload("battle-picture", circle)
    page.locator("#battle-picture .sheet img").wait_for()
    page.fill("#battle-words textarea, #battle-words input", "What is in this picture?")
    page.click("#battle-run")
    wait_for_voting(page)
    page.fill("#battle-more textarea, #battle-more input", "What colour is it?")
    page.click("#battle-ask")
    page.locator(".round", has_text="What is in this picture?").wait_for()
    wait_for_voting(page)
    assert page.locator("#battle-a .answer-text").inner_text()
    assert page.locator(".request-card", has_text="What colour is it?").is_visible()
    page.click("#battle-vote-3")
    assert "both bad" in wait_for_vote(page)


def test_a_stopped_battle_does_not_count(visit: Visit) -> None:
    page = visit.page
    visit.open_tab("Arena")
    visit.upload("battle-picture", EXAMPLES / "animals.png")
    page.locator("#battle-picture .sheet img").wait_for()
    page.locator("#battle-task").get_by_label("Grounded caption").check()
    page.click("#battle-run")
    page.keyboard.press("2")  # there is nothing to vote on yet
    page.locator("#battle-stop").dispatch_event("click")
    page.locator(".battle-status[data-tone=problem]", has_text="does not count").wait_for()
    assert page.locator("#battle-votes button:visible").count() == 0
    page.click("#battle-next")
    page.locator("#battle-run").wait_for()


def test_every_state_of_a_battle_fits_the_screen(visit: Visit, folder: Path) -> None:
    page = visit.page
    visit.open_tab("Arena")
    page.locator("#battle-run").wait_for()
    visit.keep_looks(folder, "arena-empty")
    locate(visit)
    visit.keep_looks(folder, "arena-votable")
    for size in (PHONE, LAPTOP):
        page.set_viewport_size(size)
        bar = page.locator("#battle-bar").bounding_box()
        assert bar and bar["y"] + bar["height"] <= size["height"] + 1  # at hand, not below
    page.keyboard.press("2")
    wait_for_vote(page)
    visit.keep_looks(folder, "arena-voted")
    assert "you voted" in page.locator("#battle-own-votes").inner_text()
    page.locator("#battle-own-votes a").click()
    page.locator(".standings").wait_for()
    visit.keep_looks(folder, "arena-leaderboard")
