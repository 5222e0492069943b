"""The Models tab in a real browser: searching, filtering, a card, loading and unloading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.browser import Visit, missing, visit_page

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.values import Request, Sampling, Task

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator


EMBEDDED = "embedded-kosmos2"


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    """The menu as it ships, with its default model loaded."""
    menu = default_menu()
    if not all(spec.is_here for spec in menu[:4]):
        missing("The embedded models are not in assets/models.")
    backend = Backend(menu, device="cpu")
    list(backend.load(menu[0].name))
    yield backend
    backend.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    with visit_page(browser, address) as visit:
        open_models(visit)
        yield visit


def open_models(visit: Visit) -> None:
    visit.open_tab("Models")
    visit.page.locator("#models-table .free", has_text="free on this computer").wait_for()


def visible_rows(visit: Visit) -> Locator:
    return visit.page.locator("#models-table tbody tr:visible")


def count_found(visit: Visit) -> int:
    """How many models are listed, as the table says it."""
    said = visit.page.locator("#models-table .count").inner_text()
    count = int(said.split()[0])
    assert count == visible_rows(visit).count()
    return count


def row(visit: Visit, name: str) -> Locator:
    return visit.page.locator(f"#models-table tbody tr[data-name='{name}']")


def card(visit: Visit) -> Locator:
    return visit.page.locator("#models-detail")


def wait_for_card(visit: Visit, name: str) -> None:
    """Wait for the card of a model, which has a title in place of its name, or none."""
    card(visit).locator("h2, h2 ~ .fine", has_text=name).first.wait_for()


def test_the_whole_menu_is_listed_and_searched(visit: Visit, backend: Backend) -> None:
    search = visit.page.locator("#models-table input[type=search]")
    assert count_found(visit) == len(backend.menu)
    search.fill("smolvlm 256m")
    assert set(visible_rows(visit).locator("td.name button").all_text_contents()) == {
        "SmolVLM-256M-Instruct",
        "SmolVLM2-256M-Video-Instruct",
    }
    search.fill("there is no such model")
    assert count_found(visit) == 0
    visit.page.get_by_text("No model matches").wait_for()
    visit.page.get_by_role("button", name="Clear").click()
    assert count_found(visit) == len(backend.menu)


def test_rows_stand_close_and_under_their_headings(visit: Visit) -> None:
    table = visit.page.locator("#models-table")
    rows = [table.locator("tbody tr").nth(index).bounding_box() for index in range(2)]
    first, second = (box for box in rows if box)
    assert second["y"] - first["y"] - first["height"] < 1
    assert first["height"] < 80
    for name in ("size", "licence", "memory", "fits"):
        heading = table.locator(f"th.{name}").bounding_box()
        cell = table.locator(f"tbody td.{name}").first.bounding_box()
        assert heading
        assert cell
        assert abs(heading["x"] - cell["x"]) < 1


def test_the_last_of_two_quick_choices_is_shown(visit: Visit) -> None:
    names = ["llava-1.5-7b-hf", "kosmos-2-patch14-224"]
    click = """(buttons, names) =>
        names.forEach((name) => buttons.find(({textContent}) => textContent === name).click())"""
    visit.page.locator("#models-table td.name button").evaluate_all(click, names)
    assert visit.page.locator("#models-table tr.chosen button").inner_text() == names[-1]
    wait_for_card(visit, names[-1])


def test_filters_work_together(visit: Visit, backend: Backend) -> None:
    table = visit.page.locator("#models-table")

    def expected(**wanted: object) -> set[str]:
        return {
            spec.name
            for spec in backend.menu
            if ("locate" in spec.abilities)
            and (spec.commercial == "yes" or "licence" not in wanted)
            and (spec.runs_here or "here" not in wanted)
            and ("Japanese" in spec.languages or "language" not in wanted)
        }

    def listed_names() -> set[str]:
        return set(visible_rows(visit).evaluate_all("all => all.map((one) => one.dataset.name)"))

    table.locator("select[name=can]").select_option("locate")
    assert listed_names() == expected()
    table.locator("select[name=licence]").select_option("Commercial use allowed")
    assert listed_names() == expected(licence=True)
    table.get_by_label("Runs here").check()
    assert listed_names() == expected(licence=True, here=True)
    table.locator("select[name=language]").select_option("Japanese")
    assert listed_names() == expected(licence=True, here=True, language=True)
    assert "embedded-llava15" in listed_names()
    table.get_by_label("Fits this computer").check()
    assert "embedded-llava15" in listed_names()
    table.locator("select[name=size]").select_option("Over 15 billion")
    assert not any("embedded" in name for name in listed_names())


def test_a_card_tells_everything_and_marks_what_is_not_certain(
    visit: Visit, backend: Backend
) -> None:
    spec = backend.spec("llava-1.5-7b-hf")
    row(visit, spec.name).click()
    wait_for_card(visit, spec.name)
    text = card(visit).inner_text()
    for fact in ("7.06 billion", "16.9 GB", spec.licence, "on conditions", *spec.languages):
        assert fact in text
    links = card(visit).get_by_role("link").all()
    assert spec.source in [link.get_attribute("href") for link in links]
    assert card(visit).locator("dd .doubt").count() == len(spec.unverified_fields)
    grey = card(visit).locator(".ability.unable").all_inner_texts()
    assert any("masks" in words for words in grey)
    assert "not supported by" in text


def test_a_model_that_runs_elsewhere_says_why_and_cannot_be_used(
    visit: Visit, backend: Backend
) -> None:
    spec = next(spec for spec in backend.menu if spec.runs == "remote code")
    visit.page.locator("#models-table input[type=search]").fill(spec.name)
    assert "its own code" in (row(visit, spec.name).text_content() or "")
    row(visit, spec.name).click()
    card(visit).get_by_text("revision that you have read").wait_for()
    for button in ("use", "load", "unload"):
        visit.page.locator(f"#models-{button}").wait_for(state="hidden")
    visit.page.click("#model-button")
    visit.page.fill("#model-panel input[type=search]", spec.name)
    found = visit.page.locator(f"[data-model='{spec.name}']")
    assert found.get_attribute("aria-disabled") == "true"


def test_a_model_is_loaded_used_and_unloaded(visit: Visit, backend: Backend) -> None:
    page = visit.page
    row(visit, EMBEDDED).get_by_role("button").press("Enter")
    wait_for_card(visit, EMBEDDED)
    page.click("#models-load")
    row(visit, EMBEDDED).locator(".badge").wait_for()
    assert backend.is_loaded(EMBEDDED)
    page.locator("#models-load").wait_for(state="hidden")

    page.click("#models-use")
    page.locator("#model-button", has_text="Kosmos-2").wait_for()

    page.click("#models-unload")
    row(visit, EMBEDDED).locator(".badge").wait_for(state="detached")
    assert not backend.is_loaded(EMBEDDED)
    page.locator("#models-load").wait_for()


def test_a_model_is_loaded_in_another_format(visit: Visit, backend: Backend) -> None:
    page = visit.page
    row(visit, EMBEDDED).click()
    wait_for_card(visit, EMBEDDED)
    page.click("#models-format input")
    page.locator("#models-format [role=option]").first.wait_for()
    offered = page.locator("#models-format [role=option]").all_inner_texts()
    assert [words.split("·")[0].strip("✓ \n") for words in offered] == [
        *("Original", "bfloat16", "8-bit", "4-bit")
    ]
    assert all("MB" in words for words in offered)
    page.get_by_role("option", name=re.compile("bfloat16")).click()
    page.click("#models-load")
    row(visit, EMBEDDED).locator(".badge").wait_for()
    usage = page.locator("#models-usage")
    usage.get_by_text("bfloat16").wait_for()
    page.locator("#models-load").wait_for(state="hidden")

    page.click("#models-format input")
    page.get_by_role("option", name=re.compile("Original")).click()
    page.get_by_role("button", name="Load again").click()
    usage.get_by_text("float32").wait_for()
    assert backend.number_format(EMBEDDED) == "auto"
    backend.unload(EMBEDDED)


def test_what_a_loaded_model_does_is_shown_and_refreshed(visit: Visit, backend: Backend) -> None:
    name = backend.menu[1].name
    list(backend.load(name))
    row(visit, name).click()
    wait_for_card(visit, name)
    usage = visit.page.locator("#models-usage")
    before = backend.usage(name)
    assert before
    usage.get_by_text(f"0 answering, {before.requests:,} so far").wait_for()
    list(backend.answer(name, Request(Task.CHAT, "hi")))
    visit.page.click("#models-refresh")
    usage.get_by_text(f"0 answering, {before.requests + 1:,} so far").wait_for()
    for words in ("In memory", "float32", "Prompt cache hits", "KV cache", "Tokens per step"):
        assert words in usage.inner_text()


def test_a_model_that_is_answering_stays(visit: Visit, backend: Backend) -> None:
    name = backend.menu[1].name
    list(backend.load(name))
    answers = backend.answer(name, Request(Task.CHAT, "hi", sampling=Sampling(max_new_tokens=400)))
    next(answers)
    row(visit, name).click()
    visit.page.click("#models-unload")
    visit.wait_for_message("is answering")
    assert backend.is_loaded(name)
    answers.close()


def test_a_model_that_cannot_be_fetched_says_so_on_its_card(visit: Visit) -> None:
    row(visit, "kosmos-2-patch14-224").click()
    card(visit).get_by_role("heading", name=re.compile("kosmos-2")).wait_for()
    visit.page.click("#models-load")
    card(visit).get_by_role("alert").filter(has_text="not on this computer").wait_for()
    assert visit.page.locator("#models-load").is_enabled()


def test_the_tab_fits_the_screen(visit: Visit, backend: Backend, folder: Path) -> None:
    list(backend.answer("embedded-llava15", Request(Task.CHAT, "hi")))
    open_models(visit)
    visit.keep_looks(folder, "models-first")
    for step, model in (
        ("loaded", "embedded-llava15"),
        ("card", "llava-1.5-7b-hf"),
        ("grey", "llava-v1.5-7b"),
    ):
        # By keyboard: rows that come into sight get their height only then, and move.
        row(visit, model).get_by_role("button").press("Enter")
        wait_for_card(visit, model)
        visit.keep_looks(folder, f"models-{step}")
