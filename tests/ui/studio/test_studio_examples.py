"""The example pictures as Studio shows them: what is drawn on them, and what they ask."""

from __future__ import annotations

import pytest
from PIL import Image

from vlm_demo.engines import ImageKind
from vlm_demo.scenes.painting import draw_scene
from vlm_demo.ui.components.examples import Example, load_examples
from vlm_demo.ui.i18n import LANGUAGES
from vlm_demo.ui.studio.calls.start import example_infos

EXAMPLES = {example.image.name: example for example in load_examples()}
SCENES = {name: one for name, one in EXAMPLES.items() if name.endswith(".png")}
PHOTOS = {name: one for name, one in EXAMPLES.items() if name not in SCENES}


@pytest.mark.parametrize("example", SCENES.values(), ids=list(SCENES))
def test_boxes_are_where_the_scene_has_its_objects(example: Example) -> None:
    scene = draw_scene(int(example.source.rpartition(" ")[2]), 640)
    with Image.open(example.image) as image:
        assert image.size == scene.image.size
    drawn = [(one.phrase, one.box) for one in scene.objects]
    assert [one.names["en"] for one in example.picture.objects] == [name for name, _ in drawn]
    for one, (_, box) in zip(example.picture.objects, drawn, strict=True):
        got, expected = one.box, box
        assert (got.x1, got.y1, got.x2, got.y2) == pytest.approx(
            (expected.x1, expected.y1, expected.x2, expected.y2), abs=1e-4
        )
        assert {"en", *LANGUAGES} == set(one.names)
    assert example.picture.kind is ImageKind.DRAWN_SCENE
    assert example.licence == "Apache-2.0"


@pytest.mark.parametrize("example", PHOTOS.values(), ids=list(PHOTOS))
def test_photographs_are_small_free_and_credited(example: Example) -> None:
    assert example.image.stat().st_size <= 150_000
    assert example.picture.kind is ImageKind.PHOTOGRAPH
    assert example.licence in ("CC0-1.0", "public domain")
    notice = (example.image.parent / "NOTICE").read_text(encoding="utf-8")
    _, _, rest = notice.partition(f"\n{example.image.name}\n")
    assert example.licence.replace("-", " ") in rest.partition("\n\n")[0]


def test_every_example_has_boxes_and_a_request_in_each_language() -> None:
    infos = example_infos(load_examples())
    assert len(infos) == len(EXAMPLES)
    for info in infos:
        assert info["mentions"]
        assert set(info["words"]) == set(info["title"]) == {"en", *LANGUAGES}
        assert all(requests for requests in info["words"].values())
        assert all(ord(letter) < 128 for one in info["words"]["en"] for letter in one["text"])
        assert not any("|" in one["text"] for one in info["words"]["en"])
