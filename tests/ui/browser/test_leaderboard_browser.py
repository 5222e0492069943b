"""The leaderboard in a real browser, over votes in a real database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.browser import PHONE, Visit, visit_page
from support.scripted import served
from support.votes import make_votes, store_votes

from vlm_demo.arena import Origin, Selection, Winner
from vlm_demo.arena.ratings.leaderboards import Leaderboards
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.voters import hash_voter
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.ui.visitors import COOKIE
from vlm_demo.values import Task

if TYPE_CHECKING:
    from playwright.sync_api import Browser


SECRET = "a secret of the tests"
SHOWN = "#leaderboard-table .leaderboard-frame"
NASTY = "<img src=x onerror=alert(1)>"

# Servers that nobody asks anything: no model is loaded for these tests.
MENU = tuple(
    ModelSpec(
        name=name,
        family="llava15",
        checkpoint=name,
        engine="remote",
        base_url="http://127.0.0.1:9/v1",
        parameters=parameters,
        licence=licence,
        commercial=commercial,
    )
    for name, parameters, licence, commercial in (
        ("alpha", 500_000_000, "MIT", "yes"),
        ("beta", 7_000_000_000, "Apache-2.0", "yes"),
        ("gamma", 70_000_000_000, "a licence of its own", "no"),
    )
)


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What people say, what they say of boxes and in Japanese, and what the program judged."""
    path = tmp_path_factory.mktemp("votes") / "votes.db"
    store_votes(path, make_votes(["alpha", "beta", "gamma", NASTY], 400))
    store_votes(
        path, make_votes(["gamma", "beta", "alpha"], 150, tag="ja", task=Task.VQA, language="ja")
    )
    boxes = make_votes(["alpha", "beta"], 60, tag="box", task=Task.GROUNDING, boxes=Winner.TIE)
    store_votes(path, boxes)
    store_votes(path, make_votes(["gamma", "alpha"], 90, tag="auto", origin=Origin.AUTOMATIC))
    store_votes(path, make_votes(["alpha", "new"], 4, tag="few"))
    return path


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend(MENU)
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def address(
    backend: Backend, votes: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("gradio")
    with served(backend, folder, votes=str(votes), secret=SECRET) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    with visit_page(browser, address) as visit:
        open_leaderboard(visit)
        yield visit


def open_leaderboard(visit: Visit) -> None:
    visit.open_tab("Leaderboard")
    visit.page.locator(SHOWN).wait_for()


def open_filters(visit: Visit) -> None:
    visit.page.locator("#leaderboard-more button").first.click()


def choose(visit: Visit, now: str, wanted: str) -> None:
    """Choose in the list that shows `now`."""
    visit.page.locator(f"#leaderboard-filters input[aria-label='{now}']").click()
    visit.page.get_by_role("option", name=wanted, exact=True).click()


def rows(visit: Visit) -> list[tuple[str, str, str]]:
    """Rank, name and rating of each row."""
    return [
        (
            row.locator(".rank").inner_text(),
            row.locator(".model b").inner_text(),
            row.locator(".rating").inner_text(),
        )
        for row in visit.page.locator(".standings tbody tr").all()
    ]


def expected_rows(votes: Path, selection: Selection) -> list[tuple[str, str, str]]:
    """What the rows must say."""
    store = VoteStore(str(votes))
    standings = Leaderboards(store).leaderboard(selection).models
    store.close()
    return [
        ("–" if one.provisional else str(one.rank), one.model, f"{one.rating:.0f}")
        for one in standings
    ]


def test_the_board_shows_the_ratings_of_the_votes(visit: Visit, votes: Path) -> None:
    expected = expected_rows(votes, Selection())
    assert expected[0][1] == "alpha"

    assert rows(visit) == expected
    assert visit.page.get_by_text("614 votes on 5 models").is_visible()
    marked = visit.page.locator(".standings tr", has=visit.page.locator(".mark"))
    assert marked.count() == 1
    assert marked.locator(".model b").inner_text() == "new"
    assert visit.page.locator(".standings .model b", has_text=NASTY).count() == 1  # only text


@pytest.mark.parametrize(
    ("clicks", "selection"),
    [
        (["Boxes only"], Selection(boxes=True)),
        (["Automatic"], Selection(automatic=True)),
    ],
)
def test_each_switch_shows_another_board(
    visit: Visit, votes: Path, clicks: list[str], selection: Selection
) -> None:
    expected = expected_rows(votes, selection)
    for name in clicks:
        visit.page.get_by_text(name, exact=True).click()
    last = visit.page.locator(".standings tbody tr").nth(len(expected))
    last.wait_for(state="detached")
    assert rows(visit) == expected
    told = visit.page.get_by_text("Judged by the program, not by people")
    assert told.is_visible() is selection.automatic


def test_tasks_and_languages_are_those_that_have_votes(visit: Visit, votes: Path) -> None:
    open_filters(visit)
    visit.page.locator("#leaderboard-filters input[aria-label=Language]").click()
    offered = visit.page.get_by_role("option").all_inner_texts()
    assert [name.strip(" ✓\n") for name in offered] == ["Any language", "English", "Japanese"]
    visit.page.get_by_role("option", name="Japanese").click()
    visit.page.locator(".standings tbody tr").nth(3).wait_for(state="detached")
    assert rows(visit) == expected_rows(votes, Selection(language="ja"))
    assert rows(visit)[0][1] == "gamma"

    choose(visit, "Task", "Chat")
    visit.page.get_by_text("No votes of this kind").wait_for()


def test_filters_hide_rows_and_change_no_rating(visit: Visit, votes: Path) -> None:
    everyone = expected_rows(votes, Selection())
    open_filters(visit)

    choose(visit, "Licence", "Commercial use allowed")
    visit.page.locator(".standings tbody tr").nth(2).wait_for(state="detached")
    assert rows(visit) == [row for row in everyone if row[1] in ("alpha", "beta")]
    assert visit.page.get_by_text("Filters hide 3").is_visible()
    heads = visit.page.locator(".heat-map tbody th").all_inner_texts()
    assert heads == ["alpha", "beta"]

    choose(visit, "Size", "Over 15 billion")
    visit.page.get_by_text("No model on this leaderboard matches").wait_for()
    choose(visit, "Licence", "Any licence")
    visit.page.locator(".standings tbody tr").first.wait_for()
    assert rows(visit) == [row for row in everyone if row[1] == "gamma"]


def test_maps_and_lines_show_what_the_table_sums_up(visit: Visit, votes: Path) -> None:
    store = VoteStore(str(votes))
    now = Leaderboards(store).leaderboard(Selection())
    store.close()

    def first_row() -> list[str]:
        return visit.page.locator(".heat-map tbody tr").first.locator("td").all_inner_texts()

    shares = [
        f"{100 * won / met:.0f}" if met else ""
        for won, met in zip(now.wins[0], now.battles[0], strict=True)
    ]
    assert first_row() == shares
    visit.page.get_by_text("Number of battles").click()
    visit.page.locator(".heat-map .n8").first.wait_for()
    assert first_row() == [f"{met:.0f}" if met else "" for met in now.battles[0]]

    visit.page.get_by_text("Ratings over time").click()
    visit.page.locator("#leaderboard-lines svg.marks").wait_for()
    drawn = visit.page.locator(".lines-legend li").all_inner_texts()
    assert drawn == list(now.model_names)


def test_a_vote_appears_while_somebody_looks(
    browser: Browser, backend: Backend, tmp_path: Path
) -> None:
    path = tmp_path / "live.db"
    with (
        served(backend, tmp_path, votes=str(path)) as address,
        visit_page(browser, address) as visit,
    ):
        open_leaderboard(visit)
        visit.page.get_by_text("No votes yet").wait_for()
        store_votes(path, make_votes(["alpha", "beta"], 5))
        visit.page.get_by_text("5 votes on 2 models").wait_for()  # by itself
        assert not visit.page.get_by_text("Go to a battle").is_visible()

        visit.open_tab("Arena")
        store_votes(path, make_votes(["alpha", "beta"], 5, tag="more"))
        visit.open_tab("Leaderboard")
        visit.page.get_by_text("10 votes on 2 models").wait_for()


def test_my_board_is_made_of_my_votes_alone(
    browser: Browser, backend: Backend, tmp_path: Path
) -> None:
    path = tmp_path / "mine.db"
    store_votes(path, make_votes(["gamma", "beta"], 3, tag="theirs", voter="0" * 32))
    own = {"votes": str(path), "secret": SECRET}
    with served(backend, tmp_path, **own) as address, visit_page(browser, address) as visit:
        open_leaderboard(visit)
        visit.page.get_by_text("My votes", exact=True).click()
        visit.page.get_by_text("You have not voted yet").wait_for()
        visit.page.get_by_text("Go to a battle").click()
        visit.page.locator("#battle-run").wait_for()
        assert visit.page.url.endswith("?view=arena")

        cookies = {one["name"]: one["value"] for one in visit.page.context.cookies()}
        name = cookies[COOKIE].rpartition(".")[0]
        me = hash_voter(SECRET, f"visitor {name}")
        store_votes(path, make_votes(["beta", "alpha"], 2, tag="mine", voter=me))
        visit.open_tab("Leaderboard")
        visit.page.get_by_text("2 votes on 2 models").wait_for()
        assert {name for _, name, _ in rows(visit)} == {"alpha", "beta"}


def test_an_empty_board_says_how_it_is_filled(
    browser: Browser, backend: Backend, tmp_path: Path
) -> None:
    with (
        served(backend, tmp_path, votes=str(tmp_path / "empty.db")) as address,
        visit_page(browser, address) as visit,
    ):
        open_leaderboard(visit)
        visit.page.get_by_text("Say which did better").wait_for()
        assert not visit.page.get_by_text("Who won against whom").is_visible()
        visit.page.get_by_text("Automatic", exact=True).click()
        visit.page.get_by_text("python -m vlm_demo battles").wait_for()
        visit.page.get_by_text("Go to a battle").wait_for(state="hidden")


def test_a_database_that_is_gone_is_said_and_comes_back(
    browser: Browser, backend: Backend, tmp_path: Path
) -> None:
    path = tmp_path / "later" / "votes.db"
    with (
        served(backend, tmp_path, votes=str(path), secret=SECRET) as address,
        visit_page(browser, address) as visit,
    ):
        visit.open_tab("Leaderboard")
        notice = visit.page.locator("#leaderboard-words .notice")
        notice.wait_for()
        assert len(notice.inner_text()) > 20
        path.parent.mkdir()
        store_votes(path, make_votes(["alpha", "beta"], 5))
        visit.page.get_by_text("5 votes on 2 models").wait_for()
        assert notice.count() == 0


def test_sixty_models_fit_on_a_phone(
    browser: Browser, backend: Backend, tmp_path: Path, folder: Path
) -> None:
    names = [f"a-model-with-a-rather-long-name-{number}-instruct" for number in range(60)]
    store_votes(tmp_path / "sixty.db", make_votes(names, 3_000))
    with (
        served(backend, tmp_path, votes=str(tmp_path / "sixty.db")) as address,
        visit_page(browser, address, viewport=PHONE, color_scheme="dark") as visit,
    ):
        open_leaderboard(visit)
        assert len(rows(visit)) == 60
        assert visit.sideways() <= 0
        head = visit.page.locator(".standings thead")
        assert head.locator(".interval").is_visible()
        assert not head.locator(".licence").is_visible()
        box = visit.page.locator(".heat-map")
        assert box.evaluate("box => box.scrollWidth > box.clientWidth")
        box.evaluate("box => { box.scrollLeft = 900; box.scrollTop = 500; }")
        name = box.locator("tbody th").nth(25).bounding_box()
        cell = box.locator("tbody tr").nth(25).locator("td").nth(40).bounding_box()
        assert name is not None and cell is not None
        assert 0 <= name["x"] < 60  # names stay where they are while the numbers move
        assert name["x"] + name["width"] <= cell["x"] + 1
        visit.page.screenshot(path=folder / "leaderboard-phone.png")
