"""The view of evaluations, and choosing a model, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.browser import Visit, missing, visit_page
from support.evaluation_runs import question, write_run
from support.scripted import served

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MEASURES = {"caption_f1": 0.9, "locate_iou50": 0.8, "vqa_em": 0.95}


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    menu = default_menu()
    if not all(spec.is_here for spec in menu[:4]):
        missing("The embedded models are not in assets/models.")
    backend = Backend(menu, device="cpu")
    list(backend.load(menu[0].name))
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def address(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("evaluations")
    questions = [question(1, 1), question(2, 0), question(3, 1)]
    for model, score in (("embedded-llava15", 0.9), ("embedded-kosmos2", 0.7)):
        write_run(folder, model, score, questions=questions, measures=MEASURES)
    write_run(folder, "someone/else", 0.99, data="other", questions=questions[:1])
    files = tmp_path_factory.mktemp("gradio")
    with served(backend, files, evaluations=folder) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    with visit_page(browser, address, "?view=models") as visit:
        yield visit


def open_evaluation(visit: Visit) -> None:
    visit.page.click("#evaluation-tab-button")
    visit.page.locator(".evaluation tbody tr").first.wait_for()


def listed(visit: Visit) -> list[str | None]:
    rows = visit.page.locator(".evaluation tbody tr")
    return [row.get_attribute("data-model") for row in rows.all()]


def test_a_table_is_sorted_filtered_and_opened(visit: Visit) -> None:
    page = visit.page
    open_evaluation(visit)
    page.click("[data-sort=scenes]")
    assert listed(visit) == ["embedded-llava15", "embedded-kosmos2", "someone/else"]
    page.click("[data-sort=scenes]")
    assert listed(visit)[0] == "embedded-kosmos2"
    other = page.locator("tr[data-model='someone/else'] td.other button")
    assert "cannot be compared" in (other.get_attribute("title") or "")
    page.locator(".evaluation select[name=size]").select_option("Under 1 billion")
    assert set(listed(visit)) == {"embedded-llava15", "embedded-kosmos2"}
    page.locator("tr[data-model=embedded-llava15] input").check()
    page.locator("tr[data-model=embedded-kosmos2] input").check()
    assert page.locator(".evaluation .radar .shape").count() == 2
    page.locator(".evaluation .tick input").check()
    published = page.locator("tr.published", has_text="EvoVLM-JP").get_by_role("link")
    assert published.all_inner_texts() == ["19.7", "51.3"]

    page.locator("tr[data-model=embedded-llava15] .score").click()
    dialog = page.get_by_role("dialog", name="Questions of a run")
    dialog.get_by_text("question 1", exact=True).wait_for()
    assert dialog.locator(".verdict").inner_text() == "right"
    dialog.locator("img[src*=evaluation-picture]").wait_for()
    assert dialog.locator(".overlay rect.box").count() == 2
    dialog.get_by_label("Which questions").select_option("wrong")
    dialog.get_by_text("truth 2", exact=True).wait_for()
    dialog.get_by_text("1 of 1", exact=True).wait_for()


def test_which_model_for_grounding_commercial_use_and_8_gb_is_three_clicks(visit: Visit) -> None:
    page = visit.page
    table = page.locator("#models-table")
    table.locator(".free", has_text="free on this computer").wait_for()
    clicks = 0
    for words in ("Finds objects", "Commercial use", "Up to 8 GB"):
        table.locator(".quick").get_by_role("button", name=words, exact=True).click()
        clicks += 1
    best = table.locator("tbody tr:visible").first
    assert clicks == 3
    assert best.get_attribute("data-name") == "embedded-llava15"
    assert best.locator("td.score").inner_text().startswith("90.0")
    names = table.locator("tbody tr:visible").evaluate_all(
        "all => all.map((one) => one.dataset.name)"
    )
    assert "llava-1.5-7b-hf" not in names  # on conditions
    best.get_by_role("button").click()
    page.click("#models-open")
    page.locator("#studio-composer").wait_for()
    page.locator("#model-button", has_text="LLaVA 1.5").wait_for()


def test_the_view_fits_the_screen(visit: Visit, folder: Path) -> None:
    open_evaluation(visit)
    visit.page.locator("tr[data-model=embedded-llava15] input").check()
    visit.keep_looks(folder, "evaluation")
