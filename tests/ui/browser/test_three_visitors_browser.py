"""Three browsers at once on one page: nobody sees or reaches what another was sent."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from support.browser import Visit, visit_page, wait_until
from support.scripted import ScriptedEngine

if TYPE_CHECKING:
    from playwright.sync_api import Browser

COLOURS = ("red", "green", "blue")

LEAK = "[0.10, 0.20, 0.40, 0.60]"


@pytest.fixture(scope="module")
def engine() -> ScriptedEngine:
    return ScriptedEngine({f"the {one} secret": f"The {one} secret is {LEAK}." for one in COLOURS})


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("secrets")
    paths = {one: folder / f"{one}.tiff" for one in COLOURS}  # no browser shows it by itself
    for colour, path in paths.items():
        Image.new("RGB", (640, 480), colour).save(path)
    return paths


def test_three_browsers_at_once_share_nothing(
    browser: Browser, address: str, pictures: dict[str, Path]
) -> None:
    with ExitStack() as stack:
        visits = {one: stack.enter_context(visit_page(browser, address)) for one in COLOURS}
        files = {one: _collect_files(visit) for one, visit in visits.items()}
        for one, visit in visits.items():
            visit.show(pictures[one])
            visit.choose_task("find")
        for one, visit in visits.items():  # all are asked before any is read
            visit.page.fill("#studio-composer", f"the {one} secret")
            visit.page.press("#studio-composer", "Enter")
        for one, visit in visits.items():
            visit.wait_for_turn()
            assert list(visit.layers()) == [f"the {one} secret"]
            words = visit.page.locator("body").inner_text()
            assert not [other for other in COLOURS if other != one and f"{other} secret" in words]
        conversations = {one: _conversation(visit) for one, visit in visits.items()}
        for one, visit in visits.items():
            assert files[one], "nothing was sent that could leak"
            _try_what_others_have(visit, files[one], is_own=True)
            for other in set(COLOURS) - {one}:
                _try_what_others_have(visit, files[other], is_own=False)
        visit, other = visits["red"], conversations["green"]
        visit.page.goto(f"{address}?view=studio&conversation={other}")
        visit.page.get_by_text("This conversation is not stored in this browser.").wait_for()
        assert "green secret" not in visit.page.locator("body").inner_text()


def _collect_files(visit: Visit) -> set[str]:
    """Return a set that fills with the addresses of files that only this visitor was sent."""
    found: set[str] = set()

    def keep(url: str) -> None:
        if "/visitors/" in url:
            found.add(url)

    visit.page.on("response", lambda response: keep(response.url))
    return found


def _conversation(visit: Visit) -> str:
    wait_until(lambda: "conversation=" in visit.page.url)
    return visit.page.url.partition("conversation=")[2].partition("&")[0]


def _try_what_others_have(visit: Visit, urls: set[str], *, is_own: bool) -> None:
    for url in urls:
        status = visit.page.request.get(url).status
        assert (status == 200) is is_own, (url, status)
