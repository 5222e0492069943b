"""The call that outlines regions, with a tiny SAM."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support import ROOT
from support.tiny_segmenters import save_sam

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.settings import Settings
from vlm_demo.ui.studio.calls.outline_calls import OutlineCalls
from vlm_demo.ui.studio.images import ImageStore

pytestmark = pytest.mark.models

OWNER = "hash of owner alice"
REGIONS = [{"box": [0.1, 0.1, 0.6, 0.7]}, {"point": [0.5, 0.5]}, {"box": [0.2, 0.2, 0.2, 0.4]}]


def segmenter(checkpoint: str) -> ModelSpec:
    return ModelSpec(
        name="sam", family="segmenter", engine="segmenter", checkpoint=checkpoint, parameters=10**8
    )


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageStore:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return ImageStore(Settings())


def ask(images: ImageStore, spec: ModelSpec, **changes: Any) -> dict[str, Any]:
    image = images.add_file(ROOT / "assets" / "examples" / "shapes.png", "shapes", OWNER)["id"]
    state = SimpleNamespace(visitor="alice", owner=OWNER)
    visitor: Any = SimpleNamespace(username=None, state=state, session_hash="s")
    backend = Backend([spec], device="cpu")
    try:
        sent = {"image": image, "regions": REGIONS} | changes
        return OutlineCalls(backend, images).studio_outline(sent, visitor)
    finally:
        backend.close()


def test_regions_come_back_as_polygons_in_their_order(images: ImageStore, tmp_path: Path) -> None:
    result = ask(images, segmenter(str(save_sam(tmp_path / "sam"))))
    assert result["model"] == "sam"
    *found, without_area = result["outlines"]
    assert len(found) == 2 and without_area is None
    assert all(one is None or len(one["polygon"]) >= 3 for one in found)


def test_a_model_that_has_to_be_fetched_is_named_first(images: ImageStore) -> None:
    result = ask(images, segmenter("nobody/sam"))
    assert result["needs"]["name"] == "sam" and "MB" in result["needs"]["size"]


def test_bad_requests_are_refused_in_words(images: ImageStore) -> None:
    for changes in (
        {"regions": []},
        {"regions": [{"box": [0, 0, 2, 1]}]},
        {"regions": REGIONS * 400},
        {"model": "embedded-llava15"},
    ):
        assert ask(images, segmenter("nobody/sam"), **changes)["error"]["words"]
