"""Words that others wrote ask no other address and do not run, whichever view shows them.

Studio's answers have tests of their own; here are the arena, batches, the boards and the models.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from support.browser import Visit
from support.evaluation_runs import question, write_run
from support.other_site import OtherSite
from support.payloads import payloads
from support.scripted import ScriptedEngine, served
from support.votes import make_votes, store_votes

import vlm_demo.backend
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines.base import Usage

NASTY = "<img src=x onerror=alert(1)>"
"""A name that asks the page for x, which is a complaint of the browser, where it is not escaped."""


class CountedEngine(ScriptedEngine):
    """Also says what it is doing, which cards of models show."""

    def usage(self) -> Usage:
        return Usage()


@pytest.fixture(scope="module")
def site() -> Iterator[OtherSite]:
    site = OtherSite()
    yield site
    site.close()


@pytest.fixture(scope="module")
def texts(site: OtherSite) -> tuple[str, ...]:
    return payloads(site.address)


@pytest.fixture(scope="module")
def engine(texts: tuple[str, ...]) -> ScriptedEngine:
    """Answers every question with all the texts."""
    return CountedEngine({"": "\n\n".join(texts)}, pause_s=0)


@pytest.fixture(scope="module")
def backend(engine: ScriptedEngine, texts: tuple[str, ...]) -> Iterator[Backend]:
    """Two models whose names, licences, notes and sources are hostile too."""
    menu = tuple(
        ModelSpec(
            name=f"{number} {NASTY}",
            family="llava15",
            checkpoint=f"model-{number}",
            engine="remote",
            base_url="http://127.0.0.1:9/v1",
            licence=texts[22 + number],
            languages=texts[:3],
            resolution=texts[45],
            source=f"https://example.org/'onmouseover=alert(1) x='{texts[48]}",
            note=" ".join(texts),
        )
        for number in (1, 2)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vlm_demo.backend, "open_engine", lambda *_, **__: engine)
        backend = Backend(menu)
        yield backend
        backend.close()


@pytest.fixture(scope="module")
def address(
    backend: Backend, texts: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A page with votes for models, and an evaluation of a model, whose words are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    store_votes(folder / "votes.db", make_votes([NASTY, *(one[:200] for one in texts[22:30])], 200))
    words = " ".join(texts)
    asked = question(1, 0) | {"question": words, "answer": words, "prediction": words}
    asked["truth"] = {"answer": words, "boxes": [{"label": words, "box": [0.1, 0.1, 0.4, 0.5]}]}
    write_run(folder / "runs", NASTY, 0.5, questions=[asked])
    settings = {"votes": str(folder / "votes.db"), "evaluations": folder / "runs"}
    with served(backend, folder / "page", **settings) as address:
        yield address


@pytest.fixture
def archive(texts: tuple[str, ...], tmp_path: Path) -> Path:
    """A ZIP of ten files whose names are some of the texts; every second one is no picture."""
    picture = io.BytesIO()
    Image.new("RGB", (32, 24), "red").save(picture, "PNG")
    path = tmp_path / "names.zip"
    with zipfile.ZipFile(path, "w") as file:
        for number, text in enumerate((NASTY, *texts[:4], *texts[22:27])):
            name = text.replace("\n", " ").replace("/", "-")[:150]
            file.writestr(f"{number}{name}.png", picture.getvalue() if number % 2 else b"none")
    return path


def test_no_view_asks_another_address_or_runs_what_others_wrote(
    visit: Visit, site: OtherSite, texts: tuple[str, ...], circle: Path, archive: Path
) -> None:
    """Leaving the visit fails for any request elsewhere and any refusal of the policy."""
    _fight_a_battle(visit, circle, " ".join(texts))
    _look_at_boards_and_models(visit)
    _run_a_batch(visit, archive)
    visit.page.wait_for_timeout(500)
    assert site.connections == 0


def _fight_a_battle(visit: Visit, picture: Path, words: str) -> None:
    page = visit.page
    visit.open_tab("Arena")
    visit.upload("battle-picture", picture)
    page.locator("#battle-picture .sheet img").wait_for()
    page.fill("#battle-words textarea, #battle-words input", words[:8_000])
    page.click("#battle-run")
    page.locator(".battle-status[data-tone=votable]").wait_for()
    page.locator("#battle-a .answer-text", has_text="onerror").wait_for()
    page.click("#battle-vote-3")
    page.locator(".battle-status[data-tone=voted]", has_text=NASTY).wait_for()


def _look_at_boards_and_models(visit: Visit) -> None:
    page = visit.page
    visit.open_tab("Leaderboard")
    page.locator("#leaderboard-table .leaderboard-frame", has_text=NASTY).wait_for()
    page.click("#model-button")
    page.locator("#model-panel [data-model]", has_text=NASTY).first.wait_for()
    page.keyboard.press("Escape")
    visit.open_tab("Models")
    page.locator("#models-table tbody tr", has_text=NASTY).first.click()
    page.locator("#models-detail", has_text="onerror=fetch").wait_for()
    page.click("#evaluation-tab-button")
    page.locator(".evaluation tbody tr .score").first.click()
    dialog = page.get_by_role("dialog", name="Questions of a run")
    dialog.get_by_text("onerror=fetch").first.wait_for()
    page.keyboard.press("Escape")


def _run_a_batch(visit: Visit, archive: Path) -> None:
    page = visit.page
    visit.open_tab("Batch")
    page.set_input_files("#batch-files input[type=file]", str(archive))
    page.locator("#batch-files .file-preview, #batch-files table").first.wait_for()
    page.fill("#batch-words textarea", NASTY)
    page.click("#batch-begin")
    page.locator("#batch-view .batch-line b", has_text="Finished").wait_for()
    page.locator("#batch-view tbody tr button").nth(1).click()
    page.locator("#batch-answer .answer-text", has_text="onerror").wait_for()
    page.click("#batch-view [data-show=failures]")
    page.locator("#batch-view tbody tr", has_text=NASTY).first.wait_for()
