"""The choice of what the numbers of an answer count, in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.browser import Visit
from support.scripted import ScriptedEngine, served

import vlm_demo.backend
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.values import Box


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page with a model of which nothing is known; it answers in pixels of the picture."""
    engine = ScriptedEngine({"Find": '[{"label": "circle", "bbox": [80, 60, 320, 300]}]'})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vlm_demo.backend, "open_engine", lambda *_: engine)
        backend = Backend((ModelSpec(name="any", family="generic", checkpoint="here"),))
        with served(backend, tmp_path_factory.mktemp("gradio")) as address:
            yield address
        backend.close()


def test_boxes_are_drawn_once_it_is_chosen_what_they_count(visit: Visit, circle: Path) -> None:
    page = visit.page
    visit.open_tab("Locate")
    visit.upload("locate-picture", circle)
    page.locator("#locate-picture .stage img").wait_for()
    visit.locate("red circle")
    note = page.locator("#locate-answer .answer-note").first
    note.filter(has_text="choose what their numbers count").wait_for()
    assert page.locator("#locate-picture rect.box").count() == 0
    page.locator("#locate-space input").click()
    page.get_by_role("option", name="pixels of the picture", exact=True).click()
    page.locator("#locate-picture rect.box").wait_for(state="attached")
    assert visit.boxes("locate-picture")[0].iou(Box(0.1, 0.1, 0.4, 0.5)) > 0.95
    # It is remembered for the model.
    visit.locate("circle")
    note.filter(has_text="1 place").wait_for()
    assert page.locator("#locate-picture rect.box").count() == 1
